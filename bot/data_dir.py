"""The lock on the data directory: one process runs turns, courier and vector index."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from memory.errors import StoreBusy, StoreUnavailable


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
        raise StoreUnavailable(
            f"data_dir {data_dir} cannot be used: {error.strerror}. Make it writable, or set another one "
            "(data_dir in config.toml, or EVERBOT_DATA_DIR)."
        ) from None
    try:
        note.write_text(f"`everbot {command}` (process {os.getpid()})", encoding="utf-8")
        yield
    finally:
        note.unlink(missing_ok=True)
        lock.release()


def private(data_dir: Path) -> None:
    """Make the directory, for its owner only: it holds what people said."""
    if not data_dir.exists():
        data_dir.mkdir(parents=True, mode=0o700)


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
