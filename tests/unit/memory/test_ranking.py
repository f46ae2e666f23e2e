"""Scoring and fusing of search candidates."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory.ranking import bm25, fuse, idf, shortlist

KEYS = st.integers(1, 30)
SCORES = st.floats(0, 50)
COSINES = st.floats(-1, 1, width=32)


@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_a_rarer_term_weighs_more_and_none_weighs_nothing(rows: int, holding: int) -> None:
    assert idf(rows, holding) > 0
    assert idf(rows + 1, holding) >= idf(rows, holding)
    if holding < rows:
        assert idf(rows, holding + 1) < idf(rows, holding)


@given(st.dictionaries(st.sampled_from("abcd"), st.lists(KEYS, unique=True)), st.integers(0, 40))
def test_a_shortlist_is_every_key_once_best_first(postings: dict[str, list[int]], limit: int) -> None:
    found = shortlist(postings, 30, limit)
    everything = {key for keys in postings.values() for key in keys}
    assert len(found) == len(set(found)) == min(limit, len(everything))
    weights = [sum(idf(30, len(keys)) for keys in postings.values() if key in keys) for key in found]
    assert weights == pytest.approx(sorted(weights, reverse=True))


def test_a_shortlist_prefers_rare_terms_then_newer_rows() -> None:
    postings = {"the": [9, 8, 7, 3, 2], "fox": [2], "red": [3, 2]}
    assert shortlist(postings, 9, 10) == [2, 3, 9, 8, 7]


def scores(query: str, *texts: str) -> list[float]:
    terms = dict(enumerate(texts, 1))
    words = query.split()
    postings = {w: [k for k, text in terms.items() if w in text.split()] for w in words}
    found = bm25(words, {w: keys for w, keys in postings.items() if keys}, len(texts), terms)
    return [found[key] for key in terms]


def test_bm25_prefers_rare_repeated_and_short() -> None:
    rare, common = scores("fox red", "fox a b", "red a b", "red a b", "red a b")[:2]
    assert rare > common
    twice, once, none = scores("fox", "fox fox a", "fox a a", "a a a")
    assert twice > once > none == 0
    short, long = scores("fox", "fox", "fox a b c d e f g h")
    assert short > long


def test_bm25_of_what_is_not_there() -> None:
    assert scores("cat", "fox", "") == [0, 0]
    assert bm25(["fox"], {}, 0, {}) == {}


@given(st.dictionaries(KEYS, SCORES), st.dictionaries(KEYS, COSINES))
def test_fuse_gives_every_match_once_best_first(words: dict[int, float], cosines: dict[int, float]) -> None:
    found = fuse(["fox"], words, {}, cosines)
    assert [key for key, _ in found] == [
        key for key, _ in sorted(found, key=lambda item: (-item[1], -item[0]))
    ]
    assert len({key for key, _ in found}) == len(found)
    assert {key for key, _ in found} == words.keys() | {k for k, c in cosines.items() if c >= 0.3}
    assert all(0 <= score <= 1.0001 for _, score in found)


@given(st.dictionaries(KEYS, SCORES, min_size=2), st.data())
def test_an_identifier_beats_whatever_is_only_alike(words: dict[int, float], data: st.DataObject) -> None:
    holder = data.draw(st.sampled_from(sorted(words)))
    terms = dict.fromkeys(words, "err 1043 err_1043") | {holder: "err 1042 err_1042"}
    cosines = {key: 0.99 for key in words if key != holder}
    found = fuse(["err_1042", "err", "1042"], words, terms, cosines)
    assert found[0][0] == holder


def test_words_and_meaning_add_up() -> None:
    order = [key for key, _ in fuse(["fox"], {1: 5.0, 2: 5.0}, {}, {2: 0.9, 3: 0.9, 4: 0.29})]
    assert order == [2, 1, 3]


def test_among_equals_the_newer_row_comes_first() -> None:
    assert fuse(["fox"], {1: 5.0, 2: 5.0}, {}, {}) == [(2, 0.55), (1, 0.55)]
