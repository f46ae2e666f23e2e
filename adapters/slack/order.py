"""The order in which what Slack tells is taken: each channel's messages as they came, and what was missed before them.

What the store does not take stands in line until it does, however long Slack goes on telling it.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass, field

from adapters.faults import fault
from adapters.slack.chores import Chores
from adapters.waiting import patiently
from bot.ports import Clock
from memory.errors import StoreUnavailable

log = logging.getLogger(__name__)

_WAIT_S = 2.0  # that an event may wait, and be acknowledged in time
_MOST = 10_000  # that stand in line

Work = Callable[[], Awaitable[None]]


@dataclass(eq=False)
class _Waiting:
    key: Hashable
    work: Work
    tried: asyncio.Event = field(default_factory=asyncio.Event)
    done: bool = False

    async def try_it(self) -> None:
        try:
            await self.work()
            self.done = True
        finally:
            self.tried.set()


class Order:
    """``opened`` is set while nothing that was missed is being read. When more came during an outage than can be kept,
    ``recover`` is called after it."""

    def __init__(
        self, chores: Chores, clock: Clock, opened: asyncio.Event, recover: Callable[[], Awaitable[None]]
    ) -> None:
        self._chores = chores
        self._clock = clock
        self._opened = opened
        self._recover = recover
        self._lines: dict[str, deque[_Waiting]] = {}  # by channel; none is empty
        self._waiting: dict[Hashable, _Waiting] = {}
        self._too_many = False

    async def in_turn(self, channel: str, key: Hashable, work: Work) -> None:
        """Returns when the work is done, after all that came from the channel before it. What comes again while it
        waits (by its ``key``) is not done twice.

        Raises `StoreUnavailable` when the store does not take it, or that takes long: Slack is not told that we have
        it, and it is done nevertheless, when it can be.
        """
        waiting = self._waiting.get(key) or self._stand(channel, _Waiting(key, work))
        try:
            async with self._clock.timeout(_WAIT_S):
                await waiting.tried.wait()
        except TimeoutError:
            raise StoreUnavailable("it stands in line") from None
        if not waiting.done:
            raise StoreUnavailable("the store does not take it")

    def _stand(self, channel: str, waiting: _Waiting) -> _Waiting:
        if len(self._waiting) >= _MOST:
            self._too_many = True
            raise StoreUnavailable("more came than can be kept")
        self._waiting[waiting.key] = waiting
        if channel in self._lines:
            self._lines[channel].append(waiting)
        else:
            self._lines[channel] = deque([waiting])
            self._chores.begin(self._work_off(channel))
        return waiting

    async def _work_off(self, channel: str) -> None:
        """Until the channel's line is empty."""
        line = self._lines[channel]
        while line:
            await self._opened.wait()
            await self._done(line[0])
            del self._waiting[line.popleft().key]
        del self._lines[channel]
        if self._too_many and not self._waiting:
            self._too_many = False
            await self._recover()

    async def _done(self, waiting: _Waiting) -> None:
        try:
            await patiently(waiting.try_it, self._clock)
        except Exception as error:  # one that cannot be taken holds up no other
            waiting.done = True
            log.error("Slack: an event could not be taken (%s)", fault(error))
