"""A turn at work."""

from __future__ import annotations

from asyncio import Lock
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from bot.agent.drafting import Drafting
from bot.agent.interrupt import Interrupt
from bot.agent.tools.desk import Desk
from bot.agent.tools.executor import Tries
from bot.agent.tools.outside import Toolset
from bot.events import HeartbeatDue
from bot.language import ENGLISH, gettext, spoken
from bot.personas.definition import Definition
from memory.records import Agent, Ask, Turn, Usage


@dataclass
class Job:
    """Who thinks, where, about what. ``lock`` is held while memory is changed."""

    agent: Agent
    address: str  # where the turn is held
    persona: str  # its name: the author of what the agent says
    person: str  # who it talks with
    definition: Definition
    turn: Turn
    answers: tuple[str, ...]  # keys of the events being answered
    from_person: bool  # someone waits: the turn must end visibly
    room: bool  # others read
    thread: str | None  # the place of a thread that could be made of what is answered
    in_thread: bool  # it was made: what is said is said there
    zone: ZoneInfo
    lock: Lock
    interrupt: Interrupt
    home: str = ""  # the community to which what is used counts
    language: str = ENGLISH  # that the person reads
    fallback: str = ""  # what the person hears if the agent says nothing
    mute: str = ""  # why nothing may be said unasked
    most_said: int | None = None
    tries: Tries = field(default_factory=Tries)
    nudges: int = 0
    desk: Desk | None = None  # of a whole turn, so far
    delay: float = 0.0  # seconds that it waits for a model that is down
    spoken: bool = False  # it answers a voice message, with one
    told: bool = False  # the person has heard that what they write meanwhile waits too
    model: str = ""  # who thought last
    used: Usage = field(default_factory=Usage)  # by this process
    owed: Usage = field(default_factory=Usage)  # of it: what no committed step tells of yet
    outside: Toolset | None = None  # the tools of servers that may be used in it; None: not yet known
    granted: tuple[Ask, ...] = ()  # calls that waited, and to which the person said yes
    declined: tuple[Ask, ...] = ()  # ... and no
    forgot: bool = False  # something was forgotten in it, as the person asked
    began_s: float = 0.0  # seconds that its beginning took
    asked_s: float = 0.0  # seconds that models took, and the wait for an allowance
    restarts: int = 0  # times that an edit made it begin anew
    masks: bool = False  # what it writes is kept without secrets
    passed: bool = False  # it chose to say nothing
    drafting: Drafting | None = None  # shows what is written to the person before it is said

    @property
    def whole(self) -> bool:
        """Whether the turn changes memory and speaks all at once, at its end: a reflection that is broken off
        leaves everything as it was."""
        return self.turn.kind == HeartbeatDue.kind

    def own(self, text: str) -> str:
        """What is said to the person instead of the model's words: in their language."""
        with spoken(self.language):
            return gettext(text)

    @property
    def step_key(self) -> str:
        """The name of the present step, the same after a restart."""
        return f"{self.turn.id}/{self.turn.steps}"
