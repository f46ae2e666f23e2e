"""Messages as they are shown to a model, where they come from a file: of a shape that every reader of them knows, and
calls paired with their results. What is not so is told in a sentence. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, FailFast, Field, ValidationError, model_validator

from bot.agent.fifo_queue import CORE
from memory.records import Role

Kind = TypeVar("Kind", bound=BaseModel)
_CallId = Annotated[str, Field(min_length=1, max_length=200)]


def _texts(value: Any) -> Any:
    if not isinstance(value, list | str | None) or (
        isinstance(value, list) and not all(isinstance(x, str) for x in value)
    ):
        raise ValueError("texts are expected")
    return value


def _blocks(value: Any) -> Any:
    known = value.values() if isinstance(value, dict) else ()
    if not isinstance(value, dict | str) or not all(
        isinstance(b, dict) and isinstance(b.get("value"), str) for b in known
    ):
        raise ValueError("core memory blocks are expected, each with its `value`")
    return value


# What was cut became a text.
_Lines = Annotated[Any, AfterValidator(_texts)]
_Blocks = Annotated[Any, AfterValidator(_blocks)]


class Part(BaseModel):
    """What has these fields, each of its own type, and no others."""

    model_config = ConfigDict(frozen=True, strict=True, extra="allow")

    @model_validator(mode="after")
    def _no_others(self) -> Self:
        # As `extra="forbid"`, but however many there are, one is told of.
        if self.model_extra:
            raise ValueError(f"{next(iter(self.model_extra))[:40]!r} is no field of this format")
        return self


class _Told(BaseModel):
    """An event. Of fields that newer versions add nothing is asked."""

    model_config = ConfigDict(frozen=True, strict=True)

    type: str = Field(min_length=1, max_length=100)
    name: str | None = None
    time: str | None = None
    place: str | None = None
    message: str | None = None
    reason: str | None = None
    brings_to_mind: _Lines = None
    book: _Lines = None
    news: _Lines = None
    related: _Lines = None
    context: _Lines = None
    blocks: _Blocks = None


class _Event(Part):
    role: Literal["user"]
    content: str


class _Function(Part):
    name: str = Field(min_length=1, max_length=200)
    arguments: str


class _Call(Part):
    id: _CallId
    type: Literal["function"]
    function: _Function


class _Answer(Part):
    role: Literal["assistant"]
    content: str | None
    tool_calls: Annotated[list[_Call], FailFast(), Field(min_length=1, max_length=1_000)] = Field(
        default_factory=list
    )


class _Result(Part):
    role: Literal["tool"]
    content: str
    tool_call_id: _CallId
    name: str | None = None


@dataclass(frozen=True)
class Shown:
    """What a message has to do with calls: the ids that it makes, and that it answers."""

    calls: tuple[str, ...] = ()
    answers: str | None = None


def read(role: Role, author: str, event: str | None, rendered: str) -> Shown:
    """A message's rendering. Raises ValueError, which says what is expected.

    ``author`` and ``event`` (the platform's key) tell who it is of: notes of our own have no key.
    """
    if role is Role.USER:
        told = _told(_parsed(_Event, rendered).content)
        if author == CORE and event is None and told.blocks is None:
            raise ValueError("a note of core memory tells of `blocks`")
        return Shown()
    if role is Role.TOOL:
        return Shown(answers=_parsed(_Result, rendered).tool_call_id)
    calls = _parsed(_Answer, rendered).tool_calls
    for call in calls:
        _json(call.function.arguments, "arguments of a call are a JSON object")
    ids = tuple(call.id for call in calls)
    if len(set(ids)) < len(ids):
        raise ValueError("two of its calls have one id")
    return Shown(calls=ids)


def _told(content: str) -> _Told:
    _json(content, "the content of an event is a JSON object")
    return _parsed(_Told, content)


def _parsed(kind: type[Kind], text: str) -> Kind:
    try:
        return kind.model_validate_json(text)
    except ValidationError as error:
        raise ValueError(problem(error)) from None


def problem(error: ValidationError) -> str:
    """The first thing that is wrong, in words; nothing of the input is in it."""
    first = error.errors(include_input=False, include_url=False)[0]
    key = ".".join(str(part) for part in first["loc"] if not str(part).endswith("]"))
    said = first["msg"].removeprefix("Value error, ")
    return f"{key}: {said}" if key else said


def _json(text: str, expected: str) -> None:
    """That whoever reads the text again finds an object, and can write it."""
    try:
        value = json.loads(text, parse_constant=_no_number)
        json.dumps(value, ensure_ascii=False).encode()  # lone surrogates
    except (ValueError, RecursionError):
        raise ValueError(expected) from None
    if not isinstance(value, dict) or _depth(value) > _DEEPEST:
        raise ValueError(f"{expected}, nested {_DEEPEST} deep at the most")


_DEEPEST = 32


def _depth(value: Any) -> int:
    depth, level = 0, [value]
    while level := [v for v in level if isinstance(v, dict | list)]:
        depth += 1
        level = [inner for v in level for inner in (v.values() if isinstance(v, dict) else v)]
    return depth


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no number of JSON")


@dataclass
class Pairing:
    """Whether each call is answered before anything else is said, and each answer is one to a call: of one place's
    messages, in their order. ``name`` is what each is told by."""

    _open: list[str] = field(default_factory=list)
    _unit: list[Any] = field(default_factory=list)  # the names of the message that calls, and of its results

    def add(self, name: Any, shown: Shown) -> Sequence[Any]:
        """The names of those that are found to be unpaired now."""
        if shown.answers is not None:
            if shown.answers not in self._open:
                return [name]
            self._open.remove(shown.answers)
            self._unit.append(name)
            return []
        lost = self.end()
        self._open, self._unit = list(shown.calls), [name] if shown.calls else []
        return lost

    def end(self) -> Sequence[Any]:
        """The same, when no more follows."""
        return self._unit if self._open else []


def unpaired(messages: Iterable[tuple[Any, Shown]]) -> Iterator[Any]:
    """The names of those of one place's messages that are unpaired."""
    pairing = Pairing()
    for name, shown in messages:
        yield from pairing.add(name, shown)
    yield from pairing.end()
