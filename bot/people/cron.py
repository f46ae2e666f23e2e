"""A rule of cron, read as crontab(5) means it (https://man7.org/linux/man-pages/man5/crontab.5.html). Pure.

Five fields: minute, hour, day of the month, month, day of the week (0 and 7 are Sunday). Each is ``*``, numbers,
ranges and lists of them, with steps; months and days of the week have names, too. Where neither of the day fields
begins with ``*``, a day on which one of them matches is meant.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from bot.language import gettext, marked

_MONTHS = dict(zip("jan feb mar apr may jun jul aug sep oct nov dec".split(), range(1, 13), strict=True))
_WEEKDAYS = dict(zip("sun mon tue wed thu fri sat".split(), range(7), strict=True))
_LONGEST = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)  # days of each month, in a leap year
_NICKNAMES = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}


_QUARTZ = re.compile(r"[#?]|\d[lw]|^lw?$|^last$")


class Unreadable(ValueError):
    """Its text says what is wrong, in English, as models read it; ``told`` says it in the language that is spoken.
    ``values`` stand in the text, as in `str.format`."""

    def __init__(self, text: str, **values: object) -> None:
        super().__init__(text.format(**values) if values else text)
        self._text, self._values = text, values

    @property
    def told(self) -> str:
        """For people."""
        values = {n: v.told if isinstance(v, Unreadable) else v for n, v in self._values.items()}
        if "field" in values:
            values["field"] = gettext(str(values["field"]))
        return gettext(self._text, **values)


class CronError(Unreadable):
    """What is wrong with the rule."""


@dataclass(frozen=True)
class _Field:
    what: str
    first: int
    last: int
    names: dict[str, int]


_FIELDS = (
    _Field(marked("minute"), 0, 59, {}),
    _Field(marked("hour"), 0, 23, {}),
    _Field(marked("day of the month"), 1, 31, {}),
    _Field(marked("month"), 1, 12, _MONTHS),
    _Field(marked("day of the week"), 0, 7, _WEEKDAYS),
)


@dataclass(frozen=True, kw_only=True)
class Cron:
    """What a rule means: the values of each field, sorted; days of the week from 0, Sunday, to 6."""

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: tuple[int, ...]
    months: tuple[int, ...]
    weekdays: tuple[int, ...]
    either_day: bool  # a day by its number or by its weekday; else by both


def is_cron(text: str) -> bool:
    """Whether the text is meant as a rule of cron, right or wrong."""
    return len(text.split()) == 5 or text.strip().lower() in _NICKNAMES


def parsed(rule: str) -> Cron:
    """Raises `CronError`, also for a rule that never comes, such as one for 30 February."""
    fields = _NICKNAMES.get(rule.strip().lower(), rule).lower().split()
    if len(fields) != 5:
        raise CronError(marked("it has {n} fields, not five"), n=len(fields))
    minutes, hours, days, months, weekdays = map(_values, fields, _FIELDS)
    cron = Cron(
        minutes=minutes,
        hours=hours,
        days=days,
        months=months,
        weekdays=tuple(sorted({day % 7 for day in weekdays})),
        either_day=not fields[2].startswith("*") and not fields[4].startswith("*"),
    )
    if not cron.either_day and all(days[0] > _LONGEST[month - 1] for month in months):
        raise CronError(marked("it never comes: none of its months has such a day"))
    return cron


def _values(text: str, field: _Field) -> tuple[int, ...]:
    return tuple(sorted({value for part in text.split(",") for value in _range(part, field)}))


def _range(part: str, field: _Field) -> range:
    """The values of ``*``, ``2``, ``2-6``, each perhaps with ``/step``; ``2/step`` goes on to the last."""
    span, slash, step = part.partition("/")
    low, dash, high = span.partition("-")
    if span == "*":
        first, last = field.first, 6 if field.names is _WEEKDAYS else field.last
    else:
        first = _value(low, part, field)
        last = _value(high, part, field) if dash else field.last if slash else first
        if dash and field.names is _WEEKDAYS and high in ("sun", "0") and first > 0:
            last = 7  # the Sunday that ends a week
    if slash and not (_is_number(step) and 0 < int(step) <= field.last):
        text = marked("the step in {part!r} is no number from 1 to {last}")
        raise CronError(text, part=part, last=field.last)
    if first > last:
        text = marked("the range {part!r} of the {field} runs backwards")
        raise CronError(text, part=part, field=field.what)
    return range(first, last + 1, int(step) if slash else 1)


def _value(text: str, part: str, field: _Field) -> int:
    if text in field.names:
        return field.names[text]
    if _is_number(text) and field.first <= int(text) <= field.last:
        return int(text)
    if _QUARTZ.search(part):
        text = marked("{part!r} in the {field} is Quartz's; cron has neither #, ?, L nor W")
        raise CronError(text, part=part, field=field.what)
    text = marked("{part!r} is no {field} from {first} to {last}")
    raise CronError(text, part=part, field=field.what, first=field.first, last=field.last)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 3
