"""How the fake Slack delivers: envelopes over Socket Mode, or signed requests to the app's URL."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import time
import uuid
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from aiohttp import ClientError, ClientSession, ClientTimeout, WSMsgType, web

from tests.fakes import slack_facts
from tests.fakes.slack_events import Event, wrapped
from tests.fakes.slack_state import Changes, Json, Workspace
from tests.patience import PATIENCE_S

MOST_LINKS = 10


@dataclass(frozen=True, kw_only=True)
class Pace:
    """Times in seconds. What is not acked within ``ack_s`` is sent again after each of ``retry_s``.

    Really Slack waits for 3 s (for an ack, or a trigger's use), retries at once, after 1 and after 5 minutes, and takes
    a post per second and channel. Here it waits as long as it takes, where a story is not of that.
    While no socket is open, an event waits for one for at most ``keep_s``; then it is given up.
    """

    ack_s: float = PATIENCE_S
    retry_s: tuple[float, ...] = (0.0, 0.1, 0.5)
    keep_s: float = 360.0
    post_s: float = 0.02
    trigger_s: float = PATIENCE_S


REAL = Pace(ack_s=3.0, retry_s=(0.0, 60.0, 300.0), post_s=1.0, trigger_s=3.0)


@dataclass(frozen=True, kw_only=True)
class Ack:
    """An answer to a delivery. A ``late`` one did not count.

    It took ``seconds``, in which this process was at work for ``worked``: that does not depend on what else
    the machine does.
    """

    kind: str
    name: str  # the event's type, the command, the interaction's type
    attempt: int
    seconds: float
    worked: float
    payload: Json | None
    late: bool


@dataclass(kw_only=True)
class Envelope:
    """Something to deliver. ``attempts`` are the times at which it went out, ``begun`` this process's own then."""

    kind: str  # events_api, slash_commands or interactive
    payload: Json
    attempts: list[float] = field(default_factory=list)
    begun: list[float] = field(default_factory=list)
    reason: str = ""  # why it had to be sent again
    ack: Ack | None = None
    abandoned: bool = False

    @property
    def name(self) -> str:
        body = self.payload
        return str(body["event"]["type"] if "event" in body else body.get("command") or body["type"])

    @property
    def done(self) -> bool:
        return self.ack is not None or self.abandoned


@dataclass(eq=False)
class Link:
    """One open Socket Mode connection. A deaf one seems open and hears and says nothing."""

    socket: web.WebSocketResponse
    request: web.Request
    deaf: bool = False
    pongs: int = 0

    async def send(self, body: Json) -> None:
        if not self.deaf and not self.socket.closed:
            with suppress(ConnectionError):
                await self.socket.send_str(json.dumps(body))

    def abort(self) -> None:
        if self.request.transport is not None:
            self.request.transport.abort()


def signature(secret: str, timestamp: int, body: str) -> str:
    return "v0=" + hmac.new(secret.encode(), f"v0:{timestamp}:{body}".encode(), hashlib.sha256).hexdigest()


class Delivery:
    """Keeps what the app has to be told until it was acked or given up."""

    def __init__(self, workspace: Workspace, pace: Pace, subscribed: set[str], signing_secret: str) -> None:
        self.workspace, self.pace, self.subscribed = workspace, pace, subscribed
        self.signing_secret, self.token = signing_secret, "fake-verification"
        self.url: str | None = None  # where HTTP mode posts to; None is Socket Mode
        self.links: deque[Link] = deque()
        self.envelopes: list[Envelope] = []
        self.acks: list[Ack] = []
        self._tickets: set[str] = set()
        self._sent: dict[str, tuple[Envelope, float, asyncio.Future[Json | None]]] = {}
        self.refused = 0  # connections to addresses that were used or spoiled
        self.spoiled = 0  # how many of the next addresses will not work
        self._links_changed = Changes()
        self._tasks: set[asyncio.Task[None]] = set()
        self._session: ClientSession | None = None

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for link in self.links:
            link.abort()
        if self._session is not None:
            await self._session.close()

    def publish(self, event: Event) -> None:
        """Sends an event to an app that subscribed to it and has its scope; else it is never made."""
        if event.subscription in self.subscribed and (
            not event.scope or event.scope in self.workspace.scopes
        ):
            self.workspace.problems += slack_facts.told(event.body)
            self.start(Envelope(kind="events_api", payload=wrapped(self.workspace, event, self.token)))

    def start(self, envelope: Envelope) -> Envelope:
        self.envelopes.append(envelope)
        task = asyncio.get_running_loop().create_task(self._deliver(envelope))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return envelope

    async def _deliver(self, envelope: Envelope) -> None:
        """Only events are sent again; people see at once that a command or a button failed."""
        again = self.pace.retry_s if envelope.kind == "events_api" else ()
        try:
            for wait in (0.0, *again):
                await asyncio.sleep(wait)
                problem = await (self._post(envelope) if self.url else self._push(envelope))
                if not problem:
                    return
                envelope.reason = problem
                self.workspace.changes.note()
                if problem == "given up":
                    return
        finally:
            envelope.abandoned = envelope.ack is None
            self.workspace.changes.note()

    def _acked(self, envelope: Envelope, payload: Json | None, sent: float, late: bool = False) -> None:
        seconds, attempt = time.monotonic() - sent, envelope.attempts.index(sent)
        ack = Ack(
            kind=envelope.kind,
            name=envelope.name,
            attempt=attempt,
            seconds=seconds,
            worked=time.process_time() - envelope.begun[attempt],
            payload=payload,
            late=late,
        )
        self.acks.append(ack)
        if not late:
            envelope.ack = ack
        self.workspace.changes.note()

    # Socket Mode

    def ticket(self) -> str:
        ticket = uuid.uuid4().hex
        if self.spoiled:
            self.spoiled -= 1
        else:
            self._tickets.add(ticket)
        return ticket

    async def connect(self, request: web.Request) -> web.StreamResponse:
        ticket = request.query.get("ticket", "")
        if ticket not in self._tickets:
            self.refused += 1
            self.workspace.changes.note()
            return web.Response(status=403)
        self._tickets.remove(ticket)
        socket = web.WebSocketResponse(autoping=False)
        await socket.prepare(request)
        link = Link(socket, request)
        if len(self.links) == MOST_LINKS:
            await link.send(farewell("too_many_websockets"))
            await socket.close()
            return socket
        await link.send(self._hello())
        self.links.append(link)
        self._note_links()
        try:
            with suppress(ConnectionError):
                async for message in socket:
                    if not link.deaf:
                        await self._hear(link, message.type, message.data)
        finally:
            self.links.remove(link)
            self._note_links()
        return socket

    def _note_links(self) -> None:
        self._links_changed.note()
        self.workspace.changes.note()

    def _hello(self) -> Json:
        debug = {"host": "applink-1", "build_number": 1, "approximate_connection_time": 18060}
        app = {"app_id": self.workspace.app}
        count = len(self.links) + 1
        return {"type": "hello", "num_connections": count, "debug_info": debug, "connection_info": app}

    async def _hear(self, link: Link, kind: WSMsgType, data: Any) -> None:
        if kind is WSMsgType.PING:
            await link.socket.pong(bytes(data))
        elif kind is WSMsgType.PONG:
            link.pongs += 1
            self.workspace.changes.note()
        elif kind is WSMsgType.TEXT:
            answer = json.loads(data)
            envelope, sent, heard = self._sent[answer["envelope_id"]]
            if heard.done():
                self._acked(envelope, answer.get("payload"), sent, late=True)
            else:
                heard.set_result(answer.get("payload"))

    async def _push(self, envelope: Envelope) -> str:
        wait = self.pace.keep_s if envelope.kind == "events_api" else 0.0
        try:
            await self._links_changed.until(lambda: self.links, wait)
        except TimeoutError:
            return "given up"
        self.links.rotate(-1)
        envelope_id, sent = str(uuid.uuid4()), time.monotonic()
        heard: asyncio.Future[Json | None] = asyncio.get_running_loop().create_future()
        self._sent[envelope_id] = envelope, sent, heard
        body: Json = {"envelope_id": envelope_id, "payload": envelope.payload, "type": envelope.kind}
        body["accepts_response_payload"] = envelope.kind != "events_api"
        if envelope.kind == "events_api":
            body |= {"retry_attempt": len(envelope.attempts), "retry_reason": envelope.reason}
        envelope.attempts.append(sent)
        envelope.begun.append(time.process_time())
        self.workspace.changes.note()
        await self.links[0].send(body)
        try:
            payload = await asyncio.wait_for(heard, self.pace.ack_s)
        except TimeoutError:
            return "timeout"
        self._acked(envelope, payload, sent)
        return ""

    # signed HTTP

    async def _post(self, envelope: Envelope) -> str:
        attempt, sent = len(envelope.attempts), time.monotonic()
        envelope.attempts.append(sent)
        envelope.begun.append(time.process_time())
        retry = {"X-Slack-Retry-Num": str(attempt), "X-Slack-Retry-Reason": envelope.reason}
        try:
            status, text, headers = await self.request(envelope.payload, headers=retry if attempt else None)
        except TimeoutError:
            return "http_timeout"
        except (ClientError, OSError):
            return "connection_failed"
        if not 200 <= status < 300:
            return "given up" if headers.get("X-Slack-No-Retry") == "1" else "http_error"
        payload = json.loads(text) if text.startswith("{") else {"text": text} if text else None
        self._acked(envelope, payload, sent)
        return ""

    async def request(
        self, payload: Json, *, secret: str | None = None, age_s: float = 0, headers: Json | None = None
    ) -> tuple[int, str, Json]:
        """One signed request, with another secret or an old timestamp if need be: status, text, headers."""
        if "event" in payload or payload.get("type") == "url_verification":
            body, kind = json.dumps(payload), "application/json"
        else:
            form = payload if "command" in payload else {"payload": json.dumps(payload)}
            body, kind = urlencode(form), "application/x-www-form-urlencoded"
        timestamp = int(time.time() - age_s)
        signed = signature(self.signing_secret if secret is None else secret, timestamp, body)
        head = {
            "Content-Type": kind,
            "X-Slack-Request-Timestamp": str(timestamp),
            "X-Slack-Signature": signed,
        }
        if self._session is None:
            self._session = ClientSession(timeout=ClientTimeout(total=self.pace.ack_s))
        async with self._session.post(
            str(self.url), data=body, headers={**head, **(headers or {})}
        ) as answer:
            return answer.status, await answer.text(), dict(answer.headers)


def farewell(reason: str) -> Json:
    return {"type": "disconnect", "reason": reason, "debug_info": {"host": "applink-1"}}
