"""Rules and moments as people and models write them."""

from __future__ import annotations

import contextlib
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.people import schedules
from bot.people.cron import CronError, parsed

NOW = datetime(2026, 11, 26, 10, 0, tzinfo=UTC)  # a Thursday
ZONE = ZoneInfo("Asia/Jerusalem")


def days(rule: str, count: int) -> list[str]:
    at, found = NOW, []
    for _ in range(count):
        at = schedules.following(rule, at, ZONE)
        found.append(f"{at.astimezone(ZONE):%Y-%m-%d}")
    return found


@pytest.mark.parametrize(
    ("rule", "first"),
    [
        ("0 9 * * 0-4", ["2026-11-29", "2026-11-30"]),
        ("0 9 * * SUN-Thu", ["2026-11-29", "2026-11-30"]),
        ("0 9 * * 0-6", ["2026-11-27", "2026-11-28", "2026-11-29"]),
        ("0 9 * * 0-7", ["2026-11-27", "2026-11-28", "2026-11-29"]),
        ("0 9 * * 5-7", ["2026-11-27", "2026-11-28", "2026-11-29", "2026-12-04"]),
        ("0 9 * * fri-sun", ["2026-11-27", "2026-11-28", "2026-11-29", "2026-12-04"]),
        ("0 9 * * 1-5/2", ["2026-11-27", "2026-11-30", "2026-12-02", "2026-12-04"]),
        ("0 9 * * 7,3", ["2026-11-29", "2026-12-02", "2026-12-06"]),
        ("0 9 * JAN,mar Mon", ["2027-01-04", "2027-01-11"]),
        ("0 0 29 2 *", ["2028-02-29", "2032-02-29"]),
        ("@weekly", ["2026-11-29", "2026-12-06"]),
    ],
)
def test_days_of_the_week_are_crons(rule: str, first: list[str]) -> None:
    assert days(rule, len(first)) == first


def test_either_day_counts_when_both_are_named() -> None:
    assert days("0 9 1 * 5", 3) == ["2026-11-27", "2026-12-01", "2026-12-04"]
    assert days("0 9 1-7 * 0-6", 2) == ["2026-11-27", "2026-11-28"]
    # A field that begins with * restricts, too, but together with the other one.
    assert days("0 9 */2 * 1", 2) == ["2026-12-07", "2026-12-21"]


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        ("0 9 * * 5#2", "neither #"),
        ("0 9 L * *", "nor W"),
        ("0 9 15W * *", "nor W"),
        ("0 9 ? * 1", "neither #"),
        ("0 9 * * 5L", "nor W"),
        ("0 0 30 2 *", "never comes"),
        ("0 0 31 2,4,jun *", "never comes"),
        ("0 9 * * 5-1", "backwards"),
        ("0 9 * * 8", "no day of the week from 0 to 7"),
        ("99 9 * * *", "'99' is no minute from 0 to 59"),
        ("0 9 * * mon,", "'' is no day of the week"),
        ("*/0 9 * * *", "step"),
        ("0 9 last * *", "day of the month"),
        ("tomorrow at nine or ten", "'tomorrow' is no minute"),
    ],
)
def test_what_cron_does_not_know_is_refused_in_a_sentence(rule: str, why: str) -> None:
    with pytest.raises(schedules.NotATime, match=why):
        schedules.first(rule, NOW, ZONE)


_DAY = st.sampled_from(["*", "1", "13", "28-31", "*/5", "1,15"])
_WEEKDAY = st.sampled_from(["*", "0", "7", "1-5", "sun,wed", "*/3", "5-7"])


@given(_DAY, _WEEKDAY, st.sampled_from(["*", "2", "jan-mar", "*/4"]))
def test_every_day_that_matches_comes_and_no_other(day: str, weekday: str, month: str) -> None:
    rule = f"30 6 {day} {month} {weekday}"
    cron = parsed(rule)

    def matches(at: date) -> bool:
        by_day, by_weekday = at.day in cron.days, at.isoweekday() % 7 in cron.weekdays
        either = not day.startswith("*") and not weekday.startswith("*")
        return at.month in cron.months and (by_day or by_weekday if either else by_day and by_weekday)

    expected = [d for n in range(1, 500) if matches(d := date(2026, 11, 26) + timedelta(days=n))][:3]
    assert days(rule, len(expected)) == [f"{d}" for d in expected]


@given(st.text(max_size=30))
def test_any_text_is_a_rule_or_an_error(text: str) -> None:
    with contextlib.suppress(CronError):
        assert parsed(text).minutes


def test_a_rule_is_short() -> None:
    for text in ("every " * 200_000, "0 " * 500_000, "2026" * 250_000):
        with pytest.raises(schedules.NotATime, match="at most 200 characters") as refused:
            schedules.first(text, NOW, ZONE)
        assert len(str(refused.value)) < 400
