"""The words by which other languages than English tell a time. Pure.

Names of months and weekdays are CLDR's (``cldr.txt``, written by scripts/calendar_names.py); what people say beside is
in ``languages/``, by hand, places of a list parted by ``|``:

- ``units``: day | week | month | year; ``counts``: one | two | ...; ``few``: some, as a number;
- ``relative``: what by itself is a day, week, month or year so many from the present one, as ``day-1=gestern``;
- ``months``, ``weekdays``: further forms; ``seasons``: winter | spring | summer | autumn; ``weekend``;
- ``last``, ``this``, ``ago``: what makes a time of a unit, a season, a weekday; ``in``, ``after``: what tells that a
  name is a month's, before it or behind it;
- ``endings``, ``prefixes``: what may be written together with a name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from memory.search import language
from memory.search.folding import folded

_CLDR = Path(__file__).with_name("cldr.txt")
_RELATIVE = re.compile(r"(?P<unit>[a-z]+)(?P<step>[-+]\d)=(?P<said>.+)")
_WORD = re.compile(r"[\w\u0900-\u0963\u0970-\u0dff]+")  # vowel signs of India's scripts are parts of words
UNITS = ("day", "week", "month", "year")
_SEASONS = (12, 3, 6, 9)  # the month that each begins with
_MARKS = ("last", "this", "ago", "in", "after", "weekend")
_FEW = 3
_SHORTEST = 3  # letters of a name that has an ending


@dataclass(frozen=True, kw_only=True)
class Meaning:
    """What a word or phrase may tell; a word may have more than one meaning. ``marks``: the kinds above that only say
    something of others; ``inflected``: it has an ending or a prefix that only a time has."""

    unit: str | None = None
    relative: tuple[str, int] | None = None
    count: int | None = None
    month: int | None = None
    short: int | None = None  # a month's name, abbreviated: one only in a date
    weekday: int | None = None
    season: int | None = None
    year: int | None = None
    marks: frozenset[str] = frozenset()
    inflected: bool = False

    def and_(self, other: Meaning) -> Meaning:
        """Both; this one's where they differ."""
        mine = {name: value for name, value in vars(self).items() if value is not None and value is not False}
        return replace(other, **mine | {"marks": self.marks | other.marks})

    @property
    def names_a_time(self) -> bool:
        return bool(self.unit or self.relative or self.month or self.season or self.weekday is not None)


@dataclass(frozen=True)
class Calendar:
    """Of one language: phrases, as their words, by the first of them, the longest first; and what may be written
    together with a name."""

    phrases: Mapping[str, tuple[tuple[tuple[str, ...], Meaning], ...]]
    run_on: re.Pattern[str] | None  # of languages whose words are not parted: all phrases, and numbers
    endings: tuple[str, ...]
    prefixes: tuple[str, ...]

    def meanings(self) -> Iterator[tuple[tuple[str, ...], Meaning]]:
        for phrases in self.phrases.values():
            yield from phrases

    def known(self, word: str) -> Iterable[tuple[tuple[str, ...], Meaning]]:
        """The phrases that begin with a word, also where something is written together with it."""
        found = self.phrases.get(word)
        if found is not None:
            return found
        for ending in self.endings:
            if word.endswith(ending) and len(stem := word.removesuffix(ending)) >= _SHORTEST:
                names = [(p, replace(m, inflected=True)) for p, m in self.phrases.get(stem, ()) if _bends(m)]
                if names:
                    return names
        for prefix in self.prefixes:
            rest = word.removeprefix(prefix)
            if rest != word and rest in self.phrases:
                some = self.phrases[rest]
                return [(p, replace(m, inflected=True)) for p, m in some if m.names_a_time or m.count]
        return ()


def words(text: str) -> list[str]:
    """The words of a folded text."""
    return _WORD.findall(text)


@cache
def of(name: str) -> Calendar:
    phrases: dict[tuple[str, ...], Meaning] = {}
    run_on = name in language.RUN_ON
    for said, meaning in _said(name):
        key = (folded(said),) if run_on else tuple(words(folded(said)))
        if key:
            phrases[key] = phrases[key].and_(meaning) if key in phrases else meaning
    by_first: dict[str, list[tuple[tuple[str, ...], Meaning]]] = {}
    for key in sorted(phrases, key=len, reverse=True):
        by_first.setdefault(key[0], []).append((key, phrases[key]))
    longest = sorted((key[0] for key in phrases), key=len, reverse=True) if run_on else ()
    return Calendar(
        {first: tuple(some) for first, some in by_first.items()},
        re.compile(rf"{'|'.join(map(re.escape, longest))}|\d+") if run_on else None,
        tuple(language.phrases(name, "endings")),
        tuple(language.phrases(name, "prefixes")),
    )


def _bends(meaning: Meaning) -> bool:
    return bool(meaning.month or meaning.season or meaning.weekday is not None)


def _said(name: str) -> Iterator[tuple[str, Meaning]]:
    known = _cldr()[name]
    for table in (known, language.lines(name)):
        for month, said in _listed(table, "months"):
            yield said, Meaning(month=month + 1)
        for weekday, said in _listed(table, "weekdays"):
            yield said, Meaning(weekday=weekday)
    run_on = name in language.RUN_ON
    for month, said in _listed(known, "short"):
        yield said, Meaning(month=month + 1) if run_on else Meaning(short=month + 1)
    hand = language.lines(name)
    for place, said in _listed(hand, "units"):
        yield said, Meaning(unit=UNITS[place])
    for place, said in _listed(hand, "counts"):
        yield said, Meaning(count=place + 1)
    for place, said in _listed(hand, "seasons"):
        yield said, Meaning(season=_SEASONS[place])
    for said in language.phrases(name, "few"):
        yield said, Meaning(count=_FEW)
    for text in language.split(hand.get("relative", "")):
        if match := _RELATIVE.fullmatch(text):
            yield match["said"], Meaning(relative=(match["unit"], -int(match["step"])))
    for mark in _MARKS:
        for said in language.phrases(name, mark):
            yield said, Meaning(marks=frozenset({mark}))


def _listed(table: Mapping[str, str], kind: str) -> Iterator[tuple[int, str]]:
    if kind in table:
        for place, part in enumerate(table[kind].split("|")):
            for said in language.split(part):
                yield place, said


@cache
def _cldr() -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for line in _CLDR.read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            table = found.setdefault(line.strip("[]"), {})
        elif not line.startswith("#"):
            kind, _, text = line.partition(": ")
            table[kind] = text
    return found
