"""The time that a question speaks of, resolved against the moment it is asked. Pure.

"On 7 July 2023", "in May", "two weeks ago", "last summer", "2023-05-04": each is a span of days in the
asker's zone. What was said inside the span is more likely meant (a temporal prior on documents, as in Li and
Croft, "Time-based language models", 2003; the normal forms are TIMEX3's).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

_MONTHS = "january february march april may june july august september october november december".split()
_DAYS = "monday tuesday wednesday thursday friday saturday sunday".split()
_SEASONS = {"winter": 12, "spring": 3, "summer": 6, "autumn": 9, "fall": 9}
_COUNTS = {
    name: n
    for n, name in enumerate("zero one two three four five six seven eight nine ten eleven twelve".split())
} | {"a": 1, "an": 1, "a couple of": 2, "couple of": 2, "a few": 3, "few": 3, "several": 4}

_MONTH = "|".join([*_MONTHS, *(month[:3] for month in _MONTHS if month != "may"), "sept"])
_YEAR = r"(?P<year>(?:19|20)\d\d)"
_DAY = r"(?P<day>[0-3]?\d)(?:st|nd|rd|th)?"
_COUNT = "|".join(sorted(_COUNTS, key=len, reverse=True))


@dataclass(frozen=True)
class Span:
    """From ``since`` until before ``until``. ``named``: by its date, not by its distance from now.

    ``words`` are the words of the question that say it.
    """

    since: datetime
    until: datetime
    named: bool
    words: frozenset[str]


def span_of(text: str, now: datetime) -> Span | None:
    """The first span that ``text`` names, ``now`` being when it is asked, in the asker's zone; else None."""
    folded = text[:4_000].casefold()
    for pattern, resolve, named in _RULES:
        for match in pattern.finditer(folded):
            try:
                found = resolve(match, now)
            except (ValueError, OverflowError):  # the 31st of February, the year 0
                continue
            words = frozenset(re.findall(r"[^\W_]+", match.group()))
            return Span(found[0], found[1], named, words)
    return None


_Days = tuple[datetime, datetime]


def _midnight(at: datetime) -> datetime:
    return at.replace(hour=0, minute=0, second=0, microsecond=0)


def _one_day(at: datetime) -> _Days:
    start = _midnight(at)
    return start, _midnight(start + timedelta(hours=30))  # the next one, whatever clocks do that night


def _months(year: int, month: int, count: int, now: datetime) -> _Days:
    def first(number: int) -> datetime:
        return _midnight(now).replace(year=number // 12, month=number % 12 + 1, day=1)

    number = year * 12 + month - 1
    return first(number), first(number + count)


def _month_number(name: str) -> int:
    return next(n for n, month in enumerate(_MONTHS, 1) if month.startswith(name[:3]))


def _iso(match: re.Match[str], now: datetime) -> _Days:
    return _one_day(now.replace(year=int(match["year"]), month=int(match["month"]), day=int(match["day"])))


def _date(match: re.Match[str], now: datetime) -> _Days:
    month, day, year = _month_number(match["month"]), int(match["day"]), match["year"]
    asked = _midnight(now).replace(month=month, day=day, year=int(year) if year else now.year)
    if not year and asked > now:
        asked = asked.replace(year=asked.year - 1)
    return _one_day(asked)


def _month(match: re.Match[str], now: datetime) -> _Days:
    month, year = _month_number(match["month"]), match["year"]
    # Without a year: the latest that has begun.
    asked = (
        int(year)
        if year
        else now.year - (month > now.month or ("last" in match.group() and month == now.month))
    )
    return _months(asked, month, 1, now)


def _year(match: re.Match[str], now: datetime) -> _Days:
    return _months(int(match["year"]), 1, 12, now)


def _season(match: re.Match[str], now: datetime) -> _Days:
    month = _SEASONS[match["season"]]
    if match["year"]:
        return _months(int(match["year"]), month, 3, now)
    year = now.year - (month > now.month or ("last" in match.group() and now.month < month + 3))
    return _months(year, month, 3, now)


def _ago(match: re.Match[str], now: datetime) -> _Days:
    count = _COUNTS.get(match["count"]) or int(match["count"])
    return _back(count, match["unit"], now)


def _back(count: int, unit: str, now: datetime) -> _Days:
    """The whole day, week, month or year so many before the present one."""
    if unit.startswith("day"):
        return _one_day(now - timedelta(days=count))
    if unit.startswith("week"):
        start = _midnight(now - timedelta(days=now.weekday() + 7 * count))
        return start, start + timedelta(days=7)
    if unit.startswith("month"):
        number = now.year * 12 + now.month - 1 - count
        return _months(number // 12, number % 12 + 1, 1, now)
    return _months(now.year - count, 1, 12, now)


def _last(match: re.Match[str], now: datetime) -> _Days:
    unit, count = match["unit"], 0 if match["which"] == "this" else 1
    if unit == "weekend":
        start = _midnight(now - timedelta(days=now.weekday() + 7 * count - 5))
        return start, start + timedelta(days=2)
    if unit in _DAYS:
        return _one_day(now - timedelta(days=(now.weekday() - _DAYS.index(unit) - 1) % 7 + 1))
    return _back(count, unit, now)


def _past(match: re.Match[str], now: datetime) -> _Days:
    count = _COUNTS.get(match["count"] or "a") or int(match["count"])
    length = {"d": 1, "w": 7, "m": 31, "y": 366}[match["unit"][0]]
    return _midnight(now - timedelta(days=count * length)), now + timedelta(days=1)


def _near(match: re.Match[str], now: datetime) -> _Days:
    back = {"yesterday": 1, "last night": 1}.get(match.group(), 0)
    return _one_day(now - timedelta(days=back))


_RULES: tuple[tuple[re.Pattern[str], Callable[[re.Match[str], datetime], _Days], bool], ...] = tuple(
    (re.compile(rf"\b(?:{pattern})\b"), resolve, named)
    for pattern, resolve, named in (
        (rf"{_YEAR}-(?P<month>[01]?\d)-(?P<day>[0-3]?\d)", _iso, True),
        (rf"{_DAY}(?: of)? (?P<month>{_MONTH})\.?(?:,? ?{_YEAR})?", _date, True),
        (rf"(?P<month>{_MONTH})\.? {_DAY}(?!\d)(?:,? ?{_YEAR})?", _date, True),
        (rf"(?P<month>{_MONTH})\.?,?(?: of)? {_YEAR}(?P<day>)", _month, True),
        (rf"(?P<season>{'|'.join(_SEASONS)})(?: of)? {_YEAR}", _season, True),
        (rf"(?:in|last|this|during|since|of) (?P<month>{'|'.join(_MONTHS)})(?P<year>)", _month, True),
        (rf"(?:in|during|of|since|year) {_YEAR}", _year, True),
        (rf"(?P<count>{_COUNT}|\d{{1,3}}) (?P<unit>day|week|month|year)s? ago", _ago, False),
        (r"yesterday|last night|today|tonight|this morning", _near, False),
        (
            rf"(?P<which>last|this|previous) (?P<unit>weekend|week|month|year|{'|'.join(_DAYS)})",
            _last,
            False,
        ),
        (rf"(?:last|this) (?P<season>{'|'.join(_SEASONS)})(?P<year>)", _season, False),
        (
            rf"the (?:last|past) (?:(?P<count>{_COUNT}|\d{{1,3}}) )?(?P<unit>day|week|month|year)s?",
            _past,
            False,
        ),
    )
)
