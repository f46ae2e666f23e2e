"""Who may talk with everbot on Discord, how much, and as whom."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from bot.cli import operating
from tests.acceptance.on_discord import (
    answer,
    answered,
    ask,
    mention,
    replies,
    rows,
    seen,
    texts,
)
from tests.fakes.clock import LeapingClock
from tests.fakes.discord_server import DiscordServer, User
from tests.fakes.town import Town, heard

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
        assert await operating.pair(town.settings, "AAAA-AAAA") == 1
        assert code in await ask(server, ada, dm, "Please?")
        assert await operating.pair(town.settings, code.lower()) == 0
        assert await ask(server, ada, dm, "Now?") == "You said: Now?"
        assert await operating.pair(town.settings, code) == 1
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
