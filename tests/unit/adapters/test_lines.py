from __future__ import annotations

from adapters.lines import Lines


def test_a_line_sees_those_before_it_and_is_seen_by_the_next() -> None:
    lines = Lines(2, 5)
    assert lines.before("here", (1, "one")) == ()
    assert lines.before("here", (2, "two")) == ("one",)
    assert lines.before("here", (3, "three")) == ("one", "two")
    assert lines.before("here", (4, "four")) == ("two", "three")
    assert lines.before("there", (5, "five")) == ()


def test_what_is_told_twice_stands_once() -> None:
    lines = Lines(3, 5)
    lines.begin("here", [(1, "one")])
    assert lines.before("here", (2, "two")) == ("one",)
    assert lines.before("here", (2, "two")) == ("one",)
    assert lines.before("here", (3, "three")) == ("one", "two")


def test_an_edited_line_is_shown_as_it_reads_now() -> None:
    lines = Lines(3, 5)
    lines.begin("here", [(1, "one")])
    lines.change(1, "(deleted)")
    assert lines.before("here", (2, "two")) == ("(deleted)",)


def test_the_place_longest_without_news_is_forgotten() -> None:
    lines = Lines(3, 2)
    for place in ("a", "b", "a", "c"):
        lines.before(place, (place, place))
    assert ("a" in lines, "b" in lines, "c" in lines) == (True, False, True)
