"""The room in the model's window, in tokens. Every part of a request is bounded by its share of it, so that none
exceeds the window."""

from __future__ import annotations

from functools import lru_cache

from bot.agent import context
from memory.tokens import Calibrated

LEAST_ROOM = 1_500
"""Tokens that are left for the conversation, whatever core memory holds."""
_SHARE = 0.28  # of the free room: what a turn's events, a step's message, its results may each take


class Window:
    """``room`` is the window less the reply's reserve, and ``taken`` what system text and tools take of it, as far
    as is known."""

    def __init__(self, counter: Calibrated, room: int, taken: int) -> None:
        self._counter = counter
        self._room = room
        self.taken = taken
        self.count = counter.raw.count
        self._count_once = lru_cache(maxsize=1_024)(self.count)
        self.fit = context.fitter(context.in_json(self.count))

    @property
    def room(self) -> int:
        """Tokens of our counting that the model's window takes, by what its usage has taught."""
        return int(self._room / self._counter.factor)

    @property
    def free(self) -> int:
        """What system text and tools leave."""
        return max(500, self.room - self.taken)

    @property
    def share(self) -> int:
        """Tokens that a turn's events, or a step's message, or its tool results, may take together."""
        return int(self.free * _SHARE)

    @property
    def most_fixed(self) -> int:
        """The most that system text and tools may take."""
        return self.room - LEAST_ROOM

    def fixed(self, *texts: str) -> int:
        """Tokens of texts that are the same in many requests, counted once."""
        return sum(map(self._count_once, texts))

    def cost(self, rendered: str) -> int:
        """Tokens that a rendered message takes."""
        return context.cost(self.count, rendered)

    def learn(self, counted: int, reported: int) -> None:
        """A request that we counted as ``counted`` tokens was ``reported`` by the model."""
        self._counter.learn(counted, reported)
