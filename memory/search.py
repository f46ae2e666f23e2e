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
    """Where to look: one scope, its index, and who is looking."""

    scope: int
    audiences: Audiences
    index: VectorIndex | None
    tags: Sequence[str] = ()


async def ranked(
    session: Session, kind: str, places: Sequence[Place], query: str, vector: Any | None
) -> list[tuple[int, float]]:
    """(key, score) of every match in all the places, best first. Falls back to words without a vector."""
    terms = query_terms(query)
    texts: _Texts = session.messages if kind == "messages" else session.passages  # type: ignore[assignment]
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
        if vector is not None and place.index is not None:
            near = await place.index.search(place.scope, vector, place.audiences, _NEAREST)
            cosines.update(await _carrying(session, place, near))
    candidates = ranking.shortlist(postings, rows, limit=10**9)
    closer = candidates[:_CLOSER]
    analysed = await texts.terms(closer)
    words = ranking.bm25(terms, postings, rows, analysed)
    best = ranking.fuse(terms, words, analysed, cosines)
    seen = {key for key, _ in best}
    # What was not looked at closely is still a match, and is found on a later page.
    return best + [(key, 0.0) for key in candidates if key not in seen]


async def _carrying(
    session: Session, place: Place, near: Sequence[tuple[int, float]]
) -> Sequence[tuple[int, float]]:
    """The neighbours that carry one of the wanted tags."""
    if not place.tags:
        return near
    tagged = await session.passages.get(place.scope, [key for key, _ in near], place.audiences, place.tags)
    allowed = {passage.key for passage in tagged}
    return [(key, cosine) for key, cosine in near if key in allowed]
