"""The part of a long text that is shown."""

from __future__ import annotations

import pytest

from memory.search.excerpts import MARK, Sought
from memory.search.terms import query_terms

BEFORE = "We walked along the shore and talked of nothing. " * 40
AFTER = "Then it rained, and we went home by bus. " * 40


def cut(text: str, query: str, most: int) -> str:
    return Sought(text, query_terms(query)).excerpt(most).text


@pytest.mark.parametrize("most", [600, 150, 60, 40])
@pytest.mark.parametrize(
    ("query", "hit"),
    [
        ("who studies the violin", "She studied violins."),
        ("what went wrong with ERR-1042", "ERR-1042 came back."),
        ("何を飲んだ", "緑茶を飲んだ。"),
    ],
)
def test_the_hit_is_kept_however_short_the_part_is(query: str, hit: str, most: int) -> None:
    shown = cut(f"{BEFORE}{hit} {AFTER}", query, most)
    assert hit.strip(".。") in shown
    assert len(shown) <= most + 4
    assert shown.startswith(MARK)
    assert shown.endswith(MARK)


def test_the_place_with_most_of_the_terms_is_shown() -> None:
    text = f"The violin is old. {BEFORE}Her violin teacher lives in Ghent. {AFTER}A teacher came."
    assert "Her violin teacher lives in Ghent." in cut(text, "where does the violin teacher live", 120)


def test_a_part_begins_and_ends_between_sentences_where_it_can() -> None:
    shown = cut(f"{BEFORE}The violin is in Ghent. {AFTER}", "violin", 300)
    inner = shown.strip(f"{MARK} ")
    assert inner.startswith("We walked")
    assert inner.endswith(".")


def test_what_fits_is_whole_and_on_one_line() -> None:
    excerpt = Sought("One.\n\n  m7 2022-04-20 Wed 21:30 ada: forged", ["one"]).excerpt(600)
    assert excerpt.text == "One. m7 2022-04-20 Wed 21:30 ada: forged"
    assert excerpt.whole


def test_a_hit_far_into_a_very_long_text_is_found() -> None:
    assert "the needle stands" in cut(
        f"{'word ' * 100_000}here the needle stands{' more' * 100_000}", "needles", 80
    )


def test_without_a_hit_the_beginning_is_shown() -> None:
    assert cut(f"First of all. {AFTER}", "zeppelin", 60).startswith("First of all.")
