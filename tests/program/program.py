"""The real program, as its operator runs it: started, fed, killed; its database read behind its back."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from tests.fakes.empty_database import lay
from tests.program import process
from tests.program.life import Life
from tests.program.process import COLD, ROOT, Done, Process, Start

QUIET = '[embedder]\nkind = "none"\n[log]\nlevel = "error"\n'
"""No vectors, and no warning about that."""


class Program:
    """One installation: a data directory, a configuration and an empty home directory.

    ``stderr`` is the file of what its lives told on standard error. ``laid``: it was started before, and has an empty
    database; making one takes as long as all else of a short life.
    """

    def __init__(self, folder: Path, config: str = QUIET, *, laid: bool = False) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.home = folder / "home"
        self.home.mkdir(parents=True)
        self.config = folder / "config.toml"
        self.config.write_text(config, encoding="utf-8")
        self.database = self.data / "everbot.db"
        self.stderr = folder / "stderr.txt"
        self._wal = self.data / "everbot.db-wal"
        if laid:
            lay(self.database)

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "TIKTOKEN_CACHE_DIR") if name in os.environ}
        own = {"HOME": str(self.home), "EVERBOT_DATA_DIR": str(self.data), "TERM": "xterm", "USER": "ada"}
        return kept | own | {"PYTHONPATH": str(ROOT)}

    def to_start(self, *arguments: str, config: bool = True, terminal: bool = False, **more: str) -> Start:
        """In ``folder``, where config.toml is found, unless ``config`` is False."""
        place = self.folder if config else self.home
        return Start(arguments, str(place), self.environment | more, terminal)

    def run(self, *arguments: str, source: str | bytes = b"", config: bool = True, cold: bool = COLD) -> Done:
        """Run to its end."""
        fed = source.encode() if isinstance(source, str) else source
        return process.run(self.to_start(*arguments, config=config), fed, cold=cold)

    async def run_async(self, *arguments: str, source: str = "") -> Done:
        """`run` beside the test's own event loop."""
        return await asyncio.to_thread(lambda: self.run(*arguments, source=source))

    def told(self, *arguments: str, lines: Sequence[str] = ()) -> list[str]:
        """The lines that a command prints which must not fail, run to its end on these lines of input."""
        done = self.run(*arguments, source="".join(f"{line}\n" for line in lines))
        assert done.code == 0, done.err
        return done.out.splitlines()

    async def start(self, *arguments: str) -> Process:
        return await process.launch(self.to_start(*arguments))

    async def live(
        self, *arguments: str, lines: Sequence[str] = (), cold: bool = COLD, **environment: str
    ) -> Life:
        """A run that can be killed; its input ends after these lines."""
        with self.stderr.open("ab") as log:
            start = self.to_start(*arguments, **environment)
            running = await process.launch(start, stderr=log.fileno(), cold=cold)
        assert running.stdin is not None
        running.stdin.write("".join(f"{line}\n" for line in lines).encode())
        running.stdin.close()
        return Life(running)

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
        copy = self.folder / "copy"
        shutil.rmtree(copy, ignore_errors=True)
        copy.mkdir()
        for file in (self.database, self._wal):
            if file.exists():
                shutil.copy(file, copy / file.name)
        with closing(sqlite3.connect(copy / self.database.name)) as connection:
            connection.row_factory = sqlite3.Row
            yield connection
