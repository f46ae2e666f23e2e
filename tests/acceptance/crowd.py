"""People in places of both platforms, models for them, and what was said."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Protocol

from bot.ports import ModelReply, ModelRequest
from tests.fakes import discord_server, slack_server
from tests.fakes.parlour import Stage, is_summary
from tests.fakes.scripted_model import call, calls, say
from tests.fakes.slack_server import SlackServer
from tests.fakes.town import Town, heard
from tests.patience import PATIENCE_S

Json = dict[str, Any]
KNOWN = "What do you know?"

_RECENT = 60  # messages of a place that are looked at for an answer
_NUMBER = re.compile(r"\bn\d{5}\b")


def numbers_in(text: str) -> list[str]:
    """The numbers of messages that a text quotes, such as ``n00017``."""
    return _NUMBER.findall(text)


def unanswered(messages: Sequence[Mapping[str, Any]]) -> list[str]:
    """The numbers in the messages that the model has not answered yet."""
    found: list[str] = []
    for message in reversed(messages):
        if message["role"] != "user":
            break
        event = json.loads(message["content"])
        if event["type"] == "message":
            found = numbers_in(event["message"]) + found
    return found


def quote(request: ModelRequest) -> ModelReply:
    """Quotes the numbers of all messages that it answers."""
    if is_summary(request):
        return ModelReply(text="They sent numbers.")
    numbers = unanswered(request.messages)
    return say(f"Heard {', '.join(numbers)}") if numbers else ModelReply(text="Done.")


class Spot(Protocol):
    """One person where they talk with the bot. ``name`` tells both."""

    name: str

    async def say(self, text: str) -> None: ...

    def answers(self) -> Iterator[str]:
        """What the bot said there lately, newest first."""
        ...

    async def until_answered(self, word: str, timeout: float = PATIENCE_S) -> None:  # noqa: ASYNC109
        """Until the bot says this word there."""
        ...


@dataclass
class DiscordSpot:
    """``called``: the bot is mentioned in each message."""

    server: discord_server.DiscordServer
    user: discord_server.User
    channel: discord_server.Channel
    name: str
    called: bool = False

    async def say(self, text: str) -> None:
        mention = f"{self.server.bot.mention} " if self.called else ""
        await self.server.say(self.user, self.channel, mention + text)

    def answers(self) -> Iterator[str]:
        recent = islice(reversed(self.channel.messages.values()), _RECENT)
        return (message.content for message in recent if message.author is self.server.bot)

    async def until_answered(self, word: str, timeout: float = PATIENCE_S) -> None:  # noqa: ASYNC109
        await self.server.until(lambda: any(word in text for text in self.answers()), timeout)


@dataclass
class SlackSpot:
    """``called``: the bot is mentioned in each message; ``threaded``: all of them stand in one thread,
    which the first one begins."""

    server: slack_server.SlackServer
    user: str
    channel: str
    name: str
    called: bool = False
    threaded: bool = False
    thread: str | None = field(default=None, init=False)

    async def say(self, text: str) -> None:
        call = self.called or (self.threaded and self.thread is None)
        mention = f"<@{self.server.bot}> " if call else ""
        said = await self.server.say(self.user, self.channel, mention + text, self.thread)
        if self.threaded and self.thread is None:
            self.thread = str(said["ts"])

    def answers(self) -> Iterator[str]:
        home = self.server.workspace
        recent = islice(reversed(home.channels[self.channel].messages.values()), _RECENT)
        return (str(message["text"]) for message in recent if message.get("bot_id") == home.bot_id)

    async def until_answered(self, word: str, timeout: float = PATIENCE_S) -> None:  # noqa: ASYNC109
        await self.server.until(lambda: any(word in text for text in self.answers()), timeout)


def on_discord(server: discord_server.DiscordServer, names: Sequence[str], shard: int = 0) -> list[Spot]:
    """People in direct messages, in one channel of that shard, and each in a thread of theirs there."""
    members = [server.user(name) for name in names]
    hall = server.channel(server.guild(f"hall {shard}", members=members, shard=shard), "general")
    found: list[Spot] = []
    for user in members:
        thread = server.thread(hall, f"{user.name}'s", user)
        found.append(DiscordSpot(server, user, server.dm(user), f"discord {user.name} dm"))
        found.append(DiscordSpot(server, user, hall, f"discord {user.name} channel", called=True))
        found.append(DiscordSpot(server, user, thread, f"discord {user.name} thread", called=True))
    return found


def on_slack(server: SlackServer, names: Sequence[str]) -> list[Spot]:
    """People in direct messages, in one channel, and each in a thread of theirs there."""
    people = [server.user(name) for name in names]
    general = server.channel("general", people)
    found: list[Spot] = []
    for person in people:
        found.append(SlackSpot(server, person, server.im(person), f"slack {person} dm"))
        found.append(SlackSpot(server, person, general, f"slack {person} channel", called=True))
        found.append(SlackSpot(server, person, general, f"slack {person} thread", threaded=True))
    return found


def posts_on_discord(server: discord_server.DiscordServer) -> list[tuple[str, str]]:
    """(place, text) of all that the bot said, each place's in order."""
    return [
        (f"discord {channel.id}", message.content)
        for channel in server.world.channels.values()
        for message in channel.messages.values()
        if message.author is server.bot
    ]


def posts_on_slack(server: slack_server.SlackServer) -> list[tuple[str, str]]:
    """(place, text) of all that the bot said, each place's in order; a thread is a place."""
    home = server.workspace
    return [
        (f"slack {channel.id} {message.get('thread_ts', '')}", str(message["text"]))
        for channel in home.channels.values()
        for message in channel.messages.values()
        if message.get("bot_id") == home.bot_id
    ]


def texts(messages: list[Json]) -> list[str]:
    return [str(message["text"]) for message in messages]


def requests(town: Town) -> list[ModelRequest]:
    assert isinstance(town.model, Stage)
    return town.model.requests


def keep(request: ModelRequest) -> ModelReply:
    """Keeps what follows "Keep" in mind and in archival storage, looks for what it kept when it is asked
    what it knows, and answers everything with its text."""
    text = str(heard(request).get("message", ""))
    if text == KNOWN and request.messages[-1]["role"] != "tool":
        return call("archival_memory_search", query="Noted", request_heartbeat=True)
    if not text.startswith("Keep "):
        return say(f"You said: {text}")
    note = text.removeprefix("Keep ")
    return calls(
        ("core_memory_append", {"label": "human", "content": note}),
        ("archival_memory_insert", {"content": f"Noted: {note}"}),
        ("send_message", {"message": f"Cache {note}"}),
    )


class Slow:
    """A model that answers as `keep` does, once it may; ``asked`` counts its questions."""

    def __init__(self) -> None:
        self.may = asyncio.Event()
        self.asked = 0

    async def play(self, request: ModelRequest) -> ModelReply:
        self.asked += 1
        await self.may.wait()
        return keep(request)


async def tell(server: SlackServer, user: str, channel: str, text: str, thread: str | None = None) -> str:
    """Say something that is answered; returns the answer. In a channel the bot is mentioned."""
    direct = channel.startswith("D")
    mention = "" if direct or thread else f"<@{server.bot}> "
    said = await server.say(user, channel, mention + text, thread)
    where = None if direct and not thread else thread or str(said["ts"])

    def newer() -> list[str]:
        return texts([answer for answer in server.answers(channel, where) if answer["ts"] > said["ts"]])

    found = await server.until(newer)
    return found[0]
