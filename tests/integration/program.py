"""The real program in a process of its own: run to its end, or started and talked with."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LIMIT_S = 60
QUIET = '[embedder]\nkind = "none"\n[log]\nlevel = "error"\n'
"""No vectors, and no warning about that."""


@dataclass(frozen=True)
class Done:
    code: int
    out: str
    err: str

    @property
    def sentence(self) -> str:
        """What was told on standard error by a command that failed: one line, and no traceback."""
        assert self.code == 1, (self.code, self.err)
        (line,) = self.err.splitlines()
        assert line.startswith("everbot: ")
        assert line.endswith((".", ")."))
        return line


class Program:
    """One installation: a data directory, a configuration and an empty home."""

    def __init__(self, folder: Path, config: str = QUIET) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.home = folder / "home"
        self.home.mkdir(parents=True)
        self.config = folder / "config.toml"
        self.config.write_text(config, encoding="utf-8")

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "TIKTOKEN_CACHE_DIR") if name in os.environ}
        own = {"HOME": str(self.home), "EVERBOT_DATA_DIR": str(self.data), "TERM": "xterm", "USER": "ada"}
        return kept | own | {"PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "error::ResourceWarning"}

    @staticmethod
    def command(*arguments: str) -> list[str]:
        return [sys.executable, "-m", "bot", *arguments]

    def run(self, *arguments: str, source: str | bytes = b"", config: bool = True) -> Done:
        """Runs in ``folder``, where config.toml is found, unless ``config`` is False."""
        done = subprocess.run(
            self.command(*arguments),
            input=source.encode() if isinstance(source, str) else source,
            capture_output=True,
            cwd=self.folder if config else self.home,
            env=self.environment,
            timeout=LIMIT_S,
            check=False,
        )
        return Done(done.returncode, done.stdout.decode(), done.stderr.decode())

    async def start(self, *arguments: str) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *self.command(*arguments),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            cwd=self.folder,
            env=self.environment,
        )

    async def run_async(self, *arguments: str, source: str = "") -> Done:
        """`run` beside the test's own event loop."""
        return await asyncio.to_thread(lambda: self.run(*arguments, source=source))
