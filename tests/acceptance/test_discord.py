"""Everbot on Discord: who is heard where, and answered how.

Each story is checked over what was posted, and over every request to the model.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from bot.ports import ModelReply, ModelRequest
from tests.acceptance.on_discord import (
    answer,
    answered,
    ask,
    at,
    come_true,
    event_of,
    everything,
    mention,
    news,
    replies,
    rows,
    seen,
    texts,
    without_content,
)
from tests.fakes.clock import WokenClock
from tests.fakes.discord_records import STAGE, VOICE
from tests.fakes.discord_server import Channel, DiscordServer, Permission, User
from tests.fakes.parlour import whole
from tests.fakes.scripted_model import say
from tests.fakes.town import Town, heard

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
    assert '\\"name\\":\\"Ada\\"' in whole(town.model.requests[0])


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


def two_channels(server: DiscordServer) -> tuple[User, Channel, Channel]:
    """Ada, her guild, a channel that everybody in it sees, and one that she and the bot see."""
    ada = server.user("ada")
    guild = server.guild("Home", members=[ada])
    general = server.channel(guild, "general")
    return ada, general, server.channel(guild, "staff", private_to=[ada, server.bot])


async def test_a_closed_channel_and_its_threads_are_places_of_their_own(
    server: DiscordServer, tmp_path: Path
) -> None:
    ada, general, staff = two_channels(server)
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
    ada, general, staff = two_channels(server)
    async with Town(tmp_path, answer, discord=server, run={"context_lines": 0}) as town:
        await mention(server, ada, staff, "note zebra CLOSED-SECRET")
        server.permit(staff, general.guild, allow=Permission.VIEW)
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


async def test_the_chat_of_a_voice_channel_is_for_who_may_connect(
    server: DiscordServer, tmp_path: Path
) -> None:
    ada = server.user("ada")
    guild = server.guild("Home", members=[ada])
    lounge, stage = server.channel(guild, "lounge", kind=VOICE), server.channel(guild, "stage", kind=STAGE)
    vault = server.channel(guild, "vault", kind=VOICE)
    server.permit(vault, guild, deny=Permission.CONNECT)  # everybody sees its name, and few get in
    for who in (ada, server.bot):
        server.permit(vault, who, allow=Permission.CONNECT)
    general = server.channel(guild, "general")
    async with Town(tmp_path, answer, discord=server) as town:
        await mention(server, ada, vault, "note zebra VAULT-SECRET")
        await mention(server, ada, lounge, "note zebra LOUNGE-FACT")
        await mention(server, ada, stage, "note zebra STAGE-FACT")
        found = await mention(server, ada, general, "find zebra")
        assert "VAULT" in await mention(server, ada, vault, "find zebra")
    assert {"LOUNGE-FACT", "STAGE-FACT"} <= set(re.findall("[A-Z]+-FACT", found))
    assert "VAULT" not in found
    audiences = dict(rows(town, "SELECT text, audience FROM passages"))
    assert audiences["zebra VAULT-SECRET"] == f"place:discord:{guild.id}#{vault.id}"


async def test_a_guild_that_is_not_known_is_a_closed_place_of_its_own(
    server: DiscordServer, tmp_path: Path
) -> None:
    """As when it was not named in time, or could not be read: it is served, and nothing of it is used elsewhere."""
    ada = server.user("ada")
    guild = server.guild("Home", members=[ada])
    general, other = server.channel(guild, "general"), server.channel(guild, "other")
    async with Town(tmp_path, answer, discord=server) as town:
        await ask(server, ada, server.dm(ada), "note zebra DM-SECRET")
        await mention(server, ada, other, "note zebra OPEN-SECRET")
        server.world.emit("GUILD_DELETE", {"id": str(guild.id), "unavailable": True}, guild=guild)
        await mention(server, ada, general, "note zebra CLOSED-SECRET")
        told = await server.slash(ada, general, "memory overview")
        assert told.ephemeral
        assert "CLOSED-SECRET" in told.text
        found = told.text + await mention(server, ada, general, "find zebra")
        assert "DM-SECRET" not in found
    audiences = dict(rows(town, "SELECT text, audience FROM passages"))
    assert audiences["zebra CLOSED-SECRET"] == f"place:discord:{guild.id}#{general.id}"
    assert audiences["zebra OPEN-SECRET"] == f"community:discord:{guild.id}"


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
    dm, clock = server.dm(ada), WokenClock()
    async with Town(tmp_path, answer, discord=server, clock=clock, agent={"debounce_s": 600}) as town:
        for line in ("One", "two", "three"):
            await server.say(ada, dm, line)
        await come_true(lambda: rows(town, "SELECT count(*) FROM inbox WHERE kind = 'message'") == [(3,)])
        clock.wake()
        assert await answered(server, dm) == ["You said: One | two | three"]
        assert await ask(server, ada, dm, "Four") == "You said: Four"
    assert len(town.model.requests) == 2


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


async def test_an_answer_needs_no_history(server: DiscordServer, tmp_path: Path) -> None:
    """Where the bot may write but not read what was said before, Discord refuses replies to a message."""
    ada = server.user("ada")
    guild = server.guild("Home", members=[ada])
    general = server.channel(guild, "general")
    server.permit(general, server.bot, deny=Permission.READ_HISTORY)
    async with Town(tmp_path, answer, discord=server):
        assert await mention(server, ada, general, "Hello") == "You said: Hello"


async def test_an_answer_whose_reference_is_refused_is_sent_without_it(
    server: DiscordServer, tmp_path: Path
) -> None:
    ada = server.user("ada")
    general = server.channel(server.guild("Home", members=[ada]), "general")
    async with Town(tmp_path, answer, discord=server):
        server.refuse("POST /channels/.*/messages$", 400, 50035)
        assert await mention(server, ada, general, "Hello") == "You said: Hello"
    first, second = server.calls("POST /channels/.*/messages$")
    assert "message_reference" in first.body
    assert "message_reference" not in second.body
    assert first.body["nonce"] == second.body["nonce"]
