"""What Discord's messages hold beside their text, and what stands around them: the model is told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.acceptance.on_discord import (
    answer,
    answered,
    ask,
    event_of,
    everything,
    mention,
    replies,
    rows,
    texts,
)
from tests.fakes.discord_server import DiscordServer
from tests.fakes.documents import pdf
from tests.fakes.town import Town, heard

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 64


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


# Files


async def test_a_text_file_is_read_and_others_are_named(server: DiscordServer, tmp_path: Path) -> None:
    ada = server.user("ada")
    dm = server.dm(ada)
    files = [
        ("notes.md", b"The treasure is under the oak.", "text/markdown"),
        ("letter.pdf", pdf(tmp_path, "The alarm code is 4711."), "application/pdf"),
        ("cyrillic.txt", "Ключ под ковром у двери.".encode("cp1251"), "text/plain"),
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
        ("notes.md", "The treasure is under the oak."),
        ("letter.pdf", "The alarm code is 4711."),
        ("cyrillic.txt", "Ключ под ковром у двери."),
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


# What is no text

POLL = {
    "question": {"text": "Where shall we eat?"},
    "answers": [
        {"answer_id": 1, "poll_media": {"text": "Pizza"}},
        {"answer_id": 2, "poll_media": {"text": "Sushi"}},
    ],
    "expiry": "2027-01-01T00:00:00+00:00",
    "allow_multiselect": False,
    "layout_type": 1,
    "results": {"is_finalized": False, "answer_counts": []},
}
STICKER = {"sticker_items": [{"id": "123", "name": "Party Cat", "format_type": 1}]}


async def test_a_message_without_text_is_told_of(server: DiscordServer, tmp_path: Path) -> None:
    ada = server.user("ada")
    dm, general = server.dm(ada), server.channel(server.guild("Home", members=[ada]), "general")
    async with Town(tmp_path, answer, discord=server) as town:
        assert await ask(server, ada, dm, "", more=STICKER) == "You said: (sticker: Party Cat)"
        assert "Where shall we eat?\n1. Pizza" in await ask(server, ada, dm, "", more={"poll": POLL})
        await mention(server, ada, general, "Hello")
        answered_to = server.messages(general)[-1]
        told = await ask(server, ada, general, "", reply_to=answered_to, more=STICKER)
        assert told == "You said: (sticker: Party Cat)"
        voice = ("voice-message.ogg", b"OggS", "audio/ogg")
        told = await ask(server, ada, dm, "", attachments=[voice], more={"flags": 1 << 13})
        assert "can't listen to voice messages" in told, "which is said once"
        await ask(server, ada, dm, "", attachments=[voice], more={"flags": 1 << 13})
    assert "voice message" in texts(town)[-1]


async def test_what_is_forwarded_is_read(server: DiscordServer, tmp_path: Path) -> None:
    ada = server.user("ada")
    dm = server.dm(ada)
    notes = server.world.attach(dm, [("notes.md", b"The treasure is under the oak.", "text/markdown")])
    snapshot = {
        "type": 0,
        "content": "The meeting is at noon.",
        "embeds": [],
        "attachments": [file.payload() for file in notes],
        "timestamp": "2026-01-01T00:00:00+00:00",
        "edited_timestamp": None,
        "mentions": [],
        "mention_roles": [],
        "flags": 0,
        "components": [],
    }
    forward = {
        "message_reference": {"type": 1, "channel_id": "1", "message_id": "2"},
        "message_snapshots": [{"message": snapshot}],
    }
    async with Town(tmp_path, answer, discord=server) as town:
        await server.say(ada, dm, "", more=forward)
        await server.until(lambda: "You said: (forwarded) The meeting is at noon." in replies(server, dm))
    assert "The treasure is under the oak." in everything(town)


@pytest.mark.parametrize("known", [True, False])
async def test_a_reply_shows_what_it_answers(server: DiscordServer, tmp_path: Path, known: bool) -> None:
    """Also to what has no text, and where Discord did not look it up."""
    ada, robot = server.user("ada"), server.user("newsbot", bot=True)
    general = server.channel(server.guild("Home", members=[ada, robot]), "general")
    embed = {"type": "rich", "title": "Launch moved", "description": "The launch is now on Friday."}
    alert = server.world.post(general, robot, "", embeds=[embed])
    place = {"type": 0, "message_id": str(alert.id), "channel_id": str(general.id)}
    more = {} if known else {"type": 19, "message_reference": place}
    async with Town(tmp_path, answer, discord=server) as town:
        call = f"{server.bot.mention} What does this mean?"
        await ask(server, ada, general, call, reply_to=alert if known else None, more=more)
    assert "now on Friday" in event_of(town.model.requests[0].messages[-1])["reply_to"]


async def test_a_reply_to_what_was_deleted_says_so(server: DiscordServer, tmp_path: Path) -> None:
    ada = server.user("ada")
    general = server.channel(server.guild("Home", members=[ada]), "general")
    async with Town(tmp_path, answer, discord=server) as town:
        gone = await server.say(ada, general, "soon gone")
        await server.delete(gone)
        assert (
            await ask(server, ada, general, f"{server.bot.mention} And?", reply_to=gone) == "You said: And?"
        )
    assert "deleted" in event_of(town.model.requests[0].messages[-1])["reply_to"]
    assert "soon gone" not in everything(town)


async def test_a_threads_first_line_is_what_it_began_with(server: DiscordServer, tmp_path: Path) -> None:
    ada, bob = server.user("ada"), server.user("bob", display="Bob")
    general = server.channel(server.guild("Home", members=[ada, bob]), "general")
    async with Town(tmp_path, answer, discord=server, run={"context_lines": 2}) as town:
        head = await server.say(bob, general, "The printer on floor 3 eats paper.")
        thread = server.thread(general, "printer", ada, message=head)
        for line in ("It ate mine", "And mine", "Mine, too"):
            await server.say(bob, thread, line)
        await mention(server, ada, thread, "What can we do?")
        first = event_of(town.model.requests[-1].messages[-1])["context"]
        await server.edit(head, "The printer on floor 4 eats paper.")
        for line in ("Still", "It does"):
            await server.say(bob, thread, line)
        await mention(server, ada, thread, "Anything?")
        second = event_of(town.model.requests[-1].messages[-1])["context"]
    assert first == ["Bob: The printer on floor 3 eats paper.", "Bob: And mine", "Bob: Mine, too"]
    assert second == ["Bob: The printer on floor 4 eats paper.", "Bob: Still", "Bob: It does"]


async def test_people_who_never_wrote_are_named(server: DiscordServer, tmp_path: Path) -> None:
    ada, bob = server.user("ada"), server.user("bob", display="Bob")
    guild = server.guild("Home", members=[ada, bob])
    general, crew = server.channel(guild, "general"), server.role(guild, "crew")
    words = f"{server.bot.mention} See {crew.mention} in {general.mention} at <t:1767225600:t>"
    embed = {"type": "rich", "description": f"Written by {bob.mention} <:party:5>"}
    async with Town(tmp_path, answer, discord=server):
        said = await ask(server, ada, general, words, more={"embeds": [embed]})
        assert said == (
            "You said: See @crew in #general at 2026-01-01 00:00 UTC\n(embed) Written by @Bob :party:"
        )
        await ask(server, ada, general, words, more={"embeds": [embed]})
    assert len(server.calls(f"GET /guilds/.*/members/{bob.id}")) == 1


async def test_notices_are_lines_of_their_channel(server: DiscordServer, tmp_path: Path) -> None:
    ada, bob = server.user("ada"), server.user("bob", display="Bob")
    general = server.channel(server.guild("Home", members=[ada, bob]), "general")
    async with Town(tmp_path, answer, discord=server) as town:
        await mention(server, ada, general, "Hello")
        server.world.post(general, bob, "", kind=7)
        await mention(server, ada, general, "Who is new?")
    assert "Bob: (joined the server)" in event_of(town.model.requests[-1].messages[-1])["context"]
    assert texts(town) == ["Hello", "Who is new?"]
