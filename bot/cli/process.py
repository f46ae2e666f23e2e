"""What the process is tuned to as a whole: its event loop, and when Python looks for garbage."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

_SELDOM = (20_000, 20, 50)
"""A turn makes and drops thousands of objects, nearly none of them in circles: Python's own (700, 10, 10) would look
through all that lives several times a second."""


def begin() -> None:
    """The process is everbot's own: no garbage is looked for while the program is imported."""
    gc.disable()


def run(work: Coroutine[Any, Any, T]) -> T:
    """As `asyncio.run`, on uvloop where that is installed (the extra ``speed``)."""
    if not gc.isenabled():  # see `begin`
        gc.freeze()  # modules and classes stay to the end
        gc.set_threshold(*_SELDOM)
        gc.enable()
    with asyncio.Runner(loop_factory=_new_loop()) as runner:
        return runner.run(work)


def _new_loop() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:
        return None
    new_loop: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return new_loop
