"""Stand-in until the real one lands."""

from __future__ import annotations

from pathlib import Path

from memory.ports import TokenCounter


class Estimator:
    def count(self, text: str) -> int:
        return len(text.encode("utf-8", "replace")) // 3 + 1


class Calibrated:
    def __init__(self, counter: TokenCounter) -> None:
        self._counter = counter
        self.factor = 1.0

    def count(self, text: str) -> int:
        return self._counter.count(text)

    def learn(self, counted: int, reported: int) -> None:
        pass


def token_counter(model: str, cache: Path) -> TokenCounter:
    return Estimator()
