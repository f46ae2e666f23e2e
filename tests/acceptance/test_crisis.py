"""Who thinks of ending their life is told whom to call: once a day, in their language, beside the answer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bot.ports import ModelReply, ModelRequest
from tests.fakes.clock import FakeClock
from tests.fakes.parlour import opened
from tests.fakes.scripted_model import say


def kind(request: ModelRequest) -> ModelReply:
    return say("I am here.")


@pytest.mark.parametrize(
    ("facts", "rules", "line"),
    [
        ({"zone": "Europe/Vienna", "locale": "de"}, {}, "TelefonSeelsorge: 142 hört dir zu"),
        ({"zone": "America/Sao_Paulo", "locale": "pt-BR"}, {}, "CVV: 188"),
        ({"locale": "fr"}, {"crisis_region": "FR"}, "3114"),
        ({"locale": "en-US"}, {}, "988 Suicide & Crisis Lifeline: 988 is there to listen"),
        ({}, {}, "findahelpline.com"),
        ({"locale": "en-US"}, {"crisis_lines": {"US": "Ann: 555"}}, "Ann: 555 is there to listen"),
        ({}, {"crisis_lines": {"*": "the nurse, next door"}}, "the nurse, next door is there to listen"),
    ],
)
async def test_a_line_is_told_beside_the_answer_once_a_day(
    tmp_path: Path, facts: dict[str, Any], rules: dict[str, Any], line: str
) -> None:
    clock = FakeClock()
    async with opened(tmp_path, kind, clock=clock, safety={"crisis": True, **rules}) as house:
        first = await house.tell(house.message("ada", "I don't want to live anymore", **facts))
        assert line in first[0].text
        assert [reply.kind for reply in first] == ["notice", "reply"]
        assert first[1].text == "I am here."
        again = await house.tell(house.message("ada", "I want to die", **facts))
        assert [reply.kind for reply in again] == ["reply"]
        clock.advance(86_400)
        later = await house.tell(house.message("ada", "I want to die", **facts))
        assert [reply.kind for reply in later] == ["notice", "reply"]


async def test_none_is_told_of_figures_of_speech_or_where_it_is_off(tmp_path: Path) -> None:
    async with opened(tmp_path / "on", kind, safety={"crisis": True}) as house:
        assert [
            reply.kind for reply in await house.say("ada", "kill the process, I'm dying of laughter")
        ] == ["reply"]
    async with opened(tmp_path / "off", kind) as house:
        assert [reply.kind for reply in await house.say("ada", "I want to die")] == ["reply"]
