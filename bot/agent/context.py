"""The main context: what the model sees, as chat-completions messages. Pure.

Order, so that a provider's prompt cache keeps hitting: system instructions, core memory blocks (persona
first), running summary, FIFO queue. Each message is rendered once, to the JSON that is stored and re-sent
byte-identically until it is evicted.
"""

from __future__ import annotations

import hashlib
import json
import re
import string
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from bot.events import (
    Attachment,
    CallAnswered,
    DocumentUploaded,
    Event,
    HeartbeatDue,
    MessageReceived,
    ReactionAdded,
    ScheduledDue,
    SystemAlert,
    UserJoined,
    UserReturned,
)
from bot.ports import GIVEN, Rendered, ToolCall
from memory.records import PRIVATE, Block, Message, Summary
from memory.search.excerpts import one_line

Fit = Callable[[str, int], str]

SEND = "send_message"
CORE_MEMORY = "core_memory"  # type of an event that tells what blocks read now
RECALLED = ("brings_to_mind", "news", "related")
"""Fields of an event that show what is stored elsewhere: they leave it when that may be gone."""
CLIPPED = "[clipped: "
"""Begins the note behind a text that is not shown whole."""
_UNSEEN = "It could not be looked at."
IMAGE = 1_600  # tokens that models take for an image, at most (OpenAI's vision guide: 85 to 1,445)
_OVERHEAD = 8  # tokens that a message costs besides its text
_SIGNS = string.ascii_letters + string.digits
_ID = re.compile(r"[A-Za-z0-9]{9}")
_SPARSE = 2  # characters of a token, where nothing is known of a text yet
_FARTHER = 4.0  # times as far as was counted, at the most, that is counted next
_FULL = 0.97  # of a bound: a text that is cut fills so much of it, or nearly


@dataclass(frozen=True)
class MainContext:
    """``system`` is system instructions and core memory; ``queue`` the FIFO queue, oldest first."""

    system: str
    summary: Summary | None
    queue: Sequence[Message]

    def messages(self) -> list[dict[str, Any]]:
        """The request's ``messages``, with unpaired tool calls repaired so that no agent is ever bricked."""
        rendered = [] if self.summary is None else [self.summary.rendered]
        rendered += [message.rendered for message in self.queue]
        return [{"role": "system", "content": self.system}, *repaired(map(_parsed, rendered))]


@lru_cache(maxsize=8_192)
def _parsed(rendered: str) -> Rendered:
    """A rendered message as the request's JSON; the same one is sent many times."""
    message = Rendered(rendered)
    ids = [call["id"] for call in message.get("tool_calls") or ()]
    ids += [message["tool_call_id"]] if "tool_call_id" in message else []
    if all(map(_ID.fullmatch, ids)):
        return message
    # Of a time when calls kept the ids of their servers, which others refuse.
    values = json.loads(rendered)
    for call in values.get("tool_calls") or ():
        call["id"] = call_id(call["id"])
    if "tool_call_id" in values:
        values["tool_call_id"] = call_id(values["tool_call_id"])
    return Rendered(to_json(values))


def call_id(name: str) -> str:
    """A call's id, the same for the same name: nine letters and digits."""
    number = int.from_bytes(hashlib.sha256(name.encode("utf-8", "replace")).digest()[:8])
    return "".join(_SIGNS[number // len(_SIGNS) ** place % len(_SIGNS)] for place in range(9))


def blocks_fields(blocks: Iterable[Block], at: datetime, zone: ZoneInfo) -> dict[str, Any]:
    """An event that tells what core memory blocks read now."""
    values = {b.label: {"chars": f"{len(b.value)}/{b.limit}", "value": b.value} for b in blocks}
    return {"type": CORE_MEMORY, "time": local_time(at, zone), "blocks": values}


def told_blocks(rendered: str) -> dict[str, str]:
    """Label and value of the blocks that such an event told of; nothing, once it was `shrunk`."""
    blocks = told(_parsed(rendered))["blocks"]
    return {label: block["value"] for label, block in blocks.items()} if isinstance(blocks, dict) else {}


def recalled(message: Message) -> list[str]:
    """What a stored event brought to mind when it was admitted."""
    if message.event_key is None or "brings_to_mind" not in message.rendered:
        return []
    lines = told(json.loads(message.rendered)).get("brings_to_mind")
    return lines if isinstance(lines, list) else []


def event_fields(
    event: Event, zone: ZoneInfo, fit: Fit, tokens: int, whole: int | None = None
) -> dict[str, Any]:
    """What the model is told of an event in about ``tokens``, of which what was said may take ``whole`` (None: half of
    them); a longer text is clipped, with a note."""
    fields: dict[str, Any] = {"type": event.kind, "name": event.name, "time": local_time(event.at, zone)}
    if isinstance(event, MessageReceived):
        if event.place or event.audience != PRIVATE:
            fields["place"] = event.place or "where others read, too"
        if event.context:
            fields["context"] = [clipped(quote.text, fit, tokens // 40) for quote in event.context]
        if event.reply_to:
            fields["reply_to"] = clipped(event.reply_to.text, fit, tokens // 8)
        if event.attachments:
            share = tokens // (4 * len(event.attachments))
            fields["attachments"] = [attached_fields(a, fit, share) for a in event.attachments]
        fields["message"] = clipped(event.text, fit, tokens // 2 if whole is None else whole)
    elif isinstance(event, HeartbeatDue):
        fields["reason"] = event.reason
        if event.news:
            fields["news"] = [clipped(line, fit, tokens // 4) for line in event.news]
        if event.related:
            fields["related"] = [clipped(line, fit, tokens // 20) for line in event.related]
    elif isinstance(event, ScheduledDue):
        fields["reason"] = event.reason
    elif isinstance(event, CallAnswered):
        done = "it is carried out now" if event.allowed else "it is not carried out"
        word = "allowed" if event.allowed else "refused"
        fields["reason"] = f"{event.name} {word} the call of {event.tool} that waited: {done}."
    elif isinstance(event, UserReturned):
        fields["reason"] = f"{event.name} is back after {event.days} days."
    elif isinstance(event, SystemAlert):
        fields["message"] = event.message
    elif isinstance(event, DocumentUploaded):
        fields |= {"document": event.document, "message": clipped(event.text, fit, tokens // 2)}
        if event.problem:
            fields["problem"] = event.problem
    elif isinstance(event, ReactionAdded):
        fields |= {"reason": f"{event.name} reacted with {event.emoji} to your message."}
    elif isinstance(event, UserJoined):
        fields["reason"] = (
            "First contact. Greet them; say that you are software, that you remember what you are told, and that "
            "/privacy tells them what is kept and how it is deleted."
        )
        if event.greeting:
            fields["greeting"] = clipped(event.greeting, fit, tokens // 4)
            fields["reason"] += " `greeting` is how you greet: use it, or say it in your own words."
    return fields


def attached_fields(a: Attachment, fit: Fit, tokens: int) -> dict[str, Any]:
    """What the model is told of something that came with a message, each text of it in about ``tokens``."""
    if a.removed:
        return {"type": a.media_type, "removed": True}
    return (
        {"name": a.name, "type": a.media_type}
        | ({"text": clipped(a.text, fit, tokens)} if a.text else {})
        | ({"shows": clipped(a.shows, fit, tokens)} if a.shows else {})
        | ({"shows": _UNSEEN} if a.looked and not (a.image or a.shows) else {})
        | ({"says": clipped(a.heard, fit, tokens)} if a.heard and not a.voice else {})
    )


def bare(event: Event) -> str:
    """What recall storage searches and the summarizer reads: the words of people, and what they showed, each picture
    and sound marked as what it is."""
    if not isinstance(event, MessageReceived):
        return ""
    shown = [f"(picture) {one_line(a.shows)}" for a in event.attachments if a.shows]
    shown += [f"(sound) {one_line(a.heard)}" for a in event.attachments if a.heard and not a.voice]
    if not (event.text or shown):
        images = [a for a in event.attachments if a.media_type.startswith("image/") and not a.removed]
        shown = [f"(picture: {a.name})" for a in images]
    return "\n".join(filter(None, [event.text, *shown]))


_VOICE = re.compile(r"^\(voice message[^\n]*\)$", re.MULTILINE)  # how adapters tell of one
UNHEARD = "its sound cannot be heard here"


def voiced(text: str, attachments: Sequence[Attachment]) -> str:
    """The text of a message with the words of its voice message in their place, marked as spoken."""
    words = [one_line(a.heard) for a in attachments if a.voice and a.heard]
    if not words:
        return text
    spoken = f"(voice) {' '.join(words)}"
    there = _VOICE.search(text)
    return f"{text[: there.start()]}{spoken}{text[there.end() :]}" if there else f"{text}\n{spoken}".strip()


def is_unheard(event: Event) -> bool:
    """Whether it is a voice message that nobody here heard, and nothing else."""
    if not isinstance(event, MessageReceived) or not any(a.voice and not a.heard for a in event.attachments):
        return False
    told = _VOICE.search(event.text)
    return told is not None and UNHEARD in told[0] and not _VOICE.sub("", event.text).strip()


def length(event: Event) -> int:
    """Characters of what was said in an event, and of the documents with it."""
    if isinstance(event, DocumentUploaded):
        return len(event.text)
    return (
        len(event.text) + sum(len(a.text) for a in event.attachments)
        if isinstance(event, MessageReceived)
        else 0
    )


def local_time(at: datetime, zone: ZoneInfo) -> str:
    """A moment in the person's zone, with the day of the week, which models get wrong by themselves."""
    local = at.astimezone(zone)
    return f"{local.isoformat(timespec='seconds')} ({local:%A})"


def user_message(fields: dict[str, Any], images: Sequence[str] = ()) -> str:
    """An event as a rendered message; ``images`` are data URLs, shown beside it."""
    content: Any = compact(fields)
    if images:
        shown = [{"type": "image_url", "image_url": {"url": url}} for url in images]
        content = [{"type": "text", "text": content}, *shown]
    return to_json({"role": "user", "content": content})


def told(message: dict[str, Any]) -> dict[str, Any]:
    """What an event's message tells, without its images; of what is no event, in a damaged database, nothing."""
    content = message.get("content")
    try:
        fields = json.loads(content[0]["text"] if isinstance(content, list) else content or "{}")
    except (ValueError, KeyError, IndexError, TypeError):
        fields = {}
    return {"type": ""} | (fields if isinstance(fields, dict) else {})


def images_in(message: dict[str, Any]) -> list[str]:
    """The images of an event's message."""
    content = message["content"]
    return [] if isinstance(content, str) else [part["image_url"]["url"] for part in content[1:]]


def images_of(event: Event) -> list[str]:
    """The images that came with an event."""
    return [a.image for a in event.attachments if a.image] if isinstance(event, MessageReceived) else []


def assistant_message(
    text: str, calls: Sequence[ToolCall], fit: Fit, tokens: int, given: dict[str, Any] | None = None
) -> str:
    """The model's message, rendered in about ``tokens``: what is longer is clipped.

    ``given`` is what its server added, to be given back (see `bot.ports.Rendered`); it may take as much again, and is
    left out where it is more.
    """
    share = tokens // (len(calls) + 1)
    message: dict[str, Any] = {"role": "assistant", "content": fit(text, share) or None}
    if calls:
        message["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": _arguments(call.arguments, fit, share)},
            }
            for call in calls
        ]
    elif not text:
        message["content"] = ""
    for kept in (given, given and {**given, "message": {}}):
        if kept and len(shown := fit(to_json(kept), tokens)) == len(to_json(kept)):
            message[GIVEN] = json.loads(shown)
            break
    return to_json(message)


def tool_message(call_id: str, content: str) -> str:
    """A tool's result, rendered."""
    return to_json({"role": "tool", "tool_call_id": call_id, "content": content})


def summary_message(text: str, evicted: int, at: datetime, zone: ZoneInfo) -> str:
    """The running summary, rendered as an event."""
    return user_message(
        {
            "type": "summary",
            "time": local_time(at, zone),
            "message": text,
            "note": f"{evicted} older messages left your view. conversation_search finds them.",
        }
    )


_FORGOTTEN = "What stood here was forgotten, as the person asked."


def unsaid(message: dict[str, Any], gone: Callable[[str], bool], *, said: bool = False) -> dict[str, Any]:
    """The model's message without thoughts and arguments that are ``gone``; what it ``said`` may stay."""
    shown = dict(message)
    content = shown.get("content")
    if isinstance(content, str) and content and gone(content):
        shown["content"] = None if shown.get("tool_calls") else ""
    calls = []
    for call in shown.get("tool_calls") or ():
        function = call["function"]
        if gone(function["arguments"]) and not (said and function["name"] == SEND):
            emptied = {"message": _FORGOTTEN} if function["name"] == SEND else {"note": _FORGOTTEN}
            call = {**call, "function": {**function, "arguments": to_json(emptied)}}
        calls.append(call)
    if calls:
        shown["tool_calls"] = calls
    if GIVEN in shown and gone(to_json(shown[GIVEN])):
        del shown[GIVEN]
    return shown


def repaired(messages: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The messages with every tool call answered, no answer without its call, and none of the model's that is empty.

    An endpoint refuses a history that breaks this, for ever; a crash or an edit of the history may have.
    """
    result: list[dict[str, Any]] = []
    open_calls: list[str] = []

    def close() -> None:
        for call_id in open_calls:
            lost = to_json({"status": "Failed", "message": "The result was lost."})
            result.append({"role": "tool", "tool_call_id": call_id, "content": lost})
        open_calls.clear()

    for message in messages:
        if message["role"] == "tool":
            if message["tool_call_id"] in open_calls:
                open_calls.remove(message["tool_call_id"])
                result.append(message)
            continue
        close()
        if message["role"] == "assistant" and not message.get("content") and not message.get("tool_calls"):
            continue
        result.append(message)
        open_calls.extend(call["id"] for call in message.get("tool_calls") or ())
    close()
    return result


def cost(count: Callable[[str], int], rendered: str) -> int:
    """Tokens that a rendered message takes; an image counts as `IMAGE`."""
    if '"image_url"' in rendered and isinstance((message := json.loads(rendered))["content"], list):
        images = len(message["content"]) - 1
        return count(user_message(told(message))) + images * IMAGE + _OVERHEAD
    return count(rendered) + _OVERHEAD


def fitter(count: Callable[[str], int]) -> Fit:
    """A function that cuts a text to at most so many tokens; a text that fits comes back as it is."""

    def fit(text: str, tokens: int) -> str:
        # A token is at least one byte, and JSON makes at most four of one.
        if 4 * len(text) <= tokens and 4 * len(text.encode("utf-8", "replace")) <= tokens:
            return text
        low, taken, reach = 0, 0, min(len(text), max(16, tokens * _SPARSE))
        while (over := count(text[:reach])) <= tokens:
            if reach == len(text):
                return text
            # Farther, as dense as it was so far: no more than twice what is kept is counted, however long the text.
            low, taken = reach, over
            share = min(_FARTHER, (1 + _FULL) / 2 * tokens / max(1, taken))
            reach = min(len(text), max(reach + 16, int(reach * max(1.02, share))))
        high, halve = reach, False
        while high - low > max(16, high // 64) and taken < _FULL * tokens:
            # Where a text as dense as this reaches the bound, and the middle in turn with it: few are as even.
            share = 0.5 if halve else ((1 + _FULL) / 2 * tokens - taken) / (over - taken)
            middle = low + min(high - low - 1, max(1, int((high - low) * share)))
            counted, halve = count(text[:middle]), not halve
            if counted <= tokens:
                low, taken = middle, counted
            else:
                high, over = middle, counted
        return text[:low]

    return fit


def in_json(count: Callable[[str], int]) -> Callable[[str], int]:
    """Counts a text as it stands in a request: as a JSON string within a JSON string."""
    return lambda text: count(to_json(to_json(text)))


def to_json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def compact(value: object) -> str:
    """JSON without blanks between its signs, as events and results are told: that is about six tokens less of each."""
    return json.dumps(value, ensure_ascii=False, default=str, separators=(",", ":"))


def shrunk(rendered: str, fit: Fit, tokens: int) -> str:
    """A rendered message cut down to about ``tokens``: the last resort of a window that is too full."""
    message = json.loads(rendered)
    message.pop(GIVEN, None)
    if message["role"] == "assistant":
        calls = message.get("tool_calls", ())
        share = tokens // (len(calls) + 1)
        message["content"] = fit(message["content"] or "", share) or None
        for call in calls:
            call["function"]["arguments"] = _arguments(call["function"]["arguments"], fit, share)
        return to_json(message)
    fields = told(message)
    longest = max(fields, key=lambda name: len(to_json(fields[name])))
    value = fields[longest]
    fields[longest] = clipped(value if isinstance(value, str) else to_json(value), fit, tokens)
    message["content"] = compact(fields)
    return to_json(message)


def clipped(text: str, fit: Fit, tokens: int) -> str:
    """The text in about ``tokens``, with a note where that is not all of it."""
    shown = fit(text, max(16, tokens))
    if len(shown) == len(text):
        return text
    return (
        f"{shown} … {CLIPPED}{len(shown)} of {len(text)} characters are shown; the whole is in recall "
        "storage, conversation_search shows the parts around the words you search for]"
    )


def _arguments(text: str, fit: Fit, tokens: int) -> str:
    """A call's arguments as a JSON object, whatever they were: servers refuse a history with anything else."""
    shown = fit(text, max(16, tokens))
    if len(shown) < len(text):
        return to_json({"clipped": shown, "note": f"{len(text)} characters in all"})
    try:
        is_object = isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        is_object = False
    return text if is_object else to_json({"unreadable": text} if text.strip() else {})
