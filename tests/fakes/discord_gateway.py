"""The gateway: sessions that remember what they were told, and the connections they come and go by."""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import time
import zlib
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import WSMsgType, web

from tests.fakes.discord_records import Channel, Guild
from tests.fakes.discord_rest import Call, Handlers, route
from tests.fakes.discord_rules import KNOWN_INTENTS, PRIVILEGED, Intent, Json
from tests.fakes.discord_world import Payload, World

REPLAY = 10_000  # events that a session can be behind and still resume
DISPATCH, BEAT, IDENTIFY, PRESENCE, VOICE, RESUME, RECONNECT, MEMBERS, INVALID, HELLO, ACK = (
    0, 1, 2, 3, 4, 6, 7, 8, 9, 10, 11,
)  # fmt: skip
ALWAYS = (Intent(0), Intent(0))
NEEDS = {  # the intents that an event needs: in a guild, in a DM
    "GUILD_": (Intent.GUILDS, Intent.GUILDS),
    "CHANNEL_": (Intent.GUILDS, Intent.GUILDS),
    "THREAD_": (Intent.GUILDS, Intent.GUILDS),
    "GUILD_MEMBER_": (Intent.GUILD_MEMBERS, Intent.GUILD_MEMBERS),
    "WEBHOOKS_": (Intent.GUILD_WEBHOOKS, Intent.GUILD_WEBHOOKS),
    "MESSAGE_": (Intent.GUILD_MESSAGES, Intent.DIRECT_MESSAGES),
    "MESSAGE_REACTION_": (Intent.GUILD_MESSAGE_REACTIONS, Intent.DIRECT_MESSAGE_REACTIONS),
}


@dataclass(eq=False)
class Session:
    """What one IDENTIFY began. It goes on being told of events while nothing is connected to it."""

    id: str
    shard: int
    shards: int
    intents: Intent
    seq: int = 0
    log: dict[int, str] = field(default_factory=dict)
    link: Link | None = None

    def tell(self, event: str, data: Json | None) -> None:
        self.seq += 1
        self.log[self.seq] = json.dumps({"op": DISPATCH, "t": event, "s": self.seq, "d": data})
        self.log.pop(self.seq - REPLAY, None)
        if self.link:
            self.link.wake.set()

    def wants(self, event: str, guild: Guild | None) -> bool:
        if (guild.id >> 22) % self.shards != self.shard if guild else self.shard != 0:
            return False
        prefix = max((known for known in NEEDS if event.startswith(known)), key=len, default="")
        needed = NEEDS.get(prefix, ALWAYS)[guild is None]
        return self.intents & needed == needed


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
        shard, shards = data.get("shard", (0, 1))
        intents = data.get("intents")
        code = self.gateway.refusal(self, data.get("token"), shard, shards, intents)
        if code:
            return code
        self.gateway.note("identify", {"shard": shard, "shards": shards, "intents": int(intents)})
        if not self.gateway.take_turn(shard):
            await self.send({"op": INVALID, "d": False})
            return None
        self._attach(self.gateway.begin(shard, shards, Intent(intents)), 0)
        return None

    async def _resume(self, data: Json) -> int | None:
        if data.get("token") != self.gateway.settings.token:
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
        self._identified = 0
        self._last_identify = float("-inf")
        world.emit = self.dispatch

    @route("GET", "/gateway", tokened=True)
    def address(self, call: Call) -> Json:
        return {"url": self.url}

    @route("GET", "/gateway/bot")
    def start(self, call: Call) -> Json:
        total = self.settings.identify_total
        limit = {"total": total, "remaining": total - self._identified}
        limit |= {"reset_after": 86_400_000, "max_concurrency": 1}
        return {"url": self.url, "shards": self.settings.shards, "session_start_limit": limit}

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

    def refusal(self, link: Link, token: object, shard: int, shards: int, intents: object) -> int | None:
        """The code to close with, for an IDENTIFY that is not acceptable."""
        settings = self.settings
        if token != settings.token or self._identified >= settings.identify_total:
            return 4004
        if link.session:
            return 4005
        if not 0 <= shard < shards:
            return 4010
        if not isinstance(intents, int) or intents & ~KNOWN_INTENTS:
            return 4013
        return 4014 if intents & PRIVILEGED & ~settings.privileged else None

    def take_turn(self, shard: int) -> bool:
        """Count an IDENTIFY; whether it came late enough after the one before."""
        self._identified += 1
        now, before = time.monotonic(), self._last_identify
        self._last_identify = now
        return now - before >= self.settings.identify_s

    def begin(self, shard: int, shards: int, intents: Intent) -> Session:
        for old in list(self.sessions.values()):
            if old.shard == shard and old.link is None:
                del self.sessions[old.id]  # nobody will come back for it
        session = Session(secrets.token_hex(16), shard, shards, intents)
        self.sessions[session.id] = session
        bot = self.world.bot
        mine = [guild for guild in self.world.guilds.values() if bot.id in guild.members]
        guilds = [guild for guild in mine if (guild.id >> 22) % shards == shard]
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

    async def broadcast(self, frame: Json) -> None:
        for link in list(self.links):
            await link.send(frame)
