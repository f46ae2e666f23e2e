"""Associative memory: what an event brings to mind, without being searched for.

A reader over the agent's own memories (end-to-end memory networks, Sukhbaatar et al., 2015): attention weights
β = softmax(score/τ), the score being the one that searches rank by (`search.ranking`), which was learned as such a
softmax. The writer's gate (`search.salience`) is one of its terms. A fusion gate λ (`search.sureness`), from how sure
the reading is, decides whether anything is surfaced at all: small talk stays free of it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from typing import Any

import numpy as np

from memory.indexer import Indexer
from memory.ports import Session, Store
from memory.records import Agent, Audience, Audiences, Message, Passage, readable_from
from memory.search import ranking
from memory.search.search import NARROW, Found, gather, look, question_of
from memory.search.stale import still_true
from memory.search.sureness import SURE
from memory.search.terms import telling_words

log = logging.getLogger(__name__)

Memory = Message | Passage

TEMPERATURE = 1.0
_TERMS = 10  # words of a message that are looked up
_MOST = 16  # memories that are looked at for the budget
_LEAST = 0.1  # of the most attention: below this share a memory is not surfaced
_DENSEST = 8  # characters of a token, at most
_LONGEST = 400  # characters of a memory that are surfaced


@dataclass(frozen=True, kw_only=True)
class Cue:
    """What may bring something to mind: ``text``, said where ``audience`` hears. ``asker`` is the author whom "I"
    means, ``now`` the moment in their zone; ``leave_out`` are keys of messages that are in the context already."""

    agent: Agent
    text: str
    audience: Audience
    asker: str | None = None
    now: datetime
    leave_out: Collection[int] = ()


@dataclass(frozen=True)
class Reading:
    """The memories by attention, most first, and how sure the reading is (λ)."""

    memories: Sequence[tuple[Memory, float]]
    certainty: float


class Associative:
    """``budget`` is how many tokens may be surfaced for one event, as ``count`` counts them."""

    def __init__(self, store: Store, indexer: Indexer, count: Callable[[str], int], budget: int) -> None:
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

        Left out is what is in the context already: messages by their keys, and lines surfaced before (``known``).
        """
        cue = Cue(agent=agent, text=text, audience=audience, asker=asker, now=now, leave_out=leave_out)
        reading = await self.chosen(cue, at_most)
        lines = [line(memory, now.tzinfo) for memory, _ in reading.memories]
        return [each for each in lines if each not in known]

    async def chosen(self, cue: Cue, at_most: int | None = None) -> Reading:
        """The reading, cut down to what is surfaced: nothing at all when it is not sure enough."""
        budget = self._budget if at_most is None else min(self._budget, at_most)
        if budget <= 0 or not telling_words(cue.text):
            return Reading((), 0.0)
        reading = await self.read(cue)
        memories = []
        for memory, weight in reading.memories:
            shown = line(memory, cue.now.tzinfo)
            if len(shown) > _DENSEST * budget:
                continue  # not worth counting
            cost = self._count(shown)
            if cost <= budget:
                memories.append((memory, weight))
                budget -= cost
        log.debug("agent %s: λ %.2f, %d memories surfaced", cue.agent.id, reading.certainty, len(memories))
        return Reading(memories, reading.certainty)

    async def read(self, cue: Cue) -> Reading:
        """The reader: what has most of the attention over the agent's own messages and passages, if it is sure."""
        agent, audiences = cue.agent, readable_from(cue.audience)
        async with self._store.read() as session:
            scopes = {
                "messages": (agent.id, await session.messages.extent(agent.id) - len(cue.leave_out)),
                "passages": (agent.archive_id, await session.passages.extent(agent.archive_id)),
            }
        kinds = [kind for kind, (_, rows) in scopes.items() if rows > 0]
        if not kinds:
            return Reading((), 0.0)
        # The newest rows may still wait for their vectors: they are in the context anyway. And a turn does not
        # stand in line: while the embedder has others to serve, words alone tell.
        vector = await self._indexer.query_vector(cue.text, "messages", patient=False)
        indexes = {
            "messages": self._indexer.index_of_messages,
            "passages": self._indexer.index_of_own,
        }
        places = {
            kind: await look(indexes[kind], scopes[kind][0], audiences, vector, breadth=NARROW)
            for kind in kinds
        }
        question = question_of(cue.text, cue.asker, cue.now)
        # A long message has more words than need be looked up at every turn; longer words are rarer (Zipf).
        telling_most = sorted(question.terms, key=len, reverse=True)[:_TERMS]
        question = replace(question, terms=[term for term in question.terms if term in telling_most])
        scored: list[tuple[float, int, str]] = []
        certainty = 0.0
        async with self._store.read() as session:
            for kind, place in places.items():
                found = await gather(session, kind, [place], question, NARROW)
                features = found.features()
                certainty = max(certainty, found.certainty(features))
                scored += [(score, key, kind) for key, score in _scores(found, features, cue.leave_out)]
            memories = await _heeded(session, agent, audiences, scored) if certainty >= SURE else []
            memories = await still_true(session, agent, audiences, memories)
        return Reading(memories, certainty)


async def _heeded(
    session: Session, agent: Agent, audiences: Audiences, scored: Sequence[tuple[float, int, str]]
) -> list[tuple[Memory, float]]:
    """Those of (score, key, kind) that get enough of the attention, most first."""
    best = sorted(scored, reverse=True)[:_MOST]
    weights = ranking.attention(np.array([score for score, _, _ in best]), TEMPERATURE)
    heeded = {
        (kind, key): float(weight)
        for (_, key, kind), weight in zip(best, weights, strict=True)
        if weight >= _LEAST * weights[0]
    }
    said = [key for kind, key in heeded if kind == "messages"]
    noted = [key for kind, key in heeded if kind == "passages"]
    known: dict[tuple[str, int], Memory] = {}
    if said:
        rows = await session.messages.get(agent.id, said, audiences)
        known |= {("messages", row.key): row for row in rows}
    if noted:
        passages = await session.passages.get(agent.archive_id, noted, audiences)
        known |= {("passages", row.key): row for row in passages}
    return [(known[name], weight) for name, weight in heeded.items() if name in known]


def line(memory: Memory, zone: tzinfo | None) -> str:
    """A memory as it is surfaced: when, who, what."""
    text = " ".join(memory.text.split())
    shown = text if len(text) <= _LONGEST else f"{text[:_LONGEST]} …"
    who = f"{memory.author}: " if isinstance(memory, Message) else "noted: "
    return f"{memory.created_at.astimezone(zone):%Y-%m-%d} {who}{shown}"


def _scores(found: Found, features: Any, leave_out: Collection[int]) -> list[tuple[int, float]]:
    """Key and score of the candidates that are not left out."""
    scores = ranking.scores(
        found.question, found.postings, found.total, found.rows, features, vectors=found.vectors
    )
    wanted = set(found.candidates).difference(leave_out)
    return [(key, float(s)) for key, s in zip(found.rows.keys.tolist(), scores, strict=True) if key in wanted]
