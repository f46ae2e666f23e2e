"""Recall storage, and what is said of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from memory.records.audiences import Audience

IMPORTED_FROM = "imported from "


class Role(StrEnum):
    """Who a message is from, in the chat-completions protocol's words."""

    USER = "user"  # every event: what people said, alerts, heartbeats
    ASSISTANT = "assistant"
    TOOL = "tool"


ROOM = "room:"
"""How the names of rooms' memories, and the keys of what they keep, begin."""


@dataclass(frozen=True, kw_only=True)
class Message:
    """One row of recall storage.

    ``text`` is the bare text that search, summarizer and export use: what a person wrote or what the
    agent said; empty for what nobody said (tool results, thoughts, alerts), which is never indexed.
    ``rendered`` is the chat-completions message exactly as it is sent to the model, as JSON; it is made
    once, at admission, and never changes while it is in the queue. What left the queue has none.
    """

    key: int
    conversation_id: int
    audience: Audience
    role: Role
    author: str
    text: str
    rendered: str
    tokens: int
    created_at: datetime
    turn_id: str
    step: int = -1  # -1: an admitted event
    event_key: str | None = None
    queued: bool = True  # still in the FIFO queue
    salience: float = 0.0  # the writer's gate (memory.search.salience); given when the row is stored
    origin: str = ""  # the program that it was imported from, where it was not said here

    @property
    def overheard(self) -> bool:
        """Whether it is of a room's memory: somebody said it there, to whomever."""
        return self.event_key is not None and self.event_key.startswith(ROOM)

    @property
    def imported(self) -> str:
        """The mark that it bears wherever it is shown; empty where it was said here."""
        return f"{IMPORTED_FROM}{self.origin}" if self.origin else ""


@dataclass(frozen=True, kw_only=True)
class Summary:
    """The running summary of what was evicted from a conversation's queue."""

    conversation_id: int
    text: str
    rendered: str
    tokens: int
    messages: int  # evicted so far
    since: datetime  # time of the oldest of them
    created_at: datetime


@dataclass(frozen=True, kw_only=True)
class Lines:
    """Which messages with a text, in which order: from ``since`` until before ``until``, by time; those said ``here``
    alone, or also those that were imported."""

    since: datetime | None = None
    until: datetime | None = None
    here: bool = False
    newest_first: bool = False


ALL_SAID = Lines()
