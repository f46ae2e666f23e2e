"""What a request shows: core memory, the events of this turn, and what was done about them so far.

Reading never raises: what is not in the expected form is taken as plain text or left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from bot.models import values
from bot.models.values import list_of, object_of, text_in
from bot.ports import ModelRequest

_HEAD, _TAIL = 4000, 2000  # characters looked at of a long text
_QUOTES = str.maketrans({"’": "'", "‘": "'", "ʼ": "'", "´": "'", "“": '"', "”": '"', "\x00": " "})
_BLOCK = re.compile(r'^<block(?P<head> .*?")>\n(?P<value>.*?)</block>$', re.MULTILINE | re.DOTALL)
_ATTRIBUTE = re.compile(r' ([a-z_]+)="([^"]*)"')
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
    news: Sequence[str] = ()  # what was said since the last heartbeat, as lines

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


@dataclass(frozen=True)
class CoreBlock:
    value: str
    read_only: bool
    limit: int = 0  # characters


@dataclass(frozen=True, kw_only=True)
class Transcript:
    blocks: Mapping[str, CoreBlock]
    events: Sequence[Seen]  # of this turn
    done: Sequence[Done]  # in this turn
    steps: int  # model answers in this turn
    earlier: Sequence[Seen] = ()  # what is in the queue from before
    earlier_done: Sequence[Done] = ()
    summarized: bool = False  # a running summary is shown

    @property
    def now(self) -> datetime | None:
        return next((e.at for e in reversed(self.events) if e.at), None)

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
    results = {m.get("tool_call_id"): text_of(m) for m in request.messages if m.get("role") == "tool"}
    stretches, blocks, summarized = [_Stretch()], dict[str, CoreBlock](), False
    for message in request.messages:
        role, text, stretch = message.get("role"), text_of(message), stretches[-1]
        if role == "system":
            blocks.update(_blocks(text))
        elif role == "user":
            seen = event_of(text)
            if seen.kind == "summary":
                summarized = True
            elif seen.kind == "core_memory":
                told = object_of(object_of(values.read(text)).get("blocks"))
                for label in blocks.keys() & told.keys():  # what they read now
                    blocks[label] = replace(blocks[label], value=text_in(object_of(told[label]), "value"))
            elif stretch.steps:
                stretches.append(_Stretch([seen]))
            else:
                stretch.events.append(seen)
        elif role == "assistant":
            calls = [_done(c, results) for c in message.get("tool_calls") or () if isinstance(c, Mapping)]
            stretch.steps += 1
            stretch.done += calls
            stretch.answered |= not calls or any(c.name == "send_message" for c in calls)
    first = _first_of_turn(stretches)
    turn, before = stretches[first:], stretches[:first]
    return Transcript(
        blocks=blocks,
        events=[e for s in turn for e in s.events],
        done=[d for s in turn for d in s.done],
        steps=sum(s.steps for s in turn),
        earlier=[e for s in before for e in s.events],
        earlier_done=[d for s in before for d in s.done],
        summarized=summarized,
    )


def _first_of_turn(stretches: Sequence[_Stretch]) -> int:
    """A turn that an alert or a further message cut into began at the last unanswered message."""
    first = len(stretches) - 1
    while first > 0:
        before, now = stretches[first - 1 : first + 1]
        on_its_own = any(e.kind in ("heartbeat", "scheduled") for e in now.events)
        if on_its_own or before.answered or not any(e.from_person for e in before.events):
            break
        first -= 1
    return first


def text_of(message: Mapping[str, Any]) -> str:
    """The text of a message whose content is a text or a list of parts."""
    content = message.get("content")
    if isinstance(content, str):
        return content
    return "\n".join(text_in(part, "text") for part in map(object_of, list_of(content)) if "text" in part)


def plain(text: str) -> str:
    """The text with plain quotes; of a long one only the beginning and the end."""
    if len(text) > _HEAD + _TAIL:
        text = f"{text[:_HEAD]}\n{text[-_TAIL:]}"
    return text.translate(_QUOTES)


def event_of(content: str) -> Seen:
    """The event in a user message; what is no event's JSON counts as something a person wrote."""
    data = values.read(content)
    if not isinstance(data, Mapping):
        return Seen(kind="message", text=plain(content))
    kind = text_in(data, "type")
    body = text_in(data, "message") or text_in(data, "reason") or text_in(data, "text")
    attached = [text_in(object_of(a), "name") for a in list_of(data.get("attachments"))]
    document = text_in(data, "document") or ", ".join(filter(None, attached))
    return Seen(
        kind="deleted" if data.get("deleted") else kind or "message",
        text=plain(body if kind else body or content),
        name=text_in(data, "name")[:80],
        at=moment(data.get("time")),
        document=document[:120],
        news=[line for line in list_of(data.get("news")) if isinstance(line, str)],
    )


def moment(value: object) -> datetime | None:
    """An ISO time, aware (UTC when it names no zone), perhaps followed by a weekday; else None."""
    try:
        at = datetime.fromisoformat(str(value).partition(" (")[0])
        return at if at.tzinfo else at.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


def _done(call: Mapping[str, Any], results: Mapping[Any, str]) -> Done:
    function = object_of(call.get("function"))
    result = values.read(results.get(call.get("id"), ""))
    return Done(
        name=str(function.get("name") or ""),
        arguments=object_of(values.read(function.get("arguments"))),
        ok=object_of(result).get("status") == "OK",
        message=values.read(result.get("message") if isinstance(result, Mapping) else result),
    )


def _blocks(system: str) -> Iterator[tuple[str, CoreBlock]]:
    """The core memory blocks, by label; no value can close its own."""
    for match in _BLOCK.finditer(system):
        told = dict(_ATTRIBUTE.findall(match["head"]))
        value, limit = match["value"].strip("\n"), told.get("chars", "").partition("/")[2]
        block = CoreBlock(value.replace("<\\/", "</"), told.get("read_only") == "true")
        yield told.get("label", ""), replace(block, limit=int(limit) if limit.isdecimal() else 0)
