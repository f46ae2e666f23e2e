"""Places of guilds whose shard another process runs: what is to be known of them is asked of Discord itself."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import discord

from adapters.discord import wire
from adapters.discord.errors import BROKEN, UNREAD
from adapters.discord.places import may_look
from bot.cache import Cache
from bot.errors import DeliveryError

_KEPT = 5_000
_KEPT_S = 60.0  # that permissions may be old
_AGAIN_S = 0.5


@dataclass(frozen=True)
class Spot:
    """A guild's channel or thread; ``home`` is the channel that has the webhooks, of a thread its parent, and ``me`` is
    who we are there. ``private``: a thread that not everybody sees who sees its channel."""

    id: int
    guild: discord.Guild
    home: Any
    me: discord.Member
    private: bool = False

    @property
    def thread(self) -> bool:
        return bool(self.id != self.home.id)

    @property
    def readable(self) -> bool:
        """Whether it shows us its history: where it does not, it looks empty."""
        may = self.home.permissions_for(self.me)
        return bool(may_look(may, self.home) and may.read_message_history)

    @property
    def may_speak(self) -> bool:
        may = self.home.permissions_for(self.me)
        sends = may.send_messages_in_threads if self.thread else may.send_messages
        return bool(may.view_channel and sends)

    @property
    def may_have_webhooks(self) -> bool:
        may = self.home.permissions_for(self.me)
        return bool(hasattr(self.home, "create_webhook") and may.manage_webhooks)


def held(channel: Any) -> Spot | None:
    """What the client holds; None in a direct message, and of what it does not hold."""
    guild = getattr(channel, "guild", None)
    home = channel.parent if isinstance(channel, discord.Thread) else channel
    if guild is None or home is None or guild.me is None:
        return None
    private = isinstance(channel, discord.Thread) and channel.is_private()
    return Spot(channel.id, guild, home, guild.me, private)


class Afar:
    """``ours`` says of a guild whether its shard is run here."""

    def __init__(self, ours: Callable[[int], bool]) -> None:
        self._ours = ours
        self._known: Cache[int, tuple[float, int, Spot | None]] = Cache(_KEPT)

    async def spot(self, client: discord.Client, channel_id: int) -> tuple[bool, Spot | None]:
        """Whether the place is of no guild of ours, and what there is to know of it: None of a direct message. Raises
        `DeliveryError` when Discord cannot be asked now, `discord.NotFound` and `discord.Forbidden`."""
        until, guild_id, spot = self._known.get(channel_id, (0.0, 0, None))
        if until < time.monotonic():
            try:
                guild_id, spot = await self._asked(client, channel_id)
            except (discord.NotFound, discord.Forbidden):
                raise
            except (discord.DiscordException, *BROKEN, *UNREAD) as error:
                raise DeliveryError(f"Discord: {type(error).__name__}") from None
            self._known[channel_id] = (time.monotonic() + _KEPT_S, guild_id, spot)
        return not (guild_id and self._ours(guild_id)), spot

    async def _asked(self, client: discord.Client, channel_id: int) -> tuple[int, Spot | None]:
        told = wire.record(await client.http.get_channel(channel_id))
        guild_id = wire.snowflake(told.get("guild_id"))
        if not guild_id or self._ours(guild_id):
            return guild_id, None
        thread = told.get("type") in _THREADS
        guild = await client.fetch_guild(guild_id, with_counts=False)
        home = await guild.fetch_channel(wire.snowflake(told.get("parent_id")) if thread else channel_id)
        assert client.user is not None
        me = await guild.fetch_member(client.user.id)
        return guild_id, Spot(channel_id, guild, home, me, told.get("type") == _PRIVATE_THREAD)


class Spare:
    """Who asks and posts where this process runs no shard: a client that logs in, and never connects."""

    def __init__(self, token: str, trace: Callable[[], aiohttp.TraceConfig]) -> None:
        self._token = token
        self._trace = trace
        self._one_at_a_time = asyncio.Lock()
        self._client: discord.Client | None = None

    async def client(self) -> discord.Client:
        """Raises `DeliveryError` when Discord cannot be asked now."""
        async with self._one_at_a_time:
            if self._client is None:
                client = discord.Client(intents=discord.Intents(guilds=True), http_trace=self._trace())
                try:
                    await client.login(self._token)
                except (discord.DiscordException, *BROKEN, *UNREAD) as error:
                    await client.close()
                    raise DeliveryError(f"Discord: {type(error).__name__}", retry_after=_AGAIN_S) from None
                self._client = client
            return self._client

    async def close(self) -> None:
        if self._client is not None:
            await self._client.close()


@asynccontextmanager
async def spare(token: str, trace: Callable[[], aiohttp.TraceConfig]) -> AsyncIterator[Spare]:
    made = Spare(token, trace)
    try:
        yield made
    finally:
        await made.close()


_THREADS = (10, 11, 12)  # of announcements, public, private (API reference, "Channel Types")
_PRIVATE_THREAD = 12
