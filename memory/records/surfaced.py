"""What came to mind by itself at the beginning of a turn, and why."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Brought:
    """One line of it: the keys of the rows that it told, their share of the attention (0 to 1), and what spoke for them
    most (`memory.search.ranking.REASONS`). No text of theirs is kept with it."""

    weight: float
    why: tuple[str, ...]
    messages: tuple[int, ...] = ()
    passages: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Surfaced:
    """``certainty``, 0 to 1: that the message was about something that is remembered."""

    certainty: float
    lines: tuple[Brought, ...]
