"""Several `everbot run` on one PostgreSQL: one works, the others stand by; whoever works is killed, stopped or ended
under load, and nothing is lost, doubled or out of order.

People write numbered messages to a Slack of our own; the model quotes them in its answers.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from pathlib import Path
from typing import Any, Protocol

import pytest

from tests.acceptance.clerk import MODEL, SLACK, Clerk
from tests.acceptance.crowd import SlackSpot, Spot, posts_on_slack
from tests.acceptance.sums import once, sums
from tests.fakes.openai_server import OpenAIServer
from tests.fakes.postgres_server import ALONE, NewDatabase, asked
from tests.fakes.slack_server import Pace, SlackServer
from tests.patience import PATIENCE_S
from tests.program.life import Life
from tests.program.program import Program

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.skipif(not ALONE, reason="several processes and a server of their own: make test-postgres"),
]

SHARED = f"""
[run]
health = ""
drain_s = 1.0

[store]
workers = false
url = "{{url}}"

[log]
level = "warning"
{MODEL}"""
WHO = (
    "SELECT a.application_name FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE l.locktype = 'advisory' "
    "AND l.classid = 7 AND l.objid = 1 AND l.granted AND a.datname = current_database()"
)


class Place(Protocol):
    """Where a story is told."""

    async def url(self) -> str: ...

    async def drop(self) -> None: ...


class Story:
    """``ends`` are how those who work end, one after the other."""

    config = SHARED + SLACK
    thinks_s = 0.05
    server: Any

    def __init__(self, folder: Path, ends: list[str], processes: int) -> None:
        self.folder, self.ends, self.processes = folder, ends, processes
        self.model = Clerk()
        self.written: dict[str, list[str]] = {}
        self.took_s: list[float] = []  # from the end of one to the next one's first question
        self.lives: dict[int, Life] = {}
        self.homes: list[Program] = []
        self.talking = True

    def database(self) -> Place:
        return NewDatabase()

    @property
    def slack(self) -> SlackServer:
        assert isinstance(self.server, SlackServer)
        return self.server

    def platform(self) -> AbstractAsyncContextManager[Any]:
        return SlackServer(pace=Pace(ack_s=1.0, post_s=0.0))

    @property
    def servers(self) -> dict[str, Any]:
        """The platforms by their names."""
        return {"slack": self.server, "discord": self.server}

    async def spots(self) -> Sequence[Spot]:
        """Where people talk, once somebody listens there."""
        await self.server.until(lambda: self.server.connections, PATIENCE_S)
        people = [self.server.user(name) for name in ("eve", "fay", "gus", "hal", "ida", "joe")]
        return [SlackSpot(self.server, one, self.server.im(one), one) for one in people]

    def posted(self) -> list[tuple[str, str]]:
        return posts_on_slack(self.server)

    async def tell(self) -> None:
        database = self.database()
        self.url = await database.url()
        try:
            async with (
                self.platform() as self.server,
                OpenAIServer(self.model, delay_s=self.thinks_s) as server,
                AsyncExitStack() as stack,
            ):
                self.text = self.config.format(url=self.url, model=server.url, **self.servers)
                for _ in range(self.processes):
                    await self.start(stack)
                spots = await self.spots()
                async with asyncio.timeout(PATIENCE_S * (2 + len(self.ends))), asyncio.TaskGroup() as group:
                    for spot in spots:
                        group.create_task(self.talk(spot))
                    for end in self.ends:
                        await self.end(stack, end)
                    self.talking = False
                await self.settled()
                for life in list(
                    self.lives.values()
                ):  # first those that stand by, or who works: each ends in order
                    assert await life.stopped() == 0
                self.posts = self.posted()
            async with asked(self.url) as connection:
                self.notes = [row[0] for row in await connection.fetch("SELECT text FROM passages")]
        finally:
            await database.drop()

    async def start(self, stack: AsyncExitStack, roles: str = "") -> None:
        home = Program(self.folder / f"p{len(self.homes)}", self.text)
        self.homes.append(home)
        role = ("--roles", roles) if roles else ()
        life = await home.live("run", *role, lines=[], OPENAI_API_KEY=f"p{len(self.homes) - 1}")
        await stack.enter_async_context(life)
        self.lives[life.pid] = life

    async def talk(self, spot: Spot) -> None:
        while self.talking:
            for _ in range(2):
                number = await self.say(spot)
            await spot.until_answered(number, PATIENCE_S * 2)

    async def say(self, spot: Spot) -> str:
        number = f"n{sum(map(len, self.written.values())):05}"
        self.written.setdefault(spot.name, []).append(number)
        await spot.say(f"please note {number}")
        return number

    async def works(self) -> int:
        """The process that has the database now, and that is at a turn: it has asked the model twice since."""
        while True:
            async with asked(self.url) as connection:
                names = await connection.fetch(WHO)
            for (name,) in names:
                pid = int(name.partition(", process ")[2].split()[0])
                if pid in self.lives:
                    await self.model.arrived.reach(self.model.arrived.count + 6)
                    return pid
            await asyncio.sleep(0.05)

    async def end(self, stack: AsyncExitStack, how: str) -> None:
        pid = await self.works()
        life = self.lives.pop(pid)
        before, began = len(self.model.asked), time.monotonic()
        mine = {"kill": signal.SIGKILL, "stop": signal.SIGSTOP, "term": signal.SIGTERM}[how]
        os.kill(pid, mine)
        if how != "stop":
            await life.ended()
            before = len(self.model.asked)
        last = self.model.asked[before - 1][0]
        while all(who == last for who, _ in self.model.asked[before:]):
            await asyncio.sleep(0.02)
        self.took_s.append(time.monotonic() - began)
        if how == "stop":
            os.kill(pid, signal.SIGCONT)
            assert await life.ended() == 1  # it was told that it is not its turn any more
        await self.start(stack)

    async def settled(self) -> None:
        """All that was posted is noted as posted, and nothing is under way."""
        undone = (
            "SELECT (SELECT count(*) FROM outbox WHERE state IN ('ready', 'sending')), "
            "(SELECT count(*) FROM turns WHERE state = 'running'), (SELECT count(*) FROM inbox WHERE NOT done)"
        )
        async with asked(self.url) as connection, asyncio.timeout(PATIENCE_S):
            while any(await connection.fetchrow(undone)):
                await asyncio.sleep(0.05)


def check(story: Story) -> str:
    """Nothing was lost, doubled or out of order; gives what the processes have told."""
    found = sums(story.written, story.posts)
    assert found.lost == set(), "never answered"
    assert found.doubled == {}, "answered more than once"
    assert found.disordered == {}
    assert once(story.written, story.notes)
    told = "".join(home.stderr.read_text() for home in story.homes)
    assert "Traceback" not in told
    return told


async def test_who_works_is_killed_ended_and_stopped_and_another_goes_on(tmp_path: Path) -> None:
    story = Story(tmp_path, ["kill", "stop", "term"], processes=3)
    await story.tell()
    assert "Standing by: " in check(story)
    print(f"others went on after {', '.join(f'{s:.2f}' for s in story.took_s)} s")


@pytest.mark.soak
async def test_two_hundred_kills_lose_and_double_nothing(tmp_path: Path) -> None:
    story = Story(tmp_path, ["kill"] * 200, processes=3)
    await story.tell()
    assert "Standing by: " in check(story)
    print(f"{len(story.posts)} answers; others went on after {max(story.took_s):.2f} s at most")
