"""Requests to be reminded: when, and of what."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.models.offline.lexicon import DAYS, MONTHS, NUMBERS, POLITE, anycase
from bot.models.offline.persons import second

_WORD, _MONTH, _DAY = "|".join(NUMBERS), "|".join(MONTHS), "|".join(DAYS)
_ASKED = anycase(
    rf"(?s)^{POLITE}(?P<before>(?:every|each|on|at|in|by|next|this|tomorrow|today|tonight|hourly|daily|weekly|monthly"
    rf"|(?:{_DAY})s?)\b(?:(?!\b(?:i|my|he|she|it|they|we|you|will|said)\b)[^?!;]){{0,60}}?[ ,]+)?{POLITE}(?:remind me\b"
    r"|(?:set(?: up)?|give me|make|create|add|(?:i|we)(?:'d| would)? (?:want|need|like)) (?:me )?an? "
    r"(?:reminder|alarm)\b(?: for me)?)(?! (?:what|where|who|when|which|how|why|about my|my|again)\b)\s*(?P<rest>.*)$"
)
_ONCE = anycase(
    rf"\b(?:every |on )?(?:(?P<unit>weekday|weekend|{_DAY})s|(?P<adverb>hour|week|month|year)ly|daily)\b"
)
_EVERY = anycase(
    rf"\b(?:every|each) (?:(?P<n>other|\d{{1,3}}|{_WORD}) )?(?P<unit>minute|hour|day|week|month|year|morning|afternoon"
    rf"|evening|night|weekday|weekend|{_DAY})s?\b(?P<more>(?:(?:,| and| or|, and) (?:{_DAY})s?\b)*)"
)
_MONTHDAY = anycase(r"\b(?:on )?(?:the )?(?P<n>first|\d{1,2}(?:st|nd|rd|th)?)(?: day)?(?: of)?(?![\d:])")
_IN = anycase(rf"\bin (?P<n>\d{{1,4}}|{_WORD}|an?|half an) (?P<unit>second|sec|minute|min|hour|day|week)s?\b")
_UNITS = {"second": 1 / 60, "sec": 1 / 60, "minute": 1, "min": 1, "hour": 60, "day": 1440, "week": 10080}
_HOUR = anycase(
    r"\b(?:at|by|for(?= \d{1,2}(?:[:.]\d\d)?(?: ?[ap]\.?m\b| o'?clock|,? (?:today|tonight|tomorrow|on)\b|$))) "
    rf"(?P<half>half past |quarter past |quarter to )?(?P<h>\d{{1,2}}|{_WORD}|noon|midnight)"
    r"(?:[:.](?P<m>\d{2}))?(?:\s*(?P<ap>a\.?m\b\.?|p\.?m\b\.?))?(?: o'?clock)?"
)
_HOURS = NUMBERS | {"noon": 12, "midnight": 0}
_HALVES = {"half past ": 30, "quarter past ": 15, "quarter to ": -15}
_DATE = anycase(
    rf"\b(?:(?:on )?(?:(?P<iso>\d{{4}}-\d{{2}}-\d{{2}})|(?P<d>\d{{1,2}})(?:st|nd|rd|th)?(?: of)? (?P<mon>{_MONTH})"
    rf"|(?P<mon2>{_MONTH}) (?P<d2>\d{{1,2}})(?:st|nd|rd|th)?\b)(?:,? (?P<y>20\d{{2}}))?|(?P<near>the day after "
    rf"tomorrow|today|tonight|tomorrow)\b|(?:on |this |next )*(?P<day>{_DAY})\b)"
)
_PART = anycase(r"\b(?:in the |this )?(?P<part>morning|afternoon|evening|night)\b")
_PARTS = {"morning": 9, "afternoon": 15, "evening": 19, "night": 21}


@dataclass(frozen=True)
class Reminder:
    """``when`` is None when no time was understood, or there is a ``rule``, as `bot.people.schedules` takes it."""

    when: datetime | None
    about: str  # as said to the person, such as "call your mother"
    rule: str = ""
    said: str = ""  # how the rule was said, such as "every Monday"


class _Said:
    """What was said, less what was understood of it."""

    def __init__(self, text: str) -> None:
        self.text = text

    def take(self, match: re.Match[str] | None) -> re.Match[str] | None:
        if match:
            self.text = self.text[: match.start()] + self.text[match.end() :]
        return match


def reminder(sentence: str, now: datetime | None) -> Reminder | None:
    """The reminder a sentence asks for, or None. Times are in the zone of ``now``."""
    match = _ASKED.match(sentence[:600])
    if not match:
        return None
    said = _Said(f"{match['rest'].rstrip(' .?!')} {(match['before'] or '').rstrip(' ,')}".rstrip())
    rule, every = _rule(said, now) if now else ("", "")
    when = _when(said, now) if now and not every else None
    about = re.sub(r"\s+", " ", said.text).strip(" ,.?!")
    about = re.sub(r"(?i)^(?:(?:to|about|that|of|for)\b\s*|,\s*)+", "", about)
    about = second(re.sub(r"[ ,]+(?:at|on|to|by)$", "", about))
    return Reminder(when, (about[:1].lower() + about[1:])[:200] or "what you asked for", rule, every)


def _rule(said: _Said, now: datetime) -> tuple[str, str]:
    """A rule by which it shall come again and again, and how that was said; both empty where it comes once."""
    once = _ONCE.sub(lambda m: f"every {m['unit'] or m['adverb'] or 'day'}", said.text)
    match = _EVERY.search(once)
    if match is None:
        return "", ""
    unit, n, every = match["unit"].lower(), (match["n"] or "1").lower(), match[0][:1].lower() + match[0][1:]
    said.text = once[: match.start()] + (f"this {unit}" if unit in _PARTS else "") + once[match.end() :]
    count = 2 if n == "other" else int(NUMBERS.get(n, n))
    if unit in ("minute", "hour") or (count > 1 and unit in ("day", "week")):
        return f"every {count * 7 if unit == 'week' else count}{unit[0].replace('w', 'd')}", every
    day = said.take(_MONTHDAY.search(said.text)) if unit == "month" else None
    date = (_date(said, now) if unit in ("week", "year") else None) or now
    number = re.sub(r"\D", "", day["n"].replace("first", "1")) if day else date.day
    named = [DAYS.index(name) for name in re.findall(_DAY, match[0].lower())]
    weekdays = (
        ",".join(str((d + 1) % 7) for d in named or ([date.weekday()] if unit == "week" else [])) or "*"
    )
    days = {
        "month": f"{number} * *",
        "year": f"{number} {date.month} *",
        "weekday": "* * 1-5",
        "weekend": "* * 0,6",
    }
    minutes, _ = _hour(said)
    hour, minute = divmod(9 * 60 if minutes is None else minutes, 60)
    rule = f"{minute} {hour} {days.get(unit, f'* * {weekdays}')}"
    return ("" if count > 1 else rule), f"{every} at {hour:02}:{minute:02}"


def _when(said: _Said, now: datetime) -> datetime | None:
    if match := said.take(_IN.search(said.text)):
        n, unit = match["n"].lower(), _UNITS[match["unit"].lower()]
        count = {"half an": 0.5, "a": 1, "an": 1}.get(n) or float(NUMBERS.get(n, n))
        then = (now + timedelta(minutes=count * unit)).replace(microsecond=0)
        minutes, _ = _hour(said) if unit >= _UNITS["day"] else (None, False)
        return then if minutes is None else _at(then, minutes)
    minutes, sure = _hour(said)
    date = _date(said, now)
    if date is None and minutes is None:
        return None
    at = _at(date or now, 9 * 60 if minutes is None else minutes)
    if not sure and at <= now < at + timedelta(hours=12) and at.hour < 12:
        at += timedelta(hours=12)  # "at 5" said at noon of the same day
    if date is None and at <= now:
        at += timedelta(days=1)
    return at if at > now else None


def _at(day: datetime, minutes: int) -> datetime:
    return day.replace(hour=minutes // 60, minute=minutes % 60, second=0, microsecond=0)


def _hour(said: _Said) -> tuple[int | None, bool]:
    """The time of day in minutes, and whether its half of the day is sure."""
    match, part = said.take(_HOUR.search(said.text)), said.take(_PART.search(said.text))
    if not match:
        return (_PARTS[part["part"].lower()] * 60 if part else None), True
    word, half_of_day = match["h"].lower(), (match["ap"] or "")[:1].lower()
    h, m = int(_HOURS.get(word, word)), int(match["m"] or 0)
    if h < 12 and (half_of_day == "p" or (part and part["part"].lower() != "morning")):
        h += 12
    elif h == 12 and half_of_day == "a":
        h = 0
    minutes = (h * 60 + m + _HALVES.get((match["half"] or "").lower(), 0)) % (24 * 60)
    sure = word in ("noon", "midnight") or bool(match["m"] or half_of_day or part)
    return (minutes if h <= 24 and m <= 59 else None), sure


def _date(said: _Said, now: datetime) -> datetime | None:
    # A date tells more than "tomorrow", and that more than a weekday.
    found = sorted(_DATE.finditer(said.text), key=lambda m: (m["day"] is not None, m["near"] is not None))
    days = ((match, _day(match, now)) for match in found)
    match, day = next(((match, day) for match, day in days if day), (None, None))
    said.take(match)
    return day


def _day(match: re.Match[str], now: datetime) -> datetime | None:
    if match["near"]:
        return now + timedelta(days={"today": 0, "tonight": 0, "tomorrow": 1}.get(match["near"].lower(), 2))
    if match["day"]:
        return now + timedelta(days=(DAYS.index(match["day"].lower()) - now.weekday() - 1) % 7 + 1)
    try:
        if match["iso"]:
            return datetime.combine(datetime.fromisoformat(match["iso"]), now.timetz())
        year, month = int(match["y"] or now.year), MONTHS.index((match["mon"] or match["mon2"]).lower()) + 1
        date = now.replace(year=year, month=month, day=int(match["d"] or match["d2"]))
        return date if match["y"] or date.date() >= now.date() else date.replace(year=year + 1)
    except ValueError:
        return None
