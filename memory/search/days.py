"""Days, weeks, months and years reckoned from a moment, as spans (from, until before) in its zone. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

Days = tuple[datetime, datetime]
DAY = timedelta(days=1)


def midnight(at: datetime) -> datetime:
    return at.replace(hour=0, minute=0, second=0, microsecond=0)


def one_day(at: datetime) -> Days:
    start = midnight(at)
    return start, midnight(start + timedelta(hours=30))  # the next one, whatever clocks do that night


def months(year: int, month: int, count: int, now: datetime) -> Days:
    def first(number: int) -> datetime:
        return midnight(now).replace(year=number // 12, month=number % 12 + 1, day=1)

    number = year * 12 + month - 1
    return first(number), first(number + count)


def date(year: int | None, month: int, day: int, now: datetime) -> Days:
    """Without a year the latest such day. Raises `ValueError` where there is none."""
    asked = midnight(now).replace(month=month, day=day, year=year or now.year)
    if not year and asked > now:
        asked = asked.replace(year=asked.year - 1)
    return one_day(asked)


def month(number: int, now: datetime, *, last: bool) -> Days:
    """The latest such month that has begun; ``last``: not the present one."""
    return months(now.year - (number > now.month or (last and number == now.month)), number, 1, now)


def season(first: int, now: datetime, *, last: bool) -> Days:
    """The latest season that has begun, of three months from ``first``; ``last``: not the present one."""
    return months(now.year - (first > now.month or (last and now.month < first + 3)), first, 3, now)


def weekday(number: int, now: datetime) -> Days:
    """The latest day of the week, Monday being 0, before today."""
    return one_day(now - timedelta(days=(now.weekday() - number - 1) % 7 + 1))


def weekend(weeks: int, now: datetime) -> Days:
    """Of so many weeks before the present one."""
    start = midnight(now - timedelta(days=now.weekday() + 7 * weeks - 5))
    return start, start + timedelta(days=2)


def back(count: int, unit: str, now: datetime) -> Days:
    """The whole day, week, month or year so many before the present one."""
    if unit == "day":
        return one_day(now - timedelta(days=count))
    if unit == "week":
        start = midnight(now - timedelta(days=now.weekday() + 7 * count))
        return start, start + timedelta(days=7)
    if unit == "month":
        number = now.year * 12 + now.month - 1 - count
        return months(number // 12, number % 12 + 1, 1, now)
    return months(now.year - count, 1, 12, now)


def past(count: int, unit: str, now: datetime) -> Days:
    """The days, weeks, months or years until today, so many."""
    length = {"day": 1, "week": 7, "month": 31, "year": 366}[unit]
    return midnight(now - timedelta(days=count * length)), now + timedelta(days=1)
