"""`/healthz`, `/readyz` and `/metrics` on a local port, for whoever watches over the process; and how a port is
listened on."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from bot.errors import SettingsError
from bot.ports import Adapter
from bot.settings import address
from memory.errors import StoreError

if TYPE_CHECKING:
    from aiohttp import web

Ready = Callable[[], str | None]
"""None when it is ready; else what is missing, in a few words."""


Figures = Callable[[], Awaitable[bytes]]
"""Metrics in Prometheus' text format, as they are now."""

_FIGURES = "text/plain; version=0.0.4; charset=utf-8"
_BACKLOG = 1_024  # connections that may wait to be taken: half-open ones keep no watcher out


@asynccontextmanager
async def health(
    listen: str,
    adapters: Sequence[Adapter],
    also: Mapping[str, Ready] | None = None,
    figures: Figures | None = None,
) -> AsyncIterator[None]:
    """Answer `health_routes` on ``host:port`` while the block runs; nowhere when ``listen`` is empty."""
    if not listen:
        yield
        return
    from aiohttp import web  # a tenth of all that is imported, and `everbot chat` needs none of it

    app = web.Application()
    app.add_routes(health_routes(adapters, also, figures))
    async with listening(app, listen, "run.health"):
        yield


def health_routes(
    adapters: Sequence[Adapter],
    also: Mapping[str, Ready] | None = None,
    figures: Figures | None = None,
) -> Sequence[web.RouteDef]:
    """``/healthz`` is 200 while the process lives. ``/readyz`` is 200 when every adapter really hears its platform, and
    whatever is ``also`` needed is ready, else 503; its body names each. ``/metrics`` gives the ``figures``."""
    from aiohttp import web

    asked: dict[str, Ready] = {adapter.platform: adapter.ready for adapter in adapters} | dict(also or {})

    async def healthz(_: web.Request) -> web.Response:
        return web.json_response({"status": "alive"})

    async def readyz(_: web.Request) -> web.Response:
        missing = {name: ready() for name, ready in asked.items()}
        status = 503 if any(missing.values()) else 200
        return web.json_response({name: why or "ready" for name, why in missing.items()}, status=status)

    async def metrics(_: web.Request) -> web.Response:
        assert figures is not None
        try:
            page = await figures()
        except StoreError as error:
            raise web.HTTPServiceUnavailable(text=str(error)) from None
        return web.Response(body=page, headers={"Content-Type": _FIGURES})

    routes = [web.get("/healthz", healthz), web.get("/readyz", readyz)]
    return [*routes, web.get("/metrics", metrics)] if figures is not None else routes


@asynccontextmanager
async def listening(app: web.Application, listen: str, setting: str) -> AsyncIterator[None]:
    """Serve it on ``host:port`` while the block runs. Raises `SettingsError`, which names the setting, where that
    cannot be listened on."""
    from aiohttp import web

    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        host, port = address(listen, setting)
        try:
            await web.TCPSite(runner, host, port, backlog=_BACKLOG).start()
        except OSError as error:
            raise SettingsError(f"{setting}: {listen} cannot be listened on ({error.strerror}).") from None
        yield
    finally:
        await runner.cleanup()
