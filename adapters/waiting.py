"""Waiting for the store: what a platform does not tell again is tried until it is committed."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from bot.events import Event, View
from bot.ports import Clock, Inbound
from memory.errors import StoreError

log = logging.getLogger(__name__)

_LONGEST_S = 5.0  # between two tries: people wait for an answer

T = TypeVar("T")


async def until_committed(event: Event, inbound: Inbound, clock: Clock) -> View | None:
    """What `Inbound.submit` returns, once the store takes the event."""
    return await patiently(lambda: inbound.submit(event), clock)


async def patiently(work: Callable[[], Awaitable[T]], clock: Clock) -> T:
    """What the work gives, once the store lets it be done."""
    wait = 1.0
    while True:
        try:
            return await work()
        except StoreError as error:
            log.log(
                logging.ERROR if wait == 1.0 else logging.DEBUG, "A message waits for the store: %s", error
            )
            await clock.sleep(wait)
            wait = min(_LONGEST_S, wait * 2)
