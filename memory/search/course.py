"""Where a message stands in its conversation: in which talk, after and before what, and what answers it. Pure."""

from __future__ import annotations

import re

import numpy as np

from memory.records import Outlines, Position, scope_of, scope_range
from memory.search.talk import PAUSE_S
from memory.search.terms import telling_words

_QUESTION = re.compile(r"[?？؟\u037e][^\w\n]*$")  # marks, quotes and smileys may follow
_SENTENCE = re.compile(r"(?<=[.!?…])\s+|(?<=[。！？])|\n+")
_END = 40  # characters of a text in which its last mark is looked for
_ANSWERED_S = 72 * 3600.0  # after a longer silence nobody answers a question any more
LINES = 3
"""After a question, among which somebody else's is looked for."""
_EDGE = 4  # a quarter of what is known: a talk that comes as near to its edge may go on


def is_question(text: str) -> bool:
    """Whether a text ends by asking something."""
    return _QUESTION.search(text.rstrip()[-_END:]) is not None


def only_asks(text: str) -> bool:
    """Whether a text tells nothing beside what it asks."""
    return is_question(text) and all(
        is_question(sentence) or not telling_words(sentence) for sentence in _SENTENCE.split(text)
    )


class Course:
    """Messages in the order in which they were said, conversation by conversation: all that have a text within
    ``reach`` positions of some keys (`memory.ports.Messages.around`); or, which is enough for answers, those that
    follow them (`memory.ports.Messages.following`)."""

    def __init__(self, outlines: Outlines, reach: int) -> None:
        order = np.lexsort((outlines.keys, outlines.strands))
        self._keys: list[int] = outlines.keys[order].tolist()
        self._strands: list[int] = outlines.strands[order].tolist()
        self._times: list[float] = outlines.times[order].tolist()
        self._authors = [outlines.authors[at] for at in order.tolist()]
        self._at = {key: at for at, key in enumerate(self._keys)}
        self._reach = reach

    def position(self, key: int) -> Position | None:
        """Where in its talk it stands; None where the talk may go on beyond what is known of it."""
        here = first = last = self._at[key]
        low, high = key - self._reach, key + self._reach
        while first and self._keys[first - 1] >= low and self._joined(first - 1, first):
            first -= 1
        while last + 1 < len(self._keys) and self._keys[last + 1] <= high and self._joined(last, last + 1):
            last += 1
        margin = self._reach // _EDGE
        begins = low < scope_range(scope_of(key))[0]
        if (self._keys[first] < low + margin and not begins) or self._keys[last] > high - margin:
            return None
        return Position(here - first + 1, last - first + 1)

    def answer(self, key: int) -> int | None:
        """The key of what was said to it: the next line of somebody else, or else the next one of that talk."""
        here = self._at[key]
        following = [
            at
            for at in range(here + 1, min(here + 1 + LINES, len(self._keys)))
            if self._strands[at] == self._strands[here]
            and abs(self._times[at] - self._times[here]) <= _ANSWERED_S
        ]
        others = [at for at in following if self._authors[at] != self._authors[here]]
        own = [at for at in following[:1] if self._joined(here, at)]
        return next((self._keys[at] for at in (*others, *own)), None)

    def beside(self, key: int, lines: int) -> list[int]:
        """The key with those of up to ``lines`` messages on either side of it in its conversation, in order."""
        here = self._at[key]
        near = range(max(0, here - lines), min(len(self._keys), here + lines + 1))
        return [self._keys[at] for at in near if self._strands[at] == self._strands[here]]

    def _joined(self, one: int, other: int) -> bool:
        """Whether two neighbours are of one talk."""
        pause = abs(
            self._times[other] - self._times[one]
        )  # what was imported may be older than what stands before
        return self._strands[one] == self._strands[other] and pause <= PAUSE_S
