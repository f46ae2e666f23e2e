"""Canaries: everybody tells a secret in every place, and asks for secrets in every place.

The model leaks on purpose: it keeps what it hears, searches all that it can, and repeats all that it finds, in
answers, in memory and in summaries. Only the law of privacy keeps a secret where it belongs: it is looked for
in every request to the model and in every message that leaves.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import random
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from bot.ports import ModelReply, ModelRequest
from tests.acceptance.crowd import DiscordSpot, SlackSpot, Spot, posts_on_discord, posts_on_slack
from tests.fakes.discord_server import DiscordServer
from tests.fakes.logged import logged
from tests.fakes.parlour import Stage, is_summary
from tests.fakes.scripted_model import calls
from tests.fakes.slack_server import Pace, SlackServer
from tests.fakes.town import FAST, Town

LINKED = 3  # of them are on both
SECRET = re.compile(r"zq[0-9a-f]{10}")
MARK = re.compile(r"~(\d{3})\.(\d+)~")  # place and number of a message
FILLER = "And so the afternoon went by, with nothing worth a note. " * 60


@dataclass
class Place:
    """One person in one place: ``audience`` is who can see it, ``wider`` the community around it."""

    spot: Spot
    person: str
    audience: str
    wider: str
    secret: str = ""
    number: int = 0

    def may_see(self, other: Place) -> bool:
        """The law of privacy."""
        return self.person == other.person and (
            self.audience == "private" or other.audience in (self.audience, self.wider)
        )


@dataclass
class Story:
    discord: DiscordServer
    slack: SlackServer
    people: int  # on each platform
    places: list[Place] = field(default_factory=list)
    summaries: int = 0

    def add(self, spot: Spot, person: str, audience: str, wider: str = "") -> None:
        secret = "zq" + hashlib.sha256(spot.name.encode()).hexdigest()[:10]
        self.places.append(Place(spot, person, audience, wider or audience, secret))

    @property
    def owners(self) -> dict[str, Place]:
        return {place.secret: place for place in self.places}

    def settle_on_discord(self) -> None:
        """Ten places for each: alone, in public, in private, in threads, and in a second guild."""
        server = self.discord
        people = [server.user(f"d{n}") for n in range(self.people)]
        hall, club = server.guild("hall", members=people), server.guild("club", members=people)
        public = {name: server.channel(hall, name) for name in ("general", "random", "help")}
        closed = [*people, server.bot]
        private = {name: server.channel(hall, name, private_to=closed) for name in ("staff", "leads")}
        lounge, board = server.channel(club, "lounge"), server.channel(club, "board", private_to=closed)
        for n, user in enumerate(people):
            who = f"both {n}" if n < LINKED else f"discord {n}"

            def add(
                name: str, channel: Any, audience: str, wider: str = "", user: Any = user, who: str = who
            ) -> None:
                called = audience != "private"
                self.add(DiscordSpot(server, user, channel, f"{user} {name}", called), who, audience, wider)

            add("dm", server.dm(user), "private")
            for name, channel in public.items():
                add(name, channel, "discord hall")
            for name, channel in private.items():
                add(name, channel, f"discord {name}", "discord hall")
            add("thread", server.thread(public["general"], f"t{n}", user), "discord hall")
            hidden = server.thread(public["general"], f"p{n}", user, private=True, members=[server.bot])
            add("private thread", hidden, f"discord thread {n}", "discord hall")
            add("lounge", lounge, "discord club")
            add("board", board, "discord board", "discord club")

    def settle_on_slack(self) -> None:
        """Ten places for each: alone, in public, in private, in threads, and in groups of people."""
        server = self.slack
        people = [server.user(f"s{n}") for n in range(self.people)]
        public = {name: server.channel(name, people) for name in ("general", "random", "help")}
        private = {name: server.channel(name, people, private=True) for name in ("staff", "leads")}
        for n, user in enumerate(people):
            who = f"both {n}" if n < LINKED else f"slack {n}"
            dm = SlackSpot(server, user, server.im(user), f"{user} dm")
            self.add(dm, who, "private")
            for name, channel in public.items():
                spot = SlackSpot(server, user, channel, f"{user} {name}", called=True)
                self.add(spot, who, "slack team")
            for name, channel in private.items():
                spot = SlackSpot(server, user, channel, f"{user} {name}", called=True)
                self.add(spot, who, f"slack {name}", "slack team")
            thread = SlackSpot(server, user, public["general"], f"{user} thread", threaded=True)
            self.add(thread, who, "slack team")
            thread = SlackSpot(server, user, private["staff"], f"{user} staff thread", threaded=True)
            self.add(thread, who, "slack staff", "slack team")
            for step in (1, 2):
                group = server.mpim([user, people[(n + step) % self.people]])
                spot = SlackSpot(server, user, group, f"{user} group {step}", called=True)
                self.add(spot, who, f"slack {group}", "slack team")

    async def link(self) -> None:
        """Some people turn out to be the same on both platforms, and say so in both."""
        for n in range(LINKED):
            on_slack, on_discord = self.slack.user(f"s{n}"), self.places[10 * n].spot
            assert isinstance(on_discord, DiscordSpot)
            dm = self.slack.im(on_slack)
            shown = await self.slack.slash(on_slack, dm, "/everbot", "link")
            code = re.search(r"[A-Z0-9]{4}-[A-Z0-9]{4}", str(shown.replies))
            assert code is not None
            argument = {"argument": f"yes {code[0]}"}
            await self.discord.slash(on_discord.user, on_discord.channel, "link", argument)
            done = await self.slack.slash(on_slack, dm, "/everbot", "link confirm")
            assert "one person" in str(done.replies)

    async def say(self, place: Place, text: str) -> None:
        """Say something and wait for its answer."""
        place.number += 1
        mark = f"~{self.places.index(place):03}.{place.number}~"
        await place.spot.say(f"{mark} {text}")
        await place.spot.until_answered(mark)

    async def everybody(self, text: str, dice: random.Random) -> None:
        """All at once, each in all of their places one after the other."""
        people: dict[str, list[Place]] = {}
        for place in self.places:
            people.setdefault(place.spot.name.partition(" ")[0], []).append(place)

        async def everywhere(places: list[Place]) -> None:
            for place in dice.sample(places, len(places)):
                await self.say(place, text.format(secret=place.secret))

        await asyncio.gather(*map(everywhere, people.values()))

    async def beat(self, place: Place) -> None:
        """A heartbeat, as the person may ask for one."""
        spot = place.spot
        if isinstance(spot, DiscordSpot):
            await self.discord.slash(spot.user, spot.channel, "heartbeat", {"argument": "now"})
        elif isinstance(spot, SlackSpot):
            await self.slack.slash(spot.user, spot.channel, "/everbot", "heartbeat now")

    def play(self, request: ModelRequest) -> ModelReply:
        """The model that leaks."""
        shown = request.messages if is_summary(request) else without_context(request)
        known = sorted(set(SECRET.findall("".join(map(json.dumps, shown)))))
        if is_summary(request):
            self.summaries += 1
            mark = MARK.findall("".join(map(json.dumps, shown)))
            return ModelReply(text=f"They told {' '.join(known)} ~{mark[-1][0]}.{mark[-1][1]}~.")
        event, since = question(request)
        if "send_message" in since:
            return ModelReply(text="Done.")
        mark = marks(request)[-1:]
        note = ("archival_memory_insert", {"content": f"They have the secrets {' '.join(known)}."})
        answer = ("send_message", {"message": f"{''.join(mark)} I know the secrets {' '.join(known)}"})
        own = SECRET.search(str(event.get("message", "")))
        if own:
            return calls(("core_memory_append", {"label": "human", "content": own[0]}), note, answer)
        if since:
            return calls(note, answer)
        search = {"query": "secret", "request_heartbeat": True}
        days = {"start_date": "2000-01-01", "end_date": "2100-01-01", "request_heartbeat": True}
        tools = ("archival_memory_search", search), ("conversation_search_date", days)
        return calls(("conversation_search", search), *tools)


def without_context(request: ModelRequest) -> Iterator[dict[str, Any]]:
    """What the model was shown, less the lines that others had just said in the same channel."""
    for message in request.messages[1:]:
        if message["role"] == "user":
            event = json.loads(message["content"])
            yield {name: value for name, value in event.items() if name != "context"}
        else:
            yield dict(message)
    yield dict(request.messages[0])


def events_of(request: ModelRequest) -> list[dict[str, Any]]:
    return [json.loads(m["content"]) for m in request.messages[1:] if m["role"] == "user"]


def question(request: ModelRequest) -> tuple[dict[str, Any], list[str]]:
    """The event to answer, and the tools that were called since."""
    called: list[str] = []
    for message in reversed(request.messages):
        if message["role"] == "user":
            event = json.loads(message["content"])
            if event["type"] not in ("system_alert", "core_memory"):
                return event, called
        called += [made["function"]["name"] for made in message.get("tool_calls") or ()]
    raise AssertionError("the request shows no event")


def marks(request: ModelRequest) -> list[str]:
    """The marks of the person's messages in view, oldest first."""
    events = [event for event in events_of(request) if event["type"] in ("message", "summary")]
    told = [str(event.get("message", "")) for event in events]
    return [match[0] for text in told for match in MARK.finditer(text)]


def leaks_in_requests(story: Story, requests: list[ModelRequest]) -> list[str]:
    """Secrets that the model was shown where they do not belong."""
    owners, found = story.owners, []
    where: dict[str, Place] = {}  # turns, by the conversation they were held in
    for request in requests:
        turn, whole = request.key.partition("/")[0], "".join(map(json.dumps, request.messages))
        seen = [m[0] for m in MARK.finditer(whole)] if is_summary(request) else marks(request)
        if seen:
            where[turn] = story.places[int(seen[-1][1:4])]
        place = where[turn]
        shown = request.messages if is_summary(request) else without_context(request)
        for secret in SECRET.findall("".join(map(json.dumps, shown))):
            if not place.may_see(owners[secret]):
                found.append(f"{owners[secret].spot.name} -> {place.spot.name} ({request.key})")
        for event in [] if is_summary(request) else events_of(request):
            for secret in SECRET.findall(str(event.get("context", ""))):
                if owners[secret].spot.channel != place.spot.channel:  # type: ignore[attr-defined]
                    found.append(f"{owners[secret].spot.name} -> context of {place.spot.name}")
    return found


def leaks_in_posts(story: Story) -> list[str]:
    """Secrets in messages where they do not belong; each message carries the mark of whom it answers."""
    owners, found = story.owners, []
    for where, text in posts_on_discord(story.discord) + posts_on_slack(story.slack):
        mark = MARK.match(text)
        assert mark is not None, text
        place = story.places[int(mark[1])]
        assert where.split()[1] == str(getattr(place.spot.channel, "id", place.spot.channel))  # type: ignore[attr-defined]
        for secret in SECRET.findall(text):
            if not place.may_see(owners[secret]):
                found.append(f"{owners[secret].spot.name} -> {place.spot.name}: {text}")
    return found


def secrets_of(story: Story, person: str) -> set[str]:
    return {place.secret for place in story.places if place.person == person}


def secrets_seen(story: Story, requests: list[ModelRequest], place: Place) -> set[str]:
    """The secrets in what the model was shown when it was asked there."""
    number = f"~{story.places.index(place):03}.2~"
    shown = [
        "".join(map(json.dumps, r.messages)) for r in requests if not is_summary(r) and number in marks(r)
    ]
    return {secret for text in shown for secret in SECRET.findall(text)}


@asynccontextmanager
async def staged(people: int) -> AsyncIterator[Story]:
    async with DiscordServer(**FAST) as discord, SlackServer(pace=Pace(post_s=0.0)) as slack:
        story = Story(discord, slack, people)
        story.settle_on_discord()
        story.settle_on_slack()
        yield story


@pytest.mark.long
@pytest.mark.parametrize("people", [4, pytest.param(25, marks=pytest.mark.soak)])
async def test_no_secret_is_seen_where_it_does_not_belong(tmp_path: Path, people: int) -> None:
    dice = random.Random(7)
    small = {"context_window": 10_240, "reply_reserve": 1024}
    log = tmp_path / "everbot.log"
    async with staged(people) as story:
        town = Town(
            tmp_path,
            story.play,
            discord=story.discord,
            slack=story.slack,
            model=small,
            agent={"debounce_s": 0.0, "block_limit": 4000},
        )
        town.settings = town.settings.model_copy(
            update={"slack": town.settings.slack.model_copy(update={"post_interval_s": 0.0})}
        )
        async with AsyncExitStack() as stack:
            stack.enter_context(logged(log))  # at debug, whatever library writes
            await stack.enter_async_context(town)
            await story.everybody("My secret is {secret}.", dice)
            await story.link()
            await story.everybody("Which secrets do you know?", dice)
            for place in dice.sample(story.places, 12):
                for _ in range(3):
                    await story.say(place, FILLER)
                await story.say(place, "Which secrets do you know?")
            on_discord = [place for place in story.places if isinstance(place.spot, DiscordSpot)]
            alone = [place for place in story.places if place.audience == "private"]
            for place in dice.sample(on_discord, 20) + dice.sample(alone, min(20, len(alone))):
                await story.beat(place)
            await town.app.inbound.settled()
            assert isinstance(town.model, Stage)
            requests = town.model.requests
        assert SECRET.findall(log.read_text(encoding="utf-8")) == []
        assert "tokens in" in log.read_text(encoding="utf-8")
        assert len(story.places) == 20 * people
        assert leaks_in_requests(story, requests) == []
        assert leaks_in_posts(story) == []
        assert story.summaries > 0
        assert any(question(r)[0]["type"] == "heartbeat" for r in requests if not is_summary(r))
        for place in story.places:  # and what may be seen is seen: nobody just forgets everything
            if place.audience == "private":
                assert len(secrets_seen(story, requests, place) & secrets_of(story, place.person)) >= 10
