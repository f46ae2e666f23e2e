"""Texts in pieces."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memory.documents.splitting import chunks


def pieces_of(text: str) -> int:
    """Like a real tokenizer: a part of a text can have more tokens than the whole."""
    return len(re.findall(r" ?[a-z]{1,5}|[^\sa-z]| +|\n", text))


def octets(text: str) -> int:
    return len(text.encode())


def bare(text: str) -> str:
    return re.sub(r"\s", "", text)


texts = st.one_of(
    st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=400),
    st.text(alphabet="ab .\n#。日", max_size=600),
    st.lists(
        st.sampled_from(
            ["# Head\n", "\n\n", "word ", "Sentence one. ", "x" * 40, " " * 30, "日本語。", "\n"]
        ),
        max_size=80,
    ).map("".join),
)


@settings(deadline=None)
@given(
    text=texts,
    count=st.sampled_from([len, octets, pieces_of]),
    size=st.integers(4, 60),
    share=st.floats(0, 0.99),
)
def test_nothing_is_lost_and_no_chunk_is_too_large(
    text: str, count: Callable[[str], int], size: int, share: float
) -> None:
    plain = list(chunks(text, count, size, 0))
    assert "".join(map(bare, plain)) == bare(text)
    lapped = list(chunks(text, count, size, int(size * share)))
    for chunk in plain + lapped:
        assert 0 < count(chunk) <= size
        assert chunk == chunk.strip()
    done = 0  # every chunk goes on from within, or right behind, what came before it
    for chunk in lapped:
        behind = len(text) - len(text[done:].lstrip())
        start = text.rfind(chunk, 0, behind + len(chunk))
        assert start >= 0
        done = max(done, start + len(chunk))
    assert not text[done:].strip()


@settings(deadline=None)
@given(words=st.integers(0, 400), size=st.integers(20, 60), overlap=st.integers(0, 9))
def test_overlap_repeats_the_end_of_the_chunk_before(words: int, size: int, overlap: int) -> None:
    numbers = [str(n) for n in range(words)]
    cut = [chunk.split() for chunk in chunks(" ".join(numbers), lambda s: len(s.split()), size, overlap)]
    seen: list[str] = []
    for chunk in cut:
        again = [word for word in chunk if word in set(seen)]
        assert len(again) == (overlap if seen else 0)
        assert again == seen[len(seen) - len(again) :]
        seen += chunk[len(again) :]
    assert seen == numbers


def test_natural_borders_are_preferred() -> None:
    def words(text: str) -> int:
        return len(text.split())

    one, two = "One two three. Four five six seven.", "Eight nine. Ten eleven twelve."
    assert list(chunks(f"{one}\n\n# Title\n\n{two}", words, 10, 0)) == [one, f"# Title\n\n{two}"]
    assert list(chunks(f"{one}\n\n{two}", words, 9, 0)) == [one, two]
    assert list(chunks(f"{one} {two}", words, 9, 0)) == [one, two]
    assert list(chunks("a b c d\ne f g h", words, 5, 0)) == ["a b c d", "e f g h"]
    assert list(chunks("a b c d e f g", words, 3, 0)) == ["a b c", "d e f", "g"]
    assert list(chunks("abcdefg", len, 3, 0)) == ["abc", "def", "g"]
    assert list(chunks("今日は晴れ。明日は雨。", len, 8, 0)) == ["今日は晴れ。", "明日は雨。"]
    assert list(chunks(" \n\n ", len)) == []
    assert list(chunks("  short \n", len)) == ["short"]


def test_overlap_begins_at_a_sentence_where_one_does() -> None:
    text = "Alpha beta gamma delta. Epsilon zeta eta. Theta iota kappa lambda mu nu."
    cut = list(chunks(text, lambda s: len(s.split()), 8, 5))
    assert cut[0] == "Alpha beta gamma delta. Epsilon zeta eta."
    assert cut[1].startswith("Epsilon zeta eta. Theta iota")


def test_a_character_that_is_too_large_is_not_lost() -> None:
    assert list(chunks("a🧀b", octets, 2, 0)) == ["a", "🧀", "b"]


@pytest.mark.parametrize(("size", "overlap"), [(0, 0), (5, 5), (5, 6), (5, -1)])
def test_sizes_that_make_no_sense(size: int, overlap: int) -> None:
    with pytest.raises(ValueError, match="overlap"):
        list(chunks("text", len, size, overlap))


@pytest.mark.parametrize(
    "text",
    [
        "A sentence of several words, more or less. " * 6_000,
        "abcdefghij" * 25_000,
        "日本語のテキスト。" * 27_000,
        "x = 1\n" * 42_000,
        ("a" + " " * 50_000) * 5,
        ("a" * 20 + " " * 3_000 + "!" * 400) * 75,
    ],
    ids=["prose", "no-spaces", "cjk", "lines", "spaces", "uneven"],
)
def test_a_large_text_is_counted_a_few_times_only(text: str) -> None:
    counted = 0

    def count(part: str) -> int:
        nonlocal counted
        counted += len(part)
        return pieces_of(part)

    cut = list(chunks(text, count))
    assert counted < 12 * len(text)
    assert bare(cut[0])[:5] == bare(text)[:5]
    assert bare(cut[-1])[-5:] == bare(text)[-5:]
