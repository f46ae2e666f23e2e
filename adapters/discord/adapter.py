"""The Discord adapter: connects, hears, sends, and finds what came while it was away."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import datetime
from typing import Any
from weakref import WeakValueDictionary

import aiohttp
import discord
import yarl
from discord.gateway import DiscordWebSocket
from discord.http import Route

from adapters import files
from adapters.discord import commands, reading
from adapters.discord.history import History
from adapters.discord.invite import intents
from adapters.discord.options import Options
from adapters.discord.posting import LIMIT, Posting
from adapters.discord.reading import BROKEN
from adapters.discord.webhooks import Webhooks, may_have_webhooks
from adapters.lines import Lines
from adapters.text import split
from adapters.waiting import until_committed
from bot.cache import Cache
from bot.errors import AdapterError, DeliveryError
from bot.events import Address, Attachment, DocumentUploaded, Event, MessageReceived, Quote, Reply
from bot.ports import Clock, Found, Inbound

log = logging.getLogger(__name__)

_DEAF_S = 60.0
_AGAIN_S = 5.0
_AGAIN_MAX_S = 300.0
_TYPING_S = 8.0
_CATCH_UP_S = 120.0  # that what comes now waits at most for what was missed
_CHANNELS = 1_000  # whose last lines are kept in mind
_MEMBERS = 10_000  # whose roles are kept in mind


class DiscordAdapter:
    """`bot.ports.Adapter` on an AutoShardedClient."""

    platform = reading.PLATFORM

    def __init__(self, options: Options, clock: Clock) -> None:
        self._options = options
        self._api_url = options.api_url.rstrip("/")
        self._clock = clock
        self._client: _Client | None = None
        self._webhooks: Webhooks | None = None
        self._group: asyncio.TaskGroup | None = None
        self._lines = Lines(options.context_lines, _CHANNELS)
        self._members: Cache[tuple[int, int], discord.Member] = Cache(_MEMBERS)
        self._caught_up = asyncio.Event()
        self._known: Mapping[Address, str] | None = None  # where we were before we connected
        self._orders: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()

    async def run(self, inbound: Inbound) -> None:
        # The one global of the house: discord.py falls back to these wherever it has no address.
        Route.BASE = self._api_url
        DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(self._options.gateway_url)
        discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False  # nobody speaks aloud here
        wait = _AGAIN_S
        async with aiohttp.ClientSession() as session, asyncio.TaskGroup() as group:
            self._webhooks = Webhooks(self._api_url, session)
            self._group = group
            while True:
                started = time.monotonic()
                why = await self._connected(inbound)
                if time.monotonic() - started > _AGAIN_MAX_S:
                    wait = _AGAIN_S
                log.warning("Discord: %s; again in %.0f s.", why, wait)
                await self._clock.sleep(wait)
                wait = min(_AGAIN_MAX_S, wait * 2)

    async def _connected(self, inbound: Inbound) -> str:
        """One client's life; returns why it ended. Raises `AdapterError` when another would not fare better."""
        options = self._options
        client = _Client(self, inbound, intents(options.message_content), options.guilds_wait_s)
        self._client = client
        try:
            await client.start(options.token)
            return "the connection was closed"
        except discord.LoginFailure:
            raise AdapterError(
                "Discord refuses the token: set DISCORD_BOT_TOKEN (or discord.token) to the one of your "
                "application's Bot page."
            ) from None
        except discord.PrivilegedIntentsRequired:
            raise AdapterError(
                "Discord refuses discord.message_content: switch on the Message Content Intent on your "
                "application's Bot page, or set discord.message_content = false."
            ) from None
        except discord.ConnectionClosed as error:
            if error.code == 4004:
                raise AdapterError(
                    "Discord no longer takes the token: set a new DISCORD_BOT_TOKEN."
                ) from None
            return f"the gateway closed the connection ({error.code})"
        except (discord.DiscordException, *BROKEN) as error:
            return f"no connection ({type(error).__name__}: {error})"
        finally:
            await client.close()

    def ready(self) -> str | None:
        client = self._client
        if client is None or not client.is_ready() or client.is_closed():
            return "not connected"
        if any(shard.is_closed() for shard in client.shards.values()):
            return "a shard is not connected"
        if time.monotonic() - client.heard > _DEAF_S:
            return f"nothing was heard from the gateway for {_DEAF_S:.0f} s"
        return None

    # Out

    async def send(self, reply: Reply) -> str:
        return await self._posting(self._open()).send(reply)

    async def find(self, reply: Reply, claimed_at: datetime, after: str | None) -> Found:
        return await self._posting(self._open()).find(reply, claimed_at, after)

    def _posting(self, client: _Client) -> Posting:
        assert self._webhooks is not None
        return Posting(client, reading.us(client), self._webhooks, self._clock)

    def split(self, text: str) -> list[str]:
        return split(text, LIMIT)

    @asynccontextmanager
    async def thinking(self, address: Address) -> AsyncIterator[None]:
        typing = None
        with suppress(RuntimeError):  # at the end of the adapter's life nothing is shown any more
            typing = self._group.create_task(self._typing(address)) if self._group is not None else None
        try:
            yield
        finally:
            if typing is not None:
                typing.cancel()

    async def _typing(self, address: Address) -> None:
        channel_id = int(address.partition(":")[2])
        while True:
            try:
                await self._open().http.send_typing(channel_id)
            except (DeliveryError, discord.DiscordException, *BROKEN):
                log.debug("Typing was not shown.")
            await self._clock.sleep(_TYPING_S)

    def _open(self) -> _Client:
        if self._client is None or self._client.is_closed() or self._client.user is None:
            raise DeliveryError("Discord is not connected", retry_after=0.5)
        return self._client

    # In

    async def hear(self, message: discord.Message, inbound: Inbound) -> None:
        """A message, in its channel's order; returns when it is committed, or is not for us."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_CATCH_UP_S):
                await self._caught_up.wait()
        async with self.order(message.channel.id):
            await self._take(message, inbound)

    def order(self, channel_id: int) -> asyncio.Lock:
        """What makes a channel's messages wait for each other."""
        lock = self._orders.get(channel_id)
        if lock is None:
            lock = self._orders[channel_id] = asyncio.Lock()
        return lock

    async def _take(self, message: discord.Message, inbound: Inbound) -> None:
        us = reading.us(self._open())
        if us.said(message) or not reading.is_said(message):
            return
        if not reading.is_direct(message.channel) and not (
            message.content or message.attachments or message.message_snapshots
        ):
            return  # withheld: it is not for us
        addressed = reading.is_addressed(message, us)
        context = await self._context(message, addressed)
        user = await self._member(message)
        event = reading.to_event(message, user, us, context)
        shown, documents = await self._files(message, event, inbound)
        event = replace(event, attachments=shown)
        for document in documents:
            await self.submit(document, inbound)
        if event.text or event.attachments or not documents:
            await self.submit(event, inbound)

    async def _member(self, message: discord.Message) -> discord.abc.User:
        """Who wrote it, with their roles: what is read from history comes without."""
        author, guild = message.author, message.guild
        if guild is None or isinstance(author, discord.Member) or message.webhook_id:
            return author
        key = (guild.id, author.id)
        if key not in self._members:
            try:
                self._members[key] = await guild.fetch_member(author.id)
            except (discord.DiscordException, *BROKEN):
                return author
        return self._members[key]

    async def submit(self, event: Event, inbound: Inbound) -> None:
        """Until it is committed: Discord never tells it again."""
        view = await until_committed(event, inbound, self._clock)
        if view is not None:
            channel = self._open().get_partial_messageable(int(event.address.partition(":")[2]))
            try:
                await channel.send(view.text)
            except (discord.DiscordException, *BROKEN) as error:
                log.warning("A notice was not delivered: %s", error)

    async def _context(self, message: discord.Message, addressed: bool) -> tuple[Quote, ...]:
        """The lines before a channel's message; the message itself is the next one's context.

        A channel's lines are kept from the first time that somebody addressed us there.
        """
        if message.guild is None or not self._options.message_content or not self._options.context_lines:
            return ()
        place = (message.channel.id, reading.audience(message.channel))
        if place not in self._lines:
            if not addressed:
                return ()
            self._lines.begin(place, await self._history(message))
        return self._lines.before(place, reading.line_of(message))

    async def _history(self, message: discord.Message) -> list[Quote]:
        try:
            found = [
                m async for m in message.channel.history(limit=self._options.context_lines, before=message)
            ]
        except (discord.DiscordException, *BROKEN):
            return []
        us = reading.us(self._open())
        said = [m for m in reversed(found) if m.content and not us.said(m)]
        return [reading.line_of(m) for m in said]

    def changed(self, message_id: int, line: str) -> None:
        """A line was edited or deleted: it is not shown any more as it was."""
        self._lines.change(reading.key(message_id), line)

    async def _files(
        self, message: discord.Message, said: MessageReceived, inbound: Inbound
    ) -> tuple[tuple[Attachment, ...], list[DocumentUploaded]]:
        """What came with a message that is waited for: texts as documents, the rest as attachments."""
        shown: list[Attachment] = []
        documents: list[DocumentUploaded] = []
        if not message.attachments or not await inbound.awaits(said):
            return (), documents
        for file in message.attachments:
            media_type = file.content_type or "application/octet-stream"
            is_image = self._options.vision and reading.is_image(file)
            data = await self._read(file) if is_image or reading.is_text(file) else None
            came = files.received(said, file.id, file.filename, media_type, data, is_image=is_image)
            if isinstance(came, DocumentUploaded):
                documents.append(came)
            else:
                shown.append(came)
        return tuple(shown), documents

    async def _read(self, file: discord.Attachment) -> bytes | None:
        try:
            return await file.read()
        except (discord.DiscordException, *BROKEN) as error:
            log.warning("An attachment could not be read: %s", type(error).__name__)
            return None

    # What came while we were away

    async def mark(self, inbound: Inbound) -> None:
        """Note where we are, before events come, and let them wait: what was missed before them goes first."""
        self._caught_up.clear()
        if self._known is None:
            self._known = await inbound.newest_keys(self.platform)

    async def catch_up(self, inbound: Inbound) -> None:
        """Take what was missed; then what comes now may come."""
        try:
            await self._read_on(inbound)
        finally:
            self._caught_up.set()

    async def _read_on(self, inbound: Inbound) -> None:
        marks = await inbound.newest_keys(self.platform) if self._known is None else self._known
        self._known = None
        # In the order of time over all places: if we end here, whatever is newer than our newest is read again.
        for message in await History(self._open(), self._clock, self._options.catch_up).missed(marks):
            async with self.order(message.channel.id):
                await self._take(message, inbound)


class _Client(discord.AutoShardedClient):
    """discord.py's client: each event goes to the adapter. Faults in a handler are logged, in one line."""

    def __init__(
        self, adapter: DiscordAdapter, inbound: Inbound, wanted: discord.Intents, guilds_wait_s: float
    ) -> None:
        super().__init__(
            intents=wanted,
            allowed_mentions=discord.AllowedMentions.none(),
            max_messages=None,
            member_cache_flags=discord.MemberCacheFlags.none(),
            chunk_guilds_at_startup=False,
            guild_ready_timeout=guilds_wait_s,
            enable_debug_events=True,  # for on_socket_raw_receive
        )
        self._adapter = adapter
        self._inbound = inbound
        self._tree = commands.tree_of(self, inbound.commands, inbound)
        self.heard = time.monotonic()

    async def setup_hook(self) -> None:
        await commands.sync(self._tree)

    async def on_socket_raw_receive(self, _: Any) -> None:
        self.heard = time.monotonic()

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        await self._adapter.mark(self._inbound)
        await super().before_identify_hook(shard_id, initial=initial)

    async def on_ready(self) -> None:
        log.info("Discord: connected as %s, %d guilds.", self.user, len(self.guilds))
        await self._adapter.catch_up(self._inbound)
        for guild in self.guilds:  # we may have been let in again while we were away
            await self.on_guild_join(guild)

    async def on_guild_join(self, guild: discord.Guild) -> None:
        event = reading.presence(guild, discord.utils.utcnow(), here=True)
        await self._adapter.submit(event, self._inbound)

    async def on_guild_remove(self, guild: discord.Guild) -> None:
        event = reading.presence(guild, discord.utils.utcnow(), here=False)
        await self._adapter.submit(event, self._inbound)

    async def on_message(self, message: discord.Message) -> None:
        await self._adapter.hear(message, self._inbound)

    async def on_raw_message_edit(self, payload: discord.RawMessageUpdateEvent) -> None:
        message = payload.message
        if message.edited_at is None or self.user is None or reading.us(self).said(message):
            return  # Discord added a preview, or we are told of ourselves
        async with self._adapter.order(payload.channel_id):
            if message.content:
                self._adapter.changed(message.id, reading.line_of(message).text)
                edit = reading.to_edit(message, reading.us(self), message.edited_at)
                await self._adapter.submit(edit, self._inbound)

    async def on_raw_message_delete(self, payload: discord.RawMessageDeleteEvent) -> None:
        await self._deleted([payload.message_id], payload.channel_id)

    async def on_raw_bulk_message_delete(self, payload: discord.RawBulkMessageDeleteEvent) -> None:
        await self._deleted(sorted(payload.message_ids), payload.channel_id)

    async def _deleted(self, messages: list[int], channel_id: int) -> None:
        now = discord.utils.utcnow()
        async with self._adapter.order(channel_id):
            for message_id in messages:
                self._adapter.changed(message_id, "(deleted)")
                deletion = reading.to_deletion(message_id, channel_id, now)
                await self._adapter.submit(deletion, self._inbound)

    async def on_raw_reaction_add(self, payload: discord.RawReactionActionEvent) -> None:
        if self.user is None or payload.user_id == self.user.id:
            return
        channel: Any = self.get_channel(payload.channel_id)
        # The author of what a webhook said is nobody: whether the message is ours is known by whoever posted it.
        if payload.message_author_id not in (None, self.user.id) and not may_have_webhooks(channel):
            return
        user = payload.member or self.get_user(payload.user_id) or await self.fetch_user(payload.user_id)
        if payload.guild_id is None:
            channel = self.get_partial_messageable(payload.channel_id)
        if channel is not None:
            at = discord.utils.utcnow()
            await self._adapter.submit(reading.to_reaction(payload, user, channel, at), self._inbound)

    async def on_interaction(self, interaction: discord.Interaction) -> None:
        if interaction.type in (discord.InteractionType.component, discord.InteractionType.modal_submit):
            await commands.pressed(interaction, self._inbound)

    async def on_error(self, event_method: str, /, *args: Any, **kwargs: Any) -> None:
        log.exception("Discord: %s failed", event_method)
