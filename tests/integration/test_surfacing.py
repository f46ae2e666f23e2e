"""What a message brings to mind, through whole turns."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.ports import ModelRequest
from tests.fakes.parlour import House, Stage, events_in, is_summary, opened, parrot

SMALL = {"context_window": 8_192, "reply_reserve": 512}
FILLER = "We had tea and cake at the harbour and talked about boats. " * 20


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data"


async def forgotten(house: House, stage: Stage) -> None:
    """Ada tells of her violin teacher, and writes until that has left the view."""
    await house.say("ada", "My violin teacher Mira lives in Ghent.")
    for n in range(40):
        await house.clock.sleep(60)
        await house.say("ada", f"message {n}. {FILLER}")
        if any(map(is_summary, stage.requests)):
            return
    raise AssertionError("nothing was evicted")


def brought(request: ModelRequest) -> list[list[str]]:
    return [event.get("brings_to_mind", []) for event in events_in(request)]


async def test_what_left_the_view_comes_to_mind(folder: Path) -> None:
    stage = Stage(parrot)
    async with opened(folder, stage, model=SMALL) as house:
        await forgotten(house, stage)
        await house.say("ada", "Where does my violin teacher live?")
        shown = brought(stage.requests[-1])[-1]
        assert any("Mira lives in Ghent" in line for line in shown)
        first = stage.requests[-1].messages[-1]

        await house.say("ada", "Where does my violin teacher live?")
        again = stage.requests[-1]
        assert first in again.messages  # rendered once, stored, sent again as it was
        assert not any("Ghent" in line for line in brought(again)[-1])  # it is in view already

        await house.say("ada", "Thanks!")
        assert brought(stage.requests[-1])[-1] == []


async def test_nothing_comes_to_mind_while_all_is_in_view(folder: Path) -> None:
    stage = Stage(parrot)
    async with opened(folder, stage) as house:
        await house.say("ada", "My violin teacher Mira lives in Ghent.")
        await house.say("ada", "Where does my violin teacher live?")
        assert not any(brought(stage.requests[-1]))


async def test_another_persons_words_never_come_to_mind(folder: Path) -> None:
    stage = Stage(parrot)
    async with opened(folder, stage, model=SMALL) as house:
        await forgotten(house, stage)
        await house.say("ben", "Where does my violin teacher live?")
        assert not any(brought(stage.requests[-1]))


async def test_surfacing_can_be_turned_off(folder: Path) -> None:
    stage = Stage(parrot)
    async with opened(folder, stage, model=SMALL, memory={"surface_tokens": 0}) as house:
        await forgotten(house, stage)
        await house.say("ada", "Where does my violin teacher live?")
        assert not any(brought(stage.requests[-1]))
