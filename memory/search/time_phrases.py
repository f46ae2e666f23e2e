"""The time that a question in another language than English speaks of: "am letzten Dienstag", "去年夏天". Pure.

Words that tell a time (`memory.search.time_words`) which stand close together are one phrase, in whatever order a
language puts them: a season beside "last" is last summer; "two", "weeks" and "ago" are two weeks ago; a month and the
number of a year are that month. A month's name alone counts where something tells that it is no person's (``in``).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from itertools import pairwise

from memory.search import days, language, time_words
from memory.search.days import Days
from memory.search.time_words import Meaning

_MOST = 400  # words that are looked at
_LONGEST = 5  # words of a phrase
_APART = 2  # other words between two parts of one phrase
_NEAR = 1  # ... between two parts that belong together
_NUMBER = re.compile(r"(\d{1,2})(?:er?|o|a|st|nd|rd|th|te|de|ste|go|i)?")
_YEAR = re.compile(r"(?:19|20)\d\d")
_BUDDHIST = re.compile(r"2[456]\d\d")
_BUDDHA = 543  # years before the common era
_BEFORE = ("zh", "ja", "ko")
"""Languages in which "last" stands before what it says it of: 上 behind it is another word."""
_DATES = (
    re.compile(r"(?<![\d.])(?P<day>[0-3]?\d)\. ?(?P<month>[01]?\d)\. ?(?P<year>(?:19|20)\d\d)(?!\d)"),
    re.compile(r"(?<![\d/])(?P<day>[0-3]?\d)[/-](?P<month>[01]?\d)[/-](?P<year>(?:19|20)\d\d)(?!\d)"),
    re.compile(r"(?<![\d/])(?P<year>(?:19|20)\d\d)[/.-] ?(?P<month>[01]?\d)[/.-] ?(?P<day>[0-3]?\d)(?!\d)"),
)


@dataclass(frozen=True)
class Phrase:
    """The days that it means; ``named`` by their date; the words that say it; of how many parts it is made."""

    days: Days
    named: bool
    words: frozenset[str]
    parts: int


@dataclass(frozen=True)
class _Part:
    """Words that tell something of a time, from ``start`` until before ``end`` of the text's words."""

    start: int
    end: int
    meaning: Meaning

    def marked(self, kind: str) -> bool:
        return kind in self.meaning.marks

    @property
    def lasting(self) -> int | None:
        """0 for "this", 1 for "last"."""
        return 1 if self.marked("last") else 0 if self.marked("this") else None


_Found = tuple[Days, bool, Sequence[_Part]]


def phrase_of(text: str, name: str, now: datetime) -> Phrase | None:
    """The first time that a folded text in this language names."""
    for pattern in _DATES:
        for match in pattern.finditer(text):
            try:
                found = days.date(int(match["year"]), int(match["month"]), int(match["day"]), now)
            except ValueError:
                continue
            return Phrase(found, True, frozenset(re.findall(r"\d+", match.group())), 3)
    said, parts = _read(text, name)
    for group in _groups(parts):
        try:
            resolved = _resolved(group, name, now)
        except (ValueError, OverflowError):  # the 31st of February, the year 0
            continue
        if resolved is not None:
            span, named, used = resolved
            words = said[min(part.start for part in used) : max(part.end for part in used)]
            return Phrase(span, named, frozenset(_words(words)), len(used))
    return None


def telling_times(text: str) -> list[str]:
    """The languages in Latin letters in which a word of a folded text tells a time."""
    found = {name for word in time_words.words(text)[:_MOST] for name in _telling_time(word)}
    return [name for name in language.related(None) if name in found]


@lru_cache(maxsize=20_000)
def _telling_time(word: str) -> tuple[str, ...]:
    names = [name for name in language.related(None) if name != language.ENGLISH]
    return tuple(n for n in names if any(m.names_a_time for _, m in time_words.of(n).known(word)))


def _words(said: Sequence[str] | str) -> Sequence[str]:
    """Of a stretch of signs numbers are words by themselves."""
    return re.findall(r"\d+|[^\d\s]+", said) if isinstance(said, str) else said


def _read(text: str, name: str) -> tuple[Sequence[str] | str, list[_Part]]:
    calendar = time_words.of(name)
    if calendar.run_on is not None:
        text = "".join(text.split())
        found = [
            _Part(match.start(), match.end(), _number(word, name) or calendar.phrases[word][0][1])
            for match in calendar.run_on.finditer(text)
            if (word := match.group()) in calendar.phrases or word.isdigit()
        ]
        return text, found
    said = time_words.words(text)[:_MOST]
    parts: list[_Part] = []
    at = 0
    while at < len(said):
        number = _number(said[at], name)
        length, meaning = _longest(said[at : at + _LONGEST], calendar.known(said[at]))
        if meaning is not None or number is not None:
            both = number.and_(meaning) if number and meaning else number or meaning or Meaning()
            parts.append(_Part(at, at + length, both))
        at += length
    return said, parts


def _longest(
    said: Sequence[str], known: Iterable[tuple[tuple[str, ...], Meaning]]
) -> tuple[int, Meaning | None]:
    """Of phrases with the same beginning the longest that is said."""
    for phrase, meaning in known:
        if len(phrase) == 1 or tuple(said[1 : len(phrase)]) == phrase[1:]:
            return len(phrase), meaning
    return 1, None


def _number(word: str, name: str) -> Meaning | None:
    if not word[0].isdigit():
        return None
    if match := _NUMBER.fullmatch(word):
        return Meaning(count=int(match[1]))
    if _YEAR.fullmatch(word):
        return Meaning(year=int(word))
    if name == "th" and _BUDDHIST.fullmatch(word):
        return Meaning(year=int(word) - _BUDDHA)
    return Meaning() if word.isdigit() else None


def _groups(parts: Sequence[_Part]) -> Iterator[list[_Part]]:
    """Stretches of parts that stand close together."""
    group: list[_Part] = []
    for part in parts:
        if group and part.start - group[-1].end > _APART:
            yield group
            group = []
        group.append(part)
    if group:
        yield group


def _resolved(group: list[_Part], name: str, now: datetime) -> _Found | None:
    if found := _ago(group, now) or _past(group, now):
        return found
    joined = _joined(group, name)
    for rule in _RULES:
        if found := rule(joined, name, now):
            return found
    return None


def _beside(group: Sequence[_Part], at: int, most: int = _NEAR) -> Iterator[_Part]:
    """The parts next to one, the one before it first."""
    if at and group[at].start - group[at - 1].end <= most:
        yield group[at - 1]
    if at + 1 < len(group) and group[at + 1].start - group[at].end <= most:
        yield group[at + 1]


def _ago(group: Sequence[_Part], now: datetime) -> _Found | None:
    """A unit with "ago", and how many of it."""
    for at, part in enumerate(group):
        if part.meaning.unit is None:
            continue
        near = list(_beside(group, at))
        counts = [
            p for p in (part, *near) if p.meaning.count is not None and (p is part or not p.meaning.unit)
        ]
        wide = group[max(0, at - 3) : at + 4]
        marks = [p for p in wide if p.marked("ago")]
        if counts and marks:
            count = counts[0].meaning.count or 0
            return days.back(count, part.meaning.unit, now), False, [part, counts[0], marks[0]]
        if marks and not marks[0].marked("last") and marks[0] in _beside(group, at, 0):
            return days.back(1, part.meaning.unit, now), False, [part, marks[0]]
    return None


def _past(group: Sequence[_Part], now: datetime) -> _Found | None:
    """The last so many of a unit: "last three days", "three last days", "three days last", "days three last"."""
    for at in range(len(group) - 2):
        three = group[at : at + 3]
        close = all(b.start - a.end <= (_NEAR if a is three[0] else 0) for a, b in pairwise(three))
        for last, count, unit in ((0, 1, 2), (1, 0, 2), (2, 0, 1), (2, 1, 0)):
            many, what = three[count].meaning.count or 0, three[unit].meaning.unit
            if close and what and many > 1 and three[last].marked("last"):
                return days.past(many, what, now), False, three
    return None


def _joined(group: Sequence[_Part], name: str) -> list[_Part]:
    """ "Last" and a unit as one part."""
    parts: list[_Part] = []
    for at, part in enumerate(group):
        before = parts[-1] if parts and part.start == parts[-1].end else None
        joined = before and (_last_of(part, before) or (name not in _BEFORE and _last_of(before, part)))
        if joined and not any(
            p.meaning.month for p in group[at + 1 : at + 2]
        ):  # "last month of March" is no last month
            parts[-1] = joined
        else:
            parts.append(part)
    return parts


def _last_of(unit: _Part, mark: _Part) -> _Part | None:
    if unit.meaning.unit is None or unit.meaning.season or mark.lasting is None:
        return None
    start, end = min(unit.start, mark.start), max(unit.end, mark.end)
    return _Part(start, end, Meaning(relative=(unit.meaning.unit, mark.lasting)))


def _anchored(group: Sequence[_Part], at: int, unit: str) -> list[_Part]:
    """What tells that a name is a time's: the unit's name, a word before it or behind it, an ending."""
    part = group[at]
    beside = list(_beside(group, at, 0))
    before = [p for p in beside if p.start < part.start and p.marked("in")]
    behind = [p for p in beside if p.start > part.start and p.marked("after")]
    behind += [p for p in _beside(group, at) if p.meaning.unit == unit]
    return before + behind or ([part] if part.meaning.inflected else [])


def _lasting(group: Sequence[_Part], at: int) -> _Part | None:
    """ "Last" or "this" beside a part, or in it."""
    near = [group[at], *_beside(group, at, 0)]
    return next((part for part in near if part.lasting is not None and not part.meaning.relative), None)


def _year_of(group: Sequence[_Part], now: datetime) -> tuple[int, _Part] | None:
    for part in group:
        if part.meaning.year is not None:
            return part.meaning.year, part
        if part.meaning.relative and part.meaning.relative[0] == "year":
            return now.year - part.meaning.relative[1], part
    return None


def _month(group: Sequence[_Part], name: str, now: datetime) -> _Found | None:
    for at, part in enumerate(group):
        number = part.meaning.month or part.meaning.short
        if number is None:
            continue
        year, last = _year_of(group, now), _lasting(group, at)
        day = next((p for p in _beside(group, at) if _is_day(p)), None)
        anchors = [p for p in (day, year and year[1], last) if p]
        if part.meaning.month is None and not (day and year):
            continue
        if not anchors and name not in language.RUN_ON and not (part.end - part.start > 1):
            anchors = _anchored(group, at, "month")
            if not anchors:
                continue
        if day is not None:
            found = days.date(year[0] if year else None, number, day.meaning.count or 0, now)
        elif year is not None:
            found = days.months(year[0], number, 1, now)
        else:
            found = days.month(number, now, last=last is not None and last.lasting == 1)
        return found, True, [part, *anchors]
    return None


def _is_day(part: _Part) -> bool:
    return part.meaning.count is not None and 0 < part.meaning.count <= 31 and not part.meaning.unit


def _season(group: Sequence[_Part], name: str, now: datetime) -> _Found | None:
    for at, part in enumerate(group):
        if part.meaning.season is None:
            continue
        if year := _year_of(group, now):
            named = year[1].meaning.year is not None
            return days.months(year[0], part.meaning.season, 3, now), named, [part, year[1]]
        if last := _lasting(group, at):
            return days.season(part.meaning.season, now, last=last.lasting == 1), False, [part, last]
    return None


def _weekday(group: Sequence[_Part], name: str, now: datetime) -> _Found | None:
    for at, part in enumerate(group):
        number = part.meaning.weekday
        if number is None:
            continue
        weeks = next((p for p in group if p.meaning.relative and p.meaning.relative[0] == "week"), None)
        last = _lasting(group, at)
        if weeks or (last and last.lasting and name == "zh"):  # 上周二 is last week's
            back = weeks.meaning.relative[1] if weeks and weeks.meaning.relative else 1
            start = days.back(back, "week", now)[0]
            day = days.one_day(start.replace(hour=12) + number * days.DAY)
            return day, False, [part, *[p for p in (weeks, last) if p]]
        if anchors := [last] if last else _anchored(group, at, "day"):
            return days.weekday(number, now), False, [part, *anchors]
    return None


def _weekend(group: Sequence[_Part], name: str, now: datetime) -> _Found | None:
    for at, part in enumerate(group):
        if part.marked("weekend"):
            weeks = next((p for p in group if p.meaning.relative and p.meaning.relative[0] == "week"), None)
            last = _lasting(group, at)
            if weeks and weeks.meaning.relative:
                return days.weekend(weeks.meaning.relative[1], now), False, [part, weeks]
            if last is not None:
                return days.weekend(last.lasting or 0, now), False, [part, last]
    return None


def _relative(group: Sequence[_Part], name: str, now: datetime) -> _Found | None:
    for part in group:
        if part.meaning.relative:
            unit, count = part.meaning.relative
            return days.back(count, unit, now), False, [part]
    return None


def _year(group: Sequence[_Part], name: str, now: datetime) -> _Found | None:
    for at, part in enumerate(group):
        if part.meaning.year is not None and (anchors := _anchored(group, at, "year")):
            return days.months(part.meaning.year, 1, 12, now), True, [part, *anchors]
    return None


_RULES: tuple[Callable[[Sequence[_Part], str, datetime], _Found | None], ...] = (
    _month,
    _season,
    _weekday,
    _weekend,
    _relative,
    _year,
)
