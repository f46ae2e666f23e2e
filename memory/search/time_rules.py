"""What the parts of a time mean together, in whatever order a language puts them. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from memory.search import days, language
from memory.search.days import Days
from memory.search.time_words import Meaning

_NEAR = 1  # ... between two parts that belong together
_BEFORE = ("zh", "ja", "ko")
"""Languages in which "last" stands before what it says it of: 上 behind it is another word."""


@dataclass(frozen=True)
class Part:
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


Found = tuple[Days, bool, Sequence[Part]]


def resolved(group: Sequence[Part], name: str, now: datetime) -> Found | None:
    """The days that parts which stand close together mean in a language, whether they are named by date, and which of
    the parts say so. Raises `ValueError` or `OverflowError` for a day that there is none of."""
    if found := _ago(group, now) or _past(group, now):
        return found
    joined = _joined(group, name)
    for rule in _RULES:
        if found := rule(joined, name, now):
            return found
    return None


def _beside(group: Sequence[Part], at: int, most: int = _NEAR) -> Iterator[Part]:
    """The parts next to one, the one before it first."""
    if at and group[at].start - group[at - 1].end <= most:
        yield group[at - 1]
    if at + 1 < len(group) and group[at + 1].start - group[at].end <= most:
        yield group[at + 1]


def _ago(group: Sequence[Part], now: datetime) -> Found | None:
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


def _past(group: Sequence[Part], now: datetime) -> Found | None:
    """The last so many of a unit: "last three days", "three last days", "three days last", "days three last"."""
    for at in range(len(group) - 2):
        three = group[at : at + 3]
        close = all(b.start - a.end <= (_NEAR if a is three[0] else 0) for a, b in pairwise(three))
        for last, count, unit in ((0, 1, 2), (1, 0, 2), (2, 0, 1), (2, 1, 0)):
            many, what = three[count].meaning.count or 0, three[unit].meaning.unit
            if close and what and many > 1 and three[last].marked("last"):
                return days.past(many, what, now), False, three
    return None


def _joined(group: Sequence[Part], name: str) -> list[Part]:
    """ "Last" and a unit as one part."""
    parts: list[Part] = []
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


def _last_of(unit: Part, mark: Part) -> Part | None:
    if unit.meaning.unit is None or unit.meaning.season or mark.lasting is None:
        return None
    start, end = min(unit.start, mark.start), max(unit.end, mark.end)
    return Part(start, end, Meaning(relative=(unit.meaning.unit, mark.lasting)))


def _anchored(group: Sequence[Part], at: int, unit: str) -> list[Part]:
    """What tells that a name is a time's: the unit's name, a word before it or behind it, an ending."""
    part = group[at]
    beside = list(_beside(group, at, 0))
    before = [p for p in beside if p.start < part.start and p.marked("in")]
    behind = [p for p in beside if p.start > part.start and p.marked("after")]
    behind += [p for p in _beside(group, at) if p.meaning.unit == unit]
    return before + behind or ([part] if part.meaning.inflected else [])


def _lasting(group: Sequence[Part], at: int) -> Part | None:
    """ "Last" or "this" beside a part, or in it."""
    near = [group[at], *_beside(group, at, 0)]
    return next((part for part in near if part.lasting is not None and not part.meaning.relative), None)


def _year_of(group: Sequence[Part], now: datetime) -> tuple[int, Part] | None:
    for part in group:
        if part.meaning.year is not None:
            return part.meaning.year, part
        if part.meaning.relative and part.meaning.relative[0] == "year":
            return now.year - part.meaning.relative[1], part
    return None


def _month(group: Sequence[Part], name: str, now: datetime) -> Found | None:
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


def _is_day(part: Part) -> bool:
    return part.meaning.count is not None and 0 < part.meaning.count <= 31 and not part.meaning.unit


def _season(group: Sequence[Part], name: str, now: datetime) -> Found | None:
    for at, part in enumerate(group):
        if part.meaning.season is None:
            continue
        if year := _year_of(group, now):
            named = year[1].meaning.year is not None
            return days.months(year[0], part.meaning.season, 3, now), named, [part, year[1]]
        if last := _lasting(group, at):
            return days.season(part.meaning.season, now, last=last.lasting == 1), False, [part, last]
    return None


def _weekday(group: Sequence[Part], name: str, now: datetime) -> Found | None:
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


def _weekend(group: Sequence[Part], name: str, now: datetime) -> Found | None:
    for at, part in enumerate(group):
        if part.marked("weekend"):
            weeks = next((p for p in group if p.meaning.relative and p.meaning.relative[0] == "week"), None)
            last = _lasting(group, at)
            if weeks and weeks.meaning.relative:
                return days.weekend(weeks.meaning.relative[1], now), False, [part, weeks]
            if last is not None:
                return days.weekend(last.lasting or 0, now), False, [part, last]
    return None


def _relative(group: Sequence[Part], name: str, now: datetime) -> Found | None:
    for part in group:
        if part.meaning.relative:
            unit, count = part.meaning.relative
            return days.back(count, unit, now), False, [part]
    return None


def _year(group: Sequence[Part], name: str, now: datetime) -> Found | None:
    for at, part in enumerate(group):
        if part.meaning.year is not None and (anchors := _anchored(group, at, "year")):
            return days.months(part.meaning.year, 1, 12, now), True, [part, *anchors]
    return None


_RULES: tuple[Callable[[Sequence[Part], str, datetime], Found | None], ...] = (
    _month,
    _season,
    _weekday,
    _weekend,
    _relative,
    _year,
)
