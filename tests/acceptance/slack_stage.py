"""What stories on Slack share: an hour of one's own, a store that refuses, an address that is free."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.acceptance.crowd import SlackSpot, numbers_in
from tests.fakes.ports import free_port
from tests.fakes.slack_server import Pace, SlackServer
from tests.fakes.town import Town, echo

Json = dict[str, Any]
ALONE = {"health": "", "context_lines": 0}  # no lines of others are shown
FORGETFUL = Pace(
    ack_s=1.0, retry_s=(), keep_s=0.05, post_s=0.0
)  # what is not taken at once is never told again


@asynccontextmanager
async def refusing(folder: Path, table: str) -> AsyncIterator[None]:
    """The database takes no new rows of a table, while the block runs."""

    def execute(statement: str) -> None:
        with closing(sqlite3.connect(folder / "everbot.db")) as connection, connection:
            connection.execute(statement)

    overflow = "SELECT abs(-9223372036854775807 - 1)"  # an error at run time; the other connection recovers
    refuse = f"CREATE TRIGGER refuse BEFORE INSERT ON {table} BEGIN {overflow}; END"
    await asyncio.to_thread(execute, refuse)  # it may have to wait for a transaction of this loop's
    try:
        yield
    finally:
        await asyncio.to_thread(execute, "DROP TRIGGER refuse")


async def quiet(server: SlackServer) -> None:
    """Until everything was delivered or given up."""
    await server.until(lambda: all(envelope.done for envelope in server.envelopes))


def with_slack(town: Town, **values: object) -> Town:
    """The town with other keys of its [slack] section."""
    section = town.settings.slack.model_copy(update=values)
    town.settings = town.settings.model_copy(update={"slack": section})
    return town


@dataclass
class Hours:
    """A platform's clock, so many hours from now."""

    offset: float = 0.0

    def __call__(self) -> float:
        return time.time() + 3600 * self.offset


@asynccontextmanager
async def over_http(server: SlackServer, folder: Path) -> AsyncIterator[str]:
    """A town that Slack tells by signed requests, and where."""
    port = free_port()
    url = f"http://127.0.0.1:{port}/slack/events"
    server.deliver_to(url)
    async with with_slack(Town(folder, echo, slack=server), mode="http", listen=f"127.0.0.1:{port}"):
        yield url


def at_home(server: SlackServer) -> tuple[str, str, str]:
    """Ada, her direct messages with the bot, and a channel in which both are."""
    ada = server.user("ada")
    return ada, server.im(ada), server.channel("general", [ada])


def dm_and_thread(server: SlackServer, user: str) -> list[SlackSpot]:
    """Where somebody talks with the bot alone, and in a thread of a channel."""
    return [
        SlackSpot(server, user, server.im(user), "dm"),
        SlackSpot(server, user, server.channel("general", [user]), "thread", threaded=True),
    ]


def quoted(spot: SlackSpot) -> list[str]:
    """The numbers that were answered there, in order."""
    return [number for text in reversed([*spot.answers()]) for number in numbers_in(text)]
