"""Community lore: 50 agents tell 1,000 things at once; how long it takes, and whether all of it is found.

python -m benchmarks.lore [--agents 50] [--each 20]
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from bot.backends.memory import Memory, open_memory
from bot.settings import Settings
from memory.archival import share
from memory.records import Agent, Draft, community_audience

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
HERE = community_audience("here")
WORDS = "amber basil cedar dune ember fjord grove heron islet jetty kelp larch moss nettle oasis pine".split()


def fact(agent: int, number: int) -> str:
    return f"House {agent}x{number} by the {WORDS[agent % 16]} keeps {WORDS[number % 16]} for the winter."


async def _settle(memory: Memory, count: int) -> list[Agent]:
    async with memory.store.write() as session:
        persona = await session.personas.create("flora", "", NOW)
        agents = []
        for n in range(count):
            user = await session.agents.create_user(f"discord:{n}", f"u{n}", "UTC", NOW)
            agents.append(await session.agents.create_agent(user.id, persona.id, f"u{n}", NOW))
    return agents


async def _tell(memory: Memory, agent: Agent, number: int, each: int) -> None:
    for k in range(each):
        draft = Draft(text=fact(number, k), audience=HERE)
        async with memory.store.write() as session:
            await share(session, agent.persona_id, "here", [draft], agent.user_id, NOW)


async def _found(memory: Memory, agents: list[Agent], each: int) -> tuple[int, list[float]]:
    """How many are on the first page of a search by another agent, and how long each search took."""
    found, times = 0, []
    for n in range(len(agents)):
        for k in range(each):
            began = time.perf_counter()
            page = await memory.archival.search(agents[n - 1], fact(n, k), HERE)
            times.append(time.perf_counter() - began)
            found += any(hit.row.text == fact(n, k) for hit in page.hits)
    return found, sorted(times)


async def measure(folder: Path, count: int, each: int) -> None:
    async with open_memory(Settings(data_dir=folder)) as memory:
        agents = await _settle(memory, count)
        began = time.perf_counter()
        await asyncio.gather(*(_tell(memory, agent, n, each) for n, agent in enumerate(agents)))
        told = time.perf_counter() - began
        began = time.perf_counter()
        indexed = await memory.indexer.drain()
        index = time.perf_counter() - began
        found, times = await _found(memory, agents, each)
    total = count * each
    print(f"{total} entries by {count} agents at once: {told:.1f} s; {indexed} vectors in {index:.1f} s")
    p50, p95 = (1000 * times[int(len(times) * share)] for share in (0.50, 0.95))
    print(f"found {found} of {total}; a search p50 {p50:.0f} ms, p95 {p95:.0f} ms")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--agents", type=int, default=50)
    parser.add_argument("--each", type=int, default=20)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(measure(Path(folder), chosen.agents, chosen.each))


if __name__ == "__main__":
    main()
