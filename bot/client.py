"""A Python client for notebooks and scripts.

    from bot.client import create_client

    client = create_client()
    agent = client.create_agent(name="my_agent", persona="You are a friendly agent.", human="Bob is friendly.")
    response = client.user_message(agent_id=agent.id, message="Hello, agent!")

A synchronous facade over one background thread that runs everbot's event loop, so that it works where a
loop is running already (Jupyter). It holds the data directory while it is open. Threads may share a client: what they
say to one agent at the same time is answered one after the other, each by itself. All of it: docs/python.md.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections import defaultdict, deque
from collections.abc import Coroutine
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar
from uuid import uuid4

from bot.app import App, open_app
from bot.backends.clock import machine_zone
from bot.delivery.silence import Silence
from bot.errors import AgentExists, AgentNotFound, ModelUnavailable, PersonaError
from bot.events import Address, MessageReceived, Reply, clean
from bot.ports import Found, Inbound
from bot.runtime import Locks
from bot.settings import Settings
from bot.settings import load as load_settings
from memory.ports import Session
from memory.records import PRIVATE, Agent, Draft, Hit, Lines, Message

T = TypeVar("T")
_PLATFORM = "client"
_KEPT = 1_000  # things said unasked, of each agent


@dataclass(frozen=True)
class AgentState:
    """An agent as the client sees it."""

    id: int
    name: str
    persona: str
    human: str


@dataclass(frozen=True)
class Step:
    """One message of a turn: ``kind`` is ``thought``, ``call``, ``result`` or ``reply``."""

    kind: str
    text: str
    name: str = ""  # of the tool


@dataclass(frozen=True)
class Response:
    """What a message led to: every step of the turn, and the replies among them."""

    steps: tuple[Step, ...]
    replies: tuple[str, ...]


@dataclass(frozen=True)
class Result:
    """A search result."""

    text: str
    time: datetime
    author: str
    score: float


class Client:
    """Make one with `create_client`; close it, or use it in a ``with`` block."""

    def __init__(self, settings: Settings, **fakes: Any) -> None:
        self._mailman = _Mailman()
        self._turns = Locks()
        self._fakes = fakes
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._app: App | None = None
        self._trouble: BaseException | None = None
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(settings,), name="everbot", daemon=True)
        self._thread.start()
        self._ready.wait()
        if self._trouble is not None:
            raise self._trouble

    # Agents

    def create_agent(self, name: str, persona: str | None = None, human: str = "") -> AgentState:
        """A new agent. ``persona`` says who it is, ``human`` who it talks with. Raises `AgentExists`."""
        return self._do(self._create(name, persona, human))

    def get_or_create_agent(self, name: str, persona: str | None = None, human: str = "") -> AgentState:
        """The agent of that name as it is, or a new one. ``persona`` and ``human`` are a new one's."""
        try:
            return self.create_agent(name, persona, human)
        except AgentExists:
            return self.get_agent(name)

    def get_agent(self, name: str) -> AgentState:
        """The agent of that name. Raises `AgentNotFound`."""
        return self._do(self._state(name))

    def delete_agent(self, agent_id: int) -> None:
        """The agent and everything it remembers. Raises `AgentNotFound`."""
        self._do(self._delete(agent_id))

    # Talking

    def user_message(self, agent_id: int, message: str) -> Response:
        """Say something, and wait for the turn to end. Raises `ModelUnavailable` when the model is down;
        the message is kept and answered when it is back."""
        return self._do(self._say(agent_id, message))

    def unasked(self, agent_id: int) -> list[str]:
        """What the agent has said by itself since this was last asked, oldest first: reminders, and whatever it says
        when its heart beats. It is said while the client is open; what falls due while it is not is said, with a word
        about the delay, when it is open again within a day."""
        return self._do(self._mailman.taken(_place(agent_id)))

    # Memory

    def get_messages(self, agent_id: int, limit: int = 100) -> list[Result]:
        """What was said, oldest first: the last ``limit`` messages."""
        return self._do(self._messages(agent_id, limit))

    def get_core_memory(self, agent_id: int) -> dict[str, str]:
        """The core memory blocks by label."""
        return self._do(self._blocks(agent_id))

    def search_recall(self, agent_id: int, query: str, page: int = 0) -> list[Result]:
        return self._do(self._search("recall", agent_id, query, page))

    def search_archival(self, agent_id: int, query: str, page: int = 0) -> list[Result]:
        return self._do(self._search("archival", agent_id, query, page))

    def insert_archival(self, agent_id: int, text: str, tags: tuple[str, ...] = ()) -> str:
        """Store a passage; returns its id."""
        return self._do(self._insert(agent_id, text, tags))

    def close(self) -> None:
        """Stop everbot and let go of the data directory. Idempotent."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join()

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # On the loop's thread

    def _run(self, settings: Settings) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve(settings))
        except BaseException as error:
            while isinstance(error, BaseExceptionGroup):
                error = error.exceptions[0]
            self._trouble = error
        finally:
            self._loop.close()
            self._ready.set()

    async def _serve(self, settings: Settings) -> None:
        # A message is whole, and waited for: there are no bursts.
        agent = settings.agent.model_copy(update={"debounce_s": 0.0})
        settings = settings.model_copy(update={"agent": agent})
        async with open_app(settings, [self._mailman], "client", **self._fakes) as app:
            self._app = app
            async with app.heartbeat.timer():
                self._ready.set()
                await self._stop.wait()

    def _do(self, work: Coroutine[Any, Any, T]) -> T:
        if not self._thread.is_alive():
            work.close()
            raise AgentNotFound("The client is closed.")
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    @property
    def _running(self) -> App:
        assert self._app is not None
        return self._app

    async def _create(self, name: str, persona: str | None, human: str) -> AgentState:
        identities, clock = self._running.identities, self._running.clock
        personas = self._running.personas
        now = clock.now()
        async with self._running.memory.store.write() as session:
            if await session.agents.agent_named(name) is not None:
                raise AgentExists(f"There is an agent named {name!r} already; get_agent gives it.")
            if persona is None:
                chosen = await personas.named(session, personas.default)
            else:
                free = await self._free_name(session, name)
                chosen = await personas.create(session, free, [personas.text(persona)])
            zone = machine_zone() or "UTC"
            user = await session.agents.create_user(f"{_PLATFORM}:{uuid4().hex}", "User", zone, now)
            agent = await session.agents.create_agent(user.id, chosen.id, name, now)
            await session.agents.create_conversation(agent.id, _place(agent.id), PRIVATE, now)
            await identities.human_block(session, agent, PRIVATE, human)
        return await self._state(name)

    async def _free_name(self, session: Session, name: str) -> str:
        """A persona's name is what the agent is called in its own memory: the agent's, where it is free."""
        free = f"agent-{uuid4().hex[:8]}"
        try:
            self._running.personas.check_name(name)
        except PersonaError:
            return free
        return name if await session.personas.named(name) is None else free

    async def _state(self, name: str) -> AgentState:
        async with self._running.memory.store.read() as session:
            agent = await session.agents.agent_named(name)
        if agent is None:
            raise AgentNotFound(f"There is no agent named {name!r}.")
        blocks = await self._blocks(agent.id)
        return AgentState(agent.id, name, blocks.get("persona", ""), blocks.get("human", ""))

    async def _delete(self, agent_id: int) -> None:
        agent = await self._agent(agent_id)
        await self._running.inbound.delete(agent)

    async def _agent(self, agent_id: int) -> Agent:
        async with self._running.memory.store.read() as session:
            agent = await session.agents.agent(agent_id)
        if agent is None:
            raise AgentNotFound(f"There is no agent with the id {agent_id}.")
        return agent

    async def _say(self, agent_id: int, text: str) -> Response:
        agent = await self._agent(agent_id)
        async with self._turns.of(agent_id):
            return await self._answered(agent, text)

    async def _answered(self, agent: Agent, text: str) -> Response:
        async with self._running.memory.store.read() as session:
            user = await session.agents.user(agent.user_id)
        place, key = _place(agent.id), f"{_PLATFORM}:{uuid4().hex}"
        event = MessageReceived(
            key=key,
            account=place,
            name=user.name,
            address=place,
            audience=PRIVATE,
            at=self._running.clock.now(),
            text=clean(text),
        )
        await self._running.inbound.submit_to(agent, event)
        if not await self._running.inbound.settled(place):
            raise ModelUnavailable("The model cannot be reached now; the message is kept and answered later.")
        async with self._running.memory.store.read() as session:
            asked = await session.messages.by_event(key)
            rows = [] if asked is None else await session.messages.of_turn(asked.turn_id)
        steps = [step for row in rows if row.event_key is None for step in _steps(row)]
        replies = [step.text for step in steps if step.kind == "reply"]
        return Response(tuple(steps), tuple(replies))

    async def _messages(self, agent_id: int, limit: int) -> list[Result]:
        agent = await self._agent(agent_id)
        async with self._running.memory.store.read() as session:
            rows = await session.messages.said(agent.id, None, Lines(newest_first=True), limit=limit)
        return [Result(row.text, row.created_at, row.author, 0.0) for row in reversed(rows)]

    async def _blocks(self, agent_id: int) -> dict[str, str]:
        agent = await self._agent(agent_id)
        async with self._running.memory.store.read() as session:
            return {block.label: block.value for block in await session.blocks.visible(agent, PRIVATE)}

    async def _search(self, kind: str, agent_id: int, query: str, page: int) -> list[Result]:
        agent = await self._agent(agent_id)
        memory = self._running.memory
        if kind == "recall":
            found = await memory.recall.search(agent.id, query, PRIVATE, page=page)
        else:
            found = await memory.archival.search(agent, query, PRIVATE, page=page)
        return [_found(hit) for hit in found.hits]

    async def _insert(self, agent_id: int, text: str, tags: tuple[str, ...]) -> str:
        agent = await self._agent(agent_id)
        draft = Draft(text=clean(text), audience=PRIVATE, tags=tags)
        passages = await self._running.memory.archival.insert(
            agent.archive_id, [draft], self._running.clock.now()
        )
        return passages[0].uid


class _Mailman(Silence):
    """The client's adapter: replies are read from memory; what nobody asked for is kept until it is taken."""

    def __init__(self) -> None:
        super().__init__(_PLATFORM)
        self._unasked: defaultdict[Address, deque[str]] = defaultdict(lambda: deque(maxlen=_KEPT))

    async def taken(self, place: Address) -> list[str]:
        return list(self._unasked.pop(place, ()))

    async def run(self, inbound: Inbound) -> None:
        return

    def ready(self) -> str | None:
        return None

    async def send(self, reply: Reply) -> str:
        if not any(key.startswith(f"{_PLATFORM}:") for key in reply.in_reply_to):
            self._unasked[reply.address].append(reply.text)
        return "kept"

    async def find(self, reply: Reply, claimed_at: datetime, after: str | None) -> Found:
        return Found.POSTED


def create_client(config: str | Path | None = None, **settings: Any) -> Client:
    """A client on the configured data directory; keywords replace settings (``data_dir="..."``).

    Raises `SettingsError`, or `memory.errors.StoreBusy` when another everbot holds the directory.
    """
    return Client(load_settings(Path(config) if config else None, changes=settings))


def _place(agent_id: int) -> Address:
    return f"{_PLATFORM}:{agent_id}"


def _found(hit: Hit) -> Result:
    row = hit.row
    author = row.author if isinstance(row, Message) else row.source
    return Result(row.text, row.created_at, author, hit.score)


def _steps(row: Message) -> list[Step]:
    if not row.rendered:  # it left the queue
        return [Step("reply", row.text)] if row.text else []
    message = json.loads(row.rendered)
    content = message.get("content") or ""
    if message["role"] == "tool":
        return [Step("result", content, row.author)]
    if message["role"] == "user":
        return []  # an alert of ours
    steps = [Step("thought", content)] if content and content != row.text else []
    steps += [
        Step("call", call["function"]["arguments"], call["function"]["name"])
        for call in message.get("tool_calls", ())
    ]
    return [*steps, *([Step("reply", row.text)] if row.text else [])]
