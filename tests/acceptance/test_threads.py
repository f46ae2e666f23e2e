"""Where a thread can be made of what somebody wrote, the agent may answer there instead of in the channel."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from bot.events import Speaker
from bot.ports import ModelReply, ModelRequest
from memory.records import OutboxRow
from tests.acceptance.on_discord import answer, answered, ask, come_true, mention, replies, rows
from tests.acceptance.slack_stage import at_home
from tests.fakes.discord_rules import Permission
from tests.fakes.discord_server import Channel, DiscordServer, User
from tests.fakes.parlour import whole
from tests.fakes.scripted_model import calls, say
from tests.fakes.slack_server import Pace, SlackServer
from tests.fakes.town import Town, heard

OPENINGS = "POST /channels/[0-9]+/messages/[0-9]+/threads"


def threading(request: ModelRequest) -> ModelReply:
    """What is asked at length is answered in a thread."""
    said = str(heard(request).get("message", ""))
    if "at length" not in said:
        return answer(request)
    return calls(("open_thread", {"title": "The long story"}), ("send_message", {"message": "It began so."}))


def offered(request: ModelRequest) -> bool:
    return any(tool["function"]["name"] == "open_thread" for tool in request.tools)


def home(server: DiscordServer) -> tuple[User, Channel]:
    ada = server.user("ada", display="Ada")
    return ada, server.channel(server.guild("Home", members=[ada]), "general")


def opened(server: DiscordServer) -> list[Channel]:
    return [channel for channel in server.world.channels.values() if channel.parent is not None]


async def in_a_thread(server: DiscordServer, ada: User, general: Channel) -> Channel:
    """Ada asks at length; the thread in which she is answered."""
    await server.say(ada, general, f"{server.bot.mention} tell it at length")
    await server.until(lambda: opened(server) and replies(server, opened(server)[0]))
    return opened(server)[0]


async def test_an_answer_in_a_thread_of_the_message(server: DiscordServer, tmp_path: Path) -> None:
    ada, general = home(server)
    async with Town(tmp_path, threading, discord=server) as town:
        thread = await in_a_thread(server, ada, general)
        [asked] = [message for message in server.messages(general) if message.author is ada]
        assert (thread.id, thread.parent, thread.name) == (asked.id, general, "The long story")
        assert await ask(server, ada, thread, "And then?") == "You said: And then?", (
            "nobody need call it there"
        )
        assert "(you): It began so." in whole(town.model.requests[-1]), "it sees what it said there"
        assert await mention(server, ada, general, "short") == "You said: short"
        assert [offered(request) for request in town.model.requests] == [True, False, True]
    assert replies(server, thread) == ["It began so.", "You said: And then?"]
    assert replies(server, general) == ["You said: short"]


async def test_a_persona_speaks_in_its_thread_as_itself(server: DiscordServer, tmp_path: Path) -> None:
    ada, general = home(server)

    async def mira(row: OutboxRow) -> Speaker | None:
        return Speaker(name="Mira")

    async with Town(tmp_path, threading, discord=server, speaker_of=mira):
        await server.say(ada, general, f"{server.bot.mention} tell it at length")
        await server.until(lambda: any(m.webhook for c in opened(server) for m in server.messages(c)))
    [thread] = opened(server)
    assert [(m.author.name, m.content) for m in server.messages(thread) if m.webhook] == [
        ("Mira", "It began so.")
    ]


async def test_a_thread_in_doubt_is_not_made_twice(server: DiscordServer, tmp_path: Path) -> None:
    ada, general = home(server)
    async with Town(tmp_path, threading, discord=server) as town:
        server.lose_response(OPENINGS)
        thread = await in_a_thread(server, ada, general)
        await come_true(lambda: rows(town, "SELECT count(*) FROM outbox WHERE state = 'sent'") == [(2,)])
    assert len(server.calls(OPENINGS)) == 2
    assert opened(server) == [thread]
    assert replies(server, thread) == ["It began so."]


@pytest.mark.parametrize("post", ["ready", "sending"])
async def test_a_kill_after_the_thread_was_made(server: DiscordServer, tmp_path: Path, post: str) -> None:
    ada, general = home(server)
    async with Town(tmp_path, threading, discord=server) as town:
        thread = await in_a_thread(server, ada, general)
        await come_true(lambda: rows(town, "SELECT count(*) FROM outbox WHERE state = 'sent'") == [(2,)])
    with closing(sqlite3.connect(tmp_path / "everbot.db")) as connection, connection:
        # As a process leaves it that is killed before it noted what it did.
        undone = "UPDATE outbox SET receipt = NULL, state = iif(kind = 'thread', 'sending', ?)"
        connection.execute(undone, (post,))
    async with Town(tmp_path, threading, discord=server) as town:
        await come_true(lambda: rows(town, "SELECT count(*) FROM outbox WHERE state = 'sent'") == [(2,)])
    assert len(server.calls(OPENINGS)) == 2
    assert opened(server) == [thread]
    assert replies(server, thread) == ["It began so."]


async def test_what_no_thread_takes_is_said_in_the_channel(server: DiscordServer, tmp_path: Path) -> None:
    ada, general = home(server)
    async with Town(tmp_path, threading, discord=server):
        server.refuse(OPENINGS, 403, 50013)
        await server.say(ada, general, f"{server.bot.mention} tell it at length")
        assert await answered(server, general) == ["It began so."]
    assert opened(server) == []


async def test_where_no_thread_may_be_made_none_is_offered(server: DiscordServer, tmp_path: Path) -> None:
    ada = server.user("ada")
    guild = server.guild("Home", members=[ada])
    shut = server.channel(guild, "shut")
    server.permit(shut, guild, deny=Permission.CREATE_THREADS)
    dm = server.dm(ada)
    async with Town(tmp_path, threading, discord=server) as town:
        await mention(server, ada, shut, "hello")
        await ask(server, ada, dm, "hello")
        assert [offered(request) for request in town.model.requests] == [False, False]


async def test_on_slack_every_answer_is_in_the_thread_of_its_message(tmp_path: Path) -> None:
    async with SlackServer(pace=Pace(post_s=0.0)) as server:
        ada, _, general = at_home(server)
        async with Town(tmp_path, lambda _: say("Here."), slack=server) as town:
            ts = (await server.say(ada, general, f"<@{server.bot}> hello"))["ts"]
            await server.until(lambda: server.answers(general, ts))
            assert [message["thread_ts"] for message in server.answers(general, ts)] == [ts]
            assert not any(map(offered, town.model.requests)), "there is nothing to choose"
