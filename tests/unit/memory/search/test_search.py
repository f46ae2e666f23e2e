"""What a search takes for a match, beside what the law and the ranking say."""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from memory.index.exact import ExactIndex
from memory.indexer import Indexer
from memory.recall import Recall, Searcher
from memory.records import PRIVATE, Agent, Audience, Conversation, community_audience
from memory.search.search import IN_ROOM, WIDE, look
from memory.search.terms import digest_words
from memory.store.sqlite.database import Database
from tests.fakes.embedder import WordsEmbedder
from tests.fakes.empty_database import lay
from tests.fakes.memory_rows import NOW, said, settle, tell

HERE = community_audience("here")


class Dense(WordsEmbedder):
    """Of a text its words' random directions together, as those of a model: likeness is told by signs."""

    def vector(self, text: str) -> Any:
        words = digest_words(text).split() or [""]
        vectors = [np.random.default_rng(zlib.crc32(word.encode())).standard_normal(384) for word in words]
        vector = np.sum(vectors, axis=0)
        return (vector / np.linalg.norm(vector)).astype(np.float32)


class Memory:
    def __init__(
        self, store: Database, agent: Agent, home: Conversation, embedder: WordsEmbedder | None = None
    ) -> None:
        self.store, self.agent, self.home = store, agent, home
        self.index = index = ExactIndex(store, "messages", "none" if embedder is None else embedder.name)
        self.recall = Recall(store, Indexer(store, embedder, index, index, index))

    async def told(
        self, text: str, at: datetime = NOW, audience: Audience = PRIVATE, author: str = "ada"
    ) -> None:
        async with self.store.write() as session:
            row = said(self.home, text, created_at=at, audience=audience, author=author)
            await session.messages.append(self.agent.id, [row])

    async def found(self, query: str, audience: Audience = PRIVATE, asker: str | None = None) -> list[str]:
        now = NOW + timedelta(days=30)
        page = await self.recall.search(
            self.agent.id, query, audience, page_size=50, searcher=Searcher(asker), now=now
        )
        assert page.total == len(page.hits)
        return [hit.row.text for hit in page.hits]


@pytest.fixture
async def memory(tmp_path: Path) -> AsyncIterator[Memory]:
    store = await Database.open(lay(tmp_path / "x.db"))
    yield Memory(store, *await settle(store))
    await store.close()


@pytest.fixture
async def dense(tmp_path: Path) -> AsyncIterator[Memory]:
    """With vectors."""
    store = await Database.open(lay(tmp_path / "x.db"))
    yield Memory(store, *await settle(store), Dense())
    await store.close()


async def test_the_answer_beside_a_match_is_a_match(memory: Memory) -> None:
    await memory.told("Which instrument do you play?", NOW - timedelta(days=2))
    await memory.told("The oboe!", NOW - timedelta(days=2))
    await memory.told("Good night.", NOW)
    assert set(await memory.found("instrument")) == {"Which instrument do you play?", "The oboe!"}


async def test_a_neighbour_that_may_not_be_read_neither_matches_nor_counts(memory: Memory) -> None:
    await memory.told("violin violin violin", audience=PRIVATE)
    await memory.told("yes", audience=HERE)
    await memory.told("one violin", NOW + timedelta(days=1), audience=HERE)
    await memory.told("violin, no", NOW + timedelta(days=2), audience=HERE)
    alone = await memory.recall.search(memory.agent.id, "violin", HERE)
    async with memory.store.write() as session:
        rows = await session.messages.said(memory.agent.id, None)
        await session.messages.delete([rows[0].key])
    after = await memory.recall.search(memory.agent.id, "violin", HERE)
    assert [(hit.row.text, hit.score) for hit in alone.hits] == [
        (hit.row.text, hit.score) for hit in after.hits
    ]
    assert "yes" not in [hit.row.text for hit in alone.hits]


async def test_a_time_in_the_question_finds_what_was_said_then(memory: Memory) -> None:
    await memory.told("We moved the piano.", NOW - timedelta(days=300))
    await memory.told("It snowed.", datetime(2026, 5, 20, 12, 0, tzinfo=NOW.tzinfo))
    await memory.told("We moved the sofa.", NOW)
    assert (await memory.found("What was it last May?"))[0] == "It snowed."
    assert (await memory.found("What was on 20 May 2026?"))[0] == "It snowed."


async def test_what_was_said_early_on_a_busy_day_is_found_by_the_day(memory: Memory) -> None:
    day = NOW - timedelta(days=9)
    texts = ["a sundial followed me home", *(f"line {n}" for n in range(150))]
    async with memory.store.write() as session:
        rows = [
            said(memory.home, text, created_at=day + timedelta(seconds=n), author="ada" if n == 0 else "bob")
            for n, text in enumerate(texts)
        ]
        await session.messages.append(memory.agent.id, rows)
    query = f"What did Ada purchase on {day:%Y-%m-%d}?"
    found = await memory.recall.search(memory.agent.id, query, PRIVATE, now=NOW)
    assert found.hits[0].row.text == "a sundial followed me home"


async def test_of_what_a_room_heard_the_newest_comes_first(memory: Memory) -> None:
    old, new = "we agreed to paint the door green", "we agreed to paint the door black"
    await memory.told(old, NOW - timedelta(days=5))
    await memory.told("good evening", NOW - timedelta(days=3))
    await memory.told(new, NOW - timedelta(days=1))
    query, now = "which colour did we agree to paint the door?", NOW + timedelta(days=30)
    own = await memory.recall.search(memory.agent.id, query, PRIVATE, now=now)
    assert own.hits[0].row.text == old
    heard = await memory.recall.search(
        memory.agent.id + 1, query, PRIVATE, searcher=Searcher(room=memory.agent.id), now=now
    )
    assert heard.hits[0].row.text == new


async def test_in_a_room_what_everybody_says_is_less_near_than_what_one_said(dense: Memory) -> None:
    texts = [f"good night {chr(97 + n % 26)}{n}" for n in range(100)]
    texts.insert(50, "an owl sang loud at night")
    async with dense.store.write() as session:
        rows = [said(dense.home, text) for text in texts]
        stored = await session.messages.append(dense.agent.id, rows)
    await dense.recall.search(dense.agent.id, "night", PRIVATE)  # all are embedded first
    vector = Dense().vector("night")
    places = [
        await look(dense.index, dense.agent.id, None, vector, breadth=breadth) for breadth in (WIDE, IN_ROOM)
    ]
    assert [place.nearest(1) == [stored[50].key] for place in places] == [False, True]


async def test_irregular_forms_are_found_by_each_other(memory: Memory) -> None:
    await memory.told("The children swam to the island.")
    assert await memory.found("Which child can swim?") == ["The children swam to the island."]


async def test_a_spelling_that_occurs_nowhere_finds_the_one_that_does(memory: Memory) -> None:
    await memory.told("My favorite color is teal.", NOW - timedelta(days=3))
    await memory.told("An impostor sat at my table.", NOW - timedelta(days=2))
    await memory.told("It rained.", NOW)
    assert (await memory.found("favourite colour"))[0] == "My favorite color is teal."
    assert await memory.found("imposter") == ["An impostor sat at my table."]
    assert await memory.found("elephants") == []


async def test_a_spelling_that_occurs_is_what_is_meant(memory: Memory) -> None:
    await memory.told("A grey horse.", NOW - timedelta(days=3))
    await memory.told("A gray horse.", NOW - timedelta(days=2))
    assert (await memory.found("grey"))[0] == "A grey horse."


async def test_no_word_is_led_to_one_that_the_searcher_may_not_read(memory: Memory) -> None:
    await memory.told("My favorite tea is sencha.", audience=PRIVATE)
    await memory.told("It rained.", audience=HERE)
    assert await memory.found("favourite", HERE) == []
    other, _ = await settle(memory.store, "eve")
    page = await memory.recall.search(other.id, "favourite", PRIVATE)
    assert page.total == 0


async def test_i_means_who_asks(memory: Memory) -> None:
    await memory.told("My favourite tree is the birch.", NOW - timedelta(days=9), author="bot")
    await memory.told("My favourite tree is the larch.", NOW - timedelta(days=5), author="ada")
    assert (await memory.found("What is my favourite tree?", asker="ada"))[0].endswith("larch.")
    assert (await memory.found("What is my favourite tree?", asker="bot"))[0].endswith("birch.")


async def test_every_message_has_its_salience(memory: Memory) -> None:
    await memory.told("I was born in Ghent in 1987, the youngest of my mother's four children.")
    await memory.told("ok")
    async with memory.store.read() as session:
        told, ok = await session.messages.said(memory.agent.id, None)
    assert told.salience > ok.salience > 0


async def test_terms_of_another_analysis_are_made_anew(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    store = await Database.open(path)
    ada, home = await settle(store)
    for n in range(3):
        await tell(store, home, f"a fox, {n}", *["more"] * 400)
    await store.close()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE messages_terms SET terms = 'nothing'")
        connection.execute("UPDATE meta SET value = '-1' WHERE name = 'terms'")
    store = await Database.open(path)
    async with store.read() as session:
        found = await session.messages.postings(ada.id, ["fox", "nothing"], None)
    assert {term: len(keys) for term, keys in found.items()} == {"fox": 3}
    await store.close()


@pytest.mark.parametrize(
    "query",
    [
        "What was four weeks ago?",
        "Was war vor vier Wochen?",
        "Что было четыре недели назад?",
        "四周前怎么样？",
    ],
)
async def test_a_time_is_searched_in_whatever_language_it_is_told(memory: Memory, query: str) -> None:
    now = NOW + timedelta(days=30)
    for weeks, text in ((9, "Tom came."), (4, "The lake was cold."), (1, "We met Anna.")):
        await memory.told(text, now - timedelta(days=7 * weeks))
    assert await memory.found(query) == ["The lake was cold."]
