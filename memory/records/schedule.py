"""What is to happen at a time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True)
class Beat:
    """When an agent's heart beats. ``next_at`` None: nothing has happened since the last beat.

    The rest is what the person set, None where they did not: whether the agent may speak first, the
    seconds between beats, and the hours (from, up to and not including) in which it may speak.
    """

    agent_id: int
    next_at: datetime | None = None
    last_at: datetime | None = None
    heard_at: datetime | None = None  # the person's last event
    speak: bool | None = None
    every_s: int | None = None
    first_hour: int | None = None
    last_hour: int | None = None


@dataclass(frozen=True, kw_only=True)
class Wish:
    """Something the person asked to hear of at a time. ``rule`` says when again (see bot.people.schedules)."""

    id: str
    agent_id: int
    conversation_id: int
    about: str
    rule: str  # empty: once
    turn_id: str  # that made it
    next_at: datetime
    created_at: datetime


@dataclass(frozen=True, kw_only=True)
class Spent:
    """What an agent's silent turns took since a moment. ``running``: one of them has not ended."""

    beats: int
    running: bool
    messages: int
    tokens: int
