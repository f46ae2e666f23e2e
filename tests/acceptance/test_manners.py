"""Where others read, not everything is answered with words: the agent reacts, or is silent."""

from __future__ import annotations

from pathlib import Path

from bot.errors import DeliveryDoubtful
from bot.events import REACTION, Reply, community_audience
from bot.ports import ModelReply, ModelRequest
from tests.acceptance.crowd import requests
from tests.acceptance.on_discord import answer, ask, come_true, mention, rows, texts
from tests.acceptance.slack_stage import at_home
from tests.fakes.clock import HastyClock
from tests.fakes.discord_server import DiscordServer
from tests.fakes.parlour import Parlour, Stage, events_in, opened, results_in
from tests.fakes.scripted_model import call, calls, say
from tests.fakes.slack_server import Pace, SlackServer
from tests.fakes.town import Town

ROOM = {"audience": community_audience("parlour:1"), "place": "hall"}


def names(request: ModelRequest) -> set[str]:
    return {tool["function"]["name"] for tool in request.tools}


async def test_what_is_not_meant_for_it_is_passed_over(tmp_path: Path) -> None:
    stage = Stage(lambda _: call("stay_silent", reason="They talk with each other."))
    async with opened(tmp_path, stage) as house:
        assert await house.say("ada", "Bob, are you coming?", **ROOM) == []
        assert len(stage.requests) == 1, "it is asked no second time"
        stage.play = lambda _: say("At six.")
        assert [reply.text for reply in await house.say("ada", "ever, when?", **ROOM)] == ["At six."]
        assert {"stay_silent", "react"} <= names(stage.requests[-1])


async def test_who_is_alone_with_it_is_answered(tmp_path: Path) -> None:
    def play(request: ModelRequest) -> ModelReply:
        results = results_in(request)
        return say("Here I am.") if results else call("stay_silent", reason="no")

    stage = Stage(play)
    async with opened(tmp_path, stage) as house:
        assert [reply.text for reply in await house.say("ada", "Hello?")] == ["Here I am."]
        assert not {"stay_silent", "react"} & names(stage.requests[0])
        assert results_in(stage.requests[1])[0]["status"] == "Failed"


async def test_a_silence_that_looked_something_up_first(tmp_path: Path) -> None:
    steps = [
        calls(
            ("stay_silent", {"reason": "not for me"}),
            ("conversation_search", {"query": "x", "request_heartbeat": True}),
        ),
        ModelReply(text="Nothing there."),
    ]
    stage = Stage(lambda _: steps[len(stage.requests) - 1])
    async with opened(tmp_path, stage) as house:
        assert await house.say("ada", "Bob?", **ROOM) == []
    assert len(stage.requests) == 2


async def test_a_reaction_is_an_answer_that_survives_a_doubt(tmp_path: Path) -> None:
    class Doubtful(Parlour):
        tried = 0

        async def send(self, reply: Reply) -> str:
            self.tried += 1
            if self.tried == 1:
                raise DeliveryDoubtful("lost on the way")
            return await super().send(reply)

    def play(request: ModelRequest) -> ModelReply:
        return call("react", emoji="nice" if len(stage.requests) == 2 else "🎉")

    parlour, stage = Doubtful(), Stage(play)
    async with opened(tmp_path, stage, parlour=parlour, clock=HastyClock()) as house:
        event = house.message("ada", "I passed!", **ROOM)
        await house.app.inbound.submit(event)
        await come_true(lambda: parlour.posted)
        (reaction,) = parlour.posted
        assert (reaction.kind, reaction.text, reaction.in_reply_to[-1]) == (REACTION, "🎉", event.key)
        assert parlour.tried == 2
        assert [reply.text for reply in await house.say("ada", "word", **ROOM)] == ["🎉"]
        assert "not one emoji" in results_in(stage.requests[-1])[-1]["message"]


SIGNS = {
    "👍": "+1",
    "👍🏽": "+1::skin-tone-4",
    "❤️": "heart",
    "❤": "heart",
    "👨\u200d👩\u200d👧": "man-woman-girl",
    "🇩🇪": "de",
    "5️⃣": "five",
    "🎉": "tada",
}


def reacting(request: ModelRequest) -> ModelReply:
    """With the sign that the message ends with."""
    return call("react", emoji=str(events_in(request)[-1]["message"]).split()[-1])


async def test_on_discord(server: DiscordServer, tmp_path: Path) -> None:
    ada = server.user("ada")
    general = server.channel(server.guild("Home", members=[ada]), "general")
    said = []
    async with Town(tmp_path, reacting, discord=server):
        for sign in SIGNS:
            message = await server.say(ada, general, f"{server.bot.mention} {sign}")
            await server.until(lambda: message.reactions)  # noqa: B023 - awaited at once
            said.append(message)
    assert [list(message.reactions) for message in said] == [[sign] for sign in SIGNS]
    assert [message for message in server.messages(general) if message.author is server.bot] == []


async def test_on_slack(tmp_path: Path) -> None:
    async with SlackServer(pace=Pace(post_s=0.0)) as server:
        ada, _, general = at_home(server)
        said = []
        async with Town(tmp_path, reacting, slack=server) as town:
            for sign in SIGNS:
                ts = (await server.say(ada, general, f"<@{server.bot}> {sign}"))["ts"]
                message = server.workspace.found(general, ts)[1]
                await server.until(lambda: "reactions" in message)  # noqa: B023 - awaited at once
                said.append(message)
            assert len(requests(town)) == len(SIGNS)
        assert [[r["name"] for r in message["reactions"]] for message in said] == [
            [name] for name in SIGNS.values()
        ]
        assert server.answers(general) == []


# Rooms in which nobody need call it


async def test_it_leaves_people_to_themselves_who_talk_with_each_other(
    server: DiscordServer, tmp_path: Path
) -> None:
    ada, bob = server.user("ada", display="Ada"), server.user("bob", display="Bob")
    free = server.channel(server.guild("Home", members=[ada, bob]), "free")
    access = {"free_response": [str(free.id)]}
    async with Town(tmp_path, answer, discord=server, access=access) as town:
        assert await ask(server, ada, free, "Is anybody here?") == "You said: Is anybody here?"
        await server.say(bob, free, "I am, Ada, and I am going to the SECRET lake")
        await server.say(ada, free, "Bob, which one?")
        await server.say(bob, free, "the round one")
        assert (await ask(server, ada, free, "Ever, how is the weather?")).endswith("how is the weather?")
        assert await ask(server, ada, free, "And tomorrow?") == "You said: And tomorrow?"
        await server.say(bob, free, "Ada, let us just go")
        assert await mention(server, bob, free, "what do you think?") == "You said: what do you think?"
        assert len(town.model.requests) == 4
    assert texts(town) == [
        "Is anybody here?",
        "Ever, how is the weather?",
        "And tomorrow?",
        "what do you think?",
    ]
    assert rows(town, "SELECT count(*) FROM messages WHERE text LIKE '%SECRET%'") == [(0,)]


async def test_an_hour_holds_so_many_answers_that_nobody_called_for(
    server: DiscordServer, tmp_path: Path
) -> None:
    ada = server.user("ada")
    free = server.channel(server.guild("Home", members=[ada]), "free")
    access = {"free_response": [str(free.id)]}
    async with Town(tmp_path, answer, discord=server, access=access, rooms={"answers_per_hour": 2}) as town:
        for text in ("One", "Two"):
            assert await ask(server, ada, free, text) == f"You said: {text}"
        await server.say(ada, free, "Three")
        assert await mention(server, ada, free, "Four") == "You said: Four"
    assert texts(town) == ["One", "Two", "Four"]
