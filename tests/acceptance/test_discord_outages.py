"""Everbot on Discord when things break: nothing that people say is lost, nothing is answered twice."""

from __future__ import annotations

import asyncio
import re
import sqlite3
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bot.health import health
from tests.acceptance.on_discord import answer, answered, ask, come_true, mention, replies, rows, texts
from tests.fakes.clock import LeapingClock, WokenClock
from tests.fakes.discord_gateway import Link
from tests.fakes.discord_server import Channel, DiscordServer, Permission
from tests.fakes.openai_server import Answer, Fault, OpenAIServer
from tests.fakes.openai_wire import echo
from tests.fakes.ports import free_port
from tests.fakes.slack_server import SlackServer
from tests.fakes.town import FAST, Town
from tests.patience import PATIENCE_S
from tests.program.program import Program

POSTS = "POST /channels/[0-9]+/messages$"


def execute(folder: Path, statement: str, *values: object) -> None:
    """Change the database behind everbot's back."""
    with closing(sqlite3.connect(folder / "everbot.db", timeout=20)) as connection, connection:
        connection.execute(statement, values)


def times_answered(server: DiscordServer, said: list[str], *channels: Channel) -> Counter[str]:
    """How often each word was answered."""
    told = "\n".join(text for channel in channels for text in replies(server, channel))
    return Counter({word: len(re.findall(rf"\b{word}\b", told)) for word in said})


def once(said: list[str]) -> Counter[str]:
    return Counter(dict.fromkeys(said, 1))


# Away


async def test_what_was_said_while_it_was_away_is_answered_once(
    server: DiscordServer, tmp_path: Path
) -> None:
    ada, bob = server.user("ada"), server.user("bob")
    guild = server.guild("Home", members=[ada, bob])
    general, unseen = server.channel(guild, "general"), server.channel(guild, "unseen")
    thread = server.thread(general, "talk", ada)
    dm = server.dm(ada)
    town = Town(tmp_path, answer, discord=server)
    async with town:
        await ask(server, ada, dm, "Hello")
        await mention(server, ada, general, "Hello here")
        await mention(server, ada, thread, "Hello there")
    await server.say(ada, dm, "dm1")
    await server.say(ada, dm, "dm2")
    await server.say(ada, general, "not for it")
    await server.say(ada, general, f"{server.bot.mention} general1")
    await server.say(bob, general, f"{server.bot.mention} general2")
    await server.say(ada, thread, "thread1")
    await server.say(bob, unseen, f"{server.bot.mention} unseen1")
    said = ["dm1", "dm2", "general1", "general2", "thread1", "unseen1"]
    for _ in range(2):  # the second start finds nothing new
        async with town:
            await server.until(
                lambda: times_answered(server, said, dm, general, thread, unseen) == once(said)
            )
            await ask(server, bob, server.dm(bob), "Hello")
            await town.app.inbound.settled()
    assert times_answered(server, said, dm, general, thread, unseen) == once(said)
    assert "not for it" not in texts(town)
    assert len(replies(server, dm)) in (2, 3)  # two messages may be one turn


async def test_what_is_too_old_is_let_be(tmp_path: Path) -> None:
    hours = [-15.0]
    async with DiscordServer(**FAST, now=lambda: time.time() + hours[0] * 3600) as server:
        ada = server.user("ada")
        dm = server.dm(ada)
        town = Town(tmp_path, answer, discord=server, run={"catch_up_hours": 12})
        async with town:
            await ask(server, ada, dm, "Hello")
        hours[0] = -13.0
        await server.say(ada, dm, "Long ago")
        hours[0] = -11.0
        await server.say(ada, dm, "Of late")
        async with town:
            assert await answered(server, dm, 2) == ["You said: Hello", "You said: Of late"]
            await ask(server, ada, dm, "Next")
    assert texts(town) == ["Hello", "Of late", "Next"]


async def test_a_clock_that_runs_ahead_hides_nothing_that_was_missed(
    server: DiscordServer, tmp_path: Path
) -> None:
    ada, clock = server.user("ada"), LeapingClock()
    dm = server.dm(ada)
    town = Town(tmp_path, answer, discord=server, clock=clock, run={"catch_up_hours": 12})
    async with town:
        await ask(server, ada, dm, "Hello")
    await server.say(ada, dm, "missed1")
    clock.advance(20 * 3600)
    async with town:
        await server.until(lambda: times_answered(server, ["missed1"], dm) == once(["missed1"]))


async def test_what_is_said_while_it_connects_hides_nothing(server: DiscordServer, tmp_path: Path) -> None:
    ada = server.user("ada")
    dm = server.dm(ada)
    town = Town(tmp_path, answer, discord=server)
    async with town:
        await ask(server, ada, dm, "Hello")
    await server.say(ada, dm, "While you were away")

    async def welcome() -> None:
        await server.until(lambda: server.identifies == 2)
        await server.say(ada, dm, "There you are")

    hasty = asyncio.create_task(welcome())
    async with town:
        await hasty
        await server.until(lambda: "There you are" in "\n".join(replies(server, dm)))
        await ask(server, ada, dm, "Did you see it?")
        await town.app.inbound.settled()
    said = ["While you were away", "There you are"]
    assert times_answered(server, said, dm) == once(said)


async def test_who_writes_while_it_catches_up_is_answered_in_order(
    server: DiscordServer, tmp_path: Path
) -> None:
    """Also what is edited or deleted meanwhile is taken after what it changes."""
    ada = server.user("ada")
    dm = server.dm(ada)
    async with Town(tmp_path, answer, discord=server):
        await ask(server, ada, dm, "Hello")
    await server.say(ada, dm, "missed1")
    held = server.hold("GET /channels/.*/messages")
    clock = WokenClock()
    town = Town(tmp_path, answer, discord=server, clock=clock, agent={"debounce_s": 600})

    async def welcome() -> None:
        await held.met()
        await server.say(ada, dm, "waits2")
        regretted = await server.say(ada, dm, "REGRET3")
        mended = await server.say(ada, dm, "WRONG4")
        await server.delete(regretted)
        await server.edit(mended, "right4")
        held.go()
        await server.until(lambda: server.calls("GET /channels/.*/messages"))
        await server.say(ada, dm, "after5")
        await come_true(lambda: "after5" in str(rows(town, "SELECT payload FROM inbox")))
        clock.wake()

    hasty = asyncio.create_task(welcome())
    async with town:
        await hasty
        await server.until(lambda: "after5" in "\n".join(replies(server, dm)))
        await town.app.inbound.settled()
    said = re.findall(r"\w+\d", "\n".join(replies(server, dm)))
    assert said == ["missed1", "waits2", "right4", "after5"]
    kept = str(rows(town, "SELECT text FROM messages")) + str(rows(town, "SELECT payload FROM inbox"))
    assert "REGRET" not in kept
    assert "WRONG" not in kept


async def test_while_one_place_is_read_nobody_goes_ahead_because_another_was(
    server: DiscordServer, tmp_path: Path
) -> None:
    ada, bob = server.user("ada"), server.user("bob")
    general = server.channel(server.guild("Home", members=[ada, bob]), "general")
    dm = server.dm(ada)
    async with Town(tmp_path, answer, discord=server):
        await ask(server, ada, dm, "Hello")
        await mention(server, bob, general, "Hello")
    await server.say(ada, dm, "missed1")
    await server.say(bob, general, f"{server.bot.mention} missed2")
    held = server.hold(f"GET /channels/{dm.id}/messages")
    async with Town(tmp_path, answer, discord=server) as town:
        await held.met()
        await server.until(lambda: "missed2" in replies(server, general)[-1])  # the guild is read by itself
        await server.say(ada, dm, "waits3")
        for _ in range(3):
            await server.slash(bob, general, "help")
        held.go()
        await server.until(lambda: "waits3" in replies(server, dm)[-1])
        await town.app.inbound.settled()
    assert re.findall(r"\w+\d", "\n".join(replies(server, dm))) == ["missed1", "waits3"]


async def test_what_was_said_in_a_guild_that_was_away_is_found(server: DiscordServer, tmp_path: Path) -> None:
    """A guild may be away while the others are there, and is named again when it is back."""
    ada = server.user("ada")
    guild = server.guild("Home", members=[ada])
    general = server.channel(guild, "general")
    async with Town(tmp_path, answer, discord=server) as town:
        await mention(server, ada, general, "Hello")
        server.world.emit("GUILD_DELETE", {"id": str(guild.id), "unavailable": True}, guild=guild)
        tell, server.world.emit = server.world.emit, lambda *_, **__: None
        await server.say(ada, general, f"{server.bot.mention} missed1")
        server.world.emit = tell
        server.world.emit("GUILD_CREATE", guild.arrival(server.bot) | {"unavailable": False}, guild=guild)
        await server.until(lambda: times_answered(server, ["missed1"], general) == once(["missed1"]))
        await mention(server, ada, general, "Go on")
        await town.app.inbound.settled()
    assert times_answered(server, ["missed1"], general) == once(["missed1"])


async def test_a_guild_it_is_not_told_of_is_no_private_place(server: DiscordServer, tmp_path: Path) -> None:
    """As when a guild is out of order at the start, or a thread was archived: its channel is not known then."""
    ada = server.user("ada")
    guild = server.guild("Home", members=[ada])
    general = server.channel(guild, "general")
    town = Town(tmp_path, answer, discord=server)
    async with town:
        await ask(server, ada, server.dm(ada), "note DM-SECRET")
        await mention(server, ada, general, "Hello")
    await server.say(ada, general, "I speak with the others")
    del server.world.guilds[guild.id]
    async with town:
        assert await ask(server, ada, server.dm(ada), "And we with each other") != ""
        await town.app.inbound.settled()
    assert "I speak with the others" not in texts(town)
    assert len(replies(server, general)) == 1
    places = rows(town, "SELECT audience FROM conversations WHERE address = ?", f"discord:{general.id}")
    assert [audience for (audience,) in places] == [f"community:discord:{guild.id}"]


async def test_roles_are_known_of_what_was_missed(server: DiscordServer, tmp_path: Path) -> None:
    ada = server.user("ada")
    guild = server.guild("Home")
    friends = server.role(guild, "friends")
    server.join(guild, ada, [friends])
    general, free = server.channel(guild, "general"), server.channel(guild, "free")
    rules = {"roles": [str(friends.id)], "free_response": [str(free.id)]}
    town = Town(tmp_path, answer, discord=server, access=rules)
    async with town:
        await mention(server, ada, general, "Hello")
        await ask(server, ada, free, "Hello")
    await server.say(ada, general, f"{server.bot.mention} Missed one")
    await server.say(ada, free, "Missed two")
    async with town:
        assert (await answered(server, general, 2))[-1] == "You said: Missed one"
        assert (await answered(server, free, 2))[-1] == "You said: Missed two"


# The gateway


async def talk_through_drops(server: DiscordServer, folder: Path, drops: int) -> None:
    """People talk in three places while the connection breaks again and again."""
    people = [server.user(name) for name in ("ada", "bob", "cyd")]
    guild = server.guild("Home", members=people)
    general = server.channel(guild, "general")
    places = [server.dm(people[0]), general, server.dm(people[2])]
    said: list[str] = []
    async with Town(folder, answer, discord=server) as town:
        for number in range(drops):
            for person, place in zip(people, places, strict=True):
                said.append(f"{person.name}{number}")
                call = f"{server.bot.mention} " if place is general else ""
                await server.say(person, place, call + said[-1])
            broken = set(server.gateway.links)
            server.drop()
            if number % 3 == 0:  # else it may break again before it has come back
                await server.until(lambda: _resumed(server, broken))  # noqa: B023 - awaited at once
        await server.until(lambda: times_answered(server, said, *places) == once(said))
        await town.app.inbound.settled()
    assert times_answered(server, said, *places) == once(said)
    assert server.identifies <= 5
    assert server.resumes >= 5


def _resumed(server: DiscordServer, broken: set[Link]) -> bool:
    return any(link.session is not None for link in server.gateway.links - broken)


async def test_thirty_broken_connections_lose_nothing(server: DiscordServer, tmp_path: Path) -> None:
    await talk_through_drops(server, tmp_path, 30)


@pytest.mark.soak
async def test_a_hundred_broken_connections_lose_nothing(server: DiscordServer, tmp_path: Path) -> None:
    await talk_through_drops(server, tmp_path, 100)


@pytest.mark.long
async def test_what_is_said_between_two_sessions_is_found(server: DiscordServer, tmp_path: Path) -> None:
    ada = server.user("ada")
    dm = server.dm(ada)
    general = server.channel(server.guild("Home", members=[ada]), "general")
    async with Town(tmp_path, answer, discord=server) as town:
        await ask(server, ada, dm, "Hello")
        await server.invalidate()
        await server.say(ada, dm, "dm1")
        await server.say(ada, general, f"{server.bot.mention} general1")
        await server.until(lambda: times_answered(server, ["dm1", "general1"], dm, general).total() == 2)
        await ask(server, ada, dm, "Go on")
        await town.app.inbound.settled()
    assert times_answered(server, ["dm1", "general1"], dm, general) == once(["dm1", "general1"])
    assert server.identifies == 2


async def test_what_is_told_twice_is_answered_once(server: DiscordServer, tmp_path: Path) -> None:
    ada = server.user("ada")
    dm = server.dm(ada)
    general = server.channel(server.guild("Home", members=[ada]), "general")
    async with Town(tmp_path, answer, discord=server) as town:
        first = await server.say(ada, dm, "dm1")
        server.redeliver(first)
        second = await server.say(ada, general, f"{server.bot.mention} general1")
        server.redeliver(second)
        await answered(server, dm)
        await answered(server, general)
        server.redeliver(first)
        server.redeliver(second)
        await ask(server, ada, dm, "Go on")
        await mention(server, ada, general, "Go on")
        await town.app.inbound.settled()
    assert times_answered(server, ["dm1", "general1"], dm, general) == once(["dm1", "general1"])


@pytest.mark.long
async def test_it_is_ready_when_it_hears(server: DiscordServer, tmp_path: Path) -> None:
    port = free_port()
    ada = server.user("ada")
    async with Town(tmp_path, answer, discord=server) as town, health(f"127.0.0.1:{port}", town.adapters):
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as http:

            async def status(path: str) -> int:
                async with http.get(path) as response:
                    return response.status

            assert (await status("/healthz"), await status("/readyz")) == (200, 200)
            await server.down()
            await come_true(lambda: town.adapters[0].ready())
            assert (await status("/healthz"), await status("/readyz")) == (200, 503)
            await server.say(ada, server.dm(ada), "Are you there?")
            await server.up()
            await come_true(lambda: not town.adapters[0].ready())
            assert (await status("/healthz"), await status("/readyz")) == (200, 200)
        assert (await ask(server, ada, server.dm(ada), "Hello"))[-5:] == "Hello"


@pytest.mark.soak
async def test_a_silent_gateway_is_not_ready(server: DiscordServer, tmp_path: Path) -> None:
    async with Town(tmp_path, answer, discord=server) as town:
        server.silence()
        began = time.monotonic()
        await come_true(lambda: town.adapters[0].ready(), 90)
        assert 40 < time.monotonic() - began < 75
        server.silence(False)
        await come_true(lambda: not town.adapters[0].ready(), 90)


# The store


async def test_a_failed_commit_loses_no_message(
    server: DiscordServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ada = server.user("ada")
    dm = server.dm(ada)
    async with Town(tmp_path, answer, discord=server) as town:
        await ask(server, ada, dm, "Hello")
        async with refusing(town, "INSERT ON inbox"):
            await server.say(ada, dm, "word1")
            await server.say(ada, dm, "word2")
            await come_true(lambda: "waits for the store" in caplog.text)
        await server.until(lambda: times_answered(server, ["word1", "word2"], dm) == once(["word1", "word2"]))
        await town.app.inbound.settled()
    assert times_answered(server, ["word1", "word2"], dm) == once(["word1", "word2"])
    assert texts(town)[:3] == ["Hello", "word1", "word2"]
    assert "word1" not in caplog.text


async def test_a_failed_commit_loses_no_second_thought(
    server: DiscordServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ada = server.user("ada")
    dm = server.dm(ada)
    async with Town(tmp_path, answer, discord=server) as town:
        await ask(server, ada, dm, "My secret is REGRET")
        await ask(server, ada, dm, "My cat is OLDNAME")
        secret, _, cat, _ = server.messages(dm)
        async with refusing(town, "UPDATE ON messages"):
            await server.delete(secret)
            await server.edit(cat, "My cat is NEWNAME")
            await come_true(lambda: "integer overflow" in caplog.text)

        def kept() -> str:
            return str(rows(town, "SELECT text FROM messages WHERE author = 'ada'"))

        await come_true(lambda: "NEWNAME" in kept() and "REGRET" not in kept())


async def test_what_breaks_is_logged_without_what_was_said(
    server: DiscordServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ada = server.user("ada")
    dm = server.dm(ada)
    async with Town(tmp_path, answer, discord=server) as town:
        await ask(server, ada, dm, "My cat is OLDNAME")
        async with refusing(town, "UPDATE ON messages"):
            await server.edit(server.messages(dm)[0], "My cat is NEWNAME")
            await come_true(lambda: "integer overflow" in caplog.text)
        await ask(server, ada, dm, "Go on")
    assert "NEWNAME" not in caplog.text


async def test_a_command_is_answered_when_the_store_is_away(server: DiscordServer, tmp_path: Path) -> None:
    ada = server.user("ada")
    async with Town(tmp_path, answer, discord=server) as town:
        async with refusing(town, "INSERT ON users"):
            used = await server.slash(ada, server.dm(ada), "whoami")
        assert not used.late
        assert used.text


@asynccontextmanager
async def refusing(town: Town, what: str) -> AsyncIterator[None]:
    """While it lasts, the store cannot do something, as if its disk were at fault."""
    folder, at_fault = town.settings.data_dir, "BEGIN SELECT abs(-9223372036854775807 - 1); END"  # overflows
    await asyncio.to_thread(execute, folder, f"CREATE TRIGGER refuse BEFORE {what} {at_fault}")
    try:
        yield
    finally:
        await asyncio.to_thread(execute, folder, "DROP TRIGGER refuse")


# Posting


async def test_a_storm_of_429_delays_and_loses_nothing(server: DiscordServer, tmp_path: Path) -> None:
    ada = server.user("ada")
    dm = server.dm(ada)
    general = server.channel(server.guild("Home", members=[ada]), "general")
    said = ["dm1", "general1", "dm2", "general2"]
    async with Town(tmp_path, answer, discord=server) as town:
        server.storm(12, POSTS)
        server.storm(3, everywhere=True)
        for word in said:
            channel = dm if word.startswith("dm") else general
            await server.say(ada, channel, f"{server.bot.mention} {word}")
        await server.until(lambda: times_answered(server, said, dm, general) == once(said))
        await town.app.inbound.settled()
    assert times_answered(server, said, dm, general) == once(said)


async def test_a_lost_response_is_no_second_post(server: DiscordServer, tmp_path: Path) -> None:
    ada = server.user("ada")
    dm = server.dm(ada)
    async with Town(tmp_path, answer, discord=server) as town:
        server.lose_response(POSTS)
        await server.say(ada, dm, "Hello")
        await come_true(lambda: rows(town, "SELECT 1 FROM outbox WHERE state = 'sent'"))
    assert replies(server, dm) == ["You said: Hello"]
    assert len(server.calls(POSTS)) == 2


async def test_a_lost_request_is_posted_later(server: DiscordServer, tmp_path: Path) -> None:
    ada = server.user("ada")
    dm = server.dm(ada)
    async with Town(tmp_path, answer, discord=server):
        server.lose_request(POSTS)
        await server.say(ada, dm, "Hello")
        assert await answered(server, dm) == ["You said: Hello"]


def leave_in_doubt(folder: Path, ago: float, text: str, at: float | None = None) -> None:
    """As a process leaves a reply that is killed between posting it and noting so, some seconds ago."""
    claimed = int(((at or time.time()) - ago) * 1_000_000)
    execute(
        folder,
        "UPDATE outbox SET state = 'sending', receipt = NULL, sent_at = NULL, claimed_at = ? WHERE seq ="
        " (SELECT max(seq) FROM outbox WHERE text = ?)",
        claimed,
        text,
    )


async def test_a_doubtful_post_is_looked_for_before_it_is_sent_again(tmp_path: Path) -> None:
    async with DiscordServer(**FAST, nonce_s=0.0) as server:  # it has forgotten every nonce
        ada = server.user("ada")
        dm = server.dm(ada)
        town = Town(tmp_path, answer, discord=server)
        async with town:
            await ask(server, ada, dm, "Posted")
            await ask(server, ada, dm, "Not posted")
        await server.delete(server.messages(dm)[-1])
        leave_in_doubt(tmp_path, 7200, "You said: Posted")
        leave_in_doubt(tmp_path, 7200, "You said: Not posted")
        async with town:
            await come_true(lambda: not rows(town, "SELECT 1 FROM outbox WHERE state != 'sent'"))
        assert replies(server, dm) == ["You said: Posted", "You said: Not posted"]


async def test_a_doubt_that_nobody_can_settle_is_not_sent_again(
    server: DiscordServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ada = server.user("ada")
    general = server.channel(server.guild("Home", members=[ada]), "general")
    town = Town(tmp_path, answer, discord=server)
    async with town:
        await mention(server, ada, general, "Hello")
    server.permit(general, server.bot, deny=Permission.READ_HISTORY)
    leave_in_doubt(tmp_path, 7200, replies(server, general)[0])
    async with town:
        await come_true(lambda: not rows(town, "SELECT 1 FROM outbox WHERE state IN ('sending', 'ready')"))
    assert len(replies(server, general)) == 1
    assert rows(town, "SELECT state FROM outbox") == [("doubtful",)]
    assert "nobody knows" in caplog.text


async def test_the_same_words_said_before_settle_no_doubt(tmp_path: Path) -> None:
    minutes = [-5.0]
    async with DiscordServer(**FAST, now=lambda: time.time() + minutes[0] * 60) as server:
        ada = server.user("ada")
        dm = server.dm(ada)
        town = Town(tmp_path, answer, discord=server)
        async with town:
            await ask(server, ada, dm, "Yes")
            await ask(server, ada, dm, "Yes")
        await server.delete(server.messages(dm)[-1])  # so it was never posted
        leave_in_doubt(tmp_path, 290, "You said: Yes")
        minutes[0] = 0.0
        async with town:
            await come_true(lambda: not rows(town, "SELECT 1 FROM outbox WHERE state != 'sent'"))
        assert replies(server, dm) == ["You said: Yes", "You said: Yes"]


# One platform down


async def test_a_platform_that_is_down_does_not_stop_the_other(server: DiscordServer, tmp_path: Path) -> None:
    ada = server.user("ada")
    async with SlackServer() as slack:
        eve = slack.user("eve")
        im = slack.im(eve)
        async with Town(tmp_path, answer, discord=server, slack=slack) as town:
            await ask(server, ada, server.dm(ada), "Hello")
            await server.down()
            await come_true(lambda: town.adapters[0].ready())
            await slack.say(eve, im, "And you?")
            await slack.until(lambda: slack.answers(im))
            assert "And you?" in slack.answers(im)[-1]["text"]
            await server.up()


# The program


CONFIG = """
[discord]
token = "{token}"
message_content = true
api_url = "{server.api_url}"
gateway_url = "{server.gateway_url}"
guilds_wait_s = 0.1

[model]
kind = "openai"
name = "test-model"
base_url = "{model.url}"
api_key = "none"
retries = 0

[embedder]
kind = "none"

[agent]
debounce_s = 0.0

[run]
health = ""
drain_s = {drain}
"""


async def test_a_wrong_token_is_one_sentence(server: DiscordServer, tmp_path: Path) -> None:
    async with OpenAIServer() as model:
        config = CONFIG.format(token="not-the-token", server=server, model=model, drain=5.0)
        home = Program(tmp_path, config, laid=True)
        async with await home.live("run") as life:
            assert await asyncio.wait_for(life.ended(), PATIENCE_S) == 1
    lines = [line for line in home.stderr.read_text().splitlines() if "ERROR" in line or "token" in line]
    assert len(lines) == 1
    assert "Discord refuses the token" in lines[0]
    assert "DISCORD_BOT_TOKEN" in lines[0]
    assert "Traceback" not in home.stderr.read_text()
    assert "not-the-token" not in home.stderr.read_text()


async def test_it_ends_what_it_began_when_it_is_told_to_stop(server: DiscordServer, tmp_path: Path) -> None:
    ada = server.user("ada")
    dm = server.dm(ada)
    async with OpenAIServer(delay_s=1.0) as model:
        home = Program(
            tmp_path, CONFIG.format(token=server.token, server=server, model=model, drain=19.0), laid=True
        )
        async with await home.live("run") as life:
            await server.until(lambda: server.identifies == 1)
            await server.say(ada, dm, "Hello")
            await model.arrival.wait()
            code = await asyncio.wait_for(life.stopped(), PATIENCE_S)  # no longer than what it began takes
        assert code == 0, home.stderr.read_text()
    assert replies(server, dm) == ["You said: Hello"]


async def test_what_it_could_not_end_goes_on_at_the_next_start(server: DiscordServer, tmp_path: Path) -> None:
    ada = server.user("ada")
    dm = server.dm(ada)
    able = [False]

    def script(request: dict[str, Any], headers: Mapping[str, str]) -> Answer | Fault:
        return echo(request, headers) if able[0] else Fault(kind="hang")

    async with OpenAIServer(script) as model:
        home = Program(
            tmp_path, CONFIG.format(token=server.token, server=server, model=model, drain=0.5), laid=True
        )
        async with await home.live("run") as life:
            await server.until(lambda: server.identifies == 1)
            await server.say(ada, dm, "Hello")
            await asyncio.wait_for(model.arrival.wait(), PATIENCE_S)
            code = await asyncio.wait_for(
                life.stopped(), PATIENCE_S
            )  # the model would be waited for for an hour
            assert code == 0, home.stderr.read_text()
        able[0] = True
        async with await home.live("run") as life:
            assert await answered(server, dm) == ["You said: Hello"]
            assert await ask(server, ada, dm, "Go on") == "You said: Go on"
            server.lose_response(POSTS)
            await server.say(ada, dm, "Is that posted?")
            await server.until(lambda: len(replies(server, dm)) == 3)
            await life.kill()  # it never learned that it was
        async with await home.live("run"):
            assert await ask(server, ada, dm, "And now?") == "You said: And now?"
        assert replies(server, dm) == [
            f"You said: {word}" for word in ("Hello", "Go on", "Is that posted?", "And now?")
        ]
        assert home.stderr.read_text().count("Traceback") == 0
