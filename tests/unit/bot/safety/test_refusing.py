"""What is refused: words, and what a server says; and what is done when it says nothing."""

from __future__ import annotations

import pytest

from bot.errors import ModelUnavailable
from bot.safety.refusing import Refusing, Verdict
from tests.fakes.clock import FakeClock

PASSES, REFUSED, UNJUDGED = Verdict.PASSES, Verdict.REFUSED, Verdict.UNJUDGED


class Judge:
    """Flags what says "bad"; ``error`` is raised instead."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.error: Exception | None = None

    async def flagged(self, text: str) -> frozenset[str]:
        self.asked.append(text)
        if self.error is not None:
            raise self.error
        return frozenset({"badness"} if "bad" in text else ())


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("a Grawlix!", REFUSED),
        ("GRAWLIXES", PASSES),  # another word
        ("what  a\nfoul word, that", REFUSED),
        ("ｇｒａｗｌｉｘ", REFUSED),  # written in wide letters
        ("これは禁句です", REFUSED),
        ("nothing of that kind", PASSES),
        ("", PASSES),
    ],
)
async def test_words_are_found_as_words(text: str, verdict: Verdict) -> None:
    rules = Refusing(("grawlix", "foul word", "禁句", " "), None, FakeClock())
    assert await rules.heard(text) is verdict
    assert await rules.said(text) is verdict


async def test_it_is_asked_for_each_direction_that_is_set() -> None:
    judge = Judge()
    rules = Refusing((), judge, FakeClock(), heard=False)
    assert await rules.heard("bad") is PASSES
    assert await rules.said("bad", "") is REFUSED
    assert await rules.said("good") is PASSES
    assert judge.asked == ["bad", "good"]


@pytest.mark.parametrize("when_down", [True, False])
async def test_a_server_that_fails_is_left_alone_for_a_minute(when_down: bool) -> None:
    judge, clock = Judge(), FakeClock()
    rules = Refusing(("grawlix",), judge, clock, when_down=when_down)
    judge.error = ModelUnavailable("down")
    down = PASSES if when_down else UNJUDGED
    assert await rules.heard("bad") is down
    assert await rules.heard("bad") is down
    assert await rules.heard("grawlix") is REFUSED  # the words need no server
    assert len(judge.asked) == 1
    judge.error = None
    clock.advance(61)
    assert await rules.heard("bad") is REFUSED
    assert len(judge.asked) == 2


async def test_nothing_is_asked_where_nothing_is_set() -> None:
    rules = Refusing((), None, FakeClock())
    assert not rules.hears
    assert not rules.says
    assert await rules.heard("anything") is PASSES
