"""Searches and inserts as memory grows: one agent with many messages, many agents, a large shared archive.

    python -m benchmarks.scale [--messages 100000] [--agents 10000] [--rows 1000000] [--shared 1000000]

Vectors of the bulk are made up; queries are embedded for real and their embedding counts. The last table shows the
same searches at 1,000 rows and how much slower they are at full size. 0 leaves a part out.
"""

from __future__ import annotations

import argparse
import asyncio
import random
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import numpy as np

from benchmarks import report
from benchmarks.everbot import EmbedderKind, settings_of
from benchmarks.history import indexed
from benchmarks.texts import Texts
from bot.backends.memory import Memory, choose_embedder, open_memory
from memory.ports import Session
from memory.recall import Searcher
from memory.records import PRIVATE, SHARED, Agent, Conversation, Draft, Message, Role, VectorEntry

_QUERIES = 300
_BATCH = 2_000
_NOW = datetime(2026, 11, 21, tzinfo=UTC)
Search = Callable[[str], Awaitable[object]]


@dataclass
class Line:
    """One row of the table."""

    what: str
    rows: int
    p50: float
    p95: float
    resident: float


class Bulk:
    """Writes rows with made-up vectors."""

    def __init__(self, memory: Memory, embedder: str | None, dimensions: int) -> None:
        self._memory = memory
        self._embedder = embedder
        self._dimensions = dimensions
        self._random = np.random.default_rng(1)
        self._texts = Texts(seed=1)

    def vectors(self, count: int) -> Any:
        made = self._random.standard_normal((count, self._dimensions)).astype(np.float32)
        return made / np.linalg.norm(made, axis=1, keepdims=True)

    async def messages(self, session: Session, agent: Agent, place: Conversation, count: int) -> None:
        rows = [self._message(place, n) for n in range(count)]
        stored = await session.messages.append(agent.id, rows)
        await self._put(session, "messages", {row.key: row.text for row in stored})

    async def passages(self, session: Session, agent: Agent, count: int) -> None:
        drafts = [Draft(text=self._texts.fact(), audience=PRIVATE) for _ in range(count)]
        stored = await session.passages.insert(agent.archive_id, drafts, _NOW)
        await self._put(session, "passages", {row.key: row.text for row in stored})

    async def _put(self, session: Session, kind: str, texts: dict[int, str]) -> None:
        if self._embedder is not None:
            await indexed(session, kind, self._embedder, texts, self.vectors(len(texts)))

    def _message(self, place: Conversation, number: int) -> Message:
        return Message(
            key=0,
            conversation_id=place.id,
            audience=PRIVATE,
            role=Role.USER,
            author="person" if number % 2 else "bot",
            text=self._texts.said(),
            rendered="{}",
            tokens=1,
            created_at=_NOW - timedelta(minutes=7 * number),
            turn_id=f"{place.id}/{number}",
            queued=False,
        )


async def newcomer(session: Session, name: str) -> tuple[Agent, Conversation]:
    user = await session.agents.create_user(name, name, "UTC", _NOW)
    persona = await session.personas.named("bench") or await session.personas.create("bench", "", _NOW)
    agent = await session.agents.create_agent(user.id, persona.id, name, _NOW)
    return agent, await session.agents.create_conversation(agent.id, name, PRIVATE, _NOW)


async def timed(search: Search, queries: Iterator[str], count: int = _QUERIES) -> list[float]:
    spent = []
    for _ in range(count):
        query = next(queries)
        start = perf_counter()
        await search(query)
        spent.append(1e3 * (perf_counter() - start))
    return spent


def questions() -> Iterator[str]:
    texts = Texts(seed=7)
    while True:
        yield f"When did {texts.fact().partition('(')[0].strip()}?"


def measured(what: str, rows: int, spent: list[float]) -> Line:
    line = Line(what, rows, report.quantile(spent, 0.5), report.quantile(spent, 0.95), report.resident_mb())
    print(f"{what}, {rows:,} rows: p50 {line.p50:.1f} ms, p95 {line.p95:.1f} ms", flush=True)
    return line


async def one_agent(directory: Path, embedder: EmbedderKind, rows: int) -> list[Line]:
    """A single agent, at 1,000 messages and at ``rows``."""
    settings = settings_of(directory, None, embedder)
    made = choose_embedder(settings)
    lines = []
    async with open_memory(settings) as memory:
        bulk = Bulk(memory, made.name if made else None, made.dimensions if made else 0)
        async with memory.store.write() as session:
            agent, place = await newcomer(session, "one")

        async def search(query: str) -> object:
            return await memory.recall.search(agent.id, query, PRIVATE, searcher=Searcher("person"), now=_NOW)

        held, asked = 0, questions()
        for size in sorted({min(1_000, rows), rows}):
            while held < size:
                some = min(_BATCH, size - held)
                async with memory.store.write() as session:
                    await bulk.messages(session, agent, place, some)
                held += some
            memory.indexer.index_of_messages._forget(agent.id)  # type: ignore[attr-defined]
            await timed(search, asked, 20)
            lines.append(measured("one agent", size, await timed(search, asked)))
        print(await inserts(memory, agent, place))
    return lines


async def inserts(memory: Memory, agent: Agent, place: Conversation, count: int = 300) -> str:
    """Messages a second, each durable and embedded: one by one, and in batches of 64."""
    texts = Texts(seed=5)
    result = []
    for name, batch in (("one by one", 1), ("in bulk", 64)):
        start = perf_counter()
        for first in range(0, count, batch):
            rows = [
                Message(
                    key=0,
                    conversation_id=place.id,
                    audience=PRIVATE,
                    role=Role.USER,
                    author="person",
                    text=texts.said(),
                    rendered="{}",
                    tokens=1,
                    created_at=_NOW,
                    turn_id=f"{name}/{first}",
                    queued=False,
                )
                for _ in range(batch)
            ]
            async with memory.store.write() as session:
                await session.messages.append(agent.id, rows)
            await memory.indexer.drain()
        done = -(-count // batch) * batch
        result.append(f"{done / (perf_counter() - start):.0f}/s {name}")
    return f"durable inserts with their vectors: {', '.join(result)}"


async def many_agents(directory: Path, embedder: EmbedderKind, agents: int, rows: int) -> list[Line]:
    """``rows`` messages and passages, half each, over many agents; another one is asked each time."""
    settings = settings_of(directory, None, embedder)
    made = choose_embedder(settings)
    lines = []
    each = max(2, rows // agents)
    async with open_memory(settings) as memory:
        bulk = Bulk(memory, made.name if made else None, made.dimensions if made else 0)
        known: list[Agent] = []
        chosen = random.Random(3)

        async def search(query: str) -> object:
            agent = chosen.choice(known)
            if chosen.random() < 0.5:
                return await memory.recall.search(
                    agent.id, query, PRIVATE, searcher=Searcher("person"), now=_NOW
                )
            return await memory.archival.search(agent, query, PRIVATE, now=_NOW)

        asked = questions()
        for size in sorted({min(10, agents), agents}):
            while len(known) < size:
                async with memory.store.write() as session:
                    for _ in range(min(50, size - len(known))):
                        agent, place = await newcomer(session, f"agent {len(known)}")
                        await bulk.messages(session, agent, place, each // 2)
                        await bulk.passages(session, agent, each - each // 2)
                        known.append(agent)
            await timed(search, asked, 20)
            lines.append(measured(f"{size:,} agents", size * each, await timed(search, asked)))
    return lines


async def shared_archive(directory: Path, embedder: EmbedderKind, rows: int) -> list[Line]:
    """A document source in Chroma, attached to one agent."""
    settings = settings_of(directory, None, embedder)
    made = choose_embedder(settings)
    if made is None:
        return []
    lines = []
    async with open_memory(settings) as memory:
        bulk = Bulk(memory, made.name, made.dimensions)
        async with memory.store.write() as session:
            agent, _ = await newcomer(session, "reader")
            source = await session.passages.create_source("library", _NOW)
            await session.passages.attach(agent.id, source.id)
            await session.vectors.set_embedder(made.name)

        async def search(query: str) -> object:
            return await memory.archival.search(agent, query, PRIVATE, now=_NOW)

        held, asked, texts = 0, questions(), Texts(seed=11)
        index = await memory.indexer.index_of(source.id)
        for size in sorted({min(1_000, rows), rows}):
            while held < size:
                some = min(_BATCH, size - held)
                drafts = [
                    Draft(text=texts.said(), audience=SHARED, source=f"file {held // 200}", position=n)
                    for n in range(some)
                ]
                async with memory.store.write() as session:
                    stored = await session.passages.insert(source.id, drafts, _NOW)
                vectors = bulk.vectors(some)
                await index.add(
                    source.id,
                    [
                        VectorEntry(
                            key=row.key, uid=row.uid, audience=row.audience, text=row.text, vector=vector
                        )
                        for row, vector in zip(stored, vectors, strict=True)
                    ],
                )
                held += some
            await timed(search, asked, 20)
            lines.append(measured("shared archive", size, await timed(search, asked)))
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--messages", type=int, default=100_000, help="of the one agent")
    parser.add_argument("--agents", type=int, default=10_000)
    parser.add_argument("--rows", type=int, default=1_000_000, help="of all the agents together")
    parser.add_argument("--shared", type=int, default=1_000_000, help="passages of the shared archive")
    parser.add_argument("--no-embedder", action="store_true")
    options = parser.parse_args()
    embedder: EmbedderKind = "none" if options.no_embedder else "auto"
    print(report.heading("Searches as memory grows"))
    parts: list[tuple[float, float, list[Line]]] = []
    with TemporaryDirectory(prefix="everbot-bench-") as scratch:
        root = Path(scratch)
        if options.messages:
            lines = asyncio.run(one_agent(root / "one", embedder, options.messages))
            parts.append((20, 500, lines))
        if options.rows:
            lines = asyncio.run(many_agents(root / "many", embedder, options.agents, options.rows))
            parts.append((8, 500, lines))
        if options.shared:
            parts.append(
                (40, float("inf"), asyncio.run(shared_archive(root / "shared", embedder, options.shared)))
            )
    every = [line for _, _, lines in parts for line in lines]
    heads = ("what", "rows", "p50 ms", "p95 ms", "resident MB")
    print(f"\n{report.table(heads, [(li.what, li.rows, li.p50, li.p95, li.resident) for li in every])}\n")
    for bound, most, lines in parts:
        if lines:
            first, last = lines[0], lines[-1]
            print(report.goal(f"{last.what}, {last.rows:,} rows, p95", last.p95, bound, " ms"))
            if most < float("inf"):
                print(report.goal(f"{last.what}, resident", last.resident, most, " MB"))
            print(f"        growth of p50 from {first.rows:,} rows: {last.p50 / first.p50:.2f}x")


if __name__ == "__main__":
    main()
