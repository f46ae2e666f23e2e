"""Requests to be reminded: when, and of what."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.models.offline.persons import second

_ASKED = re.compile(
    r"^(?:(?:hi|hello|hey|please|can you|could you|would you|will you|and|then|also|ok|okay)[ ,]+)*"
    r"(?:set a reminder(?: for me)?|remind me)\b"
    r"(?! (?:what|where|who|when|which|how|why|about my|my|again)\b)\s*"
    r"(?P<rest>.*)$",
    re.IGNORECASE | re.DOTALL,
)
_NUMBERS = {
    w: n for n, w in enumerate("zero one two three four five six seven eight nine ten eleven twelve".split())
}
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october",
    "november", "december",
)  # fmt: skip
_WORD = "|".join(_NUMBERS)
_IN = re.compile(
    rf"\bin (?P<n>\d{{1,4}}|{_WORD}|an?|half an) (?P<unit>minute|min|hour|day|week)s?\b", re.IGNORECASE
)
_HOUR = re.compile(
    rf"\b(?:at|by) (?P<half>half past |quarter past |quarter to )?(?P<h>\d{{1,2}}|{_WORD}|noon|midnight)"
    r"(?:[:.](?P<m>\d{2}))?(?:\s*(?P<ap>a\.?m\b\.?|p\.?m\b\.?))?(?: o'?clock)?",
    re.IGNORECASE,
)
_DATE = re.compile(
    r"\b(?:on )?(?:(?P<iso>\d{4}-\d{2}-\d{2})"
    rf"|(?P<d>\d{{1,2}})(?:st|nd|rd|th)?(?: of)? (?P<mon>{'|'.join(_MONTHS)})"
    rf"|(?P<mon2>{'|'.join(_MONTHS)}) (?P<d2>\d{{1,2}})(?:st|nd|rd|th)?\b)(?:,? (?P<y>20\d{{2}}))?",
    re.IGNORECASE,
)
_WEEKDAY = re.compile(rf"\b(?:on |this |next )*(?P<day>{'|'.join(_DAYS)})\b", re.IGNORECASE)
_NEAR = re.compile(r"\b(?P<near>the day after tomorrow|today|tonight|tomorrow)\b", re.IGNORECASE)
_PART = re.compile(r"\b(?:in the |this )?(?P<part>morning|afternoon|evening)\b", re.IGNORECASE)
_PARTS = {"morning": 9, "afternoon": 15, "evening": 19}


@dataclass(frozen=True)
class Reminder:
    """``when`` is None when no time was understood."""

    when: datetime | None
    about: str  # as said to the person, such as "call your mother"


def reminder(sentence: str, now: datetime | None) -> Reminder | None:
    """The reminder a sentence asks for, or None. Times are in the zone of ``now``."""
    match = _ASKED.match(sentence[:600])
    if not match:
        return None
    when, rest = _when(match["rest"], now) if now else (None, match["rest"])
    about = re.sub(r"\s+", " ", rest).strip(" ,.?!")
    about = re.sub(r"^(?:(?:to|about|that|of|for)\b\s*|,\s*)+", "", about, flags=re.IGNORECASE)
    about = re.sub(r"[ ,]+(?:at|on|to|by)$", "", about)
    about = second(about)
    return Reminder(when, (about[:1].lower() + about[1:])[:200] or "what you asked for")


def _when(text: str, now: datetime) -> tuple[datetime | None, str]:
    """The time in a text, and the text without it."""
    if match := _IN.search(text):
        said = match["n"].lower()
        n = 0.5 if said == "half an" else 1 if said in ("a", "an") else _NUMBERS.get(said) or int(said)
        unit = {"minute": 1, "min": 1, "hour": 60, "day": 1440, "week": 10080}[match["unit"].lower()]
        rest = text[: match.start()] + text[match.end() :]
        if unit < 1440:
            return now.replace(microsecond=0) + timedelta(minutes=n * unit), rest
        hour, rest = _hour(rest)
        return _at(now + timedelta(minutes=n * unit), hour or (now.hour, now.minute, False)), rest
    hour, rest = _hour(text)
    date, rest = _date(rest, now)
    if date is None and hour is None:
        return None, text
    if date is not None:
        at = _at(date, hour or (9, 0, False))
        if at <= now and hour and not hour[2] and hour[0] < 12:
            at += timedelta(hours=12)  # "at 5" said at noon of the same day
        return (at if at > now else None), rest
    assert hour is not None
    at = _at(now, hour)
    if at <= now and not hour[2] and hour[0] < 12 and at + timedelta(hours=12) > now:
        at += timedelta(hours=12)
    return (at if at > now else at + timedelta(days=1)), rest


def _at(day: datetime, hour: tuple[int, int, bool]) -> datetime:
    return day.replace(hour=hour[0], minute=hour[1], second=0, microsecond=0)


def _hour(text: str) -> tuple[tuple[int, int, bool] | None, str]:
    """(hour, minute, whether the half of the day was said) and the rest."""
    part = _PART.search(text)
    match = _HOUR.search(text)
    if not match:
        if not part:
            return None, text
        return (_PARTS[part["part"].lower()], 0, True), text[: part.start()] + text[part.end() :]
    said = match["h"].lower()
    h = {"noon": 12, "midnight": 0}.get(said)
    sure = h is not None or match["m"] is not None or bool(match["ap"])
    h = h if h is not None else _NUMBERS[said] if said in _NUMBERS else int(said)
    m = int(match["m"] or 0)
    later = (match["ap"] or "").lower().startswith("p") or (part and part["part"].lower() != "morning")
    if later and h < 12:
        h += 12
    elif (match["ap"] or "").lower().startswith("a") and h == 12:
        h = 0
    half = (match["half"] or "").lower().strip()
    shift = {"half past": 30, "quarter past": 15, "quarter to": -15}.get(half, 0)
    minutes = (h * 60 + m + shift) % 1440
    if h > 24 or m > 59:
        return None, text
    rest = text[: match.start()] + text[match.end() :]
    return (minutes // 60, minutes % 60, sure or part is not None), _PART.sub("", rest)


def _date(text: str, now: datetime) -> tuple[datetime | None, str]:
    for pattern, read in ((_DATE, _calendar), (_NEAR, _near), (_WEEKDAY, _weekday)):
        if match := pattern.search(text):
            date = read(match, now)
            if date is not None:
                return date, text[: match.start()] + text[match.end() :]
    return None, text


def _near(match: re.Match[str], now: datetime) -> datetime | None:
    days = {"today": 0, "tonight": 0, "tomorrow": 1}.get(match["near"].lower(), 2)
    return now + timedelta(days=days)


def _weekday(match: re.Match[str], now: datetime) -> datetime | None:
    ahead = (_DAYS.index(match["day"].lower()) - now.weekday()) % 7
    return now + timedelta(days=ahead or 7)


def _calendar(match: re.Match[str], now: datetime) -> datetime | None:
    try:
        if match["iso"]:
            day = datetime.fromisoformat(match["iso"])
            return now.replace(year=day.year, month=day.month, day=day.day)
        month = _MONTHS.index((match["mon"] or match["mon2"]).lower()) + 1
        year = int(match["y"] or now.year)
        date = now.replace(year=year, month=month, day=int(match["d"] or match["d2"]))
        return date if match["y"] or date.date() >= now.date() else date.replace(year=year + 1)
    except ValueError:
        return None
