"""Everbot's commands on Discord: slash commands, buttons and dialogs."""

from __future__ import annotations

import asyncio
import json
import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from bot import bundle
from bot.ownership.export import FORMAT
from bot.ports import ModelReply, ModelRequest
from tests.acceptance.on_discord import (
    answer,
    answered,
    ask,
    come_true,
    mention,
    replies,
    rows,
    seen,
)
from tests.fakes.clock import HurriedClock
from tests.fakes.discord_server import DiscordServer
from tests.fakes.parlour import whole
from tests.fakes.town import FAST, Town
from tests.patience import PATIENCE_S

# Commands


async def test_every_command_is_a_slash_command(server: DiscordServer, tmp_path: Path) -> None:
    ada = server.user("ada")
    async with Town(tmp_path, answer, discord=server) as town:
        registered = {command["name"] for command in server.world.commands[None]}
        offered = [spec for spec in town.app.inbound.commands if not (spec.local or spec.inner)]
        assert registered == {spec.name for spec in offered}
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
    async with Town(tmp_path, answer, discord=server, clock=HurriedClock(2.0)):  # Discord waits for 3 s
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
            server.interactions.answer_s = PATIENCE_S
            assert f"discord:{ada.id}" in (await server.slash(ada, dm, "whoami")).text


async def test_commands_of_other_kinds_stay(server: DiscordServer, tmp_path: Path) -> None:
    """An application with Activities has an entry point; an overwrite without it is refused."""
    launch = {"id": "99", "application_id": str(server.bot.id), "type": 4, "name": "launch", "version": "1"}
    launch |= {"description": "", "default_member_permissions": None, "handler": 2}
    menu = {"id": "98", "type": 3, "name": "Translate", "description": "", "version": "1"}
    server.world.commands[None] = [launch, menu]
    async with Town(tmp_path, answer, discord=server):
        names = {command["name"] for command in server.world.commands[None]}
    assert {"launch", "Translate", "memory"} <= names
    kept = next(command for command in server.world.commands[None] if command["name"] == "launch")
    assert (kept["type"], kept["handler"]) == (4, 2)


async def test_it_serves_without_commands_that_are_refused(
    server: DiscordServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ada = server.user("ada")
    server.refuse("PUT /applications/.*/commands", 400, 50035, times=9)
    async with Town(tmp_path, answer, discord=server):
        assert await ask(server, ada, server.dm(ada), "Hello") == "You said: Hello"
    assert "did not take the slash commands" in caplog.text


async def test_each_way_to_use_a_command_is_shown_by_itself(server: DiscordServer, tmp_path: Path) -> None:
    ada = server.user("ada")
    dm = server.dm(ada)
    async with Town(tmp_path, answer, discord=server) as town:
        known = {command["name"]: command for command in server.world.commands[None]}
        for spec in town.app.inbound.commands:
            if spec.words:
                assert [option["name"] for option in known[spec.name]["options"]] == [
                    w.name for w in spec.words
                ]
        await ask(server, ada, dm, "note a FACT")
        assert "a FACT" in (await server.slash(ada, dm, "memory overview")).text
        assert "Ada rows" in (await server.slash(ada, dm, "memory add", {"text": "Ada rows"})).text
        changed = await server.slash(ada, dm, "memory set", {"what": "human", "text": "Ada rows\nat dawn"})
        assert "Ada rows\nat dawn" in changed.text
        await server.slash(ada, dm, "heartbeat on")
        hours = await server.slash(ada, dm, "heartbeat hours", {"span": "9-21", "zone": "Asia/Tokyo"})
        assert "between 9 and 21 o'clock (Asia/Tokyo)" in hours.text
        assert "Nothing is scheduled" in (await server.slash(ada, dm, "scheduled list")).text
        sure = await server.slash(ada, dm, "forget everything")
        assert "Sure?" in sure.text
        assert "Forgotten" in (await server.slash(ada, dm, "forget everything", {"sure": "yes"})).text
    assert len(town.model.requests) == 1


async def test_what_may_be_filled_in_is_suggested(server: DiscordServer, tmp_path: Path) -> None:
    ada, bob = server.user("ada"), server.user("bob")
    dm = server.dm(ada)
    general = server.channel(server.guild("Home", members=[ada, bob]), "general")
    async with Town(tmp_path, answer, discord=server) as town:
        await ask(server, ada, dm, "note zebra PRIVATE-FACT")
        await mention(server, ada, general, "note zebra PUBLIC-FACT")
        (uid,) = rows(town, "SELECT substr(uid, 1, 8) FROM passages WHERE text LIKE '%PRIVATE%'")[0]
        edit = await server.write(ada, dm, "memory edit", "what")
        assert {"name": "[human]", "value": "human"} in edit
        assert {"name": f"{uid}: zebra PRIVATE-FACT", "value": uid} in edit
        found = await server.write(ada, dm, "memory drop", "id", "private")
        assert [choice["value"] for choice in found] == [uid]
        assert await server.write(ada, dm, "memory open", "community", "hom") != []
        here = await server.write(ada, general, "memory drop", "id")
        assert "PRIVATE" not in str(here)
        assert "PUBLIC" in str(here)
        zones = await server.write(ada, dm, "heartbeat hours", "zone", "tokyo")
        assert zones == [{"name": "Asia/Tokyo", "value": "Asia/Tokyo"}]
        assert len(await server.write(ada, dm, "heartbeat hours", "zone", "")) == 25
        assert "ever" in str(await server.write(ada, dm, "persona show", "name", "e"))
        users = rows(town, "SELECT count(*) FROM users")
        assert await server.write(bob, server.dm(bob), "memory edit", "what") == []
        assert rows(town, "SELECT count(*) FROM users") == users  # to write in a blank is no first contact


async def test_the_terminals_commands_are_for_who_asks_for_them(
    server: DiscordServer, tmp_path: Path
) -> None:
    ada = server.user("ada")
    dm, general = server.dm(ada), server.channel(server.guild("Home", members=[ada]), "general")
    town = Town(tmp_path, answer, discord=server)
    async with town:
        assert "/pop" not in (await server.slash(ada, dm, "help")).text
        assert "/pop" in (await server.slash(ada, dm, "help all")).text
        await ask(server, ada, dm, "One")
        await ask(server, ada, dm, "Two")
        assert "Undid 1 turn" in await ask(server, ada, dm, "!pop")
        undone = server.messages(dm)[-2]
        server.redeliver(undone)  # it is not obeyed again
        assert "One" in await ask(server, ada, dm, "/dump 5")
        assert await mention(server, ada, general, "!pop") == "You said: !pop"
        await town.app.inbound.settled()
    await server.say(ada, dm, "!pop 9")
    async with town:
        assert await ask(server, ada, dm, "Three") == "You said: Three"
    kept = str(rows(town, "SELECT text FROM messages"))
    assert "One" in kept
    assert "Two" not in kept


async def test_owners_are_shown_all_commands(server: DiscordServer, tmp_path: Path) -> None:
    ada = server.user("ada")
    async with Town(tmp_path, answer, discord=server, access={"owners": [f"discord:{ada.id}"]}):
        assert "/pop" in (await server.slash(ada, server.dm(ada), "help")).text


async def test_it_does_not_wait_for_commands_that_discord_takes_its_time_for(
    server: DiscordServer, tmp_path: Path
) -> None:
    """There is a limit on their changes a day, and it is told as so many hours to wait."""
    ada = server.user("ada")
    server.storm(1, "PUT /applications/.*/commands", retry_after=3600)
    async with Town(tmp_path, answer, discord=server):
        assert await ask(server, ada, server.dm(ada), "Hello") == "You said: Hello"
