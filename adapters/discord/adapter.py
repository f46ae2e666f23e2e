"""The Discord adapter: connects, and connects again; sends; finds what came while it was away."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from functools import partial

import aiohttp
import discord
import yarl
from discord.gateway import DiscordWebSocket
from discord.http import Route

from adapters.discord import presence, reading, threads
from adapters.discord.afar import Afar, Spare, spare
from adapters.discord.attachments import Attachments
from adapters.discord.context import Context
from adapters.discord.errors import BROKEN
from adapters.discord.gateway import Client
from adapters.discord.hearing import Surroundings
from adapters.discord.hosts import USER_AGENT, Hosts
from adapters.discord.identifying import Gate
from adapters.discord.options import Options
from adapters.discord.order import Order
from adapters.discord.people import number_of
from adapters.discord.places import PLATFORM, channel_in
from adapters.discord.posting import LIMIT, Posting
from adapters.discord.shard import REFUSED, Service, Shard
from adapters.discord.shards import Shards
from adapters.discord.starting import Starting
from adapters.discord.webhooks import Webhooks
from adapters.text import split
from bot.errors import AdapterError, DeliveryError
from bot.events import Address, Reply
from bot.ports import Clock, Found, Inbound, Leases

log = logging.getLogger(__name__)

_COUNT = "discord shards"
_AGAIN_S = 5.0
_AGAIN_MAX_S = 300.0
_TYPING_S = 8.0


class DiscordAdapter:
    """`bot.ports.Adapter` on a client of discord.py for each shard that is run here: which those are, the `Leases` of
    the processes say that are connected."""

    platform = PLATFORM
    several = True

    def __init__(self, options: Options, clock: Clock) -> None:
        self._options = options
        self._clock = clock
        self._api_url = options.api_url.rstrip("/")
        self._content = options.message_content
        self._context = Context(options.context_lines)
        self._shards: Shards | None = None
        self._webhooks: Webhooks | None = None
        self._group: asyncio.TaskGroup | None = None
        self._shut = presence.Shut()
        self._spare: Spare | None = None

    async def run(self, inbound: Inbound) -> None:
        hosts = Hosts(self._api_url, self._options.gateway_url)
        # The one global of the house: discord.py falls back to these wherever it has no address.
        Route.BASE = self._api_url
        DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(self._options.gateway_url)
        discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False  # nobody speaks aloud here
        named = {"User-Agent": USER_AGENT}
        async with (
            aiohttp.ClientSession(headers=named) as session,
            spare(self._options.token, hosts.trace) as self._spare,
            asyncio.TaskGroup() as group,
        ):
            self._webhooks = Webhooks(self._api_url, session)
            self._group = group
            starting = Starting(session, self._api_url, self._options.token)
            gate = Gate(inbound.leases, self._clock, starting.asked, group.create_task)
            around = Surroundings(Order(), self._context, self._attachments(session, hosts), self._content)
            least = 0
            while True:
                count = await self._count(starting, inbound.leases, least)
                service = Service(
                    self._options, self._clock, inbound, around, hosts, gate, count, group.create_task
                )
                agreed = "" if self._options.shards else _COUNT
                self._shards = Shards(inbound.leases, count, agreed, partial(Shard, service))
                least = await self._shards.run()
                log.warning("Discord: the guilds are to be divided into other than %d shards.", count)
                await self._clock.sleep(_AGAIN_S)

    def _attachments(self, session: aiohttp.ClientSession, hosts: Hosts) -> Attachments:
        return Attachments(session, hosts, vision=self._options.vision, hearing=self._options.hearing)

    async def _count(self, starting: Starting, leases: Leases, least: int) -> int:
        """How many shards there are. Raises `AdapterError` when Discord refuses the token."""
        if self._options.shards:
            return self._options.shards
        wait = _AGAIN_S
        while True:
            try:
                wished = max((await starting.asked()).shards, least)
                return await leases.agreed(_COUNT, wished, least)
            except discord.LoginFailure:
                raise AdapterError(REFUSED) from None
            except BROKEN as error:
                log.warning("Discord: no connection (%s); again in %.0f s.", type(error).__name__, wait)
            await self._clock.sleep(wait)
            wait = min(_AGAIN_MAX_S, wait * 2)

    def ready(self) -> str | None:
        if self._shards is None:
            return "not connected"
        found = [shard.ready() for shard in self._shards.here.values()]
        if not found and not self._shards.elsewhere:
            return "not connected"
        return next((why for why in found if why is not None), None)

    async def send(self, reply: Reply) -> str:
        return await (await self._posting(reply.address)).send(reply)

    async def find(self, reply: Reply, claimed_at: datetime, after: str | None) -> Found:
        return await (await self._posting(reply.address)).find(reply, claimed_at, after)

    async def _posting(self, address: Address) -> Posting:
        client = await self._open(address)
        assert self._webhooks is not None
        return Posting(client, reading.us(client), self._webhooks, self._clock, self._shut, self._afar)

    async def sees(self, account: str, address: Address) -> bool:
        client, person = await self._open(address), number_of(account)
        return await presence.sees(client, self._shut, self._clock, person, channel_in(address), self._afar)

    def split(self, text: str) -> list[str]:
        return split(text, LIMIT)

    def thread_from(self, address: Address, key: str) -> Address | None:
        held = [client for client in self._clients() if client.get_channel(channel_in(address))]
        return threads.place_from(held[0], address, key) if held else None

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
                await (await self._open(address)).http.send_typing(channel_in(address))
            except (DeliveryError, discord.DiscordException, *BROKEN):
                log.debug("Typing was not shown.")
            await self._clock.sleep(_TYPING_S)

    @property
    def _afar(self) -> Afar | None:
        """None while this process runs all shards that there are."""
        return self._shards.afar if self._shards is not None and not self._shards.all_here else None

    def _clients(self) -> list[Client]:
        """Those that are connected, the first shard's first."""
        here = sorted(self._shards.here.items()) if self._shards is not None else []
        clients = [shard.client for _, shard in here]
        return [c for c in clients if c is not None and not c.is_closed() and c.user is not None]

    async def _open(self, address: Address) -> discord.Client:
        """The client that knows the place; else any: to post is to ask Discord, of whichever shard it is."""
        clients = self._clients()
        if not clients and self._spare is not None and self._shards is not None and self._shards.elsewhere:
            return await self._spare.client()
        if not clients:
            raise DeliveryError("Discord is not connected", retry_after=0.5)
        held = [client for client in clients if client.get_channel(channel_in(address))]
        waiting = [client for client in clients if not client.is_ready()]  # it may come to know it
        return next(iter((*held, *waiting)), clients[0])
