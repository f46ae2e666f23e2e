"""The real program, as its operator runs it: started, fed, killed; its database read behind its back."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Self

ROOT = Path(__file__).resolve().parents[2]


class Home:
    """One installation: a data directory, a configuration and an empty home directory."""

    def __init__(self, directory: Path, config: str) -> None:
        self._directory = directory
        self.database = directory / "data" / "everbot.db"
        self._wal = directory / "data" / "everbot.db-wal"
        self._config = directory / "config.toml"
        self._config.write_text(config, encoding="utf-8")
        self.stderr = directory / "stderr.txt"
        (directory / "home").mkdir()

    def _command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "bot", *arguments, "--config", str(self._config)]

    def _environment(self, **more: str) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "TIKTOKEN_CACHE_DIR") if name in os.environ}
        home = {"HOME": str(self._directory / "home"), "EVERBOT_DATA_DIR": str(self.database.parent)}
        return {**kept, **home, **more}

    def run(self, *arguments: str, lines: Sequence[str] = ()) -> list[str]:
        """The lines that a command prints, run to its end on these lines of input."""
        done = subprocess.run(
            self._command(*arguments),
            input="".join(f"{line}\n" for line in lines),
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=300,
            check=False,
            cwd=ROOT,
            env=self._environment(),
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    async def start(self, *arguments: str, lines: Sequence[str], **environment: str) -> Life:
        """A run that can be killed; its input ends after these lines."""
        with self.stderr.open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                *self._command(*arguments),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                cwd=ROOT,
                env=self._environment(**environment),
            )
        assert process.stdin is not None
        process.stdin.write("".join(f"{line}\n" for line in lines).encode())
        process.stdin.close()
        return Life(process)

    async def written(self, times: int) -> None:
        """Returns when SQLite's log has been written to so often: about when something commits."""
        for _ in range(times):
            before = self._written()
            while self._written() == before:
                await asyncio.sleep(0)

    def _written(self) -> tuple[int, int]:
        try:
            state = self._wal.stat()
        except FileNotFoundError:  # closed in good order
            return 0, 0
        return state.st_size, state.st_mtime_ns

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A copy of the database as the dead process left it, so that looking changes nothing."""
        copy = self._directory / "copy"
        shutil.rmtree(copy, ignore_errors=True)
        copy.mkdir()
        for file in (self.database, self._wal):
            if file.exists():
                shutil.copy(file, copy / file.name)
        with closing(sqlite3.connect(copy / self.database.name)) as connection:
            connection.row_factory = sqlite3.Row
            yield connection


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
    """One process, from its start to its end. ``lines`` are the JSON objects that it printed.

    ``async with`` it: no process outlives a test.
    """

    def __init__(self, process: asyncio.subprocess.Process) -> None:
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

    async def ended(self) -> int:
        """The exit code, once everything that was printed is read."""
        await self._reading
        return await self._process.wait()

    async def kill(self) -> bool:
        """SIGKILL, and the end; False when the process had ended by itself before."""
        if self._process.returncode is None:
            self._process.kill()
        return await self.ended() == -signal.SIGKILL
