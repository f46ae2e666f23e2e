"""The contract of forgetting and of what goes with it: `memory.ports.Erasing`, opened passages, whole rows."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from memory.ports import Store
from memory.records import (
    PRIVATE,
    SHARED,
    Block,
    BlockEdit,
    Conversation,
    Draft,
    KeptDocument,
    Notes,
    Summary,
    Turn,
    TurnState,
    community_audience,
)
from tests.fakes.memory_rows import NOW, core_block, settle, tell

HERE = community_audience("here")
OLD = NOW - timedelta(days=40)


async def turn(store: Store, place: Conversation, name: str) -> Turn:
    made = Turn(
        id=name,
        agent_id=place.agent_id,
        conversation_id=place.id,
        kind="message",
        state=TurnState.RUNNING,
        steps=0,
        started_at=NOW,
    )
    async with store.write() as session:
        await session.mailbox.receive(f"console:{name}", place, "message", {"text": name}, NOW)
        [row] = await session.mailbox.waiting(place.agent_id, ["console"])
        await session.mailbox.begin(made, [row.id])
        await session.mailbox.finish(name, NOW)
    return made


async def test_a_forgotten_conversation_leaves_the_others_and_its_place(store: Store) -> None:
    ada, home = await settle(store)
    async with store.write() as session:
        other = await session.agents.create_conversation(ada.id, "console:other", PRIVATE, NOW)
        block = await session.blocks.create(
            core_block(f"agent:{ada.id}", "human", PRIVATE, "Has bees.", 99), NOW
        )
    await tell(store, home, "red fox")
    [kept] = await tell(store, other, "blue fox")
    await turn(store, home, "t1")
    await turn(store, other, "t2")
    async with store.write() as session:
        drafts = [Draft(text=text, audience=PRIVATE, turn_id=t) for text, t in (("one", "t1"), ("two", "t2"))]
        first, second = await session.passages.insert(ada.archive_id, drafts, NOW)
        await session.blocks.put(block.id, "Has bees.\nHas a secret.", "t1", NOW)
        await session.blocks.put(block.id, "Has bees.\nHas a secret.\nHas a boat.", "t2", NOW)
        gone = await session.erasing.conversation(home, ada, NOW)
    assert gone == [first.key]
    async with store.read() as session:
        assert await session.messages.said(ada.id, None) == [kept]
        assert await session.messages.postings(ada.id, ["fox", "red"], None) == {"fox": [kept.key]}
        assert await session.passages.page(ada.archive_id, None) == [second]
        [now] = await session.blocks.of(f"agent:{ada.id}", None)
        assert now.value == "Has bees.\nHas a boat."
        assert await session.blocks.history(f"agent:{ada.id}", None) == []
        assert await session.mailbox.turn("t1") is None
        assert await session.mailbox.turn("t2") is not None
        assert await session.mailbox.is_forgotten("console:t1")
        assert not await session.mailbox.is_forgotten("console:t2")
        # Where the place was read up to is still known.
        assert (await session.mailbox.newest_keys("console"))[home.address] == "console:t1"
        assert await session.mailbox.waiting(ada.id, ["console"]) == []


async def test_it_is_counted_how_often_somebody_was_forgotten(store: Store) -> None:
    ada, bob, there = "console:ada", "console:bob", "console:ada\nconsole:there"
    for who in ([ada], [ada, bob], [there], []):
        async with store.write() as session:
            await session.erasing.forget_to_come(who, NOW)
    async with store.write() as session:
        assert await session.erasing.times_forgotten([bob, there, ada, "console:eve"], receiving=True) == {
            ada: 2,
            bob: 1,
            there: 1,
        }
        assert await session.erasing.times_forgotten(["console:eve"]) == {}
        await session.erasing.forget_to_come([bob], NOW + timedelta(days=1))
        await session.erasing.expire_times(NOW + timedelta(hours=1))
    async with store.read() as session:
        assert await session.erasing.times_forgotten([ada, bob]) == {bob: 2}


async def test_what_is_older_expires_and_what_is_younger_stays(store: Store) -> None:
    ada, home = await settle(store)
    await tell(store, home, "old words", created_at=OLD)
    [young] = await tell(store, home, "young words")
    async with store.write() as session:
        for since in (OLD, NOW):
            place = await session.agents.create_conversation(ada.id, f"console:{since}", PRIVATE, NOW)
            summary = Summary(
                conversation_id=place.id,
                text="s",
                rendered="{}",
                tokens=1,
                messages=1,
                since=since,
                created_at=NOW,
            )
            await session.messages.put_summary(summary)
        count, agents, places = await session.erasing.expire(NOW - timedelta(days=30))
    assert (count, agents) == (1, [ada.id])
    assert home.id in places
    async with store.read() as session:
        assert await session.messages.said(ada.id, None) == [young]
        assert await session.messages.postings(ada.id, ["old"], None) == {}
        left = [await session.messages.summary(c.id) for c in await session.agents.conversations(ada.id)]
        assert [s.since for s in left if s] == [NOW]


async def test_quotes_are_found_by_account_and_by_message(store: Store) -> None:
    _, home = await settle(store)
    async with store.write() as session:
        for key in ("a", "b"):
            await session.mailbox.receive(key, home, "message", {"text": key}, NOW)
        await session.erasing.quote("a", {"q1": "zed", "q2": "yve"})
        await session.erasing.quote("b", {"q1": "zed"})
        erasing = session.erasing
        assert [row.key for row in await erasing.quoting(["zed"], [])] == ["a", "b"]
        assert [row.key for row in await erasing.quoting([], ["q2"])] == ["a"]
        assert await erasing.quoting(["nobody"], ["q9"]) == []
        await erasing.unquote([], ["q1"])
        assert [row.key for row in await erasing.quoting(["zed", "yve"], [])] == ["a"]


async def test_chores_are_noted_once_and_done(store: Store) -> None:
    async with store.write() as session:
        await session.erasing.add_chores(["scrub", "files:1"], NOW)
        await session.erasing.add_chores(["scrub"], NOW + timedelta(hours=1))
        assert await session.erasing.chores() == [("files:1", NOW), ("scrub", NOW)]
        await session.erasing.done("files:1")
        assert await session.erasing.chores() == [("scrub", NOW)]


async def test_a_passage_is_opened_rewritten_and_found_by_its_ids_beginning(store: Store) -> None:
    ada, _ = await settle(store)
    bob, _ = await settle(store, "bob")
    async with store.write() as session:
        passages = session.passages
        draft = Draft(text="old text", audience=PRIVATE, created_at=OLD)
        [made] = await passages.insert(ada.archive_id, [draft], NOW)
        assert made.created_at == OLD
        await passages.open(made, HERE, "d", NOW)
        [copy] = (await passages.opened([made.uid]))[made.uid]
        assert (copy.text, copy.audience, copy.created_at) == ("old text", HERE, OLD)
        assert await passages.page(ada.archive_id, None, Notes(originals=True)) == [made]
        assert await passages.count(ada.archive_id, None, Notes(originals=True)) == 1
        assert await passages.page(ada.archive_id, {HERE}, Notes(originals=True)) == [copy]
        await session.vectors.put("passages", "e", [(made.key, PRIVATE, made.text, b"v")])
        await passages.rewrite([made.key, copy.key], "new words", "e")
        assert {p.text for p in await passages.page(ada.archive_id, None)} == {"new words"}
        assert await session.vectors.load("passages", "e", ada.archive_id, None) == []
        assert await passages.postings(ada.archive_id, ["old"], None) == {}
        assert await passages.by_uid(ada.archive_id, made.uid[:6], None) == replace(made, text="new words")
        assert await passages.by_uid(ada.archive_id, made.uid[:6], {HERE}) in (None, copy)
        assert await passages.by_uid(bob.archive_id, made.uid[:6], None) is None
        assert await passages.by_uid(ada.archive_id, "%", None) is None
        assert await passages.delete([copy.key]) == [copy.key]
        assert await passages.opened([made.uid]) == {}
        await passages.open(made, HERE, "d", NOW)
        [copy] = (await passages.opened([made.uid]))[made.uid]
        assert await passages.delete([made.key]) == [
            made.key,
            copy.key,
        ]  # what was opened to others goes with it
        assert await passages.page(ada.archive_id, None) == []
        await passages.delete([made.key])


async def test_rows_come_whole_and_in_order(store: Store) -> None:
    ada, home = await settle(store)
    rows = await tell(store, home, "one", "", "three", event_key=None)
    await tell(store, home, "elsewhere", audience=HERE)
    async with store.read() as session:
        assert await session.messages.rows(ada.id, {PRIVATE}, limit=2) == rows[:2]
        assert await session.messages.rows(ada.id, {PRIVATE}, after=rows[1].key) == rows[2:]
        assert len(await session.messages.rows(ada.id, None)) == 4


async def test_event_keys_that_are_taken(store: Store) -> None:
    _, home = await settle(store)
    await tell(store, home, "one", event_key="k1")
    async with store.read() as session:
        assert await session.messages.taken(["k1", "k2"]) == {"k1"}
        assert await session.messages.taken([]) == set()


async def test_a_block_comes_back_with_its_past(store: Store) -> None:
    ada, _ = await settle(store)
    owner = f"agent:{ada.id}"
    block = Block(
        id=0, owner=owner, label="human", audience=HERE, value="now", limit=9, description="d", version=2
    )
    edit = BlockEdit(
        block_id=0, label="human", audience=HERE, version=2, before="then", after="now", turn_id="t", at=OLD
    )
    async with store.write() as session:
        await session.blocks.restore(block, [edit], NOW)
        [back] = await session.blocks.of(owner, {HERE})
        assert back == replace(block, id=back.id)
        assert await session.blocks.history(owner, {HERE}) == [replace(edit, block_id=back.id)]
        assert await session.blocks.of(owner, {PRIVATE}) == []


async def test_one_scopes_vectors_are_made_anew(store: Store) -> None:
    ada, home = await settle(store)
    bob, away = await settle(store, "bob")
    [one], [two] = await tell(store, home, "one"), await tell(store, away, "two")
    async with store.write() as session:
        vectors = session.vectors
        for row in (one, two):
            await vectors.put("messages", "e", [(row.key, PRIVATE, row.text, b"v")])
        await vectors.mark_unindexed("messages", ada.id)
        assert [row[0] for row in await vectors.unindexed("messages", None, 9)] == [one.key]
        assert await vectors.load("messages", "e", ada.id, None) == []
        assert len(await vectors.load("messages", "e", bob.id, None)) == 1


async def test_passages_that_an_index_has_lost_wait_again(store: Store) -> None:
    async with store.write() as session:
        town = await session.passages.create_source("town", NOW)
        other = await session.passages.create_source("other", NOW)
        drafts = [Draft(text=text, audience=SHARED) for text in ("one", "two", "three")]
        one, two, three = await session.passages.insert(town.id, drafts, NOW)
        [theirs] = await session.passages.insert(other.id, drafts[:1], NOW)
        vectors = session.vectors
        await vectors.mark_indexed("passages", {row.key: row.text for row in (one, two, theirs)})
        assert await vectors.count_indexed(town.id) == 2
        assert await vectors.indexed_uids(town.id) == {one.uid: one.key, two.uid: two.key}
        await vectors.mark_lost([two.key])
        await vectors.mark_lost([])
        assert await vectors.count_indexed(town.id) == 1
        assert [row[0] for row in await vectors.unindexed("passages", None, 9)] == [two.key, three.key]


async def test_documents_are_listed_once_each_and_expire_without_loaded_files(store: Store) -> None:
    ada, _ = await settle(store)
    async with store.write() as session:
        passages = session.passages
        source = await passages.create_source("books", NOW)
        old = {"audience": PRIVATE, "created_at": OLD, "source": "old.txt"}
        await passages.insert(source.id, [Draft(text="loaded", file="f0", **old)], NOW)
        pieces = [Draft(text=f"piece {n}", file="f1", digest="d", position=n, **old) for n in (1, 2)]
        made = await passages.insert(ada.archive_id, pieces, NOW)
        [note, new] = await passages.insert(
            ada.archive_id,
            [
                Draft(text="a note", audience=PRIVATE, digest="d", created_at=OLD),
                Draft(text="new", audience=HERE, source="new.txt", file="f2", origin="the document"),
            ],
            NOW,
        )
        first = KeptDocument(file="f1", name="old.txt", audience=PRIVATE, pieces=2, at=OLD)
        second = KeptDocument(file="f2", name="new.txt", audience=HERE, pieces=1, at=NOW)
        assert await passages.documents(ada.archive_id, None) == [second, first]
        assert await passages.documents(ada.archive_id, {PRIVATE}) == [first]
        assert await passages.of_file(ada.archive_id, "f1") == made
        assert await passages.of_file(ada.archive_id, "f1", {HERE}) == []
        assert await passages.page(ada.archive_id, None, Notes(originals=True)) == [note]
        assert await passages.by_uid(ada.archive_id, new.uid, None, originals=True) is None
        assert await passages.with_digest(ada.archive_id, PRIVATE, ["d"]) == {"d": note}
        assert await session.erasing.expire_documents(NOW) == [piece.key for piece in made]
        assert await passages.documents(ada.archive_id, None) == [second]
        assert await passages.count(ada.archive_id, None) == 2
        assert await passages.count(source.id, None) == 1
