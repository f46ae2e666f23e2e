"""Whether a line that is said into a room, to nobody by name, is for us: judged by what stands around it.

No model is asked: a logistic gate over a few signs, which mean the same in every language, trained by
`benchmarks.rooms`. What is not for us begins no turn and is kept nowhere: it is a line that others may be shown beside
their own.
"""

from __future__ import annotations

import math
import re
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.cache import Cache
from bot.events import DocumentUploaded, Event, MessageReceived
from bot.personas.personas import Personas
from bot.runtime import Runtime
from bot.settings import RoomSettings
from memory.search.course import is_question

SIGNS = ("asks", "named", "to somebody else", "goes on", "alone", "others", "short")
"""What a line is judged by, in this order."""
GATE = (0.22, 4.79, -1.15, 4.38, 4.28, -1.06, -1.02, -1.35)
"""The weight of each of them, and the bias, last."""
_ROOMS = 5_000
_LINES = 12  # of a room that are remembered
_RECENT = timedelta(minutes=10)  # whoever spoke within it is taken to be there
_HOUR = timedelta(hours=1)
_FIRST = 3  # words among which the name of whom is spoken to stands
_SHORT = 2  # words
_MANY = 3  # people
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, kw_only=True)
class Line:
    """What somebody said in a room. ``ours``: it was answered, or will be."""

    key: str
    account: str
    name: str
    at: datetime
    ours: bool


@dataclass
class _Room:
    lines: deque[Line] = field(default_factory=lambda: deque(maxlen=_LINES))
    answered: deque[datetime] = field(default_factory=deque)  # what nobody had called us for


class Rooms:
    """Remembers the last lines of each room, in this process only."""

    def __init__(self, runtime: Runtime, personas: Personas, rules: RoomSettings) -> None:
        self._store = runtime.store
        self._personas = personas
        self._rules = rules
        self._rooms: Cache[str, _Room] = Cache(_ROOMS)

    async def meant(self, event: Event, *, called: bool) -> bool:
        """Whether it is for us; the same however often it is asked of one message and its files. ``called``: by name,
        or in a talk with us."""
        key = event.key.rpartition("/")[0] if isinstance(event, DocumentUploaded) else event.key
        room = self._rooms.get(event.address, _Room())
        self._rooms[event.address] = room
        known = next((line for line in room.lines if line.key == key), None)
        if known is not None or not isinstance(event, MessageReceived):
            return called or (known is not None and known.ours)
        ours = called or (self._may_answer(room, event.at) and await self._is_for_us(room, event))
        if ours and not called:
            room.answered.append(event.at)
        room.lines.append(Line(key=key, account=event.account, name=event.name, at=event.at, ours=ours))
        return ours

    async def _is_for_us(self, room: _Room, event: MessageReceived) -> bool:
        async with self._store.read() as session:
            name = await self._personas.here(session, event)
        return opening(signs(event, room.lines, name)) >= 0.5

    def _may_answer(self, room: _Room, at: datetime) -> bool:
        """Whether the hour's share of answers that nobody called for is not used up."""
        while room.answered and at - room.answered[0] >= _HOUR:
            room.answered.popleft()
        return not self._rules.answers_per_hour or len(room.answered) < self._rules.answers_per_hour


def signs(event: MessageReceived, lines: Sequence[Line], name: str) -> list[float]:
    """What tells whether a line is for ``name``, by `SIGNS`."""
    recent = [line for line in lines if event.at - line.at < _RECENT]
    others = {line.account: line.name for line in lines if line.account != event.account}
    here = {line.account for line in recent} - {event.account}
    # What was said before we came up is known by what the platform shows beside the line.
    before = {quote.account for quote in event.context} - {event.account}
    words = [word.casefold() for word in _WORD.findall(event.text)]
    names = {_first(each) for each in others.values()} - {name.casefold()}
    last = recent[-1] if recent else None
    return [
        float(is_question(event.text)),
        float(name.casefold() in words),
        float(event.reply_to is not None or "@" in event.text or bool(names & set(words[:_FIRST]))),
        float(last is not None and last.ours and last.account == event.account),
        float(not others and not before),
        min(len(here), _MANY) / _MANY,
        float(len(words) <= _SHORT),
    ]


def opening(known: Sequence[float]) -> float:
    """How surely the line is for us, 0 to 1."""
    inner = GATE[-1] + sum(weight * sign for weight, sign in zip(GATE, known, strict=False))
    return 1 / (1 + math.exp(-inner))


def _first(name: str) -> str:
    """By what a person is called: the first word of their name."""
    return next(iter(_WORD.findall(name.casefold())), "")
