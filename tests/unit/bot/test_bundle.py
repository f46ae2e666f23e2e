"""The bounded reader of zip files: what is read of one that anybody may have made."""

from __future__ import annotations

import pytest

from bot.bundle import opened, pack, unzipped, zipped
from bot.errors import BundleError

ZEROS = b"\0" * 2_000_000


def test_files_come_back_as_they_were_and_only_those_that_are_asked_for() -> None:
    data = zipped({"a": b"one", "b": "zwei", "../c": b""})
    assert unzipped(data, entries=3, most=7) == {"a": b"one", "b": b"zwei", "../c": b""}
    assert unzipped(data, entries=3, most=7, only={"b": 4, "d": 9}) == {"b": b"zwei"}


@pytest.mark.parametrize(
    ("files", "only", "why"),
    [
        ({"a": ZEROS}, None, "a in it is larger than the 1,000,000 bytes"),
        ({"a": ZEROS[:600_000], "b": ZEROS[:600_000]}, None, "b in it is larger than the 400,000 bytes"),
        ({"a": b"seven b"}, {"a": 6}, "a in it is larger than the 6 bytes"),
        ({f"{n}": b"" for n in range(9)}, None, "too many files"),
        ({f"{n}": b"" for n in range(9)}, {"0": 1}, "too many files"),
    ],
)
def test_no_more_is_unpacked_than_is_allowed(
    files: dict[str, bytes], only: dict[str, int] | None, why: str
) -> None:
    with pytest.raises(BundleError, match=why):
        unzipped(zipped(files), entries=8, most=1_000_000, only=only)


def test_what_is_large_and_not_asked_for_is_passed_over() -> None:
    data = zipped({"bomb": ZEROS, "a": b"one"})
    assert unzipped(data, entries=2, most=10, only={"a": 10}) == {"a": b"one"}


def test_a_size_that_is_a_lie_is_no_way_past_the_bounds() -> None:
    honest = zipped({"a": ZEROS})
    size = len(ZEROS).to_bytes(4, "little")
    assert honest.count(size) == 2
    with pytest.raises(BundleError, match="damaged"):
        unzipped(honest.replace(size, (10).to_bytes(4, "little")), entries=1, most=1_000)


def test_any_byte_may_be_wrong() -> None:
    sound = zipped({"a": b"one" * 50, "b": b"two" * 50})
    for at in range(len(sound)):
        broken = bytearray(sound)
        broken[at] ^= 0xFF
        try:
            files = unzipped(bytes(broken), entries=9, most=1_000)
        except BundleError:
            continue
        assert set(files.values()) <= {b"one" * 50, b"two" * 50}, at


def test_lines_are_counted_blank_ones_too() -> None:
    lines = b"{}\n\n \n{}\n" * 10
    file = opened([zipped({"header.json": b'{"format": "f", "part": 1, "parts": 1}', "t.jsonl": lines})], "f")
    assert file.tables == ["t"]
    for _ in range(2):
        assert [line.where for line in file.lines("t", 40)][:3] == [f"t.jsonl, line {n}" for n in (1, 4, 5)]
    with pytest.raises(BundleError, match="more than the 39 lines"):
        list(file.lines("t", 39))


def test_what_is_given_twice_or_does_not_fit_together_is_refused() -> None:
    rows = {"t": [{"a": "x" * 50}] * 9}
    parts = pack({"format": "f", "id": 1}, rows, {}, 100)
    assert len(list(opened(parts[::-1], "f").lines("t", 9))) == 9
    with pytest.raises(BundleError, match="given twice"):
        opened([*parts, parts[0]], "f")
    with pytest.raises(BundleError, match="no file of the format g"):
        opened(parts, "g")
    with pytest.raises(BundleError, match="no zip file"):
        opened([b"PK"], "f")


def test_a_list_of_files_that_is_long_is_not_even_read() -> None:
    whole = zipped({f"{n:0>500}": b"" for n in range(40)})
    with pytest.raises(BundleError, match="too many files"):
        unzipped(whole, entries=9, most=9)
    with pytest.raises(BundleError, match="too many files"):
        unzipped(whole[:-22] + b"PK\6\7" + bytes(16) + whole[-22:], entries=99, most=9)
