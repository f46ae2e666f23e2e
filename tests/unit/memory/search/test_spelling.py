"""Words that occur nowhere, and the words that are meant."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory.search.spelling import beginnings, is_near, is_spelt, nearest, slips
from memory.search.terms import query_terms


def led(asked: str, *there: str) -> list[str]:
    """The words, of those that are there, that one word is led to."""
    [term] = query_terms(asked)
    words = {stem: 1 for word in there for stem in query_terms(word)}
    begun = next((b for b in beginnings(term) if any(word.startswith(b) for word in words)), None)
    alike = {word: 1 for word in words if begun and word.startswith(begun)}
    if not any(is_near(term, word) for word in alike):
        alike = {word: 1 for word in words if word in slips(term)} or alike
    return nearest(term, alike)


@pytest.mark.parametrize(
    ("asked", "there"),
    [
        ("favourite", "favorite"),
        ("favorite", "favourite"),
        ("imposter", "impostor"),
        ("impostor", "imposter"),
        ("colour", "color"),
        ("theatre", "theater"),
        ("centre", "center"),
        ("organise", "organized"),
        ("grey", "gray"),
        ("tyre", "tire"),
        ("aluminium", "aluminum"),
        ("pyjamas", "pajamas"),
        ("recieve", "receive"),
        ("accomodation", "accommodation"),
        ("definately", "definitely"),
        ("привт", "привет"),
        ("собакой", "собака"),
        ("talossamme", "talossa"),
        ("مدرسه", "مدارسه"),
    ],
)
def test_another_spelling_is_led_to_the_one_that_occurs(asked: str, there: str) -> None:
    assert led(asked, there, "elephant", "window", "слон") == query_terms(there)


@pytest.mark.parametrize(
    ("asked", "there"), [("gold", "cold"), ("bill", "hill"), ("elephant", "giraffe"), ("window", "willow")]
)
def test_another_word_is_not_taken_for_it(asked: str, there: str) -> None:
    assert led(asked, there) == []


@pytest.mark.parametrize("term", ["err_1042", "r2d2x", "北京", "1042", "abc"])
def test_what_is_exact_is_never_led_elsewhere(term: str) -> None:
    assert not is_spelt(term)


@given(st.text("abcdefghij", min_size=5, max_size=9), st.integers(0, 8), st.sampled_from("abcxyz"))
def test_one_slip_of_the_pen_is_among_the_slips(word: str, at: int, letter: str) -> None:
    at %= len(word)
    for other in {
        word[:at] + word[at + 1 :],
        word[:at] + letter + word[at:],
        word[:at] + letter + word[at + 1 :],
    }:
        if other != word and len(other) >= 5:
            assert other in slips(word)
            assert word in slips(other)
            assert is_near(word, other)
