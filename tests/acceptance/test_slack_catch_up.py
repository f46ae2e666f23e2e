"""What was said on Slack while everbot was away is answered: once, wherever it was said, whatever came between."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.ports import ModelReply, ModelRequest
from memory.records import Role, Wish
from tests.acceptance.crowd import SlackSpot, numbers_in, posts_on_slack, quote, tell, texts
from tests.acceptance.slack_stage import FORGETFUL, Hours, at_home, dm_and_thread, quiet, quoted, with_slack
from tests.fakes.ports import free_port
from tests.fakes.scripted_model import say
from tests.fakes.slack_server import Pace, SlackServer
from tests.fakes.town import Town, echo, heard


def calm(request: ModelRequest) -> ModelReply:
    """Answers people, reminds them, and says nothing of its own accord."""
    kind = heard(request)["type"]
    return (
        ModelReply(text="Nothing.")
        if kind == "heartbeat"
        else say("Tea!")
        if kind == "scheduled"
        else echo(request)
    )


async def remind(town: Town) -> None:
    """Whatever everybody asked to be reminded of is due, everywhere."""
    async with town.app.memory.store.write() as session:
        for agent in await session.agents.agents():
            for place in await session.agents.conversations(agent.id):
                wish = Wish(
                    id=f"{agent.id}-{place.id}",
                    agent_id=agent.id,
                    conversation_id=place.id,
                    about="tea",
                    rule="",
                    turn_id="made",
                    next_at=datetime.now(UTC),
                    created_at=datetime.now(UTC),
                )
                await session.schedule.put_wish(wish)
    await town.app.heartbeat.sweep()


@pytest.mark.parametrize("mode", ["socket", "http"])
async def test_beats_and_reminders_are_no_marks_of_what_was_read(tmp_path: Path, mode: str) -> None:
    """They are the newest events of a place after any quiet night."""
    hours = Hours(-3)
    async with SlackServer(pace=FORGETFUL, now=hours) as server:
        ada = server.user("ada")
        general = server.channel("general", [ada])
        dm = server.im(ada)
        thread = SlackSpot(server, ada, general, "thread", threaded=True)
        town = Town(tmp_path, calm, slack=server)
        if mode == "http":
            port = free_port()
            server.deliver_to(f"http://127.0.0.1:{port}/slack/events")
            with_slack(town, mode="http", listen=f"127.0.0.1:{port}")
        async with town:
            await tell(server, ada, dm, "Hello")
            await thread.say("Hello")
            await thread.until_answered("Hello")
            await server.slash(ada, dm, "/everbot", "heartbeat now")
            await remind(town)
            await thread.until_answered("Tea!")
            await server.until(lambda: "Tea!" in texts(server.answers(dm)))
            await town.app.inbound.settled()
        hours.offset = -1
        await server.say(ada, dm, "missed in the dm")
        await thread.say("missed in the thread")
        hours.offset = 0
        await quiet(server)
        async with town:
            await thread.until_answered("missed in the thread")
            await server.until(lambda: "You said: missed in the dm" in texts(server.answers(dm)))
            assert await tell(server, ada, dm, "Good") == "You said: Good"


async def test_what_is_said_while_history_is_read_does_not_overtake_what_was_said_before(
    tmp_path: Path,
) -> None:
    """However long that takes: the reading of one place was over when this was said in it."""
    async with SlackServer(pace=Pace(ack_s=0.5, retry_s=(60.0,), post_s=0.0)) as server:
        ada = server.user("ada")
        dm = SlackSpot(server, ada, server.im(ada), "dm")
        for name in ("one", "two", "three"):
            server.channel(name, [ada])
        town = Town(tmp_path, quote, slack=server)
        async with town:
            await dm.say("n00000")
            await dm.until_answered("n00000")
        held = [server.hold("conversations.history") for _ in range(4)]
        async with town:
            for hold in held[:3]:
                await hold.met()
                hold.go()
            await held[3].met()
            await dm.say("n00001")
            early = server.envelopes[-1]
            await server.until(lambda: early.reason)
            held[3].go()
            await server.until(lambda: len(server.calls("conversations.history")) == 4)
            await dm.say("n00002")
            await dm.until_answered("n00002")
            assert not early.ack, "the next try is a minute away"
    assert quoted(dm) == ["n00000", "n00001", "n00002"]


async def test_what_was_deleted_and_edited_while_away_is_so_in_memory_too(tmp_path: Path) -> None:
    hours = Hours(-3)
    async with SlackServer(pace=FORGETFUL, now=hours) as server:
        ada = server.user("ada")
        general = server.channel("general", [ada])
        town = Town(tmp_path, echo, slack=server)
        async with town:
            salary = await server.say(ada, general, f"<@{server.bot}> I earn 91000")
            await server.until(lambda: server.answers(general, salary["ts"]))
            home = await server.say(ada, general, f"<@{server.bot}> I live in Rome")
            await server.until(lambda: server.answers(general, home["ts"]))
        await server.delete(salary)
        await server.edit(home, f"<@{server.bot}> I live in Turin")
        await quiet(server)
        hours.offset = 0
        async with town:
            await tell(server, ada, general, "And now?", str(home["ts"]))
            async with town.app.memory.store.read() as session:
                [agent] = await session.agents.agents()
                said = [m.text for m in await session.messages.said(agent.id, None) if m.role is Role.USER]
    assert said == ["I live in Turin", "And now?"]
    assert len(server.answers(general)) == 3


async def test_the_head_of_a_thread_that_is_too_old_is_not_answered_at_a_later_restart(
    tmp_path: Path,
) -> None:
    """Slack gives it with every answer, however old it is."""
    hours = Hours(-30)
    async with SlackServer(pace=FORGETFUL, now=hours) as server:
        ada, bob = server.user("ada"), server.user("bob")
        general, dm = server.channel("general", [ada, bob]), server.im(ada)
        town = Town(tmp_path, echo, slack=server)
        head = await server.say(ada, general, f"<@{server.bot}> while nobody was there")
        await quiet(server)  # nobody is told of it any more
        hours.offset = -1
        async with town:
            await tell(server, bob, general, f"<@{server.bot}> and now?", str(head["ts"]))
        await server.say(bob, general, "more", str(head["ts"]))
        hours.offset = 0
        await quiet(server)
        async with town:
            await server.until(lambda: len(server.answers(general)) == 2)
            await tell(server, ada, dm, "Hello")
    assert texts(server.answers(general)) == ["You said: and now?", "You said: more"]


async def test_a_place_that_cannot_be_read_costs_no_other_place(tmp_path: Path) -> None:
    hours = Hours(-3)
    async with SlackServer(pace=FORGETFUL, now=hours) as server:
        ada, dm, general = at_home(server)
        staff = server.channel("staff", [ada], private=True)
        town = Town(tmp_path, echo, slack=server)
        async with town:
            await tell(server, ada, dm, "Hello")
        hours.offset = -1
        missed = [
            await server.say(ada, general, f"<@{server.bot}> in general"),
            await server.say(ada, staff, f"<@{server.bot}> in staff"),
        ]
        hours.offset = 0
        await quiet(server)
        server.scopes.discard("mpim:read")  # Slack refuses a question of four types for one of them
        server.refuse("conversations.history", "channel_not_found")
        async with town:
            await server.until(lambda: server.answers(staff, missed[1]["ts"]))
            await server.until(lambda: len(server.calls("conversations.history")) == 3)
            await tell(server, ada, dm, "Good")
    assert len(server.answers(general)) == 0
    assert texts(server.answers(dm)) == ["You said: Hello", "You said: Good"]


async def test_what_came_while_away_is_found_and_answered_once(tmp_path: Path) -> None:
    """Slack has given up telling of it. What is older than the configured age is let go."""
    hours = Hours(-20)
    async with SlackServer(pace=FORGETFUL, now=hours) as server:
        ada, bob = server.user("ada"), server.user("bob")
        general, staff = server.channel("general", [ada, bob]), server.channel("staff", [ada], private=True)
        old = SlackSpot(server, ada, general, "old thread", threaded=True)
        young = SlackSpot(server, ada, general, "young thread", threaded=True)
        dm, his = (
            SlackSpot(server, ada, server.im(ada), "dm"),
            SlackSpot(server, bob, server.im(bob), "his dm"),
        )
        in_staff = SlackSpot(server, ada, staff, "staff", called=True)
        town = Town(tmp_path, quote, slack=server)
        async with town:
            for number, spot in enumerate((old, dm, in_staff)):
                await spot.say(f"n{number:05}")
                await spot.until_answered(f"n{number:05}")
            hours.offset = -11
            await young.say("n00003")
            await young.until_answered("n00003")
        hours.offset = -10
        old.called = True  # it is too old to be followed
        fresh = SlackSpot(server, ada, server.channel("fresh", [ada]), "a new channel", called=True)
        loud = SlackSpot(server, ada, general, "channel", called=True)
        missed = [dm, dm, his, old, young, loud, loud, in_staff, fresh]
        for number, spot in enumerate(missed, 10):
            await spot.say(f"n{number:05}")
        await server.say(bob, general, "n00099 among people", young.thread)
        hours.offset = 0
        await quiet(server)
        for _ in range(2):
            async with town:
                for number, spot in enumerate(missed, 10):
                    await spot.until_answered(f"n{number:05}")
        answered = Counter(number for _, text in posts_on_slack(server) for number in numbers_in(text))
    assert set(answered) == {f"n{number:05}" for number in (*range(4), *range(10, 19))}
    assert set(answered.values()) == {1}


async def test_what_is_older_than_the_configured_age_is_let_go(tmp_path: Path) -> None:
    hours = Hours(-20)
    async with SlackServer(pace=FORGETFUL, now=hours) as server:
        ada = server.user("ada")
        dm = server.im(ada)
        town = Town(tmp_path, quote, slack=server)
        async with town:
            await tell(server, ada, dm, "n00000")
        for number, offset in enumerate((-13, -11), 1):
            hours.offset = offset
            await server.say(ada, dm, f"n{number:05}")
        hours.offset = 0
        await quiet(server)
        async with town:
            await server.until(lambda: len(server.answers(dm)) == 2)
            await tell(server, ada, dm, "n00003")
    assert texts(server.answers(dm)) == ["Heard n00000", "Heard n00002", "Heard n00003"]


async def test_what_came_while_away_is_not_forgotten_when_the_next_start_is_cut_short(
    tmp_path: Path,
) -> None:
    """Somebody else is heard at once, but history is not read to its end before the process ends again."""
    hours = Hours(-3)
    async with SlackServer(pace=FORGETFUL, now=hours) as server:
        ada, bob = server.user("ada"), server.user("bob")
        general = server.channel("general", [ada])
        town = Town(tmp_path, echo, slack=server)
        async with town:
            await tell(server, ada, general, "Hello")
            await tell(server, bob, server.im(bob), "Hello")
        hours.offset = -1
        missed = await server.say(ada, general, f"<@{server.bot}> an hour ago")
        await quiet(server)
        hours.offset = 0
        held = server.hold("conversations.history", times=10)
        async with town:
            await server.say(bob, server.im(bob), "Are you back?")
            [heard_now] = server.envelopes[-1:]
            await server.until(lambda: heard_now.done)
        server.api.faults.clear()
        held.go()
        async with town:
            await server.until(lambda: server.answers(general, missed["ts"]))


async def test_messages_heard_while_history_is_read_are_answered_once_and_in_order(tmp_path: Path) -> None:
    async with SlackServer(pace=FORGETFUL) as server:
        ada = server.user("ada")
        spots = dm_and_thread(server, ada)
        town = Town(tmp_path, quote, slack=server)
        async with town:
            for spot in spots:
                await spot.say("n00000")
                await spot.until_answered("n00000")
        for spot in spots:
            for number in range(1, 6):
                await spot.say(f"n{number:05}")
        await quiet(server)
        held = server.hold("conversations.history")
        async with town:
            await held.met()
            for number in range(6, 11):
                for spot in spots:
                    await spot.say(f"n{number:05}")
            held.go()
            for spot in spots:
                await spot.until_answered("n00010")
                await server.until(lambda: len(quoted(spot)) >= 11)  # noqa: B023 - awaited at once
    assert [quoted(spot) for spot in spots] == [[f"n{number:05}" for number in range(11)]] * 2
