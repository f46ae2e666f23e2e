"""Copies of a database: written while it is in use, and put back in its place."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sqlite3
from contextlib import closing
from pathlib import Path

from memory.errors import StoreTooNew, StoreUnavailable
from memory.uncancelled import ended

PART = ".part"
"""How the name of a copy ends that is not whole yet, or never was: its process died."""


async def write(source: Path, target: Path, *, unused: bool = False) -> None:
    """Write a consistent copy of ``source`` as of now, for its owner's eyes only. Nothing is called ``target`` before
    it is whole and on the disk; who is cancelled leaves nothing. ``unused``: nobody has the source open.

    Raises `StoreUnavailable` when there is such a file, or it cannot be written.
    """
    try:
        with closing(_opened(source, unused=unused)) as connection:
            work = asyncio.ensure_future(asyncio.to_thread(_copy, connection, target))
            try:
                await asyncio.shield(work)
            except asyncio.CancelledError:
                connection.interrupt()
                await ended(work)
                raise
    except FileExistsError:
        raise StoreUnavailable(f"{target} exists; name a file that does not.") from None
    except (sqlite3.Error, OSError) as error:
        raise StoreUnavailable(f"{target} cannot be written: {error}.") from None


async def put_back(copy: Path, database: Path, head: str) -> None:
    """Put a copy in the place of a database that nobody has open, with all that was in it gone; ``head`` is the newest
    schema that we know.

    Raises `StoreUnavailable` for what is no sound copy, `StoreTooNew` for one of a newer everbot: all is as it was.
    """
    await asyncio.to_thread(_check, copy, head)
    new = database.with_name(f"{database.name}.new")
    await asyncio.to_thread(new.unlink, missing_ok=True)
    await write(copy, new, unused=True)
    await asyncio.to_thread(_swap, new, database)


def _opened(path: Path, *, unused: bool) -> sqlite3.Connection:
    # What nobody has open may lie where nothing can be written, not even SQLite's files beside it.
    whole = unused and not path.with_name(f"{path.name}-wal").exists()
    uri = f"{path.absolute().as_uri()}?mode=ro{'&immutable=1' if whole else ''}"
    return sqlite3.connect(uri, uri=True, check_same_thread=False)


def _copy(connection: sqlite3.Connection, target: Path) -> None:
    if target.exists():
        raise FileExistsError
    part = target.with_name(target.name + PART)
    part.unlink(missing_ok=True)
    try:
        part.touch(mode=0o600, exist_ok=False)
        connection.execute("VACUUM INTO ?", (str(part),))
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        part.rename(target)
    except BaseException:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
        raise
    _settled(target.parent)


def _swap(new: Path, database: Path) -> None:
    for ending in ("-wal", "-shm"):  # they would be taken for the new one's
        database.with_name(database.name + ending).unlink(missing_ok=True)
    new.replace(database)
    _settled(database.parent)


def _settled(folder: Path) -> None:
    """The folder's list of names is on the disk, where systems let us ask for that."""
    with contextlib.suppress(OSError):
        number = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)


def _check(copy: Path, head: str) -> None:
    if not copy.is_file():
        raise StoreUnavailable(f"There is no file {copy}.")
    try:
        with closing(_opened(copy, unused=True)) as connection:
            [(found,)] = connection.execute("PRAGMA quick_check(1)").fetchall()
            versions = connection.execute("SELECT version_num FROM alembic_version").fetchall()
            connection.execute("SELECT count(*) FROM agents").fetchone()
    except (sqlite3.Error, OSError) as error:
        raise StoreUnavailable(f"{copy} is no backup of everbot's, or it is damaged ({error}).") from None
    if found != "ok" or not versions:
        raise StoreUnavailable(f"{copy} is damaged ({found}): take another backup.")
    if versions[0][0] > head:
        raise StoreTooNew(
            f"{copy} was written by a newer everbot (schema {versions[0][0]}, this one knows {head}). Upgrade everbot."
        )
