"""The composition root: puts a running everbot together. Concrete adapters, models and backends are chosen in
`bot.backends`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
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
from bot.agent.tools import correcting, manners, messaging, sending
from bot.agent.tools import memory as memory_tools
from bot.agent.tools import time as time_tools
from bot.agent.tools.custom import custom_tools
from bot.agent.tools.executor import Executor
from bot.agent.tools.registry import Registry, Tool
from bot.agent.undo import Undo
from bot.agent.window import LEAST_ROOM, Window
from bot.backends.clock import SystemClock
from bot.backends.media import Media
from bot.backends.memory import Embedders, Memory, open_memory
from bot.backends.models import ConfiguredModels, least_window, tell_windows
from bot.backups import Backups, folder_of
from bot.commands.allow import AllowCommands
from bot.commands.connect import ConnectCommands
from bot.commands.heartbeat import HeartbeatCommands
from bot.commands.language import LanguageCommands
from bot.commands.linking import LinkCommands
from bot.commands.memory import MemoryCommands
from bot.commands.personas import PersonaCommands
from bot.commands.programs import ProgramKeys
from bot.commands.report import ReportCommands
from bot.commands.rights import RightsCommands
from bot.commands.rooms import RoomCommands
from bot.commands.scheduled import ScheduledCommands
from bot.commands.table import Commands
from bot.commands.terminal import TerminalCommands
from bot.commands.web import WebPage
from bot.commands.why import WhyCommands
from bot.data_dir import DataDir, hold
from bot.delivery.arrivals import Arrivals
from bot.delivery.beginning import Beginning
from bot.delivery.courier import Courier, SpeakerOf
from bot.delivery.documents import BOUNDS, Documents
from bot.delivery.elsewhere import Connected, Elsewhere
from bot.delivery.heartbeat import Heartbeat
from bot.delivery.keeping import Keeping
from bot.delivery.mailboxes import Mailboxes
from bot.delivery.news import News
from bot.delivery.reminders import Reminders
from bot.delivery.senses import Senses
from bot.delivery.turns import Turns
from bot.errors import PersonaError, SettingsError
from bot.health import Ready
from bot.mcp.connecting import Connecting
from bot.mcp.oauth import CALLBACK
from bot.mcp.sealing import Seal
from bot.mcp.servers import Servers
from bot.mcp.toolbox import Toolbox
from bot.mcp.vault import CredentialVault
from bot.observer import Observer, Surfaced, Together
from bot.operations.faults import Faults
from bot.operations.loads import Loads
from bot.operations.orders import Orders
from bot.ownership.accounts import Accounts
from bot.ownership.amendments import Amendments
from bot.ownership.corrections import Corrections
from bot.ownership.departures import Departures
from bot.ownership.erasure import Erasure
from bot.ownership.export import Export
from bot.ownership.guests import Guests
from bot.ownership.moving_in.formats import talks_elsewhere
from bot.ownership.moving_in.moving_in import MovingIn
from bot.ownership.moving_in.reflection import ImportReflection
from bot.ownership.restore import Restore
from bot.ownership.rights import Rights
from bot.ownership.wishes import Wishes
from bot.people.access import Access
from bot.people.adults import Adults
from bot.people.allowance import Allowance
from bot.people.beats import Beats
from bot.people.identities import Identities
from bot.people.pace import Pace
from bot.people.paid_media import PaidMedia
from bot.people.prices import Prices
from bot.people.restrictions import Restrictions
from bot.people.roles import Roles
from bot.people.room_memory import RoomMemory
from bot.people.rooms import Rooms
from bot.personas.faces import Faces
from bot.personas.personas import Personas
from bot.ports import Adapter, ChatModel, Clock, Form
from bot.reception import Reception, Rules
from bot.runtime import Runtime
from bot.safety.crisis import Crisis
from bot.safety.masking import Masking
from bot.safety.refusing import Refusing
from bot.safety.writing import Writing
from bot.settings import Settings
from memory.associative import Associative
from memory.documents.reader import Reader
from memory.extras import how_to_have, lacks
from memory.ports import Busy, Single, TokenCounter
from memory.sources import Sources
from memory.tokens import Calibrated, Estimator, fetch_tables

_OF_FREE = 6
"""The part of the room beside the instructions that servers' tools may take; more of them are found by search."""
TOOL_GROUPS: tuple[Sequence[Tool], ...] = (
    messaging.TOOLS,
    sending.TOOLS,
    manners.TOOLS,
    memory_tools.TOOLS,
    correcting.TOOLS,
    time_tools.TOOLS,
    memory_tools.LEAN_TOOLS,
    correcting.LEAN_TOOLS,
)


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
    Where agents are shared out among processes: ``works`` for agents; a ``worker`` does nothing else, and leaves the
    platforms, and the database alone, to another."""

    command: str
    busy: Busy | None = None
    works: bool = True
    worker: bool = False


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
        shared = settings.store.workers
        cluster = memory.store.cluster(claim.command, works=claim.works) if shared else Single()
        runtime = Runtime(memory.store, memory.indexer, clock, observer=watching, cluster=cluster)
        if claim.worker:
            adapters = [Elsewhere(adapter, cluster) for adapter in adapters]
        app = _assemble(settings, memory, models, media, runtime, adapters, speaker_of, faults)
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
        runtime = Runtime(memory.store, memory.indexer, clock)
        faults = Faults(memory.store, clock)
        app = _assemble(settings, memory, models, Media(settings, clock), runtime, (), None, faults)
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


@dataclass(frozen=True, kw_only=True)
class _Given:
    """What every part may be made of."""

    settings: Settings
    memory: Memory
    models: ConfiguredModels
    runtime: Runtime
    platforms: Mapping[str, Adapter]
    files: DataDir
    media: Media
    masking: Masking
    refusing: Refusing


@dataclass(frozen=True, kw_only=True)
class _People:
    """Who there is, and what they may."""

    personas: Personas
    identities: Identities
    allowance: Allowance
    media: PaidMedia
    access: Access
    beats: Beats
    restrictions: Restrictions
    adults: Adults


@dataclass(frozen=True, kw_only=True)
class _Agent:
    """What thinks, and the courier, which posts what it says."""

    window: Window
    servers: Servers
    connecting: Connecting
    queues: QueueManager
    sources: Sources
    forgetting: Forgetting
    courier: Courier
    loop: AgentLoop


@dataclass(frozen=True, kw_only=True)
class _Delivery:
    """From inbox to outbox."""

    mailboxes: Mailboxes
    heartbeat: Heartbeat


@dataclass(frozen=True, kw_only=True)
class _Ownership:
    """What people may do with what is held of them."""

    rights: Rights
    corrections: Corrections
    wishes: Wishes
    export: Export
    restore: Restore
    moving_in: MovingIn
    import_reflection: ImportReflection


def _assemble(
    settings: Settings,
    memory: Memory,
    models: ConfiguredModels,
    media: Media,
    runtime: Runtime,
    adapters: Sequence[Adapter],
    speaker_of: SpeakerOf | None,
    faults: Faults,
) -> App:
    """Every part, after those that it stands on."""
    given = _Given(
        settings=settings,
        memory=memory,
        models=models,
        media=media,
        runtime=runtime,
        platforms={adapter.platform: adapter for adapter in adapters},
        files=DataDir(settings.data_dir),
        masking=Masking(settings.safety.secrets == "mask"),
        refusing=media.refusing,
    )
    people = _people(given)
    agent = _agent(given, people, speaker_of)
    delivery = _delivery(given, people, agent)
    ownership = _ownership(given, people, agent, delivery)
    commands = _commands(given, people, agent, ownership)
    rights = ownership.rights
    loads = Loads(runtime, memory.counter.count, settings.data_dir / "sent")
    guests = Guests(given.runtime, rights.erasure, settings.web.widget)
    orders = Orders(given.runtime, delivery.mailboxes, agent.courier, people.restrictions)
    thinking = (runtime.cluster.run, agent.servers.run, memory.indexer.foresee, faults.run)
    return App(
        memory=memory,
        runtime=given.runtime,
        mailboxes=delivery.mailboxes,
        inbound=Reception(
            given.runtime,
            delivery.mailboxes,
            people.identities,
            people.access,
            commands,
            rights,
            delivery.heartbeat,
            Rules(
                events=settings.events,
                masking=given.masking,
                refusing=given.refusing,
                adults=people.adults,
                crisis=Crisis(
                    settings.safety.crisis, settings.safety.crisis_region or "", settings.safety.crisis_lines
                ),
            ),
        ),
        identities=people.identities,
        personas=people.personas,
        heartbeat=delivery.heartbeat,
        connecting=agent.connecting,
        erasure=rights.erasure,
        guests=guests,
        corrections=ownership.corrections,
        wishes=ownership.wishes,
        sources=agent.sources,
        departures=rights.departures,
        export=ownership.export,
        restore=ownership.restore,
        backups=Backups(memory.store, runtime.clock, folder_of(settings), settings.backup),
        moving_in=ownership.moving_in,
        import_reflection=ownership.import_reflection,
        clock=runtime.clock,
        window=agent.window,
        restrictions=people.restrictions,
        orders=orders,
        faults=faults,
        loads=loads,
        platforms=given.platforms,
        ready={"model": models.default.ready},
        background=(
            *thinking,
            memory.store.kept,
            Connected(given.platforms, runtime.cluster).run,
            agent.courier.run,
            memory.indexer.run,
            rights.erasure.run,
            guests.run,
            rights.departures.run,
            orders.run,
            loads.run,
        ),
        thinking=(*thinking, people.restrictions.run),
    )


def _people(given: _Given) -> _People:
    settings, runtime = given.settings, given.runtime
    personas = Personas(runtime.clock, settings.personas.default, settings.agent.block_limit)
    restrictions = Restrictions(
        runtime.store, runtime.clock, Prices(settings.prices), shared=not runtime.cluster.single
    )
    allowance = Allowance(runtime, settings.limits, restrictions)
    pace = Pace(runtime.clock, allowance, settings.limits)
    return _People(
        personas=personas,
        identities=Identities(runtime, personas, settings.agent),
        allowance=allowance,
        media=PaidMedia(runtime, allowance, given.media.images, given.media.audio, given.media.mouth),
        access=Access(
            runtime,
            pace,
            Rooms(runtime, personas, settings.rooms),
            settings.access,
            restrictions,
            given.platforms,
        ),
        restrictions=restrictions,
        beats=Beats(settings.heartbeat),
        adults=Adults(settings.safety.adults),
    )


def _agent(given: _Given, people: _People, speaker_of: SpeakerOf | None) -> _Agent:
    settings, memory, models, runtime = given.settings, given.memory, given.models, given.runtime
    registry = _registry(settings, people.media)
    forms = Forms(registry, models.all_forms(), settings.agent.max_steps)
    window = _window(settings, memory, forms.always)
    forms.fit(window)
    observer = runtime.observer
    associative = Associative(
        runtime.store,
        runtime.indexer,
        window.count,
        settings.memory.surface_tokens,
        lambda read: observer.noted(Surfaced(certainty=read.certainty, memories=len(read.lines))),
    )
    alerts = settings.events.memory_pressure and Form.FULL in models.all_forms()
    queues = QueueManager(
        runtime.store, window, runtime.clock, associative, alerts=alerts, steady=models.are_local()
    )
    speaker_of = speaker_of or Faces(runtime.store, people.personas.default).of
    courier = Courier(runtime, given.platforms, speaker_of, people.access.may_post, people.media)
    executor = Executor(
        registry, window.count, window.fit, settings.agent.max_calls, settings.agent.tool_timeout_s, observer
    )
    forgetting = Forgetting(runtime, queues)
    commit = Commit(runtime.store, queues, courier.handing_over, forgetting)
    meter = Meter(people.allowance, window, observer)
    eviction = Eviction(runtime.store, window, runtime.clock, observer)
    asking = Asking(models, queues, eviction, forms, settings.model.reserve, meter)
    desks = _desks(given, people, window, registry)
    if settings.mcp.servers and lacks("mcp"):
        raise SettingsError(f"mcp.servers: {how_to_have('mcp')}.")
    vault = CredentialVault(runtime.store, Seal(given.files.secret_key, settings.secret_key), runtime.clock)
    callback = f"{settings.web.url}{CALLBACK}" if settings.web.listen and settings.web.public_url else ""
    servers = Servers(settings.mcp.servers, runtime.store, vault, runtime.clock, callback)
    tools = Toolbox(servers, settings.mcp, window.count, lambda: window.free // _OF_FREE)
    return _Agent(
        window=window,
        servers=servers,
        connecting=Connecting(servers, vault, runtime.store, runtime.clock, callback),
        queues=queues,
        sources=Sources(runtime.store, memory.recall, memory.archival),
        forgetting=forgetting,
        courier=courier,
        loop=AgentLoop(asking, queues, executor, desks, commit, _limits(settings), tools, given.refusing),
    )


def _desks(given: _Given, people: _People, window: Window, registry: Registry) -> Desks:
    settings, memory = given.settings, given.memory
    return Desks(
        given.runtime,
        memory.recall,
        memory.archival,
        people.personas,
        window,
        given.platforms,
        Bounds(
            page_size=settings.agent.page_size,
            wishes=settings.limits.reminders,
            posts=settings.agent.max_posts,
        ),
        frozenset(tool.name for tool in registry.custom),
    )


def _delivery(given: _Given, people: _People, agent: _Agent) -> _Delivery:
    settings, runtime, platforms = given.settings, given.runtime, given.platforms
    identities, access, beats = people.identities, people.access, people.beats
    queues, courier = agent.queues, agent.courier
    expire = timedelta(hours=settings.agent.expire_hours)
    turns = Turns(runtime, agent.loop, queues, identities, courier, access, beats, expire)
    arrivals = Arrivals(beats, runtime.clock, settings.events)
    documents = Documents(
        runtime.store, runtime.clock, Reader(BOUNDS), talks_elsewhere, given.masking, given.refusing
    )
    keeping = Keeping(settings.memory.documents, given.memory.counter.count)
    senses = Senses(
        runtime,
        people.media,
        given.models.describer,
        given.masking,
        given.refusing,
        sees_for_all=given.models.describer is given.models.default,
    )
    beginning = Beginning(runtime, queues, identities, beats, courier, documents, keeping, senses)
    mailboxes = Mailboxes(runtime, turns, arrivals, beginning, queues, courier, platforms, settings.agent)
    reminders = Reminders(
        runtime, mailboxes, identities, access, platforms, settings.limits.reminders_per_day
    )
    news = News(runtime.store, given.memory.archival, agent.window)
    return _Delivery(
        mailboxes=mailboxes,
        heartbeat=Heartbeat(runtime, mailboxes, identities, beats, news, access, reminders, platforms),
    )


def _ownership(given: _Given, people: _People, agent: _Agent, delivery: _Delivery) -> _Ownership:
    settings, runtime = given.settings, given.runtime
    identities, allowance = people.identities, people.allowance
    mailboxes, queues = delivery.mailboxes, agent.queues
    keep_days = settings.privacy.keep_messages_days
    erasure = Erasure(
        runtime, mailboxes, identities, queues, allowance, given.files, keep_days, agent.forgetting
    )
    writing = Writing(given.masking, given.refusing)
    return _Ownership(
        rights=Rights(
            erasure,
            Amendments(runtime, queues, mailboxes, erasure, given.masking),
            Departures(runtime, queues, settings.personas),
            Accounts(runtime, mailboxes, identities, allowance),
            RoomMemory(runtime, identities, people.personas, agent.courier.wake),
        ),
        corrections=Corrections(runtime, erasure, writing),
        wishes=Wishes(runtime, writing),
        export=Export(runtime.store, runtime.clock),
        restore=Restore(runtime, people.personas, queues, given.masking),
        moving_in=MovingIn(
            runtime, people.personas, timedelta(days=keep_days), settings.agent.timezone, given.masking
        ),
        import_reflection=ImportReflection(runtime, given.models.quiet, agent.window, allowance),
    )


def _commands(given: _Given, people: _People, agent: _Agent, ownership: _Ownership) -> Commands:
    runtime, files, export = given.runtime, given.files, ownership.export
    roles = Roles(given.settings.access)
    undo, web = Undo(runtime, agent.queues, people.allowance), given.settings.web
    return Commands(
        (
            MemoryCommands(
                runtime,
                undo,
                given.memory.archival,
                WebPage(runtime, web.url),
                ownership.corrections,
            ),
            WhyCommands(runtime, agent.sources),
            AllowCommands(runtime, people.identities),
            ConnectCommands(agent.connecting, ProgramKeys(runtime, web.url if web.programs else ""), roles),
            RightsCommands(runtime, export, files.exports, people.identities),
            RoomCommands(runtime, ownership.rights.rooms, roles),
            PersonaCommands(runtime, people.personas, roles, people.adults),
            LinkCommands(runtime),
            HeartbeatCommands(runtime, people.beats, people.identities),
            ScheduledCommands(ownership.wishes),
            LanguageCommands(people.identities),
            *([ReportCommands(runtime)] if given.settings.safety.reports else []),
            TerminalCommands(runtime, agent.queues, undo, export, files.saves),
        ),
        roles,
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


def _registry(settings: Settings, media: PaidMedia | None = None) -> Registry:
    pictures = sending.picture_tools(media)
    return Registry([*chain(*TOOL_GROUPS), *pictures, *custom_tools(settings.agent.tools)])


def _limits(settings: Settings) -> Limits:
    return Limits(
        steps=settings.agent.max_steps,
        quiet_steps=settings.heartbeat.max_steps,
    )
