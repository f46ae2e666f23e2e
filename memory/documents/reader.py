"""Reads documents in a process of its own: what a stranger's file does to its parser is done to nobody else.

The process is bounded in memory, time and what it may answer, has no part of our environment, and is killed when it
is out of bounds or no longer wanted.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from memory.documents.child import NO_MEMORY
from memory.documents.kinds import format_of
from memory.documents.reading import check_reader, text_of
from memory.errors import DocumentError

_ROOT = Path(__file__).parents[2]
_LINE = 1 << 16


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """``memory`` in bytes of address space; ``seconds`` of one processor, and as many more for each megabyte as
    ``seconds_a_megabyte`` says, which on a busy machine may take ``patience`` times as long; ``characters`` of text."""

    memory: int = 2 << 30
    seconds: float = 15.0
    seconds_a_megabyte: float = 3.0
    patience: float = 2.0
    characters: int = 50_000_000

    def time(self, size: int) -> float:
        return self.seconds + self.seconds_a_megabyte * size / 1e6


class Reader:
    """One document at a time, in the order in which they are asked for. With ``keep`` the process is there for the
    next one until `close`; else it ends with each document."""

    def __init__(self, bounds: Bounds | None = None, *, keep: bool = False) -> None:
        self._bounds = bounds or Bounds()
        self._keep = keep
        self._turn = asyncio.Lock()
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Reader:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        if process.stdin is not None:
            process.stdin.close()
        await process.wait()

    async def read(self, name: str, data: bytes) -> str:
        """The text in a file of that name, as `memory.documents.reading.text_of` gives it. Raises `DocumentError`."""
        form = format_of(name, data)
        if not form:
            return await asyncio.to_thread(text_of, name, data)  # to decode is no parsing
        check_reader(name, form)
        async with self._turn:
            whole = False
            try:
                async with asyncio.timeout(self._bounds.patience * self._bounds.time(len(data))):
                    text = await self._asked(name, data)
                whole = self._keep
                return text
            except TimeoutError:
                raise DocumentError(_TOO_LONG.format(name=name)) from None
            except DocumentError:
                whole = self._keep and self._process is not None and self._process.returncode is None
                raise
            finally:
                if not whole:
                    await self.close()

    async def _asked(self, name: str, data: bytes) -> str:
        process = self._process or await self._begin(name)
        assert process.stdin is not None
        assert process.stdout is not None
        asked = {
            "name": name,
            "bytes": len(data),
            "seconds": int(self._bounds.time(len(data))),
            "characters": self._bounds.characters,
        }
        try:
            process.stdin.write(json.dumps(asked).encode() + b"\n")
            process.stdin.write(data)
            await process.stdin.drain()
            answer = json.loads(await process.stdout.readuntil(b"\n"))
            if "error" in answer:
                raise DocumentError(answer["error"])
            return (await process.stdout.readexactly(answer["bytes"])).decode()
        except (OSError, EOFError):
            raise DocumentError(f"{name} {_why(await process.wait())}") from None

    async def _begin(self, name: str) -> asyncio.subprocess.Process:
        environment = {"PYTHONPATH": str(_ROOT), "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        kept = {key: os.environ[key] for key in ("PATH", "LANG", "LC_ALL", "SYSTEMROOT") if key in os.environ}
        try:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-P", "-m", "memory.documents.child", str(self._bounds.memory)),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                env=kept | environment,
                limit=_LINE,
            )
        except OSError as error:
            raise DocumentError(f"{name} cannot be read now: {error.strerror}.") from error
        return self._process


_TOO_LONG = "{name} takes too long to read: reading it was broken off."


def _why(ended: int) -> str:
    """What to say of a document with which the process ended."""
    if ended == NO_MEMORY:
        return "takes too much memory to read."
    if ended == -getattr(signal, "SIGXCPU", 0):
        return _TOO_LONG.format(name="").strip()
    return f"cannot be read: reading it ended the process that did ({ended})."
