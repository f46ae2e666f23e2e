"""Edits of core memory blocks."""

from __future__ import annotations

from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory import core
from memory.errors import (
    BlockLimitExceeded,
    BlockNotFound,
    BlockReadOnly,
    Mendable,
    TextNotFound,
    TextNotUnique,
)
from memory.records import PRIVATE, Block


def block(value: str = "", limit: int = 100, *, label: str = "human", read_only: bool = False) -> Block:
    return Block(
        id=1,
        owner="agent:1",
        label=label,
        audience=PRIVATE,
        value=value,
        limit=limit,
        read_only=read_only,
    )


def test_the_block_of_a_label_is_found() -> None:
    one, two = block(label="persona"), block(label="human")
    assert core.find([one, two], "human") is two
    with pytest.raises(BlockNotFound, match=r"'humna'.*persona, human"):
        core.find([one, two], "humna")
    with pytest.raises(BlockNotFound, match="none"):
        core.find([], "human")


def test_content_is_appended_on_a_line_of_its_own() -> None:
    assert core.append(block(), "Likes tea.").value == "Likes tea."
    assert core.append(block("Is Ada."), "Likes tea.").value == "Is Ada.\nLikes tea."


@pytest.mark.parametrize("again", ["Likes tea.", "likes  TEA", "- Likes tea!", "Likes tea.\nIs Ada."])
def test_a_line_that_is_there_already_is_not_added(again: str) -> None:
    before = block("Is Ada.\nLikes tea.")
    assert core.append(before, again) == before
    assert core.append(before, f"{again}\nHas a dog.").value == "Is Ada.\nLikes tea.\nHas a dog."


def test_what_only_looks_alike_is_added() -> None:
    assert core.append(block("Is at 5 degrees."), "Is at -5 degrees.").value.count("degrees") == 2
    assert core.append(block("-5 degrees"), "5 degrees").value == "-5 degrees\n5 degrees"
    assert core.append(block("if a {\n}"), "if b {\n}").value == "if a {\n}\nif b {\n}"


def test_one_occurrence_is_replaced() -> None:
    before = block("Likes tea.\nHas a dog.")
    assert core.replace_text(before, "tea", "coffee").value == "Likes coffee.\nHas a dog."
    assert core.replace_text(before, "Likes tea.", "").value == "Has a dog."
    assert core.replace_text(before, "Has a dog.", "").value == "Likes tea."
    assert before.value == "Likes tea.\nHas a dog."


@pytest.mark.parametrize(
    ("old", "error", "says"),
    [
        ("", TextNotFound, "empty"),
        ("coffee", TextNotFound, "Likes tea"),
        ("likes tea", TextNotFound, "exactly"),
        ("a", TextNotUnique, "3 times"),
    ],
)
def test_what_cannot_be_replaced_says_why(old: str, error: type[Mendable], says: str) -> None:
    with pytest.raises(error, match=says):
        core.replace_text(block("Likes tea. Ada has"), old, "x")


def test_overlapping_occurrences_are_not_unique() -> None:
    with pytest.raises(TextNotUnique):
        core.replace_text(block("banana"), "ana", "x")


@given(st.text(max_size=60), st.text(max_size=60), st.integers(0, 80))
def test_no_edit_exceeds_the_limit(value: str, content: str, limit: int) -> None:
    before = block(value, limit)
    for edit in (
        partial(core.append, before, content),
        partial(core.rethink, before, content),
        partial(core.replace_text, before, value, content),
    ):
        try:
            edited = edit()
        except (BlockLimitExceeded, TextNotFound, TextNotUnique):
            continue
        assert len(edited.value) <= limit


@given(st.text(min_size=1, max_size=20), st.text(max_size=20), st.text(max_size=20), st.text(min_size=1))
def test_the_rest_of_the_block_stays(old: str, before: str, after: str, new: str) -> None:
    value = before + old + after
    if value.count(old) == 1:
        assert core.replace_text(block(value), old, new[:20]).value == before + new[:20] + after


def test_the_limit_is_in_the_error_with_what_to_do() -> None:
    assert core.rethink(block("", 5), "12345").value == "12345"
    with pytest.raises(BlockLimitExceeded) as caught:
        core.append(block("1234", 5), "56")
    text = str(caught.value)
    for part in ("7 characters", "limit is 5", "holds 4", "core_memory_replace", "archival_memory_insert"):
        assert part in text


@pytest.mark.parametrize(
    "edit",
    [
        lambda b: core.append(b, "x"),
        lambda b: core.append(b, "The value"),
        lambda b: core.replace_text(b, "v", "x"),
    ],
)
def test_what_is_read_only_stays(edit: object) -> None:
    assert callable(edit)
    with pytest.raises(BlockReadOnly, match="'human'"):
        edit(block("the value", read_only=True))


def test_what_is_many_times_too_long_is_refused_without_being_read_line_by_line() -> None:
    with pytest.raises(BlockLimitExceeded, match="would hold 2000003 characters"):
        core.append(block("Ada", 100), "Ada\n" * 500_000)
