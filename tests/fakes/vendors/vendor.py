"""What one vendor's server takes, refuses and adds: the part that they all share. See `tests.fakes.vendors`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from tests.fakes.openai_rules import problems
from tests.fakes.openai_wire import Answer, Json, chunks, count

FORBIDDEN = "FORBIDDEN"
"""The word at which a vendor's filter strikes."""


@dataclass(frozen=True, kw_only=True)
class No:
    """A refusal. ``lesson``: of something that no client can know beforehand; all else is the client's fault."""

    status: int
    message: str
    code: str | int | None = None
    kind: str = "invalid_request_error"
    lesson: bool = False
    more: Mapping[str, Any] = field(default_factory=dict)


def lesson(status: int, message: str, **more: Any) -> No:
    return No(status=status, message=message, lesson=True, **more)


def fault(status: int, message: str, **more: Any) -> No:
    return No(status=status, message=message, **more)


@dataclass(frozen=True, kw_only=True)
class Added:
    """What the server put beside a reply, and wants back: fields of the message, and of each call. ``parts`` stand
    before the text in its content."""

    message: Json = field(default_factory=dict)
    calls: Sequence[Json] = ()
    parts: Sequence[Json] = ()


class Past:
    """What the server itself has said, by what a client can give back of it."""

    def __init__(self) -> None:
        self._own: dict[str, Added] = {}

    def keep(self, answer: Answer, added: Added) -> None:
        self._own[mark([(name, made) for name, made in answer.calls], answer.text)] = added

    def of(self, message: Json) -> Added | None:
        """What was added to this message of the history; None if it is another's."""
        functions = [call["function"] for call in message.get("tool_calls") or ()]
        return self._own.get(mark([(f["name"], f["arguments"]) for f in functions], said(message)))


def mark(calls: Sequence[tuple[str, Any]], text: str) -> str:
    """The same for the same reply, whoever wrote its JSON."""
    made = [[name, json.loads(a) if isinstance(a, str) else a] for name, a in calls]
    return json.dumps(made or text, sort_keys=True)


def said(message: Json) -> str:
    """The text of a message's content."""
    content = message.get("content")
    if isinstance(content, list):
        return "\n\n".join(part.get("text", "") for part in content if part.get("type") == "text")
    return content or ""


def roles(body: Json) -> list[str]:
    return [message["role"] for message in body["messages"]]


class Vendor:
    """A well-behaved server of the protocol as it is written. Each vendor says where it differs, and by what source.

    ``parameters`` are those of a body that it knows; ``settings`` are what an operator may have under ``[model]``, to
    be refused here and there.
    """

    name = "vendor"
    model = "model-1"
    path = "/v1/chat/completions"
    parameters = frozenset(
        ("model", "messages", "stream", "stream_options", "tools", "tool_choice", "max_tokens", "temperature")
    )
    settings: ClassVar[Json] = {}
    unknown = "Unrecognized request argument supplied: {name}"
    unknown_status = 400
    filters = True  # its filter refuses at FORBIDDEN
    wants_back = True  # what it added
    late = False  # what it refuses is told in a stream

    def __init__(self) -> None:
        self.said = 0  # replies so far

    # What is asked

    def base_url(self, origin: str) -> str:
        """What the operator sets as ``[model] base_url``."""
        return origin + self.path.removesuffix("/chat/completions")

    def authorized(self, headers: Mapping[str, str], query: Mapping[str, str]) -> bool:
        return headers.get("Authorization") == "Bearer the-key"

    def problems(self, body: Json, past: Past) -> Iterator[No]:
        """All that is wrong with a request, the worst first."""
        yield from self.of_parameters(body)
        yield from self.of_messages(body, past)
        for problem in problems(body):
            yield fault(400, problem)

    def of_parameters(self, body: Json) -> Iterator[No]:
        for name in body:
            if name not in self.parameters:
                yield lesson(self.unknown_status, self.unknown.format(name=name))

    def of_messages(self, body: Json, past: Past) -> Iterator[No]:
        yield from ()

    # What is answered

    def refused(self) -> No | list[Json]:
        """What the filter answers: a refusal, or a stream."""
        raise NotImplementedError

    def too_long(self, tokens: int, window: int) -> No | None:
        """What is said of a request that does not fit; None: nothing, it is cut off."""
        raise NotImplementedError

    def error(self, no: No) -> Any:
        """The body of a refusal."""
        return {"error": {"message": no.message, "type": no.kind, "param": None, "code": no.code, **no.more}}

    def added(self, answer: Answer) -> Added:
        """What is put beside this answer. Every text of it names the vendor, so that it is known elsewhere."""
        return Added()

    def opaque(self, what: str) -> str:
        """A value that no other server may see."""
        return f"opaque:{self.name}:{what}:{self.said}"

    def chunks(self, body: Json, answer: Answer, added: Added) -> Iterator[Json | str]:
        """The answer's stream: chunks, or lines as they are."""
        calls = list(added.calls)
        first = True
        for chunk in chunks(body, answer):
            for choice in chunk["choices"]:
                delta = choice["delta"]
                if first:
                    yield from self.thinking(chunk, added)
                first = False
                for call in delta.get("tool_calls", ()):
                    if "id" in call:
                        call |= calls[call["index"]] if calls else {}
            yield chunk

    def thinking(self, chunk: Json, added: Added) -> Iterator[Json]:
        """What comes before the answer, shaped like this chunk: each field in two pieces."""
        for name, value in added.message.items():
            pieces = [value[:9], value[9:]] if isinstance(value, str) else [value]
            for piece in pieces:
                delta = {"role": "assistant", "content": "", name: piece}
                yield chunk | {"choices": [{"index": 0, "delta": delta, "finish_reason": None}]}

    def tokens(self, body: Json) -> int:
        return count([body["messages"], body.get("tools", [])])
