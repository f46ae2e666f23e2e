"""The contract of what may be brought back (`memory.ports.Wastebasket`), and of notes that hold for a time."""

from __future__ import annotations

import json
from datetime import timedelta

from memory.ports import Store
from memory.records import PRIVATE, Draft, community_audience
from tests.fakes.memory_rows import NOW, core_block, settle

HERE = community_audience("here")
LATER = NOW + timedelta(days=30)


async def test_a_passage_comes_back_as_it_was(store: Store) -> None:
    ada, _ = await settle(store)
    draft = Draft(
        text="Ada keeps bees",
        audience=PRIVATE,
        tags=("bees", "ada"),
        digest="ada keeps bees",
        turn_id="t1",
        since=NOW - timedelta(days=3),
        origin="the document a.txt",
    )
    async with store.write() as session:
        [passage] = await session.passages.insert(ada.archive_id, [draft], NOW)
        await session.passages.open(passage, HERE, "ada keeps bees", NOW)
        held = json.loads(json.dumps(await session.passages.held([passage.key])))
        gone = await session.passages.delete([passage.key])
    async with store.read() as session:
        assert await session.passages.get(ada.archive_id, gone, None) == []
    async with store.write() as session:
        assert sorted(await session.passages.bring_back(held)) == sorted(gone)
        assert await session.passages.bring_back(held) == []  # it is there
    async with store.read() as session:
        assert await session.passages.get(ada.archive_id, [passage.key], None, ["bees"]) == [passage]
        assert list(await session.passages.opened([passage.uid])) == [passage.uid]
        found = await session.passages.postings(ada.archive_id, ["bee"], None)
        assert sorted(found["bee"].tolist()) == sorted(gone)
        unindexed = await session.vectors.unindexed("passages", ada.archive_id, 9)
        assert {key for key, *_ in unindexed} == set(gone)


async def test_a_passage_that_was_replaced_knows_until_when_it_held_and_what_holds(store: Store) -> None:
    ada, _ = await settle(store)
    async with store.write() as session:
        drafts = [Draft(text=text, audience=PRIVATE) for text in ("Lives in Berlin", "Lives in Hamburg")]
        old, new = await session.passages.insert(ada.archive_id, drafts, NOW)
        await session.passages.close([old.key], LATER, new.uid)
        await session.passages.doubt([new.key], doubtful=True)
    async with store.read() as session:
        passages = session.passages
        [closed] = await passages.replaced(ada.archive_id, [new.uid], None)
        assert (closed.key, closed.until, closed.replaced_by) == (old.key, LATER, new.uid)
        assert closed.held(NOW)
        assert not closed.held(LATER)
        found = await passages.with_uids(ada.archive_id, [new.uid], (PRIVATE,))
        assert found[new.uid].doubtful
        assert await passages.with_uids(ada.archive_id, [new.uid], (HERE,)) == {}
        assert await passages.replaced(ada.archive_id, [new.uid], (HERE,)) == []


async def test_a_block_unlearns_lines_of_its_past_and_learns_them_again(store: Store) -> None:
    ada, _ = await settle(store)
    owner = f"agent:{ada.id}"
    async with store.write() as session:
        block = await session.blocks.create(core_block(owner, "human", PRIVATE, "Has bees.", 99), NOW)
        await session.blocks.put(block.id, "Has bees.\nHas a secret.", "t1", NOW)
        await session.blocks.put(block.id, "Has bees.\nHas a secret.\nHas a boat.", "t2", NOW)
        past = await session.blocks.history(owner, None)
        entries = json.loads(
            json.dumps(await session.blocks.unlearn(block.id, lambda line: "secret" in line))
        )
        left = await session.blocks.history(owner, None)
        assert "secret" not in str(left)
        assert [(edit.before, edit.after) for edit in left] == [("Has bees.", "Has bees.\nHas a boat.")]
        await session.blocks.relearn(entries)
        assert await session.blocks.history(owner, None) == past


async def test_the_wastebasket_gives_the_newest_that_may_be_seen(store: Store) -> None:
    ada, _ = await settle(store)
    async with store.write() as session:
        basket = session.wastebasket
        first = await basket.put(ada.id, PRIVATE, "t1", {"texts": ["one"]}, NOW)
        second = await basket.put(ada.id, HERE, "t1", {"texts": ["two"]}, LATER)
    async with store.write() as session:
        basket = session.wastebasket
        assert [waste.id for waste in await basket.of_turn("t1")] == [first, second]
        assert [waste.id for waste in await basket.of(ada.id)] == [first, second]
        assert [waste.id for waste in await basket.of(None)] == [first, second]
        assert await basket.of(ada.id + 1) == []
        newest = await basket.newest(ada.id, None, NOW)
        assert newest is not None
        assert (newest.id, newest.contents) == (second, {"texts": ["two"]})
        assert await basket.newest(ada.id, (PRIVATE,), NOW + timedelta(seconds=1)) is None
        assert await basket.newest(ada.id + 1, None, NOW) is None
        await basket.update(first, {"texts": ["three"]})
        changed = await basket.get(first)
        assert changed is not None
        assert (changed.at, changed.contents) == (NOW, {"texts": ["three"]})
        await basket.drop(first)
        assert await basket.get(first) is None
