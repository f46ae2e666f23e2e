"""One-time codes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True)
class Code:
    """A one-time code that ``account`` was given, to be named elsewhere before it expires.

    ``purpose`` is ``pair`` (an admin lets the account in) or ``link`` (another account, ``other``, is the
    same person's).
    """

    code: str
    purpose: str
    account: str
    name: str
    address: str
    expires_at: datetime
    other: str = ""
    other_name: str = ""


@dataclass(frozen=True, kw_only=True)
class Welcomed:
    """An account that was let in."""

    account: str
    at: datetime
