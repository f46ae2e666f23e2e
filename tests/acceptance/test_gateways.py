"""Several gateways and a worker on one PostgreSQL: the gateways have a platform's connections between them; one of them
is killed under load, the others take its, and all that people said meanwhile is answered once, and in order."""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.clerk import DISCORD
from tests.acceptance.crowd import DiscordSpot, Spot, posts_on_discord
from tests.acceptance.test_standby import SHARED, Story, check
from tests.fakes.discord_server import DiscordServer
from tests.fakes.postgres_server import ALONE
from tests.fakes.town import FAST
from tests.patience import PATIENCE_S

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.skipif(not ALONE, reason="several processes and a server of their own: make test-postgres"),
]

_SHARDS = 4
_GATEWAY, _WORKER = "gateway", "worker"


class OnDiscord(Story):
    """``ends`` say which gateway is killed: the one that ``leads``, or ``another``."""

    config = SHARED.replace("workers = false\n", "") + DISCORD

    def __init__(self, folder: Path, ends: list[str]) -> None:
        super().__init__(folder, ends, processes=3)
        self.roles: dict[int, str] = {}

    def platform(self) -> AbstractAsyncContextManager[Any]:
        return DiscordServer(**FAST, shards=_SHARDS, max_concurrency=_SHARDS, identify_s=5.0)

    async def start(self, stack: AsyncExitStack, roles: str = "") -> None:
        roles = roles or (_WORKER if len(self.roles) == 2 else _GATEWAY)
        await super().start(stack, roles)
        self.roles[next(reversed(self.lives))] = roles

    async def spots(self) -> Sequence[Spot]:
        server = self.server
        people = [server.user(name) for name in ("eve", "fay", "gus", "hal")]
        found = [
            DiscordSpot(
                server,
                person,
                server.channel(server.guild(f"Guild {n}", members=[person], shard=n), "general"),
                person.name,
                called=True,
            )
            for n, person in enumerate(people)
        ]
        await self.shared_out()
        return [*found, DiscordSpot(server, people[0], server.dm(people[0]), "eve, alone")]

    def posted(self) -> list[tuple[str, str]]:
        return posts_on_discord(self.server)

    async def shared_out(self) -> None:
        await self.server.until(lambda: self.server.shards == dict.fromkeys(range(_SHARDS), 1), PATIENCE_S)

    async def held(self) -> dict[int, list[int]]:
        """The shards of each process."""
        done = await self.homes[0].run_async("workers")
        assert done.code == 0, done.err
        found = re.findall(r"process (\d+) on .*?Discord shards? ([\d, ]+)", done.out)
        return {int(pid): [int(n) for n in numbers.split(",")] for pid, numbers in found}

    async def end(self, stack: AsyncExitStack, how: str) -> None:
        leads = await self.works()
        gateways = [pid for pid in self.lives if self.roles[pid] == _GATEWAY]
        while sorted(map(len, (held := await self.held()).values())) != [2, 2]:
            pass
        assert sorted(held) == sorted(gateways)
        assert "Discord shards " in (await self.homes[0].run_async("doctor")).out
        pid = leads if how == "leads" else next(pid for pid in gateways if pid != leads)
        life = self.lives.pop(pid)
        os.kill(pid, signal.SIGKILL)
        began = time.monotonic()
        await life.ended()
        await self.server.until(lambda: not self.server.shards.keys() & set(held[pid]))
        await self.shared_out()
        self.took_s.append(time.monotonic() - began)
        await self.start(stack, _GATEWAY)

    async def settled(self) -> None:
        await super().settled()
        assert self.server.hasty == 0


async def test_a_gateway_is_killed_and_the_other_takes_its_shards(tmp_path: Path) -> None:
    story = OnDiscord(tmp_path, ["another", "leads"])
    await story.tell()
    check(story)
    print(f"all shards were taken after {', '.join(f'{s:.2f}' for s in story.took_s)} s")
