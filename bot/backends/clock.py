"""The machine's clock."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from zoneinfo import ZoneInfo


class SystemClock:
    """`bot.ports.Clock` of the machine."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def timeout(self, seconds: float) -> asyncio.Timeout:
        return asyncio.timeout(seconds)


def machine_zone() -> str:
    """The IANA name of the machine's time zone; empty when it has none that can be named."""
    import tzlocal

    try:
        return ZoneInfo(tzlocal.get_localzone_name() or "").key
    except (KeyError, ValueError, OSError):
        return ""
