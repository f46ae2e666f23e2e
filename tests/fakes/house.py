"""Agents, places and rows for tests of memory."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Generator
from datetime import UTC, datetime
from itertools import count
from typing import Any

from memory.ports import Session, Store
from memory.records import PRIVATE, Agent, Conversation, Message, Persona, Role

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)


async def persona(session: Session, name: str = "everbot") -> Persona:
    return await session.agents.persona(name) or await session.agents.create_persona(name, "", NOW)


async def newcomer(session: Session, name: str) -> Agent:
    """A new user with an agent of the default persona."""
    user = await session.agents.create_user(f"console:{name}", name, "UTC", NOW)
    character = await persona(session)
    return await session.agents.create_agent(user.id, character.id, f"{character.name}:{name}", NOW)


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


class CancelledAt:
    """Runs a coroutine and cancels the running task at the coroutine's n-th suspension (from 0)."""

    def __init__(self, coroutine: Coroutine[Any, Any, Any], n: int) -> None:
        self._coroutine = coroutine
        self._n = n
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
                task = asyncio.current_task()
                assert task is not None
                task.cancel()
            try:
                value = yield waiting
                resume = steps.send
            except BaseException as error:
                resume, value = steps.throw, error
        return None
