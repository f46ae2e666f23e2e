"""What was said on Slack while everbot was away is answered: once, wherever it was said, whatever came between."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.ports import ModelReply, ModelRequest
from memory.records import Wish
from tests.acceptance.crowd import SlackSpot, tell, texts
from tests.acceptance.test_slack_outages import FORGETFUL, Hours, free_port, quiet, with_slack
from tests.fakes.scripted_model import say
from tests.fakes.slack_server import SlackServer
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
        ada = server.user("ada")
        dm, general = server.im(ada), server.channel("general", [ada])
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
