"""Both platforms at once: `everbot run` as a process of its own, against the wire-level Discord and Slack of
the tests and an instant model.

People talk in direct messages, half of them on each platform; so many at once that the process is busy all
the time. Measured from a message's being said to its answer's standing there, so the platforms' own work is
in it; they run in this process, on the other core.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks import report
from benchmarks.model_server import SLOWLY, running
from benchmarks.texts import Texts
from tests.fakes.discord_server import DiscordServer
from tests.fakes.slack_server import Pace, SlackServer

_AT_ONCE = 32
_PATIENCE_S = 120.0
_WIDE = dict.fromkeys(("messages", "other", "global", "reactions", "webhooks"), (1000000, 1.0))
_CONFIG = """\
data_dir = "{directory}/data"
[model]
kind = "openai"
base_url = "{model}"
[embedder]
kind = "{embedder}"
[agent]
debounce_s = 0.0
[limits]
messages_per_minute = 0
[run]
health = ""
[discord]
token = "{discord.token}"
api_url = "{discord.api_url}"
gateway_url = "{discord.gateway_url}"
[slack]
bot_token = "{slack.bot_token}"
app_token = "{slack.app_token}"
api_url = "{slack.api_url}"
post_interval_s = 0.0
"""

Say = Callable[[str], Awaitable[None]]


@dataclass(frozen=True)
class Person:
    """``say`` returns when the answer stands there; ``whisper`` when the message does."""

    say: Say
    whisper: Say


def person_of(server: Any, user: Any, channel: Any) -> Person:
    """``user`` in their direct messages with the bot, on either platform's server."""

    async def whisper(text: str) -> None:
        await server.say(user, channel, text)

    async def say(text: str) -> None:
        before = len(server.messages(channel))
        await whisper(text)
        await server.until(lambda: len(server.messages(channel)) >= before + 2, _PATIENCE_S)

    return Person(say, whisper)


async def crowd(people: list[Person], rounds: int) -> tuple[list[float], float]:
    """Everybody says something ``rounds`` times, `_AT_ONCE` at a time: seconds each, and in all."""
    texts, waits = Texts(seed=rounds), list[float]()
    turns: Iterator[Person] = iter([person for _ in range(rounds) for person in people])

    async def one_after_another() -> None:
        for person in turns:
            start = time.perf_counter()
            await person.say(texts.said())
            waits.append(time.perf_counter() - start)

    start = time.perf_counter()
    await asyncio.gather(*(one_after_another() for _ in range(_AT_ONCE)))
    return waits, time.perf_counter() - start


@contextmanager
def quiet() -> Iterator[None]:
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


async def measure(directory: Path, people: int, rounds: int, slow: int, embedder: str) -> None:
    async with AsyncExitStack() as stack:
        stack.enter_context(quiet())
        model = stack.enter_context(running())
        discord = await stack.enter_async_context(DiscordServer(limits=_WIDE, sends_per_minute=1_000_000))
        slack = await stack.enter_async_context(SlackServer(pace=Pace(post_s=0.0)))
        config = directory / "config.toml"
        config.write_text(
            _CONFIG.format(
                directory=directory, model=model.url, discord=discord, slack=slack, embedder=embedder
            ),
            encoding="utf-8",
        )
        names = count()
        crowds, slow_ones = (
            [
                person_of(discord, user := discord.user(f"person{next(names)}"), discord.dm(user))
                if number % 2
                else person_of(slack, member := slack.user(f"person{next(names)}"), slack.im(member))
                for number in range(size)
            ]
            for size in (people, slow)
        )
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bot", "run", "--config", str(config), stderr=asyncio.subprocess.DEVNULL
        )
        try:
            await slack.until(lambda: slack.connections > 0, _PATIENCE_S)
            await discord.until(lambda: discord.identifies > 0, _PATIENCE_S)
            first, first_s = await crowd(crowds, 1)
            again, again_s = await crowd(crowds, rounds)
            memory = report.resident_mb(process.pid)
            del slack.acks[:]
            for person in slow_ones:
                await person.whisper(f"Please answer {SLOWLY}.")
            beside, beside_s = await crowd(crowds[:200], 1)
            acks = [ack.seconds * 1000 for ack in slack.acks]
        finally:
            process.send_signal(signal.SIGTERM)
            await process.wait()
    rows = [
        _row("first contact", first, first_s),
        _row("afterwards", again, again_s),
        _row(f"with {len(slow_ones)} slow turns", beside, beside_s),
    ]
    head = ["", "messages", "answered/s", "events/s", "p50 ms", "p95 ms"]
    print(report.table(head, rows))
    print()
    print(report.goal("Slack's ack p99, slow turns under way", report.quantile(acks, 0.99), 500, " ms"))
    print(f"resident after {len(first) + len(again):,} turns of {len(crowds):,} people: {memory:,.0f} MB")


def _row(name: str, waits: list[float], seconds: float) -> list[object]:
    rate = len(waits) / seconds
    ms = [wait * 1000 for wait in waits]
    # Two events a turn: the message, and the platform's telling us of our own answer.
    return [name, len(waits), rate, 2 * rate, report.quantile(ms, 0.5), report.quantile(ms, 0.95)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=2, help="messages of each after the first")
    parser.add_argument("--slow", type=int, default=50, help="turns that wait for the model meanwhile")
    parser.add_argument("--embedder", choices=["auto", "none"], default="auto")
    arguments = parser.parse_args()
    print(report.heading(f"Both platforms, {arguments.people:,} people, {_AT_ONCE} talking at a time"))
    with TemporaryDirectory() as directory:
        os.chmod(directory, 0o700)
        asyncio.run(
            measure(Path(directory), arguments.people, arguments.rounds, arguments.slow, arguments.embedder)
        )


if __name__ == "__main__":
    main()
