"""The courier: drains the outbox through the adapters, and settles what was in doubt after a crash."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence

from bot.errors import DeliveryError
from bot.events import Address, Reply, platform_of
from bot.ports import Adapter, Clock, Found
from memory.errors import StoreError
from memory.ports import Store
from memory.records import Delivery, OutboxRow

log = logging.getLogger(__name__)

_RETRY_S = 2.0
_RETRY_MAX_S = 60.0


class Courier:
    """Replies of one place are sent in order; places do not wait for each other."""

    def __init__(self, store: Store, adapters: Mapping[str, Adapter], clock: Clock) -> None:
        self._store = store
        self._adapters = adapters
        self._clock = clock
        self._news = asyncio.Event()
        self._idle = asyncio.Event()
        self._held: dict[Address, float] = {}  # places whose platform refused, with the next delay

    def wake(self) -> None:
        """There may be new rows."""
        self._idle.clear()
        self._news.set()

    async def delivered(self) -> None:
        """Returns when everything that was committed so far is sent, or held back by its platform."""
        await self._idle.wait()

    async def run(self) -> None:
        """Deliver until cancelled."""
        await self._reconcile()
        async with asyncio.TaskGroup() as group:
            while True:
                self._news.clear()
                try:
                    rows = await self._claimed()
                except StoreError as error:
                    log.error("The courier waits for the store: %s", error)
                    await self._clock.sleep(_RETRY_S)
                    continue
                if rows:
                    await self._deliver(rows, group)
                    continue
                if not self._news.is_set():
                    self._idle.set()
                await self._news.wait()

    async def _claimed(self) -> list[OutboxRow]:
        async with self._store.read() as session:
            rows = await session.mailbox.ready(list(self._adapters))
        if rows:
            async with self._store.write() as session:
                await session.mailbox.claim([row.id for row in rows], self._clock.now())
        return rows

    async def _deliver(self, rows: Sequence[OutboxRow], group: asyncio.TaskGroup) -> None:
        places: dict[Address, list[OutboxRow]] = defaultdict(list)
        for row in rows:
            places[row.address].append(row)
        receipts: list[tuple[str, Delivery, str | None]] = []
        async with asyncio.TaskGroup() as sending:
            for address, parts in places.items():
                sending.create_task(self._place(address, parts, receipts, group))
        await self._settle(receipts)

    async def _settle(self, receipts: Sequence[tuple[str, Delivery, str | None]]) -> None:
        while receipts:
            try:
                async with self._store.write() as session:
                    await session.mailbox.settle(receipts, self._clock.now())
                return
            except StoreError as error:
                log.error("Receipts wait for the store: %s", error)
                await self._clock.sleep(_RETRY_S)

    async def _place(
        self,
        address: Address,
        parts: Sequence[OutboxRow],
        receipts: list[tuple[str, Delivery, str | None]],
        group: asyncio.TaskGroup,
    ) -> None:
        """Send a place's parts in order; after one that fails the rest wait, so that order is kept."""
        for number, row in enumerate(parts):
            try:
                receipt = await self._adapters[platform_of(address)].send(reply_of(row))
            except Exception as error:
                # An adapter's bug must not stop the others' replies; a DeliveryError is no bug.
                if not isinstance(error, DeliveryError):
                    log.exception("agent %s: sending %s failed", row.agent_id, row.id)
                delay = self._held.get(address, _RETRY_S)
                log.warning(
                    "agent %s: %s not delivered, next try in %.0f s: %s", row.agent_id, row.id, delay, error
                )
                self._held[address] = min(_RETRY_MAX_S, delay * 2)
                group.create_task(self._again(delay, [part.id for part in parts[number:]]))
                return
            self._held.pop(address, None)
            receipts.append((row.id, Delivery.SENT, receipt))

    async def _again(self, delay: float, ids: Sequence[str]) -> None:
        await self._clock.sleep(delay)
        await self._settle([(row, Delivery.READY, None) for row in ids])
        self.wake()

    async def _reconcile(self) -> None:
        """Rows that a killed process had claimed: look before sending again."""
        async with self._store.read() as session:
            rows = await session.mailbox.in_doubt(list(self._adapters))
        receipts: list[tuple[str, Delivery, str | None]] = []
        for row in rows:
            adapter = self._adapters[platform_of(row.address)]
            found = await adapter.find(reply_of(row), row.claimed_at or row.created_at)
            if found is Found.UNKNOWN:
                log.warning(
                    "agent %s: it is not known whether %s was delivered; it is not sent again",
                    row.agent_id,
                    row.id,
                )
            state = {
                Found.POSTED: Delivery.SENT,
                Found.ABSENT: Delivery.READY,
                Found.UNKNOWN: Delivery.DOUBTFUL,
            }[found]
            receipts.append((row.id, state, None))
        await self._settle(receipts)


def reply_of(row: OutboxRow) -> Reply:
    """The row as an adapter posts it. The nonce is the same on every attempt (Discord takes 25 characters)."""
    nonce = hashlib.blake2b(row.id.encode(), digest_size=12).hexdigest()
    return Reply(
        id=row.id,
        address=row.address,
        kind=row.kind,
        text=row.text,
        in_reply_to=row.in_reply_to,
        at=row.created_at,
        nonce=nonce,
    )
