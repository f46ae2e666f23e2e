"""Personas that communities share: who speaks where, what all of them know, and who may change it."""

from __future__ import annotations

import asyncio
import json
import re
import zlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot.ports import ModelReply, ModelRequest
from tests.acceptance.crowd import requests
from tests.acceptance.crowd import tell as tell_on_slack
from tests.fakes.clock import LeapingClock
from tests.fakes.discord_server import Channel, DiscordServer, Permission, User
from tests.fakes.parlour import is_summary, whole
from tests.fakes.scripted_model import call, calls, say
from tests.fakes.slack_server import Pace, SlackServer
from tests.fakes.town import FAST, Town, heard
from tests.patience import PATIENCE_S

SELF = re.compile(r'<block label="persona"[^>]*>\n(.*?)\n</block>', re.DOTALL)
DAY_S = 86_400.0


@pytest.fixture
async def server() -> AsyncIterator[DiscordServer]:
    async with DiscordServer(**FAST) as server:
        yield server


@pytest.fixture
async def slack() -> AsyncIterator[SlackServer]:
    async with SlackServer(pace=Pace(post_s=0.0)) as server:
        yield server


def who_am_i(request: ModelRequest) -> str:
    """The first words of the persona's block, as the model was told last."""
    told = SELF.findall(request.messages[0]["content"])[0]
    for message in request.messages:
        if message["role"] == "user":
            fields = json.loads(message["content"])
            if fields["type"] == "core_memory" and "persona" in fields["blocks"]:
                told = fields["blocks"]["persona"]["value"]
    return str(told.partition(".")[0].partition(",")[0])


def play(request: ModelRequest) -> ModelReply:
    """``share …`` goes into the community's lore, ``find …`` is looked for, all else is answered with who it is."""
    if is_summary(request):
        return ModelReply(text="They talked.")
    event = heard(request)
    if event["type"] == "heartbeat":
        return reflect(request)
    if request.messages[-1]["role"] == "tool":
        return say(f"Found: {request.messages[-1]['content']}"[:1500])
    word, _, rest = str(event.get("message", "")).partition(" ")
    if word == "share":
        return call("archival_memory_insert", content=rest, scope="community", request_heartbeat=True)
    if word == "find":
        return call("archival_memory_search", query=rest, request_heartbeat=True)
    if word == "become":
        return call(
            "core_memory_replace",
            label="persona",
            old_content="I am",
            new_content=rest,
            request_heartbeat=True,
        )
    return say(f"{who_am_i(request)}. You said: {event.get('message', '')}")


def reflect(request: ModelRequest) -> ModelReply:
    if request.messages[-1]["role"] == "tool":
        return call("finish_rethinking_memory")
    return calls(
        (
            "rethink_memory",
            {"label": "persona", "new_value": "I am Ivy, who loves roses.", "request_heartbeat": True},
        )
    )


def said(server: DiscordServer, channel: Channel) -> list[str]:
    """What the bot has said there, under whatever name, without the name that stands before it."""
    ours = [
        m
        for m in server.messages(channel)
        if m.author is server.bot or (m.webhook is not None and m.webhook.maker is server.bot)
    ]
    return [re.sub(r"\A\*\*.*\*\*\n", "", message.content) for message in ours]


async def ask(server: DiscordServer, user: User, channel: Channel, text: str) -> str:
    """Somebody says something, and is answered."""
    before = len(said(server, channel))
    await server.say(user, channel, text)
    await server.until(lambda: len(said(server, channel)) > before)
    return said(server, channel)[-1]


async def mention(server: DiscordServer, user: User, channel: Channel, text: str) -> str:
    return await ask(server, user, channel, f"{server.bot.mention} {text}")


async def make(town: Town, name: str, text: str) -> None:
    personas = town.app.personas
    async with town.app.memory.store.write() as session:
        await personas.create(session, name, [personas.text(text)])


async def persona(server: DiscordServer, user: User, channel: Channel, words: str) -> str:
    """What ``/persona words`` shows them."""
    return (await server.slash(user, channel, "persona", {"argument": words})).text


async def on_slack(slack: SlackServer, user: str, channel: str, words: str) -> str:
    used = await slack.slash(user, channel, "/everbot", f"persona {words}".strip())
    return str(used.replies[-1]["text"])


async def test_two_personas_in_one_guild(server: DiscordServer, tmp_path: Path) -> None:
    boss, ada = server.user("boss"), server.user("ada")
    guild = server.guild("hall", owner=boss, members=[ada])
    general, garden = server.channel(guild, "general"), server.channel(guild, "garden")
    thread = server.thread(garden, "roses", ada)
    async with Town(tmp_path, play, discord=server) as town:
        await make(town, "flora", "I am Flora. I know plants.")
        await make(town, "rex", "I am Rex. I know rocks.")
        assert (await mention(server, ada, general, "hello")).startswith("I am Ever")
        assert "This community is rex" in await persona(server, boss, general, "bind rex")
        assert "This channel is flora" in await persona(server, boss, garden, "bind flora here")
        assert (await mention(server, ada, general, "and now?")).startswith("I am Rex")
        assert (await mention(server, ada, garden, "hello")).startswith("I am Flora")
        assert (await mention(server, ada, thread, "hello")).startswith("I am Flora")
        assert "Here I am flora." in await persona(server, ada, thread, "")
        shown = await persona(server, ada, general, "list")
        assert "rex" in shown
        assert f"The channel {garden.id} is flora." in shown
        # Each of them knows her by herself.
        rex, flora = whole(requests(town)[1]), whole(requests(town)[2])
        assert "and now?" in rex
        assert "and now?" not in flora
        await persona(server, boss, garden, "unbind here")
        await persona(server, boss, general, "unbind")
        assert (await mention(server, ada, garden, "who is it?")).startswith("I am Ever")


async def test_in_a_direct_message_people_choose_among_their_communities_personas(
    server: DiscordServer, tmp_path: Path
) -> None:
    boss, ada, eve = server.user("boss"), server.user("ada"), server.user("eve")
    guild = server.guild("hall", owner=boss, members=[ada])
    general = server.channel(guild, "general")
    async with Town(tmp_path, play, discord=server) as town:
        await make(town, "flora", "I am Flora. I know plants.")
        await make(town, "rex", "I am Rex. I know rocks.")
        await persona(server, boss, general, "bind flora")
        dm = server.dm(ada)
        assert (await ask(server, ada, dm, "hello")).startswith("I am Ever")
        assert "There is no persona 'flora' here" in await persona(server, ada, dm, "flora")
        await mention(server, ada, general, "hello")
        assert "rex" not in await persona(server, ada, dm, "list")
        assert "There is no persona 'rex' here" in await persona(server, ada, dm, "rex")
        assert "From your next message on, I am flora here." in await persona(server, ada, dm, "flora")
        assert (await ask(server, ada, dm, "hello")).startswith("I am Flora")
        assert (await ask(server, eve, server.dm(eve), "hello")).startswith("I am Ever")
        await persona(server, ada, dm, "ever")
        assert (await ask(server, ada, dm, "hello")).startswith("I am Ever")


async def test_a_workspaces_direct_messages_are_its_personas(slack: SlackServer, tmp_path: Path) -> None:
    boss, ada = slack.user("boss"), slack.user("ada")
    slack.workspace.users[boss].is_admin = True
    general = slack.channel("general", [boss, ada])
    async with Town(tmp_path, play, slack=slack) as town:
        await make(town, "flora", "I am Flora. I know plants.")
        assert "for this community's admins" in await on_slack(slack, ada, general, "bind flora")
        assert "This community is flora" in await on_slack(slack, boss, general, "bind flora")
        assert (await tell_on_slack(slack, ada, slack.im(ada), "hello")).startswith("I am Flora")
        assert (await tell_on_slack(slack, ada, general, "hello")).startswith("I am Flora")


async def test_an_edit_reaches_everyone_by_their_next_turn(
    server: DiscordServer, slack: SlackServer, tmp_path: Path
) -> None:
    """Also those whose conversations are held in memory; and what follows the instructions stays cached."""
    boss, people = server.user("boss"), [server.user(f"d{n}") for n in range(5)]
    general = server.channel(server.guild("hall", owner=boss, members=people), "general")
    team = [slack.user(f"s{n}") for n in range(3)]
    slack.workspace.users[team[0]].is_admin = True
    lobby = slack.channel("lobby", team)
    owners = {"owners": [f"discord:{boss.id}", f"slack:{slack.workspace.team}/{team[0]}"]}
    async with Town(tmp_path, play, discord=server, slack=slack, access=owners) as town:
        await make(town, "flora", "I am Flora. I know plants.")
        await persona(server, boss, general, "bind flora")
        await on_slack(slack, team[0], lobby, "bind flora")
        long = "hello, " + "and so the afternoon went by, " * 40
        for user in people:
            assert (await mention(server, user, general, long)).startswith("I am Flora")
        for member in team:
            assert (await tell_on_slack(slack, member, lobby, long)).startswith("I am Flora")
        before = {r.messages[0]["content"] for r in requests(town)}
        shown = await persona(server, boss, general, "set persona I am Ivy. I know roses.")
        assert "now reads, for everyone" in shown
        for user in people:
            assert (await mention(server, user, general, "and now?")).startswith("I am Ivy")
            assert requests(town)[-1].messages[0]["content"] in before
        for member in team:
            assert (await tell_on_slack(slack, member, lobby, "and now?")).startswith("I am Ivy")
        history = await persona(server, boss, general, "history")
        assert re.search(r"2  \S+ \S+ UTC  by boss: blocks", history)
        await persona(server, boss, general, "restore 1")
        assert (await mention(server, people[0], general, "who?")).startswith("I am Flora")


async def test_only_who_may_changes_a_persona(
    server: DiscordServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    boss, keeper, ada = server.user("boss"), server.user("keeper"), server.user("ada")
    guild = server.guild("hall", owner=boss, members=[keeper, ada])
    server.assign(guild, keeper, [server.role(guild, "keepers", Permission.MANAGE_GUILD)])
    other = server.guild("club", owner=keeper, members=[ada])
    general, lounge = server.channel(guild, "general"), server.channel(other, "lounge")
    async with Town(tmp_path, play, discord=server) as town:
        await make(town, "flora", "I am Flora. I know plants.")
        for words in (
            "bind flora",
            "unbind",
            "edit persona",
            "set persona SECRET",
            "history",
            "restore 1",
            "proposals",
            "accept 1",
            "reject 1",
            "lore",
            "lore delete x",
        ):
            assert "for this community's admins" in await persona(server, ada, general, words)
        assert await persona(server, keeper, general, "bind flora")
        assert "now reads" in await persona(server, keeper, general, "set persona I am Fern. I know ferns.")
        # What is one community's is not another's to take, to read or to change; the default is the owner's.
        assert "There is no persona 'flora' here" in await persona(server, keeper, lounge, "bind flora")
        assert "There is no persona 'flora' here" in await persona(server, keeper, lounge, "show flora")
        assert "only the owner changes it" in await persona(server, keeper, lounge, "set persona I am mean.")
        assert "only the owner changes it" in await persona(server, keeper, lounge, "edit persona")
        # Those that come with everbot are everyone's, until one community makes them its own.
        third = server.channel(server.guild("pub", owner=ada), "bar")
        assert "This community is pip" in await persona(server, keeper, lounge, "bind pip")
        assert "pip" in await persona(server, ada, third, "list")
        assert "now reads" in await persona(server, keeper, lounge, "set persona I am Pop, of the club.")
        assert "There is no persona 'pip' here" in await persona(server, ada, third, "bind pip")
        # A model that is talked into it cannot either.
        assert "read-only in a conversation" in await mention(server, ada, general, "become I was")
    refused = [r.getMessage() for r in caplog.records if "was refused" in r.getMessage()]
    assert len(refused) == 13
    assert "SECRET" not in caplog.text
    assert f"/persona set was refused to discord:{ada.id}" in refused


async def test_what_a_reflection_proposes_waits_for_an_admin(server: DiscordServer, tmp_path: Path) -> None:
    boss, ada, bob = server.user("boss"), server.user("ada"), server.user("bob")
    general = server.channel(server.guild("hall", owner=boss, members=[ada, bob]), "general")
    async with Town(tmp_path, play, discord=server) as town:
        await make(town, "flora", "I am Flora. I know plants.")
        await persona(server, boss, general, "bind flora")
        await mention(server, ada, general, "You love roses, we all know!")
        await server.slash(ada, general, "heartbeat", {"argument": "now"})
        await town.app.inbound.settled()
        assert "proposal" in whole(requests(town)[-1])
        assert (await mention(server, bob, general, "hello")).startswith("I am Flora")
        shown = await persona(server, boss, general, "proposals")
        assert "+ I am Ivy, who loves roses." in shown
        assert "- I am Flora. I know plants." in shown
        number = re.findall(r"-# (\d+), \[persona\]", shown)[0]
        assert "now reads, for everyone" in await persona(server, boss, general, f"accept {number}")
        assert (await mention(server, bob, general, "hello")).startswith("I am Ivy")
        assert "Nothing is proposed." in await persona(server, boss, general, "proposals")


async def test_a_reflection_on_what_is_private_proposes_nothing(
    server: DiscordServer, tmp_path: Path
) -> None:
    boss, ada = server.user("boss"), server.user("ada")
    general = server.channel(server.guild("hall", owner=boss, members=[ada]), "general")
    async with Town(tmp_path, play, discord=server) as town:
        await make(town, "flora", "I am Flora. I know plants.")
        await persona(server, boss, general, "bind flora")
        await mention(server, ada, general, "hello")
        dm = server.dm(ada)
        await persona(server, ada, dm, "flora")
        await ask(server, ada, dm, "hello")
        await server.slash(ada, dm, "heartbeat", {"argument": "now"})
        await town.app.inbound.settled()
        assert "said in confidence" in whole(requests(town)[-1])
        assert "Nothing is proposed." in await persona(server, boss, general, "proposals")


async def test_lore_is_known_to_all_of_a_community_and_to_no_other(
    server: DiscordServer, tmp_path: Path
) -> None:
    boss, ada, bob = server.user("boss"), server.user("ada"), server.user("bob")
    hall, club = (server.guild(name, owner=boss, members=[ada, bob]) for name in ("hall", "club"))
    general, lounge = server.channel(hall, "general"), server.channel(club, "lounge")
    staff = server.channel(hall, "staff", private_to=[boss, ada, server.bot])
    owners = {"owners": [f"discord:{boss.id}"]}
    async with Town(tmp_path, play, discord=server, access=owners) as town:
        await make(town, "flora", "I am Flora. I know plants.")
        for place in (general, lounge):
            await persona(server, boss, place, "bind flora")
        assert "Stored for the community" in await mention(server, ada, general, "share The fair is in May.")
        assert "says that already" in await mention(server, bob, general, "share The fair is in May!")
        # Nothing of a closed room, or of a direct message, becomes lore.
        assert "use scope own" in await mention(server, ada, staff, "share The fair costs too much.")
        dm = server.dm(ada)
        await persona(server, ada, dm, "flora")
        assert "use scope own" in await ask(server, ada, dm, "share I am broke.")
        # It is found by everyone there, in closed rooms and in private; elsewhere by nobody.
        for asked in (general, staff):
            assert "The fair is in May." in await mention(server, boss, asked, "find fair")
        assert "The fair is in May." in await ask(server, ada, dm, "find fair")
        eve = server.user("eve")
        server.join(club, eve)
        for user in (bob, eve):
            assert "The fair is" not in await mention(server, user, lounge, "find fair")
        # Admins tend it.
        shown = await persona(server, boss, general, "lore")
        told = re.search(r"The fair is in May\.\n-# (\w{8}), \S+, told by 2 people", shown)
        assert told is not None
        uid = told[1]
        assert "has no lore" in await persona(server, boss, lounge, "lore")
        assert "There is no entry" in await persona(server, boss, lounge, f"lore delete {uid}")
        await persona(server, boss, general, f"lore edit {uid} The fair is in June.")
        found = await mention(server, bob, general, "find fair")
        assert "The fair is in June." in found
        assert "in May" not in found
        await persona(server, boss, general, f"lore delete {uid}")
        assert "The fair is" not in await mention(server, bob, general, "find fair")


async def test_each_persona_is_shown_under_its_own_name(server: DiscordServer, tmp_path: Path) -> None:
    boss, ada = server.user("boss"), server.user("ada")
    guild = server.guild("hall", owner=boss, members=[ada])
    general, garden = server.channel(guild, "general"), server.channel(guild, "garden")
    async with Town(tmp_path, play, discord=server) as town:
        await make(town, "flora", "I am Flora. I know plants.")
        await persona(server, boss, garden, "bind flora here")
        await mention(server, ada, general, "hello")
        await mention(server, ada, garden, "hello")
    assert [m.author.name for m in server.messages(general)][-1] == server.bot.name
    assert [m.author.name for m in server.messages(garden)][-1] == "flora"


async def test_a_persona_greets_in_its_own_way(server: DiscordServer, tmp_path: Path) -> None:
    boss, ada = server.user("boss"), server.user("ada")
    general = server.channel(server.guild("hall", owner=boss, members=[ada]), "general")
    async with Town(tmp_path, play, discord=server) as town:
        await persona(server, boss, general, "bind marlow")
        await mention(server, ada, general, "hello")
        (joined,) = [
            event
            for message in requests(town)[-1].messages
            if message["role"] == "user"
            and (event := json.loads(message["content"]))["type"] == "user_joined"
        ]
        assert joined["greeting"].startswith("Good day, ada. I am Marlow")
        assert "How marlow speaks, by example" in requests(town)[-1].messages[0]["content"]


@pytest.mark.long
@pytest.mark.parametrize("each", [21, pytest.param(50, marks=pytest.mark.soak)])
async def test_a_month_of_many_people(
    server: DiscordServer, slack: SlackServer, tmp_path: Path, each: int
) -> None:
    """One persona of a guild and a workspace: everyone is known by themselves, what is shared by all stays
    shared where it was told, and an edit in the middle of it reaches all."""
    boss = server.user("boss")
    people = [server.user(f"d{n}") for n in range(each)]
    general = server.channel(server.guild("hall", owner=boss, members=people), "general")
    team = [slack.user(f"s{n}") for n in range(each)]
    lobby = slack.channel("lobby", team)
    owners = {"owners": [f"discord:{boss.id}", f"slack:{slack.workspace.team}/{team[0]}"]}
    clock = LeapingClock()
    async with Town(tmp_path, play, discord=server, slack=slack, access=owners, clock=clock) as town:
        await make(town, "flora", "I am Flora. I know plants.")
        await persona(server, boss, general, "bind flora")
        await on_slack(slack, team[0], lobby, "bind flora")
        for day in range(30):
            clock.advance(DAY_S)
            few = [n for n in range(each) if n % 30 == day]
            for n in few:
                await mention(server, people[n], general, f"share Day {day} was good for plant number {n}.")
                await tell_on_slack(slack, team[n], lobby, f"share Team day {day}, task {n} is done.")
            if day == 15:
                await persona(server, boss, general, "set persona I am Ivy. I know roses.")
        assert (await mention(server, people[-1], general, "who?")).startswith("I am Ivy")
        assert (await tell_on_slack(slack, team[-1], lobby, "who?")).startswith("I am Ivy")
        found = await mention(server, people[3], general, "find plant number 20")
        assert "Day 20 was good for plant number 20." in found
        assert "Team day" not in await mention(server, people[3], general, "find team task done")
        async with town.app.memory.store.read() as session:
            flora = await session.personas.named("flora")
            assert flora is not None
            told = await session.passages.lore_of(flora.id)
            counts = [await session.passages.count(a.id, None) for a in told.values()]
            assert await session.personas.agents_of(flora.id) == 2 * each + 1
        assert len(counts) == 2
        assert min(counts) >= each


GONE = {"on_removal": "delete", "removal_days": 30}


async def kept_of(town: Town) -> dict[str, int]:
    """Rows that are left of communities."""
    async with town.app.memory.store.read() as session:
        known = await session.personas.all()
        lore = [a for p in known for a in (await session.passages.lore_of(p.id)).values()]
        agents = await session.agents.agents()
        places = [c for agent in agents for c in await session.agents.conversations(agent.id) if c.home]
        return {
            "bindings": len(await session.personas.bindings()),
            "lore": sum([await session.passages.count(archive.id, None) for archive in lore]),
            "in view": sum([len(await session.messages.queue(place.id)) for place in places]),
        }


@pytest.mark.parametrize(("rules", "back"), [({}, False), (GONE, False), (GONE, True)])
async def test_the_bot_is_removed_from_a_guild(
    server: DiscordServer, tmp_path: Path, rules: dict[str, Any], back: bool
) -> None:
    """What was the community's is kept, or deleted after a month, unless the bot was let in again."""
    boss, ada = server.user("boss"), server.user("ada")
    guild = server.guild("hall", owner=boss, members=[ada])
    general = server.channel(guild, "general")
    clock = LeapingClock()
    async with Town(tmp_path, play, discord=server, clock=clock, personas=rules) as town:
        await make(town, "flora", "I am Flora. I know plants.")
        await persona(server, boss, general, "bind flora")
        await mention(server, ada, general, "share The fair is in May.")
        await ask(server, ada, server.dm(ada), "hello")
        before = await kept_of(town)
        assert min(before.values()) > 0
        server.remove_guild(guild)
        departed = town.app.memory.store

        async def noticed() -> bool:
            async with departed.read() as session:
                return bool(await session.personas.departed(clock.now()))

        async with asyncio.timeout(PATIENCE_S):
            while not await noticed():
                await asyncio.sleep(0.01)
            if back:
                server.add_guild(guild)
                while await noticed():
                    await asyncio.sleep(0.01)
        clock.advance(29 * DAY_S)
        await town.app.departures.sweep()
        assert await kept_of(town) == before
        clock.advance(2 * DAY_S)
        await town.app.departures.sweep()
        left = await kept_of(town)
        if rules and not back:
            assert left == {"bindings": 0, "lore": 0, "in view": 0}
        else:
            assert left == before
        # What she told in private is hers.
        await ask(server, ada, server.dm(ada), "and still?")
        assert "You said: hello" in whole(requests(town)[-1])


async def test_the_app_is_uninstalled_from_a_workspace(slack: SlackServer, tmp_path: Path) -> None:
    boss, ada = slack.user("boss"), slack.user("ada")
    slack.workspace.users[boss].is_admin = True
    general = slack.channel("general", [boss, ada])
    clock = LeapingClock()
    async with Town(tmp_path, play, slack=slack, clock=clock, personas=GONE) as town:
        await make(town, "flora", "I am Flora. I know plants.")
        await on_slack(slack, boss, general, "bind flora")
        await tell_on_slack(slack, ada, general, "share The fair is in May.")
        assert min((await kept_of(town)).values()) > 0
        await slack.uninstall()
        async with asyncio.timeout(PATIENCE_S):
            while True:
                async with town.app.memory.store.read() as session:
                    if await session.personas.departed(clock.now()):
                        break
                await asyncio.sleep(0.01)
        clock.advance(31 * DAY_S)
        await town.app.departures.sweep()
        assert await kept_of(town) == {"bindings": 0, "lore": 0, "in view": 0}


SECRET = re.compile(r"zq[0-9a-f]{8}")


def gossip(request: ModelRequest) -> ModelReply:
    """A model that leaks on purpose: it shares all that it hears, and repeats all that it finds."""
    if is_summary(request):
        return ModelReply(text=whole(request)[:500])
    results = [m for m in request.messages if m["role"] == "tool"]
    if request.messages[-1]["role"] == "tool" and len(results) % 2 == 0:
        return say(" ".join(SECRET.findall(whole(request)))[:1800] or "Nothing.")
    text = str(heard(request).get("message", ""))
    return calls(
        (
            "archival_memory_insert",
            {"content": f"They said {text}", "scope": "community", "request_heartbeat": True},
        ),
        ("archival_memory_search", {"query": "They said secret", "request_heartbeat": True}),
    )


async def test_no_secret_leaves_its_community_through_lore(server: DiscordServer, tmp_path: Path) -> None:
    """In public, in a closed room and alone, in two guilds, three people: everywhere a secret is told."""
    boss = server.user("boss")
    people = [server.user(f"u{n}") for n in range(3)]
    places: dict[str, list[Channel]] = {}
    for name in ("hall", "club"):
        guild = server.guild(name, owner=boss, members=people)
        closed = [boss, *people, server.bot]
        staff = server.channel(guild, "staff", private_to=closed)
        places[name] = [server.channel(guild, "general"), staff]
    owners = {"owners": [f"discord:{boss.id}"]}
    allowed: dict[str, set[tuple[int, str]]] = {}  # who may see a secret: (person, place)
    async with Town(
        tmp_path, gossip, discord=server, access=owners, run={"health": "", "context_lines": 0}
    ) as town:
        await make(town, "flora", "I am Flora. I know plants.")
        for rooms in places.values():
            await persona(server, boss, rooms[0], "bind flora")
        spots: list[tuple[int, str, Channel]] = []
        for name, rooms in places.items():
            for at, room in enumerate(rooms):
                spots += [(n, f"{name} {at}", room) for n in range(3)]
        spots += [(n, f"dm {n}", server.dm(people[n])) for n in range(3)]
        every = {(n, where) for n, where, _ in spots}
        for n, where, _ in spots:
            secret = f"zq{zlib.crc32(f'{n} {where}'.encode()):08x}"
            own = {(n, where), (n, f"dm {n}")}
            if where.endswith(" 0"):
                own.add((n, where.replace(" 0", " 1")))
            if where.endswith(
                " 0"
            ):  # told in public: everyone of that guild may know, where they talk with it
                guild = where.partition(" ")[0]
                own |= {(m, w) for m, w in every if w.startswith(f"{guild} ")} | {(0, "dm 0")}
            allowed[secret] = own
        told = list(allowed)
        for (n, where, channel), secret in zip(spots, told, strict=True):
            if where == "dm 0":
                assert "I am flora" in await persona(server, people[0], channel, "flora")
            mark = f"secret {secret}"
            before = len(requests(town))
            say_it = ask if where.startswith("dm") else mention
            answer = await say_it(server, people[n], channel, mark)
            seen = SECRET.findall("".join(whole(r) for r in requests(town)[before:]) + answer)
            leaked = {s for s in seen if (n, where) not in allowed[s]}
            assert leaked == set(), (n, where)
            if where == "dm 0":
                assert len(set(seen)) > 4, "a page of lore of both, and her own"
        async with town.app.memory.store.read() as session:
            flora = await session.personas.named("flora")
            assert flora is not None
            for community, archive in (await session.passages.lore_of(flora.id)).items():
                rows = await session.passages.page(archive.id, None)
                assert len(rows) == 3, community
