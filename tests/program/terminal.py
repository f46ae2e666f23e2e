"""A person at a terminal: the real program behind a pseudo-terminal."""

from __future__ import annotations

import asyncio
import fcntl
import os
import pty
import re
import struct
import termios
from types import TracebackType
from typing import Self

from tests.patience import PATIENCE_S
from tests.program.process import launch
from tests.program.program import Program

_SEQUENCE = re.compile(r"\x1b(\[[0-9;?]*[a-zA-Z]|\][^\x07]*\x07|[=>()][0-9A-Z]?)")
CTRL_C, CTRL_D, ENTER = "\x03", "\x04", "\r"


class Terminal:
    """``async with Terminal(program, "chat") as terminal``; no process outlives the block. ``before`` are keys that are
    pressed before it starts."""

    def __init__(self, program: Program, *arguments: str, before: str = "") -> None:
        self._program = program
        self._arguments = arguments
        self._before = before
        self._raw = b""
        self._read_to = 0
        self._news = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 0, 0))
        os.write(self._master, self._before.encode())
        start = self._program.to_start(*self._arguments, terminal=True)
        self._process = await launch(start, stdin=slave, stdout=slave, stderr=slave)
        os.close(slave)
        asyncio.get_running_loop().add_reader(self._master, self._read)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.returncode is None:
            self._process.kill()
            await self._process.wait()
        asyncio.get_running_loop().remove_reader(self._master)
        os.close(self._master)

    def _read(self) -> None:
        try:
            data = os.read(self._master, 65_536)
        except OSError:  # the other side is closed
            asyncio.get_running_loop().remove_reader(self._master)
            data = b""
        for _ in range(data.count(b"\x1b[6n")):  # "where is the cursor?"
            os.write(self._master, b"\x1b[40;1R")
        self._raw += data
        self._news.set()

    @property
    def raw(self) -> str:
        """All that was ever sent to the terminal."""
        return self._raw.decode("utf-8", "replace")

    @property
    def screen(self) -> str:
        """All that was ever shown, without control sequences."""
        return _SEQUENCE.sub("", self.raw).replace("\r", "")

    def type(self, keys: str) -> None:
        """Press keys; what `shown` then waits for is what they lead to."""
        self._read_to = len(self.screen)
        os.write(self._master, keys.encode())

    async def shown(self, text: str) -> None:
        """Returns when this is shown, after all that was waited for before."""
        while (at := self.screen.find(text, self._read_to)) < 0:
            self._news.clear()
            try:
                await asyncio.wait_for(self._news.wait(), PATIENCE_S)
            except TimeoutError:
                raise AssertionError(
                    f"{text!r} is not shown after {self._read_to}: {self.screen!r}"
                ) from None
        self._read_to = at + len(text)

    async def ended(self) -> int:
        async with asyncio.timeout(PATIENCE_S):
            return await self._process.wait()
