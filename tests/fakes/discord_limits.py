"""Rate limits, as the real headers tell of them."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass

from tests.fakes.discord_rules import Json

LIMITS = {  # requests, in seconds; per channel, webhook or guild
    "messages": (5, 5.0),
    "webhooks": (5, 2.0),
    "reactions": (1, 0.25),
    "other": (50, 1.0),
    "global": (50, 1.0),  # over all places
}


@dataclass
class Window:
    ends: float = 0.0
    used: int = 0


@dataclass(frozen=True)
class Grant:
    """Whether a request may pass; if not, ``retry_after`` seconds are to be waited."""

    headers: Mapping[str, str]
    retry_after: float = 0.0
    everywhere: bool = False

    def body(self) -> Json:
        return {
            "message": "You are being rate limited.",
            "retry_after": self.retry_after,
            "global": self.everywhere,
        }


def too_many(seconds: float, *, everywhere: bool = False) -> Grant:
    """A 429 that is believed: one without ``Via`` is taken for a ban by Cloudflare."""
    headers = {"Retry-After": str(math.ceil(seconds)), "Via": "1.1 google"}
    headers["X-RateLimit-Scope"] = "global" if everywhere else "user"
    headers |= {"X-RateLimit-Global": "true"} if everywhere else {}
    return Grant(headers, round(seconds, 3), everywhere)


class Limits:
    def __init__(self, limits: Mapping[str, tuple[int, float]]) -> None:
        self._limits = LIMITS | dict(limits)
        self._windows: dict[tuple[str, str], Window] = {}

    def admit(self, bucket: str, place: str, *, bound: bool = True) -> Grant:
        """``bound`` requests count against the global limit too; interactions and webhooks don't."""
        if bound and (wait := self._take("global", "")[1]):
            return too_many(wait, everywhere=True)
        window, wait = self._take(bucket, place)
        limit = self._limits[bucket][0]
        after = max(0.0, window.ends - time.monotonic())
        headers = {
            "X-RateLimit-Bucket": bucket,
            "X-RateLimit-Limit": str(limit),
            "X-RateLimit-Remaining": str(max(0, limit - window.used)),
            "X-RateLimit-Reset": f"{time.time() + after:.3f}",
            "X-RateLimit-Reset-After": f"{after:.3f}",
        }
        if not wait:
            return Grant(headers)
        refused = too_many(wait)
        return Grant(headers | dict(refused.headers), refused.retry_after)

    def _take(self, bucket: str, place: str) -> tuple[Window, float]:
        """Use one request of a window; the seconds to wait, where none is left."""
        limit, seconds = self._limits[bucket]
        now = time.monotonic()
        window = self._windows.setdefault((bucket, place), Window())
        if now >= window.ends:
            window.ends, window.used = now + seconds, 0
        if window.used >= limit:
            return window, max(0.001, window.ends - now)
        window.used += 1
        return window, 0.0
