"""discord.py's client, with what its gateway tells handed on as it came.

discord.py reads an event before anybody hears of it, and a shape that it does not know ends the connection. So each
of its readers is guarded, and what people say does not pass through them at all.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any

import aiohttp
import discord

from adapters.discord import commands
from adapters.discord.hearing import Hearing
from adapters.discord.shapes import fit
from adapters.discord.wire import Json, record
from bot.ports import Clock, Inbound
from memory.errors import where

log = logging.getLogger(__name__)

_ANNOUNCE_S = 5.0  # that connecting waits for the commands to be announced
_OURS = {  # events that discord.py does not read, and what is called for them
    "MESSAGE_CREATE": "said",
    "MESSAGE_UPDATE": "edited",
    "MESSAGE_DELETE": "deleted",
    "MESSAGE_DELETE_BULK": "deleted",
    "MESSAGE_REACTION_ADD": "reacted",
}
Reader = Callable[[Any], None]


@dataclass(frozen=True)
class Connecting:
    """How a client connects: as ``shard``, of how many. ``before`` is awaited before each IDENTIFY, ``answered`` called
    when it is answered, ``after`` awaited when all guilds were named, and with a guild when that one is there again, or
    later than the others; ``begin`` runs what may go on beside."""

    intents: discord.Intents
    shard: tuple[int, int]
    clock: Clock
    guilds_wait_s: float
    trace: aiohttp.TraceConfig
    before: Callable[[], Awaitable[None]]
    answered: Callable[[], None]
    after: Callable[[discord.Guild | None], Awaitable[None]]
    begin: Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]]


class Client(discord.AutoShardedClient):
    """One shard's connection's life. What fails in a handler is logged, without what was said."""

    hearing: Hearing  # given before it starts

    def __init__(self, inbound: Inbound, connecting: Connecting) -> None:
        super().__init__(
            intents=connecting.intents,
            shard_ids=[connecting.shard[0]],
            shard_count=connecting.shard[1],
            shard_connect_timeout=None,  # others may stand in line before us
            allowed_mentions=discord.AllowedMentions.none(),
            max_messages=None,
            member_cache_flags=discord.MemberCacheFlags.none(),
            chunk_guilds_at_startup=False,
            guild_ready_timeout=connecting.guilds_wait_s,
            enable_debug_events=True,  # for on_socket_raw_receive
            http_trace=connecting.trace,
        )
        self._inbound = inbound
        self._connecting = connecting
        self._unread: set[tuple[str, type[Exception]]] = set()  # of what was told already
        self.heard = time.monotonic()
        # The one private part of discord.py that is reached into: its readers' faults cannot be outlived otherwise.
        # tests/acceptance/test_discord_shapes.py fails when it moves.
        readers: dict[str, Reader] = self._connection.parsers
        for name, reader in list(readers.items()):
            readers[name] = self._handed_on(_OURS[name]) if name in _OURS else self._guarded(name, reader)

    def _handed_on(self, event: str) -> Reader:
        return lambda told: self.dispatch(event, record(told))

    def _guarded(self, event: str, reader: Reader) -> Reader:
        """A reader of discord.py's that is told what it can read, and whose fault costs that event."""

        def read(told: Any) -> None:
            try:
                known = fit(event, record(told))
                if known is not None:
                    reader(known)
            except Exception as error:
                first = (event, type(error)) not in self._unread
                self._unread.add((event, type(error)))
                log.log(
                    logging.WARNING if first else logging.DEBUG,
                    "Discord: %s was not read: %s",
                    event,
                    _fault(),
                )

        return read

    async def setup_hook(self) -> None:
        if self._connecting.shard[0]:
            return  # the first shard's announces them, once for all
        # Discord may want long to be waited for: then the commands are announced while we serve.
        announcing = self._connecting.begin(commands.announce(self, self._inbound.commands))
        await asyncio.wait([announcing], timeout=_ANNOUNCE_S)

    async def on_socket_raw_receive(self, _: Any) -> None:
        self.heard = time.monotonic()

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        await self._connecting.before()

    async def on_connect(self) -> None:
        self._connecting.answered()

    async def on_ready(self) -> None:
        number, count = self._connecting.shard
        log.info(
            "Discord: connected as %s, %d guilds (shard %d of %d).",
            self.user,
            len(self.guilds),
            number,
            count,
        )
        await self._connecting.after(None)
        for guild in self.guilds:  # we may have been let in again while we were away
            await self.hearing.here(guild.id)

    async def on_guild_available(self, guild: discord.Guild) -> None:
        await self._connecting.after(guild)

    async def on_guild_join(self, guild: discord.Guild) -> None:
        await self.hearing.here(guild.id)

    async def on_guild_remove(self, guild: discord.Guild) -> None:
        await self.hearing.here(guild.id, here=False)

    async def on_said(self, told: Json) -> None:
        await self.hearing.said(told)

    async def on_edited(self, told: Json) -> None:
        await self.hearing.edited(told)

    async def on_deleted(self, told: Json) -> None:
        await self.hearing.deleted(told)

    async def on_reacted(self, told: Json) -> None:
        await self.hearing.reacted(told)

    async def on_interaction(self, interaction: discord.Interaction) -> None:
        await commands.used(interaction, self._inbound, self._connecting.clock)

    async def on_error(self, event_method: str, /, *args: Any, **kwargs: Any) -> None:
        log.error("Discord: %s failed: %s", event_method, _fault())


def _fault() -> str:
    """The fault at hand."""
    error = sys.exception()
    return where(error) if error else ""
