"""What heartbeats cost: tokens a day by configuration, over a simulated week.

One person, on an injected clock; the model is a script that, in a beat, reflects in three steps as a language
model would (stores, rewrites, finishes). Tokens are those of the requests as they would be sent.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import report
from benchmarks.texts import Texts
from bot.app import open_app
from bot.events import MessageReceived
from bot.ports import ModelReply, ModelRequest, ToolCall
from bot.settings import AgentSettings, EmbedderSettings, HeartbeatSettings, Settings
from memory.records import PRIVATE, Usage
from memory.tokens import token_counter
from tests.fakes.clock import FakeClock
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
    """A `bot.ports.ChatModel` that answers, and reflects in three steps."""

    name = "script"

    def __init__(self) -> None:
        self._count = token_counter("gpt-5-mini", Path("nowhere")).count
        self.beats = 0

    async def complete(self, request: ModelRequest) -> ModelReply:
        prompt = self._count(json.dumps([*request.messages, *request.tools]))
        if not request.tools:
            return ModelReply(text="They talk about their days.", usage=Usage(prompt=prompt, completion=8))
        begun = max(n for n, m in enumerate(request.messages) if m["role"] == "user")
        event = json.loads(request.messages[begun]["content"])
        if event["type"] != "heartbeat":
            return self._call("send_message", {"message": "I see. Tell me more."}, prompt)
        done = sum(m["role"] == "tool" for m in request.messages[begun:])
        self.beats += done == 0
        steps: tuple[tuple[str, dict[str, object]], ...] = (
            ("store_memories", {"chunks": ["Ada had a long day."], "request_heartbeat": True}),
            ("rethink_user_memory", {"new_value": "Name: Ada. Likes the river.", "request_heartbeat": True}),
            ("finish_rethinking_memory", {}),
        )
        name, arguments = steps[min(done, 2)]
        return self._call(name, arguments, prompt)

    def _call(self, name: str, arguments: dict[str, object], prompt: int) -> ModelReply:
        text = json.dumps(arguments)
        call = ToolCall(id="call_1", name=name, arguments=text)
        return ModelReply(text="", calls=(call,), usage=Usage(prompt=prompt, completion=self._count(text)))


async def live(week: Week, days: int, directory: Path) -> list[object]:
    """The week's row: beats and tokens of beats a day, beside those of the conversation."""
    clock, mind = FakeClock(_START), Mind()
    settings = Settings(
        data_dir=directory,
        agent=AgentSettings(debounce_s=0),
        embedder=EmbedderSettings(kind="none"),
        heartbeat=HeartbeatSettings(every_hours=week.every_hours, daily_beats=24, daily_tokens=10_000_000),
    )
    texts = Texts(seed=1)
    async with open_app(settings, [Parlour()], "benchmark", model=mind, clock=clock) as app:
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
