"""Archival storage: inserting, near-duplicates, searching over own and shared archives."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from memory.archival import Archival, says_the_same
from memory.index.exact import ExactIndex
from memory.indexer import Indexer
from memory.records import PRIVATE, SHARED, Agent, Draft, Passage, community_audience
from memory.store.sqlite.database import Database
from tests.fakes.embedder import WordsEmbedder
from tests.fakes.empty_database import lay
from tests.fakes.memory_rows import NOW, settle

HERE = community_audience("here")


class House:
    """An agent with its archival storage; every text is alike to ``embedder`` when ``alike`` is set."""

    def __init__(self, store: Database, agent: Agent, *, alike: bool = False) -> None:
        self.store, self.agent = store, agent
        self.embedder = _Alike() if alike else WordsEmbedder()
        own = ExactIndex(store, "passages", self.embedder.name)
        messages = ExactIndex(store, "messages", self.embedder.name)
        self.indexer = Indexer(store, self.embedder, messages, own, own)
        self.archival = Archival(store, self.indexer)

    async def insert(self, *texts: str, audience: str = PRIVATE, tags: tuple[str, ...] = ()) -> list[Passage]:
        drafts = [Draft(text=text, audience=audience, tags=tags) for text in texts]
        made = await self.archival.insert(self.agent.archive_id, drafts, NOW)
        await self.indexer.drain()
        return made

    async def known(self, text: str, audience: str = PRIVATE) -> Passage | Draft | None:
        return (await self.archival.known(self.agent.archive_id, [Draft(text=text, audience=audience)])).get(
            0
        )


class _Alike(WordsEmbedder):
    """Finds every text the same, as real models nearly do: what tells texts apart is up to others."""

    def vector(self, text: str) -> object:
        return super().vector("same")


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    store = await Database.open(lay(tmp_path / "x.db"))
    yield House(store, (await settle(store))[0])
    await store.close()


@pytest.fixture
async def alike(house: House) -> House:
    return House(house.store, house.agent, alike=True)


async def test_the_same_words_are_known(house: House) -> None:
    (one,) = await house.insert("Ada likes green tea.")
    assert await house.known("ada likes GREEN tea") == one
    assert await house.known("Ada likes black tea.") is None


async def test_what_is_staged_is_known(house: House) -> None:
    staged = Draft(text="Ada likes tea.", audience=PRIVATE)
    drafts = [Draft(text="ada likes tea", audience=PRIVATE), Draft(text="ada likes tea", audience=HERE)]
    assert await house.archival.known(house.agent.archive_id, drafts, [staged]) == {0: staged}


async def test_nothing_is_known_across_audiences_or_agents(alike: House) -> None:
    await alike.insert("The team likes tea.", audience=HERE)
    assert await alike.known("The team likes tea.") is None
    assert await alike.known("The team likes tea", community_audience("there")) is None
    assert await alike.known("The team likes tea", HERE) is not None
    bob = House(alike.store, (await settle(alike.store, "bob"))[0], alike=True)
    assert await bob.known("The team likes tea.", HERE) is None


async def test_a_near_duplicate_is_known_by_meaning(alike: House) -> None:
    (one,) = await alike.insert("Ada has 2 cats.")
    assert await alike.known("There are 2 cats that Ada has") == one
    assert await alike.known("Ada has 3 cats.") is None


async def test_with_the_embedder_down_the_same_words_are_still_known(house: House) -> None:
    (one,) = await house.insert("Ada likes tea.")
    house.embedder.down = True
    assert await house.known("ada likes tea") == one
    assert await house.known("ada likes milk") is None


async def test_the_oldest_of_equals_is_the_known_one(house: House) -> None:
    one, _ = await house.insert("Ada likes tea.", "Ada likes tea!")
    assert await house.known("ada likes tea") == one


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Ada likes tea.", "Ada likes tea!", True),
        ("Ada's dog is called Rex.", "The dog of Ada is called Rex.", True),
        ("The user likes tea.", "The user is fond of tea.", False),
        ("Ada lives in Lisbon.", "Ada lives in Porto.", False),
        ("Ada has 2 cats.", "Ada has 3 cats.", False),
        ("Version 2.10 is out.", "Version 2.11 is out.", False),
        ("Ada smokes.", "Ada does not smoke.", False),
        ("Ada can swim.", "Ada can't swim.", False),
        ("Ada can swim.", "Ada can’t swim.", False),
        ("Ada eats meat.", "Ada never eats meat.", False),
        ("Ada drinks tea with milk.", "Ada drinks tea without milk.", False),
        ("Ada is here.", "Bob is here.", False),
        ("Call room A12.", "Call room B12.", False),
        ("Ada can swim.", "Ada cannot swim.", False),
        ("Ada smokes.", "Ada dont smoke.", False),
        ("Ada is tall and old.", "Ada is neither tall nor old.", False),
        ("He is not rich, not poor.", "He is not rich, poor.", False),
        ("Ada owes Bob 5 euros.", "Bob owes Ada 5 euros.", False),
        ("Ada paid 2.5 euros.", "Ada paid 5.2 euros.", False),
        ("The balance is -5.", "The balance is 5.", False),
        ("Ada has two cats.", "Ada has three cats.", False),
        pytest.param("my sister lives in lisbon", "my sister lives in porto", False),
        pytest.param("Ada loves tea.", "Ada hates tea.", False),
        ("Ada arrives before Bob.", "Ada arrives after Bob.", False),
        ("Er hat Hunger.", "Er hat keinen Hunger.", False),
    ],
)
def test_says_the_same(one: str, other: str, same: bool) -> None:
    assert says_the_same(one, other) is same
    assert says_the_same(other, one) is same
    assert says_the_same(one, one)


async def test_numbers_names_and_negations_are_never_merged(alike: House) -> None:
    for n, text in enumerate(["Ada has 2 dogs", "Ada has 3 dogs", "Bob has 2 dogs", "Ada has not 2 dogs"]):
        assert await alike.known(text) is None, text
        await alike.insert(text)
        async with alike.store.read() as session:
            assert await session.passages.count(alike.agent.archive_id, None) == n + 1


async def test_search_finds_own_and_attached_and_nothing_else(house: House) -> None:
    await house.insert("the red fox", "a red wolf")
    async with house.store.write() as session:
        library = await session.passages.create_source("library", NOW)
        secret = await session.passages.create_source("secret", NOW)
        await session.passages.attach(house.agent.id, library.id)
        for source in (library, secret):
            draft = Draft(text=f"red {source.name}", audience=SHARED)
            await session.passages.insert(source.id, [draft], NOW)
    for audience, texts in (
        (PRIVATE, {"the red fox", "a red wolf", "red library"}),
        (HERE, {"red library"}),
    ):
        page = await house.archival.search(house.agent, "red", audience)
        assert {hit.row.text for hit in page.hits} == texts
        assert page.total == len(texts)


async def test_search_by_tags(house: House) -> None:
    await house.insert("red fox", tags=("animal", "red"))
    await house.insert("red wine", tags=("drink",))
    await house.insert("red square")
    for tags, texts in (
        (["drink"], {"red wine"}),
        (["drink", "red"], {"red wine", "red fox"}),
        (["x"], set()),
    ):
        page = await house.archival.search(house.agent, "red", PRIVATE, tags=tags)
        assert {hit.row.text for hit in page.hits} == texts
        assert page.total == len(texts)


async def test_hits_come_best_first(house: House) -> None:
    await house.insert("red", "red fox", "a red fox jumps over the red fence", "blue whale")
    page = await house.archival.search(house.agent, "red fox", PRIVATE, page_size=2)
    assert page.hits[0].row.text == "red fox"
    assert [hit.score for hit in page.hits] == sorted((hit.score for hit in page.hits), reverse=True)
    assert (page.total, page.pages) == (3, 2)
