"""What one everbot does, several do that share the work on one PostgreSQL: one is connected, and two others think.

They run in one process, each with a store, a model and memory of its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from pydantic import SecretStr

from bot.app import Claim
from bot.cli import load, persona, worker
from bot.errors import ModelUnavailable, SettingsError
from bot.events import Command, View
from bot.ports import ModelReply, ModelRequest
from memory.records import Holder
from tests.acceptance.crowd import KNOWN, keep
from tests.fakes.clock import FakeClock
from tests.fakes.hold import Hold
from tests.fakes.parlour import House, Parlour, Stage, events_in, is_summary, last_words, opened, whole
from tests.fakes.postgres_server import files_with, lacking
from tests.fakes.scripted_model import say
from tests.fakes.stores import Postgres
from tests.patience import PATIENCE_S

pytestmark = pytest.mark.postgres


class Calendar(FakeClock):
    """Time passes when it is told to; who sleeps does so in a twentieth of the time."""

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / 20)


class Shared:
    """``stages`` are the models of those who think; ``hold`` holds what they are asked of messages that say "wait"."""

    def __init__(self, backend: Postgres) -> None:
        self.backend = backend
        self.clock = Calendar(datetime(2026, 11, 21, 9, 0, tzinfo=UTC))
        self.parlour = Parlour()
        self.hold = Hold()
        self.stages = [Stage(self.play), Stage(self.play)]
        self.gateway: House
        self.workers: list[House] = []

    async def play(self, request: ModelRequest) -> ModelReply:
        if is_summary(request):
            return ModelReply(text="They talked.")
        event = events_in(request)[-1]
        if event["type"] == "heartbeat":
            return say("I thought of you.")
        if "wait" in last_words(request):
            await self.hold.passed()
        return keep(request)

    @asynccontextmanager
    async def open(self, folder: Path, *, shares: int | None = 32, **more: Any) -> AsyncIterator[None]:
        """Once each of the workers has so many of the shares."""
        url = SecretStr(await self.backend.database.url())
        given: dict[str, Any] = {"clock": self.clock, "url": url, **more}
        async with AsyncExitStack() as stack:
            gateway = Claim("gateway", shares=True, works=False)
            nobody = Stage(lambda request: AssertionError("the gateway thinks"))
            self.gateway = await stack.enter_async_context(
                opened(folder / "gateway", nobody, parlour=self.parlour, claim=gateway, **given)
            )
            for n, stage in enumerate(self.stages):
                claim = Claim(f"worker {n}", shares=True, worker=True)
                house = opened(folder / f"worker{n}", stage, claim=claim, **given)
                self.workers.append(await stack.enter_async_context(house))
            async with asyncio.timeout(PATIENCE_S):
                while shares and await self.shares() != [shares, shares]:
                    await asyncio.sleep(0.01)
            yield

    async def shares(self) -> list[int]:
        holders = await self.gateway.app.memory.store.holders()
        return sorted(each.shares for each in holders)[-2:]

    async def command(self, user: str, line: str) -> View:
        name, _, argument = line.partition(" ")
        facts = {k: v for k, v in self.gateway.who(user).items() if k not in ("key", "at")}
        return await self.gateway.app.inbound.invoke(Command(**facts, command=name, argument=argument))

    def texts(self, user: str) -> list[str]:
        return [reply.text for reply in self.parlour.posted if reply.address == f"parlour:{user}"]

    async def posted(self, place: str, words: str) -> None:
        """Until that is said there."""
        async with asyncio.timeout(PATIENCE_S):
            while not any(words in text for text in self.texts(place)):
                await asyncio.sleep(0.01)

    async def asked_of(self, user: str, text: str) -> str:
        """All that the model was shown when it was told that."""
        before = [len(stage.requests) for stage in self.stages]
        await self.gateway.say(user, text)
        new = [stage.requests[n:] for stage, n in zip(self.stages, before, strict=True)]
        return "\n".join(whole(request) for requests in new for request in requests)


@pytest.fixture
async def shared(tmp_path: Path) -> AsyncIterator[Shared]:
    if why := lacking():
        pytest.skip(why)
    backend = Postgres(tmp_path)
    yield Shared(backend)
    await backend.gone()


async def test_what_people_do_while_another_process_thinks_for_them(shared: Shared, tmp_path: Path) -> None:
    async with shared.open(tmp_path), asyncio.TaskGroup() as group:
        house = shared.gateway
        # Called off.
        stopped = group.create_task(house.say("ada", "wait for me"))
        await shared.hold.met(1)
        await shared.command("ada", "stop")
        await stopped
        assert shared.texts("ada") == ["Stopped."]
        # Forgotten: nothing of it comes back.
        await house.say("bob", "Keep Zebulon")
        forgotten = group.create_task(house.say("bob", "wait, Zebulon is a secret"))
        await shared.hold.met(2)
        assert "forgotten" in (await shared.command("bob", "forget yes")).text.lower()
        await forgotten
        asked = await shared.asked_of("bob", "Who am I?")
        assert "Who am I?" in asked
        assert "Zebulon" not in asked
        assert [
            n for n, rows in (await shared.backend.rows()).items() if any("Zebulon" in r for r in rows)
        ] == []
        while not await house.app.memory.store.scrub():
            pass
        assert await files_with(await shared.backend.database.url(), b"Zebulon") == []
        # Two accounts become one person, while one of them is thought about; their turn is gone on with after that.
        await house.say("eve", "Keep Minka")
        code = (await shared.command("eve", "link")).text.partition("Your code is ")[2].partition(".")[0]
        held = group.create_task(house.say("joe", "wait a moment"))
        await shared.hold.met(3)
        await shared.command("joe", f"link {code}")
        await shared.command("joe", f"link yes {code}")
        await shared.command("eve", "link confirm")
        shared.hold.go()
        await held
        await shared.posted(
            "joe", "You said"
        )  # it is eve's agent that has it now, perhaps of the other process
        assert "Minka" in await shared.asked_of("joe", "What is my cat called?")
        assert shared.texts("joe")[0] == "You said: wait a moment"
        assert len(shared.texts("joe")) == 2
        # What they take away has all of it.
        [file] = (await shared.command("joe", "export")).files
        with ZipFile(BytesIO(file.data)) as bundle:
            assert b"Minka" in b"".join(bundle.read(name) for name in bundle.namelist())


async def test_a_model_that_is_down_elsewhere_is_not_waited_for(shared: Shared, tmp_path: Path) -> None:
    down = [ModelUnavailable("down")]
    for stage in shared.stages:
        stage.play = lambda request: down[0] if down else say("I am back.")
    async with shared.open(tmp_path):
        house = shared.gateway
        event = house.message("ada", "Hello.")
        await house.app.inbound.submit(event)
        assert not await house.app.inbound.settled(event.address)
        [told] = shared.texts("ada")
        assert "can't think right now" in told
        down.clear()
        shared.clock.advance(600)
        await house.settled(event.address)
        assert shared.texts("ada") == [told, "I am back."]


async def test_what_operators_change_is_seen_by_all(shared: Shared, tmp_path: Path) -> None:
    (page := tmp_path / "page.txt").write_text("Noted: the harbour closes at nine.")
    async with shared.open(tmp_path):
        people = [f"user{n}" for n in range(6)]
        for name in people:
            await shared.gateway.say(name, "Hello.")
        settings = shared.workers[0].settings
        assert await load.load(settings, [page], "harbour") == 0
        for name in people:
            await shared.command(name, "attach harbour")
        await persona.edit(
            settings,
            "ever",
            "persona",
            lambda text, _: f"{text}\nI was born in Ulm.",
            definition=False,
            description=None,
            avatar=None,
        )
        for name in people:
            seen = await shared.asked_of(name, KNOWN)
            assert "harbour closes at nine" in seen
            assert "born in Ulm" in seen


async def test_beats_are_held_once_within_hours_and_caps(shared: Shared, tmp_path: Path) -> None:
    async with shared.open(tmp_path):
        house = shared.gateway
        for name in ("ada", "bob"):
            await shared.command(name, "heartbeat on")
            await shared.command(name, "heartbeat every 1h")
        for _ in range(17):
            for name in ("ada", "bob"):
                await house.say(name, "Hm.")
            for _ in range(3):
                shared.clock.advance(1_800)
                await house.app.heartbeat.sweep()
                await house.app.inbound.settled()
        spoken = [r for r in shared.parlour.posted if r.text == "I thought of you."]
        assert len({r.id for r in spoken}) == len(spoken)
        assert len({(r.address, r.at) for r in spoken}) == len(spoken)
        assert all(9 <= r.at.hour < 21 for r in spoken)
        days = [(r.address, r.at.date()) for r in spoken]
        assert max(days.count(day) for day in days) == 3


async def test_messages_a_minute_are_counted_whoever_hears_them(shared: Shared, tmp_path: Path) -> None:
    async with shared.open(tmp_path, limits={"messages_per_minute": 4}):
        here, there = shared.gateway.app.inbound, shared.workers[0].app.inbound
        events = [shared.gateway.message("ada", f"Number {n}.") for n in range(7)]
        for inbound, event in zip((here, there, here, there), events, strict=False):
            assert await inbound.submit(event) is None
        assert await here.submit(events[1]) is None  # what is told again is not counted again
        for inbound, event in zip((there, here), events[4:], strict=False):
            told = await inbound.submit(event)
            assert told is not None
            assert "faster than I can keep up" in told.text
        assert await here.submit(shared.gateway.message("bob", "And I?")) is None
        shared.clock.advance(61)
        assert await there.submit(shared.gateway.message("ada", "Now?")) is None
        await shared.posted("ada", "Now?")
        assert not any("Number 5" in text or "Number 6" in text for text in shared.texts("ada"))


async def test_a_command_that_was_typed_is_obeyed_once_whoever_is_told(
    shared: Shared, tmp_path: Path
) -> None:
    async with shared.open(tmp_path):
        here, there = shared.gateway.app.inbound, shared.workers[0].app.inbound
        for word in ("walnut", "zebra", "quince", "marmot"):
            await shared.gateway.say("ada", f"Keep {word}")
        facts = {k: v for k, v in shared.gateway.who("ada").items() if k not in ("key", "at")}
        pop, look = (Command(**facts, command=name) for name in ("pop", "help"))
        first = await there.typed(pop, "parlour:typed")
        assert first is not None
        assert "Undid 1 turn" in first.text
        for inbound in (here, there):
            assert await inbound.typed(pop, "parlour:typed") is None
        both = await asyncio.gather(here.typed(pop, "parlour:again"), there.typed(pop, "parlour:again"))
        assert [view is None for view in both].count(True) == 1
        # What changes nothing is answered once, too.
        assert await here.typed(look, "parlour:look") is not None
        assert await there.typed(look, "parlour:look") is None
        asked = await shared.asked_of("ada", "What do you know?")
        assert "zebra" in asked
        assert "quince" not in asked


async def test_what_two_processes_heard_in_the_wrong_order_is_put_right(
    shared: Shared, tmp_path: Path
) -> None:
    async with shared.open(tmp_path), asyncio.TaskGroup() as group:
        here, there = shared.gateway.app.inbound, shared.workers[0].app.inbound
        held = group.create_task(shared.gateway.say("ada", "wait for me"))
        await shared.hold.met(1)
        later, sooner = (
            replace(shared.gateway.message("ada", text), at=shared.clock.now() + timedelta(seconds=after))
            for text, after in (("It was the second.", 0.3), ("This was the first.", 0.1))
        )
        assert await there.submit(later) is None
        assert await here.submit(sooner) is None
        shared.hold.go()
        await held
        await shared.posted("ada", "It was the second.")
        [request] = [
            request
            for stage in shared.stages
            for request in stage.requests
            if not is_summary(request) and last_words(request) == "It was the second."
        ]
        assert [event["message"] for event in events_in(request) if "message" in event][-2:] == [
            "This was the first.",
            "It was the second.",
        ]


async def test_shares_are_moved_while_people_talk(shared: Shared, tmp_path: Path) -> None:
    async with shared.open(tmp_path):
        people = [f"user{n}" for n in range(6)]
        for name in people:
            await shared.gateway.say(name, f"Keep {name}'s cat")
        settings = shared.workers[0].settings
        first = next(each.name for each in await holders(shared) if "worker 0" in each.name)
        to = first.removeprefix("everbot ").partition(" (")[0]
        for number, name, why in (
            (1, "7 on nowhere", "no process '7 on nowhere'"),
            (0, to, "how many shares"),
            (33, to, "has 32 shares, and all others 32"),
            (3, "gateway", "no process 'gateway' that thinks"),
        ):
            with pytest.raises(SettingsError, match=why):
                await worker.move(settings, number, name)
        await worker.move(settings, 32, to)
        async with asyncio.timeout(PATIENCE_S):
            while {each.shares for each in await holders(shared)} != {0, 64}:
                await asyncio.sleep(0.01)
        before = [len(stage.requests) for stage in shared.stages]
        for name in people:
            assert f"{name}'s cat" in await shared.asked_of(name, KNOWN)
        assert len(shared.stages[1].requests) == before[1]
        await worker.even_out(settings)
        async with asyncio.timeout(PATIENCE_S):
            while sorted(each.shares for each in await holders(shared))[-2:] != [32, 32]:
                await asyncio.sleep(0.01)


async def holders(shared: Shared) -> list[Holder]:
    return await shared.gateway.app.memory.store.holders()
