"""Whether somebody is still where they talked with us, asked of Discord: never guessed from what the client holds.

Codes are those of Discord's API reference ("JSON Error Codes").
"""

from __future__ import annotations

import time
from typing import Any

import discord

from adapters.discord import wire
from adapters.discord.afar import Afar, Spot
from adapters.discord.errors import BROKEN, UNREAD
from adapters.discord.places import may_look
from adapters.discord.wire import Json
from bot.cache import Cache
from bot.errors import DeliveryError
from bot.ports import Clock

_SHUT = (50007, 50278)  # a person takes no messages of ours: they closed that, or we share no guild any more
_SHUT_S = 86_400.0  # that a person who refused a message is taken to refuse the next
_PATIENCE_S = 4.0
_KEPT = 10_000
_GROUP_DM, _DM = 3, 1
_PRIVATE_THREAD = 12


class Shut:
    """Direct messages that took our last post no more, for a day or until one is taken."""

    def __init__(self) -> None:
        self._until: Cache[int, float] = Cache(_KEPT)

    def note(self, channel: int, refusal: discord.HTTPException | None) -> None:
        """What came of a post: None when it was taken."""
        if refusal is None:
            self._until.pop(channel, None)
        elif refusal.code in _SHUT:
            self._until[channel] = time.monotonic() + _SHUT_S

    def __contains__(self, channel: object) -> bool:
        return isinstance(channel, int) and self._until.get(channel, 0.0) > time.monotonic()


async def sees(
    client: discord.Client, shut: Shut, clock: Clock, person: int, channel_id: int, afar: Afar | None
) -> bool:
    """As `bot.ports.Adapter.sees`; ``afar`` knows the places that the client never hears of."""
    try:
        async with clock.timeout(_PATIENCE_S):  # discord.py tries again for half a minute
            _, spot = await afar.spot(client, channel_id) if afar is not None else (True, None)
            if spot is not None:
                return await _sees_afar(client, spot, person)
            return await _sees(client, shut, person, channel_id)
    except (discord.NotFound, discord.Forbidden):
        return False  # nobody of that number, no such place, or one that is closed to us: nothing can be said there
    except (discord.DiscordException, *BROKEN, *UNREAD) as error:
        raise DeliveryError(f"Discord: {type(error).__name__}") from None


async def _sees(client: discord.Client, shut: Shut, person: int, channel_id: int) -> bool:
    held: Any = client.get_channel(channel_id)  # of direct messages and sleeping threads it holds none
    told = {} if held is not None else wire.record(await client.http.get_channel(channel_id))
    guild = getattr(held, "guild", None) or client.get_guild(wire.snowflake(told.get("guild_id")))
    if guild is not None:
        return await _member_sees(client, guild, person, channel_id, told)
    if held is None and told.get("type") not in (_DM, _GROUP_DM):
        raise DeliveryError("Discord has not told of that guild yet")
    if channel_id in shut:
        return False
    await client.http.get_user(person)
    return True


async def _sees_afar(client: discord.Client, spot: Spot, person: int) -> bool:
    may = spot.home.permissions_for(await spot.guild.fetch_member(person))
    if not may_look(may, spot.home):
        return False
    if spot.private and not may.manage_threads:
        await client.http.get_thread_member(spot.id, person)
    return True


async def _member_sees(
    client: discord.Client, guild: discord.Guild, person: int, channel_id: int, told: Json
) -> bool:
    """``told`` is of a place that the client does not hold."""
    if guild.unavailable:
        raise DeliveryError("a guild is out")
    member = await guild.fetch_member(person)
    place: Any = guild.get_channel_or_thread(channel_id)
    thread = isinstance(place, discord.Thread) or place is None
    parent = place.parent_id if isinstance(place, discord.Thread) else wire.snowflake(told.get("parent_id"))
    base: Any = guild.get_channel(parent) if thread else place
    if base is None:
        raise DeliveryError("Discord has not told of that channel yet")
    may = base.permissions_for(member)
    if not may_look(may, base):
        return False
    private = place.is_private() if isinstance(place, discord.Thread) else told.get("type") == _PRIVATE_THREAD
    if private and not may.manage_threads:
        await client.http.get_thread_member(channel_id, person)
    return True
