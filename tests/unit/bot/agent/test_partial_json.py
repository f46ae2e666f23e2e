"""Text read out of a JSON object that is still being written."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bot.agent.partial_json import PartialText

SAID = 'He said "go", \\ and 🦊 went.\n\tZoë 日本'


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1_000])
@pytest.mark.parametrize("ascii_only", [True, False])
@pytest.mark.parametrize(
    "before",
    [{}, {"request_heartbeat": True, "n": 12.5, "list": [1, {"message": "no"}], "text": 'a "message": "'}],
)
def test_each_piece_tells_as_much_as_is_whole(before: dict[str, Any], ascii_only: bool, size: int) -> None:
    written = json.dumps({**before, "message": SAID, "after": "x"}, ensure_ascii=ascii_only)
    part, seen = PartialText("message"), [""]
    for at in range(0, len(written), size):
        part.add(written[at : at + size])
        assert part.text.startswith(seen[-1])
        seen.append(part.text)
    assert part.text == SAID
    assert "".join(seen).encode()  # no half sign is ever told
    if size == 1:
        assert len(set(seen)) == len(SAID) + 1


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("[1, 2]", ""),
        ("nonsense", ""),
        ('{"message": 3, "x": "y"}', ""),
        ('{"other": "x"}', ""),
        ('{"message": "cut he', "cut he"),
        ('{"message": "wrong \\q"}', ""),
        ('{"message" : "blanks"  , "a":1}', "blanks"),
        ('{"a" : 1 , "message":"later"}', "later"),
    ],
)
def test_what_is_no_such_object(written: str, told: str) -> None:
    part = PartialText("message")
    part.add(written)
    assert part.text == told


def test_what_stands_before_it_has_bounds() -> None:
    part = PartialText("message")
    part.add('{"other": "' + "x" * 100_000)
    part.add('", "message": "late"}')
    assert part.text == ""
