"""One search for recall and archival storage: candidates from words and vectors, ranked, paged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from memory import ranking
from memory.ports import Audiences, Session, VectorIndex
from memory.terms import query_terms

_CLOSER = 200  # candidates whose texts are scored in full
_NEAREST = 100  # neighbours asked of a vector index


class _Texts(Protocol):
    """The part of `memory.ports.Messages` and `Passages` that a search reads."""

    async def terms(self, keys: list[int]) -> dict[int, str]: ...
    async def extent(self, scope: int) -> int: ...


@dataclass(frozen=True)
class Place:
    """Where to look: one scope, who is looking, and the scope's rows nearest in meaning."""

    scope: int
    audiences: Audiences
    near: Sequence[tuple[int, float]] = ()
    tags: Sequence[str] = ()


async def look(
    index: VectorIndex, scope: int, audiences: Audiences, vector: Any | None, tags: Sequence[str] = ()
) -> Place:
    """The place, with its nearest rows looked up; do this before a session is open."""
    near = [] if vector is None else await index.search(scope, vector, audiences, _NEAREST)
    return Place(scope, audiences, near, tags)


async def ranked(session: Session, kind: str, places: Sequence[Place], query: str) -> list[tuple[int, float]]:
    """(key, score) of every match in all the places, best first; by words alone without near rows."""
    terms = query_terms(query)
    texts: _Texts = session.messages if kind == "messages" else session.passages
    postings: dict[str, list[int]] = {}
    cosines: dict[int, float] = {}
    rows = 0
    for place in places:
        if kind == "messages":
            found = await session.messages.postings(place.scope, terms, place.audiences)
        else:
            found = await session.passages.postings(place.scope, terms, place.audiences, place.tags)
        for term, keys in found.items():
            postings.setdefault(term, []).extend(keys)
        rows += await texts.extent(place.scope)
        cosines.update(await _carrying(session, place))
    candidates = ranking.shortlist(postings, rows, limit=10**9)
    closer = candidates[:_CLOSER]
    analysed = await texts.terms(closer)
    words = ranking.bm25(terms, postings, rows, analysed)
    best = ranking.fuse(terms, words, analysed, cosines)
    seen = {key for key, _ in best}
    # What was not looked at closely is still a match, and is found on a later page.
    return best + [(key, 0.0) for key in candidates if key not in seen]


async def _carrying(session: Session, place: Place) -> Sequence[tuple[int, float]]:
    """The near rows that carry one of the wanted tags."""
    if not place.tags or not place.near:
        return place.near
    keys = [key for key, _ in place.near]
    tagged = await session.passages.get(place.scope, keys, place.audiences, place.tags)
    allowed = {passage.key for passage in tagged}
    return [(key, cosine) for key, cosine in place.near if key in allowed]
