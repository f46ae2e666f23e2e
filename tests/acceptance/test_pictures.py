"""Pictures that people send are described once, and remembered, searched and forgotten by what they show."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from bot.errors import ModelRefused, ModelUnavailable
from bot.events import Attachment, MessageDeleted, MessageEdited, MessageReceived
from bot.ports import ModelReply, ModelRequest
from memory.records import Usage
from tests.acceptance.test_forgetting import CANARIES, command, found
from tests.fakes.clock import FakeClock
from tests.fakes.openai_server import OpenAIServer
from tests.fakes.openai_wire import Answer
from tests.fakes.parlour import House, is_caption, opened, results_in, text_of
from tests.fakes.pictures import chunk, png
from tests.fakes.scripted_model import call, say

SEES = {"vision": True}
SHOWS = "A blue bicycle leans on a red barn. Text in it: RENT ME."


def event_of(request: ModelRequest) -> dict[str, Any]:
    """The newest event that the model was shown, and under ``pictures`` how many with it."""
    content = [m["content"] for m in request.messages if m["role"] == "user"][-1]
    text = content if isinstance(content, str) else content[0]["text"]
    return {**json.loads(text), "pictures": 0 if isinstance(content, str) else len(content) - 1}


class Seeing:
    """Describes pictures, answers everything else by a search; ``asked`` counts descriptions."""

    def __init__(self, shows: str | Exception = SHOWS) -> None:
        self.shows = shows
        self.asked = 0
        self.events: list[dict[str, Any]] = []

    def play(self, request: ModelRequest) -> ModelReply | Exception:
        if is_caption(request):
            self.asked += 1
            if isinstance(self.shows, Exception):
                return self.shows
            return ModelReply(text=self.shows, usage=Usage(prompt=700, completion=30))
        if request.messages[-1]["role"] == "tool":
            return say(str(results_in(request)[-1]["message"]))
        event = event_of(request)
        self.events.append(event)
        if "?" in str(event.get("message", "")):
            return call("conversation_search", query=event["message"], request_heartbeat=True)
        return say("I see.")


def picture(name: str = "IMG_1.png", *, of: bytes = b"") -> Attachment:
    data = base64.b64encode(png(chunk(b"tEXt", b"Comment\0" + of)) if of else png()).decode()
    return Attachment(name=name, media_type="image/png", image=f"data:image/png;base64,{data}")


async def show(house: House, text: str, *pictures: Attachment) -> MessageReceived:
    event = house.message("ada", text, attachments=pictures)
    await house.tell(event)
    return event


def tables_with(house: House, word: str) -> list[str]:
    """Which tables hold the word, on a server of which no file is looked into."""
    if not house.settings.store.url:
        return []
    tables = house.rows("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename")
    return [name for (name,) in tables if word in str(house.rows(f'SELECT * FROM "{name}"'))]  # noqa: S608 (its own)


async def test_a_picture_is_found_by_what_it_shows(tmp_path: Path) -> None:
    mind = Seeing()
    async with opened(tmp_path, mind.play, model=SEES) as house:
        event = await show(house, "My weekend", picture())
        assert mind.events[-1]["pictures"] == 1
        assert mind.events[-1]["attachments"][0]["shows"] == SHOWS
        stored = await house.stored(event)
        assert stored is not None
        assert stored.text == f"My weekend\n(picture) {SHOWS}"
        [answer] = await house.say("ada", "Where was the blue bicycle?")
        assert "(picture) A blue bicycle leans on a red barn" in answer.text


async def test_the_same_picture_is_described_once_and_paid_for_once(tmp_path: Path) -> None:
    mind = Seeing()
    async with opened(tmp_path, mind.play, model=SEES) as house:
        await show(house, "One", picture())
        used = house.rows("SELECT sum(prompt_tokens) FROM steps")[0][0]
        await show(house, "Two", picture("again.png"))
        assert mind.asked == 1
        assert mind.events[-1]["attachments"][0]["shows"] == SHOWS
        assert used > 700  # the description's, and the answer's
        await house.say("ada", "Three")
        more = house.rows("SELECT sum(prompt_tokens) FROM steps")[0][0]
        assert more - used < 700 * 3
    async with opened(tmp_path, mind.play, model=SEES) as house:
        await show(house, "Three", picture())
        assert mind.asked == 1


@pytest.mark.parametrize("failing", [ModelUnavailable("down"), ""])
async def test_a_description_that_fails_loses_nothing(tmp_path: Path, failing: Exception | str) -> None:
    mind = Seeing(failing)
    async with opened(tmp_path, mind.play, model=SEES) as house:
        event = await show(house, "", picture("barn.png"))
        assert mind.asked == 1
        assert mind.events[-1]["pictures"] == 1
        stored = await house.stored(event)
        assert stored is not None
        assert stored.text == "(picture: barn.png)"


async def test_a_description_counts_against_the_days_allowance(tmp_path: Path) -> None:
    mind = Seeing()
    async with opened(tmp_path, mind.play, model=SEES, limits={"user_tokens_per_day": 800}) as house:
        await house.say("ada", "Hello")
        assert await house.say("ada", "And again") != []
        await show(house, "Look", picture())
        assert mind.asked == 1
        assert await house.say("ada", "Hello?") == []  # the door tells them


async def test_without_eyes_nobody_is_asked(tmp_path: Path) -> None:
    mind = Seeing()
    async with opened(tmp_path, mind.play) as house:
        await show(house, "My weekend", picture())
        assert mind.asked == 0


async def test_models_without_eyes_are_told_what_a_picture_shows(tmp_path: Path) -> None:
    bodies: list[dict[str, Any]] = []

    def script(body: dict[str, Any], headers: object) -> Answer:
        bodies.append(body)
        seen = "image_url" in text_of(body["messages"])
        return Answer(text=SHOWS) if seen else Answer(text="I see.")

    async with OpenAIServer(script, models=("blind", "eyes")) as server:
        model = {"kind": "openai", "name": "blind", "base_url": server.url, "api_key": "x", "retries": 0}
        models = {"looker": {"name": "eyes", "vision": True}}
        async with opened(
            tmp_path, None, model=model, models=models, memory={"caption_model": "looker"}
        ) as house:
            await show(house, "My weekend", picture())
    assert [body["model"] for body in bodies] == ["eyes", "blind"]
    assert "image_url" not in text_of(bodies[1]["messages"])
    assert "A blue bicycle leans on a red barn" in text_of(bodies[1]["messages"])


async def test_an_edit_keeps_what_the_picture_shows(tmp_path: Path) -> None:
    mind = Seeing()
    async with opened(tmp_path, mind.play, model=SEES) as house:
        event = await show(house, "My weekend", picture())
        facts = {k: v for k, v in house.who("ada").items() if k != "key"}
        edit = MessageEdited(**facts, key="parlour:edit", target=event.key, text="My holiday")
        await house.app.inbound.submit(edit)
        stored = await house.stored(event)
        assert stored is not None
        assert stored.text == f"My holiday\n(picture) {SHOWS}"


@pytest.mark.parametrize("how", ["deleted", "forget here yes", "forget yes"])
async def test_what_a_picture_shows_is_forgotten_with_it(tmp_path: Path, how: str) -> None:
    mind, clock = Seeing(CANARIES[0]), FakeClock()
    async with opened(tmp_path, mind.play, model=SEES, clock=clock) as house:
        event = await show(house, "Look", picture())
        assert found(tmp_path, CANARIES[:1]) or tables_with(house, CANARIES[0])
        if how == "deleted":
            facts = {k: v for k, v in house.who("ada").items() if k != "key"}
            await house.app.inbound.submit(MessageDeleted(**facts, key="parlour:gone", target=event.key))
        else:
            await command(house, "ada", how)
        await house.app.erasure.tidy(urgent=True)
        assert found(tmp_path, CANARIES[:1]) == {}
        assert tables_with(house, CANARIES[0]) == []


async def test_a_picture_without_words_leaves_when_its_author_deletes_it(tmp_path: Path) -> None:
    mind = Seeing()
    async with opened(tmp_path, mind.play) as house:
        event = await show(house, "", picture())
        assert "base64" in str(house.rows("SELECT payload FROM inbox"))
        facts = {k: v for k, v in house.who("ada").items() if k != "key"}
        await house.app.inbound.submit(MessageDeleted(**facts, key="parlour:gone", target=event.key))
        assert "base64" not in str(house.rows("SELECT payload FROM inbox"))
        assert "base64" not in str(house.rows("SELECT rendered FROM messages"))


async def test_a_picture_that_failed_is_found_later_by_what_it_shows(tmp_path: Path) -> None:
    mind = Seeing(ModelUnavailable("down"))
    async with opened(tmp_path, mind.play, model=SEES) as house:
        event = await show(house, "My weekend", picture())
        mind.shows = SHOWS
        [answer] = await house.say("ada", "Where is the photo of the blue bicycle?")
        assert "(picture) A blue bicycle leans on a red barn" in answer.text
        assert mind.asked == 2
        stored = await house.stored(event)
        assert stored is not None
        assert stored.text == f"My weekend\n(picture) {SHOWS}"
        assert SHOWS in stored.rendered, "who answers sees it, too"
        assert house.rows("SELECT sum(prompt_tokens) FROM outlays") == [(700,)]
        await show(house, "Again", picture("again.png"))
        assert mind.asked == 2
        assert mind.events[-1]["attachments"][0]["shows"] == SHOWS


@pytest.mark.parametrize("failing", [ModelUnavailable("down"), ""])
async def test_a_picture_is_looked_at_three_times_at_most(tmp_path: Path, failing: Exception | str) -> None:
    mind, clock = Seeing(failing), FakeClock()
    async with opened(tmp_path, mind.play, model=SEES, clock=clock) as house:
        await show(house, "My weekend", picture())
        asked = []
        for hours in (0, 0, 2, 2, 2):
            clock.advance(hours * 3_600)
            await house.say("ada", "Hello")
            asked.append(mind.asked)
        assert asked == [2, 2, 3, 3, 3]
        assert house.rows("SELECT * FROM captions") == []


async def test_a_refused_picture_is_not_looked_at_again(tmp_path: Path) -> None:
    mind = Seeing(ModelRefused("no"))
    async with opened(tmp_path, mind.play, model=SEES) as house:
        await show(house, "My weekend", picture())
        await house.say("ada", "Hello")
        assert mind.asked == 1
        assert house.rows("SELECT * FROM captions") == []


@pytest.mark.parametrize("how", ["deleted", "forget here yes"])
async def test_what_is_forgotten_is_not_looked_at_again(tmp_path: Path, how: str) -> None:
    mind = Seeing(ModelUnavailable("down"))
    async with opened(tmp_path, mind.play, model=SEES) as house:
        event = await show(house, "Look", picture())
        if how == "deleted":
            facts = {k: v for k, v in house.who("ada").items() if k != "key"}
            await house.app.inbound.submit(MessageDeleted(**facts, key="parlour:gone", target=event.key))
        else:
            await command(house, "ada", how)
        mind.shows = CANARIES[0]
        await house.say("ada", "Hello")
        assert mind.asked == 1
