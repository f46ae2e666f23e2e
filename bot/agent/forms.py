"""A question in the forms in which models are asked (`bot.ports.Form`), and a reply as everbot's own, whatever form it
came in."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

from bot import prompts
from bot.agent import context
from bot.agent.fifo_queue import Queue
from bot.agent.job import Job
from bot.agent.lean import calls, core_memory, messages
from bot.agent.lean.tools import MEANT, SHAPE, SPEAK, offered, offered_alone
from bot.agent.system_text import SystemText
from bot.agent.tools.outside import Toolset
from bot.agent.tools.registry import Offered, Registry
from bot.agent.window import Window
from bot.cache import Cache
from bot.ports import Form, ModelReply, ModelRequest, Rendered
from memory.records import Block, Message, Role, Summary

_UNSAID = (
    "Your turn ended, but the person has seen nothing of it. Answer them now with send_message; "
    "what you write beside your calls is not shown to them."
)
_UNREAD = (
    "You wrote a call as text, and it could not be read, so nothing was done. Call the function itself, by the calling "
    "interface that you are given, with its name and its arguments as one JSON object."
)
_KEPT = 64  # sets of tools of which what requests show of them is kept
_LEAN_UNSAID = "They have seen no answer yet. Write it now."
_LEAN_UNREAD = (
    "What you wrote could not be read, and they have not seen it. Write your answer in plain words."
)


class Occasion(Enum):
    """What a turn is for."""

    TALKING = "talking"
    ROOM = "room"  # others read, too
    THREADED = "threaded"  # ... and threads can be made there
    REFLECTING = "reflecting"

    @classmethod
    def of(cls, job: Job) -> Occasion:
        talking = cls.THREADED if job.thread is not None else cls.ROOM if job.room else cls.TALKING
        return cls.REFLECTING if job.whole else talking


_OFFERED = {
    Occasion.TALKING: (Offered.TALKING,),
    Occasion.ROOM: (Offered.TALKING, Offered.ROOM),
    Occasion.THREADED: (Offered.TALKING, Offered.ROOM, Offered.THREAD),
    Occasion.REFLECTING: (Offered.REFLECTING,),
}


@dataclass(frozen=True, kw_only=True)
class Manner:
    """What a form shows on an occasion beside the conversation: ``tools`` where a person waits, ``alone`` where nobody
    does."""

    ours: str  # our instructions
    tools: Sequence[Rendered]
    alone: Sequence[Rendered]
    written: str  # the tools as they go out: what is counted


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What one step asks, in every form that may be needed: the system texts, and the most tokens that they take with
    the tools."""

    systems: Mapping[Form, str]
    fixed: int


class _Way:
    """All forms, with one set of tools."""

    def __init__(self, registry: Registry, asked: Iterable[Form], max_steps: int) -> None:
        self.registry = registry
        self.manners = {
            (form, occasion): _manner(form, occasion, registry, max_steps)
            for form in asked
            for occasion in Occasion
        }
        self.systems: dict[tuple[Form, Occasion], SystemText] = {}
        self.meant = {name: name for name in registry.names} | dict(MEANT)

    def fit(self, window: Window) -> None:
        for (form, occasion), one in self.manners.items():
            frame = None if form is Form.FULL else core_memory.framed
            self.systems[form, occasion] = SystemText(one.ours, one.written, window, frame)


class Forms:
    """``asked`` are the forms of all models, the usual one's first."""

    def __init__(self, registry: Registry, asked: Iterable[Form], max_steps: int) -> None:
        self._asked, self._max_steps = list(asked), max_steps
        self._own = _Way(registry, self._asked, max_steps)
        self._joined: Cache[int, tuple[Toolset, _Way]] = Cache(_KEPT)
        self._window: Window | None = None

    @property
    def always(self) -> list[str]:
        """Of the form that takes most, what is the same in every request."""
        most = [one for (_, occasion), one in self._own.manners.items() if occasion is Occasion.THREADED]
        return max(([one.ours, one.written] for one in most), key=lambda texts: sum(map(len, texts)))

    def fit(self, window: Window) -> None:
        """To be told before anything is asked: the window in which all must fit."""
        self._window = window
        self._own.fit(window)

    def _way(self, job: Job) -> _Way:
        """With the tools of this turn: those of servers stand after ours, and are the same in all its requests."""
        outside = job.outside
        if outside is None or not outside.shown:
            return self._own
        known = self._joined.get(id(outside))
        if known is None or known[0] is not outside:
            way = _Way(self._own.registry.joined(outside.shown), self._asked, self._max_steps)
            assert self._window is not None
            way.fit(self._window)
            known = self._joined[id(outside)] = (outside, way)
        return known[1]

    def asked(self, forms: Sequence[Form], job: Job, blocks: Sequence[Block]) -> Asked:
        """The system texts with these blocks."""
        systems, occasion = self._way(job).systems, Occasion.of(job)
        made = {form: systems[form, occasion].of(job, blocks) for form in forms}
        return Asked(
            systems={form: text for form, (text, _) in made.items()},
            fixed=max(tokens for _, tokens in made.values()),
        )

    def request(
        self, asked: Asked, job: Job, summary: Summary | None, queue: Sequence[Message], **more: Any
    ) -> ModelRequest:
        """The question, with its other forms; ``more`` is what they have in common."""
        made = {
            form: self._in(form, system, job, summary, queue, more) for form, system in asked.systems.items()
        }
        first, *others = made
        return replace(made[first], others={form: made[form] for form in others}) if others else made[first]

    def _in(
        self,
        form: Form,
        system: str,
        job: Job,
        summary: Summary | None,
        queue: Sequence[Message],
        more: Mapping[str, Any],
    ) -> ModelRequest:
        whole = context.MainContext(system, summary, queue).messages()
        way = self._way(job)
        manner = way.manners[form, Occasion.of(job)]
        tools = manner.tools if _is_awaited(job) else manner.alone
        if form is Form.FULL:
            return ModelRequest(messages=whole, tools=tools, **more)
        return ModelRequest(
            messages=[whole[0], *messages.shown(whole[1:], form)],
            tools=tools,
            form=form,
            meant=way.meant,
            shape=SHAPE if form is Form.JSON else None,
            **more,
        )

    def reminded(self, request: ModelRequest, note: Message) -> ModelRequest:
        """The question with one more note, in each form."""
        shown = Rendered(note.rendered)
        added = [shown] if request.form is Form.FULL else messages.shown([shown], request.form)
        return replace(
            request,
            messages=[*request.messages, *added],
            others={form: self.reminded(other, note) for form, other in request.others.items()},
        )

    def own(self, reply: ModelReply, request: ModelRequest, job: Job, queue: Queue) -> ModelReply:
        """The reply as everbot's own calls."""
        form = reply.form or request.form
        if form is Form.FULL:
            return replace(reply, form=form)
        said = [m.text for m in queue.messages if m.turn_id == job.turn.id and m.role is Role.ASSISTANT]
        awaited = _is_awaited(job)
        made = calls.made(reply, self._way(job).registry, [text for text in said if text], awaited=awaited)
        if form is Form.JSON and not awaited:
            made = replace(made, calls=tuple(call for call in made.calls if call.name != SPEAK))
        return replace(made, form=form)


def unsaid(form: Form | None) -> str:
    """What a model is told whose turn ended without a word to the person."""
    return _UNSAID if form in (None, Form.FULL) else _LEAN_UNSAID


def unread(form: Form | None) -> str:
    """What a model is told whose call could not be read."""
    return _UNREAD if form in (None, Form.FULL) else _LEAN_UNREAD


def _is_awaited(job: Job) -> bool:
    """Whether what is written is to be shown to the person: an answer, or what they asked to be told now."""
    return job.from_person or bool(job.fallback)


def _manner(form: Form, occasion: Occasion, registry: Registry, max_steps: int) -> Manner:
    if form is Form.FULL:
        ours = (
            prompts.read("reflecting")
            if occasion is Occasion.REFLECTING
            else prompts.read("system").format(max_steps=max_steps)
        )
        shown = registry.offered(*_OFFERED[occasion])
        return Manner(ours=ours, tools=shown, alone=shown, written=json.dumps(shown))
    alone = offered_alone(registry)
    ours, written = prompts.read("lean"), json.dumps(alone)
    if form is Form.JSON:
        ours, written = prompts.read("lean_json"), json.dumps(SHAPE)
    return Manner(ours=ours, tools=offered(registry), alone=alone, written=written)
