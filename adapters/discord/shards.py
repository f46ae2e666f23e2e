"""Which shards this process runs: those that it holds a lease of. One that is lost is closed at once."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping

from adapters.discord.afar import Afar
from adapters.discord.options import SHARD
from adapters.discord.shard import Outgrown, Shard
from bot.ports import Lease, Leases

log = logging.getLogger(__name__)


class Shards:
    """Of ``count`` that there are, as all processes have ``agreed`` under that name (none: it is set); ``made`` makes
    one."""

    def __init__(self, leases: Leases, count: int, agreed: str, made: Callable[[int], Shard]) -> None:
        self._leases = leases
        self._count = count
        self._agreed = agreed
        self._least = 0
        self._made = made
        self._here: dict[int, Shard] = {}
        self._lives: dict[int, asyncio.Task[None]] = {}
        self._outgrown = asyncio.Event()
        self.afar = Afar(self._runs)
        self.elsewhere = False  # all that there are were another process's, when we last looked

    @property
    def here(self) -> Mapping[int, Shard]:
        """Those that are run here, by their numbers."""
        return self._here

    @property
    def all_here(self) -> bool:
        return len(self._here) == self._count

    def _runs(self, guild_id: int) -> bool:
        """Whether the guild's shard is run here (Discord's documentation, "Sharding")."""
        return (guild_id >> 22) % self._count in self._here

    async def run(self) -> int:
        """Returns when the guilds are to be divided otherwise: into how many shards at least. Raises `AdapterError`
        when Discord refuses us."""
        async with asyncio.TaskGroup() as group:
            looking = group.create_task(self._look(group))
            await self._outgrown.wait()
            for task in (looking, *self._lives.values()):
                task.cancel()
        return self._least

    async def _look(self, group: asyncio.TaskGroup) -> None:
        while True:
            if self._agreed and await self._leases.agreed(self._agreed, self._count) != self._count:
                self._outgrown.set()
                return
            ours = await self._leases.part(SHARD, self._count)
            for number in sorted(self._lives)[ours:]:  # another process has too few
                self._lives.pop(number).cancel()
            for number in range(self._count):
                if number in self._here or len(self._lives) >= ours:
                    continue
                lease = await self._leases.take(SHARD, number)
                if lease is not None:
                    self._lives[number] = group.create_task(self._live(number, lease))
            self.elsewhere = not self._here and not self._lives
            await self._leases.news()

    async def _live(self, number: int, lease: Lease) -> None:
        shard = self._here[number] = self._made(number)
        try:
            async with asyncio.TaskGroup() as life:
                running = life.create_task(shard.run())
                await lease.lost()
                log.warning("Discord: shard %d is another process's now.", number)
                running.cancel()
        except* Outgrown:
            self._least = self._count + 1
            self._outgrown.set()
        finally:
            del self._here[number]
            self._lives.pop(number, None)
            await lease.give()
