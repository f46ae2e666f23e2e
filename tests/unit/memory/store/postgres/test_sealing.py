"""What people said, sealed with keys that lie beside the database."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from sqlalchemy.dialects.postgresql.asyncpg import dialect as asyncpg_dialect

from memory.errors import StoreBusy, StoreUnavailable
from memory.ports import Store
from memory.records import PRIVATE, Agent, Conversation, Draft
from memory.store import tables as t
from memory.store.moving import move
from memory.store.postgres import dumps
from memory.store.postgres.address import Address
from memory.store.postgres.database import PostgresDatabase
from memory.store.secret import marks
from memory.store.sqlite.database import Database
from tests.contract.test_store import everything
from tests.fakes.empty_database import lay
from tests.fakes.memory_rows import NOW, settle, tell
from tests.fakes.postgres_server import NewDatabase, asked, whole_server_files_with

pytestmark = pytest.mark.postgres


@pytest.fixture
async def sealed(database: NewDatabase, tmp_path: Path) -> AsyncIterator[PostgresDatabase]:
    async with opened(database, tmp_path) as store:
        yield store


@asynccontextmanager
async def opened(database: NewDatabase, folder: Path) -> AsyncIterator[PostgresDatabase]:
    store = await PostgresDatabase.open(await database.url(), keys=folder / "keys")
    try:
        yield store
    finally:
        await store.close()


def key_files(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in (folder / "keys").glob("*/*")}


async def note(store: PostgresDatabase, agent: Agent, text: str) -> None:
    async with store.write() as session:
        draft = Draft(text=text, audience=PRIVATE, tags=(text,), digest=text)
        await session.passages.insert(agent.archive_id, [draft], NOW)


async def texts(store: PostgresDatabase, place: Conversation) -> list[str]:
    async with store.read() as session:
        return [message.text for message in await session.messages.queue(place.id)]


async def test_each_value_of_a_sealed_column_is_sealed_in_the_database(
    database: NewDatabase, sealed: PostgresDatabase
) -> None:
    ada, home = await settle(sealed, "ada")
    twin, other = await settle(sealed, "twin")
    await everything(sealed, ada, home, "canary")
    await everything(sealed, twin, other, "budgerigar")
    async with sealed.write() as session:
        await session.joining.join(ada, twin, NOW)
    dialect = asyncpg_dialect()  # type: ignore[no-untyped-call]
    async with asked(await database.url()) as connection:
        for table in t.metadata.sorted_tables:
            for column in table.columns:
                if marks(column.type, dialect) is None:
                    continue
                query = f'SELECT "{column.name}" FROM "{table.name}"'  # noqa: S608 (ours)
                for (value,) in await connection.fetch(query):
                    start = value[:40] if isinstance(value, bytes) else str(value)[:40].encode()
                    assert not value or start in (b"{}", b"[]") or b"k1" in start, (
                        table.name,
                        column.name,
                        value,
                    )
                    assert b":%d " % twin.id not in start or table.name == "reports"
        for kind in t.FULL_TEXT:
            for (terms,) in await connection.fetch(f"SELECT terms FROM {kind}_terms"):  # noqa: S608 (ours)
                assert terms.startswith("\x01k1")
            words = await connection.fetch(f"SELECT term FROM {kind}_postings")  # noqa: S608 (ours)
            assert words
            assert not [word for (word,) in words if word.startswith(("canar", "budg"))]
    async with sealed.read() as session:
        found = await session.messages.postings(ada.id, ["budgerigar", "cana*", "ada"], None)
        assert {term: len(keys) for term, keys in found.items()} == {"budgerigar": 2, "cana*": 2}


async def test_after_forgetting_nothing_that_was_said_can_be_read_anywhere(
    database: NewDatabase, tmp_path: Path
) -> None:
    async with opened(database, tmp_path) as store:
        ada, home = await settle(store, "ada")
        _, other = await settle(store, "bob")
        canary = f"canary{secrets.token_hex(6)}"  # the server's log of writes is that of all tests
        await tell(store, home, *(f"the {canary} number {n} sings" for n in range(20)))
        await note(store, ada, f"A {canary} is kept in the kitchen.")
        await tell(store, other, "bob stays")
        copy = tmp_path / "before.dump"
        await store.backup(copy)
        assert canary.encode() not in copy.read_bytes()
        assert await whole_server_files_with(await database.url(), canary.encode()) == [], (
            "in the log of writes, too"
        )
        async with store.write() as session:
            await session.agents.delete_agent(ada.id)
        held = key_files(tmp_path)
        assert [held[f"{kind}-{n}"] for kind, n in (("agent", ada.id), ("archive", ada.archive_id))] == [
            b"",
            b"",
        ]
        assert await texts(store, other) == ["bob stays"]
        async with asked(await database.url()) as connection:
            assert await connection.fetch("SELECT name FROM chores") == []

    await dumps.put_back(copy, Address.of(await database.url()))
    async with asked(await database.url()) as connection:
        assert await connection.fetchval("SELECT count(*) FROM agents") == 2
    async with opened(database, tmp_path) as store:
        async with store.read() as session:
            assert await session.agents.agent(ada.id) is None, "who was forgotten since is forgotten again"
            assert await session.agents.user_of("console:ada") is None
        assert await texts(store, other) == ["bob stays"]
        eve, place = await settle(store, "eve")
        assert eve.id > ada.id
        await tell(store, place, "no number that had a key is given again")


async def test_two_processes_have_the_same_keys(database: NewDatabase, tmp_path: Path) -> None:
    async with opened(database, tmp_path) as one, opened(database, tmp_path) as two:
        ada, home = await settle(one, "ada")
        await tell(one, home, "said to one")
        assert await texts(two, home) == ["said to one"]
        await tell(two, home, "said to two")
        assert await texts(one, home) == ["said to one", "said to two"]
        async with one.write() as session:
            await session.agents.delete_agent(ada.id)
        assert await texts(two, home) == []
        assert two._sealing is not None
        assert two._sealing.keys.key(f"agent:{ada.id}") is None


async def test_what_is_left_when_a_process_dies_is_done_at_the_next_start(
    database: NewDatabase, tmp_path: Path
) -> None:
    async with opened(database, tmp_path) as store:
        ada, home = await settle(store, "ada")
        await tell(store, home, "hello")
    async with asked(await database.url()) as connection:
        await connection.execute("INSERT INTO chores (name, created_at) VALUES ('key:agent:1', 0)")
    assert len(key_files(tmp_path)[f"agent-{ada.id}"]) == 32
    async with opened(database, tmp_path):
        assert key_files(tmp_path)[f"agent-{ada.id}"] == b""


async def test_a_unit_that_is_undone_throws_no_key_away(sealed: PostgresDatabase, tmp_path: Path) -> None:
    ada, home = await settle(sealed, "ada")
    await tell(sealed, home, "hello")

    async def fails() -> None:
        async with sealed.write() as session:
            await session.agents.delete_agent(ada.id)
            raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        await fails()
    await tell(sealed, home, "still here")
    assert await texts(sealed, home) == ["hello", "still here"]


async def test_what_is_there_already_is_sealed_when_it_is_first_opened_with_keys(
    database: NewDatabase, store: PostgresDatabase, tmp_path: Path
) -> None:
    ada, home = await settle(store, "ada")
    await everything(store, ada, home, "canary")
    async with asked(await database.url()) as connection:
        assert await connection.fetchval("SELECT count(*) FROM messages WHERE text LIKE 'canary%'")
    with pytest.raises(StoreBusy, match="stop all others first"):
        async with opened(database, tmp_path) as other, other.read():
            pass
    before = await held_of(store, ada)
    await store.close()
    async with opened(database, tmp_path) as again:
        assert await held_of(again, ada) == before
    async with asked(await database.url()) as connection:
        assert not await connection.fetchval("SELECT count(*) FROM messages WHERE text LIKE '%canary%'")
        assert not await connection.fetchval(
            "SELECT count(*) FROM messages_postings WHERE term LIKE 'canar%'"
        )
        assert await connection.fetchval("SELECT name FROM chores") == "scrub"


async def test_what_moves_there_is_sealed_on_its_way(database: NewDatabase, tmp_path: Path) -> None:
    old = await Database.open(lay(tmp_path / "old.db"))
    ada, home = await settle(old, "ada")
    await everything(old, ada, home, "canary")
    before = await held_of(old, ada)
    await old.close()
    async with opened(database, tmp_path) as store:
        await move(tmp_path / "old.db", store, lambda name, count: None)
        assert await held_of(store, ada) == before
    async with opened(database, tmp_path) as store:
        assert await held_of(store, ada) == before
    async with asked(await database.url()) as connection:
        for name in (
            "messages",
            "passages",
            "inbox",
            "blocks",
            "outbox",
            "messages_terms",
            "passages_postings",
        ):
            rows = await connection.fetch(f"SELECT * FROM {name}")  # noqa: S608 (ours)
            told = {value for row in rows for value in row if isinstance(value, str)}
            assert rows
            assert not [
                text for text in told if text.startswith(("canary one", "canary passage", "canarycanary"))
            ]


async def held_of(store: Store, agent: Agent) -> list[object]:
    async with store.read() as session:
        return [
            await session.messages.said(agent.id, None),
            str(await session.messages.postings(agent.id, ["canary"], None)),
            await session.passages.page(agent.archive_id, None),
            await session.passages.tags(agent.archive_id, None),
            await session.passages.with_digest(agent.archive_id, PRIVATE, ["canary"]),
            await session.blocks.history(f"agent:{agent.id}", None),
            await session.captions.get(agent.id, "canary-d"),
            await session.vectors.load("messages", "e", agent.id, None),
            await session.mailbox.file_of("canary-o"),
            await session.wastebasket.newest(agent.id, None, NOW),
        ]


async def test_without_its_keys_a_database_is_not_opened(database: NewDatabase, tmp_path: Path) -> None:
    async with opened(database, tmp_path) as store:
        _, home = await settle(store, "ada")
        await tell(store, home, "hello")
    with pytest.raises(StoreUnavailable, match=r"\[store\] keys \(EVERBOT_STORE__KEYS\)"):
        await PostgresDatabase.open(await database.url())
    with pytest.raises(StoreUnavailable, match=r"EVERBOT_STORE__KEYS.*the folder that it was sealed with"):
        async with opened(database, tmp_path / "elsewhere"):
            pass
    [folder] = (tmp_path / "keys").iterdir()
    shutil.move(folder / "agent-1", tmp_path / "lost")
    async with opened(database, tmp_path) as store:
        with pytest.raises(StoreUnavailable, match=r"agent-1.*EVERBOT_STORE__KEYS"):
            await texts(store, home)
        shutil.move(tmp_path / "lost", folder / "agent-1")
        assert await texts(store, home) == ["hello"], "nothing was lost"


async def test_what_looks_sealed_and_is_not_is_what_it_is(sealed: PostgresDatabase) -> None:
    async with sealed.write() as session:
        user = await session.agents.create_user("console:x", "\x01k1 agent:1 QUJD", "UTC", NOW)
        assert (await session.agents.user(user.id)).name == "\x01k1 agent:1 QUJD"
