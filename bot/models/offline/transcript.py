"""What a request shows: core memory, the events of this turn, and what was done about them so far.

Reading never raises: what is not in the expected form is taken as plain text or left out.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from bot.models.offline.words import plain
from bot.ports import ModelRequest

SILENT = frozenset({"heartbeat", "scheduled", "system_alert", "reaction", "summary", "deleted"})


@dataclass(frozen=True, kw_only=True)
class Seen:
    """One event. ``text`` is what the person wrote (cut to a few thousand characters) or the reason;
    ``document`` names what came with it."""

    kind: str
    text: str
    name: str = ""
    at: datetime | None = None
    document: str = ""
    news: Sequence[str] = ()

    @property
    def from_person(self) -> bool:
        return self.kind not in SILENT


@dataclass(frozen=True, kw_only=True)
class Done:
    """A call that was made, and its result. ``message`` is text, or the object of a search."""

    name: str
    arguments: Mapping[str, Any]
    ok: bool
    message: Any


@dataclass(frozen=True, kw_only=True)
class CoreBlock:
    value: str
    read_only: bool
    limit: int = 0  # characters


@dataclass(frozen=True, kw_only=True)
class Transcript:
    system: str
    blocks: Mapping[str, CoreBlock]
    events: Sequence[Seen]  # of this turn
    done: Sequence[Done]  # in this turn
    steps: int  # model answers in this turn
    earlier: Sequence[Seen] = ()  # what is in the queue from before
    earlier_done: Sequence[Done] = ()
    summarized: bool = False  # a running summary is shown: this is no first contact

    @property
    def spoken(self) -> Sequence[Seen]:
        """What people wrote in this turn."""
        return [e for e in self.events if e.kind == "message"]

    @property
    def news(self) -> Sequence[str]:
        """What was said since the last heartbeat, as lines."""
        return [line for e in self.events for line in e.news]

    @property
    def now(self) -> datetime | None:
        return next((e.at for e in reversed(self.events) if e.at), None)

    @property
    def first_contact(self) -> bool:
        return not (self.summarized or any(d.name == "send_message" for d in self.earlier_done))

    def results(self, name: str) -> list[Done]:
        return [d for d in self.done if d.name == name]


@dataclass
class _Stretch:
    """A run of events and the model's answers to it."""

    events: list[Seen] = field(default_factory=list)
    done: list[Done] = field(default_factory=list)
    steps: int = 0
    answered: bool = False


def read(request: ModelRequest) -> Transcript:
    """The transcript of any request."""
    stretches, system, told, summarized = _stretches(request.messages)
    first = _first_of_turn(stretches)
    turn, before = stretches[first:], stretches[:first]
    return Transcript(
        system=system,
        blocks={label: replace(b, value=told.get(label, b.value)) for label, b in _blocks(system).items()},
        events=[e for s in turn for e in s.events],
        done=[d for s in turn for d in s.done],
        steps=sum(s.steps for s in turn),
        earlier=[e for s in before for e in s.events],
        earlier_done=[d for s in before for d in s.done],
        summarized=summarized,
    )


def _stretches(messages: Sequence[Mapping[str, Any]]) -> tuple[list[_Stretch], str, dict[str, str], bool]:
    results = {m.get("tool_call_id"): text_of(m) for m in messages if m.get("role") == "tool"}
    stretches, system, summarized = [_Stretch()], "", False
    told: dict[str, str] = {}
    for message in messages:
        role = message.get("role")
        if role == "system":
            system = f"{system}\n{text_of(message)}"
        elif role == "user":
            seen = event_of(text_of(message))
            if seen.kind == "summary":
                summarized = True
                continue
            if seen.kind == "core_memory":
                told.update(_told(text_of(message)))
                continue
            if stretches[-1].steps:
                stretches.append(_Stretch())
            stretches[-1].events.append(seen)
        elif role == "assistant":
            stretch = stretches[-1]
            stretch.steps += 1
            calls = [_done(c, results) for c in message.get("tool_calls") or () if isinstance(c, Mapping)]
            stretch.done += calls
            stretch.answered |= any(c.name == "send_message" for c in calls) or not calls
    return stretches, system, told, summarized


def _first_of_turn(stretches: Sequence[_Stretch]) -> int:
    """A turn that an alert or a further message cut into began at the last unanswered message."""
    first = len(stretches) - 1
    while first > 0:
        if any(e.kind in ("heartbeat", "scheduled") for e in stretches[first].events):
            break
        before = stretches[first - 1]
        if before.answered or not any(e.from_person for e in before.events):
            break
        first -= 1
    return first


def text_of(message: Mapping[str, Any]) -> str:
    """The text of a message whose content is a text or a list of parts."""
    content = message.get("content")
    if isinstance(content, str):
        return content
    if isinstance(content, Sequence):
        parts = (p.get("text") for p in content if isinstance(p, Mapping))
        return "\n".join(p for p in parts if isinstance(p, str))
    return ""


def event_of(content: str) -> Seen:
    """The event in a user message; what is no event's JSON counts as something a person wrote."""
    data = load(content)
    if not isinstance(data, Mapping):
        return Seen(kind="message", text=plain(content))
    kind = _text(data, "type")
    body = _text(data, "message") or _text(data, "reason") or _text(data, "text")
    if not kind:
        kind, body = "message", body or content
    if data.get("deleted"):
        kind = "deleted"
    attached = data.get("attachments")
    names = (
        [_text(a, "name") for a in attached if isinstance(a, Mapping)] if isinstance(attached, list) else []
    )
    document = _text(data, "document") or ", ".join(filter(None, names))
    return Seen(
        kind=kind,
        text=plain(body),
        name=_text(data, "name")[:80],
        at=moment(data.get("time")),
        document=document[:120],
        news=_lines(data.get("news")),
    )


def _lines(value: object) -> list[str]:
    return [line for line in value if isinstance(line, str)] if isinstance(value, list) else []


def load(text: object) -> Any:
    """The JSON value in ``text``, or ``text`` itself."""
    if not isinstance(text, str) or text.lstrip()[:1] not in ("{", "["):
        return text
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def moment(value: object) -> datetime | None:
    """An ISO time, aware (UTC when it names no zone), perhaps followed by a weekday; else None."""
    try:
        at = datetime.fromisoformat(str(value).partition(" (")[0])
        return at if at.tzinfo else at.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


def _text(data: Mapping[str, Any], key: str) -> str:
    value = data.get(key)
    return value if isinstance(value, str) else ""


def _done(call: Mapping[str, Any], results: Mapping[Any, str]) -> Done:
    function = call.get("function")
    function = function if isinstance(function, Mapping) else {}
    arguments = load(function.get("arguments"))
    result = load(results.get(call.get("id"), ""))
    message = result.get("message") if isinstance(result, Mapping) else result
    return Done(
        name=str(function.get("name") or ""),
        arguments=arguments if isinstance(arguments, Mapping) else {},
        ok=isinstance(result, Mapping) and result.get("status") == "OK",
        message=load(message),
    )


def _told(content: str) -> dict[str, str]:
    """What blocks read now, of an event that tells it."""
    data = load(content)
    blocks = data.get("blocks") if isinstance(data, Mapping) else None
    named = blocks.items() if isinstance(blocks, Mapping) else ()
    return {str(label): _text(block, "value") for label, block in named if isinstance(block, Mapping)}


def _blocks(system: str) -> dict[str, CoreBlock]:
    """The core memory blocks, line by line: a value cannot make this slow."""
    blocks: dict[str, CoreBlock] = {}
    head, value = "", list[str]()
    for line in system.splitlines():
        if not head and line.startswith("<block ") and 'label="' in line:
            head, _, line = line.partition(">") if line.count(">") == 1 else _split_head(line)
            value = []
            if not line:
                continue
        if head:
            value.append(line.removesuffix("</block>"))
            if line.endswith("</block>"):
                blocks[_attribute(head, "label")] = _block(head, "\n".join(value))
                head = ""
    return blocks


def _split_head(line: str) -> tuple[str, str, str]:
    """The opening tag and what follows it; a ``>`` inside a quoted attribute does not end it."""
    end = line.find('">')
    return (line, "", "") if end < 0 else (line[: end + 1], ">", line[end + 2 :])


def _block(head: str, value: str) -> CoreBlock:
    limit = _attribute(head, "chars").partition("/")[2]
    return CoreBlock(
        value=value.strip("\n").replace("<\\/", "</"),  # a value may not close its block
        read_only=_attribute(head, "read_only") == "true",
        limit=int(limit) if limit.isdecimal() else 0,
    )


def _attribute(head: str, name: str) -> str:
    _, found, rest = head.partition(f' {name}="')
    return rest.partition('"')[0] if found else ""
