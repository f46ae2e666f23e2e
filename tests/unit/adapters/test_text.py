"""Splitting texts into what a platform takes."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.text import spelling, split

FENCE = re.compile(r"^```.*$", re.MULTILINE)
pieces = st.sampled_from(
    [
        "word ",
        "Sentence. ",
        "\n",
        "\n\n",
        "\n```python\n",
        "\n```\n",
        "x" * 30,
        "- item\n",
        "é🙂",
        "\n~~~\n",
        "`a` ",
    ]
)


def words(text: str) -> str:
    """The text without blanks and fences."""
    return re.sub(r"\s+|```\w*|~~~\w*", "", text)


@settings(max_examples=300, deadline=None)
@given(text=st.lists(pieces, max_size=60).map("".join), limit=st.integers(40, 200))
def test_parts_fit_and_hold_every_word_in_order(text: str, limit: int) -> None:
    parts = split(text, limit)
    assert all(len(part) <= limit for part in parts)
    assert words("\n".join(parts)) == words(text)
    assert len(parts) >= 1
    if text.strip():
        assert all(part.strip() for part in parts)


def test_a_short_text_stays_as_it_is() -> None:
    assert split("Hello.\n\nWorld", 2000) == ["Hello.\n\nWorld"]


def test_a_cut_fence_is_closed_and_opened_again_with_its_language() -> None:
    code = "\n".join(f"line_{n} = {n}" for n in range(400))
    parts = split(f"Here it is:\n\n```python\n{code}\n```\n\nThat was it.", 2000)
    assert len(parts) > 2
    for part in parts:
        assert len(FENCE.findall(part)) % 2 == 0, part
    for part in parts[1:-1]:
        assert part.startswith("```python\n")
    lines = [line for part in parts for line in part.splitlines() if line.startswith("line_")]
    assert lines == code.splitlines()
    assert parts[-1].endswith("That was it.")


@pytest.mark.parametrize("border", ["\n\n", "\n", ". ", " "])
def test_the_cut_is_at_a_natural_border(border: str) -> None:
    first, second = split(f"{'a' * 80}{border}{'b' * 80}", 100)
    assert first.rstrip(".") == "a" * 80
    assert second == "b" * 80


def test_a_word_that_is_too_long_is_cut() -> None:
    assert split("x" * 250, 100) == ["x" * 100, "x" * 100, "x" * 50]


MARKS = st.sampled_from(["`", "~", "```", "~~~", "`" * 300, "~" * 2_000, "`" * 9_000, " ", "\n", "x", "py\n"])


@settings(max_examples=200, deadline=None)
@given(text=st.lists(MARKS, max_size=40).map("".join), limit=st.sampled_from([100, 1_918, 3_900]))
def test_fences_of_any_length_give_parts_in_proportion_to_the_text(text: str, limit: int) -> None:
    parts = split(text, limit)
    assert all(len(part) <= limit for part in parts)
    assert len(parts) <= 2 * len(text) / limit + 2
    # Fences that were closed and opened again are all that may have been added.
    assert sum(map(len, parts)) <= len(text) + len(parts) * limit // 2


def test_a_wall_of_signs_is_cut_like_any_long_word() -> None:
    for sign in "`~x":
        assert len(split(sign * 40_000, 2_000)) == 20


@pytest.mark.parametrize(
    ("text", "spelled"),
    [
        ("Sure? `/forget yes`", "Sure? `/everbot forget yes`"),
        ("/help lists them. (/memory)", "/everbot help lists them. (/everbot memory)"),
        (
            "Say /memory, /memory drop ID.\n/help",
            "Say /everbot memory, /everbot memory drop ID.\n/everbot help",
        ),
        ("/everbot forget", "/everbot forget"),
        ("https://bank.example/help and a/help, ~/memory, /help/me, /memory.txt, //help", None),
        ("/helpful /help-desk", None),
        ("```\n/forget\n```\nthen /forget", "```\n/forget\n```\nthen /everbot forget"),
        ("```\ncd /memory", None),
    ],
)
def test_commands_are_spelled_as_they_are_typed_on_a_platform(text: str, spelled: str | None) -> None:
    assert spelling(["forget", "help", "memory"], "/everbot ")(text) == (spelled or text)
