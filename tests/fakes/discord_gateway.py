"""The gateway: the connections by which sessions come and go, and what each is told.

Made after Discord's own description (the developer documentation, "Gateway": "Identifying", "Resuming", "Rate
Limiting", "Sharding", "Session Start Limit Object"; close codes and opcodes in "Opcodes and Status Codes"). A shard is
told of the guilds with ``(guild_id >> 22) % num_shards == shard_id``; what is of no guild, direct messages among it,
goes to shard 0 alone. Checked by discord.py, which nobody of this project wrote: its AutoShardedClient connects to it
(tests/integration/test_discord_server.py), and its types say what READY and GET /gateway/bot are
(tests/integration/test_discord_descriptions.py).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import time
import zlib
from collections import deque
from collections.abc import Callable
from typing import Any

from aiohttp import WSMsgType, web

from tests.fakes.discord_records import Channel, Guild
from tests.fakes.discord_rest import Call, Handlers, route
from tests.fakes.discord_rules import KNOWN_INTENTS, PRIVILEGED, Intent, Json
from tests.fakes.discord_sessions import Session, Starts
from tests.fakes.discord_world import Payload, World

BEAT, IDENTIFY, PRESENCE, VOICE, RESUME, RECONNECT, MEMBERS, INVALID, HELLO, ACK = (
    1, 2, 3, 4, 6, 7, 8, 9, 10, 11,
)  # fmt: skip


class Link:
    """One websocket. Events are pumped to it from its session's log, so none is lost or reordered."""

    def __init__(self, gateway: Gateway, socket: web.WebSocketResponse, request: web.Request) -> None:
        self.gateway, self.socket, self._request = gateway, socket, request
        self.session: Session | None = None
        self.wake = asyncio.Event()
        self._cursor = 0
        self._sending = asyncio.Lock()
        self._heard: deque[float] = deque(maxlen=gateway.settings.sends_per_minute)
        self._zlib = zlib.compressobj() if request.query.get("compress") == "zlib-stream" else None

    async def run(self) -> None:
        pump = asyncio.create_task(self._pump())
        try:
            interval = int(self.gateway.settings.heartbeat_s * 1000)
            await self.send({"op": HELLO, "d": {"heartbeat_interval": interval}})
            while await self._listen():
                pass
        except ConnectionError:  # the client went away while it was being told something
            return
        finally:
            pump.cancel()
            if self.session and self.session.link is self:
                self.session.link = None

    async def send(self, frame: Json | str) -> None:
        await self.gateway.speaking.wait()
        text = frame if isinstance(frame, str) else json.dumps(frame)
        async with self._sending:
            if self._zlib is None:
                return await self.socket.send_str(text)
            data = self._zlib.compress(text.encode()) + self._zlib.flush(zlib.Z_SYNC_FLUSH)
            await self.socket.send_bytes(data)

    async def close(self, code: int) -> None:
        self.gateway.note("close", {"code": code})
        await self.socket.close(code=code)

    def abort(self) -> None:
        if self._request.transport:
            self._request.transport.abort()

    async def _pump(self) -> None:
        with contextlib.suppress(ConnectionError):
            while True:
                await self.wake.wait()
                self.wake.clear()
                while self.session and self._cursor < self.session.seq:
                    if self._cursor + 1 not in self.session.log:
                        return self.abort()  # hopelessly behind
                    await self.send(self.session.log[self._cursor + 1])
                    self._cursor += 1

    async def _listen(self) -> bool:
        """Take one frame; whether the connection goes on."""
        frame = await self.socket.receive()
        if frame.type is WSMsgType.CLOSE and frame.data in (1000, 1001) and self.session:
            self.gateway.sessions.pop(self.session.id, None)  # a client that says goodbye cannot resume
        if frame.type is not WSMsgType.TEXT:
            return False
        if not self.gateway.speaking.is_set():
            return True
        code = self._excess() or await self._obey(frame.data)
        if code:
            await self.close(code)
        return not code

    def _excess(self) -> int | None:
        now = time.monotonic()
        full = len(self._heard) == self._heard.maxlen and now - self._heard[0] < 60
        self._heard.append(now)
        return 4008 if full else None

    async def _obey(self, text: str) -> int | None:
        """Do what a frame asks; the code to close with, where it is refused."""
        if len(text) > 4096:
            return 4002
        try:
            frame = json.loads(text)
            op, data = frame["op"], frame["d"]
        except (ValueError, KeyError, TypeError):
            return 4002
        if op == BEAT:
            self.gateway.note("beat", data)
            if self.gateway.acks:
                await self.send({"op": ACK})
            return None
        if op in (IDENTIFY, RESUME):
            return await (self._identify(data) if op == IDENTIFY else self._resume(data))
        if self.session is None:
            return 4003
        if op == MEMBERS:
            self.gateway.members(self.session, data)
        return None if op in (PRESENCE, VOICE, MEMBERS) else 4001

    async def _identify(self, data: Json) -> int | None:
        told, intents = data.get("shard", [0, 1]), data.get("intents")
        code = self.gateway.refusal(self, data.get("token"), told, intents)
        if code:
            return code
        shard, shards = told
        self.gateway.note("identify", {"shard": shard, "shards": shards, "intents": int(intents)})
        if self.gateway.starts.spent:
            await self.gateway.renew_token()
            return 4004
        if not self.gateway.starts.take(shard):
            self.gateway.note("hasty", {"shard": shard})
            await self.send({"op": INVALID, "d": False})
            return None
        self._attach(self.gateway.begin(shard, shards, Intent(intents)), 0)
        return None

    async def _resume(self, data: Json) -> int | None:
        if not self.gateway.knows(data.get("token")):
            return 4004
        session = self.gateway.sessions.get(data.get("session_id", ""))
        seq = data.get("seq") or 0
        self.gateway.note("resume", {"seq": seq, "known": session is not None})
        if session is None or (seq < session.seq and seq + 1 not in session.log):
            await self.send({"op": INVALID, "d": False})
            return None
        if seq > session.seq:
            return 4007
        if session.link:
            session.link.abort()
        self._attach(session, seq)
        session.tell("RESUMED", {"_trace": []})
        return None

    def _attach(self, session: Session, seq: int) -> None:
        self.session, self._cursor, session.link = session, seq, self
        self.wake.set()
        self.gateway.note("attach", {"shard": session.shard})


class Gateway(Handlers):
    """``acks`` off makes it deaf; ``speaking`` cleared makes it silent altogether."""

    def __init__(self, world: World, note: Callable[[str, Any], None]) -> None:
        super().__init__(world)
        self.note, self.settings = note, world.settings
        self.url = ""
        self.acks = True
        self.speaking = asyncio.Event()
        self.speaking.set()
        self.sessions: dict[str, Session] = {}
        self.links: set[Link] = set()
        self.starts = Starts(world.settings)
        self.renewed = False  # the token that the bot has is worth nothing any more
        world.emit = self.dispatch

    @route("GET", "/gateway", tokened=True)
    def address(self, call: Call) -> Json:
        return {"url": self.url}

    @route("GET", "/gateway/bot")
    def start(self, call: Call) -> Json:
        return {
            "url": self.url,
            "shards": self.settings.shards,
            "session_start_limit": self.starts.limit(),
        }

    async def serve(self, request: web.Request) -> web.StreamResponse:
        if request.query.get("v") != "10" or request.query.get("encoding", "json") != "json":
            raise web.HTTPBadRequest(text="this gateway speaks version 10 in JSON")
        socket = web.WebSocketResponse(timeout=1)
        await socket.prepare(request)
        link = Link(self, socket, request)
        self.links.add(link)
        self.note("connect", {})
        try:
            await link.run()
        finally:
            self.links.discard(link)
            self.note("disconnect", {"code": socket.close_code})
        return socket

    def knows(self, token: object) -> bool:
        return token == self.settings.token and not self.renewed

    def refusal(self, link: Link, token: object, told: object, intents: object) -> int | None:
        """The code to close with, for an IDENTIFY that is not acceptable; ``told`` is its shard, and of how many."""
        if not self.knows(token):
            return 4004
        if link.session:
            return 4005
        match told:
            case [int(shard), int(shards)] if 0 <= shard < shards:
                pass
            case _:
                return 4010
        if len(self._guilds(shard, shards)) > self.settings.guilds_per_shard:
            return 4011
        if not isinstance(intents, int) or intents & ~KNOWN_INTENTS:
            return 4013
        return 4014 if intents & PRIVILEGED & ~self.settings.privileged else None

    async def renew_token(self) -> None:
        """What too many IDENTIFYs in a day cost: every session, and the token."""
        self.renewed = True
        self.sessions.clear()
        for link in list(self.links):
            await link.close(4004)

    def _guilds(self, shard: int, shards: int) -> list[Guild]:
        """Those of a shard that the bot is in."""
        mine = [guild for guild in self.world.guilds.values() if self.world.bot.id in guild.members]
        return [guild for guild in mine if (guild.id >> 22) % shards == shard]

    def begin(self, shard: int, shards: int, intents: Intent) -> Session:
        for old in list(self.sessions.values()):
            if (old.shard, old.shards, old.link) == (shard, shards, None):
                del self.sessions[old.id]  # nobody will come back for it
        session = Session(secrets.token_hex(16), shard, shards, intents)
        self.sessions[session.id] = session
        bot, guilds = self.world.bot, self._guilds(shard, shards)
        ready: Json = {"v": 10, "user": bot.payload(), "session_id": session.id, "session_type": "normal"}
        ready |= {"guilds": [{"id": str(guild.id), "unavailable": True} for guild in guilds]}
        ready |= {"resume_gateway_url": self.url, "shard": [shard, shards]}
        ready |= {"application": self.world.application()}
        ready |= {"private_channels": [], "relationships": [], "user_settings": {}, "_trace": []}
        session.tell("READY", ready)
        for guild in guilds:
            if session.wants("GUILD_CREATE", guild):
                session.tell("GUILD_CREATE", guild.arrival(bot) | {"unavailable": False})
        return session

    def dispatch(
        self,
        event: str,
        data: Payload,
        *,
        guild: Guild | None = None,
        channel: Channel | None = None,
        like: str | None = None,
    ) -> None:
        """Tell every session that wants such events (``like`` others), if the bot may see where it happened."""
        bot = self.world.bot
        guild = channel.guild if channel else guild
        hidden = (guild and bot.id not in guild.members) or (channel and not channel.allows(bot))
        told = [] if hidden else [s for s in self.sessions.values() if s.wants(like or event, guild)]
        for session in told:
            content = bool(session.intents & Intent.MESSAGE_CONTENT)
            session.tell(event, data(content) if callable(data) else data)
        self.note("dispatch", {"event": event, "told": len(told)})

    def members(self, session: Session, asked: Json) -> None:
        """Answer a request for guild members; the whole list needs the privileged intent."""
        guild = self.world.guilds[int(asked["guild_id"])]
        wanted = asked.get("user_ids", [])
        wanted = {int(number) for number in (wanted if isinstance(wanted, list) else [wanted])}
        query = asked.get("query")
        everyone = query == "" and session.intents & Intent.GUILD_MEMBERS
        found = [m for m in guild.members.values() if m.user.id in wanted or everyone]
        if query:
            found += [m for m in guild.members.values() if m.user.name.startswith(query)]
        chunk: Json = {"guild_id": str(guild.id), "members": [member.payload() for member in found]}
        missing = [str(number) for number in wanted - guild.members.keys()]
        chunk |= {"chunk_index": 0, "chunk_count": 1, "not_found": missing}
        session.tell("GUILD_MEMBERS_CHUNK", chunk | {"nonce": asked.get("nonce")})

    def of_shard(self, shard: int | None) -> list[Link]:
        """The connections of one shard; None: all."""
        return [k for k in self.links if shard is None or (k.session and k.session.shard == shard)]

    async def broadcast(self, frame: Json) -> None:
        for link in list(self.links):
            await link.send(frame)
