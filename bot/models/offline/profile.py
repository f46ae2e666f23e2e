"""The `human` block as lines of "Key: value": what it says, and which edits a new fact needs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bot.models.offline.lines import Line
from bot.models.offline.persons import THE_USER
from bot.models.offline.words import capital, joined

MULTI = frozenset({"likes", "dislikes", "prefers", "speaks", "allergic to", "diet"})

_YOU = {
    "name": "your name is {}", "lives in": "you live in {}", "from": "you are from {}",
    "works as": "you work as {}", "works at": "you work at {}", "age": "you are {} years old",
    "birthday": "your birthday is {}", "speaks": "you speak {}", "diet": "you are {}",
    "allergic to": "you are allergic to {}", "time zone": "your time zone is {}",
    "pronouns": "your pronouns are {}", "likes": "you like {}", "dislikes": "you dislike {}",
    "prefers": "you prefer {}",
}  # fmt: skip
_THEY = {
    "name": "{n}'s name is {}", "lives in": "{n} lives in {}", "from": "{n} is from {}",
    "works as": "{n} works as {}", "works at": "{n} works at {}", "age": "{n} is {} years old",
    "birthday": "{n}'s birthday is {}", "speaks": "{n} speaks {}", "diet": "{n} is {}",
    "allergic to": "{n} is allergic to {}", "time zone": "{n}'s time zone is {}",
    "pronouns": "{n}'s pronouns are {}", "likes": "{n} likes {}", "dislikes": "{n} dislikes {}",
    "prefers": "{n} prefers {}",
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
            if not colon or not rest.strip() or not 0 < len(low) <= 40:
                continue
            self._lines[low] = (key.strip(), line)
            self._values[low] = _split(low, rest)

    def values(self, key: str) -> tuple[str, ...]:
        return self._values.get(_key(key), ())

    def value(self, key: str) -> str:
        return joined(list(self.values(key)))

    def names(self) -> list[str]:
        return [name for name, _ in self._lines.values()]

    def with_facts(self, facts: Iterable[Line]) -> Profile:
        """What the block would say after these facts."""
        lines = {low: text for low, (_, text) in self._lines.items()}
        for edit in self.edits(facts):
            lines[_key(edit.key)] = edit.new
        return Profile("\n".join(line for line in lines.values() if line))

    def edits(self, facts: Iterable[Line]) -> list[Edit]:
        """The fewest edits after which the block says so; none for what it says already."""
        names: dict[str, str] = {}
        after = dict(self._values)
        for fact in facts:
            low = _key(fact.key)
            names.setdefault(low, self._lines[low][0] if low in self._lines else fact.key)
            after[low] = _merged(low, after.get(low, ()), fact)
        found = []
        for low, name in names.items():
            old = self._lines[low][1] if low in self._lines else ""
            if _same(after[low], self._values.get(low, ())):
                continue
            new = f"{name}: {', '.join(after[low])}" if after[low] else ""
            if old or new:
                found.append(Edit(name, old, new))
        return found


def _merged(low: str, had: tuple[str, ...], fact: Line) -> tuple[str, ...]:
    new = {v.casefold() for v in fact.values}
    if fact.gone:
        return tuple(v for v in had if v.casefold() not in new)
    if low not in MULTI:
        return fact.values
    known = {v.casefold() for v in had}
    return (*had, *(v for v in fact.values if v.casefold() not in known))


def _same(one: Sequence[str], other: Sequence[str]) -> bool:
    return [v.casefold() for v in one] == [v.casefold() for v in other]


def _key(key: str) -> str:
    return key.strip().casefold().replace("favorite", "favourite")


def _split(low: str, rest: str) -> tuple[str, ...]:
    parts = rest.split(",") if low in MULTI else [rest]
    return tuple(part.strip() for part in parts if part.strip())


def condensed(value: str) -> tuple[str, list[str]]:
    """The block's value without repetitions and overruled lines, and the lines that were dropped.

    Lines of one list ("Likes:") become one; of other keys the last line stays, where the first stood.
    """
    kept: dict[str, str] = {}
    dropped: list[str] = []
    for raw in value.splitlines():
        line = raw.strip()
        key, colon, rest = line.partition(":")
        low = _key(key)
        known = colon and (low in _YOU or low.startswith("favourite "))
        place = low if known else line.casefold()
        before = kept.get(place)
        if not line or before == line:
            continue
        if before is not None and known and low in MULTI:
            merged = _merged(low, _split(low, before.partition(":")[2]), Line(key, _split(low, rest)))
            line = f"{key.strip()}: {', '.join(merged)}"
        elif before is not None and known:
            dropped.append(before)
        kept[place] = line
    return "\n".join(kept.values()), dropped


def told_you(key: str, values: Sequence[str]) -> str:
    """A line, said to the person: "you live in Porto"."""
    low, text = _key(key), _article(_key(key), joined(list(values)))
    if low.startswith("favourite "):
        return f"your {low} {_be(low)} {text}"
    return _YOU.get(low, f"your {low} is {{}}").replace("{}", text)


def told_of(line: str, name: str) -> str:
    """A line of the block as a sentence for archival storage: "Ada lives in Porto."."""
    key, colon, rest = line.partition(":")
    low, name = _key(key), name or THE_USER
    if not colon:
        return line
    text = _article(low, joined(list(_split(low, rest))))
    if low.startswith("favourite "):
        sentence = f"{name}'s {low} {_be(low)} {text}"
    else:
        sentence = _THEY.get(low, "{n}'s " + low + " is {}").replace("{n}", name).replace("{}", text)
    return f"{capital(sentence)}."


def _article(low: str, text: str) -> str:
    if low != "works as" or text.lower().startswith(("a ", "an ", "the ")):
        return text
    return f"{'an' if text[:1].lower() in 'aeiou' else 'a'} {text}"


def _be(low: str) -> str:
    return "are" if low.endswith("s") and not low.endswith("ss") else "is"
