"""What lets people in to their memory page: secrets, of which only the digests are kept."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta

from memory.records import User, WebKey, WebPass

LINK_LIFE = timedelta(minutes=10)


def new_key(
    kind: WebPass, user: User, origin: tuple[str, str], now: datetime, life: timedelta, device: str = ""
) -> tuple[str, WebKey]:
    """A fresh secret, and the key that it opens with. ``origin`` is the account and the address that it is of."""
    secret = secrets.token_urlsafe(32)
    account, address = origin
    key = WebKey(
        id=secrets.token_hex(4),
        kind=kind,
        digest=digest(secret),
        user_id=user.id,
        account=account,
        address=address,
        device=device,
        created_at=now,
        seen_at=now,
        expires_at=now + life,
    )
    return secret, key


def digest(secret: str) -> str:
    """SHA-256, in hex. A secret of 256 random bits needs no salt and no slow hash."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()
