"""Where something is, and who can see that, as Discord means it. Pure: it reads what the client holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import discord

from bot.events import PRIVATE, community_audience, place_audience

PLATFORM = "discord"


def address(channel_id: int) -> str:
    return f"{PLATFORM}:{channel_id}"


def community_of(guild_id: int) -> str:
    return f"{PLATFORM}:{guild_id}"


def channel_in(place: str) -> int:
    """The channel's id in an address."""
    return int(place.partition(":")[2])


@dataclass(frozen=True)
class Place:
    """``guild`` is 0 in a direct message, and ``base`` the channel that a thread hangs on. ``held``: the client
    holds the guild; of one that it does not hold nobody knows who can see what. ``adults``: it is age-restricted."""

    id: int
    audience: str
    guild: int = 0
    guild_name: str = ""
    base: int = 0
    name: str = ""
    thread: bool = False
    held: bool = True
    adults: bool = False

    @property
    def direct(self) -> bool:
        return self.audience == PRIVATE

    @property
    def address(self) -> str:
        return address(self.id)

    @property
    def community(self) -> str:
        return "" if self.direct else community_of(self.guild)


def place_of(client: discord.Client, channel_id: int, guild_id: int, *, direct: bool = True) -> Place:
    """``guild_id`` is 0 where Discord told of none: in a direct message, unless the client knows better, or it
    cannot be one (``direct`` is false)."""
    channel: Any = client.get_channel(channel_id)
    guild = getattr(channel, "guild", None) or (client.get_guild(guild_id) if guild_id else None)
    guild_id = guild.id if guild is not None else guild_id
    if not guild_id and direct:
        return Place(channel_id, PRIVATE)
    if guild is None or guild.unavailable or guild.default_role is None:  # one that we have not been told of
        closed = place_audience(community_of(guild_id), str(channel_id))
        return Place(channel_id, closed, guild_id, base=channel_id, held=False)
    thread = isinstance(channel, discord.Thread)
    return Place(
        channel_id,
        _audience(guild, channel, channel_id),
        guild_id,
        str(guild.name or ""),
        channel.parent_id if thread else channel_id,
        str(getattr(channel, "name", None) or ""),
        thread,
        adults=bool(getattr(channel, "is_nsfw", bool)()),
    )


def nowhere(channel_id: int) -> Place:
    """A place of which nothing is known: it counts as closed."""
    return Place(channel_id, place_audience(community_of(0), str(channel_id)), base=channel_id, held=False)


def _audience(guild: discord.Guild, channel: Any, channel_id: int) -> str:
    """The whole guild when @everyone may look in, else only the place; a thread is seen as what it hangs on."""
    community = community_of(guild.id)
    base = channel.parent if isinstance(channel, discord.Thread) else channel
    if base is None or (isinstance(channel, discord.Thread) and channel.is_private()):
        return place_audience(community, str(channel_id))
    if may_look(base.permissions_for(guild.default_role), base):
        return community_audience(community)
    return place_audience(community, str(base.id))


def may_look(held: discord.Permissions, channel: Any) -> bool:
    """Whether these permissions show what is written in a channel: the chat of a voice or stage channel is seen
    by who may connect to it."""
    spoken = isinstance(channel, discord.VoiceChannel | discord.StageChannel)
    return bool(held.view_channel and (held.connect or not spoken))
