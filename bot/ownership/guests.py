"""Guests: strangers on the operator's own site, known for some days only, for whom only so much is spent."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from datetime import UTC, timedelta

from bot.events import GUEST
from bot.ownership.erasure import Erasure
from bot.people.schedules import midnight
from bot.runtime import Runtime
from bot.settings import WidgetSettings
from memory.errors import StoreError, where

log = logging.getLogger(__name__)

_LOOK_S = 60.0
_HOUR = timedelta(hours=1)


class Guests:
    def __init__(self, runtime: Runtime, erasure: Erasure, rules: WidgetSettings) -> None:
        self._store, self._clock = runtime.store, runtime.clock
        self._erasure, self._rules = erasure, rules
        self.life = timedelta(days=rules.guest_days)
        self._hour = 0
        self._came: Counter[str] = Counter()  # by address, in this hour; not kept

    async def run(self) -> None:
        """Forget whoever's time is over, now and then, until cancelled."""
        while True:
            try:
                await self.sweep()
            except StoreError as error:
                log.error("Guests are forgotten when the store is back: %s", error)
            except Exception as error:
                log.error("A guest is still to be forgotten: %s", where(error))
            await asyncio.sleep(_LOOK_S)  # real time: an injected clock may stand still, or run

    async def sweep(self) -> None:
        """As `/forget` does, and without a model. Who has said by now who they are (`/link`) is no guest any more."""
        async with self._store.read() as session:
            over = await session.agents.users_under(GUEST, None, self._clock.now() - self.life)
        for user in over:
            await self._erasure.user(user)

    async def may_come(self, address: str) -> bool:
        """Whether one more may, from there; if so they are counted."""
        if not self._rules.guests:
            return False
        now = self._clock.now()
        hour = int(now.timestamp() // _HOUR.total_seconds())
        if hour != self._hour:
            self._hour = hour
            self._came.clear()
        async with self._store.read() as session:
            lately = await session.agents.users_under(GUEST, now - _HOUR, now + _HOUR)
        most = self._rules.guests_per_hour
        if len(lately) >= most or self._came[address] >= max(1, most // 4):
            return False
        self._came[address] += 1
        return True

    async def may_spend(self) -> bool:
        """Whether something is left of what all guests together may use today."""
        async with self._store.read() as session:
            agents = await session.agents.agents_under(GUEST)
            used = await session.mailbox.usage_since(agents, midnight(self._clock.now(), UTC))
        return used.total < self._rules.guest_tokens_per_day
