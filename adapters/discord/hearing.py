"""What Discord tells, heard: each message in its channel's order, with its files, its lines and its author's roles."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from datetime import datetime

import discord

from adapters.discord import places, reading, wire
from adapters.discord.afar import held
from adapters.discord.attachments import Attachments
from adapters.discord.commands import view_of
from adapters.discord.context import Context
from adapters.discord.errors import BROKEN
from adapters.discord.message import Message, message_of
from adapters.discord.order import Order
from adapters.discord.people import Person, account, person_of
from adapters.discord.places import Place
from adapters.discord.posting import LIMIT, say
from adapters.discord.wire import Json
from adapters.text import command_of, plain, split
from adapters.waiting import until_committed
from bot.cache import Cache
from bot.events import (
    Address,
    Attachment,
    Command,
    DocumentUploaded,
    Event,
    MessageReceived,
    Quote,
    origin_of,
)
from bot.ports import Clock, Inbound

log = logging.getLogger(__name__)

_MEMBERS = 10_000  # of whom it is remembered what they are in a guild


@dataclass(frozen=True)
class Surroundings:
    """What outlives a connection. ``content``: the bot may read what is not meant for it."""

    order: Order
    context: Context
    attachments: Attachments
    content: bool


class Hearing:
    """What one client hears goes to ``inbound``. Nothing here raises but what `Inbound.submit` does."""

    def __init__(
        self, client: discord.Client, inbound: Inbound, clock: Clock, surroundings: Surroundings
    ) -> None:
        self._client = client
        self._inbound = inbound
        self._clock = clock
        self._order = surroundings.order
        self._context = surroundings.context
        self._attachments = surroundings.attachments
        self._content = surroundings.content
        self._members: Cache[tuple[int, int], Json | None] = Cache(_MEMBERS)

    # Events of the gateway, as they come

    async def said(self, told: Json) -> None:
        message = message_of(told)
        if message is not None:
            async with self._reading(message), self._order.behind(message.channel):
                await self._take(message)

    async def edited(self, told: Json) -> None:
        message = message_of(told)
        if message is None or message.edited_at is None or reading.us(self._client).said(message):
            return  # Discord added a preview, or we are told of ourselves
        async with self._order.behind(message.channel):
            await self._mended(message, message.edited_at)

    async def deleted(self, told: Json) -> None:
        gone = [wire.snowflake(told.get("id")), *wire.snowflakes(told.get("ids"))]
        channel = wire.snowflake(told.get("channel_id"))
        async with self._order.behind(channel):
            for number in sorted(filter(None, gone)):
                self._context.changed(number, "(deleted)")
                await self.submit(reading.to_deletion(number, channel, discord.utils.utcnow()))

    async def reacted(self, told: Json) -> None:
        us = reading.us(self._client).user
        user, channel = wire.snowflake(told.get("user_id")), wire.snowflake(told.get("channel_id"))
        if user in (0, us) or not channel:
            return
        # The author of what a webhook said is nobody: whether the message is ours is known by whoever posted it.
        author = wire.snowflake(told.get("message_author_id"))
        spot = held(self._client.get_channel(channel))
        if author not in (0, us) and not (spot is not None and spot.may_have_webhooks):
            return
        member = told.get("member") if isinstance(told.get("member"), dict) else None
        place = self._place(channel, wire.snowflake(told.get("guild_id")), member)
        who = wire.record(member.get("user")) if member is not None else {}
        if not who:
            who = await self._user(user)
        guild = self._client.get_guild(place.guild)
        person = replace(person_of(who, member, place.guild, guild), id=user)
        event = reading.to_reaction(told, person, place, discord.utils.utcnow())
        if event is not None:
            await self.submit(event)

    async def here(self, guild_id: int, *, here: bool = True) -> None:
        """That we are in a guild, or no longer."""
        await self.submit(reading.presence(guild_id, discord.utils.utcnow(), here=here))

    async def missed(self, messages: Iterable[Message]) -> None:
        """What was said while we were away: before all that waits."""
        for message in messages:
            async with self._reading(message), self._order.ahead(message.channel):
                await self._take(message, live=False)

    async def submit(self, event: Event) -> None:
        """Until it is committed: Discord never tells it again."""
        view = await until_committed(event, self._inbound, self._clock)
        if view is not None:
            await self._tell(event.address, view.text)

    def _reading(self, message: Message) -> AbstractAsyncContextManager[None]:
        who, where = account(message.author_id), places.address(message.channel)
        return self._inbound.reading(who, where, reading.key(message.id))

    # A message

    async def _take(self, message: Message, *, live: bool = True) -> None:
        us = reading.us(self._client)
        if us.said(message):
            return
        place = self._place(message.channel, message.guild, message.member)
        message = await self._with_reply(message)
        if not place.direct and not (message.content or message.files or self._text(message)):
            return  # withheld: it is not for us
        addressed = message.is_said and reading.is_addressed(message, us, place, self._our_roles(message))
        context: tuple[Quote, ...] = ()
        if self._content and not place.direct:
            context = await self._context.before(self._client, message, place, addressed=addressed)
        if message.is_said:
            event = await self._event(message, place, addressed=addressed, context=context)
            if not (place.direct and await self._is_command(event, live=live)):
                await self._said(message, event)

    async def _event(
        self, message: Message, place: Place, *, addressed: bool, context: tuple[Quote, ...]
    ) -> MessageReceived:
        return reading.to_event(
            message,
            await self._person(message, place),
            place,
            self._text(message),
            addressed=addressed,
            reply_to=self._quote(message),
            context=context,
        )

    async def _said(self, message: Message, event: MessageReceived) -> None:
        shown: tuple[Attachment, ...] = ()
        documents: list[DocumentUploaded] = []
        quoted = message.referenced
        if (message.files or self._context.strangers(self._client, message, quoted)) and (
            await self._inbound.awaits(event)
        ):
            await self._context.learn(self._client, message, quoted)
            event = replace(event, text=self._text(message), reply_to=self._quote(message))
            shown, documents = await self._attachments.of(event, message)
        for document in documents:
            await self.submit(document)
        if event.text or shown or not documents:
            await self.submit(replace(event, attachments=shown))

    async def _is_command(self, event: MessageReceived, *, live: bool) -> bool:
        """Whether it was a command that no platform announces, typed in a direct message: ``!pop 2``. It is answered
        at once; one that was typed while we were away, or is told again, is not obeyed."""
        named = [spec.name for spec in self._inbound.commands if spec.inner]
        found = command_of(event.text, named) or command_of(event.text.replace("/", "!", 1), named)
        if found is None:
            return False
        if live:
            asked = Command(**origin_of(event), command=found[0], argument=found[1])
            view = await view_of(self._inbound.typed(asked, event.key))
            parts = split(plain(view, "!"), LIMIT) if view is not None else []
            for part in parts:
                await self._tell(event.address, part)
        return True

    async def _tell(self, address: Address, text: str) -> None:
        try:
            await say(self._client, places.channel_in(address), text)
        except (discord.DiscordException, *BROKEN) as error:
            log.warning("A notice was not delivered: %s", type(error).__name__)

    async def _mended(self, message: Message, at: datetime) -> None:
        text = self._text(message)
        if not (text or message.content):
            return  # withheld
        line = reading.line_of(message, self._context.names(self._client, message))
        if line is not None:
            self._context.changed(message.id, line.text)
        place = self._place(message.channel, message.guild, message.member)
        person = await self._person(message, place)
        await self.submit(reading.to_edit(message, person, place, text, at))

    def _text(self, message: Message) -> str:
        names = self._context.names(self._client, message, message.referenced)
        return reading.text_of(message, reading.us(self._client), names)

    def _quote(self, message: Message) -> Quote | None:
        return reading.quote_of(message, self._context.names(self._client, message, message.referenced))

    async def _with_reply(self, message: Message) -> Message:
        """With what it is a reply to, where Discord did not look that up."""
        number = message.replies_to
        if not number or message.referenced is not None or message.replied_is_gone:
            return message
        try:
            found = await self._client.http.get_message(message.channel, number)
        except (discord.DiscordException, *BROKEN):
            return message
        return replace(message, raw={**message.raw, "referenced_message": found})

    # Who and where

    def _place(self, channel: int, guild: int, member: Json | None) -> Place:
        return places.place_of(self._client, channel, guild, direct=member is None)

    async def _person(self, message: Message, place: Place) -> Person:
        """Who wrote it, with their roles: what is read from the history comes without."""
        member = message.member
        if member is None and place.guild and not message.webhook:
            member = await self._member(place.guild, message.author_id)
        return person_of(message.author, member, place.guild, self._client.get_guild(place.guild))

    async def _member(self, guild: int, user: int) -> Json | None:
        if (guild, user) not in self._members:
            try:
                self._members[guild, user] = wire.record(await self._client.http.get_member(guild, user))
            except (discord.Forbidden, discord.NotFound):
                self._members[guild, user] = None  # they have left
            except (discord.DiscordException, *BROKEN):
                return None
        return self._members[guild, user]

    async def _user(self, number: int) -> Json:
        try:
            return wire.record(await self._client.http.get_user(number))
        except (discord.DiscordException, *BROKEN):
            return {"id": str(number)}

    def _our_roles(self, message: Message) -> tuple[int, ...]:
        """The roles among those that are mentioned which stand for us alone."""
        guild, us = self._client.get_guild(message.guild), reading.us(self._client).user
        if guild is None or not message.mentioned_roles:
            return ()
        found = [guild.get_role(number) for number in message.mentioned_roles]
        return tuple(r.id for r in found if r is not None and r.tags is not None and r.tags.bot_id == us)
