"""The contract of what was taken over from other programs: `memory.ports.Imports`."""

from __future__ import annotations

from datetime import datetime, timedelta

from memory.ports import Store
from memory.records import (
    PRIVATE,
    Agent,
    Conversation,
    Draft,
    Finding,
    Import,
    Lines,
    Message,
    Role,
    Turn,
    TurnState,
    import_address,
    import_of,
)
from tests.fakes.memory_rows import NOW, core_block, said, settle, tell

THEN = NOW - timedelta(days=900)


def finding(taken: Import, text: str, turn: str = "t0") -> Finding:
    return Finding(
        id=0,
        agent_id=taken.agent_id,
        import_name=taken.name,
        core=True,
        text=text,
        turn_id=turn,
        origin="",
        said_at=THEN,
    )


async def take(store: Store, agent: Agent, name: str, *texts: str) -> tuple[Import, list[Message]]:
    """An import of one talk, each message a turn of its own."""
    taken = Import(agent_id=agent.id, name=name, at=NOW)
    async with store.write() as session:
        await session.imports.begin(taken)
        place = await session.imports.place(agent.id, import_address(name, "1 Tea"), NOW)
        turns = [ended(place, f"{agent.id}{name}{number}", THEN) for number in range(len(texts))]
        await session.imports.add_turns(turns)
        rows = [
            said(
                place,
                text,
                role=Role.USER,
                rendered="",
                queued=False,
                origin="ChatGPT",
                created_at=THEN,
                turn_id=f"{agent.id}{name}{number}",
                event_key=f"imported:{agent.id}:{name}{number}",
            )
            for number, text in enumerate(texts)
        ]
        return taken, await session.messages.append(agent.id, rows)


def ended(place: Conversation, name: str, at: datetime) -> Turn:
    return Turn(
        id=name,
        agent_id=place.agent_id,
        conversation_id=place.id,
        kind="imported",
        state=TurnState.DONE,
        steps=0,
        started_at=at,
    )


def test_an_address_tells_of_which_import_it_is() -> None:
    assert import_of(import_address("a1", "7 Tea/cake")) == "a1"
    assert import_of("console:ada") == import_of("imported") == ""


async def test_its_messages_are_rows_like_others_and_its_places_are_asked_for(store: Store) -> None:
    ada, home = await settle(store)
    taken, (row, _) = await take(store, ada, "a1", "I like tea", "and cake")
    await tell(store, home, "Hello")
    async with store.read() as session:
        assert [m.origin for m in await session.messages.said(ada.id, None)] == ["ChatGPT", "ChatGPT", ""]
        assert [m.text for m in await session.messages.said(ada.id, None, Lines(here=True))] == ["Hello"]
        assert await session.agents.conversations(ada.id) == [home]
        assert len(await session.agents.conversations(ada.id, imported=True)) == 2
        assert await session.messages.queue(row.conversation_id) == []
        assert await session.imports.all(ada.id) == [taken] == await session.imports.named("a1")
        assert await session.imports.told(taken) == (2, "ChatGPT", THEN, THEN)
        assert (await session.mailbox.turn(f"{ada.id}a10")) == ended(
            await session.agents.conversation(row.conversation_id), f"{ada.id}a10", THEN
        )


async def test_it_is_read_once_and_what_is_found_waits(store: Store) -> None:
    ada, _ = await settle(store)
    taken, rows = await take(store, ada, "a1", "one", "two", "three")
    async with store.write() as session:
        assert [m.text for m in await session.imports.unread(taken, 2)] == ["one", "two"]
        await session.imports.spend(taken, 900)
        await session.imports.spend(taken, -200)
        await session.imports.note_read(
            taken, rows[1].key, [finding(taken, "Likes tea."), finding(taken, "Rows.")]
        )
    async with store.write() as session:
        await session.imports.begin(taken)
        [now] = await session.imports.all(ada.id)
        assert (now.read_to, now.spent) == (rows[1].key, 700)
        assert [m.text for m in await session.imports.unread(now, 9)] == ["three"]
        assert await session.imports.count_unread(now) == 1
        first, second = await session.imports.findings(ada.id)
        await session.imports.settle(ada.id + 1, [first.id])
        await session.imports.settle(ada.id, [second.id])
        assert await session.imports.findings(ada.id) == [first]


async def test_it_goes_as_a_whole_and_nothing_else_goes(store: Store) -> None:
    ada, home = await settle(store)
    bob, _ = await settle(store, "bob")
    await take(store, bob, "a1", "I am Bob")
    taken, rows = await take(store, ada, "a1", "I like tea", "Ida is my sister")
    kept, _ = await take(store, ada, "b2", "I row")
    await tell(store, home, "Hello")
    async with store.write() as session:
        block = await session.blocks.create(
            core_block(f"agent:{ada.id}", "human", PRIVATE, "Has bees.", 99), NOW
        )
        await session.blocks.put(block.id, "Has bees.\nLikes tea.", f"{ada.id}a10", NOW)
        drafts = [
            Draft(text="Ida is Ada's sister", audience=PRIVATE, turn_id=f"{ada.id}a11"),
            Draft(text="Ada rows", audience=PRIVATE, turn_id=f"{ada.id}b20"),
        ]
        note, _ = await session.passages.insert(ada.archive_id, drafts, NOW)
        await session.vectors.put("messages", "e", [(row.key, PRIVATE, row.text, b"v") for row in rows])
        await session.imports.note_read(taken, 1, [finding(taken, "Likes tea.")])
        await session.imports.note_read(kept, 1, [finding(kept, "Rows.")])
    async with store.write() as session:
        assert await session.imports.drop(ada, "a1", NOW) == [note.key]
        assert await session.imports.drop(ada, "a1", NOW) == []
    async with store.read() as session:
        assert [m.text for m in await session.messages.said(ada.id, None)] == ["I row", "Hello"]
        assert [m.text for m in await session.messages.said(bob.id, None)] == ["I am Bob"]
        assert [p.text for p in await session.passages.page(ada.archive_id, None)] == ["Ada rows"]
        assert [b.value for b in await session.blocks.of(f"agent:{ada.id}", None)] == ["Has bees."]
        assert await session.messages.postings(ada.id, ["tea"], None) == {}
        assert [i.name for i in await session.imports.all(ada.id)] == ["b2"]
        assert [f.text for f in await session.imports.findings(ada.id)] == ["Rows."]
        assert await session.mailbox.turn(f"{ada.id}a10") is None
        assert await session.messages.taken(["imported:1:a10", f"imported:{ada.id}:b20"]) == {
            f"imported:{ada.id}:b20"
        }
        assert len(await session.agents.conversations(ada.id, imported=True)) == 2


async def test_two_agents_that_become_one_have_both_ones_imports(store: Store) -> None:
    ada, _ = await settle(store)
    async with store.write() as session:
        user = await session.agents.create_user("console:twin", "twin", "UTC", NOW)
        twin = await session.agents.create_agent(user.id, ada.persona_id, "twin", NOW)
    await take(store, ada, "a1", "one")
    await take(store, twin, "a1", "uno")
    theirs, rows = await take(store, twin, "b2", "due", "tre")
    async with store.write() as session:
        await session.imports.note_read(theirs, rows[0].key, [finding(theirs, "Counts.")])
        await session.joining.join(ada, twin, NOW)
    async with store.read() as session:
        both, moved = await session.imports.all(ada.id)
        assert (both.name, moved.name) == ("a1", "b2")
        assert {m.text for m in await session.imports.unread(both, 9)} == {"one", "uno"}
        assert [m.text for m in await session.imports.unread(moved, 9)] == ["tre"]
        assert [f.text for f in await session.imports.findings(ada.id)] == ["Counts."]
