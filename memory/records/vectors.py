"""Vectors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from memory.records.audiences import Audience


@dataclass(frozen=True, kw_only=True)
class VectorEntry:
    """A vector on its way into an index."""

    key: int
    uid: str
    audience: Audience
    text: str  # that the vector was made of
    vector: Any  # numpy float32, unit length
