"""What was forgotten."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from memory.records.audiences import Audience


@dataclass(frozen=True, kw_only=True)
class Waste:
    """What was forgotten at a person's wish, and may be brought back for a while. ``contents`` is JSON."""

    id: int
    agent_id: int
    audience: Audience
    turn_id: str  # in which it was forgotten; empty: by a command
    at: datetime
    contents: dict[str, Any]
