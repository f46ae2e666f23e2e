"""What becomes of two `everbot run` under load when PostgreSQL is killed, stays away, or is replaced by its replica:
nothing is lost, doubled or out of order."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.acceptance.test_standby import Place, Story, check
from tests.fakes.failing_postgres import FailingPostgres
from tests.fakes.postgres_server import ALONE

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.soak,
    pytest.mark.skipif(not ALONE, reason="several processes and servers of their own: make test-postgres"),
]


class Failing(Story):
    """``ends`` are how the database fails, one after the other."""

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

    async def written_meanwhile(self) -> None:
        """What is written while it is away is not acknowledged, and delivered again."""
        delivery = self.slack.delivery
        waiting = self.slack.user("kim")
        acked = len(delivery.acks)
        number = f"n{sum(map(len, self.written.values())):05}"
        self.written.setdefault("kim", []).append(number)
        await self.slack.say(waiting, self.slack.im(waiting), f"please note {number}")
        envelope = delivery.envelopes[-1]
        await self.slack.until(lambda: len(envelope.attempts) > 1)
        assert not envelope.done
        assert all(ack.kind == "events_api" for ack in delivery.acks[acked:])


async def test_a_server_that_is_killed_and_comes_back(tmp_path: Path) -> None:
    story = Failing(tmp_path, ["killed", "away"], processes=2)
    await story.tell()
    assert "Standing by: " in check(story)


async def test_a_replica_takes_the_place_of_the_server(tmp_path: Path) -> None:
    story = Failing(tmp_path, ["failover"], processes=2)
    await story.tell()
    assert "Standing by: " in check(story)
