"""The contract of `memory.ports.Store` and its repositories, for every implementation.

An implementation joins the suite by a `Backend` of its own in `BACKENDS`. What is about rows is here,
what is about units of work in `test_store_units`.
"""

from __future__ import annotations

import contextlib
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from memory.errors import StaleAgent
from memory.ports import Store
from memory.records import (
    PRIVATE,
    SHARED,
    Agent,
    Ask,
    Audiences,
    Beat,
    Code,
    Conversation,
    Delivery,
    Draft,
    Finding,
    Import,
    Lines,
    LoadedFile,
    Notes,
    OutboxRow,
    Report,
    Spent,
    Summary,
    Turn,
    TurnState,
    Usage,
    WebKey,
    WebPass,
    WebWrite,
    Wish,
    community_audience,
    place_audience,
    readable_from,
    scope_of,
)
from memory.search.salience import salience
from tests.fakes.memory_rows import NOW, core_block, newcomer, persona, proposal_of, said, settle, tell
from tests.fakes.stores import Backend

HERE, THERE = community_audience("here"), community_audience("there")
ROOM = place_audience("here", "room")
CONSOLE = ["console"]


def listed(postings: dict[str, Any]) -> dict[str, list[int]]:
    return {term: keys.tolist() for term, keys in postings.items()}


def later(minutes: float) -> datetime:
    return NOW + timedelta(minutes=minutes)


# -- users, personas, agents, conversations


async def test_a_user_is_known_by_account(store: Store) -> None:
    async with store.write() as session:
        user = await session.agents.create_user("console:ada", "Ada", "Europe/Lisbon", NOW)
    async with store.read() as session:
        assert await session.agents.user_of("console:ada") == user
        assert await session.agents.user(user.id) == user
        assert await session.agents.user_of("console:adb") is None
    assert (user.name, user.timezone) == ("Ada", "Europe/Lisbon")


async def test_a_source_is_detached_and_tells_who_searches_it_and_what_waits(store: Store) -> None:
    async with store.write() as session:
        ada, bob = await newcomer(session, "ada"), await newcomer(session, "bob")
        source = await session.passages.create_source("harbour", NOW)
        for agent in (bob, ada):
            await session.passages.attach(agent.id, source.id)
        assert await session.passages.attached_to(source.id) == [ada.id, bob.id]
        await session.passages.insert(source.id, [Draft(text="It opens at six", audience=SHARED)], NOW)
        assert await session.vectors.waiting("passages", source.id) == 1
        assert await session.vectors.waiting("passages", ada.archive_id) == 0
        assert await session.passages.detach(ada.id, source.id)
        assert not await session.passages.detach(ada.id, source.id)
        assert await session.passages.attached_to(source.id) == [bob.id]


async def test_agents_are_found_by_id_name_and_pair(store: Store) -> None:
    async with store.write() as session:
        ada, bob = await newcomer(session, "ada"), await newcomer(session, "bob")
        character = await persona(session)
    async with store.read() as session:
        assert await session.agents.agents() == [ada, bob]
        assert await session.agents.agent(bob.id) == bob
        assert await session.agents.agent_named("everbot:ada") == ada
        assert await session.agents.agent_of(ada.user_id, character.id) == ada
        assert await session.agents.agent_of(ada.user_id, character.id + 1) is None
        assert await session.agents.agent(99) is None
        assert await session.personas.get(character.id) == character
        assert await session.personas.named("nobody") is None
        own = [await session.passages.archive(agent.archive_id) for agent in (ada, bob)]
    assert [archive.kind for archive in own] == ["own", "own"]
    assert own[0].id != own[1].id


async def test_a_pause_is_kept_to_the_microsecond(store: Store) -> None:
    agent, _ = await settle(store)
    until = NOW + timedelta(microseconds=1)
    async with store.write() as session:
        await session.agents.pause(agent.id, until)
    async with store.read() as session:
        assert await session.agents.agent(agent.id) == replace(agent, paused_until=until)
    async with store.write() as session:
        await session.agents.pause(agent.id, None)
        assert await session.agents.agent(agent.id) == agent


async def test_conversations_belong_to_an_agent_and_an_address(store: Store) -> None:
    ada, home = await settle(store, "ada")
    bob, _ = await settle(store, "bob")
    async with store.write() as session:
        room = await session.agents.create_conversation(ada.id, "slack:T/C", ROOM, NOW)
        await session.agents.warn(room.id, True)
    async with store.read() as session:
        assert await session.agents.conversations(ada.id) == [home, replace(room, warned=True)]
        assert await session.agents.conversation_at(ada.id, "slack:T/C", room.audience) == replace(
            room, warned=True
        )
        assert await session.agents.conversation_at(bob.id, "slack:T/C", room.audience) is None
        assert await session.agents.conversation(home.id) == home


# -- core memory blocks


async def block(store: Store, owner: str, label: str, audience: str, value: str = "v") -> int:
    async with store.write() as session:
        return (await session.blocks.create(core_block(owner, label, audience, value, 100, "what"), NOW)).id


async def test_blocks_are_shown_persona_first_then_here_then_elsewhere(store: Store) -> None:
    ada, _ = await settle(store, "ada")
    bob, _ = await settle(store, "bob")
    await block(store, f"agent:{ada.id}", "human", HERE)
    await block(store, f"agent:{ada.id}", "human", PRIVATE)
    await block(store, f"agent:{bob.id}", "human", PRIVATE)
    await block(store, f"persona:{ada.persona_id}", "persona", PRIVATE)
    async with store.write() as session:
        other = await session.personas.create("another", "", NOW)
    await block(store, f"persona:{other.id}", "persona", PRIVATE)
    async with store.read() as session:
        private = await session.blocks.visible(ada, PRIVATE)
        here = await session.blocks.visible(ada, HERE)
        there = await session.blocks.visible(ada, THERE)
    assert [(b.label, b.read_only) for b in private] == [
        ("persona", False),
        ("human", False),
        (f"human@{HERE}", True),
    ]
    assert [(b.label, b.audience) for b in here] == [("persona", PRIVATE), ("human", HERE)]
    assert [b.label for b in there] == ["persona"]


async def test_an_edit_keeps_what_was_there_before(store: Store) -> None:
    ada, _ = await settle(store)
    owner = f"agent:{ada.id}"
    one, two = await block(store, owner, "human", PRIVATE, "a"), await block(store, owner, "human", HERE, "x")
    async with store.write() as session:
        await session.blocks.put(one, "b", "turn-1", NOW)
        await session.blocks.put(two, "y", "turn-1", later(1))
        await session.blocks.put(one, "c", None, later(2))
    async with store.read() as session:
        blocks = {b.id: b for b in await session.blocks.visible(ada, PRIVATE)}
        history = await session.blocks.history(owner, None)
        here = await session.blocks.history(owner, readable_from(HERE))
        newest = await session.blocks.history(owner, None, limit=1)
        of_turn = await session.blocks.edits_of("turn-1")
    assert (blocks[one].value, blocks[one].version) == ("c", 3)
    assert [(e.before, e.after, e.turn_id, e.version, e.at) for e in history] == [
        ("b", "c", None, 3, later(2)),
        ("x", "y", "turn-1", 2, later(1)),
        ("a", "b", "turn-1", 2, NOW),
    ]
    assert here == history[1:2]
    assert newest == history[:1]
    assert of_turn == history[1:]


# -- recall storage


async def test_keys_are_given_in_order_within_the_agents_range(store: Store) -> None:
    ada, home = await settle(store, "ada")
    bob, other = await settle(store, "bob")
    first, second = await tell(store, home, "one", "two")
    (third,) = await tell(store, home, "three")
    (theirs,) = await tell(store, other, "theirs")
    assert first.key < second.key < third.key
    assert [scope_of(m.key) for m in (first, third, theirs)] == [ada.id, ada.id, bob.id]
    async with store.read() as session:
        assert await session.messages.queue(home.id) == [first, second, third]
        assert await session.messages.queue(other.id) == [theirs]
        assert await session.messages.extent(ada.id) >= 3
        assert await session.messages.extent(99) == 0


@pytest.mark.essential
async def test_messages_come_back_as_they_were_stored(store: Store, backend: Backend) -> None:
    _, home = await settle(store)
    (stored,) = await tell(
        store,
        home,
        "äöü 🦊\n\x00end" if backend.holds_zero else "äöü 🦊\nend",
        rendered='{"a": "\\u0000"}',
        tokens=7,
        step=3,
        event_key="e",
        turn_id="t9",
    )
    async with store.read() as session:
        assert await session.messages.queue(home.id) == [stored]
        assert await session.messages.by_event("e") == stored
        assert await session.messages.of_turn("t9") == [stored]
        assert await session.messages.by_event("f") is None


async def test_the_sign_0_in_a_text_costs_no_other(store: Store, backend: Backend) -> None:
    _, home = await settle(store)
    await tell(store, home, "one\0two")
    async with store.read() as session:
        (found,) = await session.messages.queue(home.id)
    assert found.text == ("one\0two" if backend.holds_zero else "one\N{REPLACEMENT CHARACTER}two")


async def test_get_keeps_the_order_asked_for_and_the_law(store: Store) -> None:
    ada, home = await settle(store, "ada")
    bob, _ = await settle(store, "bob")
    a, b, c = [(await tell(store, home, x, audience=x))[0] for x in (PRIVATE, HERE, ROOM)]
    keys = [c.key, a.key, b.key, 12345]
    async with store.read() as session:
        assert await session.messages.get(ada.id, keys, None) == [c, a, b]
        assert await session.messages.get(ada.id, keys, readable_from(HERE)) == [b]
        assert await session.messages.get(ada.id, keys, readable_from(ROOM)) == [c, b]
        assert await session.messages.get(bob.id, keys, None) == []
        assert await session.messages.get(ada.id, [], None) == []


async def test_evicted_messages_stay_in_recall_storage(store: Store) -> None:
    ada, home = await settle(store)
    one, two = await tell(store, home, "one", "two")
    async with store.write() as session:
        other = await session.agents.create_conversation(ada.id, "console:2", PRIVATE, NOW)
        await session.messages.evict(other.id, [one.key, two.key])
        assert len(await session.messages.queue(home.id)) == 2
        await session.messages.evict(home.id, [one.key])
    async with store.read() as session:
        assert await session.messages.queue(home.id) == [two]
        assert await session.messages.get(ada.id, [one.key], None) == [
            replace(one, queued=False, rendered="")
        ]
        assert listed(await session.messages.postings(ada.id, ["one"], None)) == {"one": [one.key]}


@pytest.mark.essential
async def test_words_are_found_within_agent_and_audience_newest_first(store: Store) -> None:
    ada, home = await settle(store, "ada")
    _, other = await settle(store, "bob")
    a, b = await tell(store, home, "red fox", "red fox fox")
    (c,) = await tell(store, home, "red wolf", audience=HERE)
    await tell(store, home, "", rendered='{"content": "red"}')
    await tell(store, other, "red fox")
    async with store.read() as session:
        assert listed(await session.messages.postings(ada.id, ["red", "fox", "cat"], None)) == {
            "red": [c.key, b.key, a.key],
            "fox": [b.key, a.key],
        }
        assert listed(await session.messages.postings(ada.id, ["red", "fox"], {HERE})) == {"red": [c.key]}
        assert await session.messages.postings(ada.id, ["red"], frozenset()) == {}
        assert await session.messages.terms([b.key, c.key]) == {b.key: "red fox fox", c.key: "red wolf"}


async def test_who_said_the_newest_messages_is_known_within_agent_and_audience(store: Store) -> None:
    ada, home = await settle(store, "ada")
    _, other = await settle(store, "bob")
    for author, text, audience in (
        ("zoe", "old", HERE),
        ("ada", "one", PRIVATE),
        ("bot", "two", HERE),
        ("ada", "x", HERE),
    ):
        await tell(store, home, text, author=author, audience=audience)
    await tell(store, home, "", author="nobody")
    await tell(store, other, "theirs", author="bob")
    async with store.read() as session:
        assert set(await session.messages.authors(ada.id, None, 3)) == {"ada", "bot"}
        assert set(await session.messages.authors(ada.id, {HERE}, 9)) == {"zoe", "bot", "ada"}
        assert await session.messages.authors(ada.id, {PRIVATE}, 9) == ["ada"]
        assert await session.messages.authors(99, None, 9) == []


async def test_what_follows_a_message_in_its_conversation(store: Store) -> None:
    ada, home = await settle(store, "ada")
    async with store.write() as session:
        other = await session.agents.create_conversation(ada.id, "console:2", PRIVATE, NOW)
    asked, _ = await tell(store, home, "Where?", "")
    (beside,) = await tell(store, other, "elsewhere")
    hidden, one = [(await tell(store, home, x, audience=a))[0] for x, a in (("hush", HERE), ("one", PRIVATE))]
    two, three = await tell(store, home, "two", "three")
    async with store.read() as session:

        async def keys(*of: int, audiences: Any = None, reach: int = 100, lines: int = 2) -> list[int]:
            found = await session.messages.following(ada.id, of, audiences, reach, lines)
            assert len(found.keys) == len(found.strands) == len(found.authors) == len(found.times)
            return sorted(found.keys.tolist())

        assert await keys(asked.key) == [asked.key, hidden.key, one.key]
        assert await keys(asked.key, audiences={PRIVATE}) == [asked.key, one.key, two.key]
        assert await keys(asked.key, reach=hidden.key - asked.key) == [asked.key, hidden.key]
        assert await keys(beside.key, one.key, lines=1) == [beside.key, one.key, two.key]
        assert await keys(three.key) == [three.key]
        assert await keys() == []


async def test_of_a_common_word_the_newest_rows_are_told(store: Store) -> None:
    ada, home = await settle(store, "ada")
    rows = await tell(store, home, *["red fox"] * 5, "fox")
    async with store.read() as session:
        found = listed(await session.messages.postings(ada.id, ["red", "fox"], None, limit=2))
    assert found == {"red": [rows[4].key, rows[3].key], "fox": [rows[5].key, rows[4].key]}


async def test_said_and_count_go_by_time_since_included_until_excluded(store: Store) -> None:
    ada, home = await settle(store, "ada")
    _, other = await settle(store, "bob")
    rows = [(await tell(store, home, f"m{n}", created_at=later(n)))[0] for n in (3, 1, 2, 0)]
    here = (await tell(store, home, "here", created_at=later(1), audience=HERE))[0]
    await tell(store, home, "", created_at=later(1))
    await tell(store, other, "bob's", created_at=later(1))
    m3, m1, m2, m0 = rows
    async with store.read() as session:
        said_, count = session.messages.said, session.messages.count
        assert await said_(ada.id, None) == [m0, m1, here, m2, m3]
        assert await said_(ada.id, None, Lines(newest_first=True)) == [m3, m2, here, m1, m0]
        assert await said_(ada.id, None, Lines(since=later(1), until=later(2))) == [m1, here]
        assert await said_(ada.id, None, offset=1, limit=2) == [m1, here]
        assert await said_(ada.id, {HERE}) == [here]
        assert await said_(ada.id, frozenset()) == []
        assert await count(ada.id, None) == 5
        assert await count(ada.id, None, Lines(since=later(1), until=later(2))) == 2
        assert await count(ada.id, {HERE}, Lines(until=later(1))) == 0


async def test_a_rewritten_message_is_found_by_its_new_words_only(store: Store) -> None:
    ada, home = await settle(store)
    (one,) = await tell(store, home, "red fox")
    async with store.write() as session:
        await session.vectors.mark_indexed("messages", {one.key: "red fox"})
        await session.messages.rewrite(one.key, "blue whale", "{2}", 9)
    async with store.read() as session:
        assert await session.messages.queue(home.id) == [
            replace(one, text="blue whale", rendered="{2}", tokens=9, salience=salience("blue whale"))
        ]
        assert listed(await session.messages.postings(ada.id, ["red", "blue"], None)) == {"blue": [one.key]}
        assert [row[0] for row in await session.vectors.unindexed("messages", ada.id, 9)] == [one.key]
    async with store.write() as session:
        await session.messages.rewrite(one.key, "", "{3}", 1)
    async with store.read() as session:
        assert listed(await session.messages.postings(ada.id, ["blue"], None)) == {}
        assert await session.vectors.unindexed("messages", ada.id, 9) == []
        assert await session.messages.count(ada.id, None) == 0


async def test_a_message_rewritten_to_nothing_leaves_no_vector(store: Store) -> None:
    ada, home = await settle(store)
    (one,) = await tell(store, home, "secret")
    async with store.write() as session:
        await session.vectors.put("messages", "e", [(one.key, PRIVATE, "secret", b"v")])
        await session.messages.rewrite(one.key, "", "{}", 1)
        assert await session.vectors.load("messages", "e", ada.id, None) == []


async def test_deleted_messages_are_gone_with_words_and_vectors(store: Store) -> None:
    ada, home = await settle(store)
    one, two = await tell(store, home, "red", "red")
    async with store.write() as session:
        await session.vectors.put("messages", "e", [(m.key, PRIVATE, m.text, b"v") for m in (one, two)])
        await session.messages.delete([one.key])
        await session.messages.delete([one.key])
        await session.messages.delete([])
    async with store.read() as session:
        assert await session.messages.queue(home.id) == [two]
        assert listed(await session.messages.postings(ada.id, ["red"], None)) == {"red": [two.key]}
        assert await session.vectors.load("messages", "e", ada.id, None) == [(two.key, b"v")]


async def test_the_key_of_a_deleted_message_is_not_given_again(store: Store) -> None:
    _, home = await settle(store)
    (gone,) = await tell(store, home, "gone")
    async with store.write() as session:
        await session.messages.delete([gone.key])
    (new,) = await tell(store, home, "new")
    assert new.key != gone.key


async def test_more_keys_than_fit_one_statement(store: Store) -> None:
    ada, home = await settle(store)
    rows = await tell(store, home, *(f"row {n}" for n in range(1_200)))
    keys = [row.key for row in rows]
    async with store.write() as session:
        assert await session.messages.get(ada.id, keys[::-1], None) == rows[::-1]
        assert len(await session.messages.terms(keys)) == 1_200
        await session.messages.evict(home.id, keys[1:])
        assert await session.messages.queue(home.id) == rows[:1]
        await session.messages.delete(keys)
        assert await session.messages.count(ada.id, None) == 0


async def test_the_summary_is_replaced(store: Store) -> None:
    _, home = await settle(store)
    one = Summary(
        conversation_id=home.id, text="a", rendered="{}", tokens=1, messages=2, since=NOW, created_at=NOW
    )
    async with store.write() as session:
        assert await session.messages.summary(home.id) is None
        await session.messages.put_summary(one)
        await session.messages.put_summary(replace(one, text="b", messages=5))
        assert await session.messages.summary(home.id) == replace(one, text="b", messages=5)


async def test_how_much_was_said_when_is_counted_span_by_span(store: Store) -> None:
    ada, home = await settle(store)
    await tell(store, home, "one", "two")
    hour = timedelta(hours=1)
    async with store.write() as session:
        (row,) = await session.messages.append(ada.id, [replace(said(home, "three"), created_at=later(150))])
        paced = session.messages.paced
        assert await paced(ada.id, None, NOW, hour) == {0: 2, 2: 1}
        assert await paced(ada.id, None, NOW + hour, hour) == {1: 1}
        assert await paced(ada.id, [THERE], NOW, hour) == {}
        await session.messages.rewrite(row.key, "", "", 0)
        assert await paced(ada.id, None, NOW, hour) == {0: 2}


async def test_messages_with_pictures_come_newest_first(store: Store) -> None:
    ada, home = await settle(store)
    bob, other = await settle(store, "bob")
    async with store.write() as session:
        club = await session.agents.create_conversation(ada.id, "test:club", HERE, NOW)
        picture, file = {"name": "x.png", "image": "data:image/png;base64,AA"}, {"name": "x.zip", "image": ""}
        said = '"image": "data:image/png;base64,AA"'
        for key, place, attachments in [
            ("1", home, [picture]),
            ("2", home, [file]),
            ("3", other, [picture]),
            ("4", home, [file, picture]),
            ("5", home, []),
            ("6", club, [picture]),
        ]:
            payload = {"text": said, "attachments": attachments}
            await session.mailbox.receive(key, place, "message", payload, NOW)

        async def found(agent: Agent, audiences: Audiences, limit: int, **rows: int) -> list[str]:
            pictured = await session.mailbox.with_pictures(agent.id, audiences, limit, **rows)
            return [row.key for row in pictured]

        assert await found(ada, None, 10) == ["6", "4", "1"]
        assert await found(ada, frozenset({PRIVATE}), 10) == ["4", "1"]
        assert await found(ada, None, 1) == ["6"]
        assert await found(bob, None, 10) == ["3"]
        [four] = await session.mailbox.events_from("4")
        assert await found(ada, None, 1, until=four.id) == ["4"]
        assert await found(ada, None, 10, until=four.id - 1) == ["1"]
        assert await found(ada, None, 1, since=four.id) == ["4"]
        assert await found(ada, None, 10, since=four.id) == ["6", "4"]
        assert await session.mailbox.event(four.id) == four
        assert await session.mailbox.event(10**9) is None
        assert await session.mailbox.has_pictures(ada.id, frozenset({HERE}))
        assert not await session.mailbox.has_pictures(bob.id, frozenset({HERE}))


# -- archival storage


async def test_passages_are_counted_and_listed_by_tag(store: Store) -> None:
    ada, _ = await settle(store)
    drafts = [
        Draft(text="one", audience=PRIVATE, tags=("x", "y")),
        Draft(text="two", audience=HERE, tags=("y",)),
        Draft(text="three", audience=HERE),
    ]
    async with store.write() as session:
        one, two, _ = await session.passages.insert(ada.archive_id, drafts, NOW)
        await session.passages.open(one, HERE, "d", NOW)  # a copy counts no more than once
        assert await session.passages.tags(ada.archive_id, None) == {"y": 2, "x": 1}
        assert await session.passages.tags(ada.archive_id, [THERE]) == {}
        found = await session.passages.page(ada.archive_id, None, Notes(originals=True, tag="y"))
        assert [passage.uid for passage in found] == [two.uid, one.uid]
        assert await session.passages.count(ada.archive_id, None, Notes(originals=True, tag="x")) == 1


@pytest.mark.essential
async def test_passages_come_back_with_tags_newest_first(store: Store) -> None:
    ada, _ = await settle(store)
    drafts = [
        Draft(text="one", audience=PRIVATE, tags=("x", "y"), source="f.md", position=3, turn_id="t1"),
        Draft(text="two", audience=HERE, tags=("y",)),
        Draft(text="three", audience=HERE),
    ]
    async with store.write() as session:
        one, two, three = await session.passages.insert(ada.archive_id, drafts, NOW)
        assert await session.passages.insert(ada.archive_id, [], NOW) == []
    keys = [one.key, two.key, three.key]
    assert (one.tags, one.source, one.position, one.created_at) == (("x", "y"), "f.md", 3, NOW)
    assert len({one.uid, two.uid, three.uid}) == 3
    async with store.read() as session:
        passages = session.passages
        assert await passages.get(ada.archive_id, keys, None) == [one, two, three]
        assert await passages.get(ada.archive_id, keys, None, ["y"]) == [one, two]
        assert await passages.get(ada.archive_id, keys, {HERE}, ["x", "y"]) == [two]
        assert await passages.get(ada.archive_id + 1, keys, None) == []
        assert await passages.page(ada.archive_id, None) == [three, two, one]
        assert await passages.page(ada.archive_id, {HERE}, offset=1, limit=5) == [two]
        assert await passages.count(ada.archive_id, None) == 3
        assert await passages.count(ada.archive_id, {HERE}) == 2
        assert await passages.of_turn("t1") == [one]
        assert await passages.keys_of([one.uid, "unknown"]) == {one.uid: one.key}
        assert listed(await passages.postings(ada.archive_id, ["one", "two"], None, ["x"])) == {
            "one": [one.key]
        }
        assert listed(await passages.postings(ada.archive_id, ["one", "two"], {HERE})) == {"two": [two.key]}


async def test_a_tag_given_twice_is_one_tag(store: Store) -> None:
    ada, _ = await settle(store)
    async with store.write() as session:
        draft = Draft(text="one", audience=PRIVATE, tags=("x", "x"))
        (one,) = await session.passages.insert(ada.archive_id, [draft], NOW)
        assert one.tags == ("x",)


async def test_a_digest_is_known_within_its_audience_only(store: Store) -> None:
    ada, _ = await settle(store)
    async with store.write() as session:
        one, _two = await session.passages.insert(
            ada.archive_id,
            [Draft(text="one", audience=PRIVATE, digest="d"), Draft(text="two", audience=HERE, digest="e")],
            NOW,
        )
        known = session.passages.with_digest
        assert await known(ada.archive_id, PRIVATE, ["d", "e"]) == {"d": one}
        assert await known(ada.archive_id, HERE, ["d"]) == {}
        assert await known(ada.archive_id + 1, PRIVATE, ["d"]) == {}


async def test_deleted_passages_are_gone_with_words_tags_and_vectors(store: Store) -> None:
    ada, _ = await settle(store)
    async with store.write() as session:
        drafts = [Draft(text="red", audience=PRIVATE, tags=("x",))] * 2
        one, two = await session.passages.insert(ada.archive_id, drafts, NOW)
        await session.vectors.put("passages", "e", [(p.key, PRIVATE, p.text, b"v") for p in (one, two)])
        await session.passages.delete([one.key])
        await session.passages.delete([one.key])
    async with store.read() as session:
        assert await session.passages.page(ada.archive_id, None) == [two]
        assert listed(await session.passages.postings(ada.archive_id, ["red"], None, ["x"])) == {
            "red": [two.key]
        }
        assert await session.passages.keys_of([one.uid, two.uid]) == {two.uid: two.key}
        assert await session.vectors.load("passages", "e", ada.archive_id, None) == [(two.key, b"v")]


async def test_sources_are_attached_and_their_files_noted(store: Store) -> None:
    ada, _ = await settle(store, "ada")
    bob, _ = await settle(store, "bob")
    async with store.write() as session:
        passages = session.passages
        source = await passages.create_source("everbot:ada", NOW)
        await passages.attach(ada.id, source.id)
        await passages.attach(ada.id, source.id)
        assert await passages.attached(ada.id) == [source]
        assert await passages.attached(bob.id) == []
        assert await passages.archive_named("everbot:ada") == source
        assert await passages.archive_named("ada") is None
        assert [a.kind for a in await passages.archives()] == ["own", "own", "source"]
        assert await passages.files(source.id) == []
        begun = LoadedFile(digest="sha", path="b.pdf", chunks=3, whole=False)
        done = LoadedFile(digest="sha", path="b.pdf", chunks=9, whole=True)
        other = LoadedFile(digest="else", path="a.pdf", chunks=1, whole=True)
        for file in (begun, other):
            await passages.note_file(source.id, file, NOW)
        assert await passages.files(source.id) == [other, begun]
        await passages.note_file(source.id, done, NOW)
        assert await passages.files(source.id) == [other, done]
        assert await passages.files(ada.archive_id) == []


async def test_a_file_goes_with_its_passages_and_no_others(store: Store) -> None:
    async with store.write() as session:
        passages = session.passages
        first, second = await passages.create_source("one", NOW), await passages.create_source("two", NOW)
        kept, gone = {}, {}
        for archive in (first, second):
            drafts = [
                Draft(text=f"alarm {file}", audience=SHARED, file=file) for file in ("sha", "else", "sha", "")
            ]
            stored = await passages.insert(archive.id, drafts, NOW)
            gone[archive.id], kept[archive.id] = (
                [stored[0].key, stored[2].key],
                [stored[1].key, stored[3].key],
            )
            for digest in ("sha", "else"):
                file = LoadedFile(digest=digest, path=digest, chunks=1, whole=True)
                await passages.note_file(archive.id, file, NOW)
    async with store.write() as session:
        assert await session.passages.drop_file(first.id, "sha") == gone[first.id]
        assert await session.passages.drop_file(first.id, "sha") == []
    async with store.read() as session:
        assert [file.digest for file in await session.passages.files(first.id)] == ["else"]
        assert [file.digest for file in await session.passages.files(second.id)] == ["else", "sha"]
        for archive in (first, second):
            there = kept[archive.id] + (gone[archive.id] if archive is second else [])
            found = await session.passages.postings(archive.id, ["alarm"], None)
            assert sorted(found["alarm"].tolist()) == sorted(there)


# -- vectors


async def test_rows_wait_for_a_vector_oldest_first_until_marked(store: Store) -> None:
    ada, home = await settle(store, "ada")
    _, other = await settle(store, "bob")
    theirs = (await tell(store, other, "theirs"))[0]
    one, two = await tell(store, home, "one", "two", audience=HERE)
    await tell(store, home, "")
    async with store.write() as session:
        (passage,) = await session.passages.insert(ada.archive_id, [Draft(text="p", audience=PRIVATE)], NOW)
        vectors = session.vectors
        assert await vectors.unindexed("messages", ada.id, 9) == [
            (one.key, "", HERE, "one"),
            (two.key, "", HERE, "two"),
        ]
        assert [row[0] for row in await vectors.unindexed("messages", None, 2)] == [one.key, two.key]
        assert await vectors.unindexed("passages", ada.archive_id, 9) == [
            (passage.key, passage.uid, PRIVATE, "p")
        ]
        assert await vectors.count_unindexed() == 4
        await vectors.mark_indexed("messages", {one.key: "one", two.key: "other", theirs.key: "theirs"})
        assert [row[0] for row in await vectors.unindexed("messages", None, 9)] == [two.key]
        await vectors.mark_all_unindexed()
        assert await vectors.count_unindexed() == 4


async def test_vectors_of_two_embedders_or_audiences_do_not_meet(store: Store) -> None:
    ada, home = await settle(store)
    one, two = await tell(store, home, "one", "two")
    async with store.write() as session:
        vectors = session.vectors
        await vectors.put("messages", "e", [(one.key, PRIVATE, "one", b"1"), (two.key, HERE, "two", b"2")])
        assert await vectors.load("messages", "e", ada.id, None) == [(one.key, b"1"), (two.key, b"2")]
        assert await vectors.load("messages", "e", ada.id, {HERE}) == [(two.key, b"2")]
        assert await vectors.load("messages", "f", ada.id, None) == []
        assert await vectors.load("messages", "e", ada.id + 1, None) == []
        assert await vectors.load("passages", "e", ada.id, None) == []
        await vectors.put("messages", "f", [(one.key, PRIVATE, "one", b"3")])
        assert await vectors.load("messages", "e", ada.id, None) == [(two.key, b"2")]
        assert await vectors.load("messages", "f", ada.id, None) == [(one.key, b"3")]
        await vectors.remove("messages", [one.key, two.key])
        assert await vectors.load("messages", "f", ada.id, None) == []


async def test_no_vector_outlives_its_text(store: Store) -> None:
    ada, home = await settle(store)
    (one,) = await tell(store, home, "one")
    async with store.write() as session:
        await session.messages.delete([one.key])
        await session.vectors.put("messages", "e", [(one.key, PRIVATE, "one", b"1")])
        assert await session.vectors.load("messages", "e", ada.id, None) == []


async def test_a_vector_of_another_text_than_the_rows_is_not_stored(store: Store) -> None:
    ada, home = await settle(store)
    one, two = await tell(store, home, "one", "two")
    async with store.write() as session:
        await session.messages.rewrite(one.key, "uno", "{}", 1)
        rows = [(one.key, PRIVATE, "one", b"1"), (two.key, PRIVATE, "two", b"2")]
        assert await session.vectors.put("messages", "e", rows) == {two.key}
        assert await session.vectors.load("messages", "e", ada.id, None) == [(two.key, b"2")]
        assert [row[0] for row in await session.vectors.unindexed("messages", ada.id, 9)] == [one.key]


async def test_the_embedders_name_is_kept(store: Store) -> None:
    async with store.write() as session:
        assert await session.vectors.embedder() is None
        await session.vectors.set_embedder("one")
        await session.vectors.set_embedder("two")
    async with store.read() as session:
        assert await session.vectors.embedder() == "two"


# -- inbox, turns, steps


def turn_of(place: Conversation, id: str, minutes: float = 0) -> Turn:
    return Turn(
        id=id,
        agent_id=place.agent_id,
        conversation_id=place.id,
        kind="message",
        state=TurnState.RUNNING,
        steps=0,
        started_at=later(minutes),
    )


async def receive(store: Store, place: Conversation, *keys: str) -> list[bool]:
    async with store.write() as session:
        return [await session.mailbox.receive(key, place, "message", {"text": key}, NOW) for key in keys]


async def test_an_event_is_received_once(store: Store) -> None:
    ada, home = await settle(store)
    assert await receive(store, home, "e2", "e1", "e2") == [True, True, False]
    assert await receive(store, home, "e1") == [False]
    async with store.read() as session:
        rows = await session.mailbox.waiting(ada.id, CONSOLE)
        assert [(row.key, row.payload, row.received_at) for row in rows] == [
            ("e2", {"text": "e2"}, NOW),
            ("e1", {"text": "e1"}, NOW),
        ]


async def test_an_event_is_found_with_what_came_with_it(store: Store) -> None:
    _, home = await settle(store)
    await receive(store, home, "e1", "e1/a", "e10", "e1/b", "e2")
    async with store.read() as session:
        assert [row.key for row in await session.mailbox.events_from("e1")] == ["e1", "e1/a", "e1/b"]
        assert await session.mailbox.events_from("e") == []


async def test_a_waiting_event_is_changed_or_dropped(store: Store) -> None:
    ada, home = await settle(store)
    await receive(store, home, "e1", "e2")
    async with store.write() as session:
        await session.mailbox.replace_event("e1", {"text": "new"})
        await session.mailbox.drop_event("e2")
    async with store.read() as session:
        assert [row.payload for row in await session.mailbox.waiting(ada.id, CONSOLE)] == [{"text": "new"}]
    assert await receive(store, home, "e2") == [False]


async def test_a_claimed_event_is_not_dropped(store: Store) -> None:
    ada, home = await settle(store)
    await receive(store, home, "e1")
    async with store.write() as session:
        mailbox = session.mailbox
        await mailbox.begin(turn_of(home, "t1"), [row.id for row in await mailbox.waiting(ada.id, CONSOLE)])
        await mailbox.replace_event("e1", {"text": ""})
        await mailbox.drop_event("e1")
        assert [row.payload for row in await mailbox.events_of("t1")] == [{"text": ""}]
        assert await mailbox.busy_agents(CONSOLE) == [ada.id]


async def begun_anew(store: Store, turn: Turn, events: list[int]) -> None:
    async with store.write() as session:
        await session.mailbox.begin(turn, events)


@pytest.mark.essential
async def test_an_event_is_one_turns_and_a_second_turn_of_it_leaves_nothing(store: Store) -> None:
    ada, home = await settle(store)
    await receive(store, home, "e1", "e2", "e3")
    async with store.read() as session:
        first, second, third = [row.id for row in await session.mailbox.waiting(ada.id, CONSOLE)]
    await begun_anew(store, turn_of(home, "t1"), [first])
    async with store.write() as session:
        await session.mailbox.drop_event("e3")
    for taken in (first, third):
        with pytest.raises(StaleAgent):
            await begun_anew(store, turn_of(home, "t2"), [taken, second])
    async with store.read() as session:
        assert [row.key for row in await session.mailbox.waiting(ada.id, CONSOLE)] == ["e2"]
        assert [row.key for row in await session.mailbox.events_of("t1")] == ["e1"]
        assert await session.mailbox.turn("t2") is None


async def test_a_turn_from_its_events_to_its_end(store: Store) -> None:
    ada, home = await settle(store)
    await receive(store, home, "e1", "e2", "e3")
    turn = turn_of(home, "t1")
    async with store.write() as session:
        mailbox = session.mailbox
        first, second, third = await mailbox.waiting(ada.id, CONSOLE)
        await mailbox.begin(turn, [first.id, second.id])
        assert await mailbox.waiting(ada.id, CONSOLE) == [third]
        assert [row.key for row in await mailbox.events_of("t1")] == ["e1", "e2"]
        assert await mailbox.unfinished(ada.id, CONSOLE) == turn
        assert await mailbox.unfinished(ada.id, CONSOLE, apart_from=[turn.id]) is None
        await mailbox.commit_step("t1", 0, "m", Usage(prompt=1), NOW, agent_id=ada.id)
        assert await mailbox.last_model(ada.id) == "m"
        await mailbox.commit_step("t1", 1, "another", Usage(prompt=1), NOW, agent_id=ada.id)
        assert await mailbox.last_model(ada.id) == "another"
        await mailbox.notify("t1")
        await mailbox.post([outbox(home, "o1", "t1"), outbox(home, "o2", "t1", kind="notice")])
        now = replace(turn, steps=2, notified=True, outbox=1)
        assert await mailbox.unfinished(ada.id, CONSOLE) == now
        assert await mailbox.last_turns(home.id, 5) == []
        await mailbox.finish("t1", later(1))
        assert await mailbox.unfinished(ada.id, CONSOLE) is None
        assert await mailbox.turn("t1") == replace(now, state=TurnState.DONE)
        assert await mailbox.turn("t2") is None
        assert await mailbox.waiting(ada.id, CONSOLE) == [third]
    assert await receive(store, home, "e1") == [False]


@pytest.mark.essential
async def test_a_step_is_committed_once(store: Store) -> None:
    ada, home = await settle(store)
    async with store.write() as session:
        await session.mailbox.begin(turn_of(home, "t1"), [])
        await session.mailbox.commit_step("t1", 0, "m", Usage(prompt=1), NOW, agent_id=ada.id)

    async def again() -> None:
        async with store.write() as session:
            await session.messages.append(ada.id, [said(home, "again")])
            await session.mailbox.commit_step("t1", 0, "m", Usage(prompt=1), NOW, agent_id=ada.id)

    with pytest.raises(Exception, match=r"(?i)unique"):
        await again()
    async with store.read() as session:
        assert await session.messages.queue(home.id) == []
        turn = await session.mailbox.turn("t1")
        assert turn is not None
        assert turn.steps == 1


async def test_ended_turns_come_newest_first_and_are_forgotten(store: Store) -> None:
    ada, home = await settle(store)
    async with store.write() as session:
        mailbox = session.mailbox
        for n in (2, 0, 1):
            await mailbox.begin(turn_of(home, f"t{n}", n), [])
            await mailbox.commit_step(f"t{n}", 0, "m", Usage(), NOW, agent_id=ada.id)
            await mailbox.finish(f"t{n}", later(n))
        await mailbox.begin(turn_of(home, "running", 9), [])
        assert [turn.id for turn in await mailbox.last_turns(home.id, 2)] == ["t2", "t1"]
        await mailbox.forget_turn("t2")
        assert [turn.id for turn in await mailbox.last_turns(home.id, 5)] == ["t1", "t0"]
        assert await mailbox.turn("t2") is None


async def test_a_forgotten_turns_event_is_not_received_again(store: Store) -> None:
    ada, home = await settle(store)
    await receive(store, home, "e1")
    async with store.write() as session:
        mailbox = session.mailbox
        await mailbox.begin(turn_of(home, "t1"), [row.id for row in await mailbox.waiting(ada.id, CONSOLE)])
        await mailbox.finish("t1", NOW)
        await mailbox.forget_turn("t1")
        assert await mailbox.waiting(ada.id, CONSOLE) == []
    assert await receive(store, home, "e1") == [False]


async def test_usage_is_summed_by_agent_and_time(store: Store) -> None:
    ada, home = await settle(store, "ada")
    bob, other = await settle(store, "bob")
    async with store.write() as session:
        mailbox = session.mailbox
        await mailbox.begin(turn_of(home, "a"), [])
        await mailbox.begin(turn_of(other, "b"), [])
        for step in range(3):
            usage = Usage(prompt=10, completion=2, cached=1)
            await mailbox.commit_step("a", step, "m", usage, later(step), agent_id=ada.id)
        await mailbox.commit_step("b", 0, "m", Usage(prompt=100), later(2), agent_id=bob.id)
        assert await mailbox.usage_since([ada.id], later(1)) == Usage(prompt=20, completion=4, cached=2)
        assert await mailbox.usage_since(None, NOW) == Usage(prompt=130, completion=6, cached=3)
        assert await mailbox.usage_since(None, later(3)) == Usage()


async def test_events_and_turns_are_those_of_the_platforms_asked_for(store: Store) -> None:
    ada, home = await settle(store)
    async with store.write() as session:
        mailbox = session.mailbox
        slack = await session.agents.create_conversation(ada.id, "slack:T/C", HERE, NOW)
        await mailbox.begin(turn_of(slack, "t1"), [])
        for place in (home, slack):
            await mailbox.receive(place.address, place, "message", {}, NOW)
        for platforms, keys in ((CONSOLE, [home.address]), (["slack"], [slack.address]), (["sl"], [])):
            assert [row.key for row in await mailbox.waiting(ada.id, platforms)] == keys
        assert await mailbox.unfinished(ada.id, CONSOLE) is None
        assert await mailbox.unfinished(ada.id, ["console", "slack"]) == turn_of(slack, "t1")


async def test_busy_agents_by_platform(store: Store) -> None:
    ada, home = await settle(store, "ada")
    bob, other = await settle(store, "bob")
    async with store.write() as session:
        slack = await session.agents.create_conversation(bob.id, "slack:T/C", HERE, NOW)
        await session.mailbox.begin(turn_of(slack, "t1"), [])
    await receive(store, home, "e1")
    async with store.read() as session:
        assert await session.mailbox.busy_agents(["console", "slack"]) == [ada.id, bob.id]
        assert await session.mailbox.busy_agents(["console"]) == [ada.id]
        assert await session.mailbox.busy_agents(["slack"]) == [bob.id]
        assert await session.mailbox.busy_agents(["cons_le", "%"]) == []
    assert other.id != home.id


async def test_no_platforms_means_no_rows(store: Store) -> None:
    ada, home = await settle(store)
    await receive(store, home, "e1")
    async with store.write() as session:
        await session.mailbox.post([outbox(home, "o1")])
        assert await session.mailbox.busy_agents([]) == []
        assert await session.mailbox.ready([]) == []
        assert await session.mailbox.in_doubt([]) == []
        assert await session.mailbox.waiting(ada.id, []) == []
        assert await session.mailbox.unfinished(ada.id, []) is None


# -- outbox


def outbox(
    place: Conversation, id: str, turn_id: str = "t", *, address: str = "", kind: str = "reply"
) -> OutboxRow:
    return OutboxRow(
        id=id,
        agent_id=place.agent_id,
        conversation_id=place.id,
        turn_id=turn_id,
        text="hello",
        in_reply_to=("m1", "m2"),
        created_at=NOW,
        address=address or place.address,
        kind=kind,
    )


@pytest.mark.essential
async def test_the_outbox_is_claimed_in_order_and_settled(store: Store) -> None:
    _, home = await settle(store)
    rows = [outbox(home, id) for id in ("c", "a", "b")]
    async with store.write() as session:
        mailbox = session.mailbox
        await mailbox.post(rows)
        await mailbox.post([])
        await mailbox.post([outbox(home, "s", address="slack:T/C")])
        assert await mailbox.ready(CONSOLE) == rows
        assert await mailbox.ready(CONSOLE, limit=2) == rows[:2]
        await mailbox.claim(["c", "a"], NOW)
        await mailbox.claim([], NOW)
        assert await mailbox.ready(CONSOLE) == rows[2:]
        await mailbox.claim(["b"], NOW)
        assert await mailbox.ready(CONSOLE) == []
    async with store.write() as session:
        mailbox = session.mailbox
        assert await mailbox.unsent() == 4
        claimed = [replace(row, state=Delivery.SENDING, claimed_at=NOW) for row in rows]
        assert await mailbox.in_doubt(CONSOLE) == claimed
        await mailbox.settle([("c", Delivery.SENT, "r1"), ("b", Delivery.DOUBTFUL, None)], NOW)
        await mailbox.settle([], NOW)
        assert [row.id for row in await mailbox.in_doubt(["console", "slack"])] == ["a"]
        await mailbox.settle([("a", Delivery.READY, None)], NOW)
        assert [row.id for row in await mailbox.ready(CONSOLE)] == ["a"]
        await mailbox.post([replace(outbox(home, "d"), state=Delivery.SENDING, claimed_at=NOW)])
        await mailbox.unclaim("d", later(1))  # another's claim
        await mailbox.unclaim("x", NOW)
        assert [row.id for row in await mailbox.ready(CONSOLE)] == ["a"]
        await mailbox.unclaim("d", NOW)
        assert (await mailbox.ready(CONSOLE))[1:] == [outbox(home, "d")]
        await mailbox.settle([("d", Delivery.REFUSED, None)], NOW)
        assert await mailbox.unsent(home.id) == 2
        assert await mailbox.unsent(home.id + 1) == 0


@pytest.mark.essential
async def test_a_post_is_claimed_once(store: Store) -> None:
    _, home = await settle(store)
    async with store.write() as session:
        await session.mailbox.post([outbox(home, "a"), outbox(home, "b")])
        assert await session.mailbox.claim(["a"], NOW) == {"a"}
    async with store.write() as session:
        assert await session.mailbox.claim(["a", "b", "x"], later(1)) == {"b"}
        assert await session.mailbox.claim([], NOW) == set()
        assert {row.id: row.claimed_at for row in await session.mailbox.in_doubt(CONSOLE)} == {
            "a": NOW,
            "b": later(1),
        }


async def test_the_same_outbox_row_is_not_posted_twice(store: Store) -> None:
    _, home = await settle(store)
    async with store.write() as session:
        await session.mailbox.post([outbox(home, "a")])

    async def again() -> None:
        async with store.write() as session:
            await session.mailbox.post([outbox(home, "b"), outbox(home, "a")])

    with pytest.raises(Exception, match=r"(?i)unique"):
        await again()
    async with store.read() as session:
        assert await session.mailbox.unsent() == 1


# -- deleting an agent


async def everything(store: Store, agent: Agent, place: Conversation, word: str) -> None:
    """A row of the agent in every table that can hold one."""
    rows = await tell(store, place, f"{word} one", f"{word} two", event_key=None)
    await receive(store, place, f"{word}:1", f"{word}:2")
    async with store.write() as session:
        mailbox, passages = session.mailbox, session.passages
        await session.messages.put_summary(
            Summary(
                conversation_id=place.id,
                text=word,
                rendered=word,
                tokens=1,
                messages=1,
                since=NOW,
                created_at=NOW,
            )
        )
        await session.operations.report(
            Report(
                user_id=agent.user_id, at=NOW, account=word, persona="p", community="", reason=word, answer=""
            )
        )
        await session.erasing.quote(f"{word}:1", {"discord:1": "discord:2"})
        await session.wastebasket.put(agent.id, PRIVATE, "", {"texts": [word]}, NOW)
        drafts = [Draft(text=f"{word} passage", audience=PRIVATE, tags=(word,), digest=word)]
        (passage,) = await passages.insert(agent.archive_id, drafts, NOW)
        await passages.open(passage, HERE, word, NOW)
        file = LoadedFile(digest=word, path=word, chunks=1, whole=True)
        await passages.note_file(agent.archive_id, file, NOW)
        source = await passages.archive_named("library") or await passages.create_source("library", NOW)
        await passages.attach(agent.id, source.id)
        await session.vectors.put("messages", "e", [(row.key, PRIVATE, row.text, b"v") for row in rows])
        await session.vectors.put("passages", "e", [(passage.key, PRIVATE, passage.text, b"v")])
        made = await session.blocks.create(
            core_block(f"agent:{agent.id}", "human", PRIVATE, word, 9, word), NOW
        )
        await session.blocks.put(made.id, word * 2, f"{word}-t", NOW)
        await mailbox.begin(turn_of(place, f"{word}-t"), [(await mailbox.waiting(agent.id, CONSOLE))[0].id])
        await mailbox.commit_step(f"{word}-t", 0, word, Usage(), NOW, agent_id=agent.id)
        await mailbox.post([outbox(place, f"{word}-o", f"{word}-t")])
        await mailbox.put_file(f"{word}-o", word, word.encode())
        await session.schedule.put_beat(Beat(agent_id=agent.id, next_at=NOW))
        await session.schedule.put_wish(wish_of(place, word))
        await session.asks.put(ask_of(place, word))
        await session.credentials.put(agent.user_id, "calendar", word.encode(), NOW)
        await session.captions.put(agent.id, f"{word}-d", word, place.id, f"{word}:1", NOW)
        await session.mailbox.spend(agent.id, place.id, "painter", Usage(pictures=1), NOW)
        await session.codes.put(code_for(f"console:{word}", word))
        await session.codes.welcome(f"console:{word}", NOW)
        await session.web_keys.put(web_key_of(agent, WebPass.LINK, f"console:{word}"))
        await session.web_keys.note_write(write_of(f"console:{word}", "once"))
        await session.personas.pick(agent.user_id, agent.persona_id)
        await session.personas.propose(proposal_of(agent, "here", word, turn_id=f"{word}-t"))
        taken = Import(agent_id=agent.id, name=word, at=NOW)
        await session.imports.begin(taken)
        await session.imports.note_read(taken, 1, [finding_of(taken)])
        if not await passages.lore(agent.persona_id, ["here"]):
            lore = await passages.create_lore(agent.persona_id, "here", NOW)
            await passages.insert(lore.id, [Draft(text="The fair is in May.", audience=HERE)], NOW)
        (lore,) = await passages.lore(agent.persona_id, ["here"])
        await passages.contribute([(await passages.page(lore.id, None))[0].key], agent.user_id)


def ask_of(place: Conversation, ask_id: str, **more: Any) -> Ask:
    values = {"turn_id": f"{ask_id}-t", "tool": "calendar__delete", "arguments": "{}", "created_at": NOW}
    return Ask(id=ask_id, agent_id=place.agent_id, conversation_id=place.id, **(values | more))


async def test_what_waits_for_a_persons_word_waits_until_it_is_answered(store: Store) -> None:
    ada, here = await settle(store, "ada")
    async with store.write() as session:
        one, two = ask_of(here, "one"), ask_of(here, "two", created_at=later(1))
        for ask in (two, one):
            await session.asks.put(ask)
        assert await session.asks.waiting(ada.id) == [one, two]
        assert await session.asks.get("one") == one
        assert await session.asks.expire(later(1)) == 1
        assert await session.asks.waiting(ada.id) == [two]
        await session.asks.drop_turn("two-t")
        assert await session.asks.get("two") is None


async def test_credentials_are_one_persons_at_one_service(store: Store) -> None:
    ada, _ = await settle(store, "ada")
    bob, _ = await settle(store, "bob")
    async with store.write() as session:
        kept = session.credentials
        await kept.put(ada.user_id, "calendar", b"old", NOW)
        await kept.put(ada.user_id, "calendar", b"new", NOW)
        await kept.put(ada.user_id, "mail", b"other", NOW)
        assert await kept.get(ada.user_id, "calendar") == b"new"
        assert await kept.get(bob.user_id, "calendar") is None
        await kept.drop(ada.user_id, "calendar")
        assert await kept.get(ada.user_id, "calendar") is None
        assert await kept.get(ada.user_id, "mail") == b"other"


def wish_of(place: Conversation, wish_id: str, **more: Any) -> Wish:
    values = {"about": "tea", "rule": "", "turn_id": f"{wish_id}-t", "next_at": NOW, "created_at": NOW}
    return Wish(id=wish_id, agent_id=place.agent_id, conversation_id=place.id, **(values | more))


def finding_of(taken: Import, **more: Any) -> Finding:
    values = {"core": True, "text": "Likes tea.", "turn_id": "t", "origin": "", "said_at": NOW}
    return Finding(id=0, agent_id=taken.agent_id, import_name=taken.name, **(values | more))


def code_for(account: str, code: str, **more: Any) -> Code:
    values = {"purpose": "link", "name": account, "address": account, "expires_at": later(60)}
    return Code(code=code, account=account, **(values | more))


def web_key_of(agent: Agent, kind: WebPass, account: str, **more: Any) -> WebKey:
    values = {"id": account, "digest": f"digest of {account}", "address": account, "device": "Firefox"}
    times = {"created_at": NOW, "seen_at": NOW, "expires_at": later(10)}
    return WebKey(kind=kind, user_id=agent.user_id, account=account, **(values | times | more))


def write_of(key_id: str, name: str, at: datetime = NOW) -> WebWrite:
    return WebWrite(key_id=key_id, name=name, request="digest", target="n1", at=at)


async def test_a_write_is_known_by_its_name_until_it_is_old_or_its_key_is_ended(store: Store) -> None:
    ada, _ = await settle(store, "ada")
    key = web_key_of(ada, WebPass.PROGRAM, "console:ada")
    async with store.write() as session:
        keys = session.web_keys
        await keys.put(key)
        await keys.note_write(write_of(key.id, "first"))
        await keys.note_write(write_of(key.id, "second", later(5)))
        assert await keys.write(key.id, "first") == write_of(key.id, "first")
        assert await keys.write("other", "first") is None
        await keys.expire_writes(later(5))
        assert await keys.write(key.id, "first") is None
        assert await keys.write(key.id, "second") is not None
        await keys.drop(ada.user_id, [key.id])
        assert await keys.write(key.id, "second") is None


async def test_a_web_key_lets_in_as_whose_its_account_is_until_it_expires(store: Store) -> None:
    ada, _ = await settle(store, "ada")
    bob, _ = await settle(store, "bob")
    key = web_key_of(ada, WebPass.SESSION, "console:ada")
    async with store.write() as session:
        keys = session.web_keys
        await keys.put(key)
        assert await keys.get(WebPass.SESSION, key.digest, NOW) == key
        assert await keys.get(WebPass.LINK, key.digest, NOW) is None
        assert await keys.get(WebPass.SESSION, key.digest, later(10)) is None
        assert await keys.get(WebPass.SESSION, key.digest, later(-1)) is None  # the clock was set back
        await keys.see(key.id, later(5))
        assert await keys.of(ada.user_id, WebPass.SESSION, NOW) == [replace(key, seen_at=later(5))]
        assert await keys.of(bob.user_id, WebPass.SESSION, NOW) == []
        assert await keys.drop(bob.user_id, [key.id]) == 0

        await session.agents.move_account("console:ada", bob.user_id)
        assert await keys.get(WebPass.SESSION, key.digest, NOW) is None
        await session.agents.move_account("console:ada", ada.user_id)
        assert await keys.drop(ada.user_id, [key.id]) == 1
        assert await keys.get(WebPass.SESSION, key.digest, NOW) is None

        await keys.put(key)
        assert await keys.expire(later(9)) == 0
        assert await keys.expire(later(10)) == 1


_NOBODYS = {
    "personas",
    "avatars",
    "persona_versions",
    "bindings",
    "departures",
    "meta",
    "alembic_version",
    "forgotten",
    "chores",
    "communities",
    "faults",
    "orders",
    "restrictions",  # what they hold of people is named in test_what_operators_set_outlives_a_person
    "deeds",
    "room_lines",  # messages of a room's agent; whose they are is told in test_room_memory
    "room_names",  # of those who said them
    "times_forgotten",  # digests of accounts
    "typed_commands",  # digests of keys
    "kept_out",  # digests of accounts, which outlive the person
}


async def test_a_deleted_agent_leaves_no_row_in_any_table(store: Store, backend: Backend) -> None:
    ada, home = await settle(store, "ada")
    await everything(store, ada, home, "ada")
    async with store.write() as session:
        await session.vectors.set_embedder("e")
    before = await backend.rows()
    bob, other = await settle(store, "bob")
    await everything(store, bob, other, "bob")
    between = await backend.rows()
    untouched = {table for table in between if between[table] == before[table]}
    assert untouched == _NOBODYS & set(between), "a table this test does not fill"
    async with store.write() as session:
        await session.agents.delete_agent(bob.id)
        await session.agents.delete_agent(bob.id)
        assert await session.mailbox.is_forgotten("bob:1")
        assert not await session.mailbox.is_forgotten("ada:1")
    after = await backend.rows()
    assert after.pop("forgotten") != before.pop("forgotten")  # digests of the keys alone
    assert after == before


async def test_a_user_with_another_agent_stays(store: Store) -> None:
    ada, _ = await settle(store)
    async with store.write() as session:
        other = await session.personas.create("other", "", NOW)
        second = await session.agents.create_agent(ada.user_id, other.id, "other:ada", NOW)
        await session.agents.delete_agent(ada.id)
        assert await session.agents.user_of("console:ada") is not None
        assert await session.agents.agents() == [second]
        await session.agents.delete_agent(second.id)
        assert await session.agents.user_of("console:ada") is None


async def test_ids_of_a_deleted_agent_are_not_given_again(store: Store) -> None:
    ada, home = await settle(store, "ada")
    async with store.write() as session:
        await session.agents.delete_agent(ada.id)
    bob, other = await settle(store, "bob")
    assert {bob.id, bob.user_id, bob.archive_id, other.id}.isdisjoint({ada.id}), (
        f"ids of {ada} were given to {bob} in {home} and {other}"
    )
    assert (bob.user_id, bob.archive_id, other.id) != (ada.user_id, ada.archive_id, home.id)


@pytest.mark.parametrize("kind", ["passage", "block"])
async def test_a_late_write_for_a_deleted_agent_leaves_nothing(
    store: Store, backend: Backend, kind: str
) -> None:
    await settle(store, "ada")
    bob, _ = await settle(store, "bob")
    async with store.write() as session:
        await session.agents.delete_agent(bob.id)
    before = await backend.rows()
    with contextlib.suppress(Exception):  # which error it is, is not the point
        async with store.write() as session:
            if kind == "passage":
                await session.passages.insert(bob.archive_id, [Draft(text="late", audience=PRIVATE)], NOW)
            else:
                await session.blocks.create(core_block(f"agent:{bob.id}", "human", PRIVATE, "late", 9), NOW)
    assert await backend.rows() == before


# -- one-time codes, and people with two accounts


async def test_a_code_is_found_until_it_expires_or_is_replaced(store: Store) -> None:
    first, second = code_for("console:ada", "AAAA"), code_for("console:ada", "BBBB", other="slack:T/U")
    pairing = code_for("console:ada", "CCCC", purpose="pair")
    async with store.write() as session:
        for code in (first, pairing, second):
            await session.codes.put(code)
    async with store.read() as session:
        assert await session.codes.get("link", "AAAA", NOW) is None
        assert await session.codes.get("link", "BBBB", NOW) == second
        assert await session.codes.get("pair", "BBBB", NOW) is None
        assert await session.codes.of("pair", "console:ada", NOW) == pairing
        assert await session.codes.all("pair", NOW) == [pairing]
        assert await session.codes.all("pair", pairing.expires_at) == []
        assert await session.codes.get("link", "BBBB", second.expires_at) is None
    async with store.write() as session:
        await session.codes.drop("BBBB")
        assert await session.codes.of("link", "console:ada", NOW) is None
        assert not await session.codes.is_welcome("console:ada")
        await session.codes.welcome("console:ada", NOW)
        await session.codes.welcome("console:ada", NOW)
        assert await session.codes.is_welcome("console:ada")
        assert [each.account for each in await session.codes.welcomed()] == ["console:ada"]
        assert await session.codes.unwelcome("console:ada")
        assert not await session.codes.unwelcome("console:ada")
        assert not await session.codes.is_welcome("console:ada")


async def test_codes_go_with_their_time_and_with_whom_they_name(store: Store) -> None:
    linked = code_for("console:ada", "AAAA", other="slack:T/U")
    asking = code_for("console:zoe", "BBBB", purpose="pair", expires_at=later(120))
    async with store.write() as session:
        for code in (linked, asking):
            await session.codes.put(code)
        await session.codes.welcome("console:bob", NOW)
        assert await session.codes.expire(later(59)) == 0
        assert await session.codes.expire(later(60)) == 1
        await session.codes.put(linked)
        for account in ("slack:T/U", "console:zoe", "console:bob"):
            assert await session.codes.knows(account)
            await session.codes.forget(account)
            assert not await session.codes.knows(account)
        assert not await session.codes.is_welcome("console:bob")
        assert not await session.codes.knows("console:ada"), "a code that named another went with them"


@pytest.mark.essential
async def test_joined_agents_are_one_that_holds_everything_of_both(store: Store) -> None:
    ada, home = await settle(store, "ada")
    twin, other = await settle(store, "twin", ROOM)
    await everything(store, ada, home, "one")
    await everything(store, twin, other, "two")
    async with store.write() as session:
        secret = [Draft(text="two secret", audience=ROOM, tags=("two",))]
        (kept,) = await session.passages.insert(twin.archive_id, secret, NOW)
        await session.joining.join(ada, twin, NOW)
        await session.agents.move_account("console:twin", ada.user_id)
    async with store.read() as session:
        assert await session.agents.agent(twin.id) is None
        assert await session.agents.user_of("console:twin") == await session.agents.user(ada.user_id)
        assert await session.agents.accounts_of(ada.user_id) == ["console:ada", "console:twin"]
        said_now = await session.messages.said(ada.id, None)
        assert sorted(m.text for m in said_now) == ["one one", "one two", "two one", "two two"]
        found = await session.messages.postings(ada.id, ["two"], None)
        assert len(found["two"]) == 3
        queue = await session.messages.queue(other.id)
        assert [m.text for m in queue] == ["two one", "two two"]
        assert {m.audience for m in queue} == {ROOM}
        seen = await session.passages.page(ada.archive_id, {ROOM})
        assert [(p.text, p.tags, p.uid) for p in seen] == [("two secret", ("two",), kept.uid)]
        # the notes and their copies elsewhere, the secret, and what the block could not hold
        assert await session.passages.count(ada.archive_id, None) == 6
        vectors = await session.vectors.load("passages", "e", ada.archive_id, None)
        assert len(vectors) == 2
        assert len(await session.vectors.load("messages", "e", ada.id, None)) == 4
        assert [c.id for c in await session.agents.conversations(ada.id)] == [home.id, other.id]
        (block,) = await session.blocks.visible(ada, PRIVATE)
        assert block.value == "oneone"  # the limit is 9 characters
        rest = [p.text for p in await session.passages.page(ada.archive_id, {PRIVATE})]
        assert "twotwo" in rest
    (after,) = await tell(store, replace(other, agent_id=ada.id), "afterwards")
    assert after.key > max(m.key for m in said_now)


async def test_two_queues_of_one_place_become_one_and_nothing_is_lost(store: Store) -> None:
    ada, _ = await settle(store, "ada")
    twin, _ = await settle(store, "twin")
    async with store.write() as session:
        rooms = [
            await session.agents.create_conversation(agent.id, "slack:T/C", ROOM, NOW)
            for agent in (ada, twin)
        ]
    for room, text in zip(rooms, ("hers", "theirs"), strict=True):
        await tell(store, room, text)
    async with store.write() as session:
        await session.joining.join(ada, twin, NOW)
    async with store.read() as session:
        assert [m.text for m in await session.messages.queue(rooms[0].id)] == ["hers"]
        assert {m.text for m in await session.messages.said(ada.id, {ROOM})} == {"hers", "theirs"}
        assert len(await session.agents.conversations(ada.id)) == 3


async def test_what_was_typed_is_obeyed_once(store: Store) -> None:
    async with store.write() as session:
        assert await session.mailbox.obey("slack:1", NOW)
        assert await session.mailbox.obey("slack:2", NOW + timedelta(days=1))
    async with store.write() as session:
        assert not await session.mailbox.obey("slack:1", NOW)
        await session.mailbox.expire_obeyed(NOW + timedelta(hours=1))
    async with store.read() as session:
        assert not await session.mailbox.is_obeyed("slack:1")
        assert await session.mailbox.is_obeyed("slack:2")


async def test_what_was_received_of_somebody_lately_is_known(store: Store) -> None:
    ada, home = await settle(store)
    _, other = await settle(store, "bob")
    said = {"account": "console:ada", "at": NOW.isoformat()}
    async with store.write() as session:
        for key, place, kind, payload, at in (
            ("console:1", home, "message", said, NOW - timedelta(minutes=5)),
            ("console:2", home, "message", said, NOW),
            ("console:2/1", home, "document_uploaded", said, NOW),
            ("console:2~1", home, "message", said, NOW),
            ("console:3", home, "message", said | {"account": "console:eve"}, NOW),
            ("console:4", home, "message", {}, NOW),
            ("console:5", other, "message", said, NOW),
        ):
            await session.mailbox.receive(key, place, kind, payload, at)
    async with store.read() as session:
        since = NOW - timedelta(minutes=1)
        found = await session.mailbox.received_lately(ada.user_id, "console:ada", since)
    assert found == {"console:2": NOW}


async def test_the_newest_event_of_every_place_is_known(store: Store) -> None:
    _, home = await settle(store, "ada")
    _, other = await settle(store, "bob")
    await receive(store, home, "console:1", "console:2")
    await receive(store, other, "console:3")
    async with store.read() as session:
        assert await session.mailbox.newest_keys("console") == {
            home.address: "console:2",
            other.address: "console:3",
        }
        assert await session.mailbox.newest_keys("slack") == {}


async def test_only_messages_of_the_platform_mark_how_far_a_place_was_read(store: Store) -> None:
    """Beats and reminders are ours, a reaction may be about an old message, and /retry makes a key of its own."""
    ada, home = await settle(store)
    await receive(store, home, "console:1", "console:2")
    await receive(store, home, f"beat:{ada.id}:x", "wish:7:1763712000", "console:1~0a1b2c3d")
    async with store.write() as session:
        silent = await session.agents.create_conversation(ada.id, "console:silent", PRIVATE, NOW)
        for key, kind in (("console:1/ada/heart", "reaction"), ("console:2/returned", "user_returned")):
            await session.mailbox.receive(key, home, kind, {}, NOW)
        await session.mailbox.receive("beat:9:y", silent, "heartbeat", {}, NOW)
    async with store.read() as session:
        assert await session.mailbox.newest_keys("console") == {home.address: "console:2"}
    async with store.write() as session:
        await session.erasing.conversation(home, ada, NOW)
    async with store.read() as session:
        assert await session.mailbox.newest_keys("console") == {home.address: "console:2"}
    async with store.write() as session:
        await session.mailbox.receive("beat:9:z", home, "heartbeat", {}, NOW)
        await session.erasing.expire(NOW + timedelta(days=1))
    async with store.read() as session:
        assert await session.mailbox.newest_keys("console") == {home.address: "console:2"}


async def test_a_post_is_found_by_its_receipt_for_its_agent_only(store: Store) -> None:
    ada, home = await settle(store, "ada")
    bob, _ = await settle(store, "bob")
    async with store.write() as session:
        await session.mailbox.post([outbox(home, "a"), outbox(home, "b")])
        await session.mailbox.settle([("a", Delivery.SENT, "r1")], NOW)
        posted = await session.mailbox.posted(ada.id, "r1")
        assert posted is not None
        assert posted.id == "a"
        assert await session.mailbox.posted(bob.id, "r1") is None


# -- heartbeat times and wishes


@pytest.mark.essential
async def test_beats_are_due_in_order_and_hold_what_the_person_set(store: Store) -> None:
    ada, _ = await settle(store, "ada")
    bob, _ = await settle(store, "bob")
    cyd, _ = await settle(store, "cyd")
    early = Beat(agent_id=bob.id, next_at=NOW, speak=True, every_s=3600, first_hour=9, last_hour=21)
    late, idle = Beat(agent_id=ada.id, next_at=later(5), heard_at=NOW), Beat(agent_id=cyd.id, last_at=NOW)
    async with store.write() as session:
        for beat in (late, early, idle):
            await session.schedule.put_beat(beat)
        assert await session.schedule.due_beats(later(9), 9) == [early, late]
        assert await session.schedule.due_beats(later(9), 1) == [early]
        assert await session.schedule.due_beats(later(4), 9) == [early]
        assert await session.schedule.beat(cyd.id) == idle
        await session.schedule.put_beat(replace(early, next_at=None))
        assert await session.schedule.due_beats(later(9), 9) == [late]
        await session.schedule.clamp_beats(later(1))
        assert await session.schedule.due_beats(later(1), 9) == [replace(late, next_at=later(1))]


async def test_wishes_are_due_on_platforms_that_are_there(store: Store) -> None:
    ada, home = await settle(store, "ada")
    once, again = wish_of(home, "a"), wish_of(home, "b", next_at=later(3), rule="every 2h")
    async with store.write() as session:
        for wish in (again, once):
            await session.schedule.put_wish(wish)
        assert await session.schedule.wishes(ada.id) == [once, again]
        assert await session.schedule.wishes_of("a-t") == [once]
        assert await session.schedule.due_wishes(NOW, CONSOLE, 9) == [once]
        assert await session.schedule.due_wishes(later(3), CONSOLE, 1) == [once]
        assert await session.schedule.due_wishes(later(3), ["slack"], 9) == []
        await session.schedule.drop_wish("a")
        assert await session.schedule.wish("a") is None
        assert await session.schedule.due_wishes(later(3), CONSOLE, 9) == [again]


async def test_what_silent_turns_took_is_counted_apart_from_others(store: Store) -> None:
    ada, home = await settle(store)
    async with store.write() as session:
        mailbox = session.mailbox
        for turn_id, kind in (("t1", "heartbeat"), ("t2", "message"), ("t3", "heartbeat")):
            await mailbox.begin(replace(turn_of(home, turn_id), kind=kind), [])
            await mailbox.commit_step(turn_id, 0, "m", Usage(prompt=10, completion=1), NOW, agent_id=ada.id)
            await mailbox.post([outbox(home, f"{turn_id}-o", turn_id)])
        assert await session.schedule.spent(ada.id, NOW) == Spent(
            beats=2, running=True, messages=2, tokens=22
        )
        assert await session.schedule.spent(ada.id, later(60)) == Spent(
            beats=0, running=False, messages=0, tokens=0
        )


async def test_reminders_of_a_day_are_counted_held_and_waiting(store: Store) -> None:
    ada, home = await settle(store)
    bob, _ = await settle(store, "bob")
    async with store.write() as session:
        for number, key in enumerate(("wish:1", "wish:2", "wish:3", "m1")):
            kind = "message" if key == "m1" else "scheduled"
            await session.mailbox.receive(key, home, kind, {}, later(number))
        first, second, *_ = await session.mailbox.waiting(ada.id, CONSOLE)
        for row, minutes in ((first, 0), (second, 10)):
            turn = replace(turn_of(home, row.key, minutes), kind="scheduled")
            await session.mailbox.begin(turn, [row.id])
            await session.mailbox.finish(turn.id, later(minutes))
    async with store.read() as session:
        assert await session.schedule.reminded([ada.id, bob.id], NOW) == 3
        assert await session.schedule.reminded([ada.id], later(5)) == 2
        assert await session.schedule.reminded([bob.id], NOW) == 0


async def test_the_newest_message_of_a_place_is_a_persons_and_not_undone(store: Store) -> None:
    _, home = await settle(store)
    async with store.read() as session:
        assert await session.mailbox.heard(home.id) is None
    async with store.write() as session:
        for key, kind, payload in (
            ("m1", "message", {"account": "console:ada"}),
            ("m2", "message", {}),
            ("beat:1", "heartbeat", {"account": "console:timer"}),
        ):
            await session.mailbox.receive(key, home, kind, payload, NOW)
    async with store.read() as session:
        heard = await session.mailbox.heard(home.id)
    assert heard is not None
    assert heard.key == "m1"


async def test_what_was_heard_in_a_place_lately_comes_oldest_first(store: Store) -> None:
    _, home = await settle(store)
    async with store.write() as session:
        for key in ("m1", "m2", "m3"):
            await session.mailbox.receive(key, home, "message", {"account": "console:ada"}, NOW)
    async with store.read() as session:
        last = await session.mailbox.last_heard(home.id, 2)
        assert [row.key for row in last] == ["m2", "m3"]
        assert [row.key for row in await session.mailbox.last_heard(home.id, 9, after=last[0].id)] == ["m3"]


async def test_home_is_where_the_person_was_last_private_places_first(store: Store) -> None:
    ada, home = await settle(store)
    async with store.write() as session:
        assert await session.schedule.home(ada.id, CONSOLE) is None
        room = await session.agents.create_conversation(ada.id, "console:room", ROOM, NOW)
    await receive(store, room, "e1")
    async with store.read() as session:
        assert await session.schedule.home(ada.id, CONSOLE) == room.id
        assert await session.schedule.home(ada.id, ["slack"]) is None
    await receive(store, home, "e2")
    await receive(store, room, "e3")
    async with store.read() as session:
        assert await session.schedule.home(ada.id, CONSOLE) == home.id


async def test_blocks_are_told_as_they_were_after_an_edit(store: Store) -> None:
    async with store.write() as session:
        ada = await newcomer(session, "ada")
        place = await session.agents.create_conversation(ada.id, "console:ada", PRIVATE, NOW)
        one, two = [
            (await session.blocks.create(core_block(f"agent:{ada.id}", label, PRIVATE, "a", 9), NOW)).id
            for label in ("human", "notes")
        ]
        assert await session.blocks.newest_edit() == 0
        await session.blocks.put(one, "b", "turn-1", NOW)
        edit = await session.blocks.newest_edit()
        await session.agents.show(place.id, edit)
        await session.blocks.put(one, "c", "turn-2", NOW)
        await session.blocks.put(one, "d", "turn-3", NOW)
        await session.blocks.put(two, "z", "turn-3", NOW)
    async with store.write() as session:
        blocks = await session.blocks.of(f"agent:{ada.id}", None)
        assert [b.value for b in await session.blocks.as_after(blocks, edit)] == ["b", "a"]
        assert [b.value for b in await session.blocks.as_after(blocks, 10**6)] == ["d", "z"]
        assert (await session.agents.conversation(place.id)).shown_edit == edit
        await session.blocks.put(one, "by hand", None, NOW)
        blocks = await session.blocks.of(f"agent:{ada.id}", None)
        assert [b.value for b in await session.blocks.as_after(blocks, edit)] == ["by hand", "a"]


async def test_what_was_learned_is_kept_until_it_is_learned_anew(store: Store) -> None:
    async with store.write() as session:
        assert await session.meta.get("tokens m") is None
        await session.meta.put("tokens m", "1.5")
        await session.meta.put("tokens m", "1.25")
        assert await session.meta.get("tokens m") == "1.25"
