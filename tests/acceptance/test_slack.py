"""Everbot in a Slack workspace: who is answered where, what is remembered where, and what people can do."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot import bundle
from bot.ownership.export import FORMAT
from bot.ports import ModelReply, ModelRequest
from tests.acceptance.crowd import KNOWN, keep, requests, tell, texts
from tests.acceptance.slack_stage import ALONE, at_home
from tests.fakes.discord_server import Channel, DiscordServer
from tests.fakes.parlour import whole
from tests.fakes.scripted_model import say
from tests.fakes.slack_server import Pace, SlackServer
from tests.fakes.town import FAST, Town, heard


@pytest.fixture
async def server() -> AsyncIterator[SlackServer]:
    async with SlackServer(pace=Pace(post_s=0.0)) as server:
        yield server


# Who is answered, and where


async def test_a_first_direct_message_is_answered_beside_it(server: SlackServer, tmp_path: Path) -> None:
    ada = server.user("ada")
    dm = server.im(ada)
    async with Town(tmp_path, keep, slack=server) as town:
        await server.say(ada, dm, "Hello there")
        [answer] = await server.until(lambda: server.answers(dm))
    assert answer["text"] == "You said: Hello there"
    assert "thread_ts" not in answer
    contact = [json.loads(m["content"]) for m in requests(town)[0].messages if m["role"] == "user"]
    assert [event["type"] for event in contact] == ["user_joined", "message"]
    assert contact[1]["name"] == "ada"


async def test_a_mention_is_answered_once_and_in_its_thread(server: SlackServer, tmp_path: Path) -> None:
    """Slack tells of a mention twice: as a message and as a mention."""
    ada = server.user("ada")
    general = server.channel("general", [ada])
    async with Town(tmp_path, keep, slack=server):
        said = await server.say(ada, general, f"<@{server.bot}> hello")
        await server.until(lambda: server.answers(general, said["ts"]))
        assert await tell(server, ada, general, "and again") == "You said: and again"
        assert len([e for e in server.envelopes if e.name in ("message", "app_mention")]) >= 4
    assert texts(server.answers(general, said["ts"])) == ["You said: hello"]
    assert all(answer.get("thread_ts") for answer in server.answers(general))


async def test_a_thread_is_followed_for_whoever_addressed_us_there(
    server: SlackServer, tmp_path: Path
) -> None:
    ada, bob = server.user("ada"), server.user("bob")
    general = server.channel("general", [ada, bob])
    async with Town(tmp_path, keep, slack=server):
        said = await server.say(ada, general, f"<@{server.bot}> shall we?")
        thread = str(said["ts"])
        await server.until(lambda: server.answers(general, thread))
        await server.say(ada, general, "talk among people")
        await server.say(bob, general, "not meant for the bot", thread)
        assert await tell(server, ada, general, "yes, go on", thread) == "You said: yes, go on"
        await server.say(bob, general, f"<@{server.bot}> now I ask", thread)
        await server.until(lambda: len(server.answers(general, thread)) == 3)
        assert await tell(server, bob, general, "and I too", thread) == "You said: and I too"
    assert texts(server.answers(general)) == [
        "You said: shall we?",
        "You said: yes, go on",
        "You said: now I ask",
        "You said: and I too",
    ]


async def test_a_group_of_people_has_to_mention_us(server: SlackServer, tmp_path: Path) -> None:
    ada, bob = server.user("ada"), server.user("bob")
    group = server.mpim([ada, bob])
    async with Town(tmp_path, keep, slack=server):
        await server.say(ada, group, "Lunch?")
        assert await tell(server, bob, group, "what do you say?") == "You said: what do you say?"
    assert len(server.answers(group)) == 1


async def test_two_people_in_one_channel_are_two_agents(server: SlackServer, tmp_path: Path) -> None:
    ada, bob = server.user("ada"), server.user("bob")
    general = server.channel("general", [ada, bob])
    async with Town(tmp_path, keep, slack=server, run=ALONE) as town:
        await asyncio.gather(
            tell(server, ada, general, "Keep walnut"), tell(server, bob, general, "Keep hazel")
        )
        await tell(server, ada, general, "What is mine?")
        hers = whole(requests(town)[-1])
        await tell(server, bob, general, "And mine?")
        his = whole(requests(town)[-1])
    assert ("walnut" in hers, "hazel" in hers) == (True, False)
    assert ("walnut" in his, "hazel" in his) == (False, True)


async def test_other_bots_and_our_own_posts_are_ignored(server: SlackServer, tmp_path: Path) -> None:
    ada, robot = server.user("ada"), server.other_bot("robot")
    general, dm = server.channel("general", [ada, robot]), server.im(ada)
    client = AsyncWebClient(server.bot_token, base_url=server.api_url, retry_handlers=[])
    async with Town(tmp_path, keep, slack=server) as town:
        await server.say(robot, general, f"<@{server.bot}> beep")
        await client.chat_postMessage(channel=dm, text="A word from the operator.")
        await client.chat_postMessage(channel=dm, text=f"Another, <@{server.bot}>.", username="Parrot")
        await client.chat_postMessage(channel=general, text=f"<@{server.bot}> hi", username="Parrot")
        assert await tell(server, ada, dm, "Is anybody there?") == "You said: Is anybody there?"
        await server.until(lambda: all(envelope.done for envelope in server.envelopes))
    assert len(requests(town)) == 1
    assert len(server.answers(general)) == 1


async def test_notices_of_slack_itself_are_not_talk(server: SlackServer, tmp_path: Path) -> None:
    ada, bob = server.user("ada"), server.user("bob")
    general = server.channel("general", [ada])
    server.subscribed.add("member_joined_channel")
    async with Town(tmp_path, keep, slack=server, access={"require_mention": False}) as town:
        await server.join(bob, general)
        await server.make_private(general, ada)
        await server.say(ada, general, "So now we are alone.")
        await server.until(lambda: server.answers(general))
    assert len(requests(town)) == 1


# What is remembered, and where it may be seen


async def test_what_is_learned_somewhere_is_seen_where_it_may_be(server: SlackServer, tmp_path: Path) -> None:
    ada, bob = server.user("ada"), server.user("bob")
    places = {
        "dm": server.im(ada),
        "general": server.channel("general", [ada]),
        "random": server.channel("random", [ada]),
        "staff": server.channel("staff", [ada], private=True),
        "group": server.mpim([ada, bob]),
    }
    seen: dict[str, set[str]] = {}
    async with Town(tmp_path, keep, slack=server, run=ALONE) as town:
        for name, channel in places.items():
            await tell(server, ada, channel, f"Keep secret-{name}")
        for name, channel in places.items():
            await tell(server, ada, channel, KNOWN)
            seen[name] = set(re.findall(r"secret-(\w+)", whole(requests(town)[-1])))
    assert seen["dm"] == set(places)
    assert seen["general"] == seen["random"] == {"general", "random"}
    assert seen["staff"] == {"general", "random", "staff"}
    assert seen["group"] == {"general", "random", "group"}


async def test_a_channel_made_private_and_back_keeps_what_was_learned_in_it_apart(
    server: SlackServer, tmp_path: Path
) -> None:
    ada = server.user("ada")
    plans, general = server.channel("plans", [ada]), server.channel("general", [ada])
    async with Town(tmp_path, keep, slack=server, run=ALONE) as town:
        await tell(server, ada, plans, "Keep oak")
        await server.make_private(plans, ada)
        await tell(server, ada, plans, "Keep elm")
        await tell(server, ada, plans, KNOWN)
        in_private = whole(requests(town)[-1])
        server.workspace.channels[plans].kind = "channel"
        await tell(server, ada, plans, "Keep ash")
        await tell(server, ada, plans, KNOWN)
        in_plans = whole(requests(town)[-1])
        await tell(server, ada, general, KNOWN)
        in_general = whole(requests(town)[-1])
    assert all(tree in in_private for tree in ("oak", "elm"))
    for public in (in_plans, in_general):
        assert [tree for tree in ("oak", "elm", "ash") if tree in public] == ["oak", "ash"]


async def test_a_thread_that_was_followed_before_its_channel_became_private_is_followed_after(
    server: SlackServer, tmp_path: Path
) -> None:
    ada = server.user("ada")
    plans = server.channel("plans", [ada])
    async with Town(tmp_path, keep, slack=server):
        said = await server.say(ada, plans, f"<@{server.bot}> a thread")
        thread = str(said["ts"])
        await server.until(lambda: server.answers(plans, thread))
        await server.make_private(plans, ada)
        await server.say(ada, plans, f"<@{server.bot}> still here?", thread)
        await server.until(lambda: len(server.answers(plans, thread)) == 2)
        assert await tell(server, ada, plans, "good", thread) == "You said: good"


# Who may talk


async def test_who_is_not_let_in_is_told_how_once(server: SlackServer, tmp_path: Path) -> None:
    ada, bob = server.user("ada"), server.user("bob")
    access = {"dm_policy": "pairing", "people": [f"slack:{server.workspace.team}/{bob}"]}
    async with Town(tmp_path, keep, slack=server, access=access) as town:
        await server.say(ada, server.im(ada), "Hello?")
        [answer] = await server.until(lambda: server.answers(server.im(ada)))
        assert re.search(r"everbot pair [A-Z0-9]{4}-[A-Z0-9]{4}", answer["text"])
        assert await tell(server, bob, server.im(bob), "Hello") == "You said: Hello"
        used = await server.slash(ada, server.im(ada), "/everbot", "memory")
        assert "pair" in used.replies[0]["text"]
    assert len(requests(town)) == 1


async def test_channels_are_allowed_and_denied_by_id(server: SlackServer, tmp_path: Path) -> None:
    ada = server.user("ada")
    open_, closed = server.channel("open", [ada]), server.channel("closed", [ada])
    free = server.channel("free", [ada])
    access = {"channels": [open_, free], "free_response": [free]}
    async with Town(tmp_path, keep, slack=server, access=access) as town:
        await server.say(ada, closed, f"<@{server.bot}> hello")
        await server.say(ada, free, "no mention needed")
        await server.until(lambda: server.answers(free))
        assert await tell(server, ada, open_, "hello") == "You said: hello"
    assert server.answers(closed) == []
    assert len(requests(town)) == 2


async def test_other_bots_are_under_a_cap_in_each_channel(server: SlackServer, tmp_path: Path) -> None:
    """Each of their messages begins a thread, which is a place of its own."""
    robot = server.other_bot("robot")
    ada = server.user("ada")
    general, quiet = server.channel("general", [robot]), server.channel("quiet", [robot, ada])
    async with Town(tmp_path, keep, slack=server, access={"bots": True}) as town:
        for number in range(30):
            await server.say(robot, general, f"<@{server.bot}> ping {number}")
        await server.say(robot, quiet, f"<@{server.bot}> ping")
        await server.until(lambda: server.answers(quiet))
        await server.until(lambda: all(envelope.done for envelope in server.envelopes))
        await town.app.inbound.settled()
        await tell(server, ada, quiet, "Hello")
    assert len(server.answers(general)) == 20


async def test_a_reaction_goes_by_the_rules_of_the_place(server: SlackServer, tmp_path: Path) -> None:
    """Who may no longer write to us directly may not react to what we said there, either."""
    ada, dm, general = at_home(server)
    reacted: list[str] = []

    def play(request: ModelRequest) -> ModelReply:
        if heard(request)["type"] != "reaction":
            return keep(request)
        reacted.append(heard(request)["reason"])
        return say("Thanks!")

    async with Town(tmp_path, play, slack=server) as town:
        await tell(server, ada, dm, "Hello")
        await tell(server, ada, general, "Hello")
        await town.app.inbound.settled()
    private, public = server.answers(dm)[0], server.answers(general)[0]
    access = {"dm_policy": "disabled", "channels": [general]}
    async with Town(tmp_path, play, slack=server, access=access) as town:
        await server.react(ada, private, "eyes")
        await server.react(ada, public, "tada")
        await server.until(lambda: len(server.answers(general)) == 2)
        await town.app.inbound.settled()
    assert len(reacted) == 1
    assert len(server.answers(dm)) == 1


# Beside what people say


async def test_what_is_thought_in_a_heartbeat_stays_unsaid(server: SlackServer, tmp_path: Path) -> None:
    ada = server.user("ada")
    dm = server.im(ada)
    beats: list[str] = []

    def play(request: ModelRequest) -> ModelReply:
        if heard(request)["type"] != "heartbeat":
            return keep(request)
        beats.append(request.key)
        return ModelReply(text="They are resting.")

    async with Town(tmp_path, play, slack=server) as town:
        await tell(server, ada, dm, "Hello")
        assert (await server.slash(ada, dm, "/everbot", "heartbeat now")).acked
        await town.app.inbound.settled()
        await tell(server, ada, dm, "Bye")
    assert beats
    assert texts(server.answers(dm)) == ["You said: Hello", "You said: Bye"]


async def test_the_lines_before_a_mention_are_shown_and_not_remembered(
    server: SlackServer, tmp_path: Path
) -> None:
    ada, bob = server.user("ada"), server.user("bob")
    general = server.channel("general", [ada, bob])
    async with Town(tmp_path, keep, slack=server) as town:
        await server.say(bob, general, "The soup is cold.")
        await tell(server, ada, general, "what did he say?")
        assert heard(requests(town)[-1])["context"] == ["bob: The soup is cold."]
        await tell(server, ada, general, "and then?")
        assert heard(requests(town)[-1])["context"] == ["bob: The soup is cold.", "ada: what did he say?"]
        used = await server.slash(ada, server.im(ada), "/everbot", "export")
        assert used.acked
        posted = await server.until(lambda: [m for m in server.answers(server.im(ada)) if m.get("files")])
    _, tables = bundle.unpack([server.workspace.contents[posted[0]["files"][0]["id"]]], FORMAT)
    exported = bundle.canonical(tables)
    assert "what did he say?" in exported
    assert "soup" not in exported


# Known on two platforms


async def test_who_is_linked_with_discord_is_one_person_in_private_and_two_in_public(
    server: SlackServer, tmp_path: Path
) -> None:
    ada, dm, general = at_home(server)
    seen: dict[str, list[str]] = {}
    async with DiscordServer(**FAST) as discord:
        eve = discord.user("eve")
        private, lounge = discord.dm(eve), discord.channel(discord.guild("club", members=[eve]), "lounge")

        async def eve_says(channel: Channel, text: str) -> None:
            mention = "" if channel is private else f"{discord.bot.mention} "
            said = await discord.say(eve, channel, mention + text)
            await discord.until(lambda: channel.messages and discord.messages(channel)[-1].id > said.id)

        async with Town(tmp_path, keep, discord=discord, slack=server, run=ALONE) as town:

            async def asked() -> None:
                await tell(server, ada, dm, KNOWN)
                seen["dm"] = nuts(town)
                await tell(server, ada, general, KNOWN)
                seen["general"] = nuts(town)
                await eve_says(private, KNOWN)
                seen["private"] = nuts(town)
                await eve_says(lounge, KNOWN)
                seen["lounge"] = nuts(town)

            await tell(server, ada, dm, "Keep walnut")
            await tell(server, ada, general, "Keep almond")
            await eve_says(private, "Keep hazel")
            await eve_says(lounge, "Keep pecan")

            shown = await server.slash(ada, dm, "/everbot", "link")
            [code] = re.findall(r"[A-Z0-9]{4}-[A-Z0-9]{4}", shown.replies[0]["text"])[:1]
            entered = await discord.slash(eve, private, "link", {"argument": code})
            early = await server.slash(ada, dm, "/everbot", "link confirm")
            assert "nothing to confirm" in early.replies[0]["text"]
            await asked()
            assert seen["private"] == ["hazel", "pecan"]

            await entered.press(f"everbot link yes {code}")
            done = await server.slash(ada, dm, "/everbot", "link confirm")
            assert "one person" in done.replies[0]["text"]
            await asked()
            assert seen["dm"] == seen["private"] == ["almond", "hazel", "pecan", "walnut"]
            assert (seen["general"], seen["lounge"]) == (["almond"], ["pecan"])
            again = await discord.slash(eve, private, "link", {"argument": code})
            assert "not known" in again.text

            sure = await server.slash(ada, dm, "/everbot", "unlink")
            await server.press(ada, sure.replies[0], "everbot unlink yes")
            await server.until(lambda: any("anew" in m["text"] for m in server.ephemeral(dm, ada)))
            await asked()
            assert (seen["dm"], seen["general"]) == ([], [])
            assert seen["private"] == ["almond", "hazel", "pecan", "walnut"]


def nuts(town: Town) -> list[str]:
    """The nuts that the model was shown last."""
    return sorted(set(re.findall("walnut|almond|hazel|pecan", whole(requests(town)[-1]))))
