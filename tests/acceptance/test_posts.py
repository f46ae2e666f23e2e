"""However much a model says, one turn makes so many posts and no more."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from bot.ports import ModelReply, ModelRequest
from tests.fakes.parlour import Parlour, Stage, is_summary, opened, results_in
from tests.fakes.scripted_model import calls, say

MOST = 20


class Narrow(Parlour):
    """A platform that takes ten characters at once."""

    def split(self, text: str) -> list[str]:
        return [text[at : at + 10] for at in range(0, len(text), 10)]


@pytest.mark.parametrize("wanted", [60, 200])
async def test_a_model_that_says_it_hundreds_of_times_is_heard_twenty_times(
    tmp_path: Path, wanted: int
) -> None:
    def play(request: ModelRequest) -> ModelReply:
        flood = [("send_message", {"message": f"spam {n}"}) for n in range(wanted)]
        return calls(*flood, ("conversation_search", {"query": "x", "request_heartbeat": True}))

    stage = Stage(play)
    async with opened(tmp_path, stage) as house:  # type: ignore[arg-type]
        replies = await house.say("eve", "go")
        assert [reply.text for reply in replies] == [f"spam {n}" for n in range(MOST)]
        assert len(stage.requests) < 4, "a turn that can say nothing more is over"
        stage.play = lambda _: say("Sorry.")
        assert [reply.text for reply in await house.say("eve", "stop it")] == ["Sorry."]


async def test_posts_count_over_the_steps_of_a_turn_and_over_restarts(tmp_path: Path) -> None:
    stuck = asyncio.Event()

    def step(request: ModelRequest) -> ModelReply:
        done = len(results_in(request))
        said = [("send_message", {"message": f"{done}.{n}"}) for n in range(6)]
        return calls(*said, ("conversation_search", {"query": "x", "request_heartbeat": True}))

    async def play(request: ModelRequest) -> ModelReply:
        if len(results_in(request)) == 14:
            stuck.set()
            await asyncio.Event().wait()
        return step(request)

    parlour = Parlour()
    async with opened(tmp_path, play, parlour=parlour) as house:
        await house.app.inbound.submit(house.message("eve", "go"))
        await stuck.wait()
    async with opened(tmp_path, step, parlour=parlour) as house:
        await house.settled("parlour:eve")
    assert len(parlour.posted) == len({reply.text for reply in parlour.posted}) == MOST


@pytest.mark.parametrize("plain", [False, True])
async def test_what_takes_more_posts_than_a_turn_may_make(tmp_path: Path, plain: bool) -> None:
    seen: list[Sequence[dict[str, object]]] = []

    def play(request: ModelRequest) -> ModelReply:
        if is_summary(request):
            return ModelReply(text="They talked.")
        seen.append(results_in(request))
        if plain:
            return ModelReply(text="x" * 1_000)
        return say("In short." if results_in(request) else "x" * 1_000)

    async with opened(tmp_path, play, parlour=Narrow()) as house:
        texts = [reply.text for reply in await house.say("eve", "tell me all")]
        if plain:
            assert texts == [*["x" * 10] * (MOST - 1), "[…]"]
        else:
            assert texts == ["In short."]
            assert "100 posts" in str(seen[-1][-1]["message"])
