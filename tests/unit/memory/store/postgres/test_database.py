"""What is PostgreSQL's alone: its schema, what opening says, a server that goes away, what is left in its files."""

from __future__ import annotations

import asyncio
from importlib import import_module
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from memory.errors import StoreTooNew, StoreUnavailable
from memory.store import tables
from memory.store.postgres.address import Address
from memory.store.postgres.database import PostgresDatabase, _engine
from memory.store.schema import HEAD
from tests.fakes.memory_rows import settle, tell
from tests.fakes.postgres_server import NewDatabase, asked, files_with
from tests.patience import PATIENCE_S

pytestmark = pytest.mark.postgres

SCHEMA = {
    "columns": (
        "SELECT table_name, column_name, data_type, is_nullable, coalesce(column_default, ''), "
        "coalesce(collation_name, ''), is_identity FROM information_schema.columns "
        "WHERE table_schema = 'public' AND table_name != 'alembic_version'"
    ),
    "indexes": "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename != 'alembic_version'",
    "rules": (
        "SELECT conrelid::regclass::text, pg_get_constraintdef(oid) FROM pg_constraint "
        "WHERE connamespace = 'public'::regnamespace AND conrelid::regclass::text != 'alembic_version'"
    ),
    "storage": (
        "SELECT c.relname, a.attname, a.attstorage::text, a.attstattarget, c.reloptions::text FROM pg_attribute a "
        "JOIN pg_class c ON c.oid = a.attrelid WHERE c.relnamespace = 'public'::regnamespace AND a.attnum > 0 "
        "AND c.relkind = 'r' AND c.relname != 'alembic_version'"
    ),
}


async def schema(url: str) -> dict[str, set[Any]]:
    async with asked(url) as connection:
        return {what: {tuple(row) for row in await connection.fetch(query)} for what, query in SCHEMA.items()}


@pytest.mark.essential
async def test_the_migrations_build_what_the_tables_declare(database: NewDatabase) -> None:
    declared = NewDatabase()
    try:
        engine = _engine(Address.of(await declared.url(empty=True)))
        async with engine.connect() as connection:
            await connection.run_sync(tables.metadata.create_all)
        await engine.dispose()
        wanted, migrated = await schema(await declared.url()), await schema(await database.url())
    finally:
        await declared.drop()
    assert {what: migrated[what] ^ wanted[what] for what in SCHEMA} == {what: set() for what in SCHEMA}
    assert len(wanted["columns"]) > 200


async def test_texts_are_ordered_by_code_points_wherever_the_server_stands(database: NewDatabase) -> None:
    found = (await schema(await database.url()))["columns"]
    assert {row[5] for row in found if row[2] == "text"} == {"C"}


async def refused(url: str) -> str:
    with pytest.raises(StoreUnavailable) as caught:
        await PostgresDatabase.open(url)
    return str(caught.value)


async def test_a_database_of_a_newer_version(database: NewDatabase) -> None:
    url = await database.url()
    async with asked(url) as connection:
        await connection.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StoreTooNew, match=r"newer everbot.*9999.*Upgrade everbot"):
        await PostgresDatabase.open(url)
    async with asked(url) as connection:
        assert await connection.fetchval("SELECT version_num FROM alembic_version") == "9999"
    assert HEAD < "9999"


async def test_of_several_hosts_it_is_read_and_written_at_the_primary(database: NewDatabase) -> None:
    store = await PostgresDatabase.open(f"{await database.url()}&target_session_attrs=read-write")
    agent, _ = await settle(store)
    async with store.read() as session:
        assert await session.agents.agent(agent.id) is not None

    async def write_where_one_reads() -> None:
        async with store.read() as session:
            await session.agents.set_language(agent.user_id, "de")

    with pytest.raises(StoreUnavailable, match="for reading only"):
        await write_where_one_reads()
    await store.close()


async def test_a_server_that_is_not_there(tmp_path: Path) -> None:
    told = await refused(f"postgresql://ada:s3cret@/everbot?host={tmp_path}")
    assert "cannot be reached" in told
    assert "store.url (EVERBOT_STORE__URL)" in told
    assert "s3cret" not in told


async def test_a_database_that_is_not_there(database: NewDatabase) -> None:
    url = await database.url()
    missing = url.replace("/test_", "/missing_")
    assert "createdb missing_" in await refused(missing)


async def test_a_connection_that_was_cut_costs_one_unit_of_work_at_most(
    database: NewDatabase, store: PostgresDatabase
) -> None:
    agent, place = await settle(store)
    await tell(store, place, "before")
    async with store.read() as session:
        await session.agents.agent(agent.id)

    async def cut() -> None:
        async with asked(await database.url()) as connection:
            await connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid != pg_backend_pid() "
                "AND datname = current_database()"
            )

    async def changed() -> None:
        async with store.write() as session:
            await session.agents.set_language(agent.user_id, "de")
            await cut()
            await session.agents.set_language(agent.user_id, "fr")

    with pytest.raises(StoreUnavailable):
        await changed()
    await cut()
    await tell(store, place, "after")
    async with store.read() as session:
        assert [m.text for m in await session.messages.queue(place.id)] == ["before", "after"]
        assert (await session.agents.user(agent.user_id)).language == ""


async def scrubbed(store: PostgresDatabase) -> None:
    """As the chores do it: asked again, for another test's transaction may be under way on the same server."""
    async with asyncio.timeout(PATIENCE_S):
        while not await store.scrub():
            pass


async def test_what_was_scrubbed_is_in_no_file(database: NewDatabase, store: PostgresDatabase) -> None:
    _, place = await settle(store)
    rows = await tell(store, place, *(f"the canary number {n} sings" for n in range(40)))
    where = await database.url()
    async with asked(where) as connection:
        await connection.execute("ANALYZE")  # the server does so by itself, when much has changed
    assert await files_with(where, b"canary")
    async with store.write() as session:
        await session.messages.delete([row.key for row in rows])
    await scrubbed(store)
    assert await files_with(where, b"canary") == []
    await tell(store, place, "still here")


@pytest.mark.parametrize("elsewhere", [False, True])
async def test_nothing_is_scrubbed_while_somebody_may_see_what_was_deleted(
    database: NewDatabase, store: PostgresDatabase, elsewhere: bool
) -> None:
    _, place = await settle(store)
    [row] = await tell(store, place, "the canary sings")
    other = NewDatabase()
    try:
        async with asked(await (other if elsewhere else database).url()) as connection:
            async with connection.transaction(isolation="repeatable_read"):
                # A number of its own is seen by all of the server, a mere view of things within the database.
                await connection.execute(
                    "SELECT pg_current_xact_id()" if elsewhere else "SELECT pg_current_snapshot()"
                )
                async with store.write() as session:
                    await session.messages.delete([row.key])
                assert not await store.scrub()
            await scrubbed(store)
    finally:
        await other.drop()


async def test_what_a_database_knows_of_its_texts_is_thrown_away(database: NewDatabase) -> None:
    known = "SELECT tablename, attname FROM pg_stats WHERE schemaname = 'public' AND attname = 'text'"
    async with asked(await database.url()) as connection:
        await connection.execute('CREATE TABLE notes (text TEXT COLLATE "C" PRIMARY KEY, data BYTEA)')
        await connection.execute("INSERT INTO notes SELECT 'canary' || n, 'x' FROM generate_series(1, 99) n")
        await connection.execute("ANALYZE notes")
        assert await connection.fetch(known)
        await connection.execute(import_module("memory.store.migrations.versions.0023_no_statistics")._NONE)
        await connection.execute("ANALYZE notes")
        assert not await connection.fetch(known)
        with pytest.raises(asyncpg.UniqueViolationError):
            await connection.execute("INSERT INTO notes VALUES ('canary1')")


async def test_a_server_that_may_lose_what_was_acknowledged_is_not_sound(store: PostgresDatabase) -> None:
    told = await store.check()  # the tests' server is quick, and nothing of it has to last
    assert told is not None
    assert told.startswith(f"{store.place}: fsync is off")
