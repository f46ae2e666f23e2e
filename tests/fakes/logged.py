"""The log of a process, begun as the program begins it, and put back as it was."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bot import logs
from bot.settings import Settings


@contextmanager
def logged(file: Path, **log: str) -> Iterator[Path]:
    """Everything is logged to the file, by default at debug, while the block runs."""
    root, hooks = logging.getLogger(), (threading.excepthook, sys.unraisablehook)
    handlers, level = root.handlers[:], root.level
    levels = {name: logging.getLogger(name).level for name in logs.OURS}
    root.handlers[:] = []
    logs.begin(Settings.model_validate({"log": {"level": "debug", "file": str(file)} | log}))
    try:
        yield file
    finally:
        for handler in root.handlers:
            handler.close()
        root.handlers[:] = handlers
        root.setLevel(level)
        for name, before in levels.items():
            logging.getLogger(name).setLevel(before)
        threading.excepthook, sys.unraisablehook = hooks
