"""The courier: what a step hands over goes out at once, once, and in order, whatever becomes of the step."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import pytest

from bot.delivery.courier import Courier
from bot.events import BEAT, Reply, Speaker
from bot.runtime import Runtime
from memory.errors import StoreUnavailable
from memory.ports import Session, Store
from memory.records import Conversation, Delivery, OutboxRow
from tests.fakes.clock import HastyClock
from tests.fakes.memory_rows import NOW, settle
from tests.fakes.parlour import Parlour
from tests.fakes.stores import Sqlite
from tests.patience import PATIENCE_S


class Console(Parlour):
    """Posts when it is let, and does not look for anything."""

    platform = "console"

    def __init__(self) -> None:
        super().__init__()
        self.open = asyncio.Event()
        self.open.set()
        self.came = asyncio.Event()

    async def send(self, reply: Reply) -> str:
        self.came.set()
        await self.open.wait()
        return await super().send(reply)

    async def find(self, *_: Any) -> Any:
        raise AssertionError("nothing is in doubt")


class Failing:
    """A store that fails so many of its units of work from now on."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.failures = 0

    def read(self) -> Any:
        return self._store.read()

    @asynccontextmanager
    async def write(self) -> AsyncIterator[Session]:
        if self.failures:
            self.failures -= 1
            raise StoreUnavailable("away")
        async with self._store.write() as session:
            yield session


class Post:
    """A courier at work for one place."""

    def __init__(self, store: Store, place: Conversation) -> None:
        self.store, self.place = Failing(store), place
        self.console = Console()
        runtime = Runtime(cast(Any, self.store), cast(Any, None), HastyClock())
        self.courier = Courier(runtime, {"console": self.console}, _itself, _always)
        self.stop = asyncio.Event()

    def row(self, text: str, **more: Any) -> OutboxRow:
        values: dict[str, Any] = {
            "id": f"turn/{text}",
            "agent_id": self.place.agent_id,
            "conversation_id": self.place.id,
            "address": self.place.address,
            "turn_id": "turn",
            "kind": "reply",
            "text": text,
            "in_reply_to": ("console:1",),
            "created_at": NOW,
        }
        return OutboxRow(**(values | more))

    async def step(
        self, *texts: str, failure: BaseException | None = None, sent: bool = False, away: int = 0
    ) -> Sequence[OutboxRow]:
        """A step that says this. With ``failure`` its unit of work is whole, and fails all the same: when somebody has
        ``sent`` it, or the store is ``away`` for so many others."""
        async with self.courier.handing_over([self.row(text) for text in texts]) as rows:
            async with self.store.write() as session:
                await session.mailbox.post(rows)
                if sent:
                    await session.mailbox.settle([(row.id, Delivery.SENT, None) for row in rows], NOW)
            self.store.failures = away
            if failure is not None:
                raise failure
        return rows

    async def delivered(self) -> list[str]:
        async with asyncio.timeout(PATIENCE_S):
            await self.courier.delivered()
        return [reply.text for reply in self.console.posted]

    async def unsent(self) -> list[OutboxRow]:
        async with self.store.read() as session:
            ready = await session.mailbox.ready(["console"])
            return [*ready, *await session.mailbox.in_doubt(["console"])]


@pytest.fixture
async def post(tmp_path: Path) -> AsyncIterator[Post]:
    store = await Sqlite(tmp_path).open()
    _, place = await settle(store)
    yield Post(store, place)
    await store.close()


@asynccontextmanager
async def at_work(post: Post) -> AsyncIterator[None]:
    task = asyncio.create_task(post.courier.run())
    post.courier.wake()
    await post.delivered()
    yield
    task.cancel()
    await asyncio.wait([task])


async def _itself(row: OutboxRow) -> Speaker | None:
    return None


async def _always(row: OutboxRow) -> bool:
    return True


async def test_a_step_claims_what_it_says_first(post: Post) -> None:
    async with at_work(post):
        post.console.open.clear()
        rows = await post.step("one", "two", "three")
        assert [row.state for row in rows] == [Delivery.SENDING, Delivery.READY, Delivery.READY]
        await asyncio.wait_for(post.console.came.wait(), PATIENCE_S)
        assert await post.unsent() == [*rows[1:], rows[0]]  # as it was claimed then, not anew
        post.console.open.set()
        assert await post.delivered() == ["one", "two", "three"]
        assert await post.unsent() == []


async def test_what_stands_before_goes_before(post: Post) -> None:
    async with at_work(post):
        post.console.open.clear()
        await post.step("one")
        await asyncio.wait_for(post.console.came.wait(), PATIENCE_S)
        assert [row.state for row in await post.step("two")] == [Delivery.READY]
        assert [row.state for row in await post.step("three")] == [Delivery.READY]
        post.console.open.set()
        assert await post.delivered() == ["one", "two", "three"]
        async with post.store.write() as session:
            await session.mailbox.post([post.row("four")])
        post.courier.wake()  # it was not looked up yet
        assert [row.state for row in await post.step("five")] == [Delivery.READY]
        assert await post.delivered() == ["one", "two", "three", "four", "five"]


async def test_before_the_courier_is_at_work_nothing_is_claimed(post: Post) -> None:
    assert [row.state for row in await post.step("one")] == [Delivery.READY]
    async with at_work(post):
        assert await post.delivered() == ["one"]


async def test_what_nobody_asked_for_is_claimed_when_it_may_be_posted(post: Post) -> None:
    async with at_work(post):
        unasked = post.row("one", in_reply_to=(f"{BEAT}1",))
        async with post.courier.handing_over([unasked]) as rows:
            assert rows == [unasked]


@pytest.mark.parametrize("failure", [asyncio.CancelledError(), StoreUnavailable("lost")])
async def test_a_whole_step_that_fails_all_the_same_is_heard_once(post: Post, failure: BaseException) -> None:
    async with at_work(post):
        with pytest.raises(type(failure)):
            await post.step("one", failure=failure)
        assert await post.delivered() == ["one"]
        assert await post.unsent() == []


async def test_a_claim_is_given_back_when_the_store_is(post: Post) -> None:
    async with at_work(post):
        with pytest.raises(StoreUnavailable):
            await post.step("one", failure=StoreUnavailable("away"), away=3)
        assert await post.delivered() == ["one"]


async def test_of_a_step_that_was_undone_nothing_is_heard(post: Post) -> None:
    async with at_work(post):
        post.store.failures = 1
        with pytest.raises(StoreUnavailable):
            await post.step("one")
        assert await post.delivered() == []
        assert [row.state for row in await post.step("two")] == [Delivery.SENDING]
        assert await post.delivered() == ["two"]


async def test_a_step_that_ends_when_the_courier_has_gone_leaves_its_words_ready(post: Post) -> None:
    async with at_work(post):
        handing_over = post.courier.handing_over([post.row("one")])
        rows = await handing_over.__aenter__()
        async with post.store.write() as session:
            await session.mailbox.post(rows)
    await handing_over.__aexit__(None, None, None)
    assert post.console.posted == []
    assert await post.unsent() == [post.row("one")]
    async with at_work(post):
        assert await post.delivered() == ["one"]


async def test_what_was_sent_is_not_given_back(post: Post) -> None:
    async with at_work(post):
        with pytest.raises(asyncio.CancelledError):
            await post.step("one", failure=asyncio.CancelledError(), sent=True)
        assert await post.delivered() == []
        assert await post.unsent() == []
