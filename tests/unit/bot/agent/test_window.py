from __future__ import annotations

import pytest

from bot.agent.window import LEAST_ROOM, Window, shared
from memory.tokens import Calibrated, Estimator


def window(room: int = 10_000, taken: int = 2_000) -> Window:
    return Window(Calibrated(Estimator()), room, taken)


def test_shares_are_of_what_system_text_and_tools_leave() -> None:
    one = window()
    assert (one.free, one.share, one.most_fixed) == (8_000, 2_240, 10_000 - LEAST_ROOM)
    one.taken = 6_000
    assert (one.free, one.share) == (4_000, 1_120)


def test_something_is_free_however_much_is_taken() -> None:
    assert window(taken=20_000).free == 500


@pytest.mark.parametrize(("reported", "smaller"), [(2_000, True), (1_000, False), (800, False)])
def test_a_model_that_counts_more_than_we_do_has_less_room(reported: int, smaller: bool) -> None:
    one = window()
    one.learn(1_000, reported)
    assert (one.room < 10_000) is smaller


def test_a_fixed_text_is_counted_once() -> None:
    one = window()
    asked: list[str] = []
    counter = Estimator()

    class Counting:
        def count(self, text: str) -> int:
            asked.append(text)
            return counter.count(text)

    one = Window(Calibrated(Counting()), 10_000, 0)
    assert one.fixed("instructions", "tools") == one.fixed("instructions", "tools") > 0
    assert asked == ["instructions", "tools"]


def test_a_long_text_is_counted_by_its_beginning_where_nothing_hangs_on_each_token() -> None:
    one = window()
    assert one.sampled("") == 0
    assert one.sampled("tea and cake") == one.count("tea and cake")
    assert one.sampled("tea and cake " * 100_000) == pytest.approx(
        one.count("tea and cake " * 100_000), rel=0.02
    )


def test_a_long_text_takes_the_room_that_short_ones_leave() -> None:
    assert shared(1_000, [2_000]) == [1_000]
    assert shared(1_000, [100, 2_000, 100]) == [333, 750, 333]
    assert shared(1_000, [2_000, 2_000]) == [500, 500]
    assert shared(1_000, []) == []
