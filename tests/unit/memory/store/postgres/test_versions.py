"""Two processes on one database: who has thought on what is not so any more is refused, without effect."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace

import pytest

from memory.errors import StaleAgent
from memory.ports import Session
from memory.records import Agent, Conversation, Summary
from memory.store.postgres.database import PostgresDatabase
from tests.fakes.memory_rows import NOW, said, settle
from tests.fakes.postgres_server import NewDatabase

pytestmark = pytest.mark.postgres
Change = Callable[[Session, Agent, Conversation, int], Awaitable[object]]


@pytest.fixture
async def other(store: PostgresDatabase, database: NewDatabase) -> AsyncIterator[PostgresDatabase]:
    """The same database, as another process sees it."""
    opened = await PostgresDatabase.open(await database.url())
    yield opened
    await opened.close()


async def see(store: PostgresDatabase, agent: Agent) -> None:
    async with store.read() as session:
        await session.agents.seen(agent.id)


async def say(store: PostgresDatabase, place: Conversation, text: str) -> int:
    """What a step of a turn does; the message's key."""
    async with store.write() as session:
        [row] = await session.messages.append(place.agent_id, [said(place, text)], fenced=True)
    return row.key


async def texts(store: PostgresDatabase, place: Conversation) -> list[str]:
    async with store.read() as session:
        return [message.text for message in await session.messages.queue(place.id)]


async def test_who_has_seen_an_agent_goes_on_until_another_process_changes_it(
    store: PostgresDatabase, other: PostgresDatabase
) -> None:
    agent, place = await settle(store)
    await see(store, agent)
    await see(other, agent)
    for text in ("one", "two"):
        await say(store, place, text)
    with pytest.raises(StaleAgent):
        await say(other, place, "of what I read")
    with pytest.raises(StaleAgent):
        await say(other, place, "without reading again")
    await see(other, agent)
    await say(other, place, "three")
    with pytest.raises(StaleAgent):
        await say(store, place, "of what I wrote")
    assert await texts(store, place) == ["one", "two", "three"]


async def rewrite(session: Session, agent: Agent, place: Conversation, key: int) -> None:
    await session.messages.rewrite(key, "else", "else", 1)


async def rerender(session: Session, agent: Agent, place: Conversation, key: int) -> None:
    await session.messages.rerender(key, "else", 1)


async def evict(session: Session, agent: Agent, place: Conversation, key: int) -> None:
    await session.messages.evict(place.id, [key])


async def delete(session: Session, agent: Agent, place: Conversation, key: int) -> None:
    await session.messages.delete([key])


async def summarize(session: Session, agent: Agent, place: Conversation, key: int) -> None:
    await session.messages.put_summary(
        Summary(
            conversation_id=place.id, text="s", rendered="s", tokens=1, messages=1, since=NOW, created_at=NOW
        )
    )


async def unsummarize(session: Session, agent: Agent, place: Conversation, key: int) -> None:
    await session.messages.drop_summary(place.id)


async def forget_place(session: Session, agent: Agent, place: Conversation, key: int) -> None:
    await session.erasing.conversation(place, agent, NOW)


async def forget_agent(session: Session, agent: Agent, place: Conversation, key: int) -> None:
    await session.agents.delete_agent(agent.id)


async def touch(session: Session, agent: Agent, place: Conversation, key: int) -> None:
    await session.agents.touch(agent.id)


CHANGES: list[Change] = [
    rewrite,
    rerender,
    evict,
    delete,
    summarize,
    unsummarize,
    forget_place,
    forget_agent,
    touch,
]


@pytest.mark.parametrize("change", CHANGES)
async def test_whatever_changes_what_is_shown_refuses_who_read_before(
    store: PostgresDatabase, other: PostgresDatabase, change: Change
) -> None:
    agent, place = await settle(store)
    await see(store, agent)
    key = await say(store, place, "one")
    async with other.write() as session:
        await change(session, agent, place, key)
        await change(session, agent, place, key)  # once is enough, and twice is one change
    with pytest.raises(StaleAgent):
        await say(store, place, "two")
    assert "two" not in await texts(store, place)


@pytest.mark.parametrize("change", CHANGES)
async def test_ones_own_changes_refuse_nobody_here(store: PostgresDatabase, change: Change) -> None:
    agent, place = await settle(store)
    await see(store, agent)
    key = await say(store, place, "one")
    async with store.write() as session:
        await change(session, agent, place, key)
    if change is not forget_agent:
        await say(store, place, "two")


class Regret(Exception):
    pass


async def regret(store: PostgresDatabase, place: Conversation) -> None:
    async with store.write() as session:
        await session.messages.append(place.agent_id, [said(place, "no")], fenced=True)
        raise Regret


async def test_of_a_unit_that_was_undone_nothing_is_known(
    store: PostgresDatabase, other: PostgresDatabase
) -> None:
    agent, place = await settle(store)
    await see(store, agent)
    with pytest.raises(Regret):
        await regret(store, place)
    with pytest.raises(StaleAgent):
        await say(store, place, "one")
    await see(store, agent)
    await say(store, place, "one")
    assert await texts(other, place) == ["one"]


async def test_two_processes_that_change_an_agent_at_once_do_it_one_after_the_other(
    store: PostgresDatabase, other: PostgresDatabase
) -> None:
    agent, place = await settle(store)
    held, waits = asyncio.Event(), asyncio.Event()

    async def first() -> None:
        async with store.write() as session:
            await session.agents.touch(agent.id)
            held.set()
            await waits.wait()
            await session.messages.append(agent.id, [said(place, "one")])

    async def second() -> None:
        await held.wait()
        async with other.write() as session:
            waits.set()
            await session.agents.touch(agent.id)  # the row is the other's until it has ended
            rows = await session.messages.queue(place.id)
            await session.messages.append(agent.id, [replace(said(place, "two"), text=f"after {len(rows)}")])

    await asyncio.gather(first(), second())
    assert await texts(store, place) == ["one", "after 1"]
