"""What an agent may do only when its person has said yes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True)
class Ask:
    """A call of a tool that waits for the person's word. ``arguments`` is a JSON object, as text."""

    id: str
    agent_id: int
    conversation_id: int
    turn_id: str  # in which it was made
    tool: str
    arguments: str
    created_at: datetime
