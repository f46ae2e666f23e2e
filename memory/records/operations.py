"""What operators decide and did, and what went wrong."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime


@dataclass(frozen=True, kw_only=True)
class Restriction:
    """What an operator set for one ``subject``: ``account:<account>`` or ``community:<id>``; empty where the person is
    forgotten since. None: no such limit; ``cost_per_month`` is in the currency of the configured prices."""

    digest: bytes  # of the subject, which outlives its being forgotten
    subject: str
    blocked: bool = False
    tokens_per_day: int | None = None
    cost_per_month: float | None = None
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Order:
    """What the process that runs is to do. ``about`` is a turn, or a post."""

    id: int
    what: str
    about: str
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Holder:
    """A process that has a shared database for itself, or (not ``works``) waits to have it. ``name`` is for people;
    of ``shares`` of all agents it thinks, where these are shared out."""

    name: str
    since: datetime
    works: bool
    shares: int = 0


@dataclass(frozen=True, kw_only=True)
class Deed:
    """What an operator did. ``about`` is a subject of a `Restriction`, or what else it was done to."""

    at: datetime
    who: str
    did: str
    about: str


@dataclass(frozen=True, kw_only=True)
class Report:
    """What a person told of an answer; ``answer`` is empty where they did not send it along."""

    user_id: int
    at: datetime
    account: str
    persona: str
    community: str
    reason: str
    answer: str


@dataclass(frozen=True, kw_only=True)
class FaultCount:
    """How often something went wrong on one day (UTC)."""

    day: date
    kind: str
    platform: str
    model: str
    count: int
    last_at: datetime
