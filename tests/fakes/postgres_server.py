"""A real PostgreSQL server of the tests' own: in a temporary folder, on a Unix socket, for nobody else.

The first test that needs it starts it, for all processes of one run of pytest; `tests.conftest` stops it. A server that
is there already is used when ``EVERBOT_TEST_POSTGRES`` names a database on it (whose user may make others).
"""

from __future__ import annotations

import asyncio
import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock

if TYPE_CHECKING:  # tests.conftest imports this in pytest's own process, too, for which all workers wait
    import asyncpg
    from pydantic import SecretStr

_FOLDER = "EVERBOT_TEST_POSTGRES_FOLDER"
_RUN = "EVERBOT_TEST_POSTGRES_RUN"  # process of the run of pytest
_GIVEN = "EVERBOT_TEST_POSTGRES"
_WATCH = """
(
    while [ -d "$0" ] && kill -0 "$1"; do sleep 2; done
    kill -QUIT "$(head -n 1 "$0/data/postmaster.pid")"
    rm -rf "$0"
) </dev/null >/dev/null 2>&1 &
"""
ALONE = os.environ.get("EVERBOT_TEST_DATABASE") == "postgres"
"""Whether what can be run on either database is to be run on PostgreSQL."""
SEALED = ALONE and os.environ.get("EVERBOT_TEST_SEALED") == "1"
"""Whether what is said is sealed there: run by hand, before a change of what is written or asked (CONTRIBUTING.md)."""
_QUICK = (  # nothing of it has to last
    "-c fsync=off -c synchronous_commit=off -c full_page_writes=off -c max_connections=200 -c shared_buffers=32MB "
    "-c autovacuum=off -c max_wal_size=64MB -c wal_level=minimal -c max_wal_senders=0"
)


def lacking() -> str:
    """Why there can be no server here; empty if there can. Where PostgreSQL was asked for (`make test-postgres`) it has
    to be there."""
    if ALONE or os.environ.get(_GIVEN) or _found() is not None:
        return ""
    return "no PostgreSQL server is installed here (Debian: apt install postgresql)"


def prepare(parent: Path | None) -> None:
    """Before any test: where the server would be."""
    os.environ[_RUN] = str(os.getpid())
    os.environ[_FOLDER] = tempfile.mkdtemp(prefix="everbot-postgres-", dir=parent)


def stop() -> None:
    """After all tests."""
    folder = Path(os.environ.pop(_FOLDER))
    there = _found()
    if there is not None and (folder / "data" / "postmaster.pid").exists():
        run(there / "pg_ctl", "stop", "--mode=immediate", f"--pgdata={folder / 'data'}", must=False)
    shutil.rmtree(folder, ignore_errors=True)


def url(database: str = "postgres") -> str:
    """Of a database on the running server."""
    given = os.environ.get(_GIVEN)
    if given:
        return f"{given.rpartition('/')[0]}/{database}"
    return f"postgresql://everbot@/{database}?host={_started()}"


@asynccontextmanager
async def asked(where: str) -> AsyncIterator[asyncpg.Connection]:
    import asyncpg

    connection = await asyncpg.connect(where)
    try:
        yield connection
    finally:
        await connection.close()


_BESIDE: dict[Path, NewDatabase] = {}


def url_beside(folder: Path) -> SecretStr | None:
    """Of the database that belongs to a data directory, where stories are told on PostgreSQL (`ALONE`), else None."""
    if not ALONE:
        return None
    from pydantic import SecretStr

    database = _BESIDE.setdefault(folder, NewDatabase())
    with ThreadPoolExecutor(1) as thread:  # for there a loop can be run whoever asks
        return SecretStr(thread.submit(asyncio.run, database.url()).result())


def keys() -> Path:
    """Where the keys of all databases lie that are sealed."""
    return _folder() / "keys"


def ask_beside(where: SecretStr, query: str, *values: object) -> list[Any]:
    """The rows of a query that is written as for SQLite."""
    parts = query.split("?")
    counted = "".join(f"{part}${n}" for n, part in enumerate(parts[:-1], 1)) + parts[-1]

    async def ask() -> list[Any]:
        async with asked(where.get_secret_value()) as connection:
            if SEALED:
                await _open_sealed(connection)
            return [tuple(row) for row in await connection.fetch(counted, *values)]

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, ask()).result()


async def _open_sealed(connection: asyncpg.Connection) -> None:
    """Let it read what is sealed, as everbot does."""
    from memory.store.postgres.keys import keys_in
    from memory.store.postgres.sealing import Sealing

    name = await connection.fetchval("SELECT value FROM meta WHERE name = 'keys'")
    sealing = Sealing(keys())
    sealing.begin(keys_in(keys(), name), name)
    await sealing.open_on(connection)


async def drop_beside() -> None:
    """After a test."""
    while _BESIDE:
        await _BESIDE.popitem()[1].drop()


async def files_with(where: str, word: bytes) -> list[str]:
    """The files of a database in which it stands."""
    async with asked(where) as connection:
        await connection.execute("CHECKPOINT")
        folder = Path(await connection.fetchval("SHOW data_directory"))
        oid = await connection.fetchval("SELECT oid FROM pg_database WHERE datname = current_database()")
    return [file.name for file in (folder / "base" / str(oid)).iterdir() if word in file.read_bytes()]


async def whole_server_files_with(where: str, word: bytes) -> list[str]:
    """As `files_with`, and of the server's log of writes."""
    found = await files_with(where, word)
    async with asked(where) as connection:
        folder = Path(await connection.fetchval("SHOW data_directory"))
    return [*found, *(file.name for file in (folder / "pg_wal").glob("0*") if word in file.read_bytes())]


class NewDatabase:
    """A database of a test's own."""

    def __init__(self) -> None:
        self._name = f"test_{secrets.token_hex(8)}"
        self._made = False

    async def url(self, *, empty: bool = False, tablespace: str = "pg_default") -> str:
        """``empty``: no everbot has seen it yet."""
        if not self._made:
            template = "template0" if empty else await asyncio.to_thread(_template)
            async with asked(url()) as connection:
                await connection.execute(
                    f"CREATE DATABASE {self._name} TEMPLATE {template} STRATEGY file_copy TABLESPACE {tablespace}"
                )
            self._made = True
        return url(self._name)

    async def drop(self) -> None:
        if self._made:
            async with asked(url()) as connection:
                await connection.execute(f"DROP DATABASE {self._name} WITH (FORCE)")


@cache
def _template() -> str:
    """The name of a database that is migrated: that takes longer than most of the tests."""
    from memory.store.postgres.database import PostgresDatabase

    name = "everbot_template"

    async def make() -> None:
        async with asked(url()) as connection:
            if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", name):
                await connection.execute(f"CREATE DATABASE {name} TEMPLATE template0")
                await (await PostgresDatabase.open(url(name))).close()

    with FileLock(_folder() / "template-lock"):
        with ThreadPoolExecutor(1) as thread:  # for there a loop can be run whoever asks
            thread.submit(asyncio.run, make()).result()
    return name


def _folder() -> Path:
    return Path(os.environ[_FOLDER])


@cache
def _started() -> Path:
    folder = _folder()
    data = folder / "data"
    with FileLock(folder / "lock"):
        if not data.exists():
            if owner := user():
                shutil.chown(folder, owner["user"], owner["group"])
            making = (
                "--username=everbot",
                "--auth=trust",
                "--encoding=UTF8",
                "--no-sync",
                "--no-instructions",
            )
            run(programs() / "initdb", *making, "--locale=C", f"--pgdata={data}")
            where = f"-c listen_addresses='' -c unix_socket_directories={folder} {_QUICK}"
            watch(folder)
            log = folder / "log"
            run(
                programs() / "pg_ctl",
                "start",
                "--wait",
                f"--pgdata={data}",
                f"--log={log}",
                f"--options={where}",
            )
    return folder


def watch(folder: Path) -> None:
    """A run of pytest that is killed stops no server: this does."""
    subprocess.run(["/bin/sh", "-c", _WATCH, folder, os.environ[_RUN]], check=True)


def run(program: Path, *arguments: str, must: bool = True) -> None:
    done = subprocess.run(
        [program, *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        cwd="/",
        check=False,
        **user(),
    )
    assert not must or done.returncode == 0, done.stderr.decode(errors="replace")


def programs() -> Path:
    """The folder of the newest server's programs."""
    there = _found()
    assert there is not None, lacking()
    return there


@cache
def _found() -> Path | None:
    """The folder of the newest server's programs: Debian does not put them on the path."""
    found = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    if found:
        return max(found, key=lambda path: int(path.parent.name))
    there = shutil.which("initdb")
    return Path(there).resolve().parent if there else None


@cache
def user() -> dict[str, Any]:
    """Whom it runs as: it refuses to run as root."""
    if os.getuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        try:
            known = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": known.pw_uid, "group": known.pw_gid, "extra_groups": []}
    return {}
