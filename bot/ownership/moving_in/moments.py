"""Times as other programs write them. Pure."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

_FIRST, _LAST = datetime(1990, 1, 1, tzinfo=UTC), datetime(2199, 1, 1, tzinfo=UTC)
_SCALES = ((1e17, 1e9), (1e14, 1e6), (1e11, 1e3))  # a number from so large on is in parts of a second
# SillyTavern's humanizedDateTime, in its two spellings: 2023-7-4 @21h 05m 22s 123ms, 2023-07-04@21h05m22s123ms
_AT = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2}) ?@ ?(\d{1,2})h ?(\d{1,2})m ?(\d{1,2})s(?: ?(\d{1,3})ms)?$")
_ZONE_NAME = re.compile(r" [A-Z]{2,5}(?=[+-]\d{4}$)")  # Letta: 02:13:45 PM PST-0800
_SPELT = (
    "%B %d, %Y %I:%M%p",  # SillyTavern's getMessageTimeStamp: June 3, 2023 4:05pm
    "%B %d, %Y %I:%M %p",
    "%Y-%m-%d %I:%M:%S %p %z",
    "%Y-%m-%d %I:%M:%S %p",
)


def moment(value: Any, zone: ZoneInfo) -> datetime | None:
    """A time as a number of seconds, milliseconds, micro- or nanoseconds since 1970, as ISO 8601, or as SillyTavern and
    Letta spell it; one without a zone is of ``zone``. None for anything else, and for years that cannot be."""
    try:
        at = _number(value) if isinstance(value, int | float) else _text(str(value or "").strip())
        if at is None:
            return None
        at = at.replace(tzinfo=zone) if at.tzinfo is None else at
        return at.astimezone(UTC) if _FIRST <= at < _LAST else None
    except (ValueError, OverflowError, OSError):
        return None


def _number(value: float) -> datetime | None:
    if isinstance(value, bool):
        return None
    scale = next((scale for least, scale in _SCALES if abs(value) >= least), 1.0)
    return datetime.fromtimestamp(value / scale, UTC)


def _text(text: str) -> datetime | None:
    if re.fullmatch(r"\d{8,20}(\.\d+)?", text):
        return _number(float(text))
    if found := _AT.match(text):
        year, month, day, hour, minute, second, ms = (int(part or 0) for part in found.groups())
        return datetime(year, month, day, hour, minute, second, ms * 1_000)  # noqa: DTZ001 # of the caller's zone
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        pass
    text = _ZONE_NAME.sub(" ", text)
    for form in _SPELT:
        try:
            return datetime.strptime(text, form)  # noqa: DTZ007 # of the caller's zone, where it tells none
        except ValueError:
            continue
    return None
