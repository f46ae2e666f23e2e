from __future__ import annotations

from adapters.lines import Lines
from bot.events import Quote


def quote(key: str) -> Quote:
    return Quote(key=key, account="discord:1", text=f"said {key}")


def before(lines: Lines, key: str, place: str = "here") -> list[str]:
    return [line.text for line in lines.before(place, quote(key))]


def test_a_line_sees_those_before_it_and_is_seen_by_the_next() -> None:
    lines = Lines(2, 5)
    assert before(lines, "1") == []
    assert before(lines, "2") == ["said 1"]
    assert before(lines, "3") == ["said 1", "said 2"]
    assert before(lines, "4") == ["said 2", "said 3"]
    assert before(lines, "5", "there") == []


def test_what_is_told_twice_stands_once() -> None:
    lines = Lines(3, 5)
    lines.begin("here", [quote("1")])
    assert before(lines, "2") == ["said 1"]
    assert before(lines, "2") == ["said 1"]
    assert before(lines, "3") == ["said 1", "said 2"]


def test_an_edited_line_is_shown_as_it_reads_now() -> None:
    lines = Lines(3, 5)
    lines.begin("here", [quote("1")])
    lines.change("1", "(deleted)")
    assert before(lines, "2") == ["(deleted)"]


def test_the_place_longest_without_news_is_forgotten() -> None:
    lines = Lines(3, 2)
    for place in ("a", "b", "a", "c"):
        before(lines, place, place)
    assert ("a" in lines, "b" in lines, "c" in lines) == (True, False, True)
