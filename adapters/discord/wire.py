"""Discord's JSON, read without trust: what is missing, null, new or of another type is empty. Pure.

Shapes are those of Discord's API reference (docs.discord.com, "Resources") and its OpenAPI description.
"""

from __future__ import annotations

from datetime import UTC, datetime

from adapters.wire import Json, number, record, records, text

__all__ = ["Json", "made_at", "moment", "number", "record", "records", "snowflake", "snowflakes", "text"]

EPOCH_MS = 1_420_070_400_000  # of snowflakes (API reference, "Snowflakes")
_LARGEST = (1 << 63) - 1


def snowflake(value: object) -> int:
    """An id, which comes as text or, from old clients of the gateway, as a number; 0 for none."""
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 20:
        value = int(value)
    known = isinstance(value, int) and not isinstance(value, bool) and 0 < value <= _LARGEST
    return int(value) if known and isinstance(value, int) else 0


def snowflakes(value: object) -> tuple[int, ...]:
    return tuple(filter(None, map(snowflake, value))) if isinstance(value, list) else ()


def moment(value: object) -> datetime | None:
    """An ISO 8601 time with its zone; None for anything else."""
    try:
        at = datetime.fromisoformat(text(value))
    except ValueError:
        return None
    return at.astimezone(UTC) if at.tzinfo is not None else None


def made_at(number: int) -> datetime:
    """When the thing with this id was made, by Discord's clock."""
    return datetime.fromtimestamp(((number >> 22) + EPOCH_MS) / 1000, UTC)
