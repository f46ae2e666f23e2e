"""What was said on Discord while we were away."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import discord

from adapters.discord.reading import BROKEN
from bot.events import Address
from bot.ports import Clock

log = logging.getLogger(__name__)

_LAG = timedelta(minutes=10)  # what is not heard of so long after an event of its time was not delivered


class History:
    """``catch_up`` is how far back it is read."""

    def __init__(self, client: discord.Client, clock: Clock, catch_up: timedelta) -> None:
        self._client = client
        self._clock = clock
        self._catch_up = catch_up

    async def missed(self, marks: Mapping[Address, str]) -> list[discord.Message]:
        """What was said in every known conversation since, and in every channel that had news since we last
        heard any, in the order of time."""
        known = {int(address.partition(":")[2]): _number(key) for address, key in marks.items()}
        if not known:
            return []
        floor = discord.utils.time_snowflake(self._clock.now() - self._catch_up)
        awake = discord.utils.snowflake_time(max(known.values())) - _LAG
        since = max(floor, discord.utils.time_snowflake(awake))
        places: dict[int, int] = {channel: max(key, floor) for channel, key in known.items()}
        for guild in self._client.guilds:
            channels: list[discord.TextChannel | discord.Thread] = [*guild.text_channels, *guild.threads]
            for channel in channels:
                newest = channel.last_message_id or 0
                if newest <= places.get(channel.id, since) or not readable(channel):
                    places.pop(channel.id, None)
                else:
                    places.setdefault(channel.id, since)
        missed: list[discord.Message] = []
        for channel_id, after in places.items():
            missed += await self._since(channel_id, after)
        return sorted(missed, key=lambda message: message.id)

    async def _since(self, channel_id: int, after: int) -> list[discord.Message]:
        """What was said there after a message; nothing where it can't be read. Trouble is waited out a little."""
        for wait in (0.5, 2.0, 8.0, None):
            try:
                return await self._read(channel_id, after)
            except (discord.DiscordException, *BROKEN) as error:
                if wait is None or isinstance(error, discord.Forbidden | discord.NotFound):
                    log.warning(
                        "What came while away could not be read in one place: %s", type(error).__name__
                    )
                    return []
            await self._clock.sleep(wait)
        return []

    async def _read(self, channel_id: int, after: int) -> list[discord.Message]:
        client = self._client
        channel: Any = client.get_channel(channel_id) or await client.fetch_channel(channel_id)
        guild = getattr(channel, "guild", None)
        if guild is not None and client.get_guild(guild.id) is None:
            return []  # who can see it is not known
        history = channel.history(limit=None, after=discord.Object(after), oldest_first=True)
        return [message async for message in history]


def is_guilds(channel: Any) -> bool:
    return getattr(channel, "guild", None) is not None


def readable(channel: Any) -> bool:
    """Whether a guild's channel shows us its history: where it does not, it looks empty."""
    may = channel.permissions_for(channel.guild.me)
    return bool(may.view_channel and may.read_message_history)


def _number(key: str) -> int:
    """The message id in an event's key (``discord:<id>`` or ``discord:<id>/...``); 0 in a key of anything else."""
    platform, _, rest = key.partition(":")
    number = rest.partition("/")[0]
    return int(number) if platform == "discord" and number.isdecimal() else 0
