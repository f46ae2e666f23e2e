"""A small embeddings endpoint on loopback, with faults on demand."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

DIMENSIONS = 64


@dataclass
class EmbeddingsServer:
    """``fault`` is how the next requests go wrong: an HTTP status, or a name that `_broken` knows."""

    url: str = ""
    fault: int | str | None = None
    dimensions: int = DIMENSIONS
    bodies: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        self.bodies.append(body)
        self.keys.append(request.headers.get("Authorization", ""))
        if isinstance(self.fault, int):
            return web.json_response({"error": {"message": "no such luck"}}, status=self.fault)
        data = [
            {"object": "embedding", "index": i, "embedding": vector(text, self.dimensions)}
            for i, text in enumerate(body["input"])
        ]
        data.reverse()  # the protocol orders by index, not by place
        if self.fault is not None:
            return await self._broken(request, data)
        return web.json_response({"object": "list", "model": body["model"], "data": data})

    async def _broken(self, request: web.Request, data: list[dict[str, Any]]) -> web.StreamResponse:
        match self.fault:
            case "dropped":
                assert request.transport is not None
                request.transport.abort()
                return web.Response()
            case "cut":
                response = web.StreamResponse(headers={"Content-Length": "1000"})
                await response.prepare(request)
                await response.write(b'{"data": [')
                assert request.transport is not None
                request.transport.abort()
                return response
            case "silent":
                await asyncio.Event().wait()
            case "once":
                self.fault = None
                return web.Response(status=503, headers={"retry-after-ms": "1"})
            case "garbage":
                return web.Response(text='{"data": [', content_type="application/json")
            case "page":
                return web.Response(text="<h1>Welcome</h1>", content_type="text/html")
            case "no data":
                return web.json_response({"error": "but with status 200"})
            case "one short":
                return web.json_response({"data": data[:-1]})
            case "null":
                return web.json_response({"data": [{**item, "embedding": None} for item in data]})
            case "zeros":
                rows = [{**item, "embedding": [0.0] * self.dimensions} for item in data]
                return web.json_response({"data": rows})
            case "ragged":
                rows = [{**item, "embedding": [1.0] * (2 + item["index"])} for item in data]
                return web.json_response({"data": rows})
        raise ValueError(f"no such fault: {self.fault}")


def vector(text: str, dimensions: int) -> list[float]:
    """A bag of hashed words, not of unit length: texts that share words are near each other."""
    values = [0.01] * dimensions
    for word in text.lower().split():
        digest = hashlib.sha256(word.strip(".,?!").encode()).digest()
        values[int.from_bytes(digest[:4]) % dimensions] += 3.0
    return values


@asynccontextmanager
async def embeddings_server() -> AsyncIterator[EmbeddingsServer]:
    server = EmbeddingsServer()
    app = web.Application(client_max_size=64 * 2**20)
    app.router.add_post("/v1/embeddings", server.answer)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=1.0)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        server.url = f"http://{host}:{port}/v1"
        yield server
    finally:
        await runner.cleanup()
