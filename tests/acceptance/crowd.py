"""People in places of both platforms: each `Spot` is one person where they talk with the bot."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Protocol

from tests.fakes import discord_server, slack_server

_RECENT = 400  # messages of a place that are looked at for an answer
_NUMBER = re.compile(r"\bn\d{5}\b")


def numbers_in(text: str) -> list[str]:
    """The numbers of messages that a text quotes, such as ``n00017``."""
    return _NUMBER.findall(text)


class Spot(Protocol):
    """``name`` tells person and place."""

    name: str

    async def say(self, text: str) -> None: ...

    def answers(self) -> Iterator[str]:
        """What the bot said there lately, newest first."""
        ...

    async def until_answered(self, word: str, timeout: float = 10.0) -> None:  # noqa: ASYNC109
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

    async def until_answered(self, word: str, timeout: float = 10.0) -> None:  # noqa: ASYNC109
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

    async def until_answered(self, word: str, timeout: float = 10.0) -> None:  # noqa: ASYNC109
        await self.server.until(lambda: any(word in text for text in self.answers()), timeout)


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
