"""One shard: its connections, one after another, and what it missed between them."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, replace
from typing import Any

import discord
from discord.gateway import KeepAliveHandler

from adapters.discord.errors import BROKEN
from adapters.discord.gateway import Client, Connecting
from adapters.discord.hearing import Hearing, Surroundings
from adapters.discord.history import History
from adapters.discord.hosts import Hosts
from adapters.discord.identifying import Gate
from adapters.discord.invite import intents
from adapters.discord.options import Options
from adapters.discord.order import Order
from adapters.discord.places import PLATFORM
from bot.errors import AdapterError
from bot.events import Address
from bot.ports import Clock, Inbound

log = logging.getLogger(__name__)

_DEAF_S = 60.0
_AGAIN_S = 5.0
_AGAIN_MAX_S = 300.0
_CATCH_UP_S = 120.0  # that what comes now waits at most for what was missed
_SHARD_IS_NONE, _TOO_MANY_GUILDS = 4010, 4011  # close codes of the gateway


REFUSED = (
    "Discord refuses the token: set DISCORD_BOT_TOKEN (or discord.token) to the one of your application's Bot "
    "page."
)


class Outgrown(Exception):
    """Discord wants the guilds divided otherwise."""


@dataclass(frozen=True)
class Service:
    """What all shards stand on. ``count`` is how many there are, in all processes."""

    options: Options
    clock: Clock
    inbound: Inbound
    around: Surroundings
    hosts: Hosts
    gate: Gate
    count: int
    begin: Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]]


class Shard:
    def __init__(self, service: Service, number: int) -> None:
        self._service = service
        self._number = number
        self._options = service.options
        self._clock = service.clock
        self._order = Order()
        self._around = replace(service.around, order=self._order)
        self._known: Mapping[Address, str] = {}  # where we were before we connected
        self._caught_up = True
        self._reading: set[asyncio.Task[None]] = set()  # what was missed
        self._all_named = True  # and what was missed was read, but for guilds that come later
        self.client: Client | None = None

    async def run(self) -> None:
        """Returns never. Raises `AdapterError` when Discord refuses us for good, `Outgrown`."""
        wait = _AGAIN_S
        try:
            while True:
                started = time.monotonic()
                why = await self._connected()
                if time.monotonic() - started > _AGAIN_MAX_S:
                    wait = _AGAIN_S
                log.warning("Discord: %s; again in %.0f s.", why, wait)
                await self._clock.sleep(wait)
                wait = min(_AGAIN_MAX_S, wait * 2)
        finally:
            self._service.gate.answered(self._number)

    def ready(self) -> str | None:
        client = self.client
        if client is None or not client.is_ready() or client.is_closed():
            return "not connected"
        if any(shard.is_closed() for shard in client.shards.values()):
            return "a shard is not connected"
        if time.monotonic() - client.heard > _DEAF_S:
            return f"nothing was heard from the gateway for {_DEAF_S:.0f} s"
        return None

    async def _connected(self) -> str:
        """One client's life; returns why it ended. Raises `AdapterError` when another would not fare better."""
        client = self.client = self._new_client()
        try:
            await self._lived(client)
            return "the connection was closed"
        except discord.LoginFailure:
            raise AdapterError(REFUSED) from None
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
            if error.code in (_SHARD_IS_NONE, _TOO_MANY_GUILDS):
                self._outgrown(error.code)
            return f"the gateway closed the connection ({error.code})"
        except (discord.DiscordException, *BROKEN) as error:
            return f"no connection ({type(error).__name__}: {error})"
        except Exception as error:  # what the gateway told was not understood: another connection may be
            return f"no connection ({type(error).__name__})"

    async def _lived(self, client: Client) -> None:
        """From start to end. discord.py swallows a cancellation that meets it while it connects again, and would live
        on: it is closed, too. So would what reads for it, and find nothing more."""
        life = asyncio.ensure_future(client.start(self._options.token))
        try:
            await asyncio.wait([life])
        finally:
            await client.close()
            reading = list(self._reading)
            for task in (life, *reading):
                task.cancel()
            await asyncio.wait([life, *reading])
            await self._hang_up()
        life.result()

    async def _hang_up(self) -> None:
        """Of a connection that had not come as far as to be the client's, as while it waits for its turn to IDENTIFY,
        discord.py leaves the socket open, and the thread at work that keeps it alive."""
        for thread in threading.enumerate():
            if (
                isinstance(thread, KeepAliveHandler)
                and thread.shard_id == self._number
                and thread.ws.loop is asyncio.get_running_loop()
            ):
                await thread.ws.close()
                thread.stop()

    def _outgrown(self, code: int) -> None:
        if self._options.shards:
            raise AdapterError(
                f"Discord does not take discord.shards = {self._options.shards} ({code}): each may have 2,500 guilds. "
                "Set it to 0, for as many as Discord recommends."
            ) from None
        raise Outgrown from None

    def _new_client(self) -> Client:
        service, inbound = self._service, self._service.inbound

        async def before() -> None:
            """Note where we are, before events come, and let them wait: what was missed before them goes first."""
            self._order.shut(_CATCH_UP_S)
            self._all_named = False
            if self._caught_up:  # else something was missed before this, too
                self._known = await inbound.newest_keys(PLATFORM)
                self._caught_up = False

        async def after(guild: discord.Guild | None) -> None:
            await self._read_on(client, guild)

        async def identify() -> None:
            await before()
            await service.gate.wait(self._number)

        connecting = Connecting(
            intents(self._options.message_content),
            (self._number, service.count),
            self._clock,
            self._options.guilds_wait_s,
            service.hosts.trace(),
            identify,
            lambda: service.gate.answered(self._number),
            after,
            service.begin,
        )
        client = Client(inbound, connecting)
        client.hearing = Hearing(client, inbound, self._clock, self._around)
        return client

    async def _read_on(self, client: Client, guild: discord.Guild | None) -> None:
        """Take what was missed; when nothing more of that is read, what comes now may come. Not when the client has
        ended: then the next one goes on, or whoever has the shard."""
        task = asyncio.current_task()
        assert task is not None
        self._reading.add(task)
        ended = True
        try:
            await self._take_missed(client, guild)
        except asyncio.CancelledError:
            ended = False
            raise
        finally:
            self._reading.discard(task)
            self._all_named = self._all_named or (ended and guild is None)
            if ended and self._all_named and not self._reading:
                self._order.open()

    async def _take_missed(self, client: Client, guild: discord.Guild | None) -> None:
        service, marks = self._service, self._known
        if guild is not None:  # first heard of now
            marks = {**await service.inbound.newest_keys(PLATFORM), **marks}
        # In the order of time over all places: if we end here, whatever is newer than our newest is read again.
        now = service.hosts.now(self._clock.now())  # our clock may be wrong by days
        history = History(client, self._clock, now - self._options.catch_up)
        await client.hearing.missed(await history.missed(marks, guild))
        self._caught_up = self._caught_up or guild is None  # else the next connection reads it again
