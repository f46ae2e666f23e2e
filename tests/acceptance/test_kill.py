"""Exactly once: the process is killed again and again, and nothing is lost, doubled or asked twice.

Four people write numbered messages; what a message leaves in memory is known exactly (see `keeper`). The
window is small: queues are flushed and summarized meanwhile.
"""

from __future__ import annotations

import asyncio
import json
import random
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.keeping_model import Keeper, passage, reply, said, token
from tests.fakes.openai_server import OpenAIServer
from tests.patience import PATIENCE_S
from tests.program.life import Life
from tests.program.program import Program

USERS = ("ada", "bob", "cyd", "dan")
WAITING = 6  # unanswered messages of each user that every life is given, at least
LEAST = 10  # messages of each user in all: the small window is full by then, however early the kills came

CONFIG = """
[model]
kind = "openai"
name = "test-model"
base_url = "{url}"
context_window = 9216
reply_reserve = 1024

[embedder]
kind = "none"

[agent]
block_limit = 4000
"""


class Story:
    """Lives of one installation. ``kills`` of them end by SIGKILL at moments that ``seed`` decides."""

    def __init__(self, directory: Path, seed: int, kills: int) -> None:
        self.model = Keeper()
        self.written = dict.fromkeys(USERS, 0)  # messages of each user so far
        self.replies: list[dict[str, Any]] = []  # everything printed, in order
        self.committed: list[set[str]] = []  # keys committed when a life had ended
        self.left: Counter[str] = Counter()  # what the kills left undone
        self._directory = directory
        self._dice = random.Random(seed)
        self._kills = kills

    async def tell(self) -> Program:
        async with OpenAIServer(self.model) as server:
            home = Program(self._directory, CONFIG.format(url=server.url))
            killed = 0
            while killed < self._kills:
                assert len(self.committed) < 2 * self._kills + 10, "it ends before it can be killed"
                async with await self._start(home, more=True) as life:
                    killed += await self._killed(home, life)
                    self._look(home, life)
            async with await self._start(home, more=False) as life:
                assert await asyncio.wait_for(life.ended(), PATIENCE_S) == 0, home.stderr.read_text()
                self._look(home, life)
        return home

    @property
    def answered(self) -> set[str]:
        return {message for line in self.replies for message in line["in_reply_to"]}

    async def _start(self, home: Program, *, more: bool) -> Life:
        """A process that is told again what it was not seen to answer, and now and then what it was."""
        lines = {user: self._lines(user, more=more) for user in USERS}
        order = [user for user, his in lines.items() for _ in his]
        self._dice.shuffle(order)
        fed = [lines[user].pop(0) for user in order]
        key = f"life-{len(self.committed)}"
        return await home.live("chat", "--json", lines=fed, OPENAI_API_KEY=key)

    def _lines(self, user: str, *, more: bool) -> list[str]:
        seen = self.answered
        open_ = [n for n in range(self.written[user]) if token(user, n) not in seen]
        new = max(0, WAITING - len(open_) if more else LEAST - self.written[user])
        open_ += range(self.written[user], self.written[user] + new)
        self.written[user] += new
        again = [n for n in range(self.written[user]) if n not in open_ and self._dice.random() < 0.1]
        return [
            json.dumps({"id": token(user, n), "user": user, "text": said(user, n)})
            for n in sorted([*again, *open_])
        ]

    async def _killed(self, home: Program, life: Life) -> bool:
        moment = asyncio.create_task(self._moment(home, life))
        end = asyncio.create_task(life.ended())
        done, _ = await asyncio.wait({moment, end}, timeout=PATIENCE_S, return_when="FIRST_COMPLETED")
        moment.cancel()
        killed = await life.kill()
        assert done, "neither the moment to kill nor the end has come"
        assert killed or await end == 0, home.stderr.read_text()
        return killed

    async def _moment(self, home: Program, life: Life) -> None:
        """Returns when to kill: soon after some request, write or printed line, or at any time."""
        dice = self._dice
        kind = dice.choices(("request", "write", "line", "time"), (3, 9, 3, 1))[0]
        if kind in ("request", "write"):
            await self.model.arrived.reach(self.model.arrived.count + dice.randint(1, 12))
        if kind == "write":
            await home.written(dice.randint(1, 6))
        if kind == "line":
            await life.printed.reach(dice.randint(1, 5))
        longest = {"request": 0.03, "write": 0.004, "line": 0.01, "time": 3.0}[kind]
        await asyncio.sleep(longest * dice.random() * dice.choice((0, 1)))

    def _look(self, home: Program, life: Life) -> None:
        """Note what the life printed and what it left in the database."""
        self.replies += life.lines
        with home.reading() as db:
            keys, left = looked(db)
        self.committed.append(keys)
        self.left += left
        # What was printed is committed, and what was committed once is so for ever.
        assert {line["id"].rpartition("/")[0] for line in life.lines} <= keys
        assert set().union(*self.committed) == keys


def looked(db: sqlite3.Connection) -> tuple[set[str], Counter[str]]:
    """The keys of the committed steps, and what is left undone."""
    if not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'steps'").fetchone():
        return set(), Counter({"killed before there was a schema": 1})
    keys = {f"{row['turn_id']}/{row['step']}" for row in db.execute("SELECT turn_id, step FROM steps")}
    return keys, Counter({what: db.execute(query).fetchone()[0] for what, query in UNDONE.items()})


ENDLESS = """
CREATE VIEW endless AS WITH RECURSIVE n (x) AS (VALUES (1) UNION ALL SELECT x + 1 FROM n) SELECT x FROM n;
CREATE TRIGGER receipt BEFORE UPDATE OF state ON outbox WHEN NEW.state = 'sent' BEGIN
    SELECT count(*) FROM endless;
END;
"""
"""With it no receipt is ever written: a process that is killed then is killed between a reply and its receipt."""


def changed(database: Path, script: str) -> None:
    with closing(sqlite3.connect(database)) as db:
        db.executescript(script)


UNDONE = {
    "events waiting": "SELECT count(*) FROM inbox WHERE turn_id IS NULL AND NOT done",
    "turns before their first step": "SELECT count(*) FROM turns WHERE state = 'running' AND NOT EXISTS"
    " (SELECT 1 FROM steps WHERE steps.turn_id = turns.id)",
    "turns between two steps": "SELECT count(*) FROM turns WHERE state = 'running' AND EXISTS"
    " (SELECT 1 FROM steps WHERE steps.turn_id = turns.id)",
    "replies ready": "SELECT count(*) FROM outbox WHERE state = 'ready'",
    "replies in doubt": "SELECT count(*) FROM outbox WHERE state = 'sending'",
}


def check_replies(story: Story) -> None:
    """Every message was answered by one reply, rightly, and each user's in order."""
    assert {line["type"] for line in story.replies} == {"reply"}
    texts: dict[str, set[str]] = {}
    order: dict[str, list[str]] = {}
    ids: dict[str, set[str]] = {}
    for line in story.replies:
        texts.setdefault(line["id"], set()).add(line["text"])
        for message in line["in_reply_to"]:
            ids.setdefault(message, set()).add(line["id"])
            seen = order.setdefault(message[:-4], [])
            if message not in seen:
                seen.append(message)
    assert {id_ for id_, found in texts.items() if len(found) > 1} == set()
    assert {message: found for message, found in ids.items() if len(found) > 1} == {}
    for user, count in story.written.items():
        assert order[user] == [token(user, n) for n in range(count)]
        said_to = [text for n in range(count) for text in texts[next(iter(ids[token(user, n)]))]]
        assert said_to == [reply(user, n) for n in range(count)]


def check_questions(story: Story) -> None:
    """No step whose commit a life had left behind was asked again, and no life asked anything twice."""
    again = [
        asked for asked in story.model.asked if asked.life and asked.key in story.committed[asked.life - 1]
    ]
    assert again == []
    assert [asked for asked, times in Counter(story.model.asked).items() if times > 1] == []
    assert story.committed[-1] <= {asked.key for asked in story.model.asked}


def check_memory(story: Story, db: sqlite3.Connection) -> None:
    """Memory holds every edit once, in order, and every word that was said."""
    for user, count in story.written.items():
        agent, archive = db.execute(
            "SELECT id, archive_id FROM agents WHERE name LIKE ?", (f"console:{user}/%",)
        ).fetchone()
        words = [token(user, n) for n in range(count)]
        block = db.execute(
            "SELECT * FROM blocks WHERE owner = ? AND label = 'human'", (f"agent:{agent}",)
        ).fetchone()
        assert block["value"].splitlines() == words
        history = db.execute(
            "SELECT after FROM block_history WHERE block_id = ? ORDER BY version", (block["id"],)
        )
        assert [row["after"].count("\n") + 1 for row in history] == list(range(1, count + 1))
        passages = db.execute("SELECT text FROM passages WHERE key >> 32 = ? ORDER BY key", (archive,))
        assert [row["text"] for row in passages] == [passage(user, n) for n in range(count)]
        recall = db.execute(
            "SELECT text FROM messages WHERE key >> 32 = ? AND text != '' ORDER BY key", (agent,)
        )
        assert [row["text"] for row in recall] == [
            text for n in range(count) for text in (said(user, n), reply(user, n))
        ]


def check_database(story: Story, db: sqlite3.Connection) -> None:
    """The file is sound, the full-text tables agree with it, and nothing is left to do."""
    assert [row[0] for row in db.execute("PRAGMA integrity_check")] == ["ok"]
    assert db.execute("PRAGMA foreign_key_check").fetchall() == []
    for kind in ("messages", "passages"):
        db.execute(f"INSERT INTO {kind}_terms ({kind}_terms) VALUES ('integrity-check')")  # noqa: S608
        found = db.execute(f"SELECT rowid FROM {kind}_terms ORDER BY rowid").fetchall()  # noqa: S608
        spoken = db.execute(f"SELECT key FROM {kind} WHERE text != '' ORDER BY key").fetchall()  # noqa: S608
        assert [row[0] for row in found] == [row[0] for row in spoken]
    total = sum(story.written.values())
    assert looked(db)[1].total() == 0, looked(db)[1]
    assert db.execute("SELECT count(*), sum(done) FROM inbox").fetchone()[:] == (total, total)
    assert db.execute("SELECT count(*), sum(state = 'done') FROM turns").fetchone()[:] == (total, total)
    assert db.execute("SELECT count(*), sum(state = 'sent') FROM outbox").fetchone()[:] == (total, total)


async def check(directory: Path, seed: int, kills: int) -> Story:
    directory.mkdir()
    story = Story(directory, seed, kills)
    home = await story.tell()
    check_replies(story)
    check_questions(story)
    with home.reading() as db:
        check_database(story, db)
        check_memory(story, db)
        assert db.execute("SELECT count(*) FROM summaries").fetchone()[0] > 0
    log = home.stderr.read_text()
    assert "Traceback" not in log
    assert " ERROR " not in log
    return story


async def check_two(directory: Path, seed: int, kills: int) -> Counter[str]:
    """Two installations side by side, for two processors. Returns what their kills left undone."""
    async with asyncio.TaskGroup() as group:
        one = group.create_task(check(directory / "one", 2 * seed, kills - kills // 2))
        two = group.create_task(check(directory / "two", 2 * seed + 1, kills // 2))
    return one.result().left + two.result().left


@pytest.mark.long
async def test_ten_kills_lose_and_double_nothing(tmp_path: Path) -> None:
    left = await check_two(tmp_path, seed=1, kills=10)
    assert left["turns between two steps"] > 0


@pytest.mark.soak
async def test_a_hundred_and_twenty_kills_lose_and_double_nothing(tmp_path: Path) -> None:
    left = await check_two(tmp_path, seed=10, kills=120)
    # A reply is claimed with the step that says it: few are ever only ready.
    assert all(left[what] > 0 for what in UNDONE if what != "replies ready"), left


@pytest.mark.parametrize("fed_again", [True, False])
async def test_a_reply_that_has_no_receipt_is_all_that_is_left_to_do(tmp_path: Path, fed_again: bool) -> None:
    async with OpenAIServer() as server:
        home = Program(tmp_path, CONFIG.format(url=server.url), laid=True)
        changed(home.database, ENDLESS)
        line = json.dumps({"id": "0", "user": "ada", "text": "Hello."})
        async with await home.live("chat", "--json", lines=[line], OPENAI_API_KEY="x") as life:
            await asyncio.wait_for(life.printed.reach(1), PATIENCE_S)
            assert life.lines, home.stderr.read_text()
            await life.kill()
        with home.reading() as db:
            assert +looked(db)[1] == {"replies in doubt": 1}
        changed(home.database, "DROP TRIGGER receipt; DROP VIEW endless;")

        async with await home.live(
            "chat", "--json", lines=[line] if fed_again else [], OPENAI_API_KEY="x"
        ) as next_life:
            assert await asyncio.wait_for(next_life.ended(), PATIENCE_S) == 0

    assert next_life.lines == life.lines
    with home.reading() as db:
        assert +looked(db)[1] == {}
