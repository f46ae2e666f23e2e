"""The adapter: requests in, events out; what is said goes into the answer of whoever asked, or of whoever asks next."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4
from weakref import WeakValueDictionary

from aiohttp import web

from adapters.program import reading
from adapters.program.reading import Asked, Refused
from bot.events import PRIVATE, Address, MessageReceived, Reply
from bot.ports import Bearer, Clock, Inbound, Plain

_BEAT_S = 15.0  # between signs of life of a stream: proxies close what says nothing
_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_Posts = asyncio.Queue[Reply | None]
_NOTHING = object()
_NOBODY = "There is no such key: /connect program makes one."
_NOT_HERE = "You may not talk with me here. Whoever runs me decides that."
_DOWN = "The model cannot be reached. The message is kept, and answered when it is back: ask again with the same key."
_REUSED = "That Idempotency-Key stood for another message already."


class ProgramAdapter(Plain):
    """A `bot.ports.Adapter`. Its `routes` are served by the web pages' server."""

    platform = "program"

    def __init__(self, clock: Clock, *, vision: bool = False) -> None:
        self._clock = clock
        self._vision = vision
        self._inbound: Inbound | None = None
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._listening: defaultdict[Address, list[_Posts]] = defaultdict(list)

    @property
    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/v1/chat/completions", _answered(self._chat)),
            web.get("/v1/models", _answered(self._models)),
            web.get("/v1/models/{model}", _answered(self._model)),
        ]

    async def run(self, inbound: Inbound) -> None:
        self._inbound = inbound
        try:
            await asyncio.Event().wait()
        finally:
            self._inbound = None

    def ready(self) -> str | None:
        return None if self._inbound is not None else "starting"

    async def send(self, reply: Reply) -> str:
        for queue in self._listening.get(reply.address, ()):
            queue.put_nowait(reply)
        return reply.nonce  # it is taken from the store, by this request or the next

    # What is asked

    async def _models(self, request: web.Request) -> web.Response:
        inbound, _ = await self._bearer(request)
        return web.json_response(reading.models(await inbound.programs.personas(), self._clock.now()))

    async def _model(self, request: web.Request) -> web.Response:
        inbound, _ = await self._bearer(request)
        name = await _persona(inbound, request.match_info["model"])
        return web.json_response(reading.model(name, self._clock.now()))

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        inbound, bearer = await self._bearer(request)
        try:
            body = await request.json()
        except (ValueError, RecursionError):
            raise Refused(400, "The body is not JSON.", "invalid_json") from None
        asked = reading.asked(body, vision=self._vision)
        await _persona(inbound, asked.model)
        wished = request.headers.get("Idempotency-Key")
        event = self._event(bearer, asked, reading.event_key(bearer.id, wished, uuid4().hex))
        lock = self._locks.setdefault(
            event.key, asyncio.Lock()
        )  # asked twice at once it is thought about once
        async with lock:
            with self._listened(event.address) as queue:
                await _submitted(inbound, event)
                if asked.stream:
                    return await self._streamed(request, inbound, event, asked, queue)
                answered = await inbound.settled(event.address)
                if not answered and wished:
                    raise Refused(503, _DOWN, "model_down")
                said = await inbound.programs.said(event.key)
        if said is None:
            raise Refused(403, _NOT_HERE, "not_allowed")
        text = "\n\n".join(said.values())
        return web.json_response(reading.completion(_name(event), asked.model, self._clock.now(), text))

    async def _streamed(
        self,
        request: web.Request,
        inbound: Inbound,
        event: MessageReceived,
        asked: Asked,
        queue: _Posts,
    ) -> web.StreamResponse:
        """Each post as it is committed, then what the store has beside: of an earlier request with the same key."""
        if await inbound.programs.said(event.key) is None:
            raise Refused(403, _NOT_HERE, "not_allowed")
        response = web.StreamResponse(
            headers={"Content-Type": "text/event-stream; charset=utf-8", "X-Accel-Buffering": "no"}
        )
        await response.prepare(request)
        name, at = _name(event), self._clock.now()
        told: set[str] = set()

        async def tell() -> None:
            for post, text in ((await inbound.programs.said(event.key)) or {}).items():
                if post not in told:
                    more = f"\n\n{text}" if told else text
                    told.add(post)
                    await response.write(reading.chunk(name, asked.model, at, {"content": more}))

        await response.write(reading.chunk(name, asked.model, at, {"role": "assistant", "content": ""}))
        try:
            async with asyncio.TaskGroup() as group:
                settled = group.create_task(inbound.settled(event.address))
                settled.add_done_callback(lambda _: queue.put_nowait(None))
                while (reply := await _next(queue)) is not None:
                    if reply is _NOTHING:
                        await response.write(b": thinking\n\n")
                    elif isinstance(reply, Reply) and event.key in reply.in_reply_to:
                        await tell()
            await tell()
            await response.write(reading.chunk(name, asked.model, at, {}, last=True))
            if asked.usage:
                await response.write(reading.chunk(name, asked.model, at, None))
            await response.write(reading.DONE)
            await response.write_eof()
        except* ConnectionError:
            pass  # whoever asked went away: what is said stays in the store
        return response

    def _event(self, bearer: Bearer, asked: Asked, key: str) -> MessageReceived:
        return MessageReceived(
            key=key,
            at=self._clock.now(),
            account=bearer.account,
            name=bearer.name,
            address=f"{self.platform}:{bearer.id}",
            audience=PRIVATE,
            persona=asked.model,
            text=asked.text,
            attachments=asked.images,
        )

    async def _bearer(self, request: web.Request) -> tuple[Inbound, Bearer]:
        """Whose key it is. Raises `Refused`."""
        if self._inbound is None:
            raise Refused(503, "everbot is starting.", "starting")
        scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
        bearer = await self._inbound.programs.bearer(secret.strip()) if scheme.lower() == "bearer" else None
        if bearer is None:
            raise Refused(401, _NOBODY, "invalid_api_key")
        return self._inbound, bearer

    @contextmanager
    def _listened(self, address: Address) -> Iterator[_Posts]:
        queue: _Posts = asyncio.Queue()
        self._listening[address].append(queue)
        try:
            yield queue
        finally:
            self._listening[address].remove(queue)
            if not self._listening[address]:
                del self._listening[address]


async def _submitted(inbound: Inbound, event: MessageReceived) -> None:
    """Raises `Refused` for what is not taken."""
    if await inbound.programs.reused(event.key, event.text):
        raise Refused(422, _REUSED, "idempotency_key_reused")
    view = await inbound.submit(event)
    if view is not None and view.kind == "error":
        raise Refused(400, view.text, "content_policy_violation")
    if view is not None:
        raise Refused(429, view.text, "rate_limit_exceeded")


async def _persona(inbound: Inbound, name: str) -> str:
    if name not in await inbound.programs.personas():
        raise Refused(
            404, f"There is no model (persona) {name!r}: see /v1/models.", "model_not_found", "model"
        )
    return name


async def _next(queue: _Posts) -> Reply | object | None:
    """What is posted; None: nothing waits any more; `_NOTHING`: for a while nothing was."""
    try:
        async with asyncio.timeout(_BEAT_S):
            return await queue.get()
    except TimeoutError:
        return _NOTHING


def _name(event: MessageReceived) -> str:
    return f"chatcmpl-{event.key.rpartition(':')[2][:29]}"


def _answered(handler: _Handler) -> _Handler:
    """Errors in the words of OpenAI's API."""

    async def answer(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except Refused as refused:
            headers: dict[str, str] = {"Retry-After": "5"} if refused.status == 503 else {}
            body: dict[str, Any] = refused.body
            return web.json_response(body, status=refused.status, headers=headers)

    return answer
