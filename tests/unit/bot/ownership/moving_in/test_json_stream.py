"""A large array of JSON is read element by element, whatever stands in it and wherever a part of the file ends."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from bot.ownership.moving_in import json_stream
from bot.ownership.moving_in.json_stream import Broken, elements

ODD = [
    {"text": 'a "quoted" } ] { [ \\ text', "more": [{"deep": [[]]}], "é": "ünïcode 😀"},
    {"text": "\\\\\\", "empty": {}, "none": None},
    {"text": "x" * 70},
    [1, [2]],
]


def read(data: bytes) -> list[Any]:
    return list(elements(io.BytesIO(data)))


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64, 1 << 20])
def test_elements_are_found_wherever_the_file_is_cut(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setattr(json_stream, "_CHUNK", size)
    for indent in (None, 2):
        data = json.dumps(ODD, indent=indent).encode()
        assert read(data) == ODD
        assert read(b"\xef\xbb\xbf\n " + data) == ODD


def test_one_object_is_one_element() -> None:
    assert read(b' {"a": [{"b": 1}]} ') == [{"a": [{"b": 1}]}]


def test_what_is_broken_stands_in_its_place_and_the_rest_is_read() -> None:
    found = read(b'[{"a": 1}, {"b": nope}, {"c": 3}]')
    assert [found[0], found[2]] == [{"a": 1}, {"c": 3}]
    assert isinstance(found[1], Broken)
    assert "no JSON" in found[1].why


def test_a_file_that_is_not_whole_says_so_at_its_end() -> None:
    whole = json.dumps(ODD).encode()
    for end in range(1, len(whole)):
        found = read(whole[:end])
        assert isinstance(found[-1], Broken)
        assert found[:-1] == ODD[: len(found) - 1]


def test_what_follows_the_array_and_what_is_no_json_is_nothing() -> None:
    assert read(b'[{"a": 1}] [{"b": 2}]') == [{"a": 1}]
    assert read(b"") == read(b"hello") == read(b"[]") == read(b'["a", 1, null]') == read(b"}") == []


def test_an_element_beyond_all_bounds_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_stream, "_LONGEST", 50)
    monkeypatch.setattr(json_stream, "_CHUNK", 16)
    found = read(json.dumps([{"a": "x" * 90}, {"b": 1}]).encode())
    assert isinstance(found[0], Broken)
    assert found[1] == {"b": 1}


def test_brackets_beyond_the_parsers_depth_are_no_crash() -> None:
    found = read(b"[" + b"[" * 100_000 + b"]" * 100_000 + b', {"a": 1}]')
    assert isinstance(found[0], Broken)
    assert found[1] == {"a": 1}
