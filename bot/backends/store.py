"""Which database it is: SQLite in the data directory, or the PostgreSQL that is configured."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from bot.data_dir import DataDir
from bot.errors import SettingsError
from bot.settings import Settings
from memory.errors import StoreUnavailable
from memory.extras import how_to_have, lacks
from memory.ports import Store
from memory.store.schema import HEAD
from memory.store.sqlite import copies
from memory.store.sqlite.database import Database


async def open_store(settings: Settings) -> Store:
    """Open or create it, and migrate it.

    Raises `StoreUnavailable` when it cannot be used, `StoreTooNew` when a newer everbot wrote it, `SettingsError` when
    what speaks with it is not installed.
    """
    url = _url(settings)
    if not url:
        refuse_moved(DataDir(settings.data_dir))
        return await Database.open(DataDir(settings.data_dir).database)
    _postgres_is_there()
    from memory.store.postgres.database import PostgresDatabase

    return await PostgresDatabase.open(url, keys=settings.store.keys)


async def put_back_copy(settings: Settings, copy: Path, store: Store) -> None:
    """Put a backup in the place of a database that this process alone holds, with all that was in it gone; ``store`` is
    that database, and closed then.

    Raises `StoreUnavailable` for what is no sound backup, `StoreTooNew` for one of a newer everbot: all is as it was.
    """
    url = _url(settings)
    if not url:
        await store.close()
        await copies.put_back(copy, DataDir(settings.data_dir).database, HEAD)
        return
    from memory.store.postgres import dumps
    from memory.store.postgres.address import Address

    try:
        await dumps.put_back(copy, Address.of(url))
    finally:
        await store.close()


async def move_store(settings: Settings, url: str, told: Callable[[str, int], None]) -> dict[str, int]:
    """Copy all that the data directory's database holds into the empty PostgreSQL database at ``url``, compare both,
    and note in the directory that it was moved; how many rows of each table. ``told`` hears what is copied, how much.

    Raises `SettingsError`, or `StoreError` with all as it was.
    """
    files = DataDir(settings.data_dir)
    _postgres_is_there()
    from memory.store.moving import move
    from memory.store.postgres.database import PostgresDatabase

    refuse_moved(files)
    if not files.database.exists() or not files.database.stat().st_size:
        raise StoreUnavailable(
            f"There is nothing to move in {settings.data_dir}. Is data_dir (EVERBOT_DATA_DIR) the right one?"
        )
    await (await Database.open(files.database)).close()  # which brings it to our schema
    target = await PostgresDatabase.open(url, keys=settings.store.keys)
    try:
        async with target.alone("store migrate"):
            counts = await move(files.database, target, told)
    finally:
        await target.close()
    files.moved.write_text(target.place, encoding="utf-8")
    return counts


def refuse_moved(files: DataDir) -> None:
    """Raises `StoreUnavailable` when all of the directory's database is elsewhere: nobody goes on with the old one."""
    if files.moved.exists():
        place = files.moved.read_text(encoding="utf-8")
        raise StoreUnavailable(
            f"{files.database} was moved to {place} by `everbot store migrate`. Set store.url (EVERBOT_STORE__URL) to "
            f"it; or, to go on with what was held before that, remove {files.moved}."
        )


def _postgres_is_there() -> None:
    """Raises `SettingsError`."""
    if lacks("postgres"):
        raise SettingsError(f"To use PostgreSQL, {how_to_have('postgres')}.")


def has_something(settings: Settings) -> bool:
    """Whether there is a database with anything in it: of PostgreSQL that is not known before it is asked."""
    database = DataDir(settings.data_dir).database
    return bool(_url(settings)) or (database.exists() and database.stat().st_size > 0)


def _url(settings: Settings) -> str:
    return settings.store.url.get_secret_value() if settings.store.url is not None else ""
