"""What is done to its end, though whoever asked for it is cancelled meanwhile."""

from __future__ import annotations

import asyncio
from typing import Any


async def ended(work: asyncio.Future[Any]) -> bool:
    """Returns when ``work`` is done, well or not: whether we were cancelled meanwhile. The caller raises it then."""
    cancelled = False
    while not work.done():
        try:
            await asyncio.shield(work)
        except asyncio.CancelledError:
            cancelled = True
        except Exception:
            break  # the work's own failure: its result tells
    return cancelled
