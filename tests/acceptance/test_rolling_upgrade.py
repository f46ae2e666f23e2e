"""Two versions of everbot side by side on one PostgreSQL, under load: the newer one migrates when the older has ended.

The newer version is this source with one migration more, in a folder of its own.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import pytest

from memory.store.schema import HEAD
from tests.acceptance.test_standby import Story, check
from tests.fakes.ports import free_port
from tests.fakes.postgres_server import ALONE, asked
from tests.patience import PATIENCE_S
from tests.program.process import ROOT
from tests.program.program import Program

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.long,
    pytest.mark.skipif(not ALONE, reason="several processes and a server of their own: make test-postgres"),
]

NEWER = f"{int(HEAD) + 1:04}"
MIGRATION = f"""
import sqlalchemy as sa
from alembic import op

revision = "{NEWER}"
down_revision = "{HEAD}"


def upgrade() -> None:
    op.create_table("of_tomorrow", sa.Column("id", sa.Integer(), primary_key=True))
"""


def newer_version(folder: Path) -> Path:
    """Its source."""
    skipped = shutil.ignore_patterns("__pycache__")
    for name in ("bot", "adapters", "memory"):
        shutil.copytree(ROOT / name, folder / name, ignore=skipped)
    store = folder / "memory" / "store"
    (store / "migrations" / "versions" / f"{NEWER}_tomorrow.py").write_text(MIGRATION)
    schema = store / "schema.py"
    text = schema.read_text()
    assert f'HEAD = "{HEAD}"' in text
    schema.write_text(text.replace(f'HEAD = "{HEAD}"', f'HEAD = "{NEWER}"'))
    return folder


class Newer(Program):
    """An installation of the newer version, started as a shell would: what is warm is the older one."""

    source: Path

    @property
    def environment(self) -> dict[str, str]:
        return super().environment | {"PYTHONPATH": str(self.source)}


class Upgrade(Story):
    """One of the older version works, another stands by; one of the newer version takes over."""

    async def end(self, stack: AsyncExitStack, how: str) -> None:
        works = await self.works()
        await self.start(stack)  # the older one that stands by
        standing = next(life for pid, life in self.lives.items() if pid != works)
        older = self.homes[-1]
        await said(older, "Standing by: ")
        listen = f"127.0.0.1:{free_port()}"
        newer = Newer(self.folder / "newer", self.text.replace('health = ""', f'health = "{listen}"'))
        newer.source = newer_version(self.folder / "source")
        life = await newer.live("run", cold=True, OPENAI_API_KEY="newer")
        await stack.enter_async_context(life)
        await said(newer, f"of an older version (schema {HEAD}): this one brings it to schema {NEWER} when")
        await self.beside(newer, listen)
        os.kill(standing.pid, signal.SIGSTOP)
        assert await self.lives.pop(works).stopped() == 0
        self.lives[life.pid] = life
        assert await self.works() == life.pid
        assert await schema(self.url) == NEWER
        os.kill(standing.pid, signal.SIGCONT)
        assert await self.lives.pop(standing.pid).ended() == 1
        assert f"was written by a newer everbot (schema {NEWER}" in older.stderr.read_text()
        for command in (["doctor"], ["backup"], ["load", str(self.folder), "--lore", "x"]):
            done = await asyncio.to_thread(older.run, *command)
            assert done.code == 1
            assert "written by a newer everbot" in done.out + done.err
        self.homes.append(newer)

    async def beside(self, newer: Newer, listen: str) -> None:
        """What the newer version tells and does while the older one works."""
        async with aiohttp.ClientSession() as session, session.get(f"http://{listen}/readyz") as answer:
            assert answer.status == 503
            assert "of an older version" in await answer.text()
        (newer.folder / "page.txt").write_text("The canary sings.")
        doctor, load, workers, backup = await asyncio.gather(
            *(
                asyncio.to_thread(newer.run, *command, cold=True)
                for command in (["doctor"], ["load", "page.txt", "--lore", "x"], ["workers"], ["backup"])
            )
        )
        assert doctor.code == 1
        assert "FAIL memory" in doctor.out
        assert f"brings it to schema {NEWER} when that has ended" in doctor.out
        assert "of an older version" in load.sentence
        assert f"everbot run (newer: schema {NEWER}), process" in workers.out
        assert workers.out.count("stands by") == 2
        assert backup.code == 0, backup.err
        assert await schema(self.url) == HEAD


async def said(home: Program, text: str) -> None:
    """Until a process has told that on standard error."""
    async with asyncio.timeout(PATIENCE_S):
        while text not in home.stderr.read_text():
            await asyncio.sleep(0.05)


async def schema(url: str) -> str:
    async with asked(url) as connection:
        return str(await connection.fetchval("SELECT version_num FROM alembic_version"))


async def test_a_newer_version_takes_over_from_an_older_one(tmp_path: Path) -> None:
    story = Upgrade(tmp_path, ["upgrade"], processes=1)
    await story.tell()
    assert "Standing by: " in check(story)
