"""Copies by PostgreSQL's own programs."""

from __future__ import annotations

from pathlib import Path

import pytest

from memory.errors import StoreTooNew, StoreUnavailable
from memory.store.postgres import dumps
from memory.store.postgres.address import Address
from memory.store.postgres.database import PostgresDatabase
from tests.fakes.memory_rows import settle, tell
from tests.fakes.postgres_server import NewDatabase, asked

pytestmark = pytest.mark.postgres


async def test_a_copy_is_put_back_whole(
    database: NewDatabase, store: PostgresDatabase, tmp_path: Path
) -> None:
    _, place = await settle(store)
    rows = await tell(store, place, "kept")
    copy = tmp_path / "x.dump"
    await store.backup(copy)
    assert copy.stat().st_mode & 0o077 == 0
    assert [file.name for file in tmp_path.iterdir()] == ["x.dump"]
    await tell(store, place, "said since")
    await store.close()
    url = await database.url()
    await dumps.put_back(copy, Address.of(url))
    again = await PostgresDatabase.open(url)
    try:
        async with again.read() as session:
            assert await session.messages.queue(place.id) == rows
        assert [m.text for m in await tell(again, place, "goes on")] == ["goes on"]
    finally:
        await again.close()


async def test_no_file_is_written_over(store: PostgresDatabase, tmp_path: Path) -> None:
    there = tmp_path / "x.dump"
    there.write_text("mine")
    with pytest.raises(StoreUnavailable, match="exists"):
        await store.backup(there)
    assert there.read_text() == "mine"


async def test_what_is_no_backup_changes_nothing(
    database: NewDatabase, store: PostgresDatabase, tmp_path: Path
) -> None:
    _, place = await settle(store)
    rows = await tell(store, place, "kept")
    address = Address.of(await database.url())
    other = tmp_path / "x.dump"
    other.write_bytes(b"Dear diary, " * 100)
    for wrong in (other, tmp_path / "missing"):
        with pytest.raises(StoreUnavailable, match=str(wrong)):
            await dumps.put_back(wrong, address)
    newer = tmp_path / "newer.dump"
    async with asked(await database.url()) as connection:
        await connection.execute("UPDATE alembic_version SET version_num = '9999'")
    await store.backup(newer)
    with pytest.raises(StoreTooNew, match="9999"):
        await dumps.put_back(newer, address)
    async with store.read() as session:
        assert await session.messages.queue(place.id) == rows


async def test_a_program_that_is_missing_is_named(
    store: PostgresDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(StoreUnavailable, match="pg_dump is not installed here"):
        await store.backup(tmp_path / "x.dump")
    assert list(tmp_path.iterdir()) == []
