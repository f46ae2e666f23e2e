"""A small chat-completions server for loopback, which refuses what the real one refuses.

Used by tests and benchmarks, and runnable: ``python -m tests.fakes.openai_server --port 0``. It prints
``listening on http://127.0.0.1:PORT/v1``. What it answers is decided by a script, a plain function of
the request's JSON and headers, which gives an `Answer`, `Raw` chunks or a `Fault`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from aiohttp import web

from tests.fakes.openai_rules import Refusal, refusal
from tests.fakes.openai_wire import (
    Answer,
    Fault,
    Json,
    Raw,
    Script,
    chunks,
    count,
    echo,
    error_body,
    faulty,
    plain,
)

__all__ = ["Answer", "Exchange", "Fault", "OpenAIServer", "Raw", "Script", "echo", "faulty"]


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """One request, noted when its outcome was decided and before its first byte went out.

    ``outcome`` is ``answered``, ``fault:<kind>`` or ``refused:<status>``.
    """

    key: str
    request: Json
    outcome: str


WRONG_KEY = Refusal(401, "Incorrect API key provided.", "invalid_api_key")


def refused(refusal: Refusal) -> web.Response:
    return web.json_response(error_body(refusal.message, refusal.code), status=refusal.status)


class OpenAIServer:
    """``async with OpenAIServer(script=…) as server``: ``server.url``, ``server.transcript``.

    ``refuses`` names parameters that are answered with a 400 naming them; ``window`` is the longest
    prompt in tokens; ``models`` is what GET /models lists (None: 404); ``delay_s`` passes before each
    answer; ``about`` is what the list tells of each. ``left`` counts the clients that went away in the middle
    of an answer, ``connections`` holds their addresses.
    """

    def __init__(
        self,
        script: Script = echo,
        *,
        port: int = 0,
        api_key: str | None = None,
        models: Sequence[str] | None = ("test-model",),
        refuses: Sequence[str] = (),
        window: int | None = None,
        delay_s: float = 0.0,
        transcript: Path | None = None,
    ) -> None:
        self.script = script
        self.transcript: list[Exchange] = []
        self.left = 0
        self.connections: set[object] = set()
        self.arrival = asyncio.Event()  # set when a request was noted
        self.departure = asyncio.Event()  # set when a client left
        self.url = ""
        self.about: dict[str, Json] = {}
        self._port, self._api_key, self._models = port, api_key, models
        self._refuses, self._window, self._delay_s = tuple(refuses), window, delay_s
        self._path = transcript
        self._closing = asyncio.Event()

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=64 * 2**20)
        app.router.add_post("/v1/chat/completions", self._complete)
        app.router.add_get("/v1/models", self._list)
        self._runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/v1"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._closing.set()
        await self._runner.cleanup()

    @property
    def keys(self) -> list[str]:
        """The Idempotency-Key of every request, in order."""
        return [exchange.key for exchange in self.transcript]

    def _note(self, request: web.Request, body: Json, outcome: str) -> None:
        exchange = Exchange(key=request.headers.get("Idempotency-Key", ""), request=body, outcome=outcome)
        self.transcript.append(exchange)
        self.arrival.set()
        if self._path is not None:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps({"key": exchange.key, "request": body, "outcome": outcome}) + "\n")

    def _authorized(self, request: web.Request) -> bool:
        return self._api_key is None or request.headers.get("Authorization") == f"Bearer {self._api_key}"

    def _refusal(self, request: web.Request, body: Json) -> Refusal | None:
        if not self._authorized(request):
            return WRONG_KEY
        model, models = body.get("model"), self._models
        if models is not None and isinstance(model, str) and model not in models:
            return Refusal(404, f"The model `{model}` does not exist.", "model_not_found")
        for name in self._refuses:
            if name in body:
                return Refusal(400, f"Unsupported parameter: '{name}'.", "unsupported_parameter")
        problem = refusal(body)
        if problem is None and self._window is not None and count(body["messages"]) > self._window:
            text = f"This model's maximum context length is {self._window} tokens."
            return Refusal(400, text, "context_length_exceeded")
        return problem

    async def _list(self, request: web.Request) -> web.Response:
        if not self._authorized(request):
            return refused(WRONG_KEY)
        if self._models is None:
            return web.json_response({"detail": "Not Found"}, status=404)
        return web.json_response(
            {"object": "list", "data": [{"id": n, **self.about.get(n, {})} for n in self._models]}
        )

    async def _complete(self, request: web.Request) -> web.StreamResponse:
        try:
            body = json.loads(await request.read())
        except ValueError:
            body = None
        if not isinstance(body, dict):
            return refused(Refusal(400, "The body is not a JSON object."))
        problem = self._refusal(request, body)
        if problem is not None:
            self._note(request, body, f"refused:{problem.status}")
            return refused(problem)
        self.connections.add(request.transport and request.transport.get_extra_info("peername"))
        play = self.script(body, request.headers)
        self._note(request, body, f"fault:{play.kind}" if isinstance(play, Fault) else "answered")
        try:
            if self._delay_s:
                await asyncio.sleep(self._delay_s)
            return await self._play(request, body, play)
        except (asyncio.CancelledError, ConnectionError):
            self.left += 1
            self.departure.set()
            raise

    async def _play(self, request: web.Request, body: Json, play: Answer | Raw | Fault) -> web.StreamResponse:
        if isinstance(play, Fault):
            return await self._fail(request, body, play)
        if isinstance(play, Answer) and (play.plain or not body.get("stream")):
            return web.json_response(plain(body, play))
        response = await self._open(request)
        for chunk in chunks(body, play) if isinstance(play, Answer) else play.chunks:
            await self._send(response, chunk)
        if isinstance(play, Answer) or play.done:
            await response.write(b"data: [DONE]\n\n")
        return response

    async def _open(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        return response

    async def _send(self, response: web.StreamResponse, chunk: Json | str) -> None:
        data = chunk if isinstance(chunk, str) else json.dumps(chunk, ensure_ascii=False)
        await response.write(f"data: {data}\n\n".encode())

    async def _fail(self, request: web.Request, body: Json, fault: Fault) -> web.StreamResponse:
        if fault.kind == "status":
            error = error_body(fault.message, fault.code, "server_error")
            return web.json_response(error, status=fault.status, headers=fault.headers)
        if fault.kind == "not_json":
            return web.Response(text="<html>Welcome to nginx!</html>", content_type="text/html")
        if fault.kind == "hang":
            await self._closing.wait()
        response = await self._open(request)
        for _, chunk in zip(range(fault.after), chunks(body, fault.of), strict=False):
            await self._send(response, chunk)
        async for part in self._break(request, fault):
            await response.write(part)
        return response

    async def _break(self, request: web.Request, fault: Fault) -> AsyncIterator[bytes]:
        """What follows the first chunks of a stream that goes wrong; nothing for ``cut``."""
        if fault.kind == "drop" and request.transport is not None:
            request.transport.abort()
        elif fault.kind == "corrupt":
            yield b'data: {"choices": [{"delta": {"conte\n\n'
        elif fault.kind == "error":
            yield f"data: {json.dumps(error_body(fault.message, fault.code, 'server_error'))}\n\n".encode()
        elif fault.kind == "stall":
            await self._closing.wait()
        elif fault.kind == "huge":
            text = json.dumps({"choices": [{"index": 0, "delta": {"content": "x" * 2**16}}]})
            while not self._closing.is_set():
                yield f"data: {text}\n\n".encode()
        elif fault.kind == "huge_chunk":
            yield b'data: {"choices": [{"index": 0, "delta": {"content": "'
            while not self._closing.is_set():
                yield b"x" * 2**16


async def serve(options: argparse.Namespace) -> None:
    script = faulty(echo, options.faults, options.seed) if options.faults else echo
    server = OpenAIServer(
        script, port=options.port, models=None, delay_s=options.delay, transcript=options.transcript
    )
    async with server:
        print(f"listening on {server.url}", flush=True)
        await asyncio.Event().wait()


def main() -> None:
    parser = argparse.ArgumentParser(description="A fake chat-completions server on loopback.")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--faults", type=float, default=0.0, help="share of requests that meet a fault")
    parser.add_argument("--delay", type=float, default=0.0, help="seconds before each answer")
    parser.add_argument("--transcript", type=Path, help="JSON lines, appended and flushed per request")
    try:
        asyncio.run(serve(parser.parse_args()))
    except KeyboardInterrupt:
        return


if __name__ == "__main__":
    main()
