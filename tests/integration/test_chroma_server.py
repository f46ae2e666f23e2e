"""Shared archives on a real Chroma server that dies, hangs, and comes back with nothing: what is asked is answered."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from memory.archival import Archival
from memory.index.chroma import ChromaIndex
from memory.index.exact import ExactIndex
from memory.indexer import Indexer
from memory.records import PRIVATE, SHARED, Agent, Draft
from memory.store.sqlite.database import Database
from tests.fakes.chroma_server import ChromaServer
from tests.fakes.embedder import WordsEmbedder
from tests.fakes.empty_database import lay
from tests.fakes.memory_rows import NOW, settle
from tests.patience import PATIENCE_S

BY_MEANING, BY_WORDS = "the of owl", "fox"  # words of no content are near each other for this embedder alone


class Library:
    """A source of two passages which an agent reads, its vectors on the server."""

    def __init__(self, store: Database, url: str, agent: Agent, timeout: float = PATIENCE_S) -> None:
        self.store, self.agent, self.embedder = store, agent, WordsEmbedder()
        name = self.embedder.name
        self.shared = ChromaIndex(store, url=url, timeout=timeout)
        messages, own = ExactIndex(store, "messages", name), ExactIndex(store, "passages", name)
        self.indexer = Indexer(store, self.embedder, messages, own, self.shared)
        self.archival = Archival(store, self.indexer)

    async def found(self, query: str) -> set[str]:
        page = await self.archival.search(self.agent, query, PRIVATE, now=NOW)
        return {hit.row.text for hit in page.hits}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ChromaServer]:
    with ChromaServer(tmp_path / "chroma") as server:
        yield server


@pytest.fixture
async def library(tmp_path: Path, server: ChromaServer) -> AsyncIterator[Library]:
    store = await Database.open(lay(tmp_path / "x.db"))
    agent, _ = await settle(store)
    async with store.write() as session:
        source = await session.passages.create_source("town", NOW)
        await session.passages.attach(agent.id, source.id)
        drafts = [Draft(text=text, audience=SHARED) for text in ("the of and", "red fox")]
        await session.passages.insert(source.id, drafts, NOW)
    library = Library(store, server.url, agent)
    assert await library.indexer.drain() == 2
    assert await library.found(BY_MEANING) == {"the of and"}
    yield library
    await library.shared.close()
    await store.close()


async def test_a_server_that_comes_back_with_nothing_is_filled_again(
    library: Library, server: ChromaServer, caplog: pytest.LogCaptureFixture
) -> None:
    server.kill()
    assert await library.found(BY_MEANING) == set()
    assert await library.found(BY_WORDS) == {"red fox"}, "words are in the database"
    assert f"[index] chroma_url = {server.url}" in caplog.text
    assert await library.indexer.drain() == 0, "while it is away nothing is taken for lost"
    server.lose_everything()
    assert await library.found(BY_WORDS) == {"red fox"}
    assert "has lost 2 vectors" in caplog.text
    assert await library.indexer.drain() == 2
    assert await library.found(BY_MEANING) == {"the of and"}
    assert await library.indexer.drain() == 0


async def test_it_is_noticed_though_nobody_asked_while_it_was_away(
    library: Library, server: ChromaServer
) -> None:
    server.lose_everything()
    assert await library.found(BY_WORDS) == {"red fox"}
    assert await library.indexer.drain() == 2
    assert await library.found(BY_MEANING) == {"the of and"}


async def test_after_a_restart_of_ours_it_is_noticed_at_the_first_search(
    library: Library, server: ChromaServer
) -> None:
    server.lose_everything()
    again = Library(library.store, server.url, library.agent)
    assert await again.found(BY_WORDS) == {"red fox"}
    assert await again.indexer.drain() == 2
    assert await again.found(BY_MEANING) == {"the of and"}
    await again.shared.close()


async def test_a_row_that_no_embedder_takes_is_not_lost(library: Library) -> None:
    async with library.store.write() as session:
        source = await session.passages.create_source("odd", NOW)
        await session.passages.attach(library.agent.id, source.id)
        await session.passages.insert(source.id, [Draft(text="red owl", audience=SHARED)], NOW)
    library.embedder.refused = "owl"
    await library.indexer.drain()
    library.embedder.embedded.clear()
    for _ in range(3):
        assert await library.found(BY_WORDS) == {"red fox"}
        await library.indexer.drain()
    assert library.embedder.embedded.count("red fox") == 0
    assert await library.found("the of and") == {"the of and"}


async def test_a_server_that_hangs_holds_nobody_up_for_ever(
    library: Library, server: ChromaServer, caplog: pytest.LogCaptureFixture
) -> None:
    server.hang()
    hasty = Library(library.store, server.url, library.agent, timeout=0.2)
    assert await hasty.found(BY_WORDS) == {"red fox"}
    assert "timed out" in caplog.text
    await hasty.shared.close()
    server.go_on()
    assert await library.found(BY_MEANING) == {"the of and"}
