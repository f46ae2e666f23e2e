"""How long sound in Ogg is."""

from __future__ import annotations

import pytest

from bot.models import ogg
from tests.fakes.ogg import opus, page


def test_it_lasts_as_long_as_its_last_page_says_and_is_as_loud_as_its_packets_are_large() -> None:
    sound = ogg.opus(opus([10, 600, 300], 1.5))
    assert sound is not None
    assert sound.seconds == pytest.approx(1.5)
    assert sound.waveform == bytes([10 * 255 // 600, 255, 127])


def test_a_long_one_has_256_bars() -> None:
    sound = ogg.opus(opus([0] * 100 + [20] * 155, 20.0) + page([bytes(20)] * 100, 48_000 * 60, 3))
    assert sound is not None
    assert len(sound.waveform) <= 256
    many = b"".join(page([bytes(9)] * 200, 48_000 * n, n + 2) for n in range(1, 6))
    sound = ogg.opus(opus([1], 0.1) + many)
    assert sound is not None
    assert len(sound.waveform) == 256


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"OggS",
        b"OggSYou said",
        b"RIFF" + bytes(80),
        opus([5], 1.0)[:40],
        opus([], 0.0),
        b"OggS" + b"\0" * 60,
    ],
)
def test_what_is_none_is_told_so(data: bytes) -> None:
    assert ogg.opus(data) is None


def test_what_was_cut_short_raises_nothing() -> None:
    whole = opus([10, 600, 300], 1.5)
    for length in range(len(whole)):
        ogg.opus(whole[:length])
