"""What is shown beside a channel's message: the lines before it, what its thread began with, and people's names."""

from __future__ import annotations

from typing import Any

import discord

from adapters.discord import content, reading, wire
from adapters.discord.content import Names
from adapters.discord.errors import BROKEN
from adapters.discord.message import Message, message_of
from adapters.discord.people import name_of
from adapters.discord.places import Place
from adapters.lines import Lines
from bot.cache import Cache
from bot.events import Quote

_CHANNELS = 1_000  # whose last lines are kept in mind
_NAMES = 10_000
_ASKED = 5  # names that are asked for, for one message


class Context:
    """It outlives connections. ``most`` is the number of lines that are shown."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lines = Lines(most, _CHANNELS)
        self._starters: Cache[int, Quote | None] = Cache(_CHANNELS)
        self._names: Cache[tuple[int, int], str] = Cache(_NAMES)

    async def before(
        self, client: discord.Client, message: Message, place: Place, *, addressed: bool
    ) -> tuple[Quote, ...]:
        """The lines before a channel's message; the message itself is the next one's context.

        A channel's lines are kept from the first time that somebody addressed us there.
        """
        key = (place.id, place.audience)
        if not self._most or (key not in self._lines and not addressed):
            return ()
        if key not in self._lines:
            self._lines.begin(key, await self._history(client, message))
        line = reading.line_of(message, self.names(client, message))
        before = self._lines.before(key, line) if line is not None else self._lines.of(key)
        starter = await self._starter(client, place) if place.thread else None
        shown = {reading.key(message.id), *(known.key for known in before)}
        return before if starter is None or starter.key in shown else (starter, *before)

    def changed(self, message_id: int, line: str) -> None:
        """A line was edited or deleted: it is not shown any more as it was."""
        key = reading.key(message_id)
        self._lines.change(key, line)
        for thread, starter in self._starters.items():
            if starter is not None and starter.key == key:
                self._starters[thread] = Quote(key=key, account=starter.account, text=line)
                break

    def names(self, client: discord.Client, *messages: Message | None) -> Names:
        """How all are called who are named in these messages, as far as that is known."""
        people: dict[int, str] = {}
        guild_id = 0
        for message in messages:
            if message is None:
                continue
            guild_id = guild_id or message.guild
            for told in (message, *message.snapshots):
                for user in told.mentioned:
                    member = wire.record(user.get("member"))
                    people[wire.snowflake(user.get("id"))] = name_of(user, member)
        guild = client.get_guild(guild_id) if guild_id else None

        def person(number: int) -> str:
            return people.get(number) or self._names.get((guild_id, number), "")

        def role(number: int) -> str:
            found = guild.get_role(number) if guild is not None else None
            return found.name if found is not None else ""

        def channel(number: int) -> str:
            found: Any = guild.get_channel_or_thread(number) if guild is not None else None
            return str(found.name) if found is not None else ""

        return Names(person, role, channel)

    def strangers(self, client: discord.Client, *messages: Message | None) -> list[tuple[int, int]]:
        """Who is mentioned, and of whom nothing is told: they may never have written. As (guild, user)."""
        found: list[tuple[int, int]] = []
        for message in messages:
            if message is not None:
                known = self.names(client, message)
                named = [number for number in content.mentioned(message) if not known.person(number)]
                found += [(message.guild, number) for number in named]
        return [who for who in found if who not in self._names][:_ASKED]

    async def learn(self, client: discord.Client, *messages: Message | None) -> None:
        """Ask for the names of strangers."""
        for guild, number in self.strangers(client, *messages):
            self._names[guild, number] = await _asked(client, guild, number)

    async def _history(self, client: discord.Client, message: Message) -> list[Quote]:
        try:
            told = await client.http.logs_from(message.channel, self._most, before=message.id)
        except (discord.DiscordException, *BROKEN):
            return []
        us = reading.us(client)
        found = [message_of(raw, message.guild) for raw in reversed(wire.records(told))]
        said = [one for one in found if one is not None and not us.said(one)]
        lines = [reading.line_of(one, self.names(client, one)) for one in said]
        return [line for line in lines if line is not None]

    async def _starter(self, client: discord.Client, place: Place) -> Quote | None:
        """The message that a thread was made from, which lies in the channel that it hangs on; of a forum's post it
        is its first. It has the thread's id (API reference, "Start Thread from Message")."""
        if place.id in self._starters:
            return self._starters[place.id]
        home: Any = client.get_channel(place.base)
        lies_in = place.id if isinstance(home, discord.ForumChannel) else place.base
        line = None
        try:
            found = message_of(await client.http.get_message(lies_in, place.id), place.guild)
        except (discord.Forbidden, discord.NotFound):
            found = None  # it was not made from a message, or that is gone
        except (discord.DiscordException, *BROKEN):
            return None
        if found is not None:
            line = reading.line_of(found, self.names(client, found))
        self._starters[place.id] = line
        return line


async def _asked(client: discord.Client, guild_id: int, number: int) -> str:
    """Somebody's name; empty when nobody knows."""
    try:
        if guild_id:
            member = wire.record(await client.http.get_member(guild_id, number))
            return name_of(wire.record(member.get("user")), member)
        return name_of(wire.record(await client.http.get_user(number)))
    except (discord.DiscordException, *BROKEN):
        return ""
