"""Regular expressions of strangers, matched in linear time.

A key of a card's lorebook may be a regular expression, and a card may come from anybody: Python's own matcher
would let ``(a+)+$`` stand still for years, and compiling ``(a{99999}){99999}`` takes all memory. So the subset that
needs no going back (what RE2 takes: no lookaround, no back reference) is compiled to a small `automaton`.
"""

from __future__ import annotations

import re
from dataclasses import replace

from bot.personas.cards.automaton import Pattern, State, Test, is_word

MAX_LENGTH = 500  # characters of a pattern
MAX_STATES = 500
MAX_NESTED = 20

_SLASHED = re.compile(r"/(.+)/([a-z]*)", re.DOTALL)
_COUNT = re.compile(r"\{([0-9]{1,4})(,?)([0-9]{0,4})\}")
_HEX = re.compile(r"x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|u\{([0-9A-Fa-f]{1,6})\}")
_NAME = re.compile(r"<[A-Za-z_]\w*>")
_FLAGS = frozenset("gimsuy")
_CONTROLS = {"n": "\n", "r": "\r", "t": "\t", "f": "\f", "v": "\v"}


class PatternError(ValueError):
    """The text says what of the pattern is not taken."""


def is_pattern(key: str) -> bool:
    """Whether a key is written as a regular expression: ``/pattern/flags``."""
    return _SLASHED.fullmatch(key) is not None


def compiled(key: str, *, ignore_case: bool) -> Pattern:
    """The pattern of a key, written ``/pattern/flags`` or bare. Raises PatternError for what is not taken.

    ``ignore_case`` is for a bare one; flags say it themselves. g, u and y make no difference here.
    """
    flags = ""
    if slashed := _SLASHED.fullmatch(key):
        key, flags = slashed[1], slashed[2]
        ignore_case = "i" in flags
        if not _FLAGS.issuperset(flags):
            raise PatternError(f"unknown flags {flags!r}")
    if len(key) > MAX_LENGTH:
        raise PatternError(f"longer than {MAX_LENGTH} characters")
    states = [*_Reader(key, ignore_case, "s" in flags).all(), State("found")]
    placed = any(state.kind not in ("take", "fork", "found") for state in states)
    return Pattern(tuple(states), "m" in flags, placed)


class _Reader:
    """Reads a pattern into states. Ways of a fork are relative until `all` has the whole."""

    def __init__(self, source: str, ignore_case: bool, dot_all: bool) -> None:
        self.source, self.at, self.nested = source, 0, 0
        self.ignore_case, self.dot_all = ignore_case, dot_all

    def all(self) -> list[State]:
        states = self._either()
        if self.at < len(self.source):
            raise PatternError("a ) without its (")
        return [
            replace(state, ways=tuple(number + way for way in state.ways)) if state.ways else state
            for number, state in enumerate(states)
        ]

    def _either(self) -> list[State]:
        states = self._row()
        while self._next("|"):
            other = self._row()
            fork, leave = State("fork", ways=(1, len(states) + 2)), State("fork", ways=(len(other) + 1,))
            states = _bounded([fork, *states, leave, *other])
        return states

    def _row(self) -> list[State]:
        states: list[State] = []
        while self.at < len(self.source) and self.source[self.at] not in "|)":
            states += self._repeated(self._one())
            _bounded(states)
        return states

    def _repeated(self, one: list[State]) -> list[State]:
        if self._next("*"):
            low, high = 0, None
        elif self._next("+"):
            low, high = 1, None
        elif self._next("?"):
            low, high = 0, 1
        elif count := _COUNT.match(self.source, self.at):
            self.at = count.end()
            low = int(count[1])
            high = int(count[3]) if count[3] else None if count[2] else low
        else:
            return one
        self._next("?")  # greedy or not: it matches the same texts
        if self.source[self.at : self.at + 1] in ("*", "+", "?"):
            raise PatternError("a repeat of a repeat")
        return _repeat(one, low, high)

    def _one(self) -> list[State]:
        if self._next("("):
            return self._group()
        if self._next("["):
            return self._class()
        if self._next("."):
            return [State("take", _anything if self.dot_all else _anything_in_a_line)]
        if self._next("^"):
            return [State("begin")]
        if self._next("$"):
            return [State("end")]
        if self._next("\\"):
            if self._next("b"):
                return [State("boundary")]
            if self._next("B"):
                return [State("inside")]
            return self._take(self._escape())
        character = self._character()
        if character in "*+?" or (character == "{" and _COUNT.match(self.source, self.at - 1)):
            raise PatternError("a repeat of nothing")
        return self._take(_range(character, character))

    def _group(self) -> list[State]:
        if self._next("?") and not self._next(":"):
            name = _NAME.match(self.source, self.at)
            if not name:
                raise PatternError("lookaround and other groups with (? are not supported")
            self.at = name.end()
        self.nested += 1
        if self.nested > MAX_NESTED:
            raise PatternError(f"nested more than {MAX_NESTED} deep")
        states = self._either()
        if not self._next(")"):
            raise PatternError("a ( without its )")
        self.nested -= 1
        return states

    def _class(self) -> list[State]:
        negated = self._next("^")
        singles: set[str] = set()
        tests: list[Test] = [singles.__contains__]
        while not self._next("]"):
            first = self._member()
            if not isinstance(first, str):
                tests.append(first)
            elif self.source.startswith("-", self.at) and not self.source.startswith("-]", self.at):
                self.at += 1
                last = self._member()
                if not isinstance(last, str) or last < first:
                    raise PatternError("a range in [ ] that goes backwards or to no character")
                tests.append(_range(first, last))
            else:
                singles.add(first)
        inner = _any(tests, self.ignore_case)
        return [State("take", (lambda c: not inner(c)) if negated else inner, weight=len(tests))]

    def _member(self) -> str | Test:
        if not self._next("\\"):
            return self._character()
        if self._next("b"):
            return "\b"
        if self._next("-"):
            return "-"
        return self._escaped()

    def _escape(self) -> Test:
        escaped = self._escaped()
        return _range(escaped, escaped) if isinstance(escaped, str) else escaped

    def _escaped(self) -> str | Test:
        """What stands after a backslash: a character, or a class of them."""
        if code := _HEX.match(self.source, self.at):
            self.at = code.end()
            number = int(code[1] or code[2] or code[3], 16)
            if number > 0x10FFFF:
                raise PatternError("a character beyond Unicode")
            return chr(number)
        character = self._character()
        if character.lower() in _CLASSES:
            test = _CLASSES[character.lower()]
            return test if character.islower() else (lambda c: not test(c))
        if character in _CONTROLS:
            return _CONTROLS[character]
        if character.isalnum():
            raise PatternError(f"\\{character} is not supported")
        return character

    def _take(self, test: Test) -> list[State]:
        return [State("take", _any([test], self.ignore_case))]

    def _next(self, sign: str) -> bool:
        if self.source.startswith(sign, self.at):
            self.at += len(sign)
            return True
        return False

    def _character(self) -> str:
        if self.at >= len(self.source):
            raise PatternError("it ends too early")
        self.at += 1
        return self.source[self.at - 1]


def _bounded(states: list[State]) -> list[State]:
    if len(states) > MAX_STATES:
        raise PatternError(f"too large: more than {MAX_STATES} states")
    return states


def _repeat(one: list[State], low: int, high: int | None) -> list[State]:
    if high is not None and high < low:
        raise PatternError("a repeat that goes backwards")
    copies = max(low, 1) if high is None else high
    if len(one) * copies > MAX_STATES or copies > MAX_STATES:
        raise PatternError(f"too large: more than {MAX_STATES} states")
    states = one * low
    if high is None:
        loop = [State("fork", ways=(1, len(one) + 2)), *one, State("fork", ways=(-len(one) - 1,))]
        return _bounded(states + loop)
    for _ in range(high - low):
        states = [*states, State("fork", ways=(1, len(one) + 1)), *one]
    return _bounded(states)


def _range(first: str, last: str) -> Test:
    return lambda c: first <= c <= last


def _any(tests: list[Test], ignore_case: bool) -> Test:
    def test(character: str) -> bool:
        return any(one(character) for one in tests)

    def caseless(character: str) -> bool:
        cases = {character, character.lower(), character.upper()}
        return any(test(case) for case in cases if len(case) == 1)

    return caseless if ignore_case else test


def _anything(_: str) -> bool:
    return True


def _anything_in_a_line(character: str) -> bool:
    return character not in "\n\r\u2028\u2029"


_CLASSES: dict[str, Test] = {
    "d": lambda c: "0" <= c <= "9",
    "w": is_word,
    "s": str.isspace,
}
