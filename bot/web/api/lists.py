"""What lists have in common: where they go on, and days of the person's zone."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from bot.web.api.asking import Asked
from bot.web.api.cursors import Cursors
from memory.records import SEQ_BITS

_FIRST, _LAST = date(1900, 1, 1), date(3000, 1, 1)  # of which days are asked: a zone's clock knows no others
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def cursors_of(asked: Asked) -> Cursors:
    question = asked.query.model_dump(exclude={"cursor", "persona"})
    return Cursors(asked.who.agent.id, {"path": asked.path.get("id", ""), **question})


def seq(key: int) -> int:
    """Of a row within its agent or archive."""
    return key & ((1 << SEQ_BITS) - 1)


def begin_of(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(min(max(day, _FIRST), _LAST), time(), zone)


def end_of(day: date, zone: ZoneInfo) -> datetime:
    """When the day is over."""
    return begin_of(min(day, _LAST) + timedelta(days=1), zone)


def microseconds(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(microseconds=1)


def moment(since_epoch: int) -> datetime:
    """At most the last day that is known."""
    last = microseconds(datetime.combine(_LAST, time(), UTC))
    return _EPOCH + timedelta(microseconds=min(since_epoch, last))
