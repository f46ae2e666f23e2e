"""All that has happened, and waiting for what is to happen."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

from tests.patience import PATIENCE_S

T = TypeVar("T")


class Entry(NamedTuple):
    """``kind`` is ``request`` (data: a `Call`), ``dispatch``, ``connect``, ``identify``, ``hasty`` (one that
    came too soon), ``resume``, ``attach`` (a session has a connection), ``beat``, ``close`` or ``disconnect``."""

    at: float
    kind: str
    data: Any


class Transcript:
    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.counts: Counter[str] = Counter()  # by kind
        self._waiting: list[tuple[Callable[[], Any], asyncio.Future[Any]]] = []

    def note(self, kind: str, data: Any) -> None:
        self.entries.append(Entry(time.time(), kind, data))
        self.counts[kind] += 1
        self.changed()

    def changed(self) -> None:
        """Try what is waited for, at once: it may not stay true for long."""
        for predicate, future in self._waiting:
            if future.done():
                continue
            try:
                if value := predicate():
                    future.set_result(value)
            except Exception as error:
                future.set_exception(error)

    async def until(self, predicate: Callable[[], T], timeout: float = PATIENCE_S) -> T:  # noqa: ASYNC109
        """Wait for something to become true; what it became is returned."""
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        entry = (predicate, future)
        self._waiting.append(entry)
        self.changed()
        try:
            return await asyncio.wait_for(future, timeout)
        except TimeoutError:
            last = "\n".join(f"{entry.kind}: {entry.data}" for entry in self.entries[-12:])
            raise TimeoutError(f"not within {timeout} s; what happened last:\n{last}") from None
        finally:
            self._waiting.remove(entry)
