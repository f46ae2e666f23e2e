"""What is kept of what comes in: everything but secrets, unless the person insists (``/privacy secrets keep``).

It is done before anything is written, so that a secret is in no journal, memory, index, log or export.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import ParamSpec, TypeVar

from bot.events import (
    Attachment,
    Command,
    DocumentUploaded,
    Event,
    MessageEdited,
    MessageReceived,
    Quote,
)
from bot.language import marked
from bot.safety.notices import Place, notice
from bot.safety.secrets import masked
from memory.records import OutboxRow, User

E = TypeVar("E", bound=Event)
T = TypeVar("T")
P = ParamSpec("P")
_LONG = 20_000  # characters: some milliseconds
TOLD = marked(
    "That held a secret (a key, a password or a card number), which I do not keep: I see a mark in its place. If I "
    "shall keep such things, say `/privacy secrets keep`."
)
_AS_THEY_ARE = ("connect", "privacy", "link")
"""Commands that take a key or a code, and keep it sealed, or not at all."""


class Masking:
    """``on``: as it is set for the whole installation."""

    def __init__(self, on: bool) -> None:
        self.on = on

    def of(self, user: User | None) -> bool:
        """Whether the secrets of this person are masked; None: of somebody who is not known."""
        return self.on and not (user and user.keeps_secrets)

    def text(self, user: User | None, text: str) -> str:
        return masked(text).text if self.of(user) else text

    def event(self, event: E, user: User | None) -> E:
        """The event as it is kept; the very same, if there is nothing to mask. What others said beside it never keeps
        a secret: they were not asked."""
        if not self.on:
            return event
        if isinstance(event, MessageReceived):
            reply = event.reply_to
            quoted: dict[str, object] = {
                "reply_to": reply and _quote(reply),
                "context": tuple(map(_quote, event.context)),
            }
            attachments = tuple(map(attachment, event.attachments))
            own: dict[str, object] = {"text": masked(event.text).text, "attachments": attachments}

            return _changed(event, quoted | (own if self.of(user) else {}))
        if isinstance(event, MessageEdited | DocumentUploaded) and self.of(user):
            return _changed(event, {"text": masked(event.text).text})
        return event

    def command(self, command: Command, user: User) -> Command:
        """The command as it is carried out; the very same, if there is nothing to mask."""
        if command.command in _AS_THEY_ARE or not self.of(user):
            return command
        return _changed(
            command, {"argument": masked(command.argument).text, "value": masked(command.value).text}
        )


async def aside(size: int, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """What it gives; on texts of so many characters that others would wait, in a thread."""
    return await asyncio.to_thread(call, *args, **kwargs) if size > _LONG else call(*args, **kwargs)


def told(place: Place, now: datetime) -> OutboxRow:
    """What the person is told of it, once."""
    return notice(f"secret/{place.agent.id}", place, TOLD, now)


def attachment(attached: Attachment) -> Attachment:
    """What came with a message, without the secrets in its words."""
    names = ("text", "shows", "heard")
    words: dict[str, object] = {name: masked(getattr(attached, name)).text for name in names}
    return _changed(attached, words)


def _quote(quote: Quote) -> Quote:
    return _changed(quote, {"text": masked(quote.text).text})


def _changed(thing: T, values: dict[str, object]) -> T:
    """The thing with these fields, the very same if it has them."""
    if all(getattr(thing, name) == value for name, value in values.items()):
        return thing
    return replace(thing, **values)  # type: ignore[type-var]
