"""The floor of a turn: what no chat bot can do without that loses nothing. Its commits, in bare aiosqlite with
everbot's own settings of SQLite, and one HTTP round trip, by bare sockets; nothing else."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import aiosqlite

COMMITS = 3  # before a reply is sent: received, begun, answered and claimed for sending
_BODY = b'{"stream":true,"messages":"' + b"x" * 40_000 + b'","tools":[]}'  # as long as a request of everbot's


class Floor:
    """Make one with `opened`."""

    def __init__(
        self,
        database: aiosqlite.Connection,
        url: str,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self._database = database
        self._reader, self._writer = reader, writer
        head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: {url}\r\nContent-Length: {len(_BODY)}\r\n\r\n"
        self._request = head.encode() + _BODY

    async def turn(self) -> float:
        """Seconds."""
        start = time.perf_counter()
        for _ in range(COMMITS):
            await self._database.execute("INSERT INTO rows (text) VALUES (?)", ("x" * 1_000,))
            await self._database.commit()
        self._writer.write(self._request)
        await self._reader.readuntil(b"\r\n0\r\n\r\n")
        return time.perf_counter() - start


@asynccontextmanager
async def opened(directory: Path, url: str) -> AsyncIterator[Floor]:
    """On a database in the directory, and the model server at ``url``."""
    place = urlsplit(url)
    reader, writer = await asyncio.open_connection(place.hostname, place.port)
    async with aiosqlite.connect(directory / "floor.db") as database:
        await database.execute("PRAGMA journal_mode=WAL")
        await database.execute("PRAGMA synchronous=FULL")
        await database.execute("CREATE TABLE IF NOT EXISTS rows (text TEXT)")
        yield Floor(database, place.netloc, reader, writer)
    writer.close()
