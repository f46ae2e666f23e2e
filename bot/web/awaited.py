"""Browsers that were sent to a platform to sign in, and are awaited back: each with what only it and we know."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.cache import Cache
from bot.ports import Clock

LIFE = timedelta(minutes=10)
_MOST = 1_000


def _secret() -> str:
    return secrets.token_urlsafe(32)


@dataclass(frozen=True)
class Sent:
    """``state`` comes back by the platform, ``browser`` by the browser's own cookie (RFC 6749, 10.12)."""

    platform: str
    at: datetime
    state: str = field(default_factory=_secret)
    browser: str = field(default_factory=_secret)
    nonce: str = field(default_factory=_secret)
    verifier: str = field(default_factory=_secret)

    @property
    def challenge(self) -> str:
        """RFC 7636, 4.2, S256."""
        digest = hashlib.sha256(self.verifier.encode()).digest()
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")


class Awaited:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._sent: Cache[str, Sent] = Cache(_MOST)

    def send(self, platform: str) -> Sent:
        sent = Sent(platform, self._clock.now())
        self._sent[sent.state] = sent
        return sent

    def back(self, platform: str, state: str, browser: str) -> Sent | None:
        """The one that came back, once; None for what nobody was sent with, or another browser was."""
        sent = self._sent.pop(state, None)
        if sent is None or sent.platform != platform or self._clock.now() - sent.at > LIFE:
            return None
        return sent if hmac.compare_digest(sent.browser.encode(), browser.encode()) else None
