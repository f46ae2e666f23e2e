"""What heartbeats cost: tokens a day by configuration, over a simulated week.

One person, on an injected clock; the real model client talks to the tests' local model server, whose script
reflects in three steps as a language model would (stores, rewrites, finishes) and reports what each took.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks import report
from benchmarks.texts import Texts
from bot.app import open_app
from bot.events import MessageReceived
from bot.settings import (
    AgentSettings,
    EmbedderSettings,
    HeartbeatSettings,
    LimitSettings,
    ModelSettings,
    Settings,
)
from memory.records import PRIVATE
from tests.fakes.clock import FakeClock
from tests.fakes.openai_server import Answer, OpenAIServer
from tests.fakes.parlour import Parlour

_START = datetime(2026, 11, 21, 6, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Week:
    name: str
    hours: Sequence[int]  # of the day at which the person writes
    every_hours: float


_TALKS: Sequence[int] = (9, 10, 13, 18, 22)
WEEKS = (
    Week("silent person", (), 4),
    Week("one message a day", (9,), 4),
    Week("five a day, every 12 h", _TALKS, 12),
    Week("five a day, every 4 h", _TALKS, 4),
    Week("five a day, every hour", _TALKS, 1),
)


class Mind:
    """The script of the model server: it answers, and reflects in three steps."""

    def __init__(self) -> None:
        self.beats = 0

    def __call__(self, request: dict[str, Any], headers: Mapping[str, str]) -> Answer:
        messages = request["messages"]
        if not request.get("tools"):
            return Answer(text="They talk about their days.")
        begun = max(n for n, m in enumerate(messages) if m["role"] == "user")
        event = json.loads(messages[begun]["content"])
        if event["type"] != "heartbeat":
            return Answer(calls=[("send_message", {"message": "I see. Tell me more."})])
        done = sum(m["role"] == "tool" for m in messages[begun:])
        self.beats += done == 0
        steps: tuple[tuple[str, dict[str, object]], ...] = (
            ("store_memories", {"chunks": ["Ada had a long day."], "request_heartbeat": True}),
            ("rethink_user_memory", {"new_value": "Name: Ada. Likes the river.", "request_heartbeat": True}),
            ("finish_rethinking_memory", {}),
        )
        return Answer(calls=[steps[min(done, 2)]])


async def live(week: Week, days: int, directory: Path) -> list[object]:
    """The week's row: beats and tokens of beats a day, beside those of the conversation."""
    clock, mind = FakeClock(_START), Mind()
    async with OpenAIServer(mind) as server:
        return await _live(week, days, directory, clock, mind, server.url)


async def _live(
    week: Week, days: int, directory: Path, clock: FakeClock, mind: Mind, url: str
) -> list[object]:
    settings = Settings(
        data_dir=directory,
        model=ModelSettings(kind="openai", name="test-model", base_url=url),
        limits=LimitSettings(messages_per_minute=0),
        agent=AgentSettings(debounce_s=0),
        embedder=EmbedderSettings(kind="none"),
        heartbeat=HeartbeatSettings(every_hours=week.every_hours, daily_beats=24, daily_tokens=10_000_000),
    )
    texts = Texts(seed=1)
    async with open_app(settings, [Parlour()], "benchmark", clock=clock) as app:
        end = _START + timedelta(days=days)
        while clock.now() < end:
            if clock.now().hour in week.hours and clock.now().minute == 0:
                said = MessageReceived(
                    key=f"parlour:{clock.now().timestamp()}",
                    account="parlour:ada",
                    name="Ada",
                    address="parlour:ada",
                    audience=PRIVATE,
                    at=clock.now(),
                    text=texts.said(),
                )
                await app.inbound.submit(said)
            await app.heartbeat.sweep()
            await app.inbound.settled()
            clock.advance(600)
        async with app.memory.store.read() as session:
            everything = await session.mailbox.usage_since(None, _START)
            agents = await session.agents.agents()
            beats = sum([(await session.schedule.spent(agent.id, _START)).tokens for agent in agents])
    total = everything.prompt + everything.completion
    return [week.name, mind.beats / days, beats // days, (total - beats) // days]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=7)
    days = parser.parse_args().days
    print(report.heading(f"Heartbeats over {days} days, one person"))
    rows = []
    for week in WEEKS:
        with TemporaryDirectory() as directory:
            rows.append(asyncio.run(live(week, days, Path(directory))))
    print(report.table(["", "beats a day", "tokens a day, beats", "tokens a day, conversation"], rows))


if __name__ == "__main__":
    main()
