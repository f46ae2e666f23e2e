from __future__ import annotations

from typing import Any

import pytest

from bot.personas.cards.book import MAX_SCANNED, book_of, constant, matching
from bot.personas.cards.decorators import split
from bot.personas.cards.macros import Cast
from tests.fakes.pictures import book, entry

CAST = Cast(char="Mira", user="Ann")


def words(text: str) -> int:
    return len(text.split())


def entered(data: dict[str, Any], *texts: str, **known: Any) -> list[str]:
    return [e.content for e in matching(book_of(data), texts, words, cast=CAST, **known)]


def enters(changes: dict[str, Any], *texts: str, content: str = "X", **known: Any) -> bool:
    keys = changes.pop("keys", ["storm"])
    return bool(entered(book(entry(content, *keys, **changes)), *texts, **known))


@pytest.mark.parametrize(
    ("changes", "text", "enter"),
    [
        ({}, "a storm comes", True),
        ({}, "STORMS come", True),
        ({}, "a calm day", False),
        ({"keys": ["rain", "storm"]}, "a storm", True),
        ({"keys": []}, "a storm", False),
        ({"keys": ["", "  "]}, "a storm", False),
        ({"keys": ["嵐"]}, "昨日は嵐でした", True),
        ({"keys": ["STRASSE"]}, "die Straße", True),
        ({"keys": ["{{char}}", "<user>"]}, "ask mira", True),
        ({"case_sensitive": True}, "a Storm", False),
        ({"case_sensitive": True}, "a storm", True),
        ({"case_sensitive": None}, "a STORM", True),
        ({"enabled": False}, "a storm", False),
        ({"enabled": False, "constant": True}, "a storm", False),
        ({"constant": True}, "calm", True),
        ({"keys": [], "constant": True}, "calm", True),
        ({"selective": True, "secondary_keys": ["sea"]}, "a storm", False),
        ({"selective": True, "secondary_keys": ["sea"]}, "a storm at sea", True),
        ({"selective": True, "secondary_keys": []}, "a storm", True),
        ({"selective": False, "secondary_keys": ["sea"]}, "a storm", True),
        ({"use_regex": True, "keys": ["/sto[rm]{2}\\b/i"]}, "a STORM", True),
        ({"use_regex": True, "keys": ["/storm/"]}, "a STORM", False),
        ({"use_regex": True, "keys": ["sto[rm]{2}"]}, "a storm", False),  # as it stands
        ({"use_regex": True, "keys": ["C++ (fox)"]}, "I like c++ (fox)", True),
        ({"use_regex": True, "keys": ["/(/", "storm"]}, "a storm", True),  # one that cannot be read is none
        ({"use_regex": False, "keys": ["/storm/"]}, "a storm", False),
        ({"use_regex": True, "constant": True}, "calm", True),
        ({"use_regex": True, "selective": True, "secondary_keys": ["sea"]}, "a storm", False),
        ({"use_regex": True, "selective": True, "secondary_keys": ["/se./"]}, "a storm at sea", True),
        ({"use_regex": True, "keys": ["/(a+)+$/"]}, "a" * 30_000 + "!", False),
        ({"keys": "storm, rain"}, "the rain", True),
        ({"extensions": {"case_sensitive": True}}, "a Storm", False),
        ({"extensions": {"match_whole_words": True}}, "storms, and a brainstorm", False),
        ({"extensions": {"match_whole_words": True}}, "brainstorms after a storm.", True),
        ({"extensions": {"scan_depth": 0}}, "a storm", False),
        ({"extensions": {"probability": 0, "useProbability": True}}, "a storm", False),
        ({"extensions": {"probability": 0, "useProbability": False}}, "a storm", True),
        ({"extensions": {"probability": None}}, "a storm", True),
        ({"constant": True, "extensions": {"probability": 0}}, "calm", False),
    ],
)
def test_keys(changes: dict[str, Any], text: str, enter: bool) -> None:
    assert enters(changes, text) is enter


@pytest.mark.parametrize(
    ("logic", "entering"),
    [
        (0, {"sea", "sea lake"}),  # any of them
        (1, {"", "sea", "none"}),  # not all
        (2, {"", "none"}),  # none of them
        (3, {"sea lake"}),  # all
        (None, {"sea", "sea lake"}),
    ],
)
def test_what_secondary_keys_ask_for(logic: int | None, entering: set[str]) -> None:
    changes = {"selective": True, "secondary_keys": ["sea", "lake"], "extensions": {"selectiveLogic": logic}}
    for beside in ("", "none", "sea", "sea lake"):
        assert enters(dict(changes), f"storm {beside}") is (beside in entering), beside


def test_probability_is_the_share_of_messages_and_the_same_for_the_same() -> None:
    data = book(entry("X", "storm", extensions={"probability": 30, "useProbability": True}))
    drawn = [bool(entered(data, f"a storm, number {n}")) for n in range(400)]
    assert 80 < sum(drawn) < 160
    assert drawn == [bool(entered(data, f"a storm, number {n}")) for n in range(400)]


@pytest.mark.parametrize(
    ("marks", "known", "text", "enter"),
    [
        ("@@dont_activate", {}, "storm", False),
        ("@@activate", {}, "calm", True),
        ("@@dont_activate\n@@activate", {}, "calm", True),
        ("@@activate_only_after 3", {"turns": 2}, "storm", False),
        ("@@activate_only_after 3", {"turns": 3}, "storm", True),
        ("@@activate_only_after 3", {}, "storm", True),
        ("@@activate_only_every 2", {"turns": 3}, "storm", False),
        ("@@activate_only_every 2", {"turns": 4}, "storm", True),
        ("@@activate_only_every 0", {"turns": 3}, "storm", True),
        ("@@is_greeting 1", {"greeting": 0}, "storm", False),
        ("@@is_greeting 1", {"greeting": 1}, "storm", True),
        ("@@is_greeting 1", {}, "storm", True),
        ("@@additional_keys sea,lake", {}, "storm", False),
        ("@@additional_keys sea,lake", {}, "storm on a lake", True),
        ("@@additional_keys sea\n@@additional_keys lake", {}, "storm on a lake", False),
        ("@@exclude_keys sea, lake", {}, "storm on a lake", False),
        ("@@exclude_keys sea", {}, "storm", True),
        ("@@depth 4\n@@role system\n@@unheard_of", {}, "storm", True),
        ("@@unheard_of 1\n@@@dont_activate", {}, "storm", False),
        ("@@depth 4\n@@@instruct_depth 9\n@@@dont_activate", {}, "storm", False),
        ("@@activate_only_after 1\n@@@dont_activate", {"turns": 5}, "storm", True),
        ("@@activate_only_after soon\n@@@dont_activate", {}, "storm", False),
        ("@@activate_only_after 9\n@@activate_only_after 1", {"turns": 5}, "storm", False),
    ],
)
def test_decorators(marks: str, known: dict[str, Any], text: str, enter: bool) -> None:
    assert enters({}, text, content=f"{marks}\n\nA storm.", **known) is enter


def test_decorators_never_show() -> None:
    marks, content = split("@@depth 4\r\n@@scan_depth 2\n\nFirst.\n@@not at the head\n")

    assert content == "First.\n@@not at the head"
    assert (marks.scan_depth, marks.ignored) == (2, ("depth",))
    assert split("plain\n\ntext\n")[1] == "plain\n\ntext\n".strip("\n")
    assert split("@@activate")[1] == ""


def test_an_entry_without_content_adds_nothing() -> None:
    assert not enters({"constant": True}, "storm", content=" \n")
    assert not enters({}, "storm", content="@@activate")


def test_only_the_newest_messages_are_looked_at() -> None:
    texts = ("a storm", "calm", "calm")

    assert entered(book(entry("X", "storm"), scan_depth=2), *texts) == []
    assert entered(book(entry("X", "storm"), scan_depth=3), *texts) == ["X"]
    assert entered(book(entry("X", "storm")), *texts) == ["X"]
    assert entered(book(entry("X", "calm"), scan_depth=0), *texts) == []
    assert entered(book(entry("@@scan_depth 3\nX", "storm"), scan_depth=1), *texts) == ["X"]
    assert entered(book(entry("X", "storm")), "storm" + " " * MAX_SCANNED) == [], "and only so much of them"
    assert entered(book(entry("X", "a b")), "so a", "b so") == [], "no key reaches over two messages"


def test_entries_stand_in_the_order_of_their_insertion() -> None:
    data = book(
        entry("third", "a", insertion_order=30),
        entry("first", "a", insertion_order=-1.5),
        entry("second", "a", insertion_order=7),
        entry("also second", "a", insertion_order=7),
    )

    assert entered(data, "a") == ["first", "second", "also second", "third"]


def test_over_the_budget_the_least_important_are_left_out() -> None:
    data = book(
        entry("one one", "a", insertion_order=1, priority=10),
        entry("two two", "a", insertion_order=2, priority=1),
        entry("three three", "a", insertion_order=3, priority=5),
        token_budget=5,
    )

    assert entered(data, "a") == ["one one", "three three"]
    assert entered(data, "a", budget=2) == ["one one"]
    assert entered(data, "a", budget=0) == []
    assert entered(data, "a", budget=100) == ["one one", "three three"], "the book's own budget still holds"


def test_without_priority_the_order_of_insertion_decides() -> None:
    data = book(entry("one", "a", insertion_order=1), entry("two", "a", insertion_order=2), token_budget=1)

    assert entered(data, "a") == ["two"]


def test_what_can_never_fit_pushes_nothing_out() -> None:
    data = book(entry("much too long " * 9, "a", priority=9), entry("short", "a", priority=1), token_budget=5)

    assert entered(data, "a") == ["short"]


def test_a_budget_counts_what_is_shown() -> None:
    cast = Cast(char="Mira of the Lighthouse", user="Ann")
    data = book_of(book(entry("{{char}}", "a"), token_budget=3))

    assert matching(data, ["a"], words, cast=cast) == ()


def test_entries_bring_in_entries_where_the_book_allows_it() -> None:
    data = book(
        entry("An island.", "lighthouse"),
        entry("A {{hidden_key:lighthouse}} keeper.", "mira"),
        entry("Sand.", "island"),
        scan_depth=1,
    )

    assert entered(data, "who is mira?") == ["A {{hidden_key:lighthouse}} keeper."]
    assert entered(data | {"recursive_scanning": True}, "who is mira?") == [
        "An island.",
        "A {{hidden_key:lighthouse}} keeper.",
        "Sand.",
    ]


def test_bringing_in_ends() -> None:
    chain = [entry(f"k{n + 1}.", f"k{n}.") for n in range(50)]

    assert len(entered(book(*chain, recursive_scanning=True), "k0.")) == 4


def test_constant_entries_are_known_without_a_conversation() -> None:
    data = book_of(
        book(
            entry("always", constant=True, insertion_order=2),
            entry("@@activate\nalways, too", insertion_order=1),
            entry("@@activate_only_after 3\nlater", constant=True),
            entry("@@exclude_keys sea\nseldom", constant=True),
            entry("off", constant=True, enabled=False),
            entry("regex", "x", constant=True, use_regex=True),
            entry("keyed", "x"),
        )
    )

    assert [e.content for e in constant(data, words, cast=CAST)] == ["regex", "always, too", "always"]
    assert [e.content for e in constant(data, words, cast=CAST, budget=1)] == ["always"]


def test_of_too_many_patterns_the_first_are_looked_for() -> None:
    data = book(*[entry(f"{n}", f"/key {n}$/", use_regex=True, insertion_order=n) for n in range(300)])
    assert entered(data, "key 7", "key 199", "key 299") == ["7", "199"]


def test_hundreds_of_plain_keys_are_nothing_much() -> None:
    data = book(*[entry(f"{n}", f"place {n}.", use_regex=True, insertion_order=n) for n in range(800)])
    assert entered(data, "We went to place 7. Then to place 799.") == ["7", "799"]


def test_no_book_no_entries() -> None:
    assert matching(book_of(None), ["storm"], words, cast=CAST) == ()


def test_a_large_book_of_slow_patterns_is_searched_within_its_steps() -> None:
    slow = "[" + "".join(f"{chr(0x100 + 3 * n)}-{chr(0x101 + 3 * n)}" for n in range(150)) + "]{400}y"
    text = "".join(chr(0x100 + n * 7 % 450) for n in range(20_000))
    data = book(*[entry("X", f"/{slow}/", use_regex=True)] * 200, entry("plain", "\u0100"))

    assert entered(data, text) == ["plain"]
