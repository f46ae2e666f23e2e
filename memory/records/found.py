"""What a search finds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from memory.records.messages import Message
from memory.records.passages import Passage


class Outlines(NamedTuple):
    """What a ranking needs of rows besides their words, in parallel arrays and in no order. Rows of one strand follow
    each other by key: those of a conversation, or the parts of a document."""

    keys: Any
    strands: Any
    authors: Sequence[str]
    times: Any  # seconds since the epoch
    salience: Any


class Position(NamedTuple):
    """The how-manieth of how many messages of a talk."""

    number: int
    of: int


@dataclass(frozen=True, kw_only=True)
class Hit:
    """A search result: the row, and its share of attention among the candidates (0 to 1, higher is better).

    Of a message: its ``position`` in its talk, where that is known, and, where it asks something, the ``answer``.
    """

    row: Message | Passage
    score: float
    position: Position | None = None
    answer: Message | None = None
    replaced: Passage | None = None  # what held before a note that replaced it


@dataclass(frozen=True, kw_only=True)
class Page:
    """One page of a search. ``total`` counts every match, so that the last page is known.

    ``searched`` is how many rows were looked through, at most; ``certainty`` (0 to 1) that any of them is what was
    asked for, and ``fits`` whether that is enough; ``in_view`` are those of the best that the searcher has before them,
    and which are no ``hits``.
    """

    hits: tuple[Hit, ...]
    total: int
    page: int
    page_size: int
    searched: int = 0
    certainty: float = 1.0
    fits: bool = True
    in_view: tuple[Message, ...] = ()

    @property
    def pages(self) -> int:
        return -(-self.total // self.page_size)
