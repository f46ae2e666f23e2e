"""Three `everbot run` on one PostgreSQL, connected to Discord: one of them loses its network under load. To the
database, to Discord and to the model nothing gets through any more, and no connection is closed. The others take over;
when the network is back, and what was under way arrives, the one that was cut off does no harm.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from memory.store.postgres.cluster import SHARE
from memory.store.postgres.shares import SHARES
from tests.acceptance.clerk import DISCORD
from tests.acceptance.crowd import Spot, on_discord, posts_on_discord
from tests.acceptance.test_standby import SHARED, Story, check
from tests.fakes.discord_server import DiscordServer
from tests.fakes.postgres_server import ALONE, asked
from tests.fakes.silent_proxy import SilentProxy
from tests.fakes.town import FAST
from tests.patience import PATIENCE_S
from tests.program.program import Program

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.soak,
    pytest.mark.skipif(not ALONE, reason="several processes and a server of their own: make test-postgres"),
]

_SHARDS = 2
_HOST = "127.0.0.1"
_PORT = re.compile(rf"{re.escape(_HOST)}:(\d+)/")
_THINKS = (
    "SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE l.locktype = 'advisory' AND l.granted "
    "AND l.classid = $1::bigint::oid AND l.objid < $2::bigint AND a.application_name LIKE $3"
)
_UNDER_WAY = "SELECT count(*) FROM turns WHERE state = 'running' AND started_at < $1"


class Cut(Story):
    """``ends`` say in which role the first process is cut off: it ``leads``, or ``follows``."""

    config = SHARED.replace("workers = false\n", "") + DISCORD

    @asynccontextmanager
    async def platform(self) -> AsyncIterator[DiscordServer]:
        server = DiscordServer(**FAST, shards=_SHARDS, max_concurrency=_SHARDS, identify_s=1.0)
        async with server, AsyncExitStack() as self.ways:
            yield server

    async def spots(self) -> Sequence[Spot]:
        found = [spot for n in range(_SHARDS) for spot in on_discord(self.server, [f"ada{n}", f"bob{n}"], n)]
        await self.server.until(lambda: set(self.server.shards) == set(range(_SHARDS)), PATIENCE_S)
        for spot in found:  # knows the bot: a first direct message is a named exception
            await spot.until_answered(await self.say(spot))
        return found

    def posted(self) -> list[tuple[str, str]]:
        return posts_on_discord(self.server)

    async def start(self, stack: AsyncExitStack, roles: str = "") -> None:
        if not self.homes:
            self.proxies = await self.made()
            self.homes.append(Program(self.folder / "p0", self.by_proxy))
            await self.far(stack)
            await self.server.until(lambda: len(self.server.shards) == _SHARDS, PATIENCE_S)  # it leads
        else:
            await super().start(stack)

    async def made(self) -> dict[int | Path, SilentProxy]:
        """A way to each server that is named in the configuration."""
        async with asked(self.url) as db:
            folder, port = await db.fetchval("SHOW unix_socket_directories"), await db.fetchval("SHOW port")
        servers: list[int | Path] = [Path(folder) / f".s.PGSQL.{port}"]
        servers += sorted(set(map(int, _PORT.findall(self.text))))
        return {one: await self.ways.enter_async_context(SilentProxy(one)) for one in servers}

    @property
    def by_proxy(self) -> str:
        database, *others = self.proxies
        url = f"postgresql://everbot@{_HOST}:{self.proxies[database].port}{urlsplit(self.url).path}"
        text = self.text.replace(self.url, "DATABASE")
        for port in others:
            text = text.replace(f"{_HOST}:{port}/", f"{_HOST}:{self.proxies[port].port}/")
        return text.replace("DATABASE", url)

    async def far(self, stack: AsyncExitStack) -> None:
        """The process that is to be cut off."""
        life = await self.homes[0].live("run", OPENAI_API_KEY=f"far{len(self.lives)}")
        await stack.enter_async_context(life)
        self.lives[life.pid] = life
        self.pid = life.pid

    async def end(self, stack: AsyncExitStack, how: str) -> None:
        await self.thinks()
        async with asked(self.url) as db:
            leads = await self.works()
            assert (leads == self.pid) == (how == "leads")
            for proxy in self.proxies.values():
                proxy.cut()
            began = time.monotonic()
            posts = len(self.posted())
            now = time.time_ns() // 1_000
            while await db.fetchval(_UNDER_WAY, now) or len(self.posted()) < posts + 10:
                await asyncio.sleep(0.05)
            self.took_s.append(time.monotonic() - began)
        for proxy in self.proxies.values():
            proxy.mend()
        if how == "leads":
            assert await self.lives.pop(self.pid).ended() == 1  # it was told that another one leads
            await self.far(stack)
        else:
            await self.thinks()  # it goes on

    async def thinks(self) -> None:
        """The one that is to be cut off, or was."""
        async with asked(self.url) as db:
            while not await db.fetchval(_THINKS, SHARE, SHARES, f"%process {self.pid} on %"):
                await asyncio.sleep(0.05)


async def test_a_process_that_loses_its_network_does_no_harm_when_it_is_back(tmp_path: Path) -> None:
    story = Cut(tmp_path, ["leads", "follows"], processes=3)
    await story.tell()
    check(story)
    print(f"others had gone on after {', '.join(f'{s:.2f}' for s in story.took_s)} s")
