"""An exception told to whoever runs the bot: its kind and where it was raised, not its text, which may be somebody's
words."""

from __future__ import annotations

import traceback
from pathlib import PurePath


def fault(error: BaseException) -> str:
    """Such as ``KeyError in content.py:50``."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f" in {PurePath(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}{where}"
