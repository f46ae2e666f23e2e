"""Three workers and two gateways on one PostgreSQL, for people on Discord and Slack who write all the time: any of the
five is killed, and started again, a great many times (`make kills`).

Who is to be killed is stopped a moment before, so that what it has under way at its end is known. One kill in five
meets a process that has just been started.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from memory.store.postgres.cluster import AGENT, MEMBER, SHARE
from memory.store.postgres.leases import LEASE
from tests.acceptance.clerk import DISCORD, SLACK
from tests.acceptance.crowd import Spot, on_discord, on_slack, posts_on_discord, posts_on_slack
from tests.acceptance.sums import once, sums
from tests.acceptance.test_standby import SHARED, WHO, Story
from tests.fakes.discord_server import DiscordServer
from tests.fakes.postgres_server import ALONE, asked
from tests.fakes.slack_server import Pace, SlackServer
from tests.fakes.town import FAST
from tests.patience import PATIENCE_S
from tests.program.program import Program

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.soak,
    pytest.mark.skipif(not ALONE, reason="several processes and a server of their own: make test-postgres"),
]

_ROLES = ("worker", "worker", "worker", "gateway", "gateway")
_SHARDS = 4
_LOOK_S = 0.02
_GOAL_S = 10.0  # until a killed worker's turns go on
_SOON = 0.2
_OF = "FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE l.locktype = 'advisory' AND l.granted "
_AT_WORK = f"SELECT l.objid::bigint {_OF} AND l.classid = {AGENT} AND a.application_name LIKE $1"
_TURNS = "SELECT id FROM turns WHERE state = 'running' AND agent_id = ANY($1)"
_LEASES = f"SELECT l.objid::bigint {_OF} AND l.classid = {LEASE} AND l.objid::bigint & 65535 <> 65535"
_MEMBERS = f"SELECT count(*) {_OF} AND l.classid = {SHARE} AND l.objid = {MEMBER}"
_LOCKS = (
    f"SELECT a.application_name, l.classid, count(*), min(l.objid::bigint) {_OF} GROUP BY 1, 2 ORDER BY 1, 2"
)
_POSTS = "SELECT id FROM outbox WHERE state IN ('ready', 'sending')"


@dataclass
class Figures:
    """Seconds from a kill until others had gone on: with the turns that a worker had under way, with a gateway's
    connections, with the posts that were to be made when the one that led was killed."""

    kills: Counter[str] = field(default_factory=Counter)
    turns: list[float] = field(default_factory=list)
    connections: list[float] = field(default_factory=list)
    posts: list[float] = field(default_factory=list)
    broken_off: int = 0  # turns

    def __str__(self) -> str:
        lines = [f"{self.kills.total()} kills: {', '.join(f'{n} of {who}' for who, n in self.kills.items())}"]
        for what, seconds in (
            (f"the {self.broken_off} turns of killed workers went on", self.turns),
            ("the connections of killed gateways were others'", self.connections),
            ("what was to be posted when the one that led was killed was", self.posts),
        ):
            if seconds:
                half = sorted(seconds)[len(seconds) // 2]
                lines.append(
                    f"{what} after {max(seconds):.2f} s at most, p50 {half:.2f} s, of {len(seconds)}"
                )
        return "\n".join(lines)


@dataclass(frozen=True)
class Seat:
    """One of the five. ``key`` is by what the model knows its present process."""

    number: int
    key: str

    @property
    def role(self) -> str:
        return _ROLES[self.number]


class Five(Story):
    """``kills`` at moments that ``seed`` decides."""

    config = SHARED.replace("workers = false\n", "") + SLACK + DISCORD
    thinks_s = 0.2

    def __init__(self, folder: Path, kills: int, seed: int) -> None:
        super().__init__(folder, ["kill"] * kills, processes=len(_ROLES))
        self.dice = random.Random(seed)
        self.figures = Figures()
        self.seats: dict[int, Seat] = {}  # by process
        self.starts = 0
        self.in_vain: list[str] = []  # who waited

    @asynccontextmanager
    async def platform(self) -> AsyncIterator[None]:
        sessions: dict[str, Any] = {"shards": _SHARDS, "max_concurrency": _SHARDS, "identify_total": 100_000}
        async with (
            DiscordServer(**FAST, **sessions, identify_s=5.0) as self.discord,
            SlackServer(pace=Pace(ack_s=1.0, post_s=0.0)) as self.workspace,
        ):
            yield

    @property
    def servers(self) -> dict[str, Any]:
        return {"slack": self.workspace, "discord": self.discord}

    def posted(self) -> list[tuple[str, str]]:
        return posts_on_discord(self.discord) + posts_on_slack(self.workspace)

    async def spots(self) -> Sequence[Spot]:
        found = on_slack(self.workspace, ("sam", "sue", "sid", "sol"))
        for shard in range(_SHARDS):
            found += on_discord(self.discord, (f"dan{shard}", f"dot{shard}"), shard)
        async with asked(self.url) as db, asyncio.timeout(PATIENCE_S):
            await self.all_there(db)
        for spot in found:  # knows the bot: a first direct message is a named exception
            await spot.until_answered(await self.say(spot))
        return found

    async def start(self, stack: AsyncExitStack, roles: str = "") -> None:
        """The first of the five that is not there."""
        taken = {seat.number for seat in self.seats.values()}
        number = next(n for n in range(len(_ROLES)) if n not in taken)
        if number == len(self.homes):
            self.homes.append(Program(self.folder / f"p{number}", self.text))
        self.starts += 1
        seat = Seat(number, f"life{self.starts}")
        life = await self.homes[number].live("run", "--roles", seat.role, OPENAI_API_KEY=seat.key)
        await stack.enter_async_context(life)
        self.lives[life.pid], self.seats[life.pid] = life, seat

    async def talk(self, spot: Spot) -> None:
        try:
            await super().talk(spot)
        except TimeoutError:
            self.in_vain.append(spot.name)

    async def end(self, stack: AsyncExitStack, how: str) -> None:
        async with asked(self.url) as db:
            try:
                async with asyncio.timeout(PATIENCE_S):
                    await self.one_killed(db)
            except TimeoutError:
                raise AssertionError(await self.state(db)) from None
            await self.start(stack)

    async def one_killed(self, db: asyncpg.Connection) -> None:
        if self.figures.kills and self.dice.random() < _SOON:
            await asyncio.sleep(2 * self.dice.random())
            await self.kill(db, next(reversed(self.lives)))
        else:
            await self.all_there(db)
            await self.moment()
            await self.kill(db, self.dice.choice(list(self.lives)))

    async def state(self, db: asyncpg.Connection) -> str:
        """For whoever wonders what they all wait for."""
        locks = await db.fetch(_LOCKS)
        told = [f"p{n}: {home.stderr.read_text()[-500:]}" for n, home in enumerate(self.homes)]
        seats = {pid: seat.number for pid, seat in self.seats.items()}
        connected = f"shards {self.discord.shards}, Slack {self.workspace.connections}"
        return "\n".join([f"{self.figures}", f"{seats}", connected, *map(str, map(tuple, locks)), *told])

    async def all_there(self, db: asyncpg.Connection) -> None:
        while await db.fetchval(_MEMBERS) != len(_ROLES) or not self.all_connected():
            await asyncio.sleep(_LOOK_S)

    def all_connected(self) -> bool:
        return self.discord.shards == dict.fromkeys(range(_SHARDS), 1) and self.workspace.connections == 1

    async def moment(self) -> None:
        """Returns after some question to the model or call of a platform, or at any time."""
        kind = self.dice.choices(("question", "call", "time"), (4, 5, 1))[0]
        if kind == "question":
            await self.model.arrived.reach(self.model.arrived.count + self.dice.randint(1, 60))
        if kind == "call":
            server = self.dice.choice((self.discord, self.workspace))
            goal = len(server.transcript) + self.dice.randint(1, 6)
            await server.until(lambda: len(server.transcript) >= goal)
        longest = {"question": 0.03, "call": 0.004, "time": 3.0}[kind]
        await asyncio.sleep(longest * self.dice.random() * self.dice.choice((0, 1)))

    async def kill(self, db: asyncpg.Connection, pid: int) -> None:
        """And see how others go on."""
        life, seat = self.lives.pop(pid), self.seats.pop(pid)
        os.kill(pid, signal.SIGSTOP)
        name = f"%process {pid} on %"
        agents = [row[0] for row in await db.fetch(_AT_WORK, name)]
        turns = {row[0] for row in await db.fetch(_TURNS, agents)}
        leases = {row[0] for row in await db.fetch(f"{_LEASES} AND a.application_name LIKE $1", name)}
        led = any(name[1:-1] in row[0] for row in await db.fetch(WHO))
        posts = {row[0] for row in await db.fetch(_POSTS)} if led else set()
        began = time.monotonic()
        assert await life.kill(), self.homes[seat.number].stderr.read_text()
        self.figures.kills[f"{seat.role}s"] += 1
        asks = len(self.model.asked)
        if turns:
            while await self.broken_off(db, turns, agents, seat.key, asks):
                await asyncio.sleep(_LOOK_S)
            self.figures.turns.append(time.monotonic() - began)
            self.figures.broken_off += len(turns)
        if posts:
            while posts & {row[0] for row in await db.fetch(_POSTS)}:
                await asyncio.sleep(_LOOK_S)
            self.figures.posts.append(time.monotonic() - began)
        if leases:
            while not self.all_connected() or leases - {row[0] for row in await db.fetch(_LEASES)}:
                await asyncio.sleep(_LOOK_S)
            self.figures.connections.append(time.monotonic() - began)

    async def broken_off(
        self, db: asyncpg.Connection, turns: set[str], agents: list[int], key: str, asks: int
    ) -> set[str]:
        """Those of the turns that nobody else has asked the model for, nor brought to an end."""
        asked_of = {which.rpartition("/")[0] for who, which in self.model.asked[asks:] if who != key}
        return (turns & {row[0] for row in await db.fetch(_TURNS, agents)}) - asked_of


async def test_any_of_five_is_killed_and_nothing_is_lost_doubled_or_out_of_order(tmp_path: Path) -> None:
    kills, seed = int(os.environ.get("KILLS", "200")), int(os.environ.get("SEED", "0"))
    story = Five(tmp_path, kills, seed)
    await story.tell()
    found = sums(story.written, story.posts)
    print(
        f"\n{story.figures}\n{sum(map(len, story.written.values()))} messages, {found.answers} answers: "
        f"{len(found.lost)} lost, {len(found.doubled)} doubled, {len(found.disordered)} places out of order; "
        f"{story.discord.hasty} sessions begun too soon"
    )
    assert story.in_vain == []
    assert (found.lost, found.doubled, found.disordered) == (set(), {}, {})
    assert once(story.written, story.notes)
    assert max(story.figures.turns) < _GOAL_S
    assert "Traceback" not in "".join(home.stderr.read_text() for home in story.homes)
