"""Whether a text tells what was to be forgotten. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable
from datetime import datetime
from functools import lru_cache

from memory.search.terms import analyse, digest_words, is_identifier, query_terms

_PIECE = re.compile(r"[.!?…。！？]\s|[\n\r]|\\n")
_NAME = re.compile(r"(?<=\s)[^\W\d_a-z][\w'’-]{2,}")  # written large within a sentence
_WHOLE = 4  # characters of a text that is looked for as it stands
_DIGITS = 3  # of a number that tells by itself
_TIMES = re.compile(
    r"\b\d{1,2}:\d\d(?::\d\d)?\b"  # of day
    r"|\b\d{4}(?:[-./]\d{1,2}){0,2}\b|\b\d{1,2}[-./]\d{1,2}[-./]\d{4}\b"  # with a year
    r"|(?<![-./\d])\d{1,2}[-./]\d{1,2}\b(?![-./]?\d)"  # of some year
)
_LATELY = 2  # years on either side of now, whose dates tell when something was said, not what
_SHARE = 0.5  # of the words that matter


class Telltale:
    """Tells by the whole text, by a number or a name in it, or by half of its words in one sentence: rather once too
    often, for what it finds is taken out of view.

    ``known`` are names that tell nothing, as the person's own. ``staying`` are lines that are not to be forgotten: a
    name or a number that stands in one which says something else tells nothing by itself either. Nor does a time of
    day, or a date of about ``now``.
    """

    def __init__(
        self,
        texts: Iterable[str],
        known: Collection[str] = (),
        *,
        staying: Iterable[str] = (),
        now: datetime | None = None,
    ) -> None:
        nobody = {term for name in known for term in query_terms(name)}
        self._whole: set[str] = set()
        self._words: list[set[str]] = []
        self._alone: set[str] = set()
        for text in texts:
            names = {term for name in _NAME.findall(text) for term in query_terms(name)}
            times = times_in(text, now) if now else set()
            for piece in _pieces(text):
                folded, words = digest_words(piece), set(query_terms(piece)) - nobody
                words = words - times or words
                if len(folded) >= _WHOLE:
                    self._whole.add(folded)
                if words:
                    self._words.append(words)
                self._alone |= {word for word in words if word in names or _is_number(word)}
        stays = {term for line in staying if not self.says(line) for term in query_terms(line)}
        self._alone -= stays
        self._matter = {word for words in self._words for word in words} - stays

    def __call__(self, text: str) -> bool:
        return any(map(self._in, _pieces(text)))

    def says(self, text: str) -> bool:
        """Whether it says the same: by the whole text, or by half of its words; a name alone is not enough."""
        return any(self._same(piece) for piece in _pieces(text))

    def touches(self, text: str) -> bool:
        """Whether it speaks of it at all: shares a word that matters."""
        return not self._matter.isdisjoint(analyse(text).split()) or self(text)

    def rest(self, text: str, tells: Callable[[str], bool] | None = None) -> str:
        """The text without the sentences that tell (by ``tells``, None: by this)."""
        ends = [match.end() for match in _PIECE.finditer(text)]
        cuts = zip([0, *ends], [*ends, len(text)], strict=True)
        return "".join(s for a, b in cuts if not (tells or self)(s := text[a:b])).strip()

    def _in(self, piece: str) -> bool:
        return self._same(piece) or bool(self._alone & set(analyse(piece).split()))

    def _same(self, piece: str) -> bool:
        folded, words = _read(piece)
        if any(whole in folded for whole in self._whole):
            return True
        return any(_enough(len(told & words), len(told)) for told in self._words)


def _pieces(text: str) -> list[str]:
    """Its sentences, each once."""
    return list(dict.fromkeys(piece for piece in _PIECE.split(text) if piece.strip()))


@lru_cache(maxsize=1_024)
def _read(piece: str) -> tuple[str, frozenset[str]]:
    """A sentence as it is compared: with every one that tells, one after the other."""
    return digest_words(piece), frozenset(analyse(piece).split())


def times_in(text: str, now: datetime) -> set[str]:
    """The words of it that are times of day, or dates of about now."""
    found = [time for time in _TIMES.findall(text) if _is_lately(time, now)]
    return {term for time in found for term in query_terms(time)}


def _is_lately(time: str, now: datetime) -> bool:
    return all(abs(int(year) - now.year) <= _LATELY for year in re.findall(r"\d{4}", time))


def _is_number(word: str) -> bool:
    return is_identifier(word) and sum(c.isdigit() for c in word) >= _DIGITS


def _enough(shared: int, of: int) -> bool:
    return shared >= min(2, of) and shared >= _SHARE * of
