"""What becomes of two `everbot run` under load, of which one stands by or that share the work, when PostgreSQL is
killed, stays away, or is replaced by its replica: nothing is lost, doubled or out of order."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.acceptance.crowd import SlackSpot, Spot
from tests.acceptance.test_standby import Place, Story, check
from tests.fakes.failing_postgres import FailingPostgres
from tests.fakes.postgres_server import ALONE

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.soak,
    pytest.mark.skipif(not ALONE, reason="several processes and servers of their own: make test-postgres"),
]


class Failing(Story):
    """``ends`` are how the database fails, one after the other; ``shares``: nobody stands by."""

    def __init__(self, folder: Path, ends: list[str], *, shares: bool) -> None:
        super().__init__(folder, ends, processes=2)
        if shares:
            self.config = self.config.replace("workers = false\n", "")

    def database(self) -> Place:
        self.postgres = FailingPostgres(replicated="failover" in self.ends)
        return self.postgres

    async def end(self, stack: AsyncExitStack, how: str) -> None:
        await self.works()
        primary, *replicas = self.postgres.servers
        await asyncio.to_thread(primary.kill)
        if how == "away":
            await self.written_meanwhile()
        if how == "failover":
            await asyncio.to_thread(replicas[0].promote)
        else:
            await asyncio.to_thread(primary.start)
        await self.works()
        for pid, life in list(self.lives.items()):
            if life.code is not None:  # another one led when it came back: a supervisor starts it anew
                assert await self.lives.pop(pid).ended() == 1
                await self.start(stack)

    async def spots(self) -> Sequence[Spot]:
        found = await super().spots()
        person = self.slack.user("kim")
        self.kim = SlackSpot(self.slack, person, self.slack.im(person), person)
        await self.kim.until_answered(await self.say(self.kim))  # a first direct message is a named exception
        return found

    async def written_meanwhile(self) -> None:
        """What is written while it is away is not acknowledged, and delivered again. Those who share cannot tell whose
        the socket is then, and nobody has it."""
        delivery = self.slack.delivery
        acked = len(delivery.acks)
        number = await self.say(self.kim)
        [envelope] = [each for each in delivery.envelopes if number in str(each.payload)]
        await self.slack.until(lambda: len(envelope.attempts) > 1 or not self.slack.connections)
        assert not envelope.done
        assert all(ack.kind == "events_api" for ack in delivery.acks[acked:])


@pytest.mark.parametrize("shares", [False, True])
async def test_a_server_that_is_killed_and_comes_back(tmp_path: Path, shares: bool) -> None:
    story = Failing(tmp_path, ["killed", "away"], shares=shares)
    await story.tell()
    check(story)


@pytest.mark.parametrize("shares", [False, True])
async def test_a_replica_takes_the_place_of_the_server(tmp_path: Path, shares: bool) -> None:
    story = Failing(tmp_path, ["failover"], shares=shares)
    await story.tell()
    check(story)
