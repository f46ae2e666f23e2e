"""Personas, where they are bound, and what is proposed to change in them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Persona:
    """``version`` counts its changes; one that is retired is nobody's any more who is not its already."""

    id: int
    name: str
    description: str = ""
    version: int = 0
    retired: bool = False


@dataclass(frozen=True, kw_only=True)
class PersonaVersion:
    """All of a persona as it was from ``at`` on; ``user_id`` tells who made it so, None: the operator, or one
    who is forgotten."""

    version: int
    data: dict[str, Any]
    user_id: int | None
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Binding:
    """The persona of a place: ``<community>``, or ``<community>/<channel>`` for one channel of it."""

    place: str
    community: str
    persona_id: int
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """An edit of a persona's block that a reflection asks for: ``before`` is the value that it saw."""

    id: int = 0  # the store's
    persona_id: int
    label: str
    before: str
    value: str
    agent_id: int
    community: str
    turn_id: str
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Avatar:
    media_type: str
    data: bytes
