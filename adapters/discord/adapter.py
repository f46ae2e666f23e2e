"""The Discord adapter: connects, and connects again; sends; finds what came while it was away."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import datetime

import aiohttp
import discord
import yarl
from discord.gateway import DiscordWebSocket
from discord.http import Route

from adapters.discord import presence, reading, threads
from adapters.discord.attachments import Attachments
from adapters.discord.context import Context
from adapters.discord.errors import BROKEN
from adapters.discord.gateway import Client, Connecting
from adapters.discord.hearing import Hearing, Surroundings
from adapters.discord.history import History
from adapters.discord.hosts import USER_AGENT, Hosts
from adapters.discord.invite import intents
from adapters.discord.options import Options
from adapters.discord.order import Order
from adapters.discord.people import number_of
from adapters.discord.places import PLATFORM, channel_in
from adapters.discord.posting import LIMIT, Posting
from adapters.discord.webhooks import Webhooks
from adapters.text import split
from bot.errors import AdapterError, DeliveryError
from bot.events import Address, Reply
from bot.ports import Clock, Found, Inbound

log = logging.getLogger(__name__)

_DEAF_S = 60.0
_AGAIN_S = 5.0
_AGAIN_MAX_S = 300.0
_TYPING_S = 8.0
_CATCH_UP_S = 120.0  # that what comes now waits at most for what was missed


class DiscordAdapter:
    """`bot.ports.Adapter` on an AutoShardedClient."""

    platform = PLATFORM

    def __init__(self, options: Options, clock: Clock) -> None:
        self._options = options
        self._clock = clock
        self._api_url = options.api_url.rstrip("/")
        self._order = Order()
        self._context = Context(options.context_lines)
        self._client: Client | None = None
        self._webhooks: Webhooks | None = None
        self._group: asyncio.TaskGroup | None = None
        self._shut = presence.Shut()
        self._known: Mapping[Address, str] = {}  # where we were before we connected
        self._caught_up = True

    async def run(self, inbound: Inbound) -> None:
        hosts = Hosts(self._api_url, self._options.gateway_url)
        # The one global of the house: discord.py falls back to these wherever it has no address.
        Route.BASE = self._api_url
        DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(self._options.gateway_url)
        discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False  # nobody speaks aloud here
        wait = _AGAIN_S
        named = {"User-Agent": USER_AGENT}
        async with aiohttp.ClientSession(headers=named) as session, asyncio.TaskGroup() as group:
            self._webhooks = Webhooks(self._api_url, session)
            self._group = group
            attachments = Attachments(
                session, hosts, vision=self._options.vision, hearing=self._options.hearing
            )
            around = Surroundings(self._order, self._context, attachments, self._options.message_content)
            while True:
                started = time.monotonic()
                why = await self._connected(inbound, around, hosts)
                if time.monotonic() - started > _AGAIN_MAX_S:
                    wait = _AGAIN_S
                log.warning("Discord: %s; again in %.0f s.", why, wait)
                await self._clock.sleep(wait)
                wait = min(_AGAIN_MAX_S, wait * 2)

    async def _connected(self, inbound: Inbound, around: Surroundings, hosts: Hosts) -> str:
        """One client's life; returns why it ended. Raises `AdapterError` when another would not fare better."""
        client = self._client = self._new_client(inbound, around, hosts)
        try:
            await self._lived(client)
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
        except Exception as error:  # what the gateway told was not understood: another connection may be
            return f"no connection ({type(error).__name__})"

    async def _lived(self, client: Client) -> None:
        """From start to end. discord.py swallows a cancellation that meets it while it connects again, and would live
        on: it is closed, too."""
        life = asyncio.ensure_future(client.start(self._options.token))
        try:
            await asyncio.wait([life])
        finally:
            await client.close()
            life.cancel()
            await asyncio.wait([life])
        life.result()

    def _new_client(self, inbound: Inbound, around: Surroundings, hosts: Hosts) -> Client:
        async def before() -> None:
            """Note where we are, before events come, and let them wait: what was missed before them goes first."""
            self._order.shut(_CATCH_UP_S)
            if self._caught_up:  # else something was missed before this, too
                self._known = await inbound.newest_keys(self.platform)
                self._caught_up = False

        async def after(guild: discord.Guild | None) -> None:
            """Take what was missed; then what comes now may come."""
            marks = self._known
            if guild is not None:  # first heard of now
                marks = {**await inbound.newest_keys(self.platform), **marks}
            # In the order of time over all places: if we end here, whatever is newer than our newest is read again.
            now = hosts.now(self._clock.now())  # our clock may be wrong by days
            history = History(client, self._clock, now - self._options.catch_up)
            try:
                await client.hearing.missed(await history.missed(marks, guild))
                self._caught_up = True  # else the next connection reads it again
            finally:
                self._order.open()

        group = self._group
        assert group is not None
        wanted = intents(self._options.message_content)
        connecting = Connecting(
            wanted,
            self._clock,
            self._options.guilds_wait_s,
            hosts.trace(),
            before,
            after,
            group.create_task,
        )
        client = Client(inbound, connecting)
        client.hearing = Hearing(client, inbound, self._clock, around)
        return client

    def ready(self) -> str | None:
        client = self._client
        if client is None or not client.is_ready() or client.is_closed():
            return "not connected"
        if any(shard.is_closed() for shard in client.shards.values()):
            return "a shard is not connected"
        if time.monotonic() - client.heard > _DEAF_S:
            return f"nothing was heard from the gateway for {_DEAF_S:.0f} s"
        return None

    async def send(self, reply: Reply) -> str:
        return await self._posting().send(reply)

    async def find(self, reply: Reply, claimed_at: datetime, after: str | None) -> Found:
        return await self._posting().find(reply, claimed_at, after)

    def _posting(self) -> Posting:
        client = self._open()
        assert self._webhooks is not None
        return Posting(client, reading.us(client), self._webhooks, self._clock, self._shut)

    async def sees(self, account: str, address: Address) -> bool:
        return await presence.sees(
            self._open(), self._shut, self._clock, number_of(account), channel_in(address)
        )

    def split(self, text: str) -> list[str]:
        return split(text, LIMIT)

    def thread_from(self, address: Address, key: str) -> Address | None:
        return threads.place_from(self._client, address, key) if self._client is not None else None

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
        while True:
            try:
                await self._open().http.send_typing(channel_in(address))
            except (DeliveryError, discord.DiscordException, *BROKEN):
                log.debug("Typing was not shown.")
            await self._clock.sleep(_TYPING_S)

    def _open(self) -> Client:
        if self._client is None or self._client.is_closed() or self._client.user is None:
            raise DeliveryError("Discord is not connected", retry_after=0.5)
        return self._client
