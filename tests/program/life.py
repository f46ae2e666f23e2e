"""One process of the program, from its start to its end."""

from __future__ import annotations

import asyncio
import json
import signal
from typing import Any, Self

from tests.program.process import Process


class Tally:
    """A count that one can wait for, until it is closed."""

    def __init__(self) -> None:
        self.count = 0
        self._closed = False
        self._change = asyncio.Event()

    def add(self) -> None:
        self.count += 1
        self._change.set()

    def close(self) -> None:
        self._closed = True
        self._change.set()

    async def reach(self, count: int) -> None:
        """Returns when it is reached, or can't be any more."""
        while self.count < count and not self._closed:
            self._change.clear()
            await self._change.wait()


class Life:
    """``lines`` are the JSON objects that the process printed.

    ``async with`` it: no process outlives a test.
    """

    def __init__(self, process: Process) -> None:
        self.lines: list[dict[str, Any]] = []
        self.printed = Tally()
        self._process = process
        self._reading = asyncio.create_task(self._read())

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.kill()

    async def _read(self) -> None:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            if line.endswith(b"\n"):  # a line cut short by the kill was never said
                self.lines.append(json.loads(line))
                self.printed.add()
        self.printed.close()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def code(self) -> int | None:
        """The exit code, None while it runs."""
        return self._process.returncode

    async def ended(self) -> int:
        """The exit code, once everything that was printed is read."""
        await self._reading
        return await self._process.wait()

    async def stopped(self) -> int:
        """The exit code after SIGTERM."""
        self._process.send_signal(signal.SIGTERM)
        return await self.ended()

    async def kill(self) -> bool:
        """SIGKILL, and the end; False when the process had ended by itself before."""
        if self._process.returncode is None:
            self._process.kill()
        return await self.ended() == -signal.SIGKILL
