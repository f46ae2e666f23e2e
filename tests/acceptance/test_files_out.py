"""The agent sends files and pictures, and answers voice with voice: through the outbox, once."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from bot.errors import DeliveryDoubtful
from bot.events import Reply
from bot.ports import ModelReply, ModelRequest
from tests.acceptance.on_discord import mention, rows
from tests.acceptance.test_voice import audio, echo, spoken
from tests.fakes.discord_server import DiscordServer
from tests.fakes.openai_media import OpenAIMedia
from tests.fakes.parlour import Parlour, opened, results_in
from tests.fakes.pictures import png
from tests.fakes.scripted_model import call, calls, say
from tests.fakes.slack_server import Pace, SlackServer
from tests.fakes.town import Town, heard
from tests.patience import PATIENCE_S

STATE = "SELECT state FROM outbox WHERE kind = 'file'"
TABLE = "name,age\nAda,36\n"


def clerk(request: ModelRequest) -> ModelReply:
    """Sends a table when it is asked for one, draws what it is asked to."""
    text = str(heard(request).get("message", ""))
    if request.messages[-1]["role"] == "tool":
        return say(str(results_in(request)[-1]["message"]))
    if "table" in text:
        sent = ("send_file", {"name": "people.csv", "content": TABLE})
        return calls(sent, ("send_message", {"message": "Here it is."}))
    if text.startswith("draw"):
        return call("send_image", prompt=text, request_heartbeat=True)
    return say("Yes?")


def files(replies: list[Reply]) -> list[tuple[str, bytes]]:
    return [(reply.file.name, reply.file.data) for reply in replies if reply.file]


async def test_a_file_is_sent_beside_what_is_said_and_is_remembered(tmp_path: Path) -> None:
    async with opened(tmp_path, clerk) as house:
        replies = await house.say("ada", "A table please")
        assert [reply.kind for reply in replies] == ["reply", "file"]
        assert files(replies) == [("people.csv", TABLE.encode())]
        assert house.rows("SELECT count(*) FROM outbox_files") == [(0,)]
        [(text,)] = house.rows("SELECT text FROM messages WHERE text LIKE '%sent the file%'")
        assert text == "Here it is.\n(sent the file people.csv)"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("../../etc/passwd", "passwd.txt"),
        ("C:\\x\\plan.md", "plan.md"),
        ("...", "file.txt"),
        ("a b?.CSV", "a-b-.CSV"),
    ],
)
async def test_a_file_has_a_name_that_is_one(tmp_path: Path, name: str, shown: str) -> None:
    def play(request: ModelRequest) -> ModelReply:
        return calls(("send_file", {"name": name, "content": "x"}))

    async with opened(tmp_path, play) as house:
        assert files(await house.say("ada", "Hello")) == [(shown, b"x")]


async def test_a_file_that_was_in_doubt_is_sent_once(tmp_path: Path) -> None:
    class Doubtful(Parlour):
        async def send(self, reply: Reply) -> str:
            receipt = await super().send(reply)
            if reply.kind == "file" and self.posted.count(reply) == 1:
                raise DeliveryDoubtful("was it?", 0.0)
            return receipt

    async with opened(tmp_path, clerk, parlour=Doubtful()) as house:
        assert files(await house.say("ada", "A table please")) == [("people.csv", TABLE.encode())]
        async with asyncio.timeout(PATIENCE_S):
            while house.rows(STATE) != [("sent",)]:
                await asyncio.sleep(0.01)
        assert len(files(house.parlour.posted)) == 1


async def test_a_picture_is_made_and_sent(tmp_path: Path) -> None:
    async with OpenAIMedia() as server:
        images = {"name": "gpt-image-1", "base_url": server.url, "api_key": "sk-media"}
        async with opened(tmp_path, clerk, images=images) as house:
            replies = await house.say("ada", "draw a cat")
            [(name, data)] = files(replies)
            assert (name.endswith(".png"), data) == (True, png())
            [refused] = await house.say("ada", "draw something forbidden")
            assert "has declined it" in refused.text
            assert "images" not in refused.text  # settings are the operator's
    assert server.painted == ["draw a cat"]


async def test_without_a_painter_the_tool_is_not_offered(tmp_path: Path) -> None:
    offered: list[str] = []

    def play(request: ModelRequest) -> ModelReply:
        offered.extend(tool["function"]["name"] for tool in request.tools)
        return say("Yes?")

    async with opened(tmp_path, play) as house:
        await house.say("ada", "Hello")
    assert "send_file" in offered
    assert "send_image" not in offered


async def test_voice_is_answered_by_voice(tmp_path: Path) -> None:
    async with OpenAIMedia("Buy lemons") as server:
        async with opened(tmp_path, echo, audio={**audio(server), "speak": True}) as house:
            [typed] = await house.say("ada", "Hello")
            assert typed.file is None
            [reply] = await house.tell(spoken(house))
            assert reply.file is not None
            assert reply.file.data == b"OggSYou said: (voice) Buy lemons"
    assert server.spoke == ["You said: (voice) Buy lemons"]


async def test_what_cannot_be_spoken_is_written(tmp_path: Path) -> None:
    async with OpenAIMedia("Buy lemons") as server:
        speech: dict[str, Any] = {**audio(server), "speak": True, "speech_name": "none"}
        async with opened(tmp_path, echo, audio=speech) as house:
            [reply] = await house.tell(spoken(house))
            assert (reply.text, reply.file) == ("You said: (voice) Buy lemons", None)


async def test_a_file_on_discord(server: DiscordServer, tmp_path: Path) -> None:
    ada = server.user("ada")
    general = server.channel(server.guild("Home", members=[ada]), "general")
    async with Town(tmp_path, clerk, discord=server):
        await mention(server, ada, general, "A table please")
        await server.until(lambda: any(m.attachments for m in server.messages(general)))
        [sent] = [m for m in server.messages(general) if m.attachments]
        assert [(file.name, file.data) for file in sent.attachments] == [("people.csv", TABLE.encode())]
        assert sent.nonce


async def test_a_file_on_slack(tmp_path: Path) -> None:
    async with SlackServer(pace=Pace(post_s=0.0)) as server:
        ada = server.user("ada")
        dm = server.im(ada)
        async with Town(tmp_path, clerk, slack=server) as town:
            await server.say(ada, dm, "A table please")
            await server.until(lambda: len(server.answers(dm)) == 2)
            [sent] = [m for m in server.answers(dm) if m.get("files")]
            [file] = sent["files"]
            assert file["name"] == "people.csv"
            assert server.workspace.contents[file["id"]] == TABLE.encode()
            await server.until(lambda: rows(town, STATE) == [("sent",)])
