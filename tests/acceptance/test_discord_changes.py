"""Second thoughts on Discord: edits, deletions, reactions."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

from bot.ports import ModelReply, ModelRequest
from tests.acceptance.on_discord import (
    answer,
    answered,
    ask,
    come_true,
    everything,
    mention,
    replies,
    rows,
    seen,
)
from tests.fakes.clock import WokenClock
from tests.fakes.discord_server import DiscordServer
from tests.fakes.parlour import whole
from tests.fakes.scripted_model import say
from tests.fakes.town import Town, heard

# Second thoughts


async def test_a_message_may_be_mended_before_it_is_thought_about(
    server: DiscordServer, tmp_path: Path
) -> None:
    ada = server.user("ada")
    dm, clock = server.dm(ada), WokenClock()
    async with Town(tmp_path, answer, discord=server, clock=clock, agent={"debounce_s": 600}) as town:
        first = await server.say(ada, dm, "The WRONG word")
        second = await server.say(ada, dm, "Better UNSAID")
        await come_true(lambda: len(rows(town, "SELECT 1 FROM inbox")) == 3)
        await server.edit(first, "The right word")
        await server.delete(second)
        waiting = "SELECT payload FROM inbox"
        await come_true(lambda: not re.search("WRONG|UNSAID", str(rows(town, waiting))))
        clock.wake()
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


# Forgotten while it was on its way


async def test_what_is_being_read_while_all_is_forgotten_is_not_stored_after_it(
    server: DiscordServer, tmp_path: Path
) -> None:
    ada = server.user("ada", display="Ada")
    dm = server.dm(ada)
    file = ("diary.txt", b"My diary says REGRET.", "text/plain")
    async with Town(tmp_path, answer, discord=server) as town:
        await ask(server, ada, dm, "Hello")
        held = server.hold("GET /attachments/")
        late = await server.say(ada, dm, "Read my REGRET", attachments=[file])
        await held.met()
        assert "Forgotten" in (await server.slash(ada, dm, "forget everything", {"sure": "yes"})).text
        held.go()
        assert "let it go" in (await answered(server, dm, 2))[-1]
        server.redeliver(late)
        assert await ask(server, ada, dm, "And now?") == "You said: And now?"
        await town.app.inbound.settled()
    assert len(replies(server, dm)) == 3  # it was told once, and not again
    assert "REGRET" not in everything(town)
    for table in ("messages", "inbox", "passages", "blocks", "outbox"):
        assert "REGRET" not in str(rows(town, f"SELECT * FROM {table}")), table  # noqa: S608


async def test_what_is_being_read_elsewhere_outlives_the_forgetting_of_a_place(
    server: DiscordServer, tmp_path: Path
) -> None:
    ada = server.user("ada")
    dm, general = server.dm(ada), server.channel(server.guild("Home", members=[ada]), "general")
    async with Town(tmp_path, answer, discord=server) as town:
        await mention(server, ada, general, "Hello")
        await ask(server, ada, dm, "Hello")
        held = server.hold("GET /attachments/", times=2)
        for place in (dm, general):
            call = f"{server.bot.mention} Read this"
            await server.say(ada, place, call, attachments=[("notes.txt", b"FACT", "text/plain")])
        await held.met(2)
        assert "Forgotten" in (await server.slash(ada, general, "forget here", {"sure": "yes"})).text
        held.go()
        await server.until(lambda: any("let it go" in text for text in replies(server, general)))
        await server.until(lambda: any("Read this" in text for text in replies(server, dm)))
        await town.app.inbound.settled()
    assert not any("Read this" in text for text in replies(server, general))
