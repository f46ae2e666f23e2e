"""A way to a server on which nothing arrives any more, though no connection is closed: as when a cable is cut. What was
under way arrives when it is mended, as TCP sends it again."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import TracebackType
from typing import Self


class SilentProxy:
    """Passes on what it is told to the server on a Unix socket or a port of loopback, and back; while it is cut,
    nothing."""

    def __init__(self, server: Path | int) -> None:
        self._to = server
        self._passes = asyncio.Event()
        self._passes.set()
        self._ways: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._pass, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        for way in list(self._ways):
            way.cancel()
        await asyncio.gather(*self._ways, return_exceptions=True)
        await self._server.wait_closed()

    def cut(self) -> None:
        self._passes.clear()

    def mend(self) -> None:
        self._passes.set()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._ways.add(task)
        if isinstance(self._to, int):
            back, onwards = await asyncio.open_connection("127.0.0.1", self._to)
        else:
            back, onwards = await asyncio.open_unix_connection(self._to)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._copy(reader, onwards))
                group.create_task(self._copy(back, writer))
        except* (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self._ways.discard(task)
            for each in (writer, onwards):
                each.transport.abort()

    async def _copy(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        while data := await source.read(65_536):
            await self._passes.wait()
            target.write(data)
            await target.drain()
        await self._passes.wait()
        target.close()
