"""What people used today and had forgotten since: it counts on, in every process that shares the work, and is written
nowhere."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from datetime import datetime
from uuid import uuid4

from memory.ports import Cluster

# What processes tell each other: a count, and that one that has just come wants to know all of them.
_COUNTS, _WHICH = "forgotten use", "what use was forgotten"
_ALL = ""


class ForgottenUse:
    """Tokens by account; None: of all. Each process counts what was forgotten by it, and knows the others' counts."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._me = uuid4().hex
        self._day = ""
        self._counts: dict[str, dict[str, int]] = {}  # by account (its digest), then by process
        cluster.hear(_COUNTS, self._heard)
        cluster.hear(_WHICH, self._tell_all)
        cluster.tell(_WHICH)

    def begin(self, day: datetime) -> None:
        """A new day: what was forgotten before counts no more."""
        self._begin(day.isoformat())

    def _begin(self, day: str) -> None:
        if day != self._day:
            self._day = day
            self._counts.clear()

    def add(self, accounts: Collection[str | None], tokens: int) -> None:
        for who in map(_digest, accounts):
            mine = self._counts.setdefault(who, {})
            mine[self._me] = mine.get(self._me, 0) + tokens
            self._tell(who, self._me)

    def of(self, accounts: Collection[str | None]) -> int:
        """The most that one of them has."""
        return max((sum(self._counts.get(_digest(one), {}).values()) for one in accounts), default=0)

    def _tell(self, who: str, process: str) -> None:
        tokens = self._counts[who][process]
        self._cluster.tell(_COUNTS, day=self._day, who=who, process=process, tokens=tokens)

    def _tell_all(self) -> None:
        for who, counts in self._counts.items():
            for process in counts:
                self._tell(who, process)

    def _heard(self, day: str, who: str, process: str, tokens: int) -> None:
        if day > self._day:
            self._begin(day)
        if day == self._day:
            counts = self._counts.setdefault(who, {})
            counts[process] = max(tokens, counts.get(process, 0))  # they only grow, and come in any order


def _digest(account: str | None) -> str:
    """Nobody's name is told."""
    return _ALL if account is None else hashlib.blake2b(account.encode(), digest_size=16).hexdigest()
