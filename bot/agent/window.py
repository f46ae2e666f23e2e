"""The room in the model's window, in tokens. Every part of a request is bounded by its share of it, so that none
exceeds the window."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from bot.agent import context
from bot.events import Event
from memory.ports import Session
from memory.tokens import Calibrated

LEAST_ROOM = 1_500
"""Tokens that are left for the conversation, whatever core memory holds."""
_CHANGE = 0.01  # of the factor by which our count is wrong
_SAMPLE = 50_000  # characters that are counted of a text of which nothing hangs on each token
_SLACK = 1.25  # times as many tokens as were counted: a text takes more as JSON
_SHARE = 0.28  # of the free room: what a turn's events, a step's message, its results may each take


class Window:
    """``room`` is the window of ``model`` less the reply's reserve, and ``taken`` what system text and tools take of
    it, as far as is known."""

    def __init__(self, counter: Calibrated, room: int, taken: int, model: str = "") -> None:
        self._counter = counter
        self._learned, self._kept = f"tokens {model}", counter.factor
        self._room = room
        self.taken = taken
        self.count = counter.raw.count
        self._count_once = lru_cache(maxsize=1_024)(self.count)
        self.in_json = context.in_json(self.count)
        self.fit = context.fitter(self.in_json)

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

    def sampled(self, text: str) -> int:
        """Tokens of a text, about: of a long one by its beginning."""
        begun = text[:_SAMPLE]
        return self.count(begun) * len(text) // max(1, len(begun))

    def cost(self, rendered: str) -> int:
        """Tokens that a rendered message takes."""
        return context.cost(self.count, rendered)

    def learn(self, counted: int, reported: int) -> None:
        """A request that we counted as ``counted`` tokens was ``reported`` by the model."""
        self._counter.learn(counted, reported)

    def images(self, event: Event) -> list[str]:
        """The images that came with an event, as many as are shown."""
        return context.images_of(event)[: max(1, self.share // context.IMAGE)]

    async def recall(self, session: Session) -> None:
        """Go on with what an earlier process has learned of this model."""
        if (known := await session.meta.get(self._learned)) is not None:
            self._counter.factor = self._kept = float(known)

    async def keep(self, session: Session) -> None:
        """Keep what was learned for the next process, where it has changed by as much as matters."""
        if abs(self._counter.factor - self._kept) > _CHANGE:
            self._kept = self._counter.factor
            await session.meta.put(self._learned, f"{self._kept:.4f}")


def shared(room: int, texts: Sequence[int]) -> list[int]:
    """The room of each of some texts of so many tokens: an equal part, or all that the others leave."""
    needed = [int(tokens * _SLACK) for tokens in texts]
    return [max(room // len(texts), room - sum(needed) + own) for own in needed]
