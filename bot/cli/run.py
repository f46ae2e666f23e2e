"""`everbot run`: every configured platform in one process, until it is told to stop."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import AsyncIterator, Awaitable, Collection, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from bot.app import App, Claim, open_app
from bot.backends.clock import SystemClock
from bot.backends.platforms import platforms
from bot.backends.telemetry import watching
from bot.cli import doctor, worker
from bot.cli.feeding import feeding
from bot.cli.standby import CalledOff, Standby
from bot.errors import SettingsError
from bot.health import Figures, health, health_routes
from bot.ports import Adapter, Clock, OpenPages
from bot.settings import Settings
from bot.telemetry.metrics import Metrics
from memory.errors import StoreError, StoreShared

if TYPE_CHECKING:
    from aiohttp.web import RouteDef

    from bot.web.desk.examination import Examine

log = logging.getLogger(__name__)

_NOTHING = (
    "No platform is configured: set DISCORD_BOT_TOKEN, or SLACK_BOT_TOKEN with SLACK_APP_TOKEN "
    "(see the README; `everbot chat` needs none)."
)


async def serve(settings: Settings, config: Path | None = None, roles: Collection[str] = worker.ROLES) -> int:
    """Run until SIGTERM or SIGINT. Returns the exit code: 1 when every platform refused us for good. ``roles`` are for
    several that share agents (see `bot.cli.worker`).

    Raises `StoreBusy` when another process holds the data directory, or took the database over while this one did not
    answer.
    """
    log.setLevel(logging.INFO)  # when each platform is ready is always told
    clock = SystemClock()
    adapters = platforms(settings, clock)
    if not adapters:
        raise SettingsError(_NOTHING)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        with suppress(NotImplementedError):  # Windows
            loop.add_signal_handler(number, stop.set)
    metrics = Metrics()
    works = settings.store.shared and worker.WORKER in roles
    with watching(settings, metrics) as observer:
        process = worker.Process(settings, adapters, clock, observer, stop)
        while True:
            with suppress(worker.Taken, CalledOff):
                if worker.GATEWAY in roles:
                    return await _connected(process, metrics, config, works=works)
            if not settings.store.shared or stop.is_set():
                return 0
            await worker.work(process, roles)


async def _connected(process: worker.Process, metrics: Metrics, config: Path | None, *, works: bool) -> int:
    """Be connected to the platforms, once the database is ours. Raises `bot.cli.worker.Taken` when another process is,
    with which it ``works``, `CalledOff` when it was waited for to the end."""
    settings, adapters, clock, stop = process.settings, process.adapters, process.clock, process.stop
    standby = Standby(settings.run.health, stop)

    async def busy(why: StoreError) -> None:
        if settings.store.shared and isinstance(why, StoreShared):
            raise worker.Taken
        await standby.waits(why)

    claim = Claim("run", busy, shares=settings.store.shared, works=works)
    async with (
        standby,
        open_app(settings, adapters, claim, clock=clock, observer=process.observer) as app,
    ):
        await standby.over()
        worker.heed_draining(app.runtime.cluster, stop)

        def figures() -> Awaitable[bytes]:
            return metrics.page(app.memory.store, clock.now())

        told = figures if settings.telemetry.metrics else None
        examine = partial(doctor.live, settings, config, app.memory)
        async with doors(settings, adapters, app, told, examine), app.heartbeat.timer():
            return await attend(app, adapters, clock, stop, settings.run.drain_s)


@asynccontextmanager
async def doors(
    settings: Settings, adapters: Sequence[Adapter], app: App, figures: Figures | None, examine: Examine
) -> AsyncIterator[None]:
    """Health and the web pages answer while the block runs: on one port, where both are to be on the same."""
    if settings.web.listen is None:
        async with health(settings.run.health, adapters, app.ready, figures):
            yield
        return
    from bot.web.application import serving  # templates, forms: nobody else needs them

    together = settings.web.listen == settings.run.health
    more = [*(health_routes(adapters, app.ready, figures) if together else ()), *routes(adapters)]
    async with health("" if together else settings.run.health, adapters, app.ready, figures):
        async with serving(app, settings, more, open_pages(adapters), examine):
            log.info("Memory pages: %s", settings.web.url)
            yield


def routes(adapters: Sequence[Adapter]) -> list[RouteDef]:
    """What adapters answer on the web pages' server."""
    return [route for adapter in adapters for route in getattr(adapter, "routes", ())]


def open_pages(adapters: Sequence[Adapter]) -> OpenPages | None:
    """The adapter of the web chat, if there is one."""
    return next((adapter for adapter in adapters if isinstance(adapter, OpenPages)), None)


async def attend(
    app: App, adapters: Sequence[Adapter], clock: Clock, stop: asyncio.Event, drain_s: float
) -> int:
    """Run the adapters until ``stop``: then nothing new is taken, and what runs is let end for ``drain_s``."""
    async with feeding(app, adapters, clock) as fed, asyncio.TaskGroup() as group:
        backups, stopping = group.create_task(app.backups.run()), group.create_task(stop.wait())
        await fed.until(stopping)
        if stopping.done():
            log.info("Stopping: running turns are given %.0f s.", drain_s)
        await app.mailboxes.drain(drain_s)
        for task in (backups, stopping):
            task.cancel()
    return 1 if fed.refused else 0
