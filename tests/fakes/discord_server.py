"""A small Discord for loopback, which an unmodified discord.py takes for the real one.

It refuses what the real one refuses, keeps a transcript, and outlives the bots that connect to it. A test
plays the people: ``server.user("ada")``, ``await server.say(ada, channel, "Hello")``.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from typing import Any, Self, TypeVar

from aiohttp import web

from tests.fakes.discord_faults import Fault, Faults
from tests.fakes.discord_gateway import INVALID, RECONNECT, Gateway
from tests.fakes.discord_interactions import Interaction, Interactions
from tests.fakes.discord_people import People
from tests.fakes.discord_places import Places
from tests.fakes.discord_posting import Posting
from tests.fakes.discord_records import Channel, Guild, Message, Role, User, Webhook
from tests.fakes.discord_rest import BASE, Call, Rest
from tests.fakes.discord_rules import Intent, Permission, Settings
from tests.fakes.discord_transcript import Entry, Transcript
from tests.fakes.discord_world import World
from tests.fakes.hold import Hold
from tests.fakes.ports import free_port
from tests.patience import PATIENCE_S

__all__ = ["Call", "Channel", "DiscordServer", "Guild", "Intent", "Interaction", "Message", "Permission"]
__all__ += ["Role", "User", "Webhook"]

T = TypeVar("T")


class DiscordServer(People):
    """``async with DiscordServer() as server``: ``server.api_url``, ``server.gateway_url``, ``server.token``.

    The keywords are those of `Settings`, as in ``DiscordServer(limits={"messages": (100, 1.0)})``.
    """

    def __init__(self, **settings: Any) -> None:
        self._log = Transcript()
        self._faults = Faults()
        world = World(Settings(**settings))
        super().__init__(world, Interactions(world, self._log))
        self.gateway = Gateway(self.world, self._log.note)
        self._rest = Rest(self.world, self._faults, self._log.note)
        self.token, self.api_url, self.gateway_url = self.world.settings.token, "", ""

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=64 * 2**20)
        handlers = (self.gateway, Places(self.world), Posting(self.world, self.interactions))
        app.add_routes(self._rest.routes(handlers))
        app.add_routes([web.get("/gateway/", self.gateway.serve)])
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        await self._open_gateway(free_port())
        rest, gateway = (address[1] for address in self._runner.addresses)
        self.world.cdn = f"http://127.0.0.1:{rest}"
        self.api_url = self.world.cdn + BASE
        self.gateway.url = self.gateway_url = f"ws://127.0.0.1:{gateway}/gateway/"
        self._gateway_port = gateway
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.gateway.speaking.set()
        self.drop()
        await self._runner.cleanup()
        if kind is None and self.world.settings.strict:
            assert not self._rest.misfits, "\n".join(self._rest.misfits)

    async def _open_gateway(self, port: int) -> None:
        self._site = web.TCPSite(self._runner, "127.0.0.1", port)
        await self._site.start()

    # What has happened

    @property
    def transcript(self) -> list[Entry]:
        return self._log.entries

    async def until(self, predicate: Callable[[], T], timeout: float = PATIENCE_S) -> T:  # noqa: ASYNC109
        """Wait for something to become true of the server, tried after every change; what it became is returned."""
        return await self._log.until(predicate, timeout)

    def calls(self, route: str = "") -> list[Call]:
        """The requests that match, as ``"POST /channels/.*/messages$"``."""
        calls = [entry.data for entry in self.transcript if entry.kind == "request"]
        return [call for call in calls if re.search(route, call.line)]

    def messages(self, channel: Channel) -> list[Message]:
        """What stands in a channel, oldest first."""
        return list(channel.messages.values())

    def count(self, kind: str) -> int:
        """How many entries of this kind the transcript has."""
        return self._log.counts[kind]

    @property
    def identifies(self) -> int:
        return self.count("identify")

    @property
    def hasty(self) -> int:
        """IDENTIFYs that came too soon after one of the same key, and were refused."""
        return self.count("hasty")

    @property
    def shards(self) -> dict[int, int]:
        """How many connected sessions each shard has."""
        return Counter(session.shard for session in self.gateway.sessions.values() if session.link)

    @property
    def resumes(self) -> int:
        return self.count("resume")

    @property
    def invalid_requests(self) -> int:
        """Answers with 401, 403 or 429; the real platform bans an address after 10,000 in 10 minutes."""
        return self._rest.invalid_requests

    @property
    def pings(self) -> list[Message]:
        """The bot's messages (its webhooks' too) that notified anybody; see ``message.pings``."""
        posted = [m for channel in self.world.channels.values() for m in channel.messages.values()]
        return [m for m in posted if m.pings and self.bot in (m.author, m.webhook and m.webhook.maker)]

    @property
    def bot(self) -> User:
        return self.world.bot

    # What goes wrong

    def unfurl(self, message: Message) -> None:
        """The platform adds a link's preview: a MESSAGE_UPDATE that is no edit."""
        message.embeds.append({"type": "link", "title": "A page", "url": "https://example.org"})
        self.world.tell(message, "MESSAGE_UPDATE")

    def redeliver(self, message: Message) -> None:
        """The gateway tells of a message once more."""
        self.world.tell(message)

    def refuse(self, route: str, status: int, code: int = 0, times: int = 1) -> None:
        """Answer the next requests that match with this error."""
        self._faults.pending.append(Fault("refuse", route, times, status=status, code=code))

    def storm(
        self, times: int, route: str = "", *, retry_after: float = 0.02, everywhere: bool = False
    ) -> None:
        """Answer the next requests with 429; ``everywhere`` says it is the global limit."""
        self._faults.pending.append(Fault("storm", route, times, seconds=retry_after, everywhere=everywhere))

    def lose_response(self, route: str, times: int = 1) -> None:
        """Do what the next requests ask, and break the connection instead of answering."""
        self._faults.pending.append(Fault("lose_response", route, times))

    def lose_request(self, route: str, times: int = 1) -> None:
        """Break the connection of the next requests and do nothing."""
        self._faults.pending.append(Fault("lose_request", route, times))

    def hold(self, route: str, times: int = 1) -> Hold:
        """The next requests (also for files) are answered when they may go on."""
        fault = Fault("hold", route, times)
        self._faults.pending.append(fault)
        return fault.hold

    def redirect(self, route: str, target: str, times: int = 1) -> None:
        """Answer the next requests (also for files) by sending them elsewhere."""
        self._faults.pending.append(Fault("redirect", route, times, target=target))

    async def down(self) -> None:
        """REST answers 503, the gateway drops everyone and refuses connections."""
        self._faults.down = True
        await self._site.stop()
        self.drop()

    async def up(self) -> None:
        self._faults.down = False
        await self._open_gateway(self._gateway_port)

    def drop(self, shard: int | None = None) -> None:
        """Break all gateway connections (of one shard only), without a goodbye; their sessions can be resumed."""
        for link in self.gateway.of_shard(shard):
            link.abort()

    async def disconnect(self, code: int, shard: int | None = None) -> None:
        """Close all gateway connections (of one shard only) with a code."""
        for link in self.gateway.of_shard(shard):
            await link.close(code)

    async def reconnect(self) -> None:
        """Ask all clients to come again (opcode 7)."""
        await self.gateway.broadcast({"op": RECONNECT, "d": None})

    async def invalidate(self, shard: int | None = None, *, resumable: bool = False) -> None:
        """Tell all clients (of one shard only) that their session is over (opcode 9)."""
        for link in self.gateway.of_shard(shard):
            if link.session and not resumable:
                self.gateway.sessions.pop(link.session.id, None)
            await link.send({"op": INVALID, "d": resumable})

    def forget_sessions(self) -> None:
        """Sessions end while nobody is told: a RESUME will be answered by opcode 9."""
        self.gateway.sessions.clear()

    def deafen(self, deaf: bool = True) -> None:
        """Heartbeats are no longer acknowledged, though events go on."""
        self.gateway.acks = not deaf

    def silence(self, silent: bool = True) -> None:
        """The gateway's connections stay open, and nothing comes out of them, nor is anything heard."""
        if silent:
            self.gateway.speaking.clear()
        else:
            self.gateway.speaking.set()
