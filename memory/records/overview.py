"""What an operator sees: counts, names and times, never anybody's texts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from memory.records.usage import Usage


@dataclass(frozen=True, kw_only=True)
class Depths:
    """How much waits now, by platform: events that no turn has taken, turns that have begun, replies that are not sent
    (by platform and state). ``due`` are heartbeats."""

    waiting: Mapping[str, int]
    running: Mapping[str, int]
    outbox: Mapping[tuple[str, str], int]
    due: int
    agents: int
    people: int


@dataclass(frozen=True, kw_only=True)
class PersonSeen:
    """A person with their accounts, the personas that they have an agent of, when they came, and when a turn of theirs
    began last."""

    user_id: int
    name: str
    accounts: tuple[str, ...]
    personas: tuple[str, ...]
    since: datetime
    last_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class Underway:
    """A turn that has begun, or (``turn_id`` empty) an event that waits for one. ``waits``: the person was told that
    the model is down."""

    turn_id: str
    agent_id: int
    person: str
    persona: str
    address: str
    kind: str
    since: datetime
    steps: int = 0
    waits: bool = False


@dataclass(frozen=True, kw_only=True)
class Undelivered:
    """A reply that is not sent, or of which nobody knows."""

    id: str
    person: str
    address: str
    kind: str
    state: str
    created_at: datetime
    claimed_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class Used:
    """What was used of a model, for one ``key``: a day, a persona, a community, a person ..."""

    key: str
    model: str
    usage: Usage
    steps: int
