"""A way to a server on which nothing arrives any more, though no connection is closed: as when a cable is cut."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import TracebackType
from typing import Self


class SilentProxy:
    """Passes on what it is told to the server on a Unix socket, and back; while it ``swallows``, nothing."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket
        self.swallows = False
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

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._ways.add(task)
        back, onwards = await asyncio.open_unix_connection(self._socket)
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
            if not self.swallows:
                target.write(data)
                await target.drain()
        if not self.swallows:
            target.close()
