"""A platform without a network, and everbot living on it: for tests of whole turns.

``async with opened(folder, play) as house:`` runs everbot on a data directory; ``await house.say("ada",
"Hello")`` gives the replies. `Stage` is the language model: what it plays may be changed at any time.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, closing
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4

from pydantic import SecretStr

from bot.app import App, Claim, open_app
from bot.errors import DeliveryError
from bot.events import Address, Event, MessageReceived, Reply
from bot.observer import Observer
from bot.ports import Adapter, ChatModel, Clock, Draft, Found, Inbound, ModelReply, ModelRequest, Plain
from bot.settings import (
    AccessSettings,
    AgentSettings,
    AudioSettings,
    ImagesSettings,
    LimitSettings,
    McpSettings,
    MemorySettings,
    ModelSettings,
    PersonaSettings,
    PriceSettings,
    PrivacySettings,
    SafetySettings,
    Settings,
    StoreSettings,
    WebSettings,
)
from memory.ports import Embedder
from memory.records import PRIVATE, Message
from tests.fakes.clock import FakeClock
from tests.fakes.empty_database import lay
from tests.fakes.openai_rules import refusal
from tests.fakes.postgres_server import SEALED, ask_beside, url_beside
from tests.fakes.postgres_server import keys as all_keys
from tests.fakes.scripted_model import say
from tests.patience import PATIENCE_S

Play = Callable[[ModelRequest], ModelReply | Exception | Awaitable[ModelReply]]


class Parlour(Plain):
    """A `bot.ports.Adapter` that keeps every reply it was given to post.

    ``gone`` are accounts, and pairs of one and a place, that are there no more; so many times as ``out``
    says it cannot be asked of anybody. ``draft`` is where words are shown while they are written.
    """

    platform = "parlour"

    def __init__(self) -> None:
        self.posted: list[Reply] = []
        self.gone: set[str | tuple[str, Address]] = set()
        self.out = 0
        self.asked = 0
        self.draft: Draft | None = None

    async def run(self, inbound: Inbound) -> None:
        await asyncio.Event().wait()

    def ready(self) -> str | None:
        return None

    async def send(self, reply: Reply) -> str:
        self.posted.append(reply)
        return f"post-{len(self.posted)}"

    async def find(self, reply: Reply, claimed_at: datetime, after: str | None) -> Found:
        return Found.POSTED if any(posted.id == reply.id for posted in self.posted) else Found.ABSENT

    async def sees(self, account: str, address: Address) -> bool:
        self.asked += 1
        if self.out > 0:
            self.out -= 1
            raise DeliveryError("out")
        return self.gone.isdisjoint((account, (account, address)))

    @asynccontextmanager
    async def thinking(self, address: Address) -> AsyncIterator[Draft | None]:
        yield self.draft


class Stage:
    """A `bot.ports.ChatModel` playing a function of the request; it may be a coroutine function, and an
    exception that it gives is raised. Call ids are left as they are.

    ``requests`` holds every request, ``problems`` what a real server would have refused in them.
    """

    name = "stage"

    def __init__(self, play: Play) -> None:
        self.play = play
        self.requests: list[ModelRequest] = []
        self.problems: list[str] = []

    async def complete(self, request: ModelRequest) -> ModelReply:
        self.requests.append(request)
        problem = refusal(body_of(request))
        if problem is not None:
            self.problems.append(problem.message)
        played = self.play(request)
        if inspect.isawaitable(played):
            played = await played
        if isinstance(played, Exception):
            raise played
        return played


class House:
    """A running everbot with one parlour."""

    def __init__(self, app: App, parlour: Parlour, clock: Clock, settings: Settings) -> None:
        self.app = app
        self.parlour = parlour
        self.clock = clock
        self.settings = settings

    def message(
        self, user: str, text: str, *, audience: str = PRIVATE, place: str | None = None, **more: Any
    ) -> MessageReceived:
        return MessageReceived(**self.who(user, audience, place), text=text, **more)

    def who(self, user: str, audience: str = PRIVATE, place: str | None = None) -> dict[str, Any]:
        """The common fields of an event of theirs."""
        return {
            "key": f"parlour:{uuid4().hex}",
            "account": f"parlour:{user}",
            "name": user,
            "address": f"parlour:{place or user}",
            "audience": audience,
            "at": self.clock.now(),
        }

    async def say(
        self, user: str, text: str, *, audience: str = PRIVATE, place: str | None = None
    ) -> list[Reply]:
        """The replies to a message, once everything about it is done."""
        return await self.tell(self.message(user, text, audience=audience, place=place))

    async def tell(self, event: Event) -> list[Reply]:
        """What is posted in the event's place until everything about it is done."""
        before = len(self.parlour.posted)
        await self.app.inbound.submit(event)
        await self.settled(event.address)
        return [reply for reply in self.parlour.posted[before:] if reply.address == event.address]

    async def settled(self, address: Address) -> None:
        """Until nothing of the place is waiting any more: a model that is down is waited for."""
        async with asyncio.timeout(PATIENCE_S):
            while not await self.app.inbound.settled(address):
                await asyncio.sleep(0)

    async def stored(self, event: Event) -> Message | None:
        """The event as it is in recall storage."""
        async with self.app.memory.store.read() as session:
            return await session.messages.by_event(event.key)

    def rows(self, query: str, *values: object) -> list[Any]:
        """What SQL says behind everbot's back."""
        if self.settings.store.url:
            return ask_beside(self.settings.store.url, query, *values)
        with closing(sqlite3.connect(self.settings.data_dir / "everbot.db")) as connection:
            return connection.execute(query, values).fetchall()

    def execute(self, statement: str, *values: object) -> None:
        """Change rows behind everbot's back."""
        if self.settings.store.url:
            ask_beside(self.settings.store.url, statement, *values)
            return
        with closing(sqlite3.connect(self.settings.data_dir / "everbot.db")) as connection, connection:
            connection.execute(statement, values)

    def tokens(self, *requests: ModelRequest) -> list[int]:
        """What each request takes of the window: messages, tools and the reply's reserve."""
        count = cache(self.app.memory.counter.count)  # requests repeat each other

        def size(request: ModelRequest) -> int:
            texts = [request.messages[0]["content"], *map(text_of, request.messages[1:])]
            tools = count(json.dumps(request.tools)) if request.tools else 0
            return sum(map(count, texts)) + tools + (request.max_tokens or 0)

        return list(map(size, requests))


def settings_at(
    folder: Path,
    *,
    model: dict[str, Any] | None = None,
    memory: dict[str, Any] | None = None,
    privacy: dict[str, Any] | None = None,
    models: dict[str, Any] | None = None,
    web: dict[str, Any] | None = None,
    access: dict[str, Any] | None = None,
    url: SecretStr | None = None,
    keys: Path | None = None,
    mcp: dict[str, Any] | None = None,
    audio: dict[str, Any] | None = None,
    limits: dict[str, Any] | None = None,
    images: dict[str, Any] | None = None,
    safety: dict[str, Any] | None = None,
    prices: dict[str, Any] | None = None,
    personas: dict[str, Any] | None = None,
    **agent: Any,
) -> Settings:
    return Settings(
        data_dir=folder,
        store=StoreSettings(
            url=url_beside(folder) if url is None else url, keys=all_keys() if SEALED else keys
        ),
        model=ModelSettings(**(model or {})),
        models=models or {},
        mcp=McpSettings(**(mcp or {})),
        privacy=PrivacySettings(**(privacy or {})),
        agent=AgentSettings(**({"debounce_s": 0} | agent)),
        memory=MemorySettings(**(memory or {})),
        web=WebSettings(**(web or {})),
        access=AccessSettings(**(access or {})),
        audio=AudioSettings(**(audio or {})),
        limits=LimitSettings(**(limits or {})),
        images=ImagesSettings(**(images or {})),
        safety=SafetySettings(**(safety or {})),
        personas=PersonaSettings(**(personas or {})),
        prices={name: PriceSettings(**price) for name, price in (prices or {}).items()},
    )


@asynccontextmanager
async def opened(
    folder: Path,
    play: Play | ChatModel | None,
    *,
    clock: Clock | None = None,
    parlour: Parlour | None = None,
    model: dict[str, Any] | None = None,
    memory: dict[str, Any] | None = None,
    privacy: dict[str, Any] | None = None,
    models: dict[str, Any] | None = None,
    mcp: dict[str, Any] | None = None,
    embedder: Embedder | None = None,
    observer: Observer | None = None,
    web: dict[str, Any] | None = None,
    access: dict[str, Any] | None = None,
    url: SecretStr | None = None,
    beside: Sequence[Adapter] = (),
    claim: str | Claim = "test",
    limits: dict[str, Any] | None = None,
    personas: dict[str, Any] | None = None,
    **agent: Any,
) -> AsyncIterator[House]:
    """Everbot on ``folder``. ``play`` is a model or what a `Stage` plays; None: the configured model.

    ``model``, ``memory``, ``privacy``, ``models``, ``mcp``, ``web``, ``access`` and ``agent`` are settings of those
    sections, ``url`` is the database's, if it is not in the folder; ``beside``
    are other platforms, which whoever gives them runs.
    """
    clock = clock or FakeClock()
    parlour = parlour or Parlour()
    settings = settings_at(
        folder,
        model=model,
        memory=memory,
        privacy=privacy,
        models=models,
        web=web,
        access=access,
        url=url,
        mcp=mcp,
        limits=limits,
        personas=personas,
        **agent,
    )
    chosen = Stage(play) if inspect.isroutine(play) else play
    failure: Exception | None = None
    if not settings.store.url:
        lay(settings.data_dir / "everbot.db")
    async with open_app(
        settings,
        [parlour, *beside],
        claim,
        model=chosen,  # type: ignore[arg-type]
        clock=clock,
        embedders=lambda _: embedder,
        observer=observer,
    ) as app:
        try:
            yield House(app, parlour, clock, settings)
        except Exception as error:
            failure = error  # the test's own: raised as it is, not in the task groups' wrapping
    if failure is not None:
        raise failure


def body_of(request: ModelRequest) -> dict[str, Any]:
    """The request as it would go over the wire."""
    body: dict[str, Any] = {"model": "stage", "messages": list(request.messages)}
    if request.tools:
        body |= {"tools": list(request.tools), "tool_choice": request.tool_choice}
    if request.max_tokens is not None:
        body["max_tokens"] = request.max_tokens
    return body


def text_of(message: Any) -> str:
    """A request's message as text."""
    return json.dumps(message, ensure_ascii=False)


def whole(request: ModelRequest) -> str:
    """All that the model was shown."""
    return "\n".join(map(text_of, request.messages))


def is_summary(request: ModelRequest) -> bool:
    """Whether it is the summarizer's question."""
    return "/summary/" in request.key


def is_caption(request: ModelRequest) -> bool:
    """Whether it is to describe a picture."""
    return request.key.startswith("caption/")


def events_in(request: ModelRequest) -> list[dict[str, Any]]:
    """The events that the model was shown, oldest first."""
    return [json.loads(m["content"]) for m in request.messages if m["role"] == "user"]


def results_in(request: ModelRequest) -> list[dict[str, Any]]:
    """The tool results that the model was shown, oldest first."""
    return [json.loads(m["content"]) for m in request.messages if m["role"] == "tool"]


def last_words(request: ModelRequest) -> str:
    """What the newest event says."""
    event = events_in(request)[-1]
    return str(event.get("message", event.get("reason", "")))


def parrot(request: ModelRequest) -> ModelReply:
    """A model that works: it repeats what it was told."""
    if is_summary(request):
        return ModelReply(text="They talked.")
    return say(f"You said: {last_words(request)[:200]}")


def integrity(folder: Path) -> str:
    """SQLite's verdict on a closed everbot's database."""
    with closing(sqlite3.connect(folder / "everbot.db")) as connection:
        return str(connection.execute("PRAGMA integrity_check").fetchone()[0])
