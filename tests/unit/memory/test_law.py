"""The law of privacy, as a property of everything that memory gives back.

Random users tell their agents random things in random places. Then everybody asks from every place. The
law is worked out here from its sentence, not by `readable_from`: in private all of one's own, in a
community what was learned there, in a place also what was learned in its community.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memory.archival import Archival
from memory.index.exact import ExactIndex
from memory.indexer import Indexer
from memory.recall import Recall
from memory.records import (
    PRIVATE,
    Agent,
    Draft,
    Page,
    community_audience,
    place_audience,
    readable_from,
)
from memory.search.terms import query_terms
from memory.store.sqlite.database import Database
from tests.fakes.embedder import WordsEmbedder
from tests.fakes.empty_database import lay
from tests.fakes.memory_rows import NOW, core_block, newcomer, said

WORDS = ["fox", "wolf", "tea", "err-1042"]
AUDIENCES = [PRIVATE] + [
    audience
    for c in ("a", "b")
    for audience in (community_audience(c), place_audience(c, "x"), place_audience(c, "y"))
]
ASKED = [*AUDIENCES[:3], place_audience("a", "never")]


@dataclass(frozen=True)
class Fact:
    """Something told: whose, in which audience, when, and how. ``tag`` is "" for none."""

    user: int
    audience: str
    minute: int
    text: str
    tag: str

    def open_to(self, user: int, audience: str) -> bool:
        if user != self.user:
            return False
        if audience in (PRIVATE, self.audience):
            return True
        return audience.startswith("place:") and self.audience == f"community:{audience[6:].split('#')[0]}"

    def has(self, query: str) -> bool:
        return bool(set(query_terms(query)) & set(query_terms(self.text)))


FACTS = st.lists(
    st.builds(
        Fact,
        user=st.integers(0, 1),
        audience=st.sampled_from(AUDIENCES),
        minute=st.integers(0, 5),
        text=st.lists(st.sampled_from(WORDS), min_size=1, max_size=3).map(" ".join),
        tag=st.sampled_from(["", "t", "u"]),
    ),
    min_size=1,
    max_size=24,
)
QUERIES = st.lists(st.sampled_from(WORDS), min_size=1, max_size=2, unique=True).map(" ".join)


@dataclass
class World:
    store: Database
    agents: list[Agent]
    embedder: WordsEmbedder
    recall: Recall
    archival: Archival
    facts: dict[int, Fact]
    """By key of the message; the same facts are passages, see ``passages``."""
    passages: dict[int, Fact]


async def told(store: Database, facts: list[Fact], down: bool) -> World:
    embedder = WordsEmbedder()
    messages = ExactIndex(store, "messages", embedder.name)
    own = ExactIndex(store, "passages", embedder.name)
    indexer = Indexer(store, embedder, messages, own, own)
    async with store.write() as session:
        agents = [await newcomer(session, f"user{n}") for n in range(2)]
    world = World(store, agents, embedder, Recall(store, indexer), Archival(store, indexer), {}, {})
    async with store.write() as session:
        for number, fact in enumerate(facts):
            agent = agents[fact.user]
            place = await session.agents.conversation_at(agent.id, f"console:{fact.audience}", fact.audience)
            place = place or await session.agents.create_conversation(
                agent.id, f"console:{fact.audience}", fact.audience, NOW
            )
            at = NOW + timedelta(minutes=fact.minute)
            (row,) = await session.messages.append(agent.id, [said(place, fact.text, created_at=at)])
            tags = (fact.tag,) if fact.tag else ()
            draft = Draft(text=fact.text, audience=fact.audience, tags=tags)
            (passage,) = await session.passages.insert(agent.archive_id, [draft], NOW)
            await session.blocks.create(
                core_block(f"agent:{agent.id}", f"b{number}", fact.audience, fact.text, 100), NOW
            )
            world.facts[row.key] = world.passages[passage.key] = fact
    await indexer.drain()
    embedder.down = down
    return world


def run(facts: list[Fact], check: Callable[[World], Awaitable[None]], *, down: bool = False) -> None:
    async def example(path: Path) -> None:
        store = await Database.open(path)
        try:
            await check(await told(store, facts, down))
        finally:
            await store.close()

    with TemporaryDirectory() as folder:
        asyncio.run(example(lay(Path(folder) / "x.db")))


async def pages_of(ask: Callable[[int], Awaitable[Page]], size: int) -> list[int]:
    """The keys on all pages, once it is sure that pages and totals agree."""
    first = await ask(0)
    keys: list[int] = []
    for number in range(first.pages + 1):
        page = await ask(number)
        assert (page.total, page.page) == (first.total, number)
        assert len(page.hits) == min(size, max(0, first.total - number * size))
        keys += [hit.row.key for hit in page.hits]
    assert len(keys) == len(set(keys)) == first.total
    return keys


def near(world: World, query: str, fact: Fact, least: float) -> bool:
    return float(world.embedder.vector(query) @ world.embedder.vector(fact.text)) >= least


def assert_found(
    world: World, keys: list[int], rows: dict[int, Fact], allowed: set[int], query: str, down: bool
) -> None:
    assert set(keys) <= allowed
    matching = {key for key in allowed if rows[key].has(query)}
    assert matching <= set(keys)
    if not down:
        assert {k for k in allowed if near(world, query, rows[k], 0.32)} <= set(keys)
        matching |= {k for k in allowed if near(world, query, rows[k], 0.28)}
    told = matching if rows is world.passages else matching | beside(rows, allowed, matching)
    assert set(keys) <= told


def beside(rows: dict[int, Fact], allowed: set[int], keys: set[int]) -> set[int]:
    """Keys of what was said up to two messages before or after, in the same place."""
    found: set[int] = set()
    for audience in AUDIENCES:
        place = sorted(key for key in allowed if rows[key].audience == audience)
        at = [n for n, key in enumerate(place) if key in keys]
        found.update(place[m] for n in at for m in range(max(0, n - 2), min(len(place), n + 3)))
    return found


@settings(max_examples=10, deadline=None)
@given(facts=FACTS, query=QUERIES, size=st.integers(4, 9), down=st.booleans())
def test_recall_search(facts: list[Fact], query: str, size: int, down: bool) -> None:
    async def check(world: World) -> None:
        for user, agent in enumerate(world.agents):
            for audience in ASKED:

                async def ask(page: int, agent: Agent = agent, audience: str = audience) -> Page:
                    return await world.recall.search(agent.id, query, audience, page=page, page_size=size)

                keys = await pages_of(ask, size)
                allowed = {key for key, fact in world.facts.items() if fact.open_to(user, audience)}
                assert_found(world, keys, world.facts, allowed, query, down)

    run(facts, check, down=down)


@settings(max_examples=10, deadline=None)
@given(
    facts=FACTS,
    query=QUERIES,
    size=st.integers(4, 9),
    down=st.booleans(),
    tags=st.sampled_from([(), ("t",), ("t", "u"), ("none",)]),
)
def test_archival_search(facts: list[Fact], query: str, size: int, tags: tuple[str, ...], down: bool) -> None:
    async def check(world: World) -> None:
        for user, agent in enumerate(world.agents):
            for audience in ASKED:

                async def ask(page: int, agent: Agent = agent, audience: str = audience) -> Page:
                    return await world.archival.search(
                        agent, query, audience, page=page, page_size=size, tags=tags
                    )

                keys = await pages_of(ask, size)
                allowed = {
                    key
                    for key, fact in world.passages.items()
                    if fact.open_to(user, audience) and (not tags or fact.tag in tags)
                }
                assert_found(world, keys, world.passages, allowed, query, down)

    run(facts, check, down=down)


@settings(max_examples=10, deadline=None)
@given(
    facts=FACTS,
    size=st.integers(3, 9),
    span=st.tuples(st.none() | st.integers(0, 5), st.none() | st.integers(0, 5)),
)
def test_search_by_date(facts: list[Fact], size: int, span: tuple[int | None, int | None]) -> None:
    since, until = (None if m is None else NOW + timedelta(minutes=m) for m in span)

    def inside(fact: Fact) -> bool:
        return (span[0] is None or fact.minute >= span[0]) and (span[1] is None or fact.minute < span[1])

    async def check(world: World) -> None:
        for user, agent in enumerate(world.agents):
            for audience in ASKED:

                async def ask(page: int, agent: Agent = agent, audience: str = audience) -> Page:
                    return await world.recall.between(
                        [agent.id], since, until, audience, page=page, page_size=size
                    )

                keys = await pages_of(ask, size)
                wanted = [k for k, f in world.facts.items() if f.open_to(user, audience) and inside(f)]
                assert keys == sorted(wanted, key=lambda k: (world.facts[k].minute, k))

    run(facts, check)


@settings(max_examples=10, deadline=None)
@given(facts=FACTS)
def test_rows_by_key_counts_and_terms(facts: list[Fact]) -> None:
    async def check(world: World) -> None:
        async with world.store.read() as session:
            for user, agent in enumerate(world.agents):
                for audience in ASKED:
                    law = readable_from(audience)
                    open_ = {k for k, f in world.facts.items() if f.open_to(user, audience)}
                    got = await session.messages.get(agent.id, list(world.facts), law)
                    assert {row.key for row in got} == open_
                    assert await session.messages.count(agent.id, law) == len(open_)
                    postings = await session.messages.postings(agent.id, WORDS, law)
                    assert {key for keys in postings.values() for key in keys} <= open_
                    open_ = {k for k, f in world.passages.items() if f.open_to(user, audience)}
                    passages = await session.passages.get(agent.archive_id, list(world.passages), law)
                    page = await session.passages.page(agent.archive_id, law)
                    assert {row.key for row in passages} == {row.key for row in page} == open_
                    assert await session.passages.count(agent.archive_id, law) == len(open_)
                    postings = await session.passages.postings(agent.archive_id, WORDS, law)
                    assert {key for keys in postings.values() for key in keys} <= open_

    run(facts, check)


@settings(max_examples=10, deadline=None)
@given(facts=FACTS)
def test_blocks(facts: list[Fact]) -> None:
    async def check(world: World) -> None:
        async with world.store.read() as session:
            for user, agent in enumerate(world.agents):
                for audience in ASKED:
                    seen = await session.blocks.visible(agent, audience)
                    told_here = [f for f in facts if f.user == user and f.audience == audience]
                    writable = [b for b in seen if not b.read_only]
                    assert [b.value for b in writable] == [f.text for f in told_here]
                    assert {b.owner for b in seen} <= {f"agent:{agent.id}"}
                    mine = [f for f in facts if f.user == user]
                    assert len(seen) == (len(mine) if audience == PRIVATE else len(told_here))
                    if audience == PRIVATE:
                        others = [b for b in seen if b.read_only]
                        assert all(b.label.endswith(f"@{b.audience}") for b in others)

    run(facts, check)


def test_no_place_opens_another_community() -> None:
    readable = readable_from(place_audience("a#b", "c"))
    assert readable is not None
    assert community_audience("a") not in readable


@pytest.mark.parametrize("text", ["", "shared", "PRIVATE", "place:a", "community", "private "])
def test_what_is_no_audience_reads_nothing(text: str) -> None:
    with pytest.raises(ValueError, match="not an audience"):
        readable_from(text)
