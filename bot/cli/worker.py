"""One of several `everbot run` that share a database, while another one leads: it thinks for its share of all agents,
or is connected to platforms beside the others, or both."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from bot.app import App, Claim, open_app
from bot.backends.store import open_store
from bot.cli.feeding import feeding
from bot.errors import SettingsError
from bot.health import health
from bot.observer import Observer
from bot.ports import Adapter, Clock
from bot.settings import Settings
from memory.errors import StoreError
from memory.ports import Cluster, Store

log = logging.getLogger(__name__)

GATEWAY, WORKER = "gateway", "worker"
ROLES = (GATEWAY, WORKER)
_LOOK_S = 0.5
_TOLD_S = 10.0
_DRAIN = "drain"  # what processes tell each other
_SHARED = (
    "several that share a PostgreSQL database (store.url), where store.workers is not false (docs/scale.md)."
)
_ALONE = f"--roles: one process does everything; roles are for {_SHARED}"
_NOT_SHARED = f"%s is for processes that share agents: {_SHARED}"
_NOBODY = "There is no process {!r}{}: `everbot workers` lists them."


class Taken(Exception):
    """Another process leads already."""


def roles_of(settings: Settings, text: str) -> frozenset[str]:
    """``gateway,worker`` and the like. Raises `SettingsError`."""
    roles = frozenset(name.strip() for name in text.split(",") if name.strip())
    if unknown := roles - set(ROLES):
        raise SettingsError(f"--roles: there is no role {min(unknown)!r}; there are {' and '.join(ROLES)}.")
    if not roles:
        raise SettingsError(f"--roles: name one at least: {' or '.join(ROLES)}.")
    if roles != set(ROLES) and not settings.store.shared:
        raise SettingsError(_ALONE)
    return roles


@dataclass(frozen=True)
class Process:
    """What `everbot run` is made of, whatever it does at present. ``stop``: it is to end."""

    settings: Settings
    adapters: Sequence[Adapter]
    clock: Clock
    observer: Observer
    stop: asyncio.Event


async def work(process: Process, roles: Collection[str]) -> None:
    """Think for a share of the agents, as a worker, and be connected to those platforms that take several, as a
    gateway; until it is to stop, or nobody leads any more and a gateway has to."""
    settings, stop = process.settings, process.stop
    gateway = GATEWAY in roles
    claim = Claim("run", shares=True, works=WORKER in roles, worker=True, gateway=gateway)
    opened = open_app(settings, process.adapters, claim, clock=process.clock, observer=process.observer)
    connected = [each for each in process.adapters if gateway and each.several]
    async with (
        opened as app,
        health(settings.run.health, connected, app.ready),
        feeding(app, connected, process.clock),
    ):
        heed_draining(app.runtime.cluster, stop)
        log.info(
            "Another process leads; this one is %s.", " and ".join(role for role in ROLES if role in roles)
        )
        await _watch(app, stop, to_the_end=not gateway)
        if stop.is_set():
            await app.mailboxes.drain(settings.run.drain_s)


async def _watch(app: App, stop: asyncio.Event, *, to_the_end: bool) -> None:
    while not stop.is_set():
        with suppress(TimeoutError):
            async with asyncio.timeout(_LOOK_S):
                await stop.wait()
        if to_the_end:
            continue
        with suppress(StoreError):
            if not any(each.works for each in await app.memory.store.holders()):
                return


def heed_draining(cluster: Cluster, stop: asyncio.Event) -> None:
    """End, as for SIGTERM, when this process is to be drained."""

    def drained(name: str) -> None:
        if name == cluster.name or (name and cluster.name.endswith(f" {name}")):
            stop.set()

    cluster.hear(_DRAIN, drained)


async def drain(settings: Settings, name: str) -> None:
    """Have a process end its turns, and itself. Raises `SettingsError`."""
    async with _taking_part(settings, "--drain") as (store, cluster):
        known = [each.name.partition(" (")[0] for each in await store.holders()]
        _named(name, known)
        cluster.tell(_DRAIN, name=name)
        async with asyncio.timeout(_TOLD_S):
            await cluster.told()


async def move(settings: Settings, number: int, name: str) -> None:
    """Have a process think for so many shares of the agents more. Raises `SettingsError`."""
    async with _taking_part(settings, "--move") as (_, cluster):
        have = await cluster.shares()
        if number < 1 or not name:
            raise SettingsError("--move: say how many shares, 1 or more, and --to which process.")
        full = _named(name, have, " that thinks")
        most = sum(have.values()) - have[full]
        if number > most:
            raise SettingsError(
                f"--move: {full} has {have[full]} shares, and all others {most}: no more can be moved."
            )
        await cluster.move(full, number)


async def even_out(settings: Settings) -> None:
    """Have all that think do so for as many shares. Raises `SettingsError`."""
    async with _taking_part(settings, "--even") as (_, cluster):
        await cluster.even_out()


def _named(name: str, known: Collection[str], which: str = "") -> str:
    """The whole name of a process. Raises `SettingsError`."""
    found = [each for each in known if each == name or each.endswith(f" {name}")]
    if not found:
        raise SettingsError(_NOBODY.format(name, which))
    return found[0]


@asynccontextmanager
async def _taking_part(settings: Settings, option: str) -> AsyncIterator[tuple[Store, Cluster]]:
    """Beside those that share the work. Raises `SettingsError` where nobody does."""
    if not settings.store.shared:
        raise SettingsError(_NOT_SHARED % option)
    store = await open_store(settings)
    failure: SettingsError | None = None
    try:
        cluster = store.cluster("workers", works=False)
        async with asyncio.TaskGroup() as group:
            part = group.create_task(cluster.run())
            try:
                async with cluster.still(()):  # it is connected
                    yield store, cluster
            except SettingsError as error:
                failure = error  # raised as it is, not in the group's wrapping
            part.cancel()
    finally:
        await store.close()
    if failure is not None:
        raise failure
