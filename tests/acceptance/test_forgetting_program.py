"""Forgetting in the real program: killed in the middle, asked for from the command line, across two accounts."""

from __future__ import annotations

import asyncio
import json
import random
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from bot.events import Command
from tests.acceptance.test_forgetting import CANARIES, command, found, plant, scribe
from tests.fakes.parlour import House, opened
from tests.program.program import Program

CONFIG = """
[model]
kind = "offline"
[embedder]
kind = "none"
[agent]
debounce_s = 0.0
"""
TOLD = [f"Please remember that my secret is {canary}." for canary in CANARIES]


def chores(home: Program) -> list[str]:
    with closing(sqlite3.connect(home.database)) as db:
        return [row[0] for row in db.execute("SELECT name FROM chores")]


def remembered(home: Program) -> int:
    with closing(sqlite3.connect(home.database)) as db:
        return int(db.execute("SELECT count(*) FROM messages WHERE author = 'ada'").fetchone()[0])


async def gone(home: Program) -> None:
    while remembered(home):
        await asyncio.sleep(0)


async def kill(tmp_path: Path, kills: int) -> None:
    chance = random.Random(3)
    whole = 0
    for number in range(kills):
        folder = tmp_path / str(number)
        folder.mkdir()
        home = Program(folder, CONFIG, laid=True)
        home.told("chat", "--user", "ada", lines=[*TOLD, "/save early"])
        data = home.database.parent
        assert found(data) != {}
        async with await home.live(
            "chat", "--json", "--user", "ada", lines=[json.dumps({"user": "ada", "text": "/forget yes"})]
        ) as life:
            # Every other time as soon as the rows are gone, else at any commit.
            moment = gone(home) if number % 2 else home.written(chance.randint(1, 4))
            written = asyncio.create_task(moment)
            await asyncio.wait(
                [written, asyncio.create_task(life.ended())], return_when=asyncio.FIRST_COMPLETED
            )
            written.cancel()
            await life.kill()
        if not remembered(home):
            whole += 1
            home.told("chat", "--user", "bob", lines=["Hello."])  # the next start ends what was begun
            if chores(home):
                home.told("chat", "--user", "bob", lines=["Hello again."])
            assert chores(home) == []
            assert found(folder) == {}, "in the data, in the log"
        else:
            assert remembered(home) >= len(TOLD)
    assert whole > 0, "no kill came after the forgetting had begun"


async def test_a_forgetting_killed_at_any_moment_is_whole_or_not_begun(tmp_path: Path) -> None:
    await kill(tmp_path, 2)


@pytest.mark.soak
async def test_ten_killed_forgettings(tmp_path: Path) -> None:
    await kill(tmp_path, 10)


async def test_the_operator_forgets_takes_out_and_puts_back(tmp_path: Path) -> None:
    home = Program(tmp_path, CONFIG, laid=True)
    home.told("chat", "--user", "ada", lines=["My name is Ada and I live in Porto.", *TOLD])
    [path] = home.told("export", str(tmp_path), "--user", "ada")
    assert home.told("forget", "--user", "ada", "--yes") == ["console:ada is forgotten."]
    assert found(home.database.parent) == {}
    [back] = home.told("import", path)
    assert back.startswith("console:ada/ever is back: ")
    assert "Porto" in " ".join(home.told("chat", "--user", "ada", lines=["Where do I live?"]))


async def test_a_running_process_forgets_whom_the_operator_named(tmp_path: Path) -> None:
    home = Program(tmp_path, CONFIG, laid=True)
    home.told("chat", "--user", "ada", lines=TOLD)
    async with opened(tmp_path / "data", scribe) as house:
        [told] = await asyncio.to_thread(home.told, "forget", "--user", "ada", "--yes")
        assert "within a minute" in told
        await house.app.erasure.tidy(urgent=True)
        assert found(tmp_path / "data") == {}


async def test_both_accounts_of_one_person_are_forgotten(tmp_path: Path) -> None:
    async def line(house: House, user: str, text: str) -> str:
        name, _, argument = text.partition(" ")
        facts = {k: v for k, v in house.who(user).items() if k not in ("key", "at")}
        return (await house.app.inbound.invoke(Command(**facts, command=name, argument=argument))).text

    async with opened(tmp_path, scribe) as house:
        await plant(house, "ada")
        await house.say("ada2", f"Elsewhere I said {CANARIES[0]}")
        code = (await line(house, "ada", "link")).split("`link ")[1].split("`")[0]
        await line(house, "ada2", f"link {code}")
        await line(house, "ada2", f"link yes {code}")
        assert "one" in await line(house, "ada", "link confirm")
        await command(house, "ada2", "forget yes")
        assert found(tmp_path) == {}
        assert house.rows("SELECT count(*) FROM accounts") == [(0,)]
