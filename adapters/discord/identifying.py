"""When a session may begin: one IDENTIFY in five seconds for each rate limit key (Discord's documentation, "Max
Concurrency"), over all processes; and none at all where so many began today that one more would cost the token."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any

import discord

from adapters.discord.errors import BROKEN
from adapters.discord.starting import Start
from bot.ports import Clock, Leases

log = logging.getLogger(__name__)

_EVERY_S = 5.0
_MARGIN_S = 1.0  # that an IDENTIFY may take to get there
_ANSWER_S = 20.0  # for an answer to it
_LOOK_S = 0.25
_KEPT = 1  # of a day's sessions: the last one costs the token ("Identifying")
_ASK_AGAIN_S = 300.0


class Gate:
    """``asked`` asks Discord what may begin; ``begin`` runs what goes on beside."""

    def __init__(
        self,
        leases: Leases,
        clock: Clock,
        asked: Callable[[], Awaitable[Start]],
        begin: Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]],
    ) -> None:
        self._leases = leases
        self._clock = clock
        self._asked = asked
        self._begin = begin
        self._lines: dict[int, asyncio.Lock] = {}
        self._open: dict[int, asyncio.Event] = {}  # shards that have asked, and were not answered

    async def wait(self, shard: int) -> None:
        """Returns when the shard may IDENTIFY, which it is to do at once."""
        self.answered(shard)  # what it asked before was answered, or never will be
        key = shard % await self._concurrency()
        line = self._lines.setdefault(key, asyncio.Lock())
        await line.acquire()
        try:
            while not await self._leases.passed(_gate(key), _EVERY_S + _MARGIN_S):
                await self._clock.sleep(_LOOK_S)
        except BaseException:
            line.release()
            raise
        self._open[shard] = answer = asyncio.Event()
        self._begin(self._rest(key, line, answer))

    def answered(self, shard: int) -> None:
        """Discord has answered the shard's IDENTIFY, or the shard has ended."""
        answer = self._open.pop(shard, None)
        if answer is not None:
            answer.set()

    async def _rest(self, key: int, line: asyncio.Lock, answer: asyncio.Event) -> None:
        """Five seconds from the answer: then it is certain that Discord had it five seconds ago."""
        try:
            with suppress(TimeoutError):
                async with self._clock.timeout(_ANSWER_S):
                    await answer.wait()
            await self._leases.passed(_gate(key), 0.0)
            await self._clock.sleep(_EVERY_S)
        finally:
            line.release()

    async def _concurrency(self) -> int:
        """How many may begin at once, as soon as one may."""
        while True:
            try:
                start = await self._asked()
            except (discord.DiscordException, *BROKEN):
                return 1  # the strictest
            if start.left > _KEPT:
                return start.concurrency
            log.error(
                "Discord lets no more sessions begin today: one more would cost the bot's token. It is connected again "
                "in %.0f minutes; see why it was disconnected so often.",
                start.again_s / 60,
            )
            await self._clock.sleep(min(_ASK_AGAIN_S, max(start.again_s, 1.0)))


def _gate(key: int) -> str:
    return f"discord identify {key}"
