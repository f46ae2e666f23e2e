"""The time that a question speaks of, resolved against the moment it is asked. Pure.

"On 7 July 2023", "in May", "two weeks ago", "last summer", "2023-05-04": each is a span of days in the
asker's zone. What was said inside the span is more likely meant (a temporal prior on documents, as in Li and
Croft, "Time-based language models", 2003; the normal forms are TIMEX3's). English has its rules here, the other
languages of `memory.search.language` have theirs in `memory.search.time_phrases`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from memory.search import days
from memory.search.days import Days, one_day
from memory.search.folding import folded
from memory.search.language import ENGLISH
from memory.search.time_phrases import phrase_of, telling_times

_ASKED = 4_000  # characters of a question
_SURE = 4  # letters of a word that tells a time by itself, in whatever language
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


def span_of(text: str, now: datetime, languages: Sequence[str] = ()) -> Span | None:
    """The first span that ``text`` names, ``now`` being when it is asked, in the asker's zone; else None.
    ``languages``: those that it may be in, likeliest first; none where nothing tells."""
    text = text[:_ASKED]
    if not languages or ENGLISH in languages:
        return _english(text, now) or _other(text, now, languages)
    return _other(text, now, languages) or _english(text, now)


def _english(text: str, now: datetime) -> Span | None:
    folded_text = text.casefold()
    for pattern, resolve, named in _RULES:
        for match in pattern.finditer(folded_text):
            try:
                since, until = resolve(match, now)
            except (ValueError, OverflowError):  # the 31st of February, the year 0
                continue
            return Span(since, until, named, frozenset(re.findall(r"[^\W_]+", match.group())))
    return None


def _other(text: str, now: datetime, languages: Sequence[str]) -> Span | None:
    """By the language in which the most of it speaks of a time; where none is told, not by a single short word."""
    plain = folded(text)
    names = languages or telling_times(plain)
    phrases = [phrase for name in names if name != ENGLISH and (phrase := phrase_of(plain, name, now))]
    if not languages:
        phrases = [p for p in phrases if p.parts > 1 or len(max(p.words, key=len)) >= _SURE]
    if not phrases:
        return None
    best = max(phrases, key=lambda phrase: phrase.parts)
    return Span(*best.days, best.named, best.words)


def _month_number(name: str) -> int:
    return next(n for n, month in enumerate(_MONTHS, 1) if month.startswith(name[:3]))


def _iso(match: re.Match[str], now: datetime) -> Days:
    return days.date(int(match["year"]), int(match["month"]), int(match["day"]), now)


def _date(match: re.Match[str], now: datetime) -> Days:
    year = int(match["year"]) if match["year"] else None
    return days.date(year, _month_number(match["month"]), int(match["day"]), now)


def _month(match: re.Match[str], now: datetime) -> Days:
    month = _month_number(match["month"])
    if match["year"]:
        return days.months(int(match["year"]), month, 1, now)
    return days.month(month, now, last="last" in match.group())


def _year(match: re.Match[str], now: datetime) -> Days:
    return days.months(int(match["year"]), 1, 12, now)


def _season(match: re.Match[str], now: datetime) -> Days:
    month = _SEASONS[match["season"]]
    if match["year"]:
        return days.months(int(match["year"]), month, 3, now)
    return days.season(month, now, last="last" in match.group())


def _ago(match: re.Match[str], now: datetime) -> Days:
    count = _COUNTS.get(match["count"]) or int(match["count"])
    return days.back(count, match["unit"], now)


def _last(match: re.Match[str], now: datetime) -> Days:
    unit, count = match["unit"], 0 if match["which"] == "this" else 1
    if unit == "weekend":
        return days.weekend(count, now)
    if unit in _DAYS:
        return days.weekday(_DAYS.index(unit), now)
    return days.back(count, unit, now)


def _past(match: re.Match[str], now: datetime) -> Days:
    return days.past(_COUNTS.get(match["count"] or "a") or int(match["count"]), match["unit"], now)


def _near(match: re.Match[str], now: datetime) -> Days:
    back = {"yesterday": 1, "last night": 1}.get(match.group(), 0)
    return one_day(now - timedelta(days=back))


_RULES: tuple[tuple[re.Pattern[str], Callable[[re.Match[str], datetime], Days], bool], ...] = tuple(
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
        (rf"(?P<which>on) (?P<unit>{'|'.join(_DAYS)})", _last, False),
        (rf"(?:last|this) (?P<season>{'|'.join(_SEASONS)})(?P<year>)", _season, False),
        (
            rf"the (?:last|past) (?:(?P<count>{_COUNT}|\d{{1,3}}) )?(?P<unit>day|week|month|year)s?",
            _past,
            False,
        ),
    )
)
