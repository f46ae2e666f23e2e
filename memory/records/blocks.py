"""Core memory."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from memory.records.audiences import Audience


@dataclass(frozen=True, kw_only=True)
class Block:
    """A core memory block. ``limit`` counts characters of ``value``."""

    id: int
    owner: str  # "agent:<id>" or "persona:<id>"
    label: str
    audience: Audience
    value: str
    limit: int
    description: str = ""
    read_only: bool = False
    version: int = 1


@dataclass(frozen=True, kw_only=True)
class BlockEdit:
    """One past value of a block, what replaced it, and which turn did it (None: a person)."""

    block_id: int
    label: str
    audience: Audience
    version: int  # of `after`
    before: str
    after: str
    turn_id: str | None
    at: datetime

    @property
    def changes(self) -> list[str]:
        """The lines that went (``- ...``), then those that came (``+ ...``)."""
        before, after = self.before.splitlines(), self.after.splitlines()
        gone = [line for line in before if line not in after]
        came = [line for line in after if line not in before]
        if len(gone) == len(came) == 1:
            return _within(gone[0], came[0])
        return [f"- {line}" for line in gone] + [f"+ {line}" for line in came]


def _within(gone: str, came: str) -> list[str]:
    """A line that was changed, and what of it, if more of it stayed."""
    old, new = gone.split(), came.split()
    shorter = min(len(old), len(new))
    first = next((i for i in range(shorter) if old[i] != new[i]), shorter)
    last = next((i for i in range(shorter - first) if old[-1 - i] != new[-1 - i]), shorter - first)
    told = [f"- {gone}", f"+ {came}"]
    if 2 * (first + last) < len(old):
        return told
    went, here = (" ".join(words[first : len(words) - last]) for words in (old, new))
    return [*told, f"  ({went or 'nothing'} → {here or 'nothing'})"]
