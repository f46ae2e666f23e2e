"""The `human` block as lines of "Key: value": what it says, and which edits a new fact needs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bot.models.offline.lexicon import anycase, is_small, wordset
from bot.models.offline.lines import Line
from bot.models.offline.persons import THE_USER, second_of_named
from bot.models.offline.words import capital, joined

_DIETS = wordset("vegan vegetarian pescatarian")  # of which one has one
MULTI = frozenset({"likes", "dislikes", "prefers", "speaks", "allergic to", "diet"})

_TOLD = {
    **{key: f"{{n}} {key} {{v}}" for key in
       ("lives in", "works as", "works at", "speaks", "likes", "dislikes", "prefers")},
    **{key: f"{{n}} is {key} {{v}}" for key in ("from", "allergic to")},
    **{key: f"{{n}}'s {key} is {{v}}" for key in ("name", "birthday", "time zone")},
    "age": "{n} is {v} years old", "diet": "{n} is {v}", "pronouns": "{n}'s pronouns are {v}",
}  # fmt: skip


@dataclass(frozen=True)
class Edit:
    """``old`` is replaced by ``new``; without ``old``, ``new`` is appended."""

    key: str
    old: str
    new: str


class Profile:
    """Reads a block's value. The last of several lines of one key wins."""

    def __init__(self, value: str) -> None:
        self._lines: dict[str, tuple[str, str]] = {}  # key -> its name as written, the line
        self._values: dict[str, tuple[str, ...]] = {}
        for line in value.splitlines():
            key, colon, rest = line.strip().lstrip("-*• ").partition(":")
            low = _key(key)
            if colon and rest.strip() and 0 < len(low) <= 40:
                self._lines[low] = (key.strip(), line)
                self._values[low] = _split(low, rest)

    def values(self, key: str) -> tuple[str, ...]:
        return self._values.get(_key(key), ())

    def names(self) -> list[str]:
        return [name for name, _ in self._lines.values()]

    def with_facts(self, facts: Iterable[Line]) -> Profile:
        """What the block would say after these facts."""
        lines = {low: text for low, (_, text) in self._lines.items()}
        lines |= {_key(edit.key): edit.new for edit in self.edits(facts)}
        return Profile("\n".join(line for line in lines.values() if line))

    def corrected(self, sentence: str) -> list[Line]:
        """What "not Porto, Lisbon" corrects of what the block says; nothing where neither was known."""
        for match in filter(None, (rule.search(sentence[:200]) for rule in _PAIRS)):
            old, new = match["old"].strip(), match["new"].strip()
            known = [n for n in self.names() if old.casefold() in _folded(self.values(n))]
            if known and len(new.split()) <= 3 and not is_small(new.split(" ")[0].lower()):
                gone = [Line(known[0], (old,), True)] if _key(known[0]) in MULTI else []
                return [Line(known[0], (new,)), *gone]
        return []

    def edits(self, facts: Iterable[Line]) -> list[Edit]:
        """The fewest edits after which the block says so; none for what it says already."""
        names: dict[str, str] = {}
        after = dict(self._values)
        for fact in facts:
            low = _key(fact.key)
            names.setdefault(low, fact.key)
            after[low] = _merged(low, after.get(low, ()), fact)
        found = []
        for low, named in names.items():
            name, old = self._lines.get(low, (named, ""))
            new = f"{name}: {', '.join(after[low])}" if after[low] else ""
            if _folded(after[low]) != _folded(self._values.get(low, ())) and (old or new):
                found.append(Edit(name, old, new))
        return found


_JOIN = (
    r"(?:i'm|i am|it's|it is|he's|he is|she's|she is|they are|is|but|rather|called|named|in|at|from|to|an?|the|allergic"
    r"|living)"
)
_PAIRS = [anycase(rule) for rule in (
    rf"(?:^| )?(?:\bnot|n't)(?P<how>(?: {_JOIN})*) (?P<old>[^,;]{{1,40}}?)(?:\s*[,;]| but) (?:{_JOIN} )*"
    r"(?P<new>[^,;]{1,40}?)[.! ]*$",
    rf"(?:.*\b(?:{_JOIN}|as|meant?|said) |^)(?P<new>[^,;]{{1,40}}?),? (?:and )?not (?:{_JOIN} )*(?P<old>[^,;]{{1,40}}?)"
    r"(?: any ?more)?[.! ]*$",
)]  # fmt: skip


def _merged(low: str, had: tuple[str, ...], fact: Line) -> tuple[str, ...]:
    if fact.gone:
        return tuple(v for v in had if v.casefold() not in _folded(fact.values))
    if low not in MULTI:
        return fact.values
    if _DIETS.issuperset(_folded(fact.values)):
        had = tuple(v for v in had if v.casefold() not in _DIETS)
    return (*had, *(v for v in fact.values if v.casefold() not in _folded(had)))


def _folded(values: Sequence[str]) -> list[str]:
    return [value.casefold() for value in values]


def _key(key: str) -> str:
    return key.strip().casefold().replace("favorite", "favourite")


def _split(low: str, rest: str) -> tuple[str, ...]:
    parts = rest.split(",") if low in MULTI else [rest]
    return tuple(part.strip() for part in parts if part.strip())


def righted(sentence: str) -> str:
    """What is right instead: "My dog isn't called Rex, he's called Max" is "My dog is called Max"."""
    return (
        _PAIRS[0].sub(r"\g<how> \g<new>", sentence)
        if sentence.lower().startswith(("my ", "our "))
        else sentence
    )


def condensed(value: str) -> tuple[str, list[str]]:
    """The block's value without repetitions and overruled lines, and the lines that were dropped.

    Lines of one list ("Likes:") become one; of other keys the last line stays, where the first stood.
    """
    kept: dict[str, str] = {}
    dropped: list[str] = []
    for line in filter(None, map(str.strip, value.splitlines())):
        key, colon, rest = line.partition(":")
        low = _key(key)
        known = colon and (low in _TOLD or low.startswith("favourite "))
        place = low if known else line.casefold()
        before = kept.setdefault(place, line)
        if before == line:
            continue
        if known and low in MULTI:
            merged = _merged(low, _split(low, before.partition(":")[2]), Line(key, _split(low, rest)))
            line = f"{key.strip()}: {', '.join(merged)}"
        elif known:
            dropped.append(before)
        kept[place] = line
    return "\n".join(kept.values()), dropped


def told_you(key: str, values: Sequence[str]) -> str:
    """A line, said to the person: "you live in Porto"."""
    said = second_of_named(_sentence(_key(key), joined(list(values)), THE_USER), ())
    return said[:1].lower() + said[1:]


def told_of(line: str, name: str) -> str:
    """A line of the block as a sentence for archival storage: "Ada lives in Porto."."""
    key, colon, rest = line.partition(":")
    low = _key(key)
    if not colon:
        return line
    return f"{capital(_sentence(low, joined(list(_split(low, rest))), name or THE_USER))}."


def _sentence(low: str, text: str, name: str) -> str:
    if low == "works as" and not text.lower().startswith(("a ", "an ", "the ")):
        text = f"{'an' if text[:1].lower() in 'aeiou' else 'a'} {text}"
    plural = low.startswith("favourite ") and low.endswith("s") and not low.endswith("ss")
    other = f"{{n}}'s {low} {'are' if plural else 'is'} {{v}}"
    return _TOLD.get(low, other).replace("{n}", name).replace("{v}", text)
