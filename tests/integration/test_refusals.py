"""What a model refuses, and what it cannot answer now: one sentence for the person, and the way is free."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bot.errors import ModelDenied, ModelOverflow, ModelRefused, ModelUnavailable
from bot.events import Attachment, Command, Quote
from bot.ports import ModelReply, ModelRequest
from memory.records import community_audience
from tests.fakes.clock import FakeClock
from tests.fakes.openai_server import Answer, Fault, OpenAIServer
from tests.fakes.parlour import House, Stage, events_in, is_summary, opened, parrot, whole
from tests.fakes.scripted_model import call, calls, say
from tests.patience import PATIENCE_S

BAD = "FLAGGED"
PIXEL = "data:image/png;base64,iVBORw0KGgo="
INTERNALS = ("http", "[model]", "api_key", "base_url", "localhost", "127.0.0.1", "stage", "400", "filter 7")


def strict(
    play: Callable[[ModelRequest], ModelReply] = parrot, word: str = BAD
) -> Callable[[ModelRequest], Any]:
    """A model whose server refuses every request with the word in it."""

    def filtered(request: ModelRequest) -> ModelReply | Exception:
        if word in whole(request):
            return ModelRefused("localhost refused (400, filter 7); check [model] base_url", content=True)
        return play(request)

    return filtered


async def test_a_refused_message_ends_its_turn_and_the_next_is_answered(tmp_path: Path, caplog: Any) -> None:
    stage = Stage(strict())
    async with opened(tmp_path, stage) as house:
        event = house.message("ada", f"a {BAD} sentence")
        [told] = await house.tell(event)
        assert told.kind == "error"
        assert not any(word in told.text.casefold() for word in INTERNALS)
        assert "filter 7" in caplog.text
        assert BAD not in caplog.text
        assert [r.text for r in await house.say("ada", "And the weather?")] == ["You said: And the weather?"]
        kept = await house.stored(event)
        assert kept is not None
        assert (kept.text, kept.queued) == (f"a {BAD} sentence", False)
    async with opened(tmp_path, stage) as house:
        assert [r.text for r in await house.say("ada", "Still there?")] == ["You said: Still there?"]
    assert len(stage.requests) == 3


async def test_what_a_search_brought_up_is_refused_and_leaves_with_its_turn(tmp_path: Path) -> None:
    def play(request: ModelRequest) -> ModelReply:
        if request.messages[-1]["role"] == "user" and "search" in whole(request).rpartition("message")[2]:
            return call("archival_memory_search", query="secret", request_heartbeat=True)
        return say("Fine.")

    async with opened(
        tmp_path,
        Stage(
            lambda _: calls(
                ("archival_memory_insert", {"content": f"The secret is {BAD}."}),
                ("send_message", {"message": "Kept."}),
            )
        ),
    ) as house:
        await house.say("ada", "Keep it.")
        house.execute("DELETE FROM messages")
    async with opened(tmp_path, strict(play), memory={"surface_tokens": 0}) as house:
        [told] = await house.say("ada", "search the secret")
        assert told.kind == "error"
        assert [r.text for r in await house.say("ada", "Hello")] == ["Fine."]


async def test_what_came_to_mind_is_left_out(tmp_path: Path) -> None:
    async with opened(tmp_path, parrot) as house:
        await house.say("ada", f"My {BAD} dog is called Biscuit.")
        house.execute("UPDATE messages SET queued = 0, rendered = ''")
    async with opened(tmp_path, stage := Stage(strict())) as house:
        assert [r.text for r in await house.say("ada", "My dog Biscuit?")] == ["You said: My dog Biscuit?"]
        await house.say("ada", "And now?")
    assert len(stage.requests) == 3  # one was refused
    assert "brings_to_mind" not in events_in(stage.requests[1])[-1]


async def test_others_words_are_left_out(tmp_path: Path) -> None:
    async with opened(tmp_path, stage := Stage(strict())) as house:
        quote = Quote(text=f"bob: {BAD}", key="parlour:1", account="parlour:bob")
        told = await house.tell(house.message("ada", "What does he mean?", context=(quote,)))
        assert [reply.text for reply in told] == ["You said: What does he mean?"]
    assert len(stage.requests) == 2


async def test_a_refused_image_is_left_out_and_the_message_answered(tmp_path: Path) -> None:
    image = Attachment(name="cat.png", media_type="image/png", image=PIXEL)
    async with opened(tmp_path, stage := Stage(strict(lambda _: say("A cat?"), "image_url"))) as house:
        told = await house.tell(house.message("ada", "Look!", attachments=(image,)))
        assert [reply.text for reply in told] == ["A cat?"]
        await house.say("ada", "Well?")
    assert ["image_url" in whole(request) for request in stage.requests] == [True, False, False]
    assert "could not be looked at" in whole(stage.requests[-1])


async def test_an_older_message_that_a_stricter_model_refuses_leaves_the_view(tmp_path: Path) -> None:
    stage = Stage(parrot)
    async with opened(tmp_path, stage) as house:
        await house.say("ada", f"a {BAD} sentence")
        await house.say("ada", "Tea.")
        stage.play = strict()
        assert [r.text for r in await house.say("ada", "Milk?")] == ["You said: Milk?"]
        before = len(stage.requests)
        assert [r.text for r in await house.say("ada", "Sugar?")] == ["You said: Sugar?"]
    assert len(stage.requests) == before + 1


async def test_a_summary_that_is_refused_leaves_the_view(tmp_path: Path) -> None:
    long = "tea and cake " * 500
    stage = Stage(lambda request: ModelReply(text=f"They met {BAD}.") if is_summary(request) else say("Yes."))
    async with opened(tmp_path, stage, model={"context_window": 8_192, "reply_reserve": 512}) as house:
        for n in range(8):
            await house.say("ada", f"{n} {long}")
        assert BAD in whole(stage.requests[-1])
        stage.play = strict(lambda _: say("Yes."))
        assert [r.text for r in await house.say("ada", "Milk?")] == ["Yes."]


async def test_what_a_refused_turn_wrote_into_core_memory_is_taken_back(tmp_path: Path) -> None:
    def play(request: ModelRequest) -> ModelReply:
        if request.key.endswith("/0") and "remember" in json.dumps(request.messages[-1]):
            return call("core_memory_append", label="human", content=f"Is {BAD}.", request_heartbeat=True)
        return say("Fine.")

    async with opened(tmp_path, stage := Stage(strict(play))) as house:
        [told] = await house.say("ada", "remember that")
        assert told.kind == "error"
        assert house.rows("SELECT value FROM blocks WHERE label = 'human'") == [("",)]
        assert [r.text for r in await house.say("ada", "Hello")] == ["Fine."]
    assert len(stage.requests) > 2


@pytest.mark.parametrize("words", ["Pardon?", "Das ist mir zu viel.", "E1234"])
async def test_a_long_request_that_is_refused_for_no_known_reason_is_sent_shorter(
    tmp_path: Path, words: str
) -> None:
    def script(request: dict[str, Any], headers: Any) -> Answer | Fault:
        if len(request["messages"]) > 14:
            return Fault(kind="status", status=400, message=words)
        return Answer(text="They talked.") if not request.get("tools") else Answer(text="Yes.")

    async with OpenAIServer(script, models=None) as server:
        model = {"kind": "openai", "base_url": server.url, "retries": 0}
        async with opened(tmp_path, None, model=model) as house:
            for n in range(14):
                assert [r.text for r in await house.say("ada", f"Message {n}")] == ["Yes."]
            [[summary]] = house.rows("SELECT text FROM summaries")
    assert "They talked." in summary


async def test_an_image_that_makes_a_request_too_large_is_left_out(tmp_path: Path) -> None:
    def play(request: ModelRequest) -> ModelReply | Exception:
        return ModelOverflow("Payload Too Large") if "image_url" in whole(request) else say("A cat?")

    image = Attachment(name="cat.png", media_type="image/png", image=PIXEL)
    async with opened(tmp_path, play) as house:
        told = await house.tell(house.message("ada", "Look!", attachments=(image,)))
        assert [reply.text for reply in told] == ["A cat?"]


async def test_a_message_that_never_fits_is_told_so(tmp_path: Path) -> None:
    def play(request: ModelRequest) -> ModelReply | Exception:
        return ModelOverflow("too long for [model] m") if "novel" in whole(request) else parrot(request)

    async with opened(tmp_path, play) as house:
        [told] = await house.say("ada", "a novel")
        assert "smaller parts" in told.text
        assert [r.text for r in await house.say("ada", "Hello")] == ["You said: Hello"]


# Outages


class Weather:
    """A model that is down while the word is said in the request's newest events."""

    def __init__(self, error: Exception, word: str) -> None:
        self.error, self.word = error, word

    def __call__(self, request: ModelRequest) -> ModelReply | Exception:
        return self.error if self.word and self.word in whole(request) else parrot(request)


DOWN = [
    ModelUnavailable("localhost has trouble (503)"),
    ModelDenied("The key is wrong; check [model] api_key"),
]


class Slow:
    """A clock whose sleepers sleep until they are woken; from then on nobody sleeps long."""

    def __init__(self, clock: FakeClock) -> None:
        self.now = clock.now
        self._clock = clock
        self._morning = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        await self._morning.wait()
        await self._clock.sleep(seconds)

    def wake(self) -> None:
        self._morning.set()


@pytest.fixture
def clock() -> Slow:
    return Slow(FakeClock())


async def posted(house: House, count: int) -> list[tuple[str, str]]:
    """(address, text) of all that was posted, once there is so much."""
    async with asyncio.timeout(PATIENCE_S):
        while len(house.parlour.posted) < count:
            await asyncio.sleep(0.005)
    await house.app.inbound.settled()
    return [(reply.address.removeprefix("parlour:"), reply.text) for reply in house.parlour.posted]


@pytest.mark.parametrize("error", DOWN, ids=["down", "denied"])
async def test_an_outage_is_waited_out_and_told_in_plain_words(
    tmp_path: Path, clock: Slow, error: Exception
) -> None:
    weather = Weather(error, "Hello")
    async with opened(tmp_path, Stage(weather), clock=clock) as house:
        await house.app.inbound.submit(house.message("ada", "Hello"))
        [(_, text)] = await posted(house, 1)
        assert not any(word in text.casefold() for word in (*INTERNALS, "503", "key is"))
        weather.word = ""
        clock.wake()
        assert (await posted(house, 2))[1] == ("ada", "You said: Hello")


async def test_who_writes_on_is_told_once_that_the_first_waits(tmp_path: Path, clock: Slow) -> None:
    weather = Weather(DOWN[0], "Hello")
    async with opened(tmp_path, Stage(weather), clock=clock) as house:
        for count, text in enumerate(["Hello", "Are you there?", "Well?"]):
            await house.app.inbound.submit(house.message("ada", text))
            await posted(house, min(2, count + 1))
        texts = [text for _, text in await posted(house, 2)]
        assert len(texts) == 2
        assert "too" in texts[1]
        weather.word = ""
        clock.wake()
        texts = [text for _, text in await posted(house, 4)]
        assert texts[2:] == ["You said: Hello", "You said: Well?"]


async def test_other_conversations_go_on_meanwhile(tmp_path: Path, clock: Slow) -> None:
    weather = Weather(DOWN[0], "Hello")
    audience = community_audience("parlour:g")
    async with opened(tmp_path, Stage(weather), clock=clock) as house:
        await house.app.inbound.submit(house.message("ada", "Hello"))
        await posted(house, 1)
        await house.app.inbound.submit(house.message("ada", "In public", audience=audience, place="hall"))
        assert ("hall", "You said: In public") in await posted(house, 2)
        weather.word = ""
        clock.wake()
        assert ("ada", "You said: Hello") in await posted(house, 3)


async def test_a_restart_finds_all_that_waited(tmp_path: Path, clock: Slow) -> None:
    stage = Stage(lambda request: DOWN[0])
    audience = community_audience("parlour:g")
    async with opened(tmp_path, stage, clock=clock) as house:
        for count, place in enumerate(["ada", "hall"]):
            where = {"audience": audience, "place": place} if place == "hall" else {}
            await house.app.inbound.submit(house.message("ada", f"Hello in {place}", **where))
            await posted(house, count + 1)
    stage.play = parrot
    async with opened(tmp_path, stage, clock=clock) as house:
        assert sorted(await posted(house, 2)) == [
            ("ada", "You said: Hello in ada"),
            ("hall", "You said: Hello in hall"),
        ]


@pytest.mark.parametrize("place", ["ada", "hall"])
async def test_stop_frees_the_person_from_anywhere(
    tmp_path: Path, clock: Slow, place: str, caplog: Any
) -> None:
    caplog.set_level(logging.INFO)
    weather = Weather(DOWN[0], "Hello")
    audience = community_audience("parlour:g")
    async with opened(tmp_path, Stage(weather), clock=clock) as house:
        await house.app.inbound.submit(house.message("ada", "Hello"))
        await posted(house, 1)
        if place == "hall":
            await house.app.inbound.submit(house.message("ada", "Here", audience=audience, place="hall"))
            await posted(house, 2)
        origin = house.who("ada", audience if place == "hall" else "private", place)
        where = {name: origin[name] for name in ("account", "name", "address", "audience")}
        await house.app.inbound.invoke(Command(**where, command="stop"))
        told = await posted(house, 2 if place == "ada" else 3)
        assert ("ada", "Stopped.") in told
        assert house.rows("SELECT count(*) FROM inbox WHERE NOT done") == [(0,)]
        weather.word = ""
        await house.app.inbound.submit(house.message("ada", "Good."))
        assert ("ada", "You said: Good.") in await posted(house, len(told) + 1)
