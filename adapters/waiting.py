"""Waiting for the store: what a platform does not tell again is tried until it is committed."""

from __future__ import annotations

import logging

from bot.events import Event, View
from bot.ports import Clock, Inbound
from memory.errors import StoreError

log = logging.getLogger(__name__)

_LONGEST_S = 30.0


async def until_committed(event: Event, inbound: Inbound, clock: Clock) -> View | None:
    """What `Inbound.submit` returns, once the store takes the event."""
    wait = 1.0
    while True:
        try:
            return await inbound.submit(event)
        except StoreError as error:
            log.error("A message waits for the store: %s", error)
            await clock.sleep(wait)
            wait = min(_LONGEST_S, wait * 2)
