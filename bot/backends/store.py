"""Which database it is: SQLite in the data directory, or the PostgreSQL that is configured."""

from __future__ import annotations

from pathlib import Path

from bot.data_dir import DataDir
from bot.errors import SettingsError
from bot.settings import Settings
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
        return await Database.open(DataDir(settings.data_dir).database)
    if lacks("postgres"):
        raise SettingsError(f"store.url is set: to use it, {how_to_have('postgres')}.")
    from memory.store.postgres.database import PostgresDatabase

    return await PostgresDatabase.open(url)


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


def has_something(settings: Settings) -> bool:
    """Whether there is a database with anything in it: of PostgreSQL that is not known before it is asked."""
    database = DataDir(settings.data_dir).database
    return bool(_url(settings)) or (database.exists() and database.stat().st_size > 0)


def _url(settings: Settings) -> str:
    return settings.store.url.get_secret_value() if settings.store.url is not None else ""
