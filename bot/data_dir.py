"""The data directory: what lies where in it, and its lock: one process runs turns, courier and vector index."""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from filelock import FileLock, Timeout

from bot.errors import refused
from memory.errors import StoreBusy, StoreUnavailable

_FOLDERS = ("backups", "chroma", "exports", "history", "saves")
_OTHERS = 0o077
_LONG = 150  # characters of a file's name; most file systems take 255


@dataclass(frozen=True)
class DataDir:
    """Where things lie. ``saves`` and ``exports`` are folders of files named ``agent-<id>-...``."""

    path: Path

    @property
    def database(self) -> Path:
        return self.path / "everbot.db"

    @property
    def moved(self) -> Path:
        """Where the database's rows are now, if `everbot store migrate` moved them."""
        return self.path / "moved-to"

    @property
    def chroma(self) -> Path:
        return self.path / "chroma"

    @property
    def secret_key(self) -> Path:
        """Of what is sealed in the database."""
        return self.path / "secret.key"

    @property
    def models(self) -> Path:
        return self.path / "models"

    @property
    def token_tables(self) -> Path:
        return self.path / "tiktoken"

    @property
    def saves(self) -> Path:
        return self.path / "saves"

    @property
    def exports(self) -> Path:
        return self.path / "exports"

    @property
    def backups(self) -> Path:
        return self.path / "backups"

    def history(self, name: str) -> Path:
        """The file of the lines that a person typed at this terminal."""
        file = quote(name, safe="") or "_"
        digest = hashlib.sha256(file.encode()).hexdigest()
        return self.path / "history" / (file if len(file) < _LONG else f"{file[:_LONG]}-{digest}")


@contextmanager
def hold(data_dir: Path, command: str) -> Iterator[None]:
    """Hold the directory while the block runs. The lock ends with the process, however it ends.

    Raises `StoreBusy`, naming who holds it, or `StoreUnavailable`.
    """
    note = data_dir / "holder"
    try:
        private(data_dir)
        lock = FileLock(data_dir / "lock", timeout=0)
        lock.acquire()
    except Timeout:
        raise StoreBusy(
            f"{data_dir} is in use by {holder(data_dir)}. Stop it first, or set data_dir (EVERBOT_DATA_DIR) "
            "to another directory."
        ) from None
    except OSError as error:
        raise _unusable(data_dir, error) from None
    try:
        note.write_text(f"`everbot {command}` (process {os.getpid()})", encoding="utf-8")
        yield
    finally:
        note.unlink(missing_ok=True)
        lock.release()


def private(data_dir: Path) -> None:
    """Make the directory, and see that it and what it holds is its owner's alone: it is what people said.

    Raises `StoreUnavailable` when it cannot be made.
    """
    try:
        data_dir.mkdir(parents=True, mode=0o700, exist_ok=True)
    except OSError as error:
        raise _unusable(data_dir, error) from None
    kept = [data_dir, *data_dir.glob("everbot.db*"), *(data_dir / name for name in _FOLDERS)]
    with contextlib.suppress(OSError):  # it is not ours to change, or cannot be written: others say so
        for path in kept:
            if path.exists() and (mode := path.stat().st_mode) & _OTHERS:
                path.chmod(stat.S_IMODE(mode) & ~_OTHERS)
        DataDir(data_dir).database.touch(mode=0o600, exist_ok=True)


def _unusable(data_dir: Path, error: OSError) -> StoreUnavailable:
    return StoreUnavailable(
        f"data_dir {data_dir} cannot be used: {refused(error)}. Make it writable, or set another one "
        "(data_dir in config.toml, or EVERBOT_DATA_DIR)."
    )


def is_held(data_dir: Path) -> bool:
    """Whether a process holds the directory now."""
    lock = FileLock(data_dir / "lock", timeout=0)
    try:
        lock.acquire()
    except (Timeout, OSError):
        return True
    lock.release()
    return False


def holder(data_dir: Path) -> str:
    """Who holds it, for people."""
    try:
        return (data_dir / "holder").read_text(encoding="utf-8")
    except OSError:
        return "another process"
