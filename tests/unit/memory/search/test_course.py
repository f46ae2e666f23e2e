"""Where a message stands in its conversation."""

from __future__ import annotations

import numpy as np
import pytest

from memory.records import Outlines
from memory.search.course import Course, is_question

FIRST = 7 << 32 | 1


def course(*lines: str, reach: int = 100, apart: int = 1) -> Course:
    """Lines as "author: text", a minute apart; "---" is a night's pause, "other" a line of another conversation."""
    keys, strands, authors, times = [], [], [], []
    now = 0.0
    for number, line in enumerate(lines):
        now += 86_400.0 if line == "---" else 60.0
        if line == "---":
            continue
        keys.append(FIRST + number * apart)
        strands.append(2 if line == "other" else 1)
        authors.append(line.partition(":")[0])
        times.append(now)
    # The store gives them in no order.
    order = np.argsort(np.array(times) % 7, kind="stable")
    return Course(
        Outlines(
            np.array(keys)[order],
            np.array(strands)[order],
            [authors[at] for at in order.tolist()],
            np.array(times)[order],
            np.zeros(len(keys)),
        ),
        reach,
    )


def test_positions_count_within_a_talk() -> None:
    talk = course("ada: a", "other", "bot: b", "---", "ada: c", "bot: d", "ada: e")
    assert [talk.position(FIRST + n) for n in (0, 2, 4, 5, 6)] == [(1, 2), (2, 2), (1, 3), (2, 3), (3, 3)]


def test_a_talk_that_may_go_on_unseen_has_no_positions() -> None:
    talk = course(*["ada: a", "bot: b"] * 60, reach=40)
    assert talk.position(FIRST + 60) is None
    assert talk.position(FIRST + 2) is None  # it is the third, but of how many?
    assert course(*["ada: a", "bot: b"] * 5, reach=40).position(FIRST + 2) == (3, 10)


def test_an_answer_is_the_next_line_of_somebody_else() -> None:
    talk = course(
        "bot: Where?", "other", "bot: I mean the cat.", "ada: At home.", "bot: Why?", "---", "ada: Cold."
    )
    assert talk.answer(FIRST) == FIRST + 3
    assert talk.answer(FIRST + 4) == FIRST + 6  # the next morning
    assert talk.answer(FIRST + 6) is None
    assert course("bot: Where?", "bot: I mean the cat.").answer(FIRST) == FIRST + 1


def test_an_answer_after_days_is_none() -> None:
    assert course("bot: Where?", *["---"] * 4, "ada: I had a dream.").answer(FIRST) is None


def test_what_stands_beside_is_of_the_same_conversation() -> None:
    talk = course("ada: a", "bot: b", "other", "ada: c", "bot: d", "ada: e")
    assert talk.beside(FIRST + 3, 1) == [FIRST + 1, FIRST + 3, FIRST + 4]


@pytest.mark.parametrize(
    ("text", "asks"),
    [
        ("Where does she live?", True),
        ('He said "why?"', True),
        ("Really?! 😀", True),
        ("どこに住んでいますか？", True),
        ("أين تعيش؟", True),
        ("Who knows? I do.", False),
        ("See http://a.example/?q=1", False),
        ("", False),
    ],
)
def test_what_asks(text: str, asks: bool) -> None:
    assert is_question(text) is asks
