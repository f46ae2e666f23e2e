"""Data directories with agents that have talked before: straight into recall storage, in batches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from benchmarks.texts import Texts
from bot.agent import context
from bot.backends.clock import SystemClock
from bot.backends.memory import choose_embedder, open_memory
from bot.events import MessageReceived
from bot.people.identities import Identities, Identity
from bot.personas.personas import Personas
from bot.ports import ToolCall
from bot.runtime import Runtime
from bot.settings import Settings
from memory.index.exact import quantise
from memory.ports import Session, TokenCounter
from memory.records import PRIVATE, Message, Role

IN_QUEUE = 100
"""Newest messages of an agent that are still in its FIFO queue; the older ones count as evicted."""

_PER_TURN = 3  # messages: the event, the agent's call, the call's result
_BATCH = 1_000  # turns of one unit of work


@dataclass(frozen=True)
class Size:
    """``messages`` is the sum over all ``agents``."""

    agents: int
    messages: int

    def __str__(self) -> str:
        return f"{self.agents:,} agents, {self.messages:,} messages"


def event(agent: int, text: str, key: str) -> MessageReceived:
    """What the person of agent number ``agent`` writes, in private."""
    place = f"bench:{agent}"
    return MessageReceived(
        key=f"{place}:{key}",
        account=place,
        name=f"Person {agent}",
        address=place,
        audience=PRIVATE,
        at=datetime.now(UTC),
        text=text,
    )


async def fill(settings: Settings, size: Size) -> None:
    """Make the data directory. With an embedder, the vectors are made up, so that none are waiting."""
    texts = Texts(seed=size.messages + size.agents)
    turns = max(1, round(size.messages / size.agents / _PER_TURN))
    embedder = choose_embedder(settings)
    writer = _Writer(texts, embedder.name if embedder else None, embedder.dimensions if embedder else 0)
    async with open_memory(settings) as memory:
        clock, limit = SystemClock(), settings.agent.block_limit
        personas = Personas(clock, settings.personas.default, limit)
        identities = Identities(Runtime(memory.store, memory.indexer, clock), personas, settings.agent)
        for agent in range(size.agents):
            identity = await identities.of(event(agent, "", "first"))
            for first in range(0, turns, _BATCH):
                some = range(first, min(turns, first + _BATCH))
                async with memory.store.write() as session:
                    await writer.write(session, identity, memory.counter, some, turns)


def _whole(text: str, tokens: int) -> str:
    """Nothing here is long enough to be clipped."""
    return text


class _Writer:
    """Writes an agent's turns, with vectors when ``embedder`` is the name of one."""

    def __init__(self, texts: Texts, embedder: str | None, dimensions: int) -> None:
        self._texts = texts
        self._embedder = embedder
        self._dimensions = dimensions
        self._random = np.random.default_rng(1)

    async def write(
        self, session: Session, identity: Identity, counter: TokenCounter, some: range, turns: int
    ) -> None:
        if some.start == 0:
            await self._know(session, identity)
        messages = [m for n in some for m in self._turn(identity, counter, n, turns)]
        stored = await session.messages.append(identity.agent.id, messages)
        if self._embedder is not None:
            said = {message.key: message.text for message in stored if message.text}
            vectors = self._random.standard_normal((len(said), self._dimensions))
            vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
            await indexed(session, "messages", self._embedder, said, vectors)

    async def _know(self, session: Session, identity: Identity) -> None:
        """Something in the block about the person."""
        blocks = await session.blocks.visible(identity.agent, PRIVATE)
        human = next(block for block in blocks if block.label == "human")
        value = "\n".join(self._texts.fact() for _ in range(8))
        await session.blocks.put(human.id, value, None, datetime.now(UTC))

    def _turn(self, identity: Identity, counter: TokenCounter, number: int, turns: int) -> list[Message]:
        """An event, the call that answers it, and the call's result."""
        at = datetime.now(UTC) - timedelta(minutes=30) * (turns - number)
        asked, answered = self._texts.said(), self._texts.said(15, 80)
        person, agent = identity.user.name, identity.persona.name
        zone = ZoneInfo(identity.user.timezone)
        call_id = f"call_{number:010d}"
        call = ToolCall(id=call_id, name="send_message", arguments=context.to_json({"message": answered}))
        fields = {"type": "message", "name": person, "time": context.local_time(at, zone), "message": asked}
        result = context.to_json({"status": "OK", "message": "Sent.", "time": at.isoformat()})
        rows = [
            (Role.USER, person, asked, context.user_message(fields), -1),
            (
                Role.ASSISTANT,
                agent,
                answered,
                context.assistant_message("I answer.", [call], _whole, 10_000),
                0,
            ),
            (Role.TOOL, "send_message", "", context.tool_message(call_id, result), 0),
        ]
        turn_id = f"history-{identity.agent.id}-{number}"
        return [
            Message(
                key=0,
                conversation_id=identity.conversation.id,
                audience=PRIVATE,
                role=role,
                author=author,
                text=text,
                rendered=rendered,
                tokens=context.cost(counter.count, rendered),
                created_at=at,
                turn_id=turn_id,
                step=step,
                event_key=f"{turn_id}/event" if role is Role.USER else None,
                queued=(turns - number) * _PER_TURN <= IN_QUEUE,
            )
            for role, author, text, rendered, step in rows
        ]


async def indexed(session: Session, kind: str, embedder: str, texts: Mapping[int, str], vectors: Any) -> None:
    """Give private rows (key -> text) these vectors, as if ``embedder`` had made them."""
    rows = [
        (key, PRIVATE, text, quantise(vector))
        for (key, text), vector in zip(texts.items(), vectors, strict=True)
    ]
    await session.vectors.set_embedder(embedder)
    await session.vectors.put(kind, embedder, rows)
