"""What a turn's statements cost through our connection, and through SQLAlchemy's own asynchronous one.

Both ask the same of one database, in turns: what a turn reads, then one unit of work. Needs greenlet, which everbot
itself does without: ``pip install greenlet``.

    python -m benchmarks.connection [--rounds 400]
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import create_async_engine

from memory.records import PRIVATE, Block, Message, Role
from memory.store import tables as t
from memory.store.sqlite.connection import SqliteConnection
from memory.store.sqlite.database import Database

QUEUE = 20  # messages in view
NOW = datetime(2026, 11, 26, 9, 0, tzinfo=UTC)

Execute = Callable[..., Awaitable[Any]]
Control = Callable[[str], Awaitable[Any]]


async def filled(path: Path) -> None:
    """A database with one agent that has talked before."""
    store = await Database.open(path)
    async with store.write() as session:
        persona = await session.personas.create("everbot", "", NOW)
        user = await session.agents.create_user("bench:1", "Ada", "UTC", NOW)
        agent = await session.agents.create_agent(user.id, persona.id, "everbot:Ada", NOW)
        place = await session.agents.create_conversation(agent.id, "bench:1", PRIVATE, NOW)
        human = Block(
            id=0, owner=f"agent:{agent.id}", label="human", audience=PRIVATE, value="Ada.", limit=2_000
        )
        await session.blocks.create(human, NOW)
        said = [message(place.id, f"What was said as number {n}.") for n in range(QUEUE)]
        await session.messages.append(agent.id, said)
    await store.close()


def message(conversation_id: int, text: str) -> Message:
    return Message(
        key=0,
        conversation_id=conversation_id,
        audience=PRIVATE,
        role=Role.USER,
        author="Ada",
        text=text,
        rendered=text,
        tokens=8,
        created_at=NOW,
        turn_id="turn",
    )


ONE: sa.BindParameter[int] = sa.bindparam("one")
READ = (
    *(sa.select(x).where(x.c.id == ONE) for x in (t.agents, t.users, t.conversations, t.personas)),
    sa.select(t.beats).where(t.beats.c.agent_id == ONE),
    sa.select(t.blocks).where(t.blocks.c.id == ONE),
    sa.select(t.messages).where((t.messages.c.conversation_id == ONE) & t.messages.c.queued),
    sa.select(t.inbox).where(t.inbox.c.conversation_id == ONE),
)
# As it was: the database stays the same however long it is asked.
WRITE = tuple(
    x.update().where(x.c.id == ONE).values(name=x.c.name) for x in (t.agents, t.users, t.personas, t.archives)
)


async def turn(execute: Execute, control: Control) -> None:
    """Eight questions, and a unit of work of four statements."""
    for question in READ:
        (await execute(question, {"one": 1})).all()
    await control("BEGIN IMMEDIATE")
    for change in WRITE:
        await execute(change, {"one": 1})
    await control("COMMIT")


async def measured(path: Path, rounds: int) -> tuple[float, float]:
    """Median seconds of a turn's statements: SQLAlchemy's own, ours."""
    options: dict[str, Any] = {"isolation_level": "AUTOCOMMIT", "poolclass": sa.NullPool}
    stock = create_async_engine(f"sqlite+aiosqlite:///{path}", **options)
    ours = await SqliteConnection.open(path)
    took: tuple[list[float], list[float]] = ([], [])
    async with stock.connect() as theirs:
        pairs: list[tuple[Execute, Control]] = [
            (theirs.execute, theirs.exec_driver_sql),
            (ours.execute, ours.control),
        ]
        off = "PRAGMA synchronous=OFF"  # what the disk costs is the same for both
        await theirs.exec_driver_sql(off)
        await ours.ask(off)
        for _ in range(rounds):
            for seconds, (execute, control) in zip(took, pairs, strict=True):
                began = time.perf_counter()
                await turn(execute, control)
                seconds.append(time.perf_counter() - began)
    await ours.close()
    return median(took[0]), median(took[1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=400)
    rounds = parser.parse_args().rounds
    with TemporaryDirectory() as folder:
        path = Path(folder) / "x.db"
        asyncio.run(filled(path))
        theirs, ours = asyncio.run(measured(path, rounds))
    print(
        f"SQLAlchemy's own {theirs * 1e3:.2f} ms, ours {ours * 1e3:.2f} ms: {theirs / ours:.1f} times as quick"
    )


if __name__ == "__main__":
    main()
