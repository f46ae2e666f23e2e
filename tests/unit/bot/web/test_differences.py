from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.web.differences import differences


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("Lives in Hamburg.", "Lives in Bremen.", "=Lives in |-Hamburg|+Bremen|=."),
        ("", "Likes tea", "+Likes tea"),
        ("Likes tea", "", "-Likes tea"),
        ("a b", "a b", "=a b"),
        ("お茶が好き", "お茶が好き。", "=お茶が好き|+。"),
    ],
)
def test_what_changed_is_told_word_by_word(before: str, after: str, told: str) -> None:
    signs = {"same": "=", "gone": "-", "came": "+"}
    assert "|".join(signs[piece.kind] + piece.text for piece in differences(before, after)) == told


@given(st.text(max_size=80), st.text(max_size=80))
def test_both_texts_can_be_read_out_of_it(before: str, after: str) -> None:
    pieces = differences(before, after)
    assert "".join(piece.text for piece in pieces if piece.kind != "came") == before
    assert "".join(piece.text for piece in pieces if piece.kind != "gone") == after


def test_texts_of_any_length_are_told_apart_at_once() -> None:
    before, after = "a b " * 20_000, "b c " * 20_000
    assert [piece.kind for piece in differences(before, after)] == ["gone", "came"]
