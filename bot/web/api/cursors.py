"""Where a list goes on: a cursor goes with the memory and the question that it was given for, and with no other. Pure.

It holds a position and no secret: whoever makes one up is led to no more than what the question finds anyway.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from bot.web.api.problems import Problem

PATTERN = "^[A-Za-z0-9_-]{1,400}$"
_LARGEST = 2**63 - 1


class Cursors:
    """Of the lists of one agent's memory, for one question."""

    def __init__(self, agent_id: int, question: Mapping[str, Any]) -> None:
        told = json.dumps([agent_id, dict(question)], sort_keys=True, default=str)
        self._question = hashlib.sha256(told.encode()).hexdigest()[:16]

    def made(self, *position: int) -> str:
        text = json.dumps([self._question, *position], separators=(",", ":"))
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")

    def read(self, cursor: str | None, size: int) -> list[int] | None:
        """The ``size`` numbers of the position; None for no cursor. Raises `Problem` for one that is of elsewhere."""
        if cursor is None:
            return None
        try:
            question, *position = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        except (ValueError, TypeError, RecursionError):
            raise _unknown() from None
        whole = all(type(n) is int and 0 <= n <= _LARGEST for n in position)
        if question != self._question or not whole or len(position) != size:
            raise _unknown()
        return list(position)


def _unknown() -> Problem:
    return Problem(404, "There is no such page: a cursor goes with the list that it was given with.")
