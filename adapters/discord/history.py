"""What was said on Discord while we were away."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

import discord

from adapters.discord import wire
from adapters.discord.afar import held
from adapters.discord.errors import BROKEN
from adapters.discord.message import Message, message_of
from adapters.discord.places import channel_in
from bot.events import Address
from bot.ports import Clock

log = logging.getLogger(__name__)

_LAG = timedelta(minutes=10)  # what is not heard of so long after an event of its time was not delivered
_PAGE = 100


class History:
    """Nothing from before ``since`` (by Discord's clock) is read; of what is another shard's nothing either."""

    def __init__(self, client: discord.Client, clock: Clock, since: datetime) -> None:
        self._client = client
        self._clock = clock
        self._floor = since

    async def missed(self, marks: Mapping[Address, str], guild: discord.Guild | None = None) -> list[Message]:
        """What was said in every known conversation since, and in every channel that had news since we last
        heard any (of one guild only), in the order of time."""
        known = {channel_in(address): _number(key) for address, key in marks.items()}
        if not known:
            return []
        floor = discord.utils.time_snowflake(self._floor)
        channels = list(_channels(self._client.guilds if guild is None else [guild]))
        awake = wire.made_at(self._newest(known, channels)) - _LAG
        since = max(floor, discord.utils.time_snowflake(awake))
        places: dict[int, int] = {channel: max(key, floor) for channel, key in known.items()}
        if guild is not None:
            here = {channel.id for channel in channels}
            places = {channel: after for channel, after in places.items() if channel in here}
        for channel in channels:
            newest = channel.last_message_id or 0
            spot = held(channel)
            if newest <= places.get(channel.id, since) or spot is None or not spot.readable:
                places.pop(channel.id, None)
            else:
                places.setdefault(channel.id, since)
        missed: list[Message] = []
        for channel_id, after in places.items():
            missed += await self._since(channel_id, after)
        return sorted(missed, key=lambda message: message.id)

    def _newest(self, known: Mapping[int, int], channels: Iterable[Any]) -> int:
        """What was heard last, by this shard: others may have heard more meanwhile."""
        ours = [known[channel.id] for channel in channels if channel.id in known]
        return max(ours if ours and (self._client.shard_count or 1) > 1 else known.values())

    async def _since(self, channel_id: int, after: int) -> list[Message]:
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

    def _is_first(self) -> bool:
        client = self._client
        return not isinstance(client, discord.AutoShardedClient) or 0 in (client.shard_ids or [0])

    async def _read(self, channel_id: int, after: int) -> list[Message]:
        client = self._client
        channel: Any = client.get_channel(channel_id)
        guild = channel.guild.id if channel is not None and getattr(channel, "guild", None) else 0
        if not guild:
            told = wire.record(await client.http.get_channel(channel_id))
            if (
                told.get("guild_id") is not None
                or wire.number(told.get("type")) != discord.ChannelType.private.value
            ):
                guild = wire.snowflake(told.get("guild_id"))
                if client.get_guild(guild) is None:
                    return []  # who can see it is not known
            elif not self._is_first():
                return []  # direct messages are the first shard's
        found: list[Message] = []
        while True:
            page = wire.records(await client.http.logs_from(channel_id, _PAGE, after=after))
            messages = [message_of(raw, guild) for raw in page]
            found += [message for message in messages if message is not None]
            newest = max((wire.snowflake(raw.get("id")) for raw in page), default=0)
            if len(page) < _PAGE or newest <= after:
                return found
            after = newest


def _channels(guilds: Iterable[discord.Guild]) -> Iterator[Any]:
    """All in which people write."""
    for guild in guilds:
        yield from (*guild.text_channels, *guild.voice_channels, *guild.stage_channels, *guild.threads)


def _number(key: str) -> int:
    """The message id in an event's key (``discord:<id>`` or ``discord:<id>/...``); 0 in that of something else."""
    number = key.partition(":")[2].partition("/")[0]
    return int(number) if key.startswith("discord:") and number.isdecimal() else 0
