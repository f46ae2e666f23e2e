"""One vendor's server on loopback: real HTTP, real server-sent events, the whole history judged at every request."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Self

from aiohttp import web

from tests.fakes.openai_wire import Answer, Json
from tests.fakes.vendors.player import Player
from tests.fakes.vendors.vendor import FORBIDDEN, Added, No, Past, Vendor

_OPAQUE = re.compile(r"opaque:([\w.-]+):")


class VendorServer:
    """``async with VendorServer(vendor, player) as server``. It remembers what it said for as long as it runs.

    ``window`` is the most tokens that it takes; once it has said ``down_after`` things it is down. ``lessons`` are
    refusals of what no client can know beforehand, ``faults`` everything else that was wrong: refusals, another
    vendor's fields, its own that did not come back.
    """

    def __init__(self, vendor: Vendor, player: Player) -> None:
        self.vendor, self.player = vendor, player
        self.window: int | None = None
        self.down_after: int | None = None  # answers from now on; then 503
        self.lessons: list[str] = []
        self.faults: list[str] = []
        self.overflows = 0
        self.bodies: list[Json] = []
        self.base_url = ""
        self._past = Past()

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=64 * 2**20)
        app.router.add_post("/{path:.*}", self._complete)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.base_url = self.vendor.base_url(f"http://127.0.0.1:{self._runner.addresses[0][1]}")
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    @property
    def settings(self) -> Json:
        """``[model]`` for this server."""
        own = {"kind": "openai", "base_url": self.base_url, "name": self.vendor.model, "api_key": "the-key"}
        return {**own, "retries": 0, "vision": True, **self.vendor.settings}

    async def _complete(self, request: web.Request) -> web.StreamResponse:
        if request.path != self.vendor.path:
            if "completions" in request.path:  # elsewhere one may ask what a server is
                self.faults.append(f"asked at {request.path}")
            return web.json_response({"error": {"message": "Not Found"}}, status=404)
        if not self.vendor.authorized(request.headers, request.query):
            self.faults.append("asked with a wrong key")
            return web.json_response({"error": {"message": "Access denied", "code": "401"}}, status=401)
        if self.down_after is not None and self.vendor.said >= self.down_after:
            return web.json_response({"error": {"message": "Overloaded"}}, status=503)
        body = json.loads(await request.read())
        self.bodies.append(body)
        self._look_at(body)
        no = self._refusal(body)
        if no is not None:
            return await self._refuse(request, no)
        return await self._answer(request, body)

    def _refusal(self, body: Json) -> No | None:
        no = next(self.vendor.problems(body, self._past), None)
        if no is not None:
            (self.lessons if no.lesson else self.faults).append(no.message or str(no.more))
            return no
        tokens = self.vendor.tokens(body)
        if self.window is not None and tokens > self.window:
            self.overflows += 1
            return self.vendor.too_long(tokens, self.window)
        return None

    def _look_at(self, body: Json) -> None:
        """What no vendor refuses, and no client may do: show one vendor's fields to another, change or drop its own."""
        shown = json.dumps(body["messages"], ensure_ascii=False)
        if others := set(_OPAQUE.findall(shown)) - {self.vendor.name}:
            self.faults.append(f"was shown what {sorted(others)} added")
        if not self.vendor.wants_back:
            return
        for message in body["messages"]:
            if message["role"] == "assistant" and (own := self._past.of(message)) is not None:
                self.faults += [f"did not get back {what}" for what in _lost(message, own)]

    async def _refuse(self, request: web.Request, no: No) -> web.StreamResponse:
        if not self.vendor.late:
            return web.json_response(self.vendor.error(no), status=no.status)
        broken = {"id": "1", "choices": [{"index": 0, "delta": {"content": ""}, "finish_reason": "error"}]}
        response = await _opened(request)
        await _send(response, broken | self.vendor.error(no))
        return response

    async def _answer(self, request: web.Request, body: Json) -> web.StreamResponse:
        if self.vendor.filters and FORBIDDEN in json.dumps(body["messages"]):
            no = self.vendor.refused()
            if isinstance(no, No):
                return await self._refuse(request, no)
            response = await _opened(request)
            for chunk in no:
                await _send(response, chunk)
            await response.write(b"data: [DONE]\n\n")
            return response
        self.vendor.said += 1
        answer = self.player(body)
        added = self.vendor.added(answer)
        self._past.keep(answer, added)
        return await self._stream(request, body, answer, added)

    async def _stream(
        self, request: web.Request, body: Json, answer: Answer, added: Added
    ) -> web.StreamResponse:
        response = await _opened(request)
        for chunk in self.vendor.chunks(body, answer, added):
            await _send(response, chunk)
        await response.write(b"data: [DONE]\n\n")
        return response


def _lost(message: Json, own: Added) -> list[str]:
    """What the server added and the message lacks, or has otherwise."""
    lost = [name for name, value in own.message.items() if message.get(name) != value]
    for number, (call, fields) in enumerate(zip(message.get("tool_calls") or (), own.calls, strict=False)):
        lost += [f"{name} of call {number}" for name, value in fields.items() if call.get(name) != value]
        if not fields and "extra_content" in call:
            lost.append(f"call {number} as it was")
    if own.parts:
        content = message.get("content")
        if not isinstance(content, list) or content[: len(own.parts)] != list(own.parts):
            lost.append("the parts of its content")
    return lost


async def _opened(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    return response


async def _send(response: web.StreamResponse, chunk: Mapping[str, object] | str) -> None:
    line = chunk if isinstance(chunk, str) else f"data: {json.dumps(chunk, ensure_ascii=False)}"
    await response.write(f"{line}\n\n".encode())
