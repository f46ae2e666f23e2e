"""What happens in a running everbot, told to whoever watches it: metrics, traces, the count of what went wrong.

An observer is told, and never asked: it raises nothing, waits for nothing, and takes microseconds. No text that anybody
wrote is in what it is told, but for a `Question`'s request and reply, and a `Call`'s arguments and result, which it
keeps only where the operator switched that on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from bot.errors import Interrupted
from bot.ports import ModelReply, ModelRequest
from memory.records import Usage


@dataclass(kw_only=True)
class Heard:
    """An event is being judged and committed."""

    platform: str
    kind: str
    key: str


@dataclass(kw_only=True)
class Turning:
    """A turn is at work: once for each time that it was gone on with. What follows ``events`` is known at its end:
    ``own_s`` are the seconds that were everbot's own, without the model's, ``ended`` tells that it need not be gone on
    with."""

    id: str
    platform: str
    kind: str
    agent_id: int
    conversation_id: int
    persona: str
    events: Sequence[str]  # keys
    own_s: float = 0.0
    steps: int = 0
    model: str = ""
    ended: bool = False


@dataclass(kw_only=True)
class Question:
    """A model is being asked. ``reply`` and ``usage`` are there once it answered."""

    platform: str
    model: str
    turn: str
    request: ModelRequest
    reply: ModelReply | None = None
    usage: Usage = field(default_factory=Usage)


@dataclass(kw_only=True)
class Call:
    """A tool is being run. ``name`` is empty where there is no such tool."""

    name: str
    id: str
    arguments: str
    failed: bool = False
    result: str = ""


@dataclass(kw_only=True)
class Post:
    """A reply is being given to its platform."""

    platform: str
    turn: str
    id: str


@dataclass(frozen=True, kw_only=True)
class Evicted:
    """So many messages left a view."""

    messages: int


@dataclass(frozen=True, kw_only=True)
class Surfaced:
    """A message was read for what it brings to mind: how sure the reading is (λ, 0 to 1), how many memories came."""

    certainty: float
    memories: int


@dataclass(frozen=True, kw_only=True)
class Doubtful:
    """Nobody can say whether a reply was posted, and it is not sent again."""

    platform: str


@dataclass(frozen=True, kw_only=True)
class Fault:
    """Something went wrong that no `during` tells of. ``kind`` is the error's class."""

    kind: str
    platform: str = ""
    model: str = ""


_CALLED_OFF = (asyncio.CancelledError, Interrupted, GeneratorExit)

Span: TypeAlias = Heard | Turning | Question | Call | Post
Moment: TypeAlias = Evicted | Surfaced | Doubtful | Fault


class Observer(Protocol):
    """See the module."""

    def during(self, span: Span) -> AbstractContextManager[None]:
        """To be held while it lasts. An error that leaves the block is how it ended."""
        ...

    def noted(self, moment: Moment) -> None: ...


class Unobserved:
    """Nobody watches."""

    @contextmanager
    def during(self, span: Span) -> Iterator[None]:
        yield

    def noted(self, moment: Moment) -> None:
        pass


class Together:
    """Several, each told of all."""

    def __init__(self, observers: Sequence[Observer]) -> None:
        self._observers = tuple(observers)

    @contextmanager
    def during(self, span: Span) -> Iterator[None]:
        with ExitStack() as stack:
            for observer in self._observers:
                stack.enter_context(observer.during(span))
            yield

    def noted(self, moment: Moment) -> None:
        for observer in self._observers:
            observer.noted(moment)


def kind_of(error: BaseException) -> str:
    """What an error is counted as."""
    return type(error).__name__


def fault_of(span: Span, error: BaseException) -> Fault | None:
    """What an error that ended a span is counted as; None: it was called off."""
    if isinstance(error, _CALLED_OFF):
        return None
    platform = "" if isinstance(span, Call) else span.platform
    return Fault(
        kind=kind_of(error), platform=platform, model=span.model if isinstance(span, Question) else ""
    )
