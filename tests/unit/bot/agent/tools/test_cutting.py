"""Values with less in them."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bot.agent.tools.cutting import shortened

JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(JSON, st.integers(4, 200))
def test_what_is_left_fits_and_is_json(value: Any, room: int) -> None:
    def fits(some: Any) -> bool:
        return len(json.dumps(some)) <= room

    left = shortened(value, fits)
    assert fits(left)
    if fits(value):
        assert left == value


def test_the_beginning_is_kept() -> None:
    left = shortened(
        {"status": 7, "rows": [f"row {n}" for n in range(100)]}, lambda some: len(str(some)) < 100
    )
    assert left["status"] == 7
    assert left["rows"][:3] == ["row 0", "row 1", "row 2"]
