"""One search for recall and archival storage: candidates from words, meaning and time, ranked, paged."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

import numpy as np

from memory import ranking
from memory.dates import span_of
from memory.evidence import APART, PAUSE_S, Question, Rows
from memory.ports import POSTINGS, Audiences, Session, VectorIndex
from memory.records import Outline, scope_range
from memory.terms import query_terms

_CLOSER = 150  # rows of those that share words with the question that are looked at closely
_NEAREST = 100  # rows nearest in meaning that are
_DATED = 60  # rows of the time that the question names that are
_BESIDE = 4  # positions around a row in which its neighbours are looked for
_SEEDS = 60  # of each kind of match: the best, whose neighbours are matches too
_FLOOR = 0.30
"""Cosine below which a row that shares no word with the question does not count as a match."""
_NOTHING = (np.empty(0, np.int64), np.empty(0, np.float32))


class _Texts(Protocol):
    """The part of `memory.ports.Messages` and `Passages` that a search reads."""

    async def terms(self, keys: Collection[int]) -> dict[int, str]: ...
    async def extent(self, scope: int) -> int: ...
    async def around(
        self, scope: int, keys: Collection[int], audiences: Audiences, reach: int
    ) -> list[Outline]: ...


@dataclass(frozen=True)
class Place:
    """Where to look: one scope, who is looking, and how near in meaning its rows are (keys ascending)."""

    scope: int
    audiences: Audiences
    keys: Any
    cosines: Any
    tags: Sequence[str] = ()

    def nearest(self) -> list[int]:
        """Keys of the rows near enough in meaning to count as matches, the nearest of them."""
        near = np.flatnonzero(self.cosines >= _FLOOR)
        best = near[np.argsort(-self.cosines[near], kind="stable")[:_NEAREST]]
        return [int(key) for key in self.keys[best]]

    def cosines_of(self, keys: Any) -> Any:
        """Of rows given by ascending or any keys; 0 where none is known."""
        if not len(self.keys):
            return np.zeros(len(keys))
        at = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
        return np.where(self.keys[at] == keys, self.cosines[at], 0.0)


@dataclass(frozen=True)
class Found:
    """What a search found, before it is ranked."""

    question: Question
    postings: Mapping[str, Sequence[int]]
    total: int  # rows searched, at most
    rows: Rows
    candidates: Sequence[int]  # keys of the matches looked at closely
    others: Sequence[int]  # of the rest, best first
    vectors: bool


async def look(
    index: VectorIndex, scope: int, audiences: Audiences, vector: Any | None, tags: Sequence[str] = ()
) -> Place:
    """The place, with its rows compared; do this before a session is open."""
    keys, cosines = _NOTHING if vector is None else await index.compare(scope, vector, audiences, _NEAREST)
    return Place(scope, audiences, keys, cosines, tags)


def question_of(query: str, asker: str | None, now: datetime) -> Question:
    """``asker`` is who says "I" in the query, ``now`` the time in their zone."""
    return Question(text=query, terms=query_terms(query), asker=asker, span=span_of(query, now))


async def ranked(
    session: Session, kind: str, places: Sequence[Place], question: Question
) -> list[tuple[int, float]]:
    """(key, attention) of every match in all the places, best first; by words alone without vectors."""
    found = await gather(session, kind, places, question)
    best = ranking.rank(
        question, found.postings, found.total, found.rows, found.candidates, vectors=found.vectors
    )
    # What was not looked at closely is still a match, and is found on a later page.
    return best + [(key, 0.0) for key in found.others]


async def gather(
    session: Session, kind: str, places: Sequence[Place], question: Question, *, most: int = POSTINGS
) -> Found:
    """The matches, and what ranking wants to know of the best of them and of their neighbours.

    At most so many rows are looked up for a term; with fewer than the usual, a term that has more is left out where
    others are there: what is said that often tells little.
    """
    texts: _Texts = session.messages if kind == "messages" else session.passages
    postings: dict[str, list[int]] = {}
    total, near = 0, []
    for place in places:
        if kind == "messages":
            found = await session.messages.postings(place.scope, question.terms, place.audiences, limit=most)
        else:
            found = await session.passages.postings(
                place.scope, question.terms, place.audiences, place.tags, limit=most
            )
        if most < POSTINGS:
            rare = {term: keys for term, keys in found.items() if len(keys) < most}
            found = rare or found
        for term, keys in found.items():
            postings.setdefault(term, []).extend(keys)
        total += await texts.extent(place.scope)
        near += await _carrying(session, place)
        if kind == "messages" and question.span is not None:
            since, until = question.span.since, question.span.until
            near += await session.messages.within(place.scope, place.audiences, since, until, _DATED)
    by_words = ranking.shortlist(postings, total, limit=10**9)
    matches = list(dict.fromkeys(by_words[:_CLOSER] + near))
    seeds = {*by_words[:_SEEDS], *near[:_SEEDS]}
    outlines, cosines = await _outlines(texts, places, matches)
    candidates = list(dict.fromkeys([*matches, *_neighbours(outlines, seeds)]))
    chosen = set(candidates)
    return Found(
        question,
        postings,
        total,
        _rows(outlines, cosines, await texts.terms(candidates)),
        candidates,
        [key for key in by_words[_CLOSER:] if key not in chosen],
        any(len(place.keys) for place in places),
    )


async def _outlines(
    texts: _Texts, places: Sequence[Place], keys: Sequence[int]
) -> tuple[list[Outline], list[Any]]:
    """The rows and their neighbours, those that the searcher may read, side by side; and their cosines."""
    outlines: list[Outline] = []
    cosines: list[Any] = []
    for place in places:
        low, high = scope_range(place.scope)
        own = [key for key in keys if low <= key <= high]
        seen = await texts.around(place.scope, own, place.audiences, _BESIDE)
        seen.sort(key=lambda outline: (str(outline.strand), outline.key))
        outlines += seen
        cosines.append(place.cosines_of(np.array([outline.key for outline in seen], np.int64)))
    return outlines, cosines


def _neighbours(outlines: Sequence[Outline], seeds: Collection[int]) -> list[int]:
    """Keys of what was said right beside the seeds: an answer seldom repeats the words of its question."""
    return [
        row.key
        for step in (1, 2)
        for one, other in zip(outlines, outlines[step:], strict=False)
        if one.strand == other.strand and other.key - one.key <= step * APART and other.at - one.at <= PAUSE_S
        for seed, row in ((one, other), (other, one))
        if seed.key in seeds
    ]


def _rows(outlines: Sequence[Outline], cosines: Sequence[Any], terms: Mapping[int, str]) -> Rows:
    strands = {strand: n for n, strand in enumerate(dict.fromkeys(outline.strand for outline in outlines))}
    return Rows(
        keys=np.array([outline.key for outline in outlines], np.int64),
        strands=np.array([strands[outline.strand] for outline in outlines], np.int64),
        times=np.array([outline.at for outline in outlines], float),
        authors=[outline.author for outline in outlines],
        salience=np.array([outline.salience for outline in outlines], float),
        cosines=np.concatenate(cosines) if cosines else np.zeros(0),
        terms=terms,
    )


async def _carrying(session: Session, place: Place) -> list[int]:
    """The near rows that carry one of the wanted tags."""
    near = place.nearest()
    if not place.tags or not near:
        return near
    tagged = await session.passages.get(place.scope, near, place.audiences, place.tags)
    return [passage.key for passage in tagged]
