"""One search for recall and archival storage: candidates from words, meaning and time, ranked, paged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain
from typing import Any, Protocol

import numpy as np

from memory.ports import Nearness, Session, VectorIndex
from memory.ports.messages import POSTINGS
from memory.records import Audiences, Outlines, scope_range
from memory.search import ranking, spelling, sureness
from memory.search.dates import span_of
from memory.search.evidence import SIGN, Question, Rows, evidence
from memory.search.likeness import Apart, Likeness
from memory.search.people import named, without_names
from memory.search.talk import APART, PAUSE_S
from memory.search.terms import analyse, asked, languages_of

_BESIDE = 4  # positions around a row in which its neighbours are looked for
_ASKED = 4_000  # characters of a question
_FLOOR = 0.10
"""Nearness below which a row that shares no word with the question does not count as a match."""
_UNKNOWN = 4  # words of a question that occur nowhere, for which others are looked for
_ALIKE = 50  # rows in which they are
_HEARD = 200  # of the newest rows: those who said them are who talks
_FEW = 100  # rows that there are at least, for telling how rare a word is


@dataclass(frozen=True, kw_only=True)
class Breadth:
    """How much a search looks at closely: of the rows that share words with the question (``closer``), of those near
    in meaning (``near``), of the time that the question names (``dated``: a room's day has many), and of how
    many of the first two the neighbours (``seeds``); at most ``most`` rows of a term."""

    closer: int
    near: int
    dated: int
    seeds: int
    most: int


WIDE = Breadth(closer=100, near=80, dated=200, seeds=40, most=POSTINGS)
IN_ROOM = Breadth(closer=100, near=160, dated=200, seeds=40, most=POSTINGS)
"""For what a room heard: more is near to a question than in the talk of two, and less of it answers."""
NARROW = Breadth(closer=16, near=16, dated=60, seeds=8, most=200)
"""For what happens at every turn. A term of more rows is left out where others are there: it tells little."""


class _Texts(Protocol):
    """The part of `memory.ports.Messages` and `Passages` that a search reads."""

    async def terms(self, keys: Collection[int]) -> dict[int, str]: ...
    async def extent(self, scope: int) -> int: ...
    async def around(
        self, scope: int, keys: Collection[int], audiences: Audiences, reach: int
    ) -> Outlines: ...


@dataclass(frozen=True)
class Place:
    """Where to look: one scope, who is looking, and how near in meaning its rows are, where that can be told."""

    scope: int
    audiences: Audiences
    near: Nearness | None
    tags: Sequence[str] = ()

    def nearest(self, limit: int) -> list[int]:
        """Keys of the rows near enough in meaning to count as matches, the nearest of them."""
        if self.near is None:
            return []
        near = np.flatnonzero(self.near.nearness >= _FLOOR)
        best = near[np.argsort(-self.near.nearness[near], kind="stable")[:limit]]
        found: list[int] = self.near.keys[best].tolist()
        return found


@dataclass(frozen=True)
class Found:
    """What a search found, before it is ranked."""

    question: Question
    postings: Mapping[str, Any]
    searched: int  # rows, at most
    total: int  # the same, but never few
    rows: Rows
    candidates: Sequence[int]  # keys of the matches looked at closely
    others: Any  # of the rest, best first
    vectors: bool
    best: float  # the highest cosine, of any row

    def features(self) -> Any:
        """The rows' `evidence`."""
        return evidence(self.question, self.postings, self.total, self.rows)

    def signs(self, features: Any, sign: float = 1.0) -> list[float]:
        """What tells whether anything here is what the question is about (`sureness.signs`)."""
        about = (self.question, self.postings, self.total, self.rows, features, self.best)
        return sureness.signs(*about, sign=sign)

    def certainty(self, features: Any) -> float:
        """That memory knows of it, 0 to 1."""
        return sureness.gate(self.signs(features), vectors=self.vectors)

    def worth(self, features: Any, telling: float | None) -> float:
        """That it is worth bringing to mind, 0 to 1: by what is asked, too, where that is known."""
        if telling is None or not self.vectors:
            return self.certainty(features)
        return sureness.opening([*self.signs(features, SIGN), telling])


@dataclass(frozen=True)
class Matches:
    """(key, attention) of those ranked, best first, and the keys of ``others``, which were not looked at closely:
    matches still, found on later pages. ``certainty``, 0 to 1: that anything is what was asked for."""

    best: Sequence[tuple[int, float]]
    others: Any
    rows: int  # searched, at most
    certainty: float
    fits: bool  # whether it is sure enough to be told without a warning

    def without(self, keys: Collection[int]) -> Matches:
        left = np.isin(self.others, np.array(list(keys), np.int64), invert=True)
        best = [item for item in self.best if item[0] not in keys]
        return replace(self, best=best, others=self.others[left])

    def __len__(self) -> int:
        return len(self.best) + len(self.others)

    def page(self, number: int, size: int) -> dict[int, float]:
        first, end = number * size, (number + 1) * size
        shown = dict(self.best[first:end])
        rest = self.others[max(0, first - len(self.best)) : max(0, end - len(self.best))]
        return shown | {int(key): 0.0 for key in rest}


async def look(
    index: VectorIndex,
    scope: int,
    audiences: Audiences,
    vector: Any | None,
    tags: Sequence[str] = (),
    breadth: Breadth = WIDE,
) -> Place:
    """The place, with its rows compared; do this before a session is open."""
    near = None if vector is None else await index.compare(scope, vector, audiences, breadth.near)
    if near is not None and breadth is IN_ROOM:
        near = Apart(near)
    return Place(scope, audiences, near, tags)


def question_of(query: str, asker: str | None, now: datetime) -> Question:
    """``asker`` is who says "I" in the query, ``now`` the time in their zone. Of a long query the beginning counts."""
    query = query[:_ASKED]
    sought, languages = asked(query), languages_of(query)
    return Question(
        text=query,
        terms=sought.terms,
        forms=sought.forms,
        asker=asker,
        span=span_of(query, now, languages),
        languages=languages,
    )


async def meant(session: Session, agent_id: int, audiences: Audiences, question: Question) -> str:
    """What of a question about an agent's messages is to be embedded: all but the names of those who talk."""
    people = await session.messages.authors(agent_id, audiences, _HEARD)
    return without_names(people, question.text, question.languages)


async def ranked(session: Session, kind: str, places: Sequence[Place], question: Question) -> Matches:
    """Every match in all the places, best first; by words alone without vectors."""
    found = await gather(session, kind, places, question, IN_ROOM if question.of_room else WIDE)
    features = found.features()
    best = ranking.rank(
        found.question,
        found.postings,
        found.total,
        found.rows,
        features,
        found.candidates,
        vectors=found.vectors,
        likeness=_likeness(places, question),
    )
    # Who looks for a word that stands in many rows finds it, though the gate takes it for small talk.
    certainty = max(found.certainty(features), sureness.share(features))
    names = named(found.rows.authors, question.text, question.languages)
    enough = sureness.FITTING_NAMED if names else sureness.FITTING
    fits = certainty >= (enough if found.vectors else sureness.SURE)
    return Matches(best, found.others, found.searched, certainty, fits)


def _likeness(places: Sequence[Place], question: Question) -> Likeness | None:
    """By which it is told what was revised: of what a room heard, unless it is asked what was said on a day."""
    if not question.of_room or question.span is not None:
        return None
    return next((place.near.likeness for place in places if place.near is not None), None)


async def gather(
    session: Session, kind: str, places: Sequence[Place], question: Question, breadth: Breadth = WIDE
) -> Found:
    """The matches, and what ranking wants to know of the best of them and of their neighbours.

    But in a `NARROW` search a word of the question that occurs nowhere gives way to the nearest that do.
    """
    texts: _Texts = session.messages if kind == "messages" else session.passages
    written = question.written()
    held: dict[str, list[Any]] = {}
    total, near = 0, []
    for place in places:
        found = await _postings(
            session, kind, place, list(dict.fromkeys(chain(*written.values()))), breadth.most
        )
        if breadth is NARROW:
            rare = {term: keys for term, keys in found.items() if len(keys) < breadth.most}
            found = rare or found
        for term, keys in found.items():
            held.setdefault(term, []).append(keys)
        total += await texts.extent(place.scope)
        near += await _carrying(session, place, breadth.near)
        if kind == "messages" and question.span is not None:
            since, until = question.span.since, question.span.until
            near += await session.messages.within(place.scope, place.audiences, since, until, breadth.dated)
    searched, total = total, max(total, _FEW)
    if breadth is not NARROW:
        written |= await _respelt(session, kind, places, question, held)
    postings = _united(written, held)
    by_words = ranking.shortlist(postings, total)
    closer = by_words[: breadth.closer].tolist()
    matches = list(dict.fromkeys(closer + near))
    rows = await _rows(texts, places, matches)
    beside = _neighbours(rows, {*closer[: breadth.seeds], *near[: breadth.seeds]})
    candidates = list(dict.fromkeys(matches + beside))
    others = by_words[breadth.closer :]
    return Found(
        question,
        postings,
        searched,
        total,
        replace(rows, terms=_as_asked(written, await texts.terms(candidates))),
        candidates,
        others[np.isin(others, np.array(candidates, np.int64), invert=True)],
        any(place.near is not None and len(place.near.keys) for place in places),
        max((place.near.best for place in places if place.near is not None), default=0.0),
    )


async def _postings(
    session: Session, kind: str, place: Place, terms: Sequence[str], limit: int
) -> dict[str, Any]:
    if kind == "messages":
        return await session.messages.postings(place.scope, terms, place.audiences, limit=limit)
    return await session.passages.postings(place.scope, terms, place.audiences, place.tags, limit=limit)


async def _respelt(
    session: Session, kind: str, places: Sequence[Place], question: Question, held: dict[str, list[Any]]
) -> dict[str, tuple[str, ...]]:
    """For words of the question that occur nowhere in the places those that do; their postings are added."""
    dated = set(analyse(" ".join(question.span.words)).split()) if question.span else set()
    unknown = [
        term
        for term, forms in question.written().items()
        if held.keys().isdisjoint(forms) and dated.isdisjoint(forms) and spelling.is_spelt(term)
    ]
    instead: dict[str, tuple[str, ...]] = {}
    for term in unknown[:_UNKNOWN]:
        words = await _begun_alike(session, kind, places, term)
        if not any(spelling.is_near(term, word) for word in words):
            words = await _occurring(session, kind, places, sorted(spelling.slips(term))) or words
        if not words:
            continue
        instead[term] = tuple(spelling.nearest(term, words))
        new = [word for word in instead[term] if word not in held]
        for place in places:
            found = await _postings(session, kind, place, new, POSTINGS)
            for word, keys in found.items():
                held.setdefault(word, []).append(keys)
    return instead


def _united(written: Mapping[str, Sequence[str]], held: Mapping[str, Sequence[Any]]) -> dict[str, Any]:
    """The rows of each term: of any form in which it occurs."""
    rows = {term: [keys for form in forms for keys in held.get(form, ())] for term, forms in written.items()}
    return {
        term: np.unique(np.concatenate(keys)) if len(keys) > 1 else keys[0]
        for term, keys in rows.items()
        if keys
    }


def _as_asked(written: Mapping[str, Sequence[str]], texts: Mapping[int, str]) -> dict[int, str]:
    """Analysed texts, with the question's own term in the place of each form of it."""
    own = {form: term for term, forms in written.items() for form in forms if form not in written}
    if not own:
        return dict(texts)
    return {key: " ".join([own.get(word, word) for word in text.split()]) for key, text in texts.items()}


async def _begun_alike(session: Session, kind: str, places: Sequence[Place], term: str) -> Counter[str]:
    """The words that share the longest beginning with the term that occurs, and in how many rows they were seen."""
    texts: _Texts = session.messages if kind == "messages" else session.passages
    beginnings = spelling.beginnings(term)
    seen: dict[str, list[int]] = {}
    for place in places:
        found = await _postings(session, kind, place, [f"{begin}*" for begin in beginnings], _ALIKE)
        for begin, keys in found.items():
            seen.setdefault(begin[:-1], []).extend(keys.tolist())
    longest = max(seen, key=len, default=None)
    words: Counter[str] = Counter()
    if longest is not None:
        for text in (await texts.terms(seen[longest])).values():
            words.update({w for w in text.split() if w.startswith(longest) and spelling.is_spelt(w)})
    return words


async def _occurring(
    session: Session, kind: str, places: Sequence[Place], words: Sequence[str]
) -> Counter[str]:
    counts: Counter[str] = Counter()
    for place in places:
        found = await _postings(session, kind, place, words, _ALIKE)
        counts.update({word: len(keys) for word, keys in found.items()})
    return counts


async def _rows(texts: _Texts, places: Sequence[Place], keys: Sequence[int]) -> Rows:
    """The rows and their neighbours, those that the searcher may read, side by side; without their words."""
    seen: list[Outlines] = []
    cosines: list[Any] = []
    for place in places:
        low, high = scope_range(place.scope)
        own = [key for key in keys if low <= key <= high]
        if own or not seen:
            seen.append(await texts.around(place.scope, own, place.audiences, _BESIDE))
            found = seen[-1].keys
            cosines.append(np.zeros(len(found)) if place.near is None else place.near.of(found))
    known = seen[0] if len(seen) == 1 else _together(seen)
    order = np.lexsort((known.keys, known.strands))
    return Rows(
        keys=known.keys[order],
        strands=known.strands[order],
        times=known.times[order],
        authors=[known.authors[at] for at in order.tolist()],
        salience=known.salience[order],
        cosines=np.concatenate(cosines)[order],
        terms={},
    )


def _together(seen: Sequence[Outlines]) -> Outlines:
    keys, strands, authors, times, salience = zip(*seen, strict=True)
    columns = map(np.concatenate, (keys, strands, times, salience))
    return Outlines(next(columns), next(columns), list(chain(*authors)), next(columns), next(columns))


def _neighbours(rows: Rows, seeds: Collection[int]) -> list[int]:
    """Keys of what was said right beside the seeds: an answer seldom repeats the words of its question."""
    seed = np.isin(rows.keys, np.array(list(seeds), np.int64))
    found: list[int] = []
    for step in (1, 2):
        one, other = slice(None, -step), slice(step, None)
        beside = (
            (rows.strands[one] == rows.strands[other])
            & (rows.keys[other] - rows.keys[one] <= step * APART)
            & (rows.times[other] - rows.times[one] <= PAUSE_S)
        )
        found += rows.keys[other][beside & seed[one]].tolist() + rows.keys[one][beside & seed[other]].tolist()
    return found


async def _carrying(session: Session, place: Place, limit: int) -> list[int]:
    """The near rows that carry one of the wanted tags."""
    near = place.nearest(limit)
    if not place.tags or not near:
        return near
    tagged = await session.passages.get(place.scope, near, place.audiences, place.tags)
    return [passage.key for passage in tagged]
