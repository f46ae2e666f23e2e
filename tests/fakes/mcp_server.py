"""A server of tools, made with the SDK: over HTTP in this process, or as a program over its pipes.

``async with serving(server) as url:`` serves an `MCPServer` on loopback. Run as a program it is `told_at`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from mcp.server.mcpserver import Context, MCPServer
from mcp.types import ToolAnnotations


@dataclass
class Told:
    """What the server was asked: (tool, arguments, key of the step), and with which tokens."""

    calls: list[tuple[str, dict[str, Any], str]] = field(default_factory=list)
    tokens: set[str] = field(default_factory=set)
    accepted: set[str] | None = None  # None: whatever comes
    says: str = "Sunny."
    hold: asyncio.Event | None = None
    down: bool = False
    called: asyncio.Event = field(default_factory=asyncio.Event)


def calendar(told: Told, more: int = 0) -> MCPServer:
    """With a tool that reads, one that says of itself that it destroys, and ``more`` that do nothing."""
    server = MCPServer("calendar")

    def note(context: Context, tool: str, **arguments: Any) -> None:
        meta = context.request_context.meta or {}
        key = (
            meta.get("everbot/step-key")
            if isinstance(meta, dict)
            else getattr(meta, "everbot/step-key", None)
        )
        told.calls.append((tool, arguments, str(key)))
        told.called.set()

    @server.tool(description="The weather of a city.")
    async def weather(city: str, context: Context) -> str:
        note(context, "weather", city=city)
        if told.hold is not None:
            await told.hold.wait()
        return told.says

    @server.tool(description="Delete an appointment.", annotations=ToolAnnotations(destructive_hint=True))
    async def delete_event(title: str, context: Context, tags: list[str] | None = None) -> str:
        note(context, "delete_event", title=title)
        return f"Deleted {title}."

    @server.tool(description="Fails.")
    async def broken(context: Context) -> str:
        raise ValueError("The calendar is full.")

    for number in range(more):
        server.add_tool(_idle(number), name=f"idle_{number}", description=f"Does nothing, in way {number}.")
    return server


def _idle(number: int) -> Callable[[], str]:
    def idle() -> str:
        return f"Nothing {number}."

    return idle


@asynccontextmanager
async def serving(server: MCPServer, told: Told) -> AsyncIterator[str]:
    """Its address."""
    app = server.streamable_http_app(json_response=True, stateless_http=True, host="127.0.0.1")
    async with app.router.lifespan_context(app):

        async def handle(request: web.Request) -> web.StreamResponse:
            token = request.headers.get("Authorization", "").removeprefix("Bearer ")
            told.tokens.add(token)
            if told.down:
                return web.Response(status=503)
            if told.accepted is not None and token not in told.accepted:
                return web.Response(status=401)
            return await through(app, request)

        site = web.Application()
        site.router.add_route("*", "/{path:.*}", handle)
        runner = web.AppRunner(site)
        await runner.setup()
        try:
            listener = web.TCPSite(runner, "127.0.0.1", 0)
            await listener.start()
            assert runner.addresses
            host, port = runner.addresses[0][:2]
            yield f"http://{host}:{port}/mcp"
        finally:
            await runner.cleanup()


async def through(app: Any, request: web.Request) -> web.StreamResponse:
    """An ASGI application's answer to one request."""
    body = await request.read()
    sent = web.StreamResponse()
    asked = False

    async def receive() -> dict[str, Any]:
        nonlocal asked
        if asked:
            await asyncio.Event().wait()  # the client stays
        asked = True
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(event: dict[str, Any]) -> None:
        if event["type"] == "http.response.start":
            sent.set_status(event["status"])
            for name, value in event["headers"]:
                sent.headers.add(name.decode(), value.decode())
            await sent.prepare(request)
        elif event.get("body"):
            await sent.write(event["body"])

    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": "http",
        "path": request.path,
        "raw_path": request.path.encode(),
        "query_string": request.query_string.encode(),
        "root_path": "",
        "headers": [(name.lower().encode(), value.encode()) for name, value in request.headers.items()],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 1),
    }
    await app(scope, receive, send)
    await sent.write_eof()
    return sent


if __name__ == "__main__":
    calendar(Told()).run()
