"""One person's memory, as programs of their own may use it: by a token of theirs, as in private.

What a program reads and writes goes through the agent's own tools, and so under the law of audiences: in private all of
this agent's memory is seen, never another person's. What it writes is judged as what the person writes
(`bot.safety.writing`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from bot.agent.tools import correcting, memory
from bot.agent.tools.desk import Desk
from bot.errors import EverbotError
from bot.people.web_keys import digest
from bot.ports import Clock
from bot.safety.writing import Writing
from memory.archival import Archival
from memory.ports import Session, Store
from memory.recall import Recall
from memory.records import PRIVATE, Agent, Block, User, WebPass
from memory.sources import Sources

T = TypeVar("T")

_ROOM = 6_000  # tokens of a result, about
_SIGNS = 4  # characters of a token, about
_PAGE = 8


class NotLetIn(EverbotError):
    """The token is nobody's, or holds no more."""


@dataclass(frozen=True, kw_only=True)
class Parts:
    store: Store
    recall: Recall
    archival: Archival
    clock: Clock
    writing: Writing


class OwnMemory:
    """What the person has with ``persona``. Every call asks anew whether the token still lets in."""

    def __init__(self, parts: Parts, token: str, persona: str) -> None:
        self._store, self._clock = parts.store, parts.clock
        self._recall, self._archival = parts.recall, parts.archival
        self._writing = parts.writing
        self._digest, self._persona = digest(token), persona

    async def check(self) -> str:
        """Whose memory it is, by name. Raises `NotLetIn`."""
        user, _ = await self._whose()
        return user.name

    async def search(self, query: str, page: int = 0) -> list[str]:
        """Lines of what was said and noted, each with its id, best first. Raises `ToolError`."""

        async def ask(desk: Desk) -> list[str]:
            found = [
                await memory.conversation_search(desk, query, page),
                await memory.archival_memory_search(desk, query, page),
            ]
            lines = [line for results in found for line in results["results"]]
            return lines or [str(found[-1].get("note", "Nothing found."))]

        return await self._with_desk(ask)

    async def why(self, text: str) -> list[str]:
        """The messages that something known came from. Raises `ToolError`."""
        return await self._with_desk(lambda desk: correcting.memory_sources(desk, text))

    async def note(self, text: str) -> str:
        """Keep a statement; what is known is not kept twice. Raises `ToolError`, `Refused`."""
        text = await self._kept(text)
        return await self._with_desk(lambda desk: memory.archival_memory_insert(desk, text))

    async def correct(self, what: str, text: str) -> str:
        """``what`` is a note's id, or words of core memory exactly as they stand. Raises `ToolError`, `Refused`."""
        text = await self._kept(text)

        async def change(desk: Desk) -> str:
            blocks = [block for block in await desk.blocks() if what in block.value and not block.read_only]
            if blocks and what.strip():
                return await memory.core_memory_replace(desk, blocks[0].label, what, text)
            return await correcting.archival_memory_replace(desk, what, text)

        return await self._with_desk(change)

    async def core(self) -> str:
        """Core memory as it stands."""

        async def read(desk: Desk) -> str:
            return "\n\n".join(f"[{block.label}]\n{block.value}" for block in await desk.blocks())

        return await self._with_desk(read)

    async def _kept(self, text: str) -> str:
        user, _ = await self._whose()
        return await self._writing.kept(user, text)

    async def _with_desk(self, work: Callable[[Desk], Awaitable[T]]) -> T:
        user, agent = await self._whose()
        desk = self._desk(user, agent)
        result = await work(desk)
        async with self._store.write() as session:
            await desk.commit(session)
        return result

    async def _whose(self) -> tuple[User, Agent]:
        async with self._store.read() as session:
            key = await session.web_keys.get(WebPass.PROGRAM, self._digest, self._clock.now())
            if key is None:
                raise NotLetIn("EVERBOT_TOKEN lets nobody in (any more): /connect program gives a new one.")
            persona = await session.personas.named(self._persona)
            agent = await session.agents.agent_of(key.user_id, persona.id) if persona else None
            if agent is None:
                raise NotLetIn(f"You have not talked with the persona {self._persona!r} yet (--persona).")
            return await session.agents.user(key.user_id), agent

    def _desk(self, user: User, agent: Agent) -> Desk:
        async def look() -> list[Block]:
            async with self._store.read() as session:
                return await session.blocks.visible(agent, PRIVATE)

        async def nothing() -> list[Any]:
            return []

        async def none() -> int:
            return 0

        async def amend(session: Session, before: Block, value: str) -> None:
            raise AssertionError("a persona's block is read-only here")

        return Desk(
            agent=agent,
            audience=PRIVATE,
            turn_id="",
            key="",
            now=self._clock.now(),
            zone=ZoneInfo(user.timezone),
            page_size=_PAGE,
            look=look,
            recall=self._recall,
            archive=self._archival,
            sources=Sources(self._store, self._recall, self._archival),
            fit=lambda text, tokens: text[: _SIGNS * tokens],
            count=lambda text: len(text) // _SIGNS,
            results_room=_ROOM,
            conversation_id=0,
            scheduled=nothing,
            wishes_elsewhere=none,
            most_wishes=0,
            amend=amend,
        )
