"""Counters of tokens."""

from __future__ import annotations

from typing import Protocol


class TokenCounter(Protocol):
    """How many tokens a text is for the model; never less than the truth by more than calibration mends."""

    def count(self, text: str) -> int: ...
