"""Associative memory: what an event brings to mind, without being searched for.

A reader over the agent's own memories (end-to-end memory networks, Sukhbaatar et al., 2015): attention weights
β = softmax(score/τ), the score being the one that searches rank by (`search.ranking`), which was learned as such a
softmax. The writer's gate (`search.salience`) is one of its terms. A fusion gate λ (`search.sureness`), from how sure
the reading is, decides whether anything is surfaced at all: small talk stays free of it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from functools import cache
from typing import Any

import numpy as np

from memory.indexer import Indexer
from memory.ports import Session, Store
from memory.records import (
    Agent,
    Audience,
    Audiences,
    Brought,
    Message,
    Passage,
    Surfaced,
    public_in,
    readable_from,
    scope_of,
)
from memory.search import ranking
from memory.search.answers import answers, course_behind
from memory.search.course import is_question, only_asks
from memory.search.excerpts import Sought, one_line
from memory.search.known import Known
from memory.search.namesakes import told_apart
from memory.search.search import NARROW, Found, gather, look, question_of
from memory.search.stale import still_true
from memory.search.sureness import SURE
from memory.search.talk import APART, PAUSE_S
from memory.search.terms import query_terms, telling_words

log = logging.getLogger(__name__)

Memory = Message | Passage

OVERHEARD = "said here"
"""The mark of what somebody said in a room that remembers."""
A_DOCUMENT = "a document"
"""The mark before what a document says that the person sent."""
TEMPERATURE = 1.0
_TERMS = 10  # words of a message that are looked up
_MOST = 20  # memories that share the attention
_LINE = 0.1  # of the attention: from this share on a memory is a line of its own
_BESIDE = 0.01  # ... and from this on it is told beside what stands next to it in its talk
_NEXT = 2  # places that it may be off
_TOLD = 4  # memories of a line, at most
_DENSEST = 8  # characters of a token, at most
_LONGEST = 300  # characters of a memory that are surfaced


@dataclass(frozen=True, kw_only=True)
class Cue:
    """What may bring something to mind: ``text``, said where ``audience`` hears. ``asker`` is the author whom "I"
    means, ``now`` the moment in their zone; ``leave_out`` are keys of messages that are in the context already, and
    ``known`` lines that are."""

    agent: Agent
    text: str
    audience: Audience
    asker: str | None = None
    now: datetime
    leave_out: Collection[int] = ()
    known: Collection[str] = ()


@dataclass(frozen=True)
class Heeded:
    """Memories that belong together (one, or a question with what was said to it), their share of the attention, and
    the place of the first among the rows that were read, where it was said, and `ranking.reasons`."""

    memories: tuple[Memory, ...]
    weight: float
    place: int = 0
    why: tuple[str, ...] = ()

    def beside(self, other: Heeded) -> bool:
        """Whether it stands next to the other in one talk."""
        one, two = self.memories[0], other.memories[0]
        if not (isinstance(one, Message) and isinstance(two, Message)):
            return False
        return (
            one.conversation_id == two.conversation_id
            and abs(self.place - other.place) <= _NEXT
            and abs(one.key - two.key) <= _NEXT * APART
            and abs((one.created_at - two.created_at).total_seconds()) <= PAUSE_S
        )


@dataclass(frozen=True)
class Recollection:
    """A line that is surfaced: memories of one talk in their order, or one passage; ``text`` is how it is told."""

    memories: tuple[Memory, ...]
    weight: float
    text: str
    why: tuple[str, ...] = ()


@dataclass(frozen=True)
class Reading:
    """What is surfaced, by attention, most first, and how sure the reading is (λ)."""

    lines: Sequence[Recollection]
    certainty: float

    @property
    def surfaced(self) -> Surfaced:
        """As it is kept with the turn."""
        return Surfaced(certainty=self.certainty, lines=tuple(map(_brought, self.lines)))

    @property
    def memories(self) -> Sequence[tuple[Memory, float]]:
        return [(memory, line.weight) for line in self.lines for memory in line.memories]


NOTHING = Reading((), 0.0)


class Associative:
    """``budget`` is how many tokens may be surfaced for one event, as ``count`` counts them; readings are ``told``."""

    def __init__(
        self,
        store: Store,
        indexer: Indexer,
        count: Callable[[str], int],
        budget: int,
        told: Callable[[Reading], None] = lambda reading: None,
    ) -> None:
        self._told = told
        self._store = store
        self._indexer = indexer
        self._count = count
        self._budget = budget

    def expect(self, text: str) -> None:
        """It will be asked in a moment what this brings to mind."""
        if self._budget > 0 and telling_words(text):
            self._indexer.expect(text)

    async def surfaced(
        self,
        agent: Agent,
        text: str,
        audience: Audience,
        *,
        asker: str | None = None,
        now: datetime,
        leave_out: Collection[int] = (),
        known: Collection[str] = (),
        at_most: int | None = None,
    ) -> list[str]:
        """What ``text`` brings to mind, a line each, of what ``audience`` may read and within the budget.

        Left out is what is in the context already: messages by their keys, and whatever a line of ``known`` tells (core
        memory, what was surfaced before, what is in view).
        """
        cue = Cue(
            agent=agent, text=text, audience=audience, asker=asker, now=now, leave_out=leave_out, known=known
        )
        return [line.text for line in (await self.chosen(cue, at_most)).lines]

    async def chosen(self, cue: Cue, at_most: int | None = None) -> Reading:
        """The reading, cut down to what is surfaced: nothing at all when it is not sure enough."""
        budget = self._budget if at_most is None else min(self._budget, at_most)
        if budget <= 0 or not telling_words(cue.text):
            return NOTHING
        known = Known(cue.known)  # while the embedder is at work
        heeded, certainty = await self.read(cue)
        lines = self._lines(cue, heeded, known, budget)
        log.debug("agent %s: λ %.2f, %d memories surfaced", cue.agent.id, certainty, len(lines))
        reading = Reading(lines, certainty)
        self._told(reading)
        return reading

    def _lines(self, cue: Cue, heeded: Sequence[Heeded], known: Known, budget: int) -> list[Recollection]:
        """Lines of what tells something new, while there is room: what stands side by side in a talk is one line."""
        say, zone = _saying(query_terms(cue.text)), cue.now.tzinfo
        lines: list[list[Heeded]] = []
        for each in heeded:
            if all(known.tells(memory.text) for memory in each.memories):
                continue
            own = next((line for line in lines if any(map(each.beside, line))), None)
            if len(own) >= _TOLD if own else lines and each.weight < _LINE:
                continue
            shown = f"{'' if own is None else '/ '}{_told(each.memories, say, zone)}"
            if len(shown) > _DENSEST * budget:
                continue  # not worth counting
            cost = self._count(shown)
            if cost > budget:
                continue
            budget -= cost
            for memory in each.memories:
                known.add(memory.text)
            if own is None:
                lines.append([each])
            else:
                own.append(each)
        return [_recollection(line, say, zone) for line in lines]

    async def read(self, cue: Cue) -> tuple[list[Heeded], float]:
        """The reader: what has attention over the agent's own messages and passages, most first, if it is sure; and
        how sure it is."""
        agent, audiences = cue.agent, readable_from(cue.audience)
        async with self._store.read() as session:
            scopes = [
                ("messages", agent.id, await session.messages.extent(agent.id) - len(cue.leave_out)),
                ("passages", agent.archive_id, await session.passages.extent(agent.archive_id)),
            ]
            community = public_in(cue.audience)
            keeper = await session.rooms.keeper(community) if community is not None else None
            if keeper is not None:
                scopes.append(("messages", keeper.id, await session.messages.extent(keeper.id)))
        held = [(kind, scope) for kind, scope, rows in scopes if rows > 0]
        if not held:
            return [], 0.0
        question = question_of(cue.text, cue.asker, cue.now)
        # A long message has more words than need be looked up at every turn; longer words are rarer (Zipf).
        telling_most = sorted(question.terms, key=len, reverse=True)[:_TERMS]
        question = replace(question, terms=[term for term in question.terms if term in telling_most])
        # The newest rows may still wait for their vectors: they are in the context anyway. And a turn does not
        # stand in line: while the embedder has others to serve, words alone tell.
        vector = await self._indexer.query_vector(cue.text, "messages", patient=False)
        indexes = {
            "messages": self._indexer.index_of_messages,
            "passages": self._indexer.index_of_own,
        }
        places = [
            (kind, await look(indexes[kind], scope, audiences, vector, breadth=NARROW))
            for kind, scope in held
        ]
        telling = self._indexer.telling(vector)
        scored: list[tuple[float, int, str]] = []
        places_of: dict[int, int] = {}
        looked: list[tuple[str, Found, Any]] = []
        certainty = 0.0
        async with self._store.read() as session:
            for kind, place in places:
                of_room = keeper is not None and (kind, place.scope) == ("messages", keeper.id)
                found = await gather(session, kind, [place], replace(question, of_room=of_room), NARROW)
                features = found.features()
                looked.append((kind, found, features))
                certainty = max(certainty, found.worth(features, telling))
                scored += [(score, key, kind) for key, score in _scores(found, features, cue.leave_out)]
                if kind == "messages":
                    places_of |= {key: at for at, key in enumerate(found.rows.keys.tolist())}
            if certainty < SURE:
                return [], certainty
            rows = await _rows(session, cue, audiences, scored)
            return await _answered(session, cue, audiences, rows, places_of, _whys(looked, rows)), certainty


async def _rows(
    session: Session, cue: Cue, audiences: Audiences, scored: Sequence[tuple[float, int, str]]
) -> list[tuple[Memory, float]]:
    """Those of (score, key, kind) that get any of the attention, most first."""
    best = sorted(scored, reverse=True)[:_MOST]
    weights = ranking.attention(np.array([score for score, _, _ in best]), TEMPERATURE)
    heeded = {
        (kind, key): float(weight)
        for (_, key, kind), weight in zip(best, weights, strict=True)
        if weight >= _BESIDE
    }
    said = [key for kind, key in heeded if kind == "messages"]
    noted = [key for kind, key in heeded if kind == "passages"]
    known: dict[tuple[str, int], Memory] = {}
    for scope in {scope_of(key) for key in said}:
        found = await session.messages.get(scope, [key for key in said if scope_of(key) == scope], audiences)
        rows = await told_apart(session, found)
        known |= {("messages", row.key): row for row in rows}
    if noted:
        passages = await session.passages.get(cue.agent.archive_id, noted, audiences)
        known |= {("passages", row.key): row for row in passages}
    return [(known[name], weight) for name, weight in heeded.items() if name in known]


async def _answered(
    session: Session,
    cue: Cue,
    audiences: Audiences,
    rows: Sequence[tuple[Memory, float]],
    places: Mapping[int, int],
    whys: Mapping[tuple[str, int], tuple[str, ...]],
) -> list[Heeded]:
    """The rows that are true still, a question with what was said to it. Where the asker only asked before, as they do
    now, the answer stands in the place of the question."""
    asking = [
        row for row, _ in rows if isinstance(row, Message) and not row.overheard and is_question(row.text)
    ]
    given: Mapping[int, Message] = {}
    if asking:
        course = await course_behind(session, cue.agent.id, [row.key for row in asking], audiences)
        given = await answers(session, cue.agent.id, asking, course, audiences, cue.leave_out)
    every = [*rows, *((answer, 0.0) for answer in given.values())]
    true = {memory for memory, _ in await still_true(session, cue.agent, audiences, every)}
    heeded: list[Heeded] = []
    told: set[Memory] = set()
    for row, weight in rows:
        answer = given.get(row.key) if isinstance(row, Message) else None
        own = isinstance(row, Message) and row.author == cue.asker and only_asks(row.text)
        memories = [m for m in (None if own else row, answer) if m and m in true and m not in told]
        told.update(memories)
        if memories:
            # An answer may stand in the place of its question, which got the attention.
            heeded.append(Heeded(tuple(memories), weight, places.get(row.key, 0), whys.get(_name(row), ())))
    return heeded


def line(memory: Memory, zone: tzinfo | None) -> str:
    """A memory as it is surfaced by itself: when, who, what."""
    return _told([memory], _saying(()), zone)


def _saying(terms: Sequence[str]) -> Callable[[Memory], str]:
    """How a memory is told: who, and of a long text the part around ``terms``, which is looked for once."""
    return cache(lambda memory: f"{_who(memory)}: {Sought(memory.text, terms).excerpt(_LONGEST).text}")


def _told(memories: Sequence[Memory], say: Callable[[Memory], str], zone: tzinfo | None) -> str:
    """Memories of one day."""
    first = memories[0]
    mark = f" ({first.imported})" if isinstance(first, Message) and first.imported else ""
    mark = f" ({OVERHEARD})" if isinstance(first, Message) and first.overheard else mark
    mark = f" ({A_DOCUMENT})" if isinstance(first, Passage) and first.file else mark
    return f"{first.created_at.astimezone(zone):%Y-%m-%d}{mark} {' / '.join(map(say, memories))}"


def _who(memory: Memory) -> str:
    if isinstance(memory, Message):
        return memory.author
    if memory.file:
        return f"{one_line(memory.source)} part {memory.position}"
    marks = [memory.origin] if memory.origin else []
    marks += ["doubtful"] if memory.doubtful else []
    return f"noted ({', '.join(marks)})" if marks else "noted"


def together(memories: Sequence[Memory], zone: tzinfo | None) -> str:
    """Memories of one talk as they are surfaced by themselves."""
    return _told(memories, _saying(()), zone)


def _name(memory: Memory) -> tuple[str, int]:
    return "messages" if isinstance(memory, Message) else "passages", memory.key


def _whys(
    looked: Sequence[tuple[str, Found, Any]], rows: Sequence[tuple[Memory, float]]
) -> dict[tuple[str, int], tuple[str, ...]]:
    """What spoke for each row that got attention."""
    wanted = {_name(row) for row, _ in rows}
    whys: dict[tuple[str, int], tuple[str, ...]] = {}
    for kind, found, features in looked:
        places = {(kind, key): at for at, key in enumerate(found.rows.keys.tolist()) if (kind, key) in wanted}
        told = ranking.reasons(features, list(places.values()), vectors=found.vectors)
        whys |= zip(places, told, strict=True)
    return whys


def _brought(line: Recollection) -> Brought:
    keys = [_name(memory) for memory in line.memories]
    return Brought(
        weight=line.weight,
        why=line.why,
        messages=tuple(key for kind, key in keys if kind == "messages"),
        passages=tuple(key for kind, key in keys if kind == "passages"),
    )


def _recollection(line: Sequence[Heeded], say: Callable[[Memory], str], zone: tzinfo | None) -> Recollection:
    memories = tuple(sorted((m for each in line for m in each.memories), key=lambda memory: memory.key))
    why = tuple(dict.fromkeys(reason for each in line for reason in each.why))
    return Recollection(memories, max(each.weight for each in line), _told(memories, say, zone), why)


def _scores(found: Found, features: Any, leave_out: Collection[int]) -> list[tuple[int, float]]:
    """Key and score of the candidates that are not left out."""
    scores = ranking.scores(
        found.question, found.postings, found.total, found.rows, features, vectors=found.vectors
    )
    wanted = set(found.candidates).difference(leave_out)
    return [(key, float(s)) for key, s in zip(found.rows.keys.tolist(), scores, strict=True) if key in wanted]
