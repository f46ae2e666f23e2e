"""A refused request put with less in it: each of these views leaves out what may have been refused. Pure.

A filter, or a server that takes no images, refuses the whole request for one part of it; the rest may be answered.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from bot.agent import context
from bot.agent.fifo_queue import Queue
from memory.records import Message, Role, Summary, Turn

_SURFACED = (*context.RECALLED, "book", "context", "reply_to")
"""What an event shows beside what was said: from memory, from the persona's book, of others."""
_UNSEEN = "There were images with this message. They could not be looked at."


@dataclass(frozen=True)
class View:
    """What of a queue is shown, and ``without`` what. ``summarized``: what it leaves out is to be summed up."""

    without: str
    summary: Summary | None
    messages: tuple[Message, ...]
    summarized: bool = False

    def gone(self, queue: Queue) -> list[Message]:
        """What of the queue it leaves out."""
        kept = {message.key for message in self.messages}
        return [message for message in queue.messages if message.key not in kept]

    def changed(self, queue: Queue) -> list[Message]:
        """What it shows otherwise."""
        known = {message.key: message.rendered for message in queue.messages}
        return [message for message in self.messages if known[message.key] != message.rendered]


def views(queue: Queue, turn: Turn, *, content: bool) -> Iterator[View]:
    """Lighter and lighter. ``content``: the refusal was for what is in the request, not for its form or length."""
    yield from _shown(queue, "images", _without_images)
    yield from _shown(queue, "what came to mind", _without_surfaced)
    older = [] if content else queue.oldest(turn)
    if older:
        keys = {message.key for message in older}
        kept = tuple(message for message in queue.messages if message.key not in keys)
        yield View("the older messages", queue.summary, kept, summarized=True)
    own = tuple(message for message in queue.messages if message.turn_id == turn.id)
    if queue.summary is not None or len(own) < len(queue.messages):
        alone = tuple(_changed(_changed(message, _without_images), _without_surfaced) for message in own)
        yield View("all that was before", None, alone)


Change = Callable[[dict[str, Any]], dict[str, Any] | None]
"""An event's message as it is shown then; None for one that stays as it is."""


def _shown(queue: Queue, what: str, change: Change) -> Iterator[View]:
    shown = tuple(_changed(message, change) for message in queue.messages)
    if any(now is not before for now, before in zip(shown, queue.messages, strict=True)):
        yield View(what, queue.summary, shown)


def _changed(message: Message, change: Change) -> Message:
    if message.role is not Role.USER or not message.rendered:
        return message
    shown = change(json.loads(message.rendered))
    return message if shown is None else replace(message, rendered=context.user_message(**shown))


def _without_images(message: dict[str, Any]) -> dict[str, Any] | None:
    if not context.images_in(message):
        return None
    return {"fields": context.told(message) | {"images": _UNSEEN}}


def _without_surfaced(message: dict[str, Any]) -> dict[str, Any] | None:
    fields = context.told(message)
    if not any(name in fields for name in _SURFACED):
        return None
    kept = {name: value for name, value in fields.items() if name not in _SURFACED}
    return {"fields": kept, "images": context.images_in(message)}
