"""Everbot on Discord: what people say and do there, and what comes of it.

Each story is checked over what was posted, and over every request to the model.
"""

from __future__ import annotations

import asyncio
import json
import re
import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from bot import bundle
from bot.cli import admin
from bot.ownership.export import FORMAT
from bot.ports import ModelReply, ModelRequest
from tests.fakes.clock import LeapingClock
from tests.fakes.discord_server import Channel, DiscordServer, Permission, User
from tests.fakes.parlour import is_summary, whole
from tests.fakes.scripted_model import calls, say
from tests.fakes.town import FAST, Town, heard

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 64


@pytest.fixture
async def server() -> AsyncIterator[DiscordServer]:
    async with DiscordServer(**FAST) as server:
        yield server


# The model: it repeats what it hears, notes what it is told to note, looks for what it is asked for.


def event_of(message: Any) -> dict[str, Any]:
    content = message["content"]
    fields: dict[str, Any] = json.loads(content if isinstance(content, str) else content[0]["text"])
    return fields


def news(request: ModelRequest) -> list[dict[str, Any]]:
    """The events that came after the model's last answer."""
    fresh: list[dict[str, Any]] = []
    for message in reversed(request.messages):
        if message["role"] == "assistant":
            break
        if message["role"] == "user":
            fresh.insert(0, event_of(message))
    return [event for event in fresh if event["type"] not in ("system_alert", "core_memory")]


def answer(request: ModelRequest) -> ModelReply:
    """``note …`` is kept in core and archival memory, ``find …`` is looked for, all else is repeated."""
    if is_summary(request):
        return ModelReply(text="They talked.")
    found = [m["content"] for m in request.messages if m["role"] == "tool"]
    if request.messages[-1]["role"] == "tool":
        return say(f"Found: {' '.join(found[-2:])}"[:1500])
    fresh = news(request)
    text = " | ".join(str(event["message"]) for event in fresh if event["type"] == "message")
    word, _, rest = text.partition(" ")
    if word == "note":
        return calls(
            ("core_memory_append", {"label": "human", "content": rest, "request_heartbeat": False}),
            ("archival_memory_insert", {"content": rest, "request_heartbeat": False}),
            ("send_message", {"message": "Noted."}),
        )
    if word == "find":
        where = {"query": rest, "page": 0, "request_heartbeat": True}
        return calls(("conversation_search", where), ("archival_memory_search", where))
    if all(event["type"] == "reaction" for event in fresh):
        return ModelReply(text="")  # nobody waits
    return say(f"You said: {text}")


# The people


def replies(server: DiscordServer, channel: Channel) -> list[str]:
    """What the bot has posted there."""
    return [message.content for message in server.messages(channel) if message.author is server.bot]


async def answered(server: DiscordServer, channel: Channel, count: int = 1) -> list[str]:
    """The bot's posts there, once there are so many."""
    await server.until(lambda: len(replies(server, channel)) >= count)
    return replies(server, channel)


async def ask(server: DiscordServer, user: User, channel: Channel, text: str, **more: Any) -> str:
    """Somebody says something, and is answered."""
    before = len(replies(server, channel))
    await server.say(user, channel, text, **more)
    return (await answered(server, channel, before + 1))[-1]


async def mention(server: DiscordServer, user: User, channel: Channel, text: str) -> str:
    return await ask(server, user, channel, f"{server.bot.mention} {text}")


def at(town: Town, place: str) -> list[ModelRequest]:
    """The requests of turns held in a place (empty: in a direct message)."""
    return [request for request in town.model.requests if heard(request).get("place", "") == place]


def seen(requests: Sequence[ModelRequest]) -> str:
    """All that the model was shown in these requests."""
    return "\n".join(map(whole, requests))


def everything(town: Town) -> str:
    return seen(town.model.requests)


def texts(town: Town) -> list[str]:
    """The message of every event that the model was shown, each once, in order."""
    shown = [m["content"] for r in town.model.requests for m in r.messages if m["role"] == "user"]
    events = [json.loads(text) for text in dict.fromkeys(shown)]
    return [event["message"] for event in events if event["type"] == "message"]


def rows(town: Town, query: str, *values: object) -> list[Any]:
    """What SQL says."""
    with closing(sqlite3.connect(town.settings.data_dir / "everbot.db")) as connection:
        return connection.execute(query, values).fetchall()


def without_content(town: Town) -> Town:
    """Configured not to ask for the privileged intent."""
    settings = town.settings
    modest = settings.discord.model_copy(update={"message_content": False})
    town.settings = settings.model_copy(update={"discord": modest})
    return town


async def come_true(condition: Any, seconds: float = 10.0) -> None:
    """For what only everbot knows, and the server does not."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


# First contact, and who hears what


async def test_a_stranger_is_told_of_once_and_before_the_first_message(
    server: DiscordServer, tmp_path: Path
) -> None:
    ada = server.user("ada", display="Ada")
    async with Town(tmp_path, answer, discord=server) as town:
        assert await ask(server, ada, server.dm(ada), "Hello there") == "You said: Hello there"
        assert await ask(server, ada, server.dm(ada), "Me again") == "You said: Me again"
    kinds = [event_of(m)["type"] for m in town.model.requests[-1].messages if m["role"] == "user"]
    assert kinds == ["user_joined", "message", "message"]
    assert "/privacy" in whole(town.model.requests[0])
    assert '\\"name\\": \\"Ada\\"' in whole(town.model.requests[0])


async def test_what_is_said_in_a_place_stays_there(server: DiscordServer, tmp_path: Path) -> None:
    ada = server.user("ada")
    dm = server.dm(ada)
    north = server.channel(server.guild("North", members=[ada]), "north")
    south = server.channel(server.guild("South", members=[ada]), "south")
    async with Town(tmp_path, answer, discord=server) as town:
        await ask(server, ada, dm, "note zebra DM-SECRET")
        await mention(server, ada, north, "note zebra NORTH-SECRET")
        await mention(server, ada, south, "note zebra SOUTH-SECRET")
        for place in (north, south):
            await mention(server, ada, place, "find zebra")
            await mention(server, ada, place, "What do you know of me?")
        everywhere = await ask(server, ada, dm, "find zebra")
        await ask(server, ada, dm, "What do you know of me?")
    for place, channel, own in (("#north", north, "NORTH"), ("#south", south, "SOUTH")):
        shown = seen(at(town, place)) + "\n".join(replies(server, channel))
        assert set(re.findall("[A-Z]+-SECRET", shown)) == {f"{own}-SECRET"}
    assert {"DM-SECRET", "NORTH-SECRET", "SOUTH-SECRET"} <= set(re.findall("[A-Z]+-SECRET", everywhere))
    assert "First contact" not in seen(at(town, "#north")) + seen(at(town, "#south"))  # they have met


async def test_a_closed_channel_and_its_threads_are_places_of_their_own(
    server: DiscordServer, tmp_path: Path
) -> None:
    ada = server.user("ada")
    guild = server.guild("Home", members=[ada])
    general = server.channel(guild, "general")
    staff = server.channel(guild, "staff", private_to=[ada, server.bot])
    cases = server.thread(staff, "cases", ada)
    cabal = server.thread(staff, "cabal", ada, private=True, members=[server.bot])
    async with Town(tmp_path, answer, discord=server) as town:
        await mention(server, ada, cabal, "note zebra CABAL-SECRET")
        await mention(server, ada, staff, "note zebra STAFF-SECRET")
        await mention(server, ada, cases, "note zebra CASES-SECRET")
        await mention(server, ada, general, "note zebra GENERAL-SECRET")
        for place in (general, staff, cases, cabal):
            await mention(server, ada, place, "find zebra")
    known = {
        "#general": {"GENERAL"},
        "#staff": {"GENERAL", "STAFF", "CASES"},
        "#cases": {"GENERAL", "STAFF", "CASES"},
        "#cabal": {"GENERAL", "CABAL"},
    }
    for channel in (general, staff, cases, cabal):
        shown = seen(at(town, f"#{channel.name}")) + "\n".join(replies(server, channel))
        assert set(re.findall("([A-Z]+)-SECRET", shown)) == known[f"#{channel.name}"], channel


async def test_a_channel_that_opens_keeps_what_was_said_behind_its_door(
    server: DiscordServer, tmp_path: Path
) -> None:
    ada = server.user("ada")
    guild = server.guild("Home", members=[ada])
    general = server.channel(guild, "general")
    staff = server.channel(guild, "staff", private_to=[ada, server.bot])
    async with Town(tmp_path, answer, discord=server, run={"context_lines": 0}) as town:
        await mention(server, ada, staff, "note zebra CLOSED-SECRET")
        server.permit(staff, guild, allow=Permission.VIEW)
        await mention(server, ada, staff, "note zebra OPEN-SECRET")
        await mention(server, ada, staff, "find zebra")
        await mention(server, ada, general, "find zebra")
    after = [r for r in at(town, "#staff") if "OPEN-SECRET" in whole(r)]
    assert len(after) >= 3
    assert "CLOSED-SECRET" not in seen(after)
    assert "OPEN-SECRET" in seen(at(town, "#general"))
    assert "CLOSED-SECRET" not in seen(at(town, "#general"))
    audiences = dict(rows(town, "SELECT text, audience FROM passages"))
    assert audiences["zebra CLOSED-SECRET"].startswith("place:")
    assert audiences["zebra OPEN-SECRET"].startswith("community:")


# When it speaks in a channel


async def test_in_a_channel_it_answers_who_speaks_to_it(server: DiscordServer, tmp_path: Path) -> None:
    ada = server.user("ada")
    general = server.channel(server.guild("Home", members=[ada]), "general")
    async with Town(tmp_path, answer, discord=server) as town:
        await server.say(ada, general, "Nice weather")
        assert await mention(server, ada, general, "Hello") == "You said: Hello"
        first = server.messages(general)[-1]
        assert first.reply_to is not None
        assert first.reply_to.content.endswith("Hello")
        assert await ask(server, ada, general, "Go on", reply_to=first) == "You said: Go on"
        assert await ask(server, ada, general, "Quietly", reply_to=first, ping=False) == "You said: Quietly"
    assert texts(town) == ["Hello", "Go on", "Quietly"]
    assert event_of(town.model.requests[1].messages[-1])["reply_to"] == "You said: Hello"
    assert server.pings == []


async def test_a_channel_may_be_free_of_mentions(server: DiscordServer, tmp_path: Path) -> None:
    ada = server.user("ada")
    guild = server.guild("Home", members=[ada])
    free, general = server.channel(guild, "free"), server.channel(guild, "general")
    async with Town(tmp_path, answer, discord=server, access={"free_response": [str(free.id)]}) as town:
        await server.say(ada, general, "Not for it")
        assert await ask(server, ada, free, "For it") == "You said: For it"
    assert texts(town) == ["For it"]


async def test_mentions_may_be_needless_everywhere(server: DiscordServer, tmp_path: Path) -> None:
    ada = server.user("ada")
    general = server.channel(server.guild("Home", members=[ada]), "general")
    thread = server.thread(general, "talk", ada)
    async with Town(tmp_path, answer, discord=server, access={"require_mention": False}):
        assert await ask(server, ada, general, "Hi") == "You said: Hi"
        assert await ask(server, ada, thread, "Hi too") == "You said: Hi too"


async def test_in_a_thread_whoever_called_it_is_followed(server: DiscordServer, tmp_path: Path) -> None:
    ada, bob = server.user("ada"), server.user("bob")
    general = server.channel(server.guild("Home", members=[ada, bob]), "general")
    thread = server.thread(general, "talk", ada, members=[bob])
    async with Town(tmp_path, answer, discord=server) as town:
        await server.say(ada, thread, "Too early")
        await mention(server, ada, thread, "Come in")
        await server.say(bob, thread, "Bob speaks with Ada")
        assert await ask(server, ada, thread, "Go on") == "You said: Go on"
        await server.say(ada, general, "But not here")
        await mention(server, bob, general, "The end")
    assert texts(town) == ["Come in", "Go on", "The end"]


async def test_without_the_content_intent_mentions_and_direct_messages_do(
    server: DiscordServer, tmp_path: Path
) -> None:
    ada = server.user("ada")
    general = server.channel(server.guild("Home", members=[ada]), "general")
    async with without_content(Town(tmp_path, answer, discord=server)) as town:
        await server.say(ada, general, "Not meant for it")
        assert await mention(server, ada, general, "Hello") == "You said: Hello"
        first = server.messages(general)[-1]
        assert await ask(server, ada, general, "Go on", reply_to=first) == "You said: Go on"
        await server.say(ada, general, "Unheard", reply_to=first, ping=False)
        assert await ask(server, ada, server.dm(ada), "Between us") == "You said: Between us"
    assert texts(town) == ["Hello", "Go on", "Between us"]
    assert "Not meant" not in everything(town)


async def test_two_people_at_once_have_an_agent_each(server: DiscordServer, tmp_path: Path) -> None:
    ada, bob = server.user("ada"), server.user("bob")
    general = server.channel(server.guild("Home", members=[ada, bob]), "general")
    async with Town(tmp_path, answer, discord=server) as town:
        await server.say(ada, general, f"{server.bot.mention} note zebra ADA-SECRET")
        await server.say(bob, general, f"{server.bot.mention} note zebra BOB-SECRET")
        await answered(server, general, 2)
        await mention(server, ada, general, "find zebra")
        await mention(server, bob, general, "find zebra")
    for name, own, other in (("ada", "ADA-SECRET", "BOB-SECRET"), ("bob", "BOB-SECRET", "ADA-SECRET")):
        mine = [r for r in town.model.requests if heard(r)["name"] == name]
        assert own in seen(mine)
        for request in mine:
            for message in request.messages:
                shown = event_of(message) if message["role"] == "user" else message
                # The channel's lines may show what the other said; nothing else may.
                assert other not in json.dumps({k: v for k, v in shown.items() if k != "context"})
    kept = rows(town, "SELECT a.user_id, m.text FROM messages m JOIN agents a ON a.id = m.key >> 32")
    owners = {text: user for user, text in kept if "SECRET" in text and text.startswith("note")}
    assert len(owners) == 2
    assert len(set(owners.values())) == 2


async def test_a_burst_is_one_turn(server: DiscordServer, tmp_path: Path) -> None:
    ada = server.user("ada")
    dm = server.dm(ada)
    async with Town(tmp_path, answer, discord=server, agent={"debounce_s": 0.3}) as town:
        for line in ("One", "two", "three"):
            await server.say(ada, dm, line)
        assert await answered(server, dm) == ["You said: One | two | three"]
        assert await ask(server, ada, dm, "Four") == "You said: Four"
    assert len(town.model.requests) == 2


async def test_the_lines_before_a_mention_are_shown_and_never_kept(
    server: DiscordServer, tmp_path: Path
) -> None:
    ada, bob = server.user("ada"), server.user("bob", display="Bob")
    general = server.channel(server.guild("Home", members=[ada, bob]), "general")
    await server.say(bob, general, "from before it came")
    async with Town(tmp_path, answer, discord=server, run={"context_lines": 2}) as town:
        await mention(server, ada, general, "What did he say?")
        for line in ("the cat sleeps", "the dog barks", "the walrus sings"):
            await server.say(bob, general, line)
        await mention(server, ada, general, "And now?")
        await mention(server, ada, general, "find walrus")
    first, second = (event_of(r.messages[-1]) for r in town.model.requests[:2])
    assert first["context"] == ["Bob: from before it came"]
    assert second["context"] == ["Bob: the dog barks", "Bob: the walrus sings"]
    assert rows(town, "SELECT text FROM messages WHERE text LIKE '%walrus sings%' AND author != 'ever'") == []
    assert rows(town, "SELECT count(*) FROM passages") == [(0,)]
    assert "sings" not in replies(server, general)[-1]


async def test_a_deleted_line_is_no_context(server: DiscordServer, tmp_path: Path) -> None:
    ada, bob = server.user("ada"), server.user("bob")
    general = server.channel(server.guild("Home", members=[ada, bob]), "general")
    async with Town(tmp_path, answer, discord=server) as town:
        await mention(server, ada, general, "Hello")
        regretted = await server.say(bob, general, "I should not have said REGRET")
        mended = await server.say(bob, general, "The key is under the OLD mat")
        await server.delete(regretted)
        await server.edit(mended, "The key is under the NEW mat")
        await mention(server, ada, general, "What did he say?")
    assert "REGRET" not in everything(town)
    assert "OLD mat" not in everything(town)
    assert "NEW mat" in everything(town)


async def test_a_line_told_twice_is_shown_once(server: DiscordServer, tmp_path: Path) -> None:
    ada, bob = server.user("ada"), server.user("bob", display="Bob")
    general = server.channel(server.guild("Home", members=[ada, bob]), "general")
    async with Town(tmp_path, answer, discord=server) as town:
        await mention(server, ada, general, "Hello")
        line = await server.say(bob, general, "The cat sleeps")
        server.redeliver(line)
        await mention(server, ada, general, "What did he say?")
    assert event_of(town.model.requests[-1].messages[-1])["context"].count("Bob: The cat sleeps") == 1


# Long answers


def long_answer() -> str:
    code = "\n".join(f"    print({number}, 'line {number} of the program')" for number in range(60))
    part = f"Here is a part of it. Tell @everyone and @here.\n\n```python\ndef part():\n{code}\n```\n\n"
    return (part * 20)[:20_000].rsplit("\n", 1)[0] + "\n```\nThe end."


async def test_a_long_answer_comes_whole_in_parts_and_rings_nobody(
    server: DiscordServer, tmp_path: Path
) -> None:
    ada, bob = server.user("ada"), server.user("bob")
    guild = server.guild("Home", members=[ada, bob])
    general = server.channel(guild, "general")
    crew = server.role(guild, "crew", mentionable=True)
    server.join(guild, bob, [crew])
    text = f"{bob.mention} {crew.mention} @everyone\n{long_answer()}"

    def lecture(request: ModelRequest) -> ModelReply:
        return say(text) if news(request)[-1]["message"] == "Explain" else say("That was all.")

    async with Town(tmp_path, lecture, discord=server):
        await server.say(ada, general, f"{server.bot.mention} Explain")
        await server.until(
            lambda: replies(server, general)[-1:] and "The end." in replies(server, general)[-1]
        )
        parts = replies(server, general)
        await mention(server, ada, general, "Thanks")
    assert len(text) > 19_900
    assert len(parts) >= 10
    assert all(0 < len(part) <= 2000 for part in parts)
    assert all(len(re.findall("^```", part, re.MULTILINE)) % 2 == 0 for part in parts)

    def bare(said: str) -> str:
        return re.sub(r"```(python)?|\s", "", said)

    assert bare("".join(parts)) == bare(text)
    assert server.pings == []


# Files


async def test_a_text_file_is_read_and_others_are_named(server: DiscordServer, tmp_path: Path) -> None:
    ada = server.user("ada")
    dm = server.dm(ada)
    files = [
        ("notes.md", b"The treasure is under the oak.", "text/markdown"),
        ("song.mp3", b"\xff\xfb" * 50, "audio/mpeg"),
        ("huge.txt", b"x" * 1_500_000, "text/plain"),
        ("photo.png", PNG, "image/png"),
    ]
    async with Town(tmp_path, answer, discord=server) as town:
        await server.say(ada, dm, "Look at these", attachments=files)
        await server.until(lambda: any("Look at these" in text for text in replies(server, dm)))
        await ask(server, ada, dm, "That is all")
    shown = [event_of(m) for m in town.model.requests[-1].messages if m["role"] == "user"]
    documents = [event for event in shown if event["type"] == "document_uploaded"]
    assert [(d["document"], d["message"]) for d in documents] == [
        ("notes.md", "The treasure is under the oak.")
    ]
    told = next(event for event in shown if event.get("message") == "Look at these")
    assert [a["name"] for a in told["attachments"]] == ["song.mp3", "huge.txt", "photo.png"]
    assert "image_url" not in everything(town)
    assert "xxxxxxxx" not in everything(town)


async def test_an_image_is_shown_to_a_model_that_sees(server: DiscordServer, tmp_path: Path) -> None:
    ada = server.user("ada")
    dm = server.dm(ada)
    files = [("photo.png", PNG, "image/png"), ("poster.png", PNG + b"0" * 5_000_000, "image/png")]
    async with Town(tmp_path, answer, discord=server, model={"vision": True}) as town:
        await ask(server, ada, dm, "Hello")
        await ask(server, ada, dm, "What is that?", attachments=files)
    content = town.model.requests[-1].messages[-1]["content"]
    assert [part["type"] for part in content] == ["text", "image_url"]
    assert content[1]["image_url"]["url"].startswith("data:image/png;base64,iVBORw0KGgo")
    assert [a["name"] for a in json.loads(content[0]["text"])["attachments"]] == ["photo.png", "poster.png"]


async def test_an_image_may_be_the_first_thing_they_send(server: DiscordServer, tmp_path: Path) -> None:
    ada = server.user("ada")
    photo = ("photo.png", PNG, "image/png")
    async with Town(tmp_path, answer, discord=server, model={"vision": True}) as town:
        await ask(server, ada, server.dm(ada), "What is that?", attachments=[photo])
    assert "data:image/png;base64," in everything(town)


async def test_a_file_that_cannot_be_read_is_named(server: DiscordServer, tmp_path: Path) -> None:
    ada = server.user("ada")
    dm = server.dm(ada)
    async with Town(tmp_path, answer, discord=server) as town:
        gone = server.world.attach(dm, [("notes.txt", b"gone", "text/plain")])
        server.world.files.clear()
        server.world.post(dm, ada, "Read this", attachments=gone)
        await answered(server, dm)
    event = heard(town.model.requests[-1])
    assert (event["message"], [a["name"] for a in event["attachments"]]) == ("Read this", ["notes.txt"])


async def test_files_in_a_free_channel_are_read(server: DiscordServer, tmp_path: Path) -> None:
    ada = server.user("ada")
    free = server.channel(server.guild("Home", members=[ada]), "free")
    file = ("notes.md", b"The treasure is under the oak.", "text/markdown")
    async with Town(tmp_path, answer, discord=server, access={"free_response": [str(free.id)]}) as town:
        await server.say(ada, free, "Look at this", attachments=[file])
        await server.until(lambda: any("Look at this" in text for text in replies(server, free)))
        await ask(server, ada, free, "That is all")
    assert "The treasure is under the oak." in everything(town)


# Second thoughts


async def test_a_message_may_be_mended_before_it_is_thought_about(
    server: DiscordServer, tmp_path: Path
) -> None:
    ada = server.user("ada")
    dm = server.dm(ada)
    async with Town(tmp_path, answer, discord=server, agent={"debounce_s": 0.8}) as town:
        first = await server.say(ada, dm, "The WRONG word")
        second = await server.say(ada, dm, "Better UNSAID")
        await come_true(lambda: len(rows(town, "SELECT 1 FROM inbox")) == 3)
        await server.edit(first, "The right word")
        await server.delete(second)
        await answered(server, dm)
        await town.app.inbound.settled()
    assert replies(server, dm) == ["You said: The right word"]
    assert "WRONG" not in everything(town)
    assert "UNSAID" not in everything(town)
    assert "UNSAID" not in "\n".join(map(str, rows(town, "SELECT * FROM messages")))
    assert "UNSAID" not in "\n".join(map(str, rows(town, "SELECT * FROM inbox")))


@pytest.mark.parametrize("deleted", [False, True])
async def test_a_turn_that_has_said_nothing_begins_anew(
    server: DiscordServer, tmp_path: Path, deleted: bool
) -> None:
    ada = server.user("ada")
    dm = server.dm(ada)

    async def ponder(request: ModelRequest) -> ModelReply:
        if "WRONG" in whole(request):
            await asyncio.Event().wait()
        return answer(request)

    async with Town(tmp_path, ponder, discord=server) as town:
        message = await server.say(ada, dm, "The WRONG word")
        await come_true(lambda: town.model.requests)
        if deleted:
            await server.delete(message)
        else:
            await server.edit(message, "The right word")
            assert await answered(server, dm) == ["You said: The right word"]
        await town.app.inbound.settled()
        assert await ask(server, ada, dm, "Next") == "You said: Next"
    assert "WRONG" not in seen(town.model.requests[1:])
    assert "WRONG" not in str(rows(town, "SELECT text, rendered FROM messages"))
    assert "WRONG" not in str(replies(server, dm))


def reticent(request: ModelRequest) -> ModelReply:
    """Looks for what it is asked for, and never repeats what it was told."""
    made = answer(request)
    searched = request.messages[-1]["role"] == "tool"
    return made if searched or made.calls[0].name != "send_message" else say("I see.")


async def test_memory_follows_an_edit_and_a_deletion_after_the_turn(
    server: DiscordServer, tmp_path: Path
) -> None:
    ada = server.user("ada")
    general = server.channel(server.guild("Home", members=[ada]), "general")
    async with Town(tmp_path, reticent, discord=server, run={"context_lines": 0}) as town:
        await mention(server, ada, general, "My cat is called OLDNAME")
        mended = server.messages(general)[-2]
        await mention(server, ada, general, "My secret is REGRET")
        regretted = server.messages(general)[-2]
        await server.edit(mended, f"{server.bot.mention} My cat is called NEWNAME")
        await server.delete(regretted)
        before = len(town.model.requests)
        found = await mention(server, ada, general, "find cat secret")
        shown = seen(town.model.requests[before:])
    assert "My cat is called NEWNAME" in shown
    assert "NEWNAME" in found
    kept = str(rows(town, "SELECT text, rendered FROM messages"))
    assert "NEWNAME" in kept
    for gone in ("OLDNAME", "REGRET"):
        assert gone not in shown + kept + str(rows(town, "SELECT payload FROM inbox"))
    assert len(replies(server, general)) == 3


async def test_a_preview_is_no_edit(server: DiscordServer, tmp_path: Path) -> None:
    ada = server.user("ada")
    dm = server.dm(ada)
    async with Town(tmp_path, answer, discord=server) as town:
        await ask(server, ada, dm, "See https://example.org")
        before = rows(town, "SELECT text, rendered FROM messages")
        server.unfurl(server.messages(dm)[0])
        await ask(server, ada, dm, "Nice, is it?")
    assert rows(town, "SELECT text, rendered FROM messages")[: len(before)] == before
    assert len(town.model.requests) == 2


async def test_a_reaction_reaches_whose_answer_it_is_on(server: DiscordServer, tmp_path: Path) -> None:
    ada, bob = server.user("ada", display="Ada"), server.user("bob")
    general = server.channel(server.guild("Home", members=[ada, bob]), "general")
    async with Town(tmp_path, answer, discord=server) as town:
        await mention(server, bob, general, "Hi")
        to_bob = server.messages(general)[-1]
        await mention(server, ada, general, "Hello")
        hers, to_ada = server.messages(general)[-2:]
        await town.app.inbound.settled()
        await server.react(ada, hers, "🙈")
        await server.react(ada, to_bob, "🙉")
        await server.react(ada, to_ada, "🎉")
        await come_true(lambda: "🎉" in everything(town))
        await mention(server, bob, general, "Bye")
    reasons = [heard(r).get("reason") for r in town.model.requests if heard(r)["type"] == "reaction"]
    assert reasons == ["Ada reacted with 🎉 to your message."]
    assert "🙈" not in everything(town)
    assert "🙉" not in everything(town)
    assert "🎉" not in seen([r for r in town.model.requests if heard(r)["name"] == "bob"])
    assert len(replies(server, general)) == 3


# Commands


async def test_every_command_is_a_slash_command(server: DiscordServer, tmp_path: Path) -> None:
    ada = server.user("ada")
    async with Town(tmp_path, answer, discord=server) as town:
        registered = {command["name"] for command in server.world.commands[None]}
        assert registered == {spec.name for spec in town.app.inbound.commands if not spec.local}
        assert {
            "memory",
            "forget",
            "export",
            "privacy",
            "whoami",
            "stop",
            "help",
            "link",
            "unlink",
        } <= registered
        used = await server.slash(ada, server.dm(ada), "whoami")
        assert f"discord:{ada.id}" in used.text
        assert used.ephemeral
        assert "/memory" in (await server.slash(ada, server.dm(ada), "help")).text
        assert "kept" in (await server.slash(ada, server.dm(ada), "privacy")).text
    assert town.model.requests == []
    before = len(server.calls("PUT /applications/.*/commands"))
    async with town:
        assert len(server.calls("PUT /applications/.*/commands")) == before


async def test_memory_is_read_edited_and_deleted_where_it_was_learned(
    server: DiscordServer, tmp_path: Path
) -> None:
    ada = server.user("ada")
    dm = server.dm(ada)
    general = server.channel(server.guild("Home", members=[ada]), "general")
    async with Town(tmp_path, answer, discord=server) as town:
        await ask(server, ada, dm, "note PRIVATE-FACT")
        await mention(server, ada, general, "note PUBLIC-FACT")
        used = await server.slash(ada, general, "memory")
        assert used.ephemeral
        assert "PUBLIC-FACT" in used.text
        assert "PRIVATE-FACT" not in used.text
        used = await server.slash(ada, dm, "memory")
        assert used.ephemeral
        assert {"PRIVATE-FACT", "PUBLIC-FACT"} <= set(re.findall("[A-Z]+-FACT", used.text))
        form = await used.press("everbot memory edit human")
        assert form.modal is not None
        sent = await form.submit({"value": "Ada is a fine person."})
        assert "Ada is a fine person." in sent.text
        assert sent.ephemeral
        listed = await used.press("everbot memory notes")
        uid = re.findall(r"PRIVATE-FACT\n-# (\w{8})", listed.text)[0]
        sure = await listed.press(f"everbot memory drop {uid}")
        dropped = await sure.press(f"everbot memory drop {uid} yes")
        assert "PRIVATE-FACT" in dropped.text
        await ask(server, ada, dm, "What do you hold?")
    assert "Ada is a fine person." in whole(town.model.requests[-1])
    assert rows(town, "SELECT text FROM passages") == [("PUBLIC-FACT",)]


async def test_what_no_dialog_can_hold_is_not_cut(server: DiscordServer, tmp_path: Path) -> None:
    ada = server.user("ada")
    dm = server.dm(ada)
    long = "fact " * 1000
    async with Town(tmp_path, answer, discord=server, agent={"block_limit": 6000}) as town:
        await ask(server, ada, dm, "Hello")
        changed = await server.slash(ada, dm, "memory", {"argument": f"set human {long}"})
        assert "now reads" in changed.text
        form = await server.slash(ada, dm, "memory", {"argument": "edit human"})
        if form.modal is not None:
            await form.submit({})
    assert [len(value) for (value,) in rows(town, "SELECT value FROM blocks WHERE label = 'human'")] == [
        len(long.strip())
    ]


async def test_forgetting_asks_first_and_leaves_nothing(server: DiscordServer, tmp_path: Path) -> None:
    ada, bob = server.user("ada"), server.user("bob")
    dm = server.dm(ada)
    general = server.channel(server.guild("Home", members=[ada, bob]), "general")
    async with Town(tmp_path, answer, discord=server, run={"context_lines": 0}) as town:
        await ask(server, ada, dm, "note DM-SECRET")
        await mention(server, ada, general, "note GUILD-SECRET")
        await mention(server, bob, general, "note BOB-FACT")
        used = await server.slash(ada, dm, "forget")
        assert used.ephemeral
        assert "SECRET" in str(rows(town, "SELECT text FROM messages"))
        used = await used.press("everbot forget yes")
        assert "Forgotten" in used.text
        for table in ("messages", "inbox", "outbox", "blocks", "block_history", "passages", "summaries"):
            assert "SECRET" not in str(rows(town, f"SELECT * FROM {table}")), table  # noqa: S608
        before = len(town.model.requests)
        await ask(server, ada, dm, "Who am I?")
        assert "First contact" in whole(town.model.requests[-1])
        assert "SECRET" not in seen(town.model.requests[before:])
    assert "BOB-FACT" in str(rows(town, "SELECT text FROM passages"))


async def test_what_was_forgotten_does_not_come_back_with_a_restart(
    server: DiscordServer, tmp_path: Path
) -> None:
    ada, bob = server.user("ada"), server.user("bob")
    general = server.channel(server.guild("Home", members=[ada, bob]), "general")
    async with Town(tmp_path, answer, discord=server) as town:
        await mention(server, ada, general, "note GUILD-SECRET")
        await (await server.slash(ada, server.dm(ada), "forget")).press("everbot forget yes")
        await ask(server, bob, server.dm(bob), "Hello")
    async with town:
        await server.until(lambda: server.identifies == 2)
        await mention(server, bob, general, "Anything new?")
        await town.app.inbound.settled()
    assert replies(server, general) == ["Noted.", "You said: Anything new?"]
    assert "SECRET" not in str(rows(town, "SELECT text FROM messages"))


async def test_all_that_may_be_seen_can_be_taken_away(server: DiscordServer, tmp_path: Path) -> None:
    ada = server.user("ada")
    dm = server.dm(ada)
    general = server.channel(server.guild("Home", members=[ada]), "general")
    async with Town(tmp_path, answer, discord=server):
        await ask(server, ada, dm, "note PRIVATE-FACT")
        await mention(server, ada, general, "note PUBLIC-FACT")
        here = await server.slash(ada, general, "export")
        all_of_it = await server.slash(ada, dm, "export")
    assert here.ephemeral
    assert here.response is not None
    assert all_of_it.response is not None
    public, private = (
        bundle.canonical(bundle.unpack([used.response.attachments[0].data], FORMAT)[1])
        for used in (here, all_of_it)
        if used.response is not None
    )
    assert "PUBLIC-FACT" in public
    assert "PRIVATE-FACT" not in public
    assert "PRIVATE-FACT" in private


async def test_stop_ends_the_turn_of_whoever_says_so(server: DiscordServer, tmp_path: Path) -> None:
    ada, bob = server.user("ada"), server.user("bob")
    general = server.channel(server.guild("Home", members=[ada, bob]), "general")
    patience = asyncio.Event()

    async def ponder(request: ModelRequest) -> ModelReply:
        await patience.wait()
        return answer(request)

    async with Town(tmp_path, ponder, discord=server) as town:
        await server.say(ada, general, f"{server.bot.mention} Think about it")
        await server.say(bob, general, f"{server.bot.mention} Think about that")
        await come_true(lambda: len(town.model.requests) == 2)
        used = await server.slash(ada, general, "stop")
        assert used.ephemeral
        assert await answered(server, general) == ["Stopped."]
        patience.set()
        assert await answered(server, general, 2) == ["Stopped.", "You said: Think about that"]


async def test_a_button_outlives_the_program(server: DiscordServer, tmp_path: Path) -> None:
    ada = server.user("ada")
    dm = server.dm(ada)
    town = Town(tmp_path, answer, discord=server)
    async with town:
        await ask(server, ada, dm, "note a FACT")
        overview = await server.slash(ada, dm, "memory")
        question = await server.slash(ada, dm, "forget")
    async with town:
        form = await overview.press("everbot memory edit human")
        assert form.modal is not None
        assert "a FACT" in json.dumps(form.modal)
        assert "Forgotten" in (await question.press("everbot forget yes")).text


async def test_a_command_of_a_slow_moment_is_announced_in_time(server: DiscordServer, tmp_path: Path) -> None:
    ada = server.user("ada")
    dm = server.dm(ada)
    async with Town(tmp_path, answer, discord=server):
        await ask(server, ada, dm, "Hello")
        with closing(sqlite3.connect(tmp_path / "everbot.db", isolation_level=None)) as db:
            db.execute("BEGIN IMMEDIATE")  # nobody else can write meanwhile
            used = await server.slash(ada, dm, "memory", {"argument": "set human Ada is patient"})
            assert used.deferred
            assert used.messages == []
        await server.until(lambda: "Ada is patient" in used.text)
        assert used.ephemeral
        assert not used.late


async def test_a_command_that_comes_too_late_harms_nobody(tmp_path: Path) -> None:
    async with DiscordServer(**FAST, answer_s=0.5) as server:
        ada = server.user("ada")
        dm = server.dm(ada)
        async with Town(tmp_path, answer, discord=server):
            server.refuse("POST /interactions/.*/callback", 404, 10062)
            used = await server.slash(ada, dm, "whoami")
            assert used.late
            assert f"discord:{ada.id}" in (await server.slash(ada, dm, "whoami")).text


# Who may talk


async def test_strangers_may_be_kept_out_of_direct_messages(server: DiscordServer, tmp_path: Path) -> None:
    ada, bob = server.user("ada"), server.user("bob")
    general = server.channel(server.guild("Home", members=[ada, bob]), "general")
    rules = {"dm_policy": "allowlist", "people": [f"discord:{ada.id}"]}
    async with Town(tmp_path, answer, discord=server, access=rules) as town:
        await server.say(bob, server.dm(bob), "Let me in")
        refused = await server.slash(bob, server.dm(bob), "whoami")
        assert "may not" in refused.text
        assert await ask(server, ada, server.dm(ada), "Hello") == "You said: Hello"
        await mention(server, bob, general, "Here I may")
    assert texts(town) == ["Hello", "Here I may"]
    assert replies(server, server.dm(bob)) == []


async def test_direct_messages_may_be_off(server: DiscordServer, tmp_path: Path) -> None:
    ada = server.user("ada")
    general = server.channel(server.guild("Home", members=[ada]), "general")
    async with Town(tmp_path, answer, discord=server, access={"dm_policy": "disabled"}) as town:
        await server.say(ada, server.dm(ada), "Hello?")
        await mention(server, ada, general, "Then here")
    assert texts(town) == ["Then here"]
    assert replies(server, server.dm(ada)) == []


async def test_a_stranger_is_let_in_by_a_code(server: DiscordServer, tmp_path: Path) -> None:
    ada = server.user("ada")
    dm = server.dm(ada)
    async with Town(tmp_path, answer, discord=server, access={"dm_policy": "pairing"}) as town:
        shown = await ask(server, ada, dm, "Hello")
        code = re.findall(r"everbot pair ([A-Z0-9]{4}-[A-Z0-9]{4})", shown)[0]
        assert town.model.requests == []
        assert await admin.pair(town.settings, "AAAA-AAAA") == 1
        assert code in await ask(server, ada, dm, "Please?")
        assert await admin.pair(town.settings, code.lower()) == 0
        assert await ask(server, ada, dm, "Now?") == "You said: Now?"
        assert await admin.pair(town.settings, code) == 1
    assert texts(town) == ["Now?"]


async def test_a_stranger_with_a_file_is_shown_the_code_once(server: DiscordServer, tmp_path: Path) -> None:
    ada = server.user("ada")
    dm = server.dm(ada)
    file = ("notes.md", b"The treasure is under the oak.", "text/markdown")
    async with Town(tmp_path, answer, discord=server, access={"dm_policy": "pairing"}):
        await server.say(ada, dm, "Hello", attachments=[file])
        await answered(server, dm)
        used = await server.slash(ada, dm, "whoami")
        assert "everbot pair" in used.text
        await ask(server, ada, dm, "Hello again")
    assert len(replies(server, dm)) == 2


async def test_the_denied_are_not_heard(server: DiscordServer, tmp_path: Path) -> None:
    ada, eve = server.user("ada"), server.user("eve")
    guild = server.guild("Home", members=[ada, eve])
    general, quiet = server.channel(guild, "general"), server.channel(guild, "quiet")
    denied = {"denied": [f"discord:{eve.id}", str(quiet.id)]}
    async with Town(tmp_path, answer, discord=server, access=denied) as town:
        await server.say(eve, server.dm(eve), "Psst")
        await server.say(eve, general, f"{server.bot.mention} Psst")
        await server.say(ada, quiet, f"{server.bot.mention} Anybody?")
        await mention(server, ada, general, "Hello")
    assert texts(town) == ["Hello"]
    assert replies(server, quiet) == replies(server, server.dm(eve)) == []


async def test_channels_and_roles_may_be_chosen(server: DiscordServer, tmp_path: Path) -> None:
    ada, bob = server.user("ada"), server.user("bob")
    guild = server.guild("Home", members=[bob])
    friends = server.role(guild, "friends")
    server.join(guild, ada, [friends])
    chosen, other = server.channel(guild, "chosen"), server.channel(guild, "other")
    thread = server.thread(chosen, "talk", ada)
    rules = {"channels": [str(chosen.id)], "roles": [str(friends.id)]}
    async with Town(tmp_path, answer, discord=server, access=rules) as town:
        await server.say(ada, other, f"{server.bot.mention} In the wrong place")
        await server.say(bob, chosen, f"{server.bot.mention} Without the role")
        await mention(server, ada, chosen, "Hello")
        await mention(server, ada, thread, "In its thread")
    assert texts(town) == ["Hello", "In its thread"]
    assert replies(server, other) == []


async def test_bots_are_not_answered(server: DiscordServer, tmp_path: Path) -> None:
    ada, robot = server.user("ada"), server.user("robot", bot=True)
    general = server.channel(server.guild("Home", members=[ada, robot]), "general")
    async with Town(tmp_path, answer, discord=server) as town:
        await server.say(robot, general, f"{server.bot.mention} Beep")
        await mention(server, ada, general, "Hello")
    assert texts(town) == ["Hello"]


async def test_two_bots_do_not_talk_for_ever(server: DiscordServer, tmp_path: Path) -> None:
    ada, robot = server.user("ada"), server.user("robot", bot=True)
    general = server.channel(server.guild("Home", members=[ada, robot]), "general")
    async with Town(tmp_path, answer, discord=server, access={"bots": True}) as town:
        for number in range(25):
            await server.say(robot, general, f"{server.bot.mention} Beep {number}")
        await mention(server, ada, general, "Is it quiet now?")
        await town.app.inbound.settled()
    said = "\n".join(replies(server, general))
    assert [number for number in range(25) if re.search(rf"\bBeep {number}\b", said)] == list(range(20))


async def test_who_writes_too_fast_is_told_so_once(server: DiscordServer, tmp_path: Path) -> None:
    ada, bob = server.user("ada"), server.user("bob")
    async with Town(tmp_path, answer, discord=server, limits={"messages_per_minute": 3}) as town:
        for number in range(8):
            await server.say(ada, server.dm(ada), f"Quick {number}")
        await server.until(lambda: any("faster" in text for text in replies(server, server.dm(ada))))
        assert await ask(server, bob, server.dm(bob), "Hello") == "You said: Hello"
        await town.app.inbound.settled()
    assert [text for text in texts(town) if text.startswith("Quick")] == ["Quick 0", "Quick 1", "Quick 2"]
    assert sum("faster" in text for text in replies(server, server.dm(ada))) == 1


async def test_what_is_told_again_is_not_counted_again(server: DiscordServer, tmp_path: Path) -> None:
    ada = server.user("ada")
    dm = server.dm(ada)
    async with Town(tmp_path, answer, discord=server, limits={"messages_per_minute": 3}):
        await ask(server, ada, dm, "One")
        for _ in range(5):
            server.redeliver(server.messages(dm)[0])
        assert await ask(server, ada, dm, "Two") == "You said: Two"


@pytest.mark.parametrize("limit", ["user_tokens_per_day", "tokens_per_day"])
async def test_a_day_has_so_many_tokens(server: DiscordServer, tmp_path: Path, limit: str) -> None:
    ada, bob = server.user("ada"), server.user("bob")
    dm = server.dm(ada)
    async with Town(tmp_path, answer, discord=server, limits={limit: 150}) as town:
        await ask(server, ada, dm, "One")
        await ask(server, ada, dm, "Two")
        assert "tomorrow" in await ask(server, ada, dm, "Three")
        await server.say(ada, dm, "Four")
        theirs = await ask(server, bob, server.dm(bob), "And I?")
        assert ("tomorrow" in theirs) == (limit == "tokens_per_day")
        assert (await server.slash(ada, dm, "whoami")).text
    assert [text for text in texts(town) if text != "And I?"] == ["One", "Two"]
    assert sum("tomorrow" in text for text in replies(server, dm)) == 1


@pytest.mark.parametrize("way", ["forget", "pop"])
async def test_a_days_limit_does_not_begin_anew_by_forgetting(
    server: DiscordServer, tmp_path: Path, way: str
) -> None:
    ada, clock = server.user("ada"), LeapingClock()
    dm, limits = server.dm(ada), {"user_tokens_per_day": 150}
    async with Town(tmp_path, answer, discord=server, limits=limits, clock=clock):
        await ask(server, ada, dm, "One")
        await ask(server, ada, dm, "Two")
        done = await server.slash(ada, dm, way)
        if way == "forget":
            await done.press("everbot forget yes")
        assert "tomorrow" in await ask(server, ada, dm, "Three")
        clock.advance(86_400)
        assert await ask(server, ada, dm, "Four") == "You said: Four"


# One person, two accounts


def code_in(text: str) -> str:
    return re.findall(r"[A-Z0-9]{4}-[A-Z0-9]{4}", text)[0]


async def link(server: DiscordServer, one: User, other: User) -> str:
    """Both sides do all that linking takes; what the last answer says."""
    shown = await server.slash(one, server.dm(one), "link")
    assert shown.ephemeral
    entered = await server.slash(other, server.dm(other), "link", {"argument": code_in(shown.text)})
    assert one.name in entered.text
    agreed = await entered.press(f"everbot link yes {code_in(shown.text)}")
    assert "link confirm" in agreed.text
    waiting = await server.slash(one, server.dm(one), "link")
    assert other.name in waiting.text
    return (await waiting.press("everbot link confirm")).text


async def test_linked_accounts_are_one_person(server: DiscordServer, tmp_path: Path) -> None:
    home, work = server.user("ada"), server.user("ada-at-work")
    office = server.channel(server.guild("Office", members=[work]), "office")
    async with Town(tmp_path, answer, discord=server) as town:
        await ask(server, home, server.dm(home), "note zebra HOME-FACT")
        await ask(server, work, server.dm(work), "note zebra WORK-FACT")
        await mention(server, work, office, "note zebra OFFICE-FACT")
        assert "Linked" in await link(server, home, work)
        before = len(town.model.requests)
        for account in (home, work):
            found = await ask(server, account, server.dm(account), "find zebra")
            facts = {"HOME-FACT", "WORK-FACT", "OFFICE-FACT"}
            assert facts <= set(re.findall("[A-Z]+-FACT", found))
            assert facts <= set(re.findall("[A-Z]+-FACT", str(town.model.requests[-1].messages[0])))
        await mention(server, work, office, "find zebra")
    in_office = seen([r for r in town.model.requests[before:] if heard(r).get("place") == "#office"])
    assert set(re.findall("[A-Z]+-FACT", in_office)) == {"OFFICE-FACT"}
    assert len(rows(town, "SELECT id FROM agents")) == 1


async def test_an_unlinked_account_starts_anew(server: DiscordServer, tmp_path: Path) -> None:
    home, work = server.user("ada"), server.user("ada-at-work")
    async with Town(tmp_path, answer, discord=server) as town:
        await ask(server, home, server.dm(home), "note zebra HOME-FACT")
        await ask(server, work, server.dm(work), "note zebra WORK-FACT")
        await link(server, home, work)
        question = await server.slash(work, server.dm(work), "unlink")
        assert "Unlinked" in (await question.press("everbot unlink yes")).text
        before = len(town.model.requests)
        await ask(server, work, server.dm(work), "find zebra")
        fresh = seen(town.model.requests[before:])
        assert "First contact" in fresh
        assert "FACT" not in fresh
        kept = await ask(server, home, server.dm(home), "find zebra")
    assert {"HOME-FACT", "WORK-FACT"} <= set(re.findall("[A-Z]+-FACT", kept))


async def test_no_code_links_by_mistake(server: DiscordServer, tmp_path: Path) -> None:
    ada, bob, eve = server.user("ada"), server.user("bob"), server.user("eve")
    general = server.channel(server.guild("Home", members=[ada, bob]), "general")
    async with Town(tmp_path, answer, discord=server) as town:
        await ask(server, ada, server.dm(ada), "Hello")

        async def enter(user: User, argument: str) -> str:
            return (await server.slash(user, server.dm(user), "link", {"argument": argument})).text

        assert "direct message" in (await server.slash(ada, general, "link")).text
        code = code_in((await server.slash(ada, server.dm(ada), "link")).text)
        assert "not known" in await enter(bob, "AAAA-AAAA")
        assert "your own" in await enter(ada, code)
        assert "nothing to confirm" in await enter(ada, "confirm")
        assert "nothing to confirm" in await enter(bob, "confirm")
        await enter(bob, code)
        assert "nothing to confirm" in await enter(ada, "confirm")  # he has not said yes
        await enter(bob, f"yes {code}")
        assert "another account" in await enter(eve, code)
        assert "Nothing was linked" in await enter(ada, "cancel")
        assert "nothing to confirm" in await enter(ada, "confirm")
        old = code_in((await server.slash(ada, server.dm(ada), "link")).text)
        with closing(sqlite3.connect(tmp_path / "everbot.db")) as db, db:
            db.execute("UPDATE codes SET expires_at = expires_at - 11 * 60 * 1000000")
        assert "older than ten minutes" in await enter(bob, old)
    assert len(rows(town, "SELECT DISTINCT user_id FROM accounts")) >= 2


async def test_an_answer_needs_no_history(server: DiscordServer, tmp_path: Path) -> None:
    """Where the bot may write but not read what was said before, Discord refuses replies to a message."""
    ada = server.user("ada")
    guild = server.guild("Home", members=[ada])
    general = server.channel(guild, "general")
    server.permit(general, server.bot, deny=Permission.READ_HISTORY)
    async with Town(tmp_path, answer, discord=server):
        assert await mention(server, ada, general, "Hello") == "You said: Hello"
