"""The part of a long text that is worth showing: where most of what was asked for stands together. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import NamedTuple

from memory.search.terms import analyse, is_identifier, is_unspaced

MARK = "…"
"""Stands where something was left out."""

_WORD = re.compile(r"\w+(?:['’]\w+)?")
_READ = (
    20_000  # characters of a text that are read word by word; of the rest only words that begin as terms do
)
_BEGIN = 4  # letters by which they do
_MOST = 2_000  # such words that are looked at
_COMMON = 40  # letters of a word that may come again
_LONG = 20  # letters of a word that weighs twice as much as none
_OCCURRENCES = 20  # of a sign of a script without spaces
_BREAK = re.compile(r"(?<=[.!?…])\s+|(?<=[。！？])|\n+")  # between sentences
_BLANK = re.compile(r"\s+")
_QUARTER = 4  # of a part stands before what was found, and is as far as its edges may move


@dataclass(frozen=True)
class Excerpt:
    """``text`` is on one line. ``whole``: nothing was left out."""

    text: str
    whole: bool


class _Found(NamedTuple):
    start: int
    end: int
    term: str


class Sought:
    """A text in which ``terms`` (`memory.search.terms.query_terms`) are looked for once, however often it is cut."""

    def __init__(self, text: str, terms: Collection[str]) -> None:
        self._text = text
        self._terms = terms
        self._weights: dict[str, float] = {}
        self._found: list[_Found] | None = None

    def excerpt(self, most: int) -> Excerpt:
        """About ``most`` characters, around what was sought; the beginning where nothing of it is there."""
        text = self._text
        if len(text) <= most:
            return Excerpt(one_line(text), True)
        first, last = self._richest(most)
        lead = min(most // _QUARTER, most - min(most, last - first))
        start = max(0, min(first - lead, len(text) - most))
        end = start + most
        start = _next_break(text, start, min(first, start + most // _QUARTER)) if start else 0
        end = _last_break(text, max(last, end - most // _QUARTER), end) if end < len(text) else end
        before, after = f"{MARK} " if start else "", f" {MARK}" if end < len(text) else ""
        return Excerpt(f"{before}{one_line(text[start:end])}{after}", False)

    def _richest(self, reach: int) -> tuple[int, int]:
        """From where to where the weightiest of the terms stand within ``reach`` characters; the first such place."""
        if self._found is None:
            self._found = _occurrences(self._text, self._terms) if self._terms else []
            self._weights = {term: _weight(term) for term in self._terms}  # a short text needs none
        best, most, last = (0, 0), 0.0, 0
        held: Counter[str] = Counter()
        for found in self._found:
            while last < len(self._found) and self._found[last].end <= found.start + reach:
                held[self._found[last].term] += 1
                last += 1
            weight = sum(self._weights[term] for term, count in held.items() if count)
            if weight > most:
                best, most = (found.start, self._found[last - 1].end), weight
            held[found.term] -= 1
        return best


def one_line(text: str) -> str:
    """The text without line breaks and surplus blanks: nothing in it can look like a line of ours."""
    return " ".join(text.split())


def _weight(term: str) -> float:
    """How much a term tells: a name with a digit in it most, a long word more than a short one."""
    return 1 + len(term) / _LONG + is_identifier(term)


def _occurrences(text: str, terms: Collection[str]) -> list[_Found]:
    """In the order of their places."""
    spaced = frozenset(term for term in terms if not is_unspaced(term))
    found = [
        _Found(word.start(), word.end(), term)
        for word in _candidates(text, terms)
        for term in _terms(word.group())
        if term in spaced
    ]
    for sign in filter(is_unspaced, terms):
        at = -1
        for _ in range(_OCCURRENCES):
            at = text.find(sign, at + 1)
            if at < 0:
                break
            found.append(_Found(at, at + len(sign), sign))
    return sorted(found)


def _terms(word: str) -> tuple[str, ...]:
    return _kept_terms(word) if len(word) <= _COMMON else tuple(analyse(word).split())


@lru_cache(maxsize=20_000)  # a long text has most of its words many times, and several are read in a search
def _kept_terms(word: str) -> tuple[str, ...]:
    return tuple(analyse(word).split())


def _candidates(text: str, terms: Collection[str]) -> Iterator[re.Match[str]]:
    """The words that may be terms."""
    yield from _WORD.finditer(text, 0, _READ)
    if len(text) > _READ:
        begins = sorted({re.escape(term.partition("_")[0][:_BEGIN]) for term in terms})
        alike = re.compile(rf"\b(?:{'|'.join(begins)})\w*", re.IGNORECASE)
        yield from islice(alike.finditer(text, _READ), _MOST)


def _next_break(text: str, start: int, most: int) -> int:
    """The beginning of a sentence from ``start`` on, or else of a word, up to ``most``."""
    for pattern in (_BREAK, _BLANK):
        found = pattern.search(text, start, most)
        if found and found.end() <= most:
            return found.end()
    return start


def _last_break(text: str, least: int, end: int) -> int:
    """The end of a sentence up to ``end``, or else of a word, from ``least`` on."""
    for pattern in (_BREAK, _BLANK):
        breaks = [found.start() for found in pattern.finditer(text, least, end)]
        if breaks:
            return breaks[-1]
    return end
