"""What a message brings to mind, through whole turns."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bot.events import MessageDeleted, MessageReceived
from bot.ports import ModelReply, ModelRequest
from tests.fakes.parlour import House, Stage, events_in, is_summary, last_words, opened, parrot
from tests.fakes.scripted_model import call, say

SMALL = {"context_window": 8_192, "reply_reserve": 512}
FILLER = "We had tea and cake at the harbour and talked about boats. " * 20


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data"


async def forgotten(house: House, stage: Stage) -> MessageReceived:
    """Ada tells of her violin teacher, and writes until that has left the view."""
    told = house.message("ada", "My violin teacher Mira lives in Ghent.")
    await house.tell(told)
    for n in range(40):
        await house.clock.sleep(60)
        await house.say("ada", f"message {n}. {FILLER}")
        if any(map(is_summary, stage.requests)):
            return told
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


async def test_what_leaves_the_view_in_a_turn_comes_to_mind_in_it(tmp_path: Path) -> None:
    async def filled(house: House, stage: Stage, most: int) -> int:
        """Messages after which the next one makes something leave the view, at most ``most``."""
        await house.say("ada", "My violin teacher Mira lives in Ghent.")
        for n in range(most):
            await house.clock.sleep(60)
            await house.say("ada", f"message {n}. {FILLER}")
            if any(map(is_summary, stage.requests)):
                return n
        return most

    stage = Stage(parrot)
    async with opened(tmp_path / "one", stage, model=SMALL) as house:
        count = await filled(house, stage, 40)
    stage = Stage(parrot)
    async with opened(tmp_path / "two", stage, model=SMALL) as house:
        assert await filled(house, stage, count) == count
        await house.say(
            "ada", f"Where does my violin teacher live? {'Gulls are loud on the cold pier. ' * 60}"
        )
    assert any(map(is_summary, stage.requests))
    assert any("Mira lives in Ghent" in line for lines in brought(stage.requests[-1]) for line in lines)


async def test_what_core_memory_tells_does_not_come_to_mind(folder: Path) -> None:
    note = call(
        "core_memory_append", label="human", content="Violin teacher Mira lives in Ghent, by the canal."
    )

    def play(request: ModelRequest) -> ModelReply:
        if is_summary(request) or not last_words(request).startswith("My violin"):
            return parrot(request)
        return note if request.key.endswith("/0") else say("Noted.")

    stage = Stage(play)
    async with opened(folder, stage, model=SMALL) as house:
        await forgotten(house, stage)
        await house.say("ada", "Where does my violin teacher live?")
        assert "by the canal" in stage.requests[-1].messages[0]["content"]
        assert not any("Ghent" in line for line in brought(stage.requests[-1])[-1])


async def test_what_was_deleted_leaves_what_it_was_brought_to_mind_for(folder: Path) -> None:
    stage = Stage(parrot)
    async with opened(folder, stage, model=SMALL) as house:
        told = await forgotten(house, stage)
        asked = house.message("ada", "Where does my violin teacher live?")
        await house.tell(asked)
        before = await house.stored(asked)
        await house.tell(MessageDeleted(**house.who("ada"), target=told.key))
        after = await house.stored(asked)
    assert before is not None
    assert "Ghent" in before.rendered
    assert after is not None
    assert "Where does my violin teacher live?" in after.rendered
    assert "Ghent" not in after.rendered


async def test_how_sure_a_reading_is_stands_in_the_log(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG", "memory.associative")
    stage = Stage(parrot)
    async with opened(folder, stage, model=SMALL) as house:
        await forgotten(house, stage)
        await house.say("ada", "Where does my violin teacher live?")
        await house.say("ada", "Thanks, see you!")
    *_, sure, unsure = [record.getMessage() for record in caplog.records]
    assert re.fullmatch(r"agent \d+: λ (?:1\.00|0\.[5-9]\d), [1-9] memories surfaced", sure)
    assert re.fullmatch(r"agent \d+: λ 0\.[0-4]\d, 0 memories surfaced", unsure)


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
