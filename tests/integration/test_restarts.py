"""What is the same after a restart: what a model is shown, and what its servers taught everbot of their tokens."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from bot.ports import ModelReply, ModelRequest
from memory.records import Usage
from tests.fakes.parlour import Stage, is_summary, opened, text_of
from tests.fakes.scripted_model import calls, say

LOCAL = {"base_url": "http://localhost:8080/v1"}


@pytest.mark.parametrize("model", [LOCAL, LOCAL | {"tools": "lean"}, {"protocol": "json"}])
async def test_a_restart_shows_core_memory_as_it_was_shown(tmp_path: Path, model: dict[str, Any]) -> None:
    """So that all that was sent before is sent again, to the byte, and a server need not read it anew."""
    lines = [
        calls(
            ("core_memory_append", {"label": "human", "content": f"Fact {n}."}),
            ("send_message", {"message": "OK"}),
        )
        for n in range(4)
    ]
    sent = []
    for turn in range(4):
        stage = Stage(lambda request, turn=turn: lines[turn])  # type: ignore[misc]
        async with opened(tmp_path, stage, model=model) as house:
            await house.say("ada", "x " * 200)
        sent.append([text_of(message) for message in stage.requests[-1].messages])
    for before, after in pairwise(sent):
        assert after[: len(before)] == before
    assert "Fact 2." in sent[3][-2]  # told in a note


async def test_what_a_person_deleted_is_not_shown_again_after_a_restart(tmp_path: Path) -> None:
    fact = ("core_memory_append", {"label": "human", "content": "A secret."})
    for turn, reply in enumerate([calls(fact, ("send_message", {"message": "OK"})), say("Yes."), say("No.")]):
        stage = Stage(lambda request, reply=reply: reply)  # type: ignore[misc]
        async with opened(tmp_path, stage, model=LOCAL) as house:
            await house.say("ada", f"Turn {turn}")
            if turn == 1:
                async with house.app.memory.store.write() as session:
                    [(block_id,)] = house.rows("SELECT id FROM blocks WHERE label = 'human'")
                    await session.blocks.put(block_id, "", None, house.clock.now())
    assert "A secret." not in stage.requests[-1].messages[0]["content"]


async def test_what_a_model_takes_for_a_token_is_known_after_a_restart(tmp_path: Path) -> None:
    """One that counts more than everbot does would be sent too much again."""

    def greedy(request: ModelRequest) -> ModelReply:
        return replace(say("OK"), usage=Usage(prompt=30_000, completion=5))

    shown = []
    for _ in range(2):
        stage = Stage(greedy)
        async with opened(tmp_path, stage) as house:
            await house.say("ada", "word " * 10_000)
            await house.say("ada", "Hello!")
        asked = next(request for request in stage.requests if not is_summary(request))
        newest = next(m for m in reversed(asked.messages) if "word word" in text_of(m))
        shown.append(len(text_of(newest)))
    assert shown[0] > 1.2 * shown[1]
