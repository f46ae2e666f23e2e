"""Lays out the desk of a step: all that its tools may see and touch."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cache

from bot.agent.context import CLIPPED
from bot.agent.fifo_queue import Queue
from bot.agent.interrupt import STOP
from bot.agent.job import Job
from bot.agent.tools.desk import Desk
from bot.agent.tools.provenance import Heard, heard
from bot.agent.window import Window
from bot.errors import ToolError
from bot.events import platform_of
from bot.people.room_memory import speaks_of
from bot.personas.personas import Personas
from bot.ports import Adapter
from bot.runtime import Runtime
from memory.archival import Archival
from memory.ports import Session
from memory.recall import Recall
from memory.records import Block, Wish, public_in
from memory.sources import Sources

_KEPT_OUT = (
    "Nothing was stored: somebody whom that is of has asked that nothing of theirs is kept where others read it. Do "
    "not try it in other words."
)
_NEEDED = ("send_message", "finish_rethinking_memory")  # whatever a persona may use


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """Results of a search that are shown at once; reminders that a person may have open; posts of a turn."""

    page_size: int
    wishes: int
    posts: int


class Desks:
    """``custom`` are the tools that reach outside."""

    def __init__(
        self,
        runtime: Runtime,
        recall: Recall,
        archival: Archival,
        personas: Personas,
        window: Window,
        platforms: Mapping[str, Adapter],
        bounds: Bounds,
        custom: Collection[str],
    ) -> None:
        self._custom = custom
        self._store, self._clock = runtime.store, runtime.clock
        self._recall = recall
        self._archival = archival
        self._sources = Sources(runtime.store, recall, archival)
        self._personas = personas
        self._window = window
        self._platforms = platforms
        self._bounds = bounds

    def of(self, job: Job, queue: Queue) -> Desk:
        """A step's desk; the same one for all steps of a whole turn."""
        if job.desk is None:
            desk = self._new(job, queue)
            job.desk = desk if job.whole else None
            return desk
        job.desk.key, job.desk.now = job.step_key, self._clock.now()
        job.desk.own_messages, job.desk.viewed = _own(job, queue), cache(queue.whole)
        job.desk.hear = self._hearing(job, queue)
        return job.desk

    def _hearing(self, job: Job, queue: Queue) -> Callable[[], Heard]:
        return lambda: heard(queue.messages, job.turn.id, self._custom)

    def _new(self, job: Job, queue: Queue) -> Desk:
        async def scheduled() -> list[Wish]:
            async with self._store.read() as session:
                return await session.schedule.wishes(job.agent.id)

        async def elsewhere() -> int:
            async with self._store.read() as session:
                others = [
                    a.id for a in await session.agents.agents_of(job.agent.user_id) if a.id != job.agent.id
                ]
                return sum([len(await session.schedule.wishes(agent_id)) for agent_id in others])

        async def look() -> list[Block]:
            async with self._store.read() as session:
                return await session.blocks.visible(job.agent, queue.conversation.audience)

        async def amend(session: Session, before: Block, value: str) -> None:
            community = public_in(queue.conversation.audience)
            assert community is not None
            await self._personas.propose(session, job.agent, community, job.turn.id, before, value)

        async def room() -> int | None:
            community = public_in(queue.conversation.audience)
            if community is None:
                return None
            async with self._store.read() as session:
                keeper = await session.rooms.keeper(community)
            return keeper.id if keeper else None

        async def shareable(text: str) -> None:
            async with self._store.read() as session:
                out = (await session.agents.user(job.agent.user_id)).rooms == "out"
                names = await session.rooms.names_out()
            if out or speaks_of(text, names):
                raise ToolError(_KEPT_OUT)

        tools = job.definition.policies.tools
        person, asked = _person(job, queue)
        return Desk(
            agent=job.agent,
            audience=queue.conversation.audience,
            turn_id=job.turn.id,
            key=job.step_key,
            now=self._clock.now(),
            zone=job.zone,
            page_size=self._bounds.page_size,
            look=look,
            recall=self._recall,
            archive=self._archival,
            room=room,
            shareable=shareable,
            sources=self._sources,
            fit=self._window.fit,
            count=self._window.count,
            results_room=self._window.share,
            conversation_id=queue.conversation.id,
            scheduled=scheduled,
            wishes_elsewhere=elsewhere,
            most_wishes=self._bounds.wishes,
            amend=amend,
            hear=self._hearing(job, queue),
            allowed=None if tools is None else _allowed(tools),
            outside=job.outside.known if job.outside else {},
            stoppable=lambda call: job.interrupt.guard(call, only=STOP),
            granted=job.granted,
            declined=job.declined,
            quiet=job.whole,
            mute=job.mute,
            most_said=job.most_said,
            split=self._platforms[platform_of(job.address)].split,
            posts_left=max(0, self._bounds.posts - job.turn.outbox),
            threads=job.thread is not None,
            name=job.persona,
            person=person,
            asked=asked,
            own_messages=_own(job, queue),
            viewed=cache(queue.whole),
        )


def _allowed(tools: Iterable[str]) -> frozenset[str]:
    """What a persona with these tools may call: who may store or forget may do so by the small models' tools, too."""
    lean = {"remember": {"core_memory_append", "archival_memory_insert"}, "forget": {"conversation_forget"}}
    return frozenset(
        {*tools, *_NEEDED, *(name for name, usual in lean.items() if not usual.isdisjoint(tools))}
    )


def _own(job: Job, queue: Queue) -> frozenset[int]:
    """The keys of the turn's own messages, which its searches need not find: but what was shown clipped is read on."""
    own = (message for message in queue.messages if message.turn_id == job.turn.id)
    return frozenset(message.key for message in own if CLIPPED not in message.rendered)


def _person(job: Job, queue: Queue) -> tuple[str, str]:
    """Who wrote what the turn answers, and what that is; nothing when no person did."""
    if not job.from_person:
        return "", ""
    events = [m for m in queue.messages if m.turn_id == job.turn.id and m.event_key in job.answers]
    return next((message.author for message in events), ""), "\n".join(message.text for message in events)
