"""The Slack adapter: connects, hands over what is to be posted, and finds what came while it was away."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from datetime import datetime

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from adapters.faults import fault
from adapters.hosts import Hosts
from adapters.slack import presence, reading
from adapters.slack.chores import Chores
from adapters.slack.errors import BROKEN, DEAD, code, reason
from adapters.slack.http_mode import HttpMode
from adapters.slack.options import SOCKET, Options
from adapters.slack.posting import LIMIT, Posting
from adapters.slack.reading import Workspace
from adapters.slack.rooms import Link, Rooms, furnished
from adapters.slack.socket_mode import SocketMode
from adapters.text import split
from adapters.waiting import patiently, until_committed
from bot.errors import AdapterError, DeliveryError
from bot.events import Address, Reply
from bot.ports import Clock, Found, Inbound, Lease, Leases

log = logging.getLogger(__name__)

_AGAIN_S = 2.0
_AGAIN_MAX_S = 120.0
_MISSED_S = (
    30.0  # of absence, after which history is read; what is missed in less Slack tells again by itself
)
_LONG_AGO = float("-inf")
_READ_AGAIN_S = (1.0, 5.0, 20.0)  # after which reading it is tried once more
_TIMEOUT = aiohttp.ClientTimeout(total=30)


class SlackAdapter:
    """`bot.ports.Adapter` on Slack's SDK, by Socket Mode or signed HTTP. Raises `AdapterError` when it is told to send
    its token elsewhere than to Slack."""

    platform = reading.PLATFORM
    several = True

    def __init__(self, options: Options, clock: Clock) -> None:
        self._options = options
        self._clock = clock
        self._hosts = Hosts(
            "Slack",
            {"slack.api_url": (options.api_url, ("slack.com", "slack-gov.com"))},
            files=("slack.com", "slack-files.com", "slack-edge.com"),
        )
        self._why: str | None = "not connected"
        self._rooms: Rooms | None = None
        self._caught_up = asyncio.Event()
        self._heard_at = _LONG_AGO  # when the connection was last alive

    async def run(self, inbound: Inbound) -> None:
        """It may be run again, with another ``inbound``, when that has ended."""
        self._rooms, self._heard_at = None, _LONG_AGO
        self._caught_up = asyncio.Event()
        wait, traces = _AGAIN_S, [self._hosts.trace()]
        async with (
            aiohttp.ClientSession(timeout=_TIMEOUT, trace_configs=traces) as session,
            asyncio.TaskGroup() as group,
        ):
            while True:
                try:
                    rooms = self._rooms or await self._furnished(session, Chores(group), inbound)
                    await until_committed(
                        rooms.link.us.presence(self._clock.now(), here=True), inbound, self._clock
                    )
                    by_http = self._options.signing_secret is not None
                    await (self._by_http(rooms) if by_http else self._by_socket(rooms))
                except BROKEN as error:
                    log.warning("Slack: no connection (%s); again in %.0f s.", reason(error), wait)
                    await self._clock.sleep(wait)
                    wait = min(_AGAIN_MAX_S, wait * 2)
                finally:
                    self._why = "not connected"

    async def _furnished(self, session: aiohttp.ClientSession, chores: Chores, inbound: Inbound) -> Rooms:
        options = self._options
        # No retries by the SDK: after a lost response it would post twice.
        client = AsyncWebClient(
            token=options.bot_token, base_url=options.api_url, session=session, retry_handlers=[]
        )
        link = Link(
            options=options,
            clock=self._clock,
            hosts=self._hosts,
            session=session,
            client=client,
            chores=chores,
            us=await _who_we_are(client),
            inbound=inbound,
        )
        self._rooms = furnished(link, self._caught_up, self._recover)
        return self._rooms

    async def _by_socket(self, rooms: Rooms) -> None:
        assert self._options.app_token is not None
        socket = SocketMode(rooms.door, rooms.link.client, self._options.app_token, self._clock)
        await socket.check()
        while True:
            lease = await self._leased(rooms.link.inbound.leases)
            self._heard_at = _LONG_AGO  # another process may have had it, and not have heard
            losing = rooms.link.chores.begin(lease.lost())
            try:
                while losing is not None and not losing.done():
                    await self._connected(socket, rooms, losing)
            except TimeoutError:
                log.warning("Slack: no socket connection; beginning anew.")
            finally:
                if losing is not None:
                    losing.cancel()
                await lease.give()
            await self._clock.sleep(_AGAIN_S)  # others may come to one

    async def _leased(self, leases: Leases) -> Lease:
        """One of the sockets that there are to be, in all processes, as soon as one is free."""
        while True:
            for number in range(self._options.sockets):
                if (lease := await leases.take(SOCKET, number)) is not None:
                    return lease
            self._why = None  # others hear, and to post needs no socket
            await leases.news()

    async def _connected(self, socket: SocketMode, rooms: Rooms, losing: asyncio.Task[None]) -> None:
        """A connection's life. Raises TimeoutError when there is none to be had."""
        try:
            missed = time.monotonic() - self._heard_at > _MISSED_S
            # Asked before events come: they would hide what was missed before them.
            known = await self._known(rooms) if missed else {}
            async with socket.connected() as alive:
                self._why = None
                if missed:
                    rooms.link.chores.begin(self._catch_up(rooms, known))
                await self._watch(alive, losing)
        finally:
            self._why = "no socket connection"

    async def _watch(self, alive: AsyncIterator[bool], losing: asyncio.Task[None]) -> None:
        async for lives in alive:
            if losing.done():
                log.warning("Slack: the socket is another process's now.")
                return
            if lives:
                self._heard_at = time.monotonic()
            self._why = None if lives else "no socket connection"

    async def _by_http(self, rooms: Rooms) -> None:
        assert self._options.signing_secret is not None
        known = await self._known(rooms)
        async with HttpMode(rooms.door, self._options.signing_secret, self._options.listen).listening():
            self._why = None
            await self._catch_up(rooms, known)
            await asyncio.Event().wait()

    def ready(self) -> str | None:
        return self._why

    # Out

    async def send(self, reply: Reply) -> str:
        return await self._posting().send(reply)

    async def find(self, reply: Reply, claimed_at: datetime, after: str | None) -> Found:
        return await self._posting().find(reply, claimed_at, after)

    async def sees(self, account: str, address: Address) -> bool:
        if self._rooms is None:
            raise DeliveryError("Slack is not connected")
        user, channel = account.rpartition("/")[2], reading.place_of(address)[0]
        return await presence.sees(self._rooms.link.client, user, channel)

    def split(self, text: str) -> list[str]:
        return split(text, LIMIT)

    def thread_from(self, address: Address, key: str) -> Address | None:
        """None: what is said in a channel is answered in its thread (`Workspace.thread_of`)."""
        return None

    def _posting(self) -> Posting:
        if self._rooms is None:
            raise DeliveryError("Slack is not connected", retry_after=0.5)
        return self._rooms.posting

    def thinking(self, address: Address) -> AbstractAsyncContextManager[None]:
        return self._rooms.work.shown(address) if self._rooms is not None else nullcontext()

    # What came while we were away

    async def _known(self, rooms: Rooms) -> Mapping[Address, str]:
        """How far each place was read. What comes from now on waits until the rest was."""
        self._caught_up.clear()
        return await patiently(lambda: rooms.link.inbound.newest_keys(self.platform), self._clock)

    async def _catch_up(self, rooms: Rooms, known: Mapping[Address, str]) -> None:
        """Take what Slack gave up telling; then what it tells now may come."""
        try:
            for wait in (*_READ_AGAIN_S, None):
                try:
                    await self._read_on(rooms, known)
                    return
                except BROKEN as error:
                    log.warning("Slack: what came while away could not be read (%s).", reason(error))
                if wait is not None:
                    await self._clock.sleep(wait)
        finally:
            self._caught_up.set()

    async def _read_on(self, rooms: Rooms, known: Mapping[Address, str]) -> None:
        # In the order of time over all places: if we end here, whatever is newer than our newest is read again.
        for message, kind in await rooms.history.missed(known):
            try:
                await patiently(lambda: rooms.hearing.missed(message, kind), self._clock)  # noqa: B023 - awaited at once
            except Exception as error:
                log.error("Slack: a message that came while away could not be taken (%s)", fault(error))

    async def _recover(self) -> None:
        assert self._rooms is not None
        await self._catch_up(self._rooms, await self._known(self._rooms))


async def _who_we_are(client: AsyncWebClient) -> Workspace:
    try:
        told = await client.auth_test()
    except SlackApiError as error:
        if code(error) in DEAD:
            raise AdapterError(
                f"Slack refuses the bot token ({code(error)}): set SLACK_BOT_TOKEN (or slack.bot_token) to the "
                "xoxb- token of your app's OAuth page."
            ) from None
        raise
    return Workspace(
        team=told["team_id"],
        user=told["user_id"],
        bot=told.get("bot_id") or "",
        name=str(told.get("team") or ""),
    )
