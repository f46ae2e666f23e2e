"""Who agreed to talk on a site as themselves: each with a code that the widget there turns into a session, once."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.cache import Cache
from bot.ports import Clock
from memory.records import WebKey

LIFE = timedelta(minutes=1)
_MOST = 1_000


@dataclass(frozen=True)
class Agreed:
    """Whose account, at which address, on which site. ``challenge`` is the asking frame's (RFC 7636, 4.2, S256)."""

    account: str
    address: str
    site: str
    challenge: str
    at: datetime


class Codes:
    """In memory alone: whoever agreed just before a restart agrees again."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._agreed: Cache[str, Agreed] = Cache(_MOST)

    def give(self, key: WebKey, site: str, challenge: str) -> str:
        code = secrets.token_urlsafe(32)
        self._agreed[code] = Agreed(key.account, key.address, site, challenge, self._clock.now())
        return code

    def take(self, code: str, site: str, verifier: str) -> Agreed | None:
        """Once, whatever comes of it: None for a code of another site, of another frame, or older than its life."""
        agreed = self._agreed.pop(code, None)
        if agreed is None or agreed.site != site or self._clock.now() - agreed.at > LIFE:
            return None
        return agreed if hmac.compare_digest(agreed.challenge.encode(), challenge_of(verifier)) else None


def challenge_of(verifier: str) -> bytes:
    digest = hashlib.sha256(verifier.encode("utf-8", "replace")).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=")
