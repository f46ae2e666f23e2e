"""From inbox to outbox: events, turns, replies."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any


@dataclass(frozen=True, kw_only=True)
class InboxRow:
    """A durable event. ``key`` is unique: a platform's redelivery ends at it."""

    id: int
    key: str
    agent_id: int
    conversation_id: int
    kind: str
    payload: dict[str, Any]
    received_at: datetime
    turn_id: str | None = None


class TurnState(StrEnum):
    RUNNING = "running"
    DONE = "done"


@dataclass(frozen=True, kw_only=True)
class Turn:
    """Events until yield. ``steps`` is how many steps are committed: a resumed turn goes on there."""

    id: str
    agent_id: int
    conversation_id: int
    kind: str
    state: TurnState
    steps: int
    started_at: datetime
    outbox: int = 0  # outbox rows already committed by it
    notified: bool = False  # the user was told that the model is down


class Delivery(StrEnum):
    READY = "ready"
    SENDING = "sending"  # claimed; in doubt if the process dies now
    SENT = "sent"
    DOUBTFUL = "doubtful"  # claimed, and nobody can say whether it was posted: never sent again
    REFUSED = "refused"  # the platform will never take it: the place is gone, or closed to us


@dataclass(frozen=True, kw_only=True)
class OutboxRow:
    """One part of a reply as it will be posted. ``id`` is unique and is the reply's identity."""

    id: str
    agent_id: int
    conversation_id: int
    address: str
    turn_id: str
    kind: str  # "reply", "reaction", "file", "voice", "notice" or "error"
    text: str
    in_reply_to: tuple[str, ...]
    created_at: datetime
    state: Delivery = Delivery.READY
    claimed_at: datetime | None = None
    receipt: str | None = None
    actions: tuple[tuple[str, str, str], ...] = ()  # buttons under it: label, command, argument
