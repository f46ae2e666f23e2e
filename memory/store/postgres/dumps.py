"""Copies of a PostgreSQL database, made and put back by its own programs."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from memory.errors import StoreUnavailable
from memory.store import tables as t
from memory.store.postgres.address import Address
from memory.store.schema import refuse_newer
from memory.uncancelled import ended

PART = ".part"
"""How the name of a copy ends that is not whole yet, or never was: its process died."""
_VERSION = re.compile(r"^COPY [^\n]*alembic_version[^\n]*\n(\w+)$", re.MULTILINE)


async def write(address: Address, target: Path) -> None:
    """Write a copy (pg_dump's custom format) of all that is committed now, for its owner's eyes only. Nothing is called
    ``target`` before it is whole and on the disk; who is cancelled leaves nothing.

    Raises `StoreUnavailable` when there is such a file, or it cannot be written, or pg_dump is missing or fails.
    """
    if await asyncio.to_thread(target.exists):
        raise StoreUnavailable(f"{target} exists; name a file that does not.")
    part = target.with_name(target.name + PART)
    try:
        part.unlink(missing_ok=True)
        part.touch(mode=0o600, exist_ok=False)
        await _run(address, "pg_dump", "--format=custom", "--no-owner", f"--file={part}", address.plain)
        await asyncio.to_thread(_settle, part, target)
    except OSError as error:
        raise StoreUnavailable(f"{target} cannot be written: {error}.") from None
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)


async def put_back(copy: Path, address: Address) -> None:
    """Put a copy in the place of what is in the database, with all that was in it gone.

    Raises `StoreUnavailable` for what is no sound copy, `StoreTooNew` for one of a newer everbot: all is as it was.
    """
    if not await asyncio.to_thread(copy.is_file):
        raise StoreUnavailable(f"There is no file {copy}.")
    try:
        told = await _run(
            address, "pg_restore", "--data-only", "--table=alembic_version", "--file=-", str(copy)
        )
    except StoreUnavailable as error:
        raise StoreUnavailable(f"{copy} is no backup of everbot's on PostgreSQL: {error}") from None
    version = _VERSION.search(told)
    if version is None:
        raise StoreUnavailable(f"{copy} is no backup of everbot's: it names no version of the schema.")
    refuse_newer(version[1], str(copy), "take another backup")
    await _run(address, "pg_restore", "--file=/dev/null", str(copy))  # it can be read to its end
    reading, writing = os.pipe()
    # All in one transaction, what is there now going first: an older copy has fewer tables than we.
    how = (
        "--no-psqlrc",
        "--quiet",
        "--single-transaction",
        "--set=ON_ERROR_STOP=1",
        f"--dbname={address.plain}",
    )
    ends = await asyncio.gather(
        _run(address, "psql", *how, f"--command={_emptied()}", "--file=-", of=reading),
        _run(address, "pg_restore", "--no-owner", "--no-privileges", "--file=-", str(copy), into=writing),
        return_exceptions=True,
    )
    for failure in ends:
        if isinstance(failure, BaseException):
            raise failure


def _emptied() -> str:
    names = [*(table.name for table in t.metadata.sorted_tables), "alembic_version"]
    names += [f"{kind}_{words}" for kind in t.FULL_TEXT for words in ("terms", "postings")]
    return f"DROP TABLE IF EXISTS {', '.join(names)} CASCADE"


async def _run(
    address: Address,
    program: str,
    *arguments: str,
    of: int = asyncio.subprocess.DEVNULL,
    into: int = asyncio.subprocess.PIPE,
) -> str:
    """What the program prints, unless that goes ``into`` elsewhere. A pipe's end is the program's, and closed here.
    Raises `StoreUnavailable`."""
    try:
        found = shutil.which(program)
        if found is None:
            raise StoreUnavailable(
                f"{program} is not installed here: install PostgreSQL's client programs (Debian: postgresql-client), "
                "or do it where the database runs."
            )
        process = await asyncio.create_subprocess_exec(
            found,
            *arguments,
            env=_environment(address, os.environ),
            stdin=of,
            stdout=into,
            stderr=asyncio.subprocess.PIPE,
        )
    finally:
        for end in (of, into):
            if end >= 0:
                os.close(end)
    talking = asyncio.ensure_future(process.communicate())
    try:
        printed, complained = await asyncio.shield(talking)
    except asyncio.CancelledError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await ended(talking)
        raise
    if process.returncode:
        raise StoreUnavailable(
            f"{program} failed ({_last(complained.decode(errors='replace').splitlines())})."
        )
    return (printed or b"").decode(errors="replace")


def _environment(address: Address, own: Mapping[str, str]) -> dict[str, str]:
    """A password is shown to nobody who lists processes."""
    return {**own} if address.password is None else {**own, "PGPASSWORD": address.password}


def _last(lines: Sequence[str]) -> str:
    return lines[-1].strip().rstrip(".") if lines else "it said nothing"


def _settle(part: Path, target: Path) -> None:
    with part.open("rb+") as file:
        os.fsync(file.fileno())
    part.rename(target)
