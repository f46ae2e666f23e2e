"""What is refused inbound is nowhere; what is refused outbound is not sent, and the turn is whole all the same."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest

from bot.events import Attachment, Command, DocumentUploaded, MessageEdited, Quote, origin_of
from bot.ports import ModelReply, ModelRequest
from memory.records import community_audience
from tests.acceptance.test_pictures import event_of
from tests.acceptance.test_secrets import nowhere
from tests.fakes.openai_media import OpenAIMedia
from tests.fakes.parlour import House, Stage, opened
from tests.fakes.scripted_model import calls, say

WORDS: dict[str, Any] = {"words": ["zorblax"]}
LET_GO = "I may not talk about that here"
GUILD = community_audience("parlour:guild")


def echo(request: ModelRequest) -> ModelReply:
    return say(f"You said: {event_of(request).get('message', '')}")


async def told(house: House, text: str, **more: Any) -> str:
    view = await house.app.inbound.submit(house.message("ada", text, **more))
    return view.text if view else ""


async def test_what_is_refused_is_told_and_kept_nowhere_however_often_it_comes(tmp_path: Path) -> None:
    stage = Stage(echo)
    async with opened(tmp_path, stage, safety=WORDS) as house:
        event = house.message("ada", "tell me of Zorblax", locale="de-AT")
        view = await house.app.inbound.submit(event)
        assert view is not None
        assert view.text.startswith("Darüber darf ich hier nicht sprechen")
        assert await house.app.inbound.submit(event) is None  # the platform tells again
        facts = house.who("ada") | {"key": f"{event.key}/1"}
        assert (
            await house.app.inbound.submit(DocumentUploaded(**facts, document="x.txt", text="more")) is None
        )
        [reply] = await house.say("ada", "hello")
        assert reply.text == "You said: hello"
        assert "orblax" not in str(stage.requests)
        nowhere(house, "Zorblax", "zorblax")


async def test_an_edit_into_what_is_refused_takes_the_message_away(tmp_path: Path) -> None:
    async with opened(tmp_path, echo, safety=WORDS) as house:
        event = house.message("ada", "a harmless line about kites")
        await house.tell(event)
        edit = MessageEdited(
            **origin_of(event), key="parlour:e", at=event.at, target=event.key, text="zorblax!"
        )
        view = await house.app.inbound.submit(edit)
        assert view is not None
        assert view.text.startswith(LET_GO)
        stored = await house.stored(event)
        assert stored is None or stored.text == ""
        assert house.rows("SELECT count(*) FROM inbox WHERE payload LIKE '%zorblax%'") == [(0,)]


async def test_it_comes_in_by_no_other_way(tmp_path: Path) -> None:
    stage = Stage(echo)
    async with opened(tmp_path, stage, safety=WORDS) as house:
        line = Quote(key="parlour:1", account="parlour:bob", text="I say zorblax")
        await house.tell(
            house.message("ada", "look", audience=GUILD, place="hall", context=(line,), reply_to=line)
        )
        notes = Attachment(name="n.txt", media_type="text/plain", text="zorblax")
        assert LET_GO in await told(house, "look", attachments=(notes,))
        data = base64.b64encode(b"# All of zorblax").decode()
        await house.tell(DocumentUploaded(**house.who("ada"), document="notes.md", text="", data=data))
        who = origin_of(house.message("ada", ""))
        view = await house.app.inbound.invoke(
            Command(**who, command="memory", argument="add zorblax is fine")
        )
        assert view.text.startswith(LET_GO)
        assert house.rows("SELECT * FROM passages") == []
        assert "zorblax" not in str(stage.requests)


@pytest.mark.parametrize("way", ["said", "plain", "file"])
async def test_an_answer_that_is_refused_is_not_sent_and_its_turn_is_whole(tmp_path: Path, way: str) -> None:
    def play(request: ModelRequest) -> ModelReply:
        if event_of(request).get("message") == "again":
            return say("gladly")
        if way == "plain":
            return ModelReply(text="zorblax it is", usage=say("").usage)
        if way == "file":
            return calls(
                ("send_file", {"name": "a.md", "content": "# zorblax"}),
                ("send_message", {"message": "there"}),
            )
        return say("zorblax it is")

    async with opened(tmp_path, play, safety=WORDS) as house:
        replies = await house.say("ada", "well?")
        shown = [reply.file.data.decode() if reply.file else reply.text for reply in replies]
        assert any(text.startswith("I had an answer to that") for text in shown)
        assert house.rows("SELECT count(*) FROM turns WHERE state != 'done'") == [(0,)]
        assert [reply.text for reply in await house.say("ada", "again")] == ["gladly"]
        nowhere(house, "zorblax")


async def test_a_server_judges_and_its_silence_is_as_it_is_set(tmp_path: Path) -> None:
    async with OpenAIMedia() as server:
        server.flags = {"sinister": "violence", "rude": "harassment"}
        moderation = {
            "base_url": server.url,
            "api_key": "sk-media",
            "categories": ["violence"],
            "when_down": "refuse",
        }
        async with opened(tmp_path, echo, safety={"moderation": moderation}) as house:
            [reply] = await house.say("ada", "a rude word")
            assert reply.text == "You said: a rude word"
            assert LET_GO in await told(house, "a sinister plan")
            server.status = 401
            assert "I cannot check messages at the moment" in await told(house, "hello?")
        assert "a sinister plan" in server.judged
        moderation["when_down"] = "pass"
        async with opened(tmp_path / "open", echo, safety={"moderation": moderation}) as house:
            [reply] = await house.say("ada", "hello?")
            assert reply.text == "You said: hello?"


async def test_the_server_that_judges_is_told_no_secrets(tmp_path: Path) -> None:
    async with OpenAIMedia() as server:
        moderation = {"base_url": server.url, "api_key": "sk-media"}
        async with opened(tmp_path, echo, safety={"moderation": moderation}) as house:
            notes = Attachment(name="n.txt", media_type="text/plain", text="password: Hunter2!x")
            event = house.message("ada", "my password is Hunter2!x", attachments=(notes,))
            await house.tell(event)
            who = origin_of(event)
            edit = MessageEdited(
                **who, key="parlour:e", at=event.at, target=event.key, text="password: Hunter3!x"
            )
            await house.app.inbound.submit(edit)
            data = base64.b64encode(b"The password: Hunter4!x").decode()
            await house.tell(DocumentUploaded(**house.who("ada"), document="notes.md", text="", data=data))
            for command, argument in (
                ("memory", "add password: Hunter5!x"),
                ("rethink", "password: Hunter6!x"),
            ):
                await house.app.inbound.invoke(Command(**who, command=command, argument=argument))
        judged = [text for text in server.judged if "[password not kept]" in text]
        assert len(judged) >= 5
        assert "Hunter" not in str(server.judged)
        keeps = {"moderation": moderation, "secrets": "keep"}
        async with opened(tmp_path / "kept", echo, safety=keeps) as house:
            await house.say("ada", "my password is Hunter7!x")
        assert "my password is Hunter7!x" in server.judged
