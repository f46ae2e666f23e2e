"""Several `everbot run` on one PostgreSQL share its agents: one is connected to Slack, all of them think; any of them
is killed, stopped or ended under load, and nothing is lost, doubled or out of order."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import socket
import time
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from memory.store.postgres.leases import LEASE
from tests.acceptance.clerk import SLACK
from tests.acceptance.test_standby import SHARED, Story, check
from tests.fakes.postgres_server import ALONE, asked

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.skipif(not ALONE, reason="several processes and a server of their own: make test-postgres"),
]


HAS_SOCKET = (
    "SELECT a.application_name FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE l.locktype = 'advisory' "
    "AND l.granted AND l.classid::bigint = $1 AND l.objid::bigint & 65535 <> 65535"
)


class Workers(Story):
    """``ends`` say who, and how: ``gateway kill``, ``worker stop``. A worker has no socket: while one who has is
    stopped, Slack tells some to it and some to the next one, and tells again later what it did not hear."""

    config = SHARED.replace("workers = false\n", "") + SLACK

    async def end(self, stack: AsyncExitStack, how: str) -> None:
        await self.several_think()
        gateway = await self.works()
        role, _, ending = how.partition(" ")
        pid = gateway if role == "gateway" else await self.worker(gateway)
        life = self.lives.pop(pid)
        if ending == "drain":
            await self.drained(pid)
        else:
            self.strike(pid, ending)
        began = time.monotonic()
        if ending != "stop":
            await life.ended()
        under_way = "SELECT count(*) FROM turns WHERE state = 'running' AND started_at < $1"
        now = time.time_ns() // 1_000
        async with asked(self.url) as connection:
            while await connection.fetchval(under_way, now):  # is over, whoever ends it
                await asyncio.sleep(0.05)
        self.took_s.append(time.monotonic() - began)
        if ending == "stop":
            os.kill(pid, signal.SIGCONT)
            if role == "gateway":
                assert await life.ended() == 1
            else:
                self.lives[pid] = life
        if pid not in self.lives:
            await self.start(stack)

    async def worker(self, gateway: int) -> int:
        """One who only thinks."""
        async with asked(self.url) as connection:
            while not (names := await connection.fetch(HAS_SOCKET, LEASE)):
                await asyncio.sleep(0.05)
        return random.choice(
            [p for p in self.lives if p != gateway and not any(f"process {p} " in name for (name,) in names)]
        )

    def strike(self, pid: int, ending: str) -> None:
        os.kill(pid, {"kill": signal.SIGKILL, "stop": signal.SIGSTOP, "term": signal.SIGTERM}[ending])

    async def drained(self, pid: int) -> None:
        """By name, as the list has it."""
        listed = await self.homes[0].run_async("workers")
        assert f"process {pid} on {socket.gethostname()}" in listed.out
        assert "leads" in listed.out
        assert "a Slack socket" in listed.out
        assert "thinks for" in listed.out
        done = await self.homes[0].run_async("workers", "--drain", f"{pid} on {socket.gethostname()}")
        assert done.code == 0, done.err

    async def several_think(self) -> None:
        """Several have asked the model lately: of few people all may be one's own, but for a moment."""
        while True:
            before = len(self.model.asked)
            await self.model.arrived.reach(before + 30)
            if len({who for who, _ in self.model.asked[before:]}) > 1:
                return


async def test_any_process_is_killed_stopped_and_ended_and_the_others_go_on(tmp_path: Path) -> None:
    story = Workers(
        tmp_path, ["worker kill", "gateway kill", "worker stop", "gateway term", "worker drain"], processes=3
    )
    await story.tell()
    check(story)
    print(f"others went on after {', '.join(f'{s:.2f}' for s in story.took_s)} s")


@pytest.mark.soak
async def test_two_hundred_kills_of_any_lose_and_double_nothing(tmp_path: Path) -> None:
    ends = [("gateway kill" if n % 3 == 0 else "worker kill") for n in range(200)]
    story = Workers(tmp_path, ends, processes=4)
    await story.tell()
    check(story)
    print(f"{len(story.posts)} answers; others went on after {max(story.took_s):.2f} s at most")
