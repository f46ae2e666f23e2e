"""The composition root: puts a running everbot together. Concrete adapters, models and backends are chosen in
`bot.backends`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from importlib.metadata import version
from itertools import chain
from typing import Any

from bot import logs
from bot.agent.asking import Asking
from bot.agent.commit import Commit
from bot.agent.desks import Bounds, Desks
from bot.agent.eviction import Eviction
from bot.agent.forgetting import Forgetting
from bot.agent.forms import Forms
from bot.agent.loop import AgentLoop, Limits
from bot.agent.meter import Meter
from bot.agent.queue_manager import QueueManager
from bot.agent.tools import correcting, messaging
from bot.agent.tools import memory as memory_tools
from bot.agent.tools import time as time_tools
from bot.agent.tools.custom import custom_tools
from bot.agent.tools.executor import Executor
from bot.agent.tools.registry import Registry, Tool
from bot.agent.undo import Undo
from bot.agent.window import LEAST_ROOM, Window
from bot.backends.clock import SystemClock
from bot.backends.memory import Embedders, Memory, open_memory
from bot.backends.models import ConfiguredModels, least_window, tell_windows
from bot.commands.heartbeat import HeartbeatCommands
from bot.commands.linking import LinkCommands
from bot.commands.memory import MemoryCommands
from bot.commands.personas import PersonaCommands
from bot.commands.rights import RightsCommands
from bot.commands.table import Commands
from bot.commands.terminal import TerminalCommands
from bot.commands.why import WhyCommands
from bot.data_dir import DataDir, hold
from bot.delivery.arrivals import Arrivals
from bot.delivery.courier import Courier, SpeakerOf
from bot.delivery.documents import BOUNDS, Documents
from bot.delivery.heartbeat import Heartbeat
from bot.delivery.mailboxes import Mailboxes
from bot.delivery.news import News
from bot.delivery.reminders import Reminders
from bot.delivery.turns import Turns
from bot.errors import PersonaError, SettingsError
from bot.health import Ready
from bot.ownership.accounts import Accounts
from bot.ownership.amendments import Amendments
from bot.ownership.departures import Departures
from bot.ownership.erasure import Erasure
from bot.ownership.export import Export
from bot.ownership.restore import Restore
from bot.ownership.rights import Rights
from bot.people.access import Access
from bot.people.allowance import Allowance
from bot.people.beats import Beats
from bot.people.identities import Identities
from bot.people.pace import Pace
from bot.people.roles import Roles
from bot.personas.faces import Faces
from bot.personas.personas import Personas
from bot.ports import Adapter, ChatModel, Clock, Form
from bot.reception import Reception
from bot.runtime import Runtime
from bot.settings import Settings
from memory.associative import Associative
from memory.documents.reader import Reader
from memory.ports import TokenCounter
from memory.sources import Sources
from memory.tokens import Calibrated, Estimator, fetch_tables

TOOL_GROUPS: tuple[Sequence[Tool], ...] = (
    messaging.TOOLS,
    memory_tools.TOOLS,
    correcting.TOOLS,
    time_tools.TOOLS,
    memory_tools.LEAN_TOOLS,
)


@dataclass(frozen=True, kw_only=True)
class App:
    """A running everbot. ``background`` runs as long as it does."""

    memory: Memory
    mailboxes: Mailboxes
    inbound: Reception
    identities: Identities
    personas: Personas
    heartbeat: Heartbeat
    erasure: Erasure
    departures: Departures
    export: Export
    restore: Restore
    clock: Clock
    window: Window
    ready: Mapping[str, Ready]  # what is needed beside the platforms
    background: tuple[Callable[[], Coroutine[Any, Any, None]], ...]


@asynccontextmanager
async def open_app(
    settings: Settings,
    adapters: Sequence[Adapter],
    command: str,
    *,
    model: ChatModel | None = None,
    clock: Clock | None = None,
    embedders: Embedders | None = None,
    speaker_of: SpeakerOf | None = None,
) -> AsyncIterator[App]:
    """Everbot, running on the data directory while the block runs. Tests pass their fakes in here.

    Raises `StoreBusy` when another process holds the directory.
    """
    clock = clock or SystemClock()
    logs.quiet()
    async with AsyncExitStack() as stack:
        stack.enter_context(hold(settings.data_dir, command))
        memory = await stack.enter_async_context(open_memory(settings, embedders=embedders))
        models = ConfiguredModels(settings, clock, model)
        stack.push_async_callback(models.aclose)
        app = _assemble(settings, memory, models, clock, adapters, speaker_of)
        await _check_default(app, settings)
        async with memory.store.read() as session:
            await app.window.recall(session)
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(run()) for run in app.background]
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
        app = _assemble(settings, memory, models, clock, (), None)
        await _check_default(app, settings)
    finally:
        await models.aclose()


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


def _assemble(
    settings: Settings,
    memory: Memory,
    models: ConfiguredModels,
    clock: Clock,
    adapters: Sequence[Adapter],
    speaker_of: SpeakerOf | None,
) -> App:
    """Every part, after those that it stands on."""
    runtime = Runtime(memory.store, memory.indexer, clock)
    platforms = {adapter.platform: adapter for adapter in adapters}
    files = DataDir(settings.data_dir)

    # Who there is, and what they may
    personas = Personas(clock, settings.personas.default, settings.agent.block_limit)
    identities = Identities(runtime, personas, settings.agent)
    allowance = Allowance(runtime, settings.limits)
    pace = Pace(clock, allowance, settings.limits)
    access = Access(runtime, pace, settings.access, platforms)
    beats = Beats(settings.heartbeat)

    # What thinks
    registry = _registry(settings)
    forms = Forms(registry, models.all_forms(), settings.agent.max_steps)
    window = _window(settings, memory, forms.always)
    forms.fit(window)
    associative = Associative(runtime.store, runtime.indexer, window.count, settings.memory.surface_tokens)
    alerts = settings.events.memory_pressure and Form.FULL in models.all_forms()
    queues = QueueManager(runtime.store, window, clock, associative, alerts=alerts, steady=models.are_local())
    courier = Courier(
        runtime, platforms, speaker_of or Faces(runtime.store, personas.default).of, access.may_post
    )
    executor = Executor(
        registry, window.count, window.fit, settings.agent.max_calls, settings.agent.tool_timeout_s
    )
    sources = Sources(runtime.store, memory.recall, memory.archival)
    desks = Desks(
        runtime,
        memory.recall,
        memory.archival,
        personas,
        window,
        platforms,
        Bounds(
            page_size=settings.agent.page_size,
            wishes=settings.limits.reminders,
            posts=settings.agent.max_posts,
        ),
        frozenset(tool.name for tool in registry.custom),
    )
    forgetting = Forgetting(runtime, queues)
    commit = Commit(runtime.store, queues, courier.wake, forgetting)
    meter = Meter(allowance, window)
    eviction = Eviction(runtime.store, window, clock)
    asking = Asking(models, queues, eviction, forms, settings.model.reserve, meter)
    loop = AgentLoop(asking, queues, executor, desks, commit, _limits(settings))

    # From inbox to outbox
    expire = timedelta(hours=settings.agent.expire_hours)
    turns = Turns(runtime, loop, queues, identities, courier, access, beats, expire)
    arrivals = Arrivals(beats, clock, settings.events)
    documents = Documents(runtime.store, Reader(BOUNDS))
    mailboxes = Mailboxes(runtime, turns, arrivals, documents, queues, courier, platforms, settings.agent)
    reminders = Reminders(
        runtime, mailboxes, identities, access, platforms, settings.limits.reminders_per_day
    )
    heartbeat = Heartbeat(
        runtime,
        mailboxes,
        identities,
        beats,
        News(runtime.store, memory.archival, window),
        access,
        reminders,
        platforms,
    )

    # What people may do with what is held of them
    keep_days = settings.privacy.keep_messages_days
    erasure = Erasure(runtime, mailboxes, identities, queues, allowance, files, keep_days, forgetting)
    rights = Rights(
        erasure,
        Amendments(runtime, queues, mailboxes, erasure),
        Departures(runtime, queues, settings.personas),
        Accounts(runtime, mailboxes, identities, allowance),
    )
    export = Export(runtime.store, clock, version("everbot"))
    restore = Restore(runtime, personas, queues)

    undo = Undo(runtime, queues, allowance)
    commands = Commands(
        (
            MemoryCommands(runtime, undo, memory.archival),
            WhyCommands(runtime, sources),
            RightsCommands(runtime, export, files.exports),
            PersonaCommands(runtime, personas, Roles(settings.access)),
            LinkCommands(runtime),
            HeartbeatCommands(runtime, beats, identities),
            TerminalCommands(runtime, queues, undo, export, files.saves),
        ),
        Roles(settings.access),
    )
    reception = Reception(
        runtime, mailboxes, identities, access, commands, rights, heartbeat, settings.events
    )
    return App(
        memory=memory,
        mailboxes=mailboxes,
        inbound=reception,
        identities=identities,
        personas=personas,
        heartbeat=heartbeat,
        erasure=erasure,
        departures=rights.departures,
        export=export,
        restore=restore,
        clock=clock,
        window=window,
        ready={"model": models.default.ready},
        background=(
            courier.run,
            memory.indexer.run,
            memory.indexer.foresee,
            erasure.run,
            rights.departures.run,
        ),
    )


def _window(settings: Settings, memory: Memory, always: Sequence[str]) -> Window:
    """The room that the model's window has beside what is ``always`` in it. Raises `SettingsError` when there is
    none."""
    model = settings.model
    fixed = _fixed(settings, memory.counter, always)
    window = least_window(settings)
    room = window - model.reserve
    if room < fixed + LEAST_ROOM:
        raise SettingsError(
            f"model.context_window {window} is too small: instructions, tools and core memory "
            f"take {fixed} tokens, the reply {model.reserve} (model.reply_reserve), and "
            f"{LEAST_ROOM} are needed for the conversation."
        )
    return Window(Calibrated(memory.counter), room, fixed, model.name)


def needed_window(settings: Settings) -> int:
    """About the least window that a model needs, in tokens. Raises `SettingsError` for tools that cannot be."""
    always = Forms(_registry(settings), ConfiguredModels(settings, SystemClock()).all_forms(), 0).always
    room = _fixed(settings, Estimator(), always) + LEAST_ROOM
    return room + settings.model.reserve_of(room * 8 // 7)


def _fixed(settings: Settings, counter: TokenCounter, always: Sequence[str]) -> int:
    """Tokens of every request: what is ``always`` in it, and core memory."""
    return sum(map(counter.count, always)) + settings.agent.block_limit // 2


def _registry(settings: Settings) -> Registry:
    return Registry([*chain(*TOOL_GROUPS), *custom_tools(settings.agent.tools)])


def _limits(settings: Settings) -> Limits:
    return Limits(
        steps=settings.agent.max_steps,
        quiet_steps=settings.heartbeat.max_steps,
    )
