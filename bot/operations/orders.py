"""Takes the orders that operators give from another process, or from the desk's pages."""

from __future__ import annotations

import asyncio
import logging

from bot.delivery.courier import Courier
from bot.delivery.mailboxes import Mailboxes
from bot.operations.library import DROP, dropped
from bot.operations.operator import RELOAD, RETRY, SEND, STOP
from bot.people.restrictions import Restrictions
from bot.runtime import Runtime
from memory.errors import StoreError, where
from memory.records import Order

log = logging.getLogger(__name__)

_EVERY_S = 1.0


class Orders:
    def __init__(
        self, runtime: Runtime, mailboxes: Mailboxes, courier: Courier, restrictions: Restrictions
    ) -> None:
        self._store, self._runtime = runtime.store, runtime
        self._mailboxes = mailboxes
        self._courier = courier
        self._restrictions = restrictions
        self._one_at_a_time = asyncio.Lock()

    async def run(self) -> None:
        """Take them as they come, until cancelled."""
        while True:
            await asyncio.sleep(_EVERY_S)  # real time: an injected clock may stand still, or run
            try:
                await self.take()
            except StoreError as error:
                log.error("Operators' orders wait for the store: %s", error)
            except Exception as error:
                log.error("An operator's order could not be carried out: %s", where(error))

    async def take(self) -> None:
        """Carry out those that were given; returns when all that were given before are heeded."""
        async with self._one_at_a_time:
            async with self._store.read() as session:
                if not await session.operations.has_orders():
                    return
            async with self._store.write() as session:
                orders = await session.operations.take_orders()
            if any(order.what == RELOAD for order in orders):
                await self._restrictions.change()
            for order in orders:
                if order.what == DROP:
                    await dropped(
                        self._store, self._runtime.indexer, int(order.about), self._runtime.clock.now()
                    )
                self._do(order)

    def _do(self, order: Order) -> None:
        if order.what == STOP:
            self._mailboxes.stop(order.about)
        elif order.what == RETRY:
            self._mailboxes.hasten(order.about)
        elif order.what == SEND:
            self._courier.wake()
