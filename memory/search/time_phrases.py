"""The time that a question in another language than English speaks of: "am letzten Dienstag", "去年夏天". Pure.

Words that tell a time (`memory.search.time_words`) which stand close together are one phrase, in whatever order a
language puts them: a season beside "last" is last summer; "two", "weeks" and "ago" are two weeks ago; a month and the
number of a year are that month. A month's name alone counts where something tells that it is no person's (``in``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from memory.search import days, language, time_words
from memory.search.days import Days
from memory.search.time_rules import Part, resolved
from memory.search.time_words import Meaning

_MOST = 400  # words that are looked at
_LONGEST = 5  # words of a phrase
_APART = 2  # other words between two parts of one phrase
_NUMBER = re.compile(r"(\d{1,2})(?:er?|o|a|st|nd|rd|th|te|de|ste|go|i)?")
_YEAR = re.compile(r"(?:19|20)\d\d")
_BUDDHIST = re.compile(r"2[456]\d\d")
_BUDDHA = 543  # years before the common era
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
            told = resolved(group, name, now)
        except (ValueError, OverflowError):  # the 31st of February, the year 0
            continue
        if told is not None:
            span, named, used = told
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


def _read(text: str, name: str) -> tuple[Sequence[str] | str, list[Part]]:
    calendar = time_words.of(name)
    if calendar.run_on is not None:
        text = "".join(text.split())
        found = [
            Part(match.start(), match.end(), _number(word, name) or calendar.phrases[word][0][1])
            for match in calendar.run_on.finditer(text)
            if (word := match.group()) in calendar.phrases or word.isdigit()
        ]
        return text, found
    said = time_words.words(text)[:_MOST]
    parts: list[Part] = []
    at = 0
    while at < len(said):
        number = _number(said[at], name)
        length, meaning = _longest(said[at : at + _LONGEST], calendar.known(said[at]))
        if meaning is not None or number is not None:
            both = number.and_(meaning) if number and meaning else number or meaning or Meaning()
            parts.append(Part(at, at + length, both))
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


def _groups(parts: Sequence[Part]) -> Iterator[list[Part]]:
    """Stretches of parts that stand close together."""
    group: list[Part] = []
    for part in parts:
        if group and part.start - group[-1].end > _APART:
            yield group
            group = []
        group.append(part)
    if group:
        yield group
