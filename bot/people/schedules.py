"""When something is to happen: a moment, every so often, or a cron rule. Pure.

Written as the model is told to: ``2026-11-27T09:00`` (in the person's time zone, unless it names another),
``every 2h``, ``0 8 * * 1-5`` (cron's five fields, see `bot.people.cron`).
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import pairwise
from zoneinfo import ZoneInfo

from apscheduler.triggers.cron import CronTrigger

from bot.language import marked
from bot.people.cron import Cron, CronError, Unreadable, is_cron, parsed

FARTHEST = timedelta(days=732)
SHORTEST = timedelta(minutes=15)
ABOUT = 1_000
"""Characters of what is to be said then."""
_LONGEST = 200  # characters of a rule
_TICK = timedelta(microseconds=1)
_EVERY = re.compile(r"every\s+(\d{1,5})\s*(m|min|minutes?|h|hours?|d|days?)", re.IGNORECASE)
_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_RAREST = timedelta(days=8 * 366)  # from one 29 February to the next, over a year such as 2100

_UNKNOWN = marked(
    "{when!r} is not a time. Write a moment as 2026-11-27T09:00, or a rule as `every 2h` or, in cron's five fields, "
    "`0 8 * * 1-5`"
)


class NotATime(Unreadable):
    """What is wrong, and how to write it."""


def written(at: datetime, zone: tzinfo) -> str:
    """A moment as `first` reads it."""
    return f"{at.astimezone(zone):%Y-%m-%dT%H:%M}"


def first(when: str, now: datetime, zone: ZoneInfo) -> tuple[datetime, str]:
    """The first moment, and the rule for those after it (empty: there are none). Raises `NotATime`."""
    text = when.strip()
    if len(text) > _LONGEST:
        too_long = marked("{begin!r} and so on is not a time: write it in at most {most} characters")
        raise NotATime(too_long, begin=text[:_LONGEST], most=_LONGEST)
    if _EVERY.fullmatch(text) or is_cron(text):
        at = following(text, now, zone)
        if _closest(text) < SHORTEST:
            raise NotATime(
                marked("too often: at least 15 minutes must lie between two times, as in `every 15m`")
            )
        if at - now > _RAREST:
            raise NotATime(marked("{when} is too far ahead: at most eight years"), when=when)
        return at, text
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise NotATime(_UNKNOWN, when=when) from None
    at = at if at.tzinfo else at.replace(tzinfo=zone)
    if at <= now:
        raise NotATime(marked("{when} is past: it is {now} now"), when=when, now=written(now, zone))
    if at - now > FARTHEST:
        raise NotATime(marked("{when} is too far ahead: at most two years"), when=when)
    return at.astimezone(now.tzinfo), ""


def again(rule: str, due: datetime, now: datetime, zone: ZoneInfo) -> datetime | None:
    """When a rule that was ``due`` comes again, after now and never too soon; None: it does not, or cannot be read."""
    try:
        if _EVERY.fullmatch(rule.strip()):
            return max(following(rule, now, zone), now + SHORTEST)
        return following(rule, max(now, due + SHORTEST - _TICK), zone)
    except (NotATime, ValueError, OverflowError):
        return None


def _closest(rule: str) -> timedelta:
    """The shortest time between two moments of a rule that `following` has read, as if they came every day."""
    if _EVERY.fullmatch(rule):
        return _interval(rule)
    cron = parsed(rule)
    times = [timedelta(hours=hour, minutes=minute) for hour in cron.hours for minute in cron.minutes]
    return min(later - sooner for sooner, later in pairwise([*times, times[0] + timedelta(days=1)]))


def _interval(rule: str) -> timedelta:
    every = _EVERY.fullmatch(rule)
    assert every is not None
    return int(every.group(1)) * _UNITS[every.group(2)[0].lower()]


def is_interval(rule: str) -> bool:
    """Whether it is one such as ``every 2h``."""
    return bool(_EVERY.fullmatch(rule.strip()))


def following(rule: str, after: datetime, zone: ZoneInfo) -> datetime:
    """The next moment of a rule after another. Raises `NotATime`."""
    if is_interval(rule):
        interval = _interval(rule.strip())
        if not interval:
            raise NotATime(marked("every 0 is never: name a number"))
        return after + interval
    try:
        cron = parsed(rule)
    except CronError as error:
        text = marked("{rule!r} is not a cron rule of five fields: {why}")
        raise NotATime(text, rule=rule, why=error) from None
    begin = after + _TICK
    comings = [trigger.get_next_fire_time(None, begin) for trigger in _triggers(cron, after + _RAREST, zone)]
    moments: list[datetime] = [moment for moment in comings if moment is not None]
    if not moments:
        raise NotATime(marked("{rule!r} never comes within eight years"), rule=rule)
    return min(moments).astimezone(after.tzinfo)


def _triggers(cron: Cron, until: datetime, zone: ZoneInfo) -> list[CronTrigger]:
    """Triggers that fire, together, when the rule does: APScheduler's own reading of cron's text differs from
    cron's in days of the week, and takes a day that must match by both fields."""
    days = {"day": _listed(cron.days), "day_of_week": ",".join(_WEEKDAYS[day] for day in cron.weekdays)}
    common = {"minute": _listed(cron.minutes), "hour": _listed(cron.hours), "month": _listed(cron.months)}
    ways = [{name: value} for name, value in days.items()] if cron.either_day else [days]
    return [CronTrigger(**common, **{"day": "*"} | way, end_date=until, timezone=zone) for way in ways]


def _listed(values: tuple[int, ...]) -> str:
    return ",".join(map(str, values))


def active(now: datetime, first_hour: int, last_hour: int, zone: ZoneInfo) -> bool:
    """Whether it is between those hours there; ``22-6`` goes over midnight, equal hours are all day."""
    hour = now.astimezone(zone).hour
    if first_hour == last_hour:
        return True
    if first_hour < last_hour:
        return first_hour <= hour < last_hour
    return hour >= first_hour or hour < last_hour


def next_start(now: datetime, first_hour: int, zone: ZoneInfo) -> datetime:
    """The next time that it is ``first_hour`` o'clock there."""
    return following(f"0 {first_hour % 24} * * *", now, zone)


def midnight(now: datetime, zone: tzinfo) -> datetime:
    """The beginning of the day there."""
    local = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    return local.astimezone(now.tzinfo)


def tomorrow(now: datetime, spread: int = 0) -> datetime:
    """When the next day of the limits begins, which is UTC's; different numbers to ``spread`` lie apart, within an
    hour."""
    return midnight(now, UTC) + timedelta(days=1, seconds=spread % 3600)


def hours(text: str) -> tuple[int, int]:
    """``9-21`` as numbers. Raises `NotATime`."""
    match = re.fullmatch(r"\s*(\d{1,2})\s*-\s*(\d{1,2})\s*", text)
    if not match or int(match.group(1)) > 23 or int(match.group(2)) > 24:
        raise NotATime(marked("{hours!r} is not a range of hours such as 9-21"), hours=text)
    return int(match.group(1)), int(match.group(2)) % 24
