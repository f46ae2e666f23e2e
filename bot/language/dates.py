"""Days and times as people are told them, in the language that is spoken."""

from __future__ import annotations

from datetime import datetime

from bot.language import gettext, marked, pgettext

_WEEKDAYS = (
    marked("Mon"),
    marked("Tue"),
    marked("Wed"),
    marked("Thu"),
    marked("Fri"),
    marked("Sat"),
    marked("Sun"),
)


def day(at: datetime) -> str:
    return at.strftime(pgettext("date", "%Y-%m-%d"))


def moment(at: datetime) -> str:
    return at.strftime(pgettext("date and time", "%Y-%m-%d %H:%M"))


def weekday(at: datetime) -> str:
    """In short."""
    return gettext(_WEEKDAYS[at.weekday()])
