"""The time that a question speaks of."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory.search.dates import span_of

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)  # a Saturday


@pytest.mark.parametrize(
    ("text", "since", "until", "named"),
    [
        ("What was on 7 July, 2023?", "2023-07-07", "2023-07-08", True),
        ("on the 3rd of May 2024", "2024-05-03", "2024-05-04", True),
        ("on May 3, 2024", "2024-05-03", "2024-05-04", True),
        ("on Dec 1,2023", "2023-12-01", "2023-12-02", True),
        ("since 2024-02-29", "2024-02-29", "2024-03-01", True),
        ("on 24 December", "2025-12-24", "2025-12-25", True),
        ("in March 2025", "2025-03-01", "2025-04-01", True),
        ("what I said last May", "2026-05-01", "2026-06-01", True),
        ("in December", "2025-12-01", "2026-01-01", True),
        ("on 31 February 2024", "2024-02-01", "2024-03-01", True),
        ("in 2023", "2023-01-01", "2024-01-01", True),
        ("the summer of 2021", "2021-06-01", "2021-09-01", True),
        ("last winter", "2025-12-01", "2026-03-01", False),
        ("two weeks ago", "2026-11-02", "2026-11-09", False),
        ("a month ago", "2026-10-01", "2026-11-01", False),
        ("3 days ago", "2026-11-18", "2026-11-19", False),
        ("yesterday", "2026-11-20", "2026-11-21", False),
        ("this morning", "2026-11-21", "2026-11-22", False),
        ("last Monday", "2026-11-16", "2026-11-17", False),
        ("last Saturday", "2026-11-14", "2026-11-15", False),
        ("last weekend", "2026-11-14", "2026-11-16", False),
        ("last week", "2026-11-09", "2026-11-16", False),
        ("last year", "2025-01-01", "2026-01-01", False),
        ("in the past few days", "2026-11-18", "2026-11-22", False),
    ],
)
def test_a_span_is_understood(text: str, since: str, until: str, named: bool) -> None:
    span = span_of(text, NOW)
    assert span is not None
    assert (f"{span.since:%Y-%m-%d}", f"{span.until:%Y-%m-%d}", span.named) == (since, until, named)


@pytest.mark.parametrize(
    "text",
    ["May I ask?", "room 2023", "at last we met", "version 2.10.3", "", "the year"],
)
def test_what_names_no_time_has_no_span(text: str) -> None:
    assert span_of(text, NOW) is None


def test_days_are_those_of_the_askers_zone() -> None:
    late = datetime(2026, 11, 21, 23, 30, tzinfo=UTC)
    berlin = span_of("today", late.astimezone(ZoneInfo("Europe/Berlin")))
    assert berlin is not None
    assert berlin.since == datetime(2026, 11, 21, 23, 0, tzinfo=UTC)


def test_a_day_is_whole_when_clocks_change() -> None:
    zone = ZoneInfo("Europe/Berlin")
    span = span_of("on 25 October 2026", datetime(2026, 11, 1, tzinfo=zone))
    assert span is not None
    assert (span.until.astimezone(UTC) - span.since.astimezone(UTC)).total_seconds() == 25 * 3600


@given(
    st.text("0123456789 -,", max_size=8),
    st.sampled_from(["may", "days ago", "weeks ago", "years ago", "of june"]),
    st.datetimes(timezones=st.just(UTC)),
)
def test_any_text_at_any_time(count: str, word: str, now: datetime) -> None:
    span = span_of(f"in {count} {word} {count}", now)
    assert span is None or span.since < span.until
