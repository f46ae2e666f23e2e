"""The lines that a person typed, for the arrow keys: in a file, as far as that can be had. SDK: prompt_toolkit."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from pathlib import Path

from prompt_toolkit.history import FileHistory


class History(FileHistory):
    """Whatever keeps the file from being read or written (a full disk, somebody else's file), nobody is stopped from
    talking: the lines are known until the process ends."""

    def __init__(self, path: Path) -> None:
        with contextlib.suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            path.touch(mode=0o600)
        super().__init__(str(path))

    def load_history_strings(self) -> Iterable[str]:
        with contextlib.suppress(OSError):
            yield from super().load_history_strings()

    def store_string(self, string: str) -> None:
        if string.startswith("/connect "):  # a token may stand behind it
            return
        with contextlib.suppress(OSError):
            super().store_string(string)
