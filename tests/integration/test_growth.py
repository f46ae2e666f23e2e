"""What a process keeps of people who came once: nothing that grows with their number, but caches with an end."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections import OrderedDict, deque
from pathlib import Path
from typing import Any

from bot.cache import Cache
from memory.store.numbers import _KEPT
from memory.store.sqlite.database import Database
from tests.fakes.memory_rows import settle, tell
from tests.fakes.parlour import Stage, opened, parrot

FEW, MANY = 4, 24


def containers() -> dict[int, Any]:
    gc.collect()
    return {id(one): one for one in gc.get_objects() if isinstance(one, dict | list | set | deque)}


def is_of_the_dead(one: Any) -> bool:
    """What a WeakSet of the standard library removes when it is next added to."""
    return isinstance(one, list) and all(isinstance(ref, weakref.ref) and ref() is None for ref in one)


def is_of_timers(one: Any) -> bool:
    """The event loop's own: cancelled ones go when they are many."""
    return isinstance(next(iter(one)), asyncio.TimerHandle)


async def test_only_caches_with_an_end_know_of_who_came_once(tmp_path: Path) -> None:
    stage = Stage(parrot)
    async with opened(tmp_path, stage) as house:  # type: ignore[arg-type]

        async def come(number: int) -> None:
            await house.say(f"person {number}", f"hello, I am {number} and I like tea")
            house.parlour.posted.clear()
            stage.requests.clear()

        for number in range(FEW):
            await come(number)
        before = {at: len(one) for at, one in containers().items()}
        for number in range(FEW, FEW + MANY):
            await come(number)
        grown = [one for at, one in containers().items() if at in before and len(one) >= before[at] + MANY]
        unbounded = [
            one
            for one in grown
            if not (isinstance(one, Cache | OrderedDict) or is_of_timers(one) or is_of_the_dead(one))
        ]
        assert not unbounded, [(type(one).__name__, len(one), list(one)[:2]) for one in unbounded]
        assert len(house.app.mailboxes._mailboxes) == 0
        assert len(grown) <= 8, "each of these is looked at: is it bounded?"


async def test_numbers_of_newest_messages_are_kept_of_so_many_agents(tmp_path: Path) -> None:
    store = await Database.open(tmp_path / "x.db")
    _, place = await settle(store)
    await tell(store, place, "one")
    async with store.write() as session:
        known = session.messages._numbers._extents  # type: ignore[attr-defined]
        known.update(dict.fromkeys(range(10_000, 10_000 + _KEPT), 0))
    await tell(store, place, "two")
    assert (len(known), known[place.agent_id]) == (_KEPT, 2)
    del known[place.agent_id]  # as if many others had been at work since
    await tell(store, place, "three")
    assert known[place.agent_id] == 3
    async with store.read() as session:
        assert [message.text for message in await session.messages.queue(place.id)] == ["one", "two", "three"]
    await store.close()
