"""Threads made from a message: they have its id (API reference, "Start Thread from Message"), so that one is made once,
however often it is tried."""

from __future__ import annotations

from typing import Final

import discord

from adapters.discord.places import address as address_of
from adapters.discord.places import channel_in
from bot.events import Address, Reply

_EXISTS = 160004  # "A thread has already been created for this message"
_DAY: Final = 1_440  # minutes without a word after which it sleeps


def place_from(client: discord.Client, address: Address, key: str) -> Address | None:
    """As `bot.ports.Adapter.thread_from`: in a channel of text where we may make threads and speak in them."""
    channel = client.get_channel(channel_in(address))
    number = key.partition(":")[2]
    if not isinstance(channel, discord.TextChannel) or not number.isdecimal():
        return None
    may = channel.permissions_for(channel.guild.me)
    return address_of(int(number)) if may.create_public_threads and may.send_messages_in_threads else None


async def make(client: discord.Client, reply: Reply) -> str:
    """The thread of a `bot.events.THREAD`. Raises `discord.HTTPException` where it cannot be made."""
    number = channel_in(reply.address)
    try:
        await client.http.start_thread_with_message(
            channel_in(reply.of), number, name=reply.text, auto_archive_duration=_DAY
        )
    except discord.HTTPException as error:
        if error.code != _EXISTS:
            raise
    return f"thread/{number}"
