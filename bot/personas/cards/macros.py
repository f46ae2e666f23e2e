"""Curly-brace macros of cards: ``{{char}}``, ``{{user}}``, ``{{original}}``, ``{{random::a::b}}`` and the like.

A text is read once, from the inside out; what was put in is never read again, so that nobody's name can be a
macro. Chance follows ``seed`` and the macro's place: the same text renders the same every time.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

LIMIT = 200_000  # characters of a rendering
MAX_NESTED = 16
_PLAIN = {"newline": "\n", "trim": "", "noop": ""}

_KNOWN = {*_PLAIN, *"char user original comment hidden_key reverse random pick roll".split()}
_NAME = re.compile(r"\{\{\s*([A-Za-z_]{1,40})(?=[\s:}])")
_MARK = re.compile(r"\{\{|\}\}|<(?:bot|char|user)>", re.IGNORECASE)
_COMMA = re.compile(r"(?<!\\),")
_DICE = re.compile(r"(?:([1-9][0-9]?)?d)?([1-9][0-9]{0,8})([-+][0-9]{1,9})?", re.IGNORECASE)
_SPACED = re.compile(r"\s*(roll|random|pick|reverse)\s+(?=\S)", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Cast:
    """Who is who while a text is rendered. ``original`` is what a card's own prompt takes the place of."""

    char: str
    user: str
    original: str = ""
    seed: str = ""


def rendered(text: str, cast: Cast, *, hidden: bool = False, limit: int = LIMIT) -> str:
    """``text`` with its macros replaced: what a model is shown. At most ``limit`` characters of it.

    Comments (``{{// a}}``, ``{{comment: a}}``) and ``{{hidden_key:a}}`` leave nothing; with ``hidden``, as
    other entries are looked for in it, a hidden key leaves its value. Unknown macros stay as they stand.
    """
    return _Rendering(cast, hidden, limit).of(text)


@dataclass
class _Rendering:
    cast: Cast
    hidden: bool
    limit: int
    open: list[list[str]] = field(default_factory=lambda: [[]])  # the text so far, then each open macro's
    drawn: int = 0

    def of(self, text: str) -> str:
        at, size = 0, 0
        for mark in _MARK.finditer(text):
            # Even an empty piece: the first piece of a macro is its own text, never a value put in.
            size += self._add(text[at : mark.start()]) + self._mark(mark.group())
            at = mark.end()
            if size > 2 * self.limit:  # what is open now is lost with the rest
                return "".join(self.open[0])[: self.limit]
        self._add(text[at:])
        while len(self.open) > 1:  # never closed: plain text
            unclosed = self.open.pop()
            self._add("{{" + "".join(unclosed))
        return "".join(self.open[0])[: self.limit]

    def _mark(self, mark: str) -> int:
        if mark == "{{" and len(self.open) <= MAX_NESTED:
            self.open.append([])
            return 0
        if mark == "}}" and len(self.open) > 1:
            pieces = self.open.pop()
            return self._add(self._value(pieces[0], "".join(pieces)))
        if mark in ("{{", "}}"):
            return self._add(mark)
        return self._add(self.cast.user if mark.lower() == "<user>" else self.cast.char)

    def _add(self, piece: str) -> int:
        self.open[-1].append(piece)
        return len(piece)

    def _value(self, own: str, macro: str) -> str:
        """What stands for ``macro``; ``own`` is its text before anything was put into it."""
        if own.lstrip().startswith("//"):
            return ""
        plain = "{{" + macro + "}}"
        if spaced := _SPACED.match(own):  # {{roll 1d6}}
            own, macro = f"{spaced[1]}:{own[spaced.end() :]}", f"{spaced[1]}:{macro[spaced.end() :]}"
        name, colon, _ = own.partition(":")
        name, argument = name.strip().lower(), macro[len(name) + 1 :]
        if not colon:
            return self._named(name, macro) if own == macro else plain
        if name == "comment":
            return ""
        if name == "hidden_key":
            return argument if self.hidden else ""
        if name == "reverse":
            return argument[::-1]
        if name in ("random", "pick"):
            return self._chosen(name, argument)
        if name == "roll" and (dice := _DICE.fullmatch(argument.strip(": "))):
            return str(sum(self._rolled(argument, dice)))
        return plain

    def _named(self, name: str, macro: str) -> str:
        named = {"char": self.cast.char, "user": self.cast.user, "original": self.cast.original}
        return (named | _PLAIN).get(name, "{{" + macro + "}}")

    def _rolled(self, argument: str, dice: re.Match[str]) -> Iterator[int]:
        for _ in range(int(dice[1] or 1)):
            yield 1 + self._chance(argument) % int(dice[2])
        yield int(dice[3] or 0)

    def _chosen(self, name: str, argument: str) -> str:
        # Between two colons each, as SillyTavern writes it, or commas; {{pick::a,b}} is in the specification, too.
        argument = argument.removeprefix(":")
        choices = argument.split("::") if "::" in argument else _COMMA.split(argument)
        # The same pick has the same value all through a text; random is drawn at every place.
        chance = self._chance(argument, placed=name == "random")
        return choices[chance % len(choices)].replace("\\,", ",").strip()

    def _chance(self, macro: str, *, placed: bool = True) -> int:
        if placed:
            self.drawn += 1
        key = f"{self.cast.seed}\0{macro}\0{self.drawn if placed else ''}"
        return int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big")


def unknown(text: str) -> list[str]:
    """The names of macros in a text that stay as they stand."""
    names = (name.strip().lower() for name in _NAME.findall(text))
    return [name for name in dict.fromkeys(names) if name not in _KNOWN]
