"""Agents, places and rows for tests of memory."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Generator
from datetime import UTC, datetime
from itertools import count
from typing import Any

from memory.ports import Session, Store
from memory.records import PRIVATE, Agent, Audience, Block, Conversation, Message, Persona, Proposal, Role

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)


async def persona(session: Session, name: str = "everbot") -> Persona:
    return await session.personas.named(name) or await session.personas.create(name, "", NOW)


async def newcomer(session: Session, name: str) -> Agent:
    """A new user with an agent of the default persona."""
    user = await session.agents.create_user(f"console:{name}", name, "UTC", NOW)
    character = await persona(session)
    return await session.agents.create_agent(user.id, character.id, f"{character.name}:{name}", NOW)


def core_block(owner: str, label: str, audience: Audience, value: str, limit: int, what: str = "") -> Block:
    """A block that is not stored yet."""
    return Block(
        id=0, owner=owner, label=label, audience=audience, value=value, limit=limit, description=what
    )


def proposal_of(agent: Agent, community: str, value: str, turn_id: str = "") -> Proposal:
    """Another value of its persona's block, in a turn that is called like it unless told otherwise."""
    return Proposal(
        persona_id=agent.persona_id,
        label="persona",
        before="",
        value=value,
        agent_id=agent.id,
        community=community,
        turn_id=turn_id or value,
        at=NOW,
    )


async def settle(store: Store, name: str = "ada", audience: str = PRIVATE) -> tuple[Agent, Conversation]:
    """A new user's agent, and a conversation in a place of that audience."""
    async with store.write() as session:
        agent = await newcomer(session, name)
        place = await session.agents.create_conversation(agent.id, f"console:{name}", audience, NOW)
    return agent, place


def said(place: Conversation, text: str, **more: Any) -> Message:
    """A user's message in that place, not stored yet."""
    values: dict[str, Any] = {
        "key": 0,
        "conversation_id": place.id,
        "audience": place.audience,
        "role": Role.USER,
        "author": "ada",
        "text": text,
        "rendered": "{}",
        "tokens": 1,
        "created_at": NOW,
        "turn_id": "turn",
    }
    return Message(**(values | more))


async def tell(store: Store, place: Conversation, *texts: str, **more: Any) -> list[Message]:
    """Store messages in a unit of work of their own."""
    async with store.write() as session:
        return await session.messages.append(place.agent_id, [said(place, t, **more) for t in texts])


class StruckAt:
    """Runs a coroutine, and calls ``strike`` when it is suspended for the n-th time (from 0)."""

    def __init__(self, coroutine: Coroutine[Any, Any, Any], n: int, strike: Callable[[], object]) -> None:
        self._coroutine = coroutine
        self._n = n
        self._strike = strike
        self.reached = False

    def __await__(self) -> Generator[Any, Any, Any]:
        steps = self._coroutine.__await__()
        resume: Any = steps.send
        value: Any = None
        for n in count():
            try:
                waiting = resume(value)
            except StopIteration as end:
                return end.value
            if n == self._n:
                self.reached = True
                self._strike()
            try:
                value = yield waiting
                resume = steps.send
            except BaseException as error:
                resume, value = steps.throw, error
            if n == self._n:
                yield from self._meanwhile().__await__()
        return None

    async def _meanwhile(self) -> None:
        return


class CancelledAt(StruckAt):
    """Cancels the running task at the coroutine's n-th suspension."""

    def __init__(self, coroutine: Coroutine[Any, Any, Any], n: int) -> None:
        super().__init__(coroutine, n, _cancel)


def _cancel() -> None:
    task = asyncio.current_task()
    assert task is not None
    task.cancel()


class HeldAt(StruckAt):
    """After the n-th suspension ``meanwhile`` runs to its end before the coroutine goes on."""

    def __init__(
        self, coroutine: Coroutine[Any, Any, Any], n: int, meanwhile: Callable[[], Awaitable[object]]
    ) -> None:
        super().__init__(coroutine, n, lambda: None)
        self._work = meanwhile

    async def _meanwhile(self) -> None:
        await self._work()
