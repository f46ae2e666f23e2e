"""Times of other programs, in all their spellings."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bot.ownership.moving_in.moments import moment

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("value", "utc"),
    [
        (1714730000, "2024-05-03T09:53:20"),
        (1714730000.5, "2024-05-03T09:53:20.500000"),
        (1714730000500, "2024-05-03T09:53:20.500000"),
        (1714730000500000, "2024-05-03T09:53:20.500000"),
        ("1714730000.000100", "2024-05-03T09:53:20.000100"),
        ("1714730000500", "2024-05-03T09:53:20.500000"),
        ("2024-05-03T09:53:20Z", "2024-05-03T09:53:20"),
        ("2024-05-03T09:53:20.123456+02:00", "2024-05-03T07:53:20.123456"),
        ("2024-05-03 09:53:20", "2024-05-03T07:53:20"),
        ("2024-05-03", "2024-05-02T22:00:00"),
        ("2024-5-3 @09h 53m 20s 7ms", "2024-05-03T07:53:20.007000"),
        ("2024-05-03@09h53m20s007ms", "2024-05-03T07:53:20.007000"),
        ("2024-05-03 @09h 53m 20s", "2024-05-03T07:53:20"),
        ("May 3, 2024 9:53am", "2024-05-03T07:53:00"),
        ("May 3, 2024 9:53 PM", "2024-05-03T19:53:00"),
        ("2024-05-03 02:13:45 PM PST-0800", "2024-05-03T22:13:45"),
    ],
)
def test_a_time_is_read_whatever_its_spelling(value: Any, utc: str) -> None:
    at = moment(value, BERLIN)
    assert at is not None
    assert at.isoformat() == f"{utc}+00:00"


@pytest.mark.parametrize(
    "value",
    [None, "", "soon", True, 0, -5, 1e30, float("nan"), float("inf"), {}, [], "2024-13-45", "0001-01-01"],
)
def test_what_is_no_time_is_none(value: Any) -> None:
    assert moment(value, BERLIN) is None
