"""What the model writes to a person is shown while it is written, and counts only when it is committed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from bot.agent.drafting import Drafting
from bot.backends.clock import SystemClock
from bot.errors import ModelUnavailable
from bot.events import Reply
from bot.models.openai import OpenAIModel, Patience
from bot.ports import Form, ModelReply, ModelRequest
from tests.fakes.openai_server import Answer, Fault, OpenAIServer
from tests.fakes.parlour import opened
from tests.fakes.scripted_model import call, calls, say


class Shown:
    """A `bot.ports.Draft` that keeps what it was told; None where something was dropped."""

    def __init__(self) -> None:
        self.told: list[str | None] = []

    def show(self, text: str) -> None:
        self.told.append(text)

    def drop(self) -> None:
        self.told.append(None)


def write(request: ModelRequest, *pieces: str, tool: str = "send_message") -> None:
    """As a model that is half-way through a call."""
    assert request.hearer is not None
    request.hearer.begins(Form.FULL)
    for piece in pieces:
        request.hearer.called(0, tool, piece)


def texts(replies: Sequence[Reply]) -> list[str]:
    return [reply.text for reply in replies]


# Whole turns


async def test_words_are_shown_as_they_come_and_said_once(tmp_path: Path) -> None:
    shown = Shown()

    def play(request: ModelRequest) -> ModelReply:
        write(request, '{"message": "The fer', 'ry leaves."}')
        return say("The ferry leaves.")

    async with opened(tmp_path, play) as house:
        house.parlour.draft = shown
        assert texts(await house.say("ada", "When?")) == ["The ferry leaves."]
    assert shown.told == ["The fer", "The ferry leaves."]


async def test_what_is_not_said_in_the_end_is_taken_back(tmp_path: Path) -> None:
    """The call is held back, because others of the step failed: its words were shown, and go."""
    shown = Shown()

    def play(request: ModelRequest) -> ModelReply:
        if request.messages[-1]["role"] == "tool":
            return say("Done.")
        write(request, '{"message": "', '"}')
        write(request, '{"message": "I kept it."')
        return calls(("send_message", {"message": " "}), ("no_such_tool", {}))

    async with opened(tmp_path, play) as house:
        house.parlour.draft = shown
        assert texts(await house.say("ada", "Keep it")) == ["Done."]
    assert shown.told == ["I kept it.", None]


async def test_an_answer_that_breaks_off_is_taken_back(tmp_path: Path) -> None:
    shown = Shown()

    def play(request: ModelRequest) -> ModelReply | Exception:
        if shown.told:
            return say("At nine.")
        write(request, '{"message": "The fer')
        return ModelUnavailable("gone")

    async with opened(tmp_path, play) as house:
        house.parlour.draft = shown
        down, said = texts(await house.say("ada", "When?"))
    assert "I can't think right now" in down
    assert said == "At nine."
    assert shown.told == ["The fer", None]


async def test_nothing_else_than_what_is_said_is_shown(tmp_path: Path) -> None:
    shown = Shown()

    def play(request: ModelRequest) -> ModelReply:
        if request.messages[-1]["role"] == "tool":
            return say("Noted.")
        assert request.hearer is not None
        write(request, '{"label": "human", "message": "x"', tool="core_memory_append")
        request.hearer.wrote("They like figs, I shall note that.")
        return call("core_memory_append", label="human", content="Likes figs.", request_heartbeat=True)

    async with opened(tmp_path, play) as house:
        house.parlour.draft = shown
        assert texts(await house.say("ada", "I like figs")) == ["Noted."]
    assert shown.told == []


# By forms


@pytest.mark.parametrize(
    ("pieces", "last"),
    [
        (["The ferry", " leaves."], "The ferry leaves."),
        (["The ferry <tool", "_call>secret"], "The ferry "),
        (["<think>", "Hm", "</think>Nine."], None),
        (['{"name": "x"}'], None),
    ],
)
def test_a_small_models_words_are_shown_up_to_a_mark(pieces: list[str], last: str | None) -> None:
    shown = Shown()
    drafting = Drafting(shown)
    drafting.begins(Form.LEAN)
    for piece in pieces:
        drafting.wrote(piece)
    assert (shown.told or [None])[-1] == last


def test_of_an_object_the_answer_is_shown() -> None:
    shown = Shown()
    drafting = Drafting(shown)
    drafting.begins(Form.JSON)
    for piece in ('{"remember": ["Likes figs."], "ans', 'wer": "Figs ', 'it is."}'):
        drafting.wrote(piece)
    assert shown.told == ["Figs", "Figs it is."]


def test_what_is_said_in_two_calls_stands_in_two_paragraphs_and_a_kept_step_is_not_dropped() -> None:
    shown = Shown()
    drafting = Drafting(shown)
    with drafting.step():
        drafting.begins(Form.FULL)
        drafting.called(0, "send_message", '{"message": "One."}')
        drafting.called(1, "send_message", '{"message": "Tw')
        drafting.keep()
    with drafting.step():
        drafting.begins(Form.FULL)
    assert shown.told == ["One.", "One.\n\nTw"]


# Over the wire


class Heard:
    """A `bot.ports.Hearer` that keeps what it was told."""

    def __init__(self) -> None:
        self.told: list[tuple[Any, ...]] = []

    def begins(self, form: Form) -> None:
        self.told.append((form,))

    def wrote(self, text: str) -> None:
        self.told.append((text,))

    def called(self, number: int, name: str, arguments: str) -> None:
        self.told.append((number, name, arguments))


@pytest.mark.parametrize("plain", [False, True])
async def test_a_server_is_heard_piece_by_piece(plain: bool) -> None:
    said = {"message": "The ferry leaves."}
    answers = iter(
        [
            Fault(kind="cut", after=2, of=Answer(text="The", piece=3)),
            Answer(text="Hm", calls=[("send_message", said)], piece=6, plain=plain),
        ]
    )
    heard = Heard()
    async with OpenAIServer(lambda request, headers: next(answers)) as server:
        model = OpenAIModel(
            name="test-model", base_url=server.url, clock=_Quick(), patience=Patience(retries=1)
        )
        request = ModelRequest(key="1", messages=[{"role": "user", "content": "When?"}], hearer=heard)
        reply = await model.complete(request)
        await model.aclose()
    assert json.loads(reply.calls[0].arguments) == said
    first, second = heard.told[:2], heard.told[2:]
    assert first == [(Form.FULL,), ("The",)]
    if plain:  # nothing comes before the whole
        assert second == [(Form.FULL,)]
        return
    assert second[:2] == [(Form.FULL,), ("Hm",)]
    assert {told[:2] for told in second[2:]} == {(0, "send_message")}
    assert len(second) > 5
    assert "".join(told[2] for told in second[2:]) == reply.calls[0].arguments


class _Quick(SystemClock):
    async def sleep(self, seconds: float) -> None:
        pass
