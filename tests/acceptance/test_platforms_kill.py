"""Exactly once at the wire: `everbot run` on both platforms at once, killed again and again under load.

Several people on each platform write numbered messages in direct messages, channels and threads. The model
notes each number in memory and quotes it in its answer, so that answers can be counted where they were posted.
"""

from __future__ import annotations

import asyncio
import random
import sqlite3
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.acceptance.clerk import DISCORD, MODEL, SLACK, Clerk
from tests.acceptance.crowd import Spot, on_discord, on_slack, posts_on_discord, posts_on_slack
from tests.acceptance.sums import answered, once, sums
from tests.fakes.discord_server import DiscordServer
from tests.fakes.openai_server import OpenAIServer
from tests.fakes.slack_server import Pace, SlackServer
from tests.fakes.town import FAST
from tests.patience import PATIENCE_S
from tests.program.life import Life
from tests.program.program import Program

BOTH = f"""
[run]
health = ""

{MODEL}{SLACK}{DISCORD}"""


@dataclass
class Story:
    """``kills`` lives end by SIGKILL at moments that ``seed`` decides, while everybody goes on writing."""

    folder: Path
    seed: int
    kills: int
    model: Clerk = field(default_factory=Clerk)
    written: dict[str, list[str]] = field(default_factory=dict)  # numbers by spot, in order
    committed: list[set[str]] = field(default_factory=list)  # keys, when each life had ended
    left: Counter[str] = field(default_factory=Counter)  # what the kills left undone

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)
        self.count = 0

    async def tell(self) -> None:
        pace = Pace(ack_s=1.0, post_s=0.0)
        async with (
            DiscordServer(**FAST) as self.discord,
            SlackServer(pace=pace) as self.slack,
            OpenAIServer(self.model, delay_s=0.01) as server,
        ):
            text = BOTH.format(model=server.url, discord=self.discord, slack=self.slack)
            self.home = Program(self.folder, text)
            spots = self.spots()
            async with await self.start() as life:
                await self.discord.until(lambda: self.discord.identifies)
                await self.slack.until(lambda: self.slack.connections)
                await self.everyone(spots)  # knows the bot: a first direct message is a named exception
                await self.end(life)
            self.killing = True
            people = [asyncio.create_task(self.talk(spot)) for spot in spots]
            for _ in range(self.kills):
                async with await self.start() as life:
                    await asyncio.wait_for(self.moment(), PATIENCE_S)
                    await self.end(life)
            self.killing = False
            async with await self.start() as life:
                _, waiting = await asyncio.wait(people, timeout=PATIENCE_S)
                for person in waiting:  # in vain: `check_answers` tells for what
                    person.cancel()
                await self.everyone(spots)  # whatever was still on its way came before these answers
                await self.end(life)
            self.posts = posts_on_discord(self.discord) + posts_on_slack(self.slack)

    def spots(self) -> list[Spot]:
        """Four people on each platform."""
        discord = on_discord(self.discord, ("ada", "bob", "cyd", "dan"))
        return [*discord, *on_slack(self.slack, ("eve", "fay", "gus", "hal"))]

    async def start(self) -> Life:
        return await self.home.live("run", lines=[], OPENAI_API_KEY=f"life-{len(self.committed)}")

    async def everyone(self, spots: list[Spot]) -> None:
        """Each says one thing everywhere, and is answered."""

        async def once(spot: Spot) -> None:
            await spot.until_answered(await self.say(spot))

        await asyncio.gather(*map(once, spots))

    async def talk(self, spot: Spot) -> None:
        """Writes one to three messages, waits for the last answer, and goes on as long as there are kills."""
        while self.killing:
            for _ in range(self.dice.randint(1, 3)):
                number = await self.say(spot)
            await spot.until_answered(number, (self.kills + 1) * PATIENCE_S)

    async def say(self, spot: Spot) -> str:
        self.count += 1
        number = f"n{self.count:05}"
        self.written.setdefault(spot.name, []).append(number)
        await spot.say(f"please note {number}")
        return number

    async def moment(self) -> None:
        """Returns when to kill: after some request to the model, write or call of a platform, or at any time."""
        kind = self.dice.choices(("request", "write", "call", "time"), (3, 4, 6, 1))[0]
        if kind != "time":
            await self.model.arrived.reach(self.model.arrived.count + self.dice.randint(1, 60))
        if kind == "write":
            await self.home.written(self.dice.randint(1, 6))
        if kind == "call":
            server = self.dice.choice((self.discord, self.slack))
            goal = len(server.transcript) + self.dice.randint(1, 6)
            await server.until(lambda: len(server.transcript) >= goal)
        longest = {"request": 0.03, "write": 0.004, "call": 0.004, "time": 3.0}[kind]
        await asyncio.sleep(longest * self.dice.random() * self.dice.choice((0, 1)))

    async def end(self, life: Life) -> None:
        assert await life.kill(), self.home.stderr.read_text()
        with self.home.reading() as db:
            found = db.execute("SELECT 1 FROM sqlite_master WHERE name = 'steps'").fetchone()
            rows = db.execute("SELECT turn_id, step FROM steps").fetchall() if found else []
            if found:
                self.left += Counter({what: count(db, query) for what, query in UNDONE.items()})
        self.committed.append({f"{row['turn_id']}/{row['step']}" for row in rows})


UNDONE = {
    "events waiting": "SELECT count(*) FROM inbox WHERE turn_id IS NULL AND NOT done",
    "turns under way": "SELECT count(*) FROM turns WHERE state = 'running'",
    "answers ready": "SELECT count(*) FROM outbox WHERE state = 'ready'",
    "answers in doubt": "SELECT count(*) FROM outbox WHERE state = 'sending'",
}


def count(db: sqlite3.Connection, query: str) -> int:
    return int(db.execute(query).fetchone()[0])


def check_answers(story: Story) -> None:
    """Each message was answered once, where it was written, and nobody's answers came out of order."""
    found = sums(story.written, story.posts)
    assert found.lost == set(), "never answered"
    assert found.doubled == {}, "answered more than once"
    assert found.disordered == {}
    places: dict[str, set[str]] = {}
    for spot, place in answered(story.written, story.posts):
        places.setdefault(spot, set()).add(place)
    one_place = [found for spot, found in places.items() if not spot.endswith("channel") or "discord" in spot]
    assert all(len(found) == 1 for found in one_place)


def check_questions(story: Story) -> None:
    """No step that a life had committed was asked of the model again."""
    asked = [(int(who.rpartition("-")[2]), key) for who, key in story.model.asked]
    again = [key for life, key in asked if life and key in story.committed[life - 1]]
    assert again == []
    assert [asked for asked, times in Counter(story.model.asked).items() if times > 1] == []


def check_memory(story: Story) -> None:
    """Each number was noted once, the file is sound, and nothing is left to do."""
    with story.home.reading() as db:
        noted = [row["text"] for row in db.execute("SELECT text FROM passages")]
        assert [row[0] for row in db.execute("PRAGMA integrity_check")] == ["ok"]
        assert count(db, UNDONE["events waiting"]) == count(db, UNDONE["turns under way"]) == 0
        states = Counter(row["state"] for row in db.execute("SELECT state FROM outbox"))
    assert once(story.written, noted)
    assert states["doubtful"] == states["refused"] == 0


async def check(folder: Path, seed: int, kills: int) -> Story:
    story = Story(folder, seed, kills)
    await story.tell()
    check_answers(story)
    check_questions(story)
    check_memory(story)
    assert "Traceback" not in story.home.stderr.read_text()
    return story


@pytest.mark.long
async def test_five_kills_under_load_lose_and_double_nothing(tmp_path: Path) -> None:
    story = await check(tmp_path, seed=3, kills=5)
    assert story.left["turns under way"] > 0


@pytest.mark.soak
async def test_sixty_kills_under_load_lose_and_double_nothing(tmp_path: Path) -> None:
    story = await check(tmp_path, seed=5, kills=60)
    assert all(story.left[what] > 0 for what in UNDONE), story.left
