"""Vectors behind the rows: catching up, changing models, and what happens to rows meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from memory.archival import Archival
from memory.errors import EmbedderError, TextRefused
from memory.index.exact import ExactIndex
from memory.indexer import Indexer
from memory.recall import Recall
from memory.records import PRIVATE, SHARED, Agent, Conversation, Draft, Message, community_audience
from memory.store.sqlite.database import Database
from tests.fakes.embedder import WordsEmbedder
from tests.fakes.empty_database import lay
from tests.fakes.memory_rows import NOW, HeldAt, said, settle
from tests.patience import PATIENCE_S

HERE, THERE = community_audience("here"), community_audience("there")


_days = count()


async def tell(store: Database, place: Conversation, *texts: str, **more: Any) -> list[Message]:
    """Store messages a day apart from each other, so that none stands beside another."""
    async with store.write() as session:
        return await session.messages.append(
            place.agent_id,
            [said(place, text, created_at=NOW + timedelta(days=next(_days)), **more) for text in texts],
        )


class Room:
    """A store with an indexer of its own, as one process has it."""

    def __init__(
        self, store: Database, embedder: WordsEmbedder | None, agent: Agent, place: Conversation
    ) -> None:
        self.store, self.agent, self.place = store, agent, place
        name = embedder.name if embedder else "none"
        messages, own = ExactIndex(store, "messages", name), ExactIndex(store, "passages", name)
        self.indexer = Indexer(store, embedder, messages, own, own)
        self.recall = Recall(store, self.indexer)
        self.archival = Archival(store, self.indexer)

    async def found(self, query: str, audience: str = PRIVATE) -> list[str]:
        page = await self.recall.search(self.agent.id, query, audience)
        assert page.total == len(page.hits)
        return [hit.row.text for hit in page.hits if isinstance(hit.row, Message)]

    async def vectors(self, embedder: str = "words-1") -> dict[int, bytes]:
        async with self.store.read() as session:
            return dict(await session.vectors.load("messages", embedder, self.agent.id, None))

    async def waiting(self) -> int:
        async with self.store.read() as session:
            return await session.vectors.count_unindexed()


@pytest.fixture
def embedder() -> WordsEmbedder:
    return WordsEmbedder()


@pytest.fixture
async def room(tmp_path: Path, embedder: WordsEmbedder) -> AsyncIterator[Room]:
    store = await Database.open(lay(tmp_path / "x.db"))
    yield Room(store, embedder, *await settle(store))
    await store.close()


async def test_rows_are_found_by_words_at_once_and_by_meaning_later(
    room: Room, embedder: WordsEmbedder
) -> None:
    embedder.down = True
    await tell(room.store, room.place, "the of and", "red fox")
    assert await room.found("fox") == ["red fox"]
    assert await room.found("the of owl") == []
    embedder.down = False
    assert await room.indexer.drain() == 2
    assert await room.waiting() == 0
    assert await room.found("the of owl") == ["the of and"]
    assert await room.indexer.drain() == 0


async def test_a_search_catches_up_with_its_own_agent(room: Room, embedder: WordsEmbedder) -> None:
    other, elsewhere = await settle(room.store, "bob")
    await tell(room.store, elsewhere, "not waited for")
    await tell(room.store, room.place, "the of and")
    assert await room.found("the of owl") == ["the of and"]
    assert "not waited for" not in embedder.embedded
    assert await room.waiting() == 1
    assert other.id != room.agent.id


async def test_draining_tells_how_far_it_is(room: Room) -> None:
    await tell(room.store, room.place, *(f"row {n}" for n in range(150)))
    async with room.store.write() as session:
        await session.passages.insert(room.agent.archive_id, [Draft(text="p", audience=PRIVATE)], NOW)
    heard: list[int] = []
    assert await room.indexer.drain(heard.append) == 151
    assert heard == sorted(heard)
    assert heard[-1] == 151
    assert len(await room.vectors()) == 150


async def test_without_an_embedder_search_goes_by_words(room: Room) -> None:
    bare = Room(room.store, None, room.agent, room.place)
    await tell(room.store, room.place, "red fox")
    assert await bare.indexer.drain() == 0
    assert await bare.found("fox") == ["red fox"]
    assert await bare.indexer.vectors(["x"]) is None
    await bare.indexer.run()


async def test_another_embedder_begins_anew(room: Room) -> None:
    await tell(room.store, room.place, "red fox", "blue whale")
    async with room.store.write() as session:
        await session.passages.insert(room.agent.archive_id, [Draft(text="p", audience=PRIVATE)], NOW)
    await room.indexer.drain()
    newer = WordsEmbedder("words-2", 32)
    after = Room(room.store, newer, room.agent, room.place)
    assert await after.indexer.drain() == 3
    assert sorted(newer.embedded) == ["blue whale", "p", "red fox"]
    assert await room.vectors("words-1") == {}
    assert {len(data) for data in (await after.vectors("words-2")).values()} == {32}
    assert await after.found("fox") == ["red fox"]
    async with room.store.read() as session:
        assert await session.vectors.embedder() == "words-2"


class Elsewhere(ExactIndex):
    """What an index of another name would do."""

    name = "elsewhere"


async def test_vectors_of_shared_archives_are_made_anew_where_another_index_takes_over(
    room: Room, tmp_path: Path, embedder: WordsEmbedder
) -> None:
    store, left = room.store, tmp_path / "chroma"
    left.mkdir()
    (left / "vectors").write_bytes(b"of what was deleted since, perhaps")
    await tell(store, room.place, "red fox")
    async with store.write() as session:
        town = await session.passages.create_source("town", NOW)
        [passage] = await session.passages.insert(town.id, [Draft(text="the of and", audience=SHARED)], NOW)
        # As a database is that was written when all shared archives were in Chroma.
        await session.vectors.set_embedder(embedder.name)
        await session.vectors.mark_indexed("passages", {passage.key: passage.text})
    messages, own = ExactIndex(store, "messages", embedder.name), ExactIndex(store, "passages", embedder.name)
    indexes = (
        ExactIndex(store, "passages", embedder.name, before=left),
        Elsewhere(store, "passages", "words-1"),
    )
    for shared, expected in zip(indexes, (["red fox", "the of and"], ["the of and"]), strict=True):
        for _ in range(2):
            await Indexer(store, embedder, messages, own, shared).drain()
        assert sorted(embedder.embedded) == expected
        embedder.embedded.clear()
        assert not left.exists()
        [(key, _)] = await shared.search(town.id, embedder.vector("the of owl"), None, 5)
        assert key == passage.key


async def test_the_first_search_of_another_embedder_begins_anew(room: Room) -> None:
    await tell(room.store, room.place, "the of and")
    await room.indexer.drain()
    after = Room(room.store, WordsEmbedder("words-2", 32), room.agent, room.place)
    assert await after.found("the of owl") == ["the of and"]
    async with room.store.read() as session:
        assert await session.vectors.embedder() == "words-2"
        assert await session.vectors.load("messages", "words-1", room.agent.id, None) == []


async def test_a_failing_embedder_loses_nothing(room: Room, embedder: WordsEmbedder) -> None:
    await tell(room.store, room.place, "red fox")
    embedder.down = True
    with pytest.raises(EmbedderError):
        await room.indexer.drain()
    assert await room.waiting() == 1
    assert await room.found("fox") == ["red fox"]
    assert await room.indexer.vectors(["x"]) is None
    embedder.down = False
    assert await room.indexer.drain() == 1


async def test_what_the_embedder_refuses_keeps_nothing_behind_it_waiting(
    room: Room, embedder: WordsEmbedder
) -> None:
    embedder.refused = "poison"
    await tell(room.store, room.place, "poison")
    assert await room.indexer.drain() == 1
    fox, _, owl = await tell(room.store, room.place, "red fox", "more poison", "an owl")
    assert await room.indexer.drain() == 3
    assert await room.waiting() == 0
    assert set(await room.vectors()) == {fox.key, owl.key}
    assert await room.found("poison") == ["poison", "more poison"]


async def test_an_embedder_that_refuses_everything_loses_nothing(room: Room, embedder: WordsEmbedder) -> None:
    async def unloaded() -> None:
        embedder.refused = ""

    rows = await tell(room.store, room.place, "poison", "red fox", "an owl")
    embedder.refused = "poison"
    embedder.meanwhile = unloaded  # after the first that it takes
    with pytest.raises(TextRefused):
        await room.indexer.drain()
    assert await room.waiting() == 3
    embedder.refused = None
    assert await room.indexer.drain() == 3
    assert set(await room.vectors()) == {row.key for row in rows}


async def test_a_search_called_off_leaves_nothing_half_known(room: Room, embedder: WordsEmbedder) -> None:
    await tell(room.store, room.place, *(f"filler {n}" for n in range(300)))
    await room.indexer.drain()
    await room.recall.search(room.agent.id, "filler 7", PRIVATE)  # the matrix is kept from now on
    for steps in range(1, 60):
        (row,) = await tell(room.store, room.place, f"the of and {steps}")
        search = asyncio.create_task(room.recall.search(room.agent.id, "fox", PRIVATE))
        for _ in range(steps):
            await asyncio.sleep(0)
        search.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await search
        near = await room.indexer.index_of_messages.compare(room.agent.id, embedder.vector(row.text), None, 1)
        assert (row.key in near.keys.tolist()) == (await room.waiting() == 0)
        await room.indexer.drain()


async def test_an_expected_question_is_embedded_ahead_and_once(room: Room, embedder: WordsEmbedder) -> None:
    async def ask() -> None:
        asked.append(asyncio.create_task(room.indexer.query_vector("red fox", "messages", patient=False)))
        asked.append(asyncio.create_task(room.indexer.query_vector("an owl", "messages", patient=False)))
        await asyncio.wait([asked[1]])

    asked: list[asyncio.Task[Any]] = []
    embedder.meanwhile = ask
    ahead = asyncio.create_task(room.indexer.foresee())
    room.indexer.expect("red fox")
    room.indexer.expect("an owl")  # one at a time
    async with asyncio.timeout(PATIENCE_S):
        while len(asked) < 2:
            await asyncio.sleep(0)
        assert np.array_equal(await asked[0], embedder.vector("red fox"))
        assert await asked[1] is None  # it does not stand in line
        again = await room.indexer.query_vector("red fox", "messages", patient=False)
    assert np.array_equal(again, embedder.vector("red fox"))
    assert embedder.embedded == ["red fox"]
    await tell(room.store, room.place, "red fox")
    assert await room.indexer.drain() == 1
    assert embedder.embedded == ["red fox"]
    ahead.cancel()


async def test_what_is_expected_while_others_are_embedded_holds_nobody_up(
    room: Room, embedder: WordsEmbedder
) -> None:
    async def question() -> None:
        await asyncio.sleep(0)
        answers.append(await room.indexer.query_vector("red fox", "messages", patient=False))

    answers: list[Any] = []
    ahead = asyncio.create_task(room.indexer.foresee())
    await asyncio.sleep(0)
    room.indexer.expect("red fox")
    embedder.meanwhile = question  # another one is embedded before what is expected gets its turn
    async with asyncio.timeout(PATIENCE_S):
        await room.indexer.vectors(["other"])
        room.indexer.expect("an owl")
        while "an owl" not in embedder.embedded:
            await asyncio.sleep(0)
    assert answers == [None]
    ahead.cancel()


async def test_rows_deleted_meanwhile_leave_no_vector(room: Room, embedder: WordsEmbedder) -> None:
    one, two = await tell(room.store, room.place, "red fox", "red wolf")

    async def delete() -> None:
        async with room.store.write() as session:
            await session.messages.delete([one.key])

    embedder.meanwhile = delete
    await room.indexer.drain()
    assert list(await room.vectors()) == [two.key]
    assert await room.found("red fox") == ["red wolf"]


async def test_rows_rewritten_meanwhile_get_the_vector_of_their_new_text(
    room: Room, embedder: WordsEmbedder
) -> None:
    (one,) = await tell(room.store, room.place, "red fox")

    async def rewrite() -> None:
        async with room.store.write() as session:
            await session.messages.rewrite(one.key, "blue whale", "{}", 1)

    embedder.meanwhile = rewrite
    await room.indexer.drain()
    assert embedder.embedded == ["red fox", "blue whale"]


async def test_rows_emptied_meanwhile_leave_no_vector(room: Room, embedder: WordsEmbedder) -> None:
    (one,) = await tell(room.store, room.place, "a secret")

    async def empty() -> None:
        async with room.store.write() as session:
            await session.messages.rewrite(one.key, "", "{}", 1)

    embedder.meanwhile = empty
    await room.indexer.drain()
    assert await room.vectors() == {}


async def test_a_new_message_does_not_get_the_vector_of_a_deleted_one(
    room: Room, embedder: WordsEmbedder
) -> None:
    (one,) = await tell(room.store, room.place, "the of and", audience=HERE)

    async def replace() -> None:
        async with room.store.write() as session:
            await session.messages.delete([one.key])
        await tell(room.store, room.place, "a secret", audience=THERE)

    embedder.meanwhile = replace
    await room.indexer.drain()
    page = await room.recall.search(room.agent.id, "the of and", HERE)
    assert (page.total, page.hits) == (0, ())


async def test_a_new_passage_does_not_get_the_vector_of_a_deleted_one(
    room: Room, embedder: WordsEmbedder
) -> None:
    async def insert(text: str, audience: str) -> int:
        async with room.store.write() as session:
            draft = Draft(text=text, audience=audience)
            return (await session.passages.insert(room.agent.archive_id, [draft], NOW))[0].key

    one = await insert("the of and", HERE)

    async def replace() -> None:
        async with room.store.write() as session:
            await session.passages.delete([one])
        await insert("a secret", THERE)

    embedder.meanwhile = replace
    await room.indexer.drain()
    page = await room.archival.search(room.agent, "the of and", HERE)
    assert (page.total, page.hits) == (0, ())


async def test_removed_rows_are_not_found_by_meaning(room: Room) -> None:
    rows = await tell(room.store, room.place, "the of and", "the of now")
    await room.indexer.drain()
    async with room.store.write() as session:
        await session.messages.delete([rows[0].key])
    await room.indexer.removed([rows[0].key], [])
    assert await room.found("the of owl") == ["the of now"]


async def test_rows_of_another_process_are_found_at_the_next_drain(
    room: Room, embedder: WordsEmbedder
) -> None:
    await tell(room.store, room.place, "red fox")
    await room.indexer.drain()
    beside = await Database.open(room.store.path)
    await tell(beside, room.place, "the of and")
    await beside.close()
    assert await room.indexer.drain() == 1
    embedder.down = True
    assert await room.found("fox") == ["red fox"]
    embedder.down = False
    assert await room.found("the of owl") == ["the of and"]


async def test_it_wakes_up_for_new_rows(room: Room, embedder: WordsEmbedder) -> None:
    drained = asyncio.Event()

    async def arrived() -> None:
        drained.set()

    running = asyncio.create_task(room.indexer.run())
    embedder.meanwhile = arrived
    await room.archival.insert(room.agent.archive_id, [Draft(text="red fox", audience=PRIVATE)], NOW)
    async with asyncio.timeout(PATIENCE_S):
        await drained.wait()
    while not running.done():
        running.cancel()
        await asyncio.wait([running], timeout=0.1)


async def test_it_ends_when_it_is_cancelled_while_there_is_news(room: Room, embedder: WordsEmbedder) -> None:
    async def cancel() -> None:
        room.indexer.wake()
        running.cancel()

    embedder.meanwhile = cancel
    await tell(room.store, room.place, "red fox")
    running = asyncio.create_task(room.indexer.run())
    done, _ = await asyncio.wait([running], timeout=PATIENCE_S)
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running
    assert done == {running}


async def test_big_scopes_are_searched_as_small_ones(room: Room) -> None:
    await tell(room.store, room.place, *["zero"] * 2_100)
    await tell(room.store, room.place, "the of and", audience=HERE)
    await room.indexer.drain()
    assert (await room.found("the of and"))[:1] == ["the of and"]
    (new,) = await tell(room.store, room.place, "the and of the")
    assert "the and of the" in await room.found("the of and")
    async with room.store.write() as session:
        await session.messages.delete([new.key])
    await room.indexer.removed([new.key], [])
    assert await room.found("the of and") == ["the of and"]
    assert await room.found("the of and", HERE) == ["the of and"]
    assert await room.found("the of and", THERE) == []


async def test_a_search_that_is_overtaken_does_not_hide_new_rows_from_the_next(
    room: Room, embedder: WordsEmbedder
) -> None:
    await tell(room.store, room.place, *["zero"] * 2_100)
    await room.indexer.drain()
    vector = embedder.vector("the of and")
    index = room.indexer.index_of_messages

    async def meanwhile() -> None:
        await tell(room.store, room.place, "the of and")
        await room.indexer.drain()

    for n in range(60):
        held = HeldAt(index.search(room.agent.id, vector, None, 3), n, meanwhile)
        await held
        if not held.reached:
            break
        assert len([1 for _, c in await index.search(room.agent.id, vector, None, 99) if c > 0.9]) == n + 1
        await index.remove(room.agent.id, [])  # forgets the matrix
