"""Days, as they are written and as people speak of them."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

_NEARBY = re.compile(r"\b(?P<word>yesterday|today|tomorrow)(?!['\w-])", re.IGNORECASE)
_SHIFT = {"yesterday": -1, "today": 0, "tomorrow": 1}


def day(at: datetime) -> str:
    """``21 November 2026``, in the time's own zone."""
    return f"{at.day} {at:%B %Y}"


def dated(text: str, at: datetime | None) -> str:
    """What was said at ``at``, with the day itself in place of "yesterday"."""
    if at is None:
        return text
    return _NEARBY.sub(lambda match: f"on {day(at + timedelta(days=_SHIFT[match['word'].lower()]))}", text)
