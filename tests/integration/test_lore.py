"""Many agents tell a community's lore at once, with the real index: nothing is lost, and all of it is found."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.backends.memory import Memory, open_memory
from bot.settings import Settings
from memory.archival import share
from memory.records import PRIVATE, Agent, Draft, community_audience
from tests.fakes.embedder import WordsEmbedder
from tests.fakes.empty_database import lay
from tests.fakes.memory_rows import NOW, persona

AGENTS = 50
HERE = community_audience("here")
WORDS = "amber basil cedar dune ember fjord grove heron islet jetty kelp larch moss nettle oasis pine".split()


@pytest.fixture
async def memory(tmp_path: Path) -> AsyncIterator[Memory]:
    settings = Settings.model_validate({"data_dir": tmp_path})
    lay(tmp_path / "everbot.db")
    async with open_memory(settings, embedders=lambda _: WordsEmbedder()) as memory:
        yield memory


async def settle(memory: Memory, count: int) -> list[Agent]:
    async with memory.store.write() as session:
        made = await persona(session)
        agents = []
        for n in range(count):
            user = await session.agents.create_user(f"discord:{n}", f"u{n}", "UTC", NOW)
            agent = await session.agents.create_agent(user.id, made.id, f"u{n}", NOW)
            await session.agents.create_conversation(agent.id, f"discord:{n}", HERE, NOW)
            agents.append(agent)
    return agents


def fact(agent: int, number: int) -> str:
    first, second = WORDS[agent % len(WORDS)], WORDS[number % len(WORDS)]
    return f"House {agent}x{number} by the {first} keeps {second}."


async def tell(memory: Memory, agent: Agent, *texts: str, community: str = "here") -> None:
    for text in texts:
        draft = Draft(text=text, audience=community_audience(community))
        async with memory.store.write() as session:
            await share(session, agent.persona_id, community, [draft], agent.user_id, NOW)


async def found(memory: Memory, agent: Agent, query: str, audience: str = HERE) -> list[str]:
    page = await memory.archival.search(agent, query, audience, page_size=3)
    return [hit.row.text for hit in page.hits]


@pytest.mark.parametrize("each", [2, pytest.param(20, marks=pytest.mark.soak)])
async def test_what_fifty_agents_tell_at_once_is_all_found(memory: Memory, each: int) -> None:
    """1,000 inserts in the long form."""
    agents = await settle(memory, AGENTS)
    told = [[fact(n, k) for k in range(each)] for n in range(AGENTS)]
    await asyncio.gather(*(tell(memory, agent, *told[n]) for n, agent in enumerate(agents)))
    assert await memory.indexer.drain() == AGENTS * each
    async with memory.store.read() as session:
        (archive,) = await session.passages.lore(agents[0].persona_id, ["here"])
        rows = await session.passages.page(archive.id, {HERE}, limit=10_000)
        contributors = await session.passages.contributors_of([row.key for row in rows])
    assert sorted(row.text for row in rows) == sorted(text for one in told for text in one)
    assert {row.text: contributors[row.key] for row in rows} == {
        text: [agents[n].user_id] for n, one in enumerate(told) for text in one
    }
    # Each is found by words, by somebody else; and by its vector alone.
    for n, one in enumerate(told):
        for k in (n % each, (n * 7 + 3) % each):
            assert one[k] in await found(memory, agents[(n + 1) % AGENTS], one[k])
    index = await memory.indexer.index_of(archive.id)
    embedder = WordsEmbedder()
    for row in rows[::10]:
        near = await index.search(archive.id, embedder.vector(row.text), {HERE}, 3)
        assert row.key in [key for key, _ in near]


async def test_the_same_told_by_many_at_once_is_one_entry_of_all_of_them(memory: Memory) -> None:
    agents = await settle(memory, 20)
    await asyncio.gather(*(tell(memory, agent, "The fair is in May.") for agent in agents))
    async with memory.store.read() as session:
        (archive,) = await session.passages.lore(agents[0].persona_id, ["here"])
        (entry,) = await session.passages.page(archive.id, None)
        told = await session.passages.contributors_of([entry.key])
    assert told == {entry.key: sorted(agent.user_id for agent in agents)}


async def test_what_means_the_same_is_known_already(memory: Memory) -> None:
    (ada,) = await settle(memory, 1)
    await tell(memory, ada, "The fair is in May.")
    draft = Draft(text="In May is the fair!", audience=HERE)
    await memory.indexer.drain()
    known = await memory.archival.known_lore(ada, "here", draft)
    assert known is not None
    assert known.text == "The fair is in May."
    elsewhere = Draft(text="The fair is in May.", audience=community_audience("there"))
    assert await memory.archival.known_lore(ada, "there", elsewhere) is None


async def test_another_communitys_lore_is_nowhere_in_reach(memory: Memory) -> None:
    """By words and by vectors, from public places, restricted ones and in private."""
    ada, bob = await settle(memory, 2)
    await tell(memory, ada, "The vault opens at nine.", community="there")
    await tell(memory, ada, "The fair is in May.")
    await memory.indexer.drain()
    for audience in (HERE, "place:here#7", PRIVATE):
        for agent in (ada, bob):
            texts = await found(memory, agent, "vault opens nine fair", audience)
            assert texts == ["The fair is in May."]
