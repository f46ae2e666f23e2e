"""The composition root: puts a running everbot together. What each room is made of stands in `bot.parts`; concrete
adapters, models and backends are chosen in `bot.backends`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from bot import logs
from bot.agent.window import Window
from bot.backends.clock import SystemClock
from bot.backends.media import Media
from bot.backends.memory import Embedders, Memory, open_memory
from bot.backends.models import ConfiguredModels, tell_windows
from bot.backups import Backups
from bot.data_dir import DataDir, hold
from bot.delivery.courier import SpeakerOf
from bot.delivery.elsewhere import Connected, Elsewhere
from bot.delivery.heartbeat import Heartbeat
from bot.delivery.mailboxes import Mailboxes
from bot.errors import PersonaError, SettingsError
from bot.health import Ready
from bot.mcp.connecting import Connecting
from bot.observer import Observer, Together
from bot.operations.faults import Faults
from bot.operations.loads import Loads
from bot.operations.orders import Orders
from bot.ownership.corrections import Corrections
from bot.ownership.departures import Departures
from bot.ownership.erasure import Erasure
from bot.ownership.export import Export
from bot.ownership.guests import Guests
from bot.ownership.moving_in.moving_in import MovingIn
from bot.ownership.moving_in.reflection import ImportReflection
from bot.ownership.restore import Restore
from bot.ownership.wishes import Wishes
from bot.parts.agent import AgentParts
from bot.parts.commands import commands_of
from bot.parts.delivery import DeliveryParts
from bot.parts.given import Given
from bot.parts.operations import OperationsParts
from bot.parts.ownership import OwnershipParts
from bot.parts.people import PeopleParts
from bot.parts.window import needed_window
from bot.people.identities import Identities
from bot.people.restrictions import Restrictions
from bot.personas.personas import Personas
from bot.ports import Adapter, ChatModel, Clock
from bot.reception.judging import Judging, Rules
from bot.reception.reception import Reception
from bot.runtime import Runtime
from bot.safety.crisis import Crisis
from bot.settings import Settings
from memory.ports import Busy, Single
from memory.sources import Sources
from memory.tokens import fetch_tables


@dataclass(frozen=True, kw_only=True)
class App:
    """A running everbot. ``background`` runs as long as it does."""

    memory: Memory
    runtime: Runtime
    mailboxes: Mailboxes
    inbound: Reception
    identities: Identities
    personas: Personas
    heartbeat: Heartbeat
    connecting: Connecting
    erasure: Erasure
    guests: Guests
    corrections: Corrections
    wishes: Wishes
    sources: Sources
    departures: Departures
    export: Export
    restore: Restore
    backups: Backups
    moving_in: MovingIn
    import_reflection: ImportReflection
    restrictions: Restrictions
    orders: Orders
    faults: Faults
    loads: Loads
    platforms: Mapping[str, Adapter]
    clock: Clock
    window: Window
    ready: Mapping[str, Ready]  # what is needed beside the platforms
    background: tuple[Callable[[], Coroutine[Any, Any, None]], ...]
    thinking: tuple[Callable[[], Coroutine[Any, Any, None]], ...]  # of it what a `Claim.worker` runs


@dataclass(frozen=True)
class Claim:
    """As what a process asks for the data directory and the database, and how it waits (`memory.ports.Store.alone`).
    ``shares``: agents are shared out among all processes that do so. Then it ``works`` for agents or not; a ``worker``
    leaves the platforms, and the database alone, to another, unless it is a ``gateway``, too, to those platforms that
    several may be connected to."""

    command: str
    busy: Busy | None = None
    shares: bool = False
    works: bool = True
    worker: bool = False
    gateway: bool = False


@asynccontextmanager
async def open_app(
    settings: Settings,
    adapters: Sequence[Adapter],
    command: str | Claim,
    *,
    model: ChatModel | None = None,
    clock: Clock | None = None,
    embedders: Embedders | None = None,
    speaker_of: SpeakerOf | None = None,
    observer: Observer | None = None,
) -> AsyncIterator[App]:
    """Everbot, running on the data directory while the block runs, watched by ``observer``. Tests pass their fakes in
    here.

    Raises `StoreBusy` when another process holds the directory, or has the database or took it over; a `Claim` tells
    how long to wait for a database.
    """
    claim = Claim(command) if isinstance(command, str) else command
    clock = clock or SystemClock()
    logs.quiet()
    async with AsyncExitStack() as stack:
        stack.enter_context(hold(settings.data_dir, claim.command))
        memory = await stack.enter_async_context(open_memory(settings, embedders=embedders))
        if not claim.worker:
            await stack.enter_async_context(memory.store.alone(claim.command, claim.busy))
        models = ConfiguredModels(settings, clock, model)
        stack.push_async_callback(models.aclose)
        media = Media(settings, clock)
        stack.push_async_callback(media.aclose)
        faults = Faults(memory.store, clock)
        watching = Together((observer, faults)) if observer else faults
        cluster = memory.store.cluster(claim.command, works=claim.works) if claim.shares else Single()
        runtime = Runtime(memory.store, memory.indexer, clock, observer=watching, cluster=cluster)
        if claim.worker:
            adapters = [
                adapter if claim.gateway and adapter.several else Elsewhere(adapter, cluster)
                for adapter in adapters
            ]
        given = Given(
            settings=settings,
            memory=memory,
            models=models,
            media=media,
            runtime=runtime,
            faults=faults,
            platforms={adapter.platform: adapter for adapter in adapters},
            speaker_of=speaker_of,
        )
        app = _assemble(given)
        if not claim.worker:
            await _check_default(app, settings)
        await app.restrictions.load()
        async with memory.store.read() as session:
            await app.window.recall(session)
        async with asyncio.TaskGroup() as group:
            background = app.thinking if claim.worker else app.background
            tasks = [group.create_task(run()) for run in background]
            if settings.model.kind == "openai":
                # For the next start: this one goes on with what it has.
                group.create_task(fetch_tables(settings.model.name, DataDir(settings.data_dir).token_tables))
                if model is None:
                    tasks.append(group.create_task(tell_windows(settings, clock, needed_window(settings))))
            try:
                async with app.mailboxes.run():
                    yield app
            finally:
                for task in tasks:
                    task.cancel()


async def rehearse(settings: Settings, memory: Memory) -> None:
    """Put everything together as `open_app` does, on memory that is open, and run nothing of it. Raises
    `SettingsError` for what `open_app` would refuse."""
    clock = SystemClock()
    models = ConfiguredModels(settings, clock)
    try:
        given = Given(
            settings=settings,
            memory=memory,
            models=models,
            media=Media(settings, clock),
            runtime=Runtime(memory.store, memory.indexer, clock),
            faults=Faults(memory.store, clock),
            platforms={},
        )
        await _check_default(_assemble(given), settings)
    finally:
        await models.aclose()


def _assemble(given: Given) -> App:
    """Every part, after those that it stands on."""
    people = PeopleParts.of(given)
    agent = AgentParts.of(given, people)
    delivery = DeliveryParts.of(given, people, agent)
    ownership = OwnershipParts.of(given, people, agent, delivery)
    operations = OperationsParts.of(given, people, agent, delivery)
    memory, runtime, rights = given.memory, given.runtime, ownership.rights
    reception = Reception(
        runtime,
        people.access,
        people.identities,
        Judging(runtime, rights.erasure, _rules(given, people)),
        commands_of(given, people, agent, ownership),
        rights,
        delivery.mailboxes,
        delivery.heartbeat,
    )
    thinking = (runtime.cluster.run, agent.outside.servers.run, memory.indexer.foresee, given.faults.run)
    return App(
        memory=memory,
        runtime=runtime,
        mailboxes=delivery.mailboxes,
        inbound=reception,
        identities=people.identities,
        personas=people.personas,
        heartbeat=delivery.heartbeat,
        connecting=agent.outside.connecting,
        erasure=rights.erasure,
        guests=ownership.guests,
        corrections=ownership.corrections,
        wishes=ownership.wishes,
        sources=agent.sources,
        departures=rights.departures,
        export=ownership.export,
        restore=ownership.restore,
        backups=operations.backups,
        moving_in=ownership.moving_in,
        import_reflection=ownership.import_reflection,
        restrictions=people.restrictions,
        orders=operations.orders,
        faults=given.faults,
        loads=operations.loads,
        platforms=given.platforms,
        clock=runtime.clock,
        window=agent.window,
        ready={"model": given.models.default.ready},
        background=(
            *thinking,
            memory.store.kept,
            Connected(given.platforms, runtime.cluster).run,
            agent.courier.run,
            memory.indexer.run,
            rights.erasure.run,
            ownership.guests.run,
            rights.departures.run,
            operations.orders.run,
            operations.loads.run,
        ),
        thinking=(*thinking, people.restrictions.run),
    )


def _rules(given: Given, people: PeopleParts) -> Rules:
    safety = given.settings.safety
    return Rules(
        events=given.settings.events,
        masking=given.masking,
        refusing=given.refusing,
        adults=people.adults,
        crisis=Crisis(safety.crisis, safety.crisis_region or "", safety.crisis_lines),
    )


async def _check_default(app: App, settings: Settings) -> None:
    """Whoever comes first must meet someone."""
    name = settings.personas.default
    async with app.memory.store.read() as session:
        known = await session.personas.named(name)
    if known is not None and known.retired:
        raise SettingsError(f"personas.default: the persona {name!r} was deleted; name another.")
    if known is None:
        try:
            await app.identities.check(name)
        except PersonaError as error:
            raise SettingsError(f"personas.default: {error}") from None
