"""Slack when things go wrong: nothing is lost, nothing is answered twice, and nobody waits for nothing."""

from __future__ import annotations

import asyncio
import random
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import SecretStr

from adapters.slack import checking
from bot.app import open_app
from bot.backends.clock import SystemClock
from bot.backends.platforms import platforms
from bot.cli.run import attend
from bot.ports import ModelReply, ModelRequest
from tests.acceptance.crowd import SlackSpot, Slow, numbers_in, posts_on_slack, quote, tell, texts
from tests.acceptance.slack_stage import (
    FORGETFUL,
    at_home,
    dm_and_thread,
    quiet,
    quoted,
    refusing,
    with_slack,
)
from tests.fakes.discord_server import DiscordServer
from tests.fakes.scripted_model import say
from tests.fakes.slack_delivery import Envelope
from tests.fakes.slack_server import CONFIG_TOKEN, Pace, SlackServer
from tests.fakes.slack_shapes import strange
from tests.fakes.town import FAST, Town, echo
from tests.patience import PATIENCE_S


@pytest.fixture
async def server() -> AsyncIterator[SlackServer]:
    async with SlackServer(pace=Pace(ack_s=1.0, retry_s=(0.0, 0.1, 0.5), post_s=0.0)) as server:
        yield server


async def say_hello(server: SlackServer, ada: str, dm: str, general: str) -> str:
    """In both places; gives the thread that it begins."""
    await server.say(ada, dm, "Hello")
    return str((await server.say(ada, general, f"<@{server.bot}> hi"))["ts"])


async def say_bye(server: SlackServer, ada: str, dm: str, general: str, thread: str) -> None:
    await tell(server, ada, dm, "Bye")
    await tell(server, ada, general, "Bye", thread)


async def begin(spots: list[SlackSpot]) -> None:
    """With the first number, in each place."""
    for spot in spots:
        await spot.say("n00000")
        await spot.until_answered("n00000")


def answered_once(server: SlackServer, dm: str, general: str) -> None:
    """Whoever said hello and bye in both places."""
    assert texts(server.answers(dm)) == ["You said: Hello", "You said: Bye"]
    assert texts(server.answers(general)) == ["You said: hi", "You said: Bye"]


# Delivered again


async def test_what_could_not_be_committed_is_not_acknowledged_and_comes_again(
    server: SlackServer, tmp_path: Path
) -> None:
    ada, dm, general = at_home(server)
    async with Town(tmp_path, echo, slack=server):
        await tell(server, ada, dm, "Hello")
        await quiet(server)
        async with refusing(tmp_path, "inbox"):
            await server.say(ada, dm, "Take this")
            lost = server.envelopes[-1]
            await server.until(lambda: len(lost.attempts) > 1)
            said = await server.say(ada, general, f"<@{server.bot}> and this")
            both = server.envelopes[-2:]
            await server.until(lambda: all(len(envelope.attempts) > 1 for envelope in both))
            assert not any(envelope.ack for envelope in (lost, *both))
        await server.until(lambda: len(server.answers(dm)) == 2)
        await server.until(lambda: server.answers(general, said["ts"]))
        await quiet(server)
        await tell(server, ada, dm, "Good")
        await tell(server, ada, general, "Good", str(said["ts"]))
    assert texts(server.answers(dm)) == ["You said: Hello", "You said: Take this", "You said: Good"]
    assert texts(server.answers(general)) == ["You said: and this", "You said: Good"]


async def test_what_came_while_the_store_was_out_is_answered_when_it_is_back(tmp_path: Path) -> None:
    """However long that was: Slack gives up telling after some minutes. Each place's messages keep their order."""
    async with SlackServer(pace=FORGETFUL) as server:
        ada = server.user("ada")
        spots = dm_and_thread(server, ada)
        async with Town(tmp_path, quote, slack=server):
            await begin(spots)
            before = len(server.envelopes)
            async with refusing(tmp_path, "inbox"):
                for number in range(1, 4):
                    for spot in spots:
                        await spot.say(f"n{number:05}")
                gone = await server.say(ada, spots[0].channel, "n00088 was a mistake")
                await server.delete(gone)
                await quiet(server)
                assert all(envelope.abandoned for envelope in server.envelopes[before:])
            for number in (4, 5):
                for spot in spots:
                    await spot.say(f"n{number:05}")
            for spot in spots:
                await spot.until_answered("n00005")
                await server.until(lambda: len(quoted(spot)) >= 6)  # noqa: B023 - awaited at once
    assert quoted(spots[1]) == [f"n{number:05}" for number in range(6)]
    assert [n for n in quoted(spots[0]) if n != "n00088"] == [f"n{number:05}" for number in range(6)]


async def test_an_event_that_comes_again_is_acknowledged_and_answered_once(
    server: SlackServer, tmp_path: Path
) -> None:
    ada, dm, general = at_home(server)
    async with Town(tmp_path, echo, slack=server):
        thread = await say_hello(server, ada, dm, general)
        await server.until(lambda: server.answers(dm) and server.answers(general, thread))
        await quiet(server)
        told = [envelope.payload for envelope in server.envelopes]
    async with Town(
        tmp_path, echo, slack=server
    ):  # what was acknowledged may come again after a restart, too
        again = [server.delivery.start(Envelope(kind="events_api", payload=payload)) for payload in told]
        await server.until(lambda: all(envelope.ack for envelope in again))
        await say_bye(server, ada, dm, general, thread)
    answered_once(server, dm, general)


async def test_messages_of_a_place_are_answered_in_order(server: SlackServer, tmp_path: Path) -> None:
    """Bolt hears them all at once."""
    ada = server.user("ada")
    spots = dm_and_thread(server, ada)
    async with Town(tmp_path, quote, slack=server):
        await begin(spots)
        for spot in spots:
            spot.called = spot.threaded  # told twice
        for number in range(1, 20):
            for spot in spots:
                await spot.say(f"n{number:05}")
        for spot in spots:
            await spot.until_answered("n00019")
            await server.until(lambda: len(quoted(spot)) >= 20)  # noqa: B023 - awaited at once
            assert quoted(spot) == [f"n{number:05}" for number in range(20)]


async def test_fifty_slow_turns_hold_up_no_acknowledgement(server: SlackServer, tmp_path: Path) -> None:
    server.delivery.pace = replace(server.delivery.pace, ack_s=30.0)  # on a busy machine, too
    model = Slow()
    people = [server.user(f"user{n}") for n in range(50)]
    general = server.channel("general", people)
    async with Town(tmp_path, model.play, slack=server):
        for person in people:
            await server.say(person, server.im(person), "Think")
        await server.until(lambda: model.asked == 50)
        await quiet(server)
        before = len(server.acks)
        for person in people:
            await server.say(person, server.im(person), "And more")
        for person in people[:10]:
            await server.say(person, general, f"<@{server.bot}> here too")
        used = await server.slash(people[0], general, "/everbot", "memory")
        await quiet(server)
        worked = sorted(
            ack.worked for ack in server.acks[before:]
        )  # none waits for a turn: no turn has ended
        model.may.set()
        await server.until(lambda: all(server.answers(server.im(person)) for person in people))
    assert used.acked
    assert len(worked) == 71
    assert worked[-1] < 3.0, worked[-5:]  # Slack's own limit, after which it tells again


async def test_nonsense_on_the_wire_costs_nobody_an_answer(server: SlackServer, tmp_path: Path) -> None:
    ada = server.user("ada")
    dm = server.im(ada)
    frames = ["", "{", "null", "[]", "7", '"x"', "{}", '{"type": 5}', '{"type": "events_api"}', "\ud83d"]
    frames += ['{"type": "events_api", "envelope_id": 5, "payload": null}', '{"type": "of_tomorrow"}']
    frames += ['{"type": "interactive", "envelope_id": "1", "payload": {"type": "view_submission"}}']
    frames += ['{"type": "slash_commands", "envelope_id": "1", "payload": {"command": ["/everbot"]}}']
    dice = random.Random(7)
    async with Town(tmp_path, echo, slack=server):
        await tell(server, ada, dm, "Hello")
        [link] = server.delivery.links
        for frame in frames:
            await link.socket.send_str(frame.encode("utf-8", "replace").decode())
        told = server.envelopes[-1].payload
        for number, (path, odd) in enumerate(dice.sample([*strange(told)], 60)):
            if path[0] != "type" and path[:2] not in (("event",), ("event", "type")):
                event = odd["event"]
                if "ts" in event and isinstance(event["ts"], str):
                    event["ts"] = f"17000000{number:02}.000100"
                server.delivery.start(Envelope(kind="events_api", payload=odd))
        await quiet(server)
        assert await tell(server, ada, dm, "Are you well?") == "You said: Are you well?"
        assert server.connections == 1
        assert server.delivery.links[0] is link
    assert all(envelope.ack for envelope in server.envelopes)


# Posting


async def test_a_channel_gets_one_post_per_interval(tmp_path: Path) -> None:
    interval = 0.15
    async with SlackServer(pace=Pace(post_s=interval)) as server:
        ada, bob = server.user("ada"), server.user("bob")
        general = server.channel("general", [ada, bob])
        long = "word " * 1_700  # three parts
        town = Town(tmp_path, lambda _: say(long), slack=server, clock=SystemClock())
        async with with_slack(town, post_interval_s=interval + 0.1):
            for person in (ada, bob):
                await server.say(person, general, f"<@{server.bot}> tell me")
            await server.until(lambda: len(server.answers(general)) == 6)
        assert Counter(call.outcome for call in server.calls("chat.postMessage")) == {"ok": 6}


async def test_a_storm_of_limits_is_waited_out(server: SlackServer, tmp_path: Path) -> None:
    ada = server.user("ada")
    dm = server.im(ada)
    parts = "word " * 1_700
    async with Town(tmp_path, lambda _: say(f"{len(parts)} {parts}"), slack=server):
        server.storm(8, retry_after=0)
        server.storm(1, retry_after=1, method="chat.postMessage")
        await server.say(ada, dm, "Tell me")
        await server.until(lambda: len(server.answers(dm)) == 3)
    assert server.answers(dm)[0]["text"].startswith(str(len(parts)))
    limited = [call for call in server.transcript if call.outcome == "ratelimited"]
    assert len(limited) == 9


async def test_a_post_whose_answer_was_lost_is_found_and_not_sent_again(
    server: SlackServer, tmp_path: Path
) -> None:
    ada, dm, general = at_home(server)
    async with Town(tmp_path, echo, slack=server):
        server.lose_response("chat.postMessage", times=2)
        thread = await say_hello(server, ada, dm, general)
        await server.until(lambda: server.calls("conversations.history", "ok"))
        await server.until(lambda: server.calls("conversations.replies", "ok"))
        await say_bye(server, ada, dm, general, thread)
    answered_once(server, dm, general)
    assert len(server.calls("chat.postMessage", "lost")) == 2


async def test_a_post_that_was_never_made_is_made_after_all(server: SlackServer, tmp_path: Path) -> None:
    ada = server.user("ada")
    dm = server.im(ada)
    async with Town(tmp_path, echo, slack=server):
        server.fail("chat.postMessage", 503)
        assert await tell(server, ada, dm, "Hello") == "You said: Hello"
    assert len(server.answers(dm)) == 1


async def test_a_doubtful_post_where_history_cannot_be_read_is_logged_and_not_sent_again(
    server: SlackServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ada = server.user("ada")
    dm = server.im(ada)

    def play(request: ModelRequest) -> ModelReply:
        server.scopes.discard("im:history")
        return echo(request)

    async with Town(tmp_path, play, slack=server):
        server.lose_response("chat.postMessage")
        await server.say(ada, dm, "Hello")
        await server.until(lambda: server.calls("conversations.history", "missing_scope"))
        server.scopes.add("im:history")
        await tell(server, ada, dm, "Bye")
    assert texts(server.answers(dm)) == ["You said: Hello", "You said: Bye"]
    with closing(sqlite3.connect(tmp_path / "everbot.db")) as connection:
        states = connection.execute("SELECT state FROM outbox ORDER BY created_at").fetchall()
    assert states == [("doubtful",), ("sent",)]
    assert "not sent again" in caplog.text


async def test_a_post_that_slack_refuses_for_good_holds_up_nothing(
    server: SlackServer, tmp_path: Path
) -> None:
    ada = server.user("ada")
    dm = server.im(ada)
    async with Town(tmp_path, echo, slack=server):
        server.refuse("chat.postMessage", "restricted_action")
        await server.say(ada, dm, "Hello")
        await server.until(lambda: server.calls("chat.postMessage", "restricted_action"))
        assert await tell(server, ada, dm, "Bye") == "You said: Bye"
    assert len(server.answers(dm)) == 1


async def interrupted(folder: Path, times: int) -> None:
    """Everybody talks while the socket breaks again and again."""
    dice = random.Random(times)
    async with SlackServer(pace=Pace(ack_s=0.5, post_s=0.0)) as server:
        people = [server.user(name) for name in ("ada", "bob", "cyd")]
        general = server.channel("general", people)
        spots = [SlackSpot(server, user, server.im(user), "dm") for user in people]
        spots += [SlackSpot(server, user, general, "thread", threaded=True) for user in people]
        said = 0
        async with Town(folder, quote, slack=server, clock=SystemClock()):
            for number in range(times):
                for spot in dice.sample(spots, 2):
                    said += 1
                    await spot.say(f"n{said:05}")
                kind = ("drop", "warning", "refresh_requested", "spoil")[number % 4]
                before = set(server.delivery.links)
                if kind == "spoil":
                    server.spoil()
                if kind in ("drop", "spoil"):
                    server.drop()
                else:
                    await server.disconnect(kind)
                await server.until(lambda: server.connections and not before & set(server.delivery.links))  # noqa: B023
            await server.until(lambda: answered_numbers(server) == said)
            await quiet(server)
            for spot in spots:
                said += 1
                await spot.say(f"n{said:05}")
                await spot.until_answered(f"n{said:05}")
            posted = Counter(n for _, text in posts_on_slack(server) for n in numbers_in(text))
    assert {number: count for number, count in posted.items() if count != 1} == {}
    assert len(posted) == said


def answered_numbers(server: SlackServer) -> int:
    return len({n for _, text in posts_on_slack(server) for n in numbers_in(text)})


@pytest.mark.long
async def test_twelve_disconnects_lose_and_double_nothing(tmp_path: Path) -> None:
    await interrupted(tmp_path, 12)


@pytest.mark.soak
async def test_a_hundred_disconnects_lose_and_double_nothing(tmp_path: Path) -> None:
    await interrupted(tmp_path, 100)


async def test_an_outage_of_slack_is_waited_out(server: SlackServer, tmp_path: Path) -> None:
    ada, model = server.user("ada"), Slow()
    dm = server.im(ada)
    async with Town(tmp_path, model.play, slack=server) as town:
        await server.say(ada, dm, "Hello")
        await server.until(lambda: model.asked)
        server.down()
        model.may.set()
        async with asyncio.timeout(PATIENCE_S):
            while town.adapters[0].ready() is None:
                await asyncio.sleep(0)
        await server.say(ada, dm, "Are you there?")
        server.up()
        await server.until(lambda: len(server.answers(dm)) == 2)
        await town.ready()
    assert texts(server.answers(dm)) == ["You said: Hello", "You said: Are you there?"]


# Refused for good


async def refusal(town: Town) -> tuple[int, str]:
    """The exit code of a run that every platform refuses, and nothing of its log's lines but the errors."""
    clock = SystemClock()
    adapters = platforms(town.settings, clock)
    async with open_app(town.settings, adapters, "test", model=town.model) as app:  # type: ignore[arg-type]
        async with asyncio.timeout(PATIENCE_S):
            return await attend(app, adapters, clock, asyncio.Event(), 1.0), adapters[0].platform


@pytest.mark.parametrize(
    ("key", "variable"), [("bot_token", "SLACK_BOT_TOKEN"), ("app_token", "SLACK_APP_TOKEN")]
)
async def test_a_wrong_token_is_told_in_one_sentence(
    server: SlackServer, tmp_path: Path, caplog: pytest.LogCaptureFixture, key: str, variable: str
) -> None:
    town = with_slack(Town(tmp_path, echo, slack=server), **{key: SecretStr("xoxb-wrong")})
    code, _ = await refusal(town)
    assert code == 1
    [told] = [record.message for record in caplog.records if record.levelname == "ERROR"]
    assert variable in told
    assert "xoxb-wrong" not in caplog.text
    assert "Traceback" not in caplog.text


async def test_doctor_names_what_is_missing(server: SlackServer) -> None:
    good = await checking.check(server.bot_token, server.app_token, server.api_url)
    assert [what for ok, what in good if not ok] == []
    server.scopes.difference_update({"im:history", "reactions:read"})
    [lacking] = [what for ok, what in await checking.check(server.bot_token, None, server.api_url) if not ok]
    assert "im:history" in lacking
    assert "reactions:read" in lacking
    assert "mpim:history" not in lacking
    server.scopes.update({"im:history", "reactions:read"})
    [wrong] = [what for ok, what in await checking.check("xoxb-wrong", None, server.api_url) if not ok]
    assert "SLACK_BOT_TOKEN" in wrong
    found = await checking.check(server.bot_token, "xapp-wrong", server.api_url)
    [wrong] = [what for ok, what in found if not ok]
    assert "SLACK_APP_TOKEN" in wrong
    [away] = [what for ok, what in await checking.check("xoxb-x", None, "http://127.0.0.1:9/api/") if not ok]
    assert "does not answer" in away


async def test_doctor_names_what_is_missing_of_the_manifest(server: SlackServer) -> None:
    async def wrong(token: str = CONFIG_TOKEN) -> list[str]:
        found = await checking.check(server.bot_token, None, server.api_url, config_token=token)
        return [what for ok, what in found if not ok]

    assert await wrong() == []
    server.subscribed.difference_update({"message.im", "reaction_added"})
    [lacking] = await wrong()
    assert "message.im, reaction_added" in lacking
    server.manifest = {"settings": {}, "features": {}}
    assert len(await wrong()) == 6
    [refused] = await wrong("xoxe.xoxp-old")
    assert "SLACK_CONFIG_TOKEN" in refused


# Both platforms


async def test_one_platform_that_is_down_does_not_stop_the_other(server: SlackServer, tmp_path: Path) -> None:
    ada = server.user("ada")
    dm = server.im(ada)
    async with DiscordServer(**FAST) as discord:
        bob = discord.user("bob")
        spot = discord.dm(bob)

        async def bob_says(text: str) -> None:
            await discord.say(bob, spot, text)
            await discord.until(lambda: f"You said: {text}" in [m.content for m in discord.messages(spot)])

        async with Town(tmp_path, echo, discord=discord, slack=server):
            await bob_says("Hello")
            await tell(server, ada, dm, "Hello")
            server.down()
            await bob_says("Is Slack down?")
            server.up()
            await server.until(lambda: server.connections)
            await discord.down()
            assert await tell(server, ada, dm, "Is Discord down?") == "You said: Is Discord down?"


async def test_a_platform_that_refuses_us_does_not_stop_the_other(
    server: SlackServer, tmp_path: Path
) -> None:
    ada = server.user("ada")
    dm = server.im(ada)
    async with DiscordServer(**FAST) as discord:
        town = Town(tmp_path, echo, discord=discord, slack=server)
        section = town.settings.discord.model_copy(update={"token": SecretStr("wrong")})
        town.settings = town.settings.model_copy(update={"discord": section})
        clock, stop = SystemClock(), asyncio.Event()
        adapters = platforms(town.settings, clock)
        async with open_app(town.settings, adapters, "test", model=town.model) as app:  # type: ignore[arg-type]
            serving = asyncio.create_task(attend(app, adapters, clock, stop, 1.0))
            await discord.until(lambda: discord.invalid_requests)
            await server.until(lambda: server.connections)
            assert await tell(server, ada, dm, "Hello") == "You said: Hello"
            stop.set()
            assert await serving == 0
