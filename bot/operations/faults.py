"""Counts what went wrong, by day, kind, platform and model: durable, for `everbot admin errors` and the desk."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from bot.observer import Doubtful, Fault, Moment, Span, fault_of
from bot.ports import Clock
from memory.errors import StoreError
from memory.ports import Store
from memory.records import FaultCount

log = logging.getLogger(__name__)

_EVERY_S = 5.0
_KEPT = timedelta(days=90)


class Faults:
    """A `bot.observer.Observer`. What was counted is written every few seconds, beside the turns."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock
        self._counted: Counter[Fault] = Counter()
        self._last: dict[Fault, datetime] = {}

    @contextmanager
    def during(self, span: Span) -> Iterator[None]:
        try:
            yield
        except BaseException as error:
            if (fault := fault_of(span, error)) is not None:
                self.noted(fault)
            raise

    def noted(self, moment: Moment) -> None:
        if isinstance(moment, Doubtful):
            moment = Fault(kind="Doubtful", platform=moment.platform)
        if isinstance(moment, Fault):
            self._counted[moment] += 1
            self._last[moment] = self._clock.now()

    async def run(self) -> None:
        """Write them, until cancelled."""
        try:
            while True:
                await asyncio.sleep(_EVERY_S)  # real time: an injected clock may stand still, or run
                await self.write()
        finally:
            await self.write()

    async def write(self) -> None:
        """Write what was counted; where the store is away, it is counted on."""
        if not self._counted:
            return
        counted, last = self._counted, self._last
        self._counted, self._last = Counter(), {}
        rows = [
            FaultCount(
                day=last[fault].date(),
                kind=fault.kind,
                platform=fault.platform,
                model=fault.model,
                count=count,
                last_at=last[fault],
            )
            for fault, count in counted.items()
        ]
        try:
            async with self._store.write() as session:
                await session.operations.add_faults(rows)
                await session.operations.forget_faults(self._clock.now() - _KEPT)
        except StoreError as error:
            self._counted.update(counted)
            self._last = last | self._last
            log.error("What went wrong is not written yet: %s", error)
