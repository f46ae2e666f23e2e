"""What an operator sees: counts, names and times, never anybody's texts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


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
