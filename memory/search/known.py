"""What is in front of the reader already, so that it need not be shown once more. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from memory.search.course import is_question
from memory.search.terms import query_terms

_LONGEST = 4_000  # characters of a text that are compared


class Known:
    """Lines that are shown: a text tells nothing new when one of them has all of its words that matter.

    A question tells nothing, whatever words are in it.
    """

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = [words for line in lines if not is_question(line) and (words := _words(line))]

    def tells(self, text: str) -> bool:
        """Whether all that the text says is known."""
        words = _words(text)
        return any(map(words.issubset, self._lines))

    def add(self, text: str) -> None:
        """It is shown from now on."""
        self._lines.append(_words(text))


@lru_cache(maxsize=4_096)  # most lines stay for many turns
def _words(text: str) -> frozenset[str]:
    return frozenset(query_terms(text[:_LONGEST]))
