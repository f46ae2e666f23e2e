"""What both databases are: one connection that writes, a pool of those that read, each opened when it is first needed,
and an end that waits for whoever is at work."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache
from typing import Generic, Protocol, Self, TypeVar

from memory.errors import StoreUnavailable
from memory.ports import Also, First, Session
from memory.uncancelled import ended


class _Closable(Protocol):
    def __hash__(self) -> int: ...

    async def close(self) -> None: ...


@dataclass
class _First:
    also: Also
    done: bool = False


_FIRST: ContextVar[_First | None] = ContextVar("first", default=None)
C = TypeVar("C", bound=_Closable)


class Pooled(ABC, Generic[C]):
    """A `memory.ports.Store` on connections of one kind. What is its own: how it begins, reads and writes."""

    def __init__(self, readers: int, session: Callable[[C], Session]) -> None:
        # A connection's repositories are made once: they hold nothing else.
        self._session = lru_cache(readers + 1)(session)
        self._turnstile = asyncio.Lock()
        self._closed = False
        self._pool = readers
        self._writer: C | None = None
        self._readers: asyncio.LifoQueue[C | None] = asyncio.LifoQueue()
        for _ in range(readers):
            self._readers.put_nowait(None)

    @property
    @abstractmethod
    def place(self) -> str: ...

    @abstractmethod
    async def _prepare(self) -> None:
        """Look whether it can be used, and migrate it."""

    @abstractmethod
    def _reading(self) -> AbstractAsyncContextManager[C]: ...

    @abstractmethod
    def _writing(self) -> AbstractAsyncContextManager[C]:
        """One unit of work."""

    async def _prepared(self) -> Self:
        try:
            await self._prepare()
        except BaseException:
            await self.close()
            raise
        return self

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Session]:
        async with self._reading() as connection:
            yield self._session(connection)

    @asynccontextmanager
    async def write(self) -> AsyncIterator[Session]:
        first = _FIRST.get()
        async with self._writing() as connection:
            session = self._session(connection)
            if first is not None and not first.done:
                await first.also(session)
            yield session
        if first is not None:
            first.done = True

    @contextmanager
    def first(self, also: Also) -> Iterator[First]:
        first = _First(also)
        token = _FIRST.set(first)
        try:
            yield first
        finally:
            _FIRST.reset(token)

    def _refuse_when_closed(self) -> None:
        if self._closed:
            raise StoreUnavailable(f"{self.place} is closed.")

    async def close(self) -> None:
        """Refuse whoever asks from now on, and close each connection when what runs or waits for it is done: an SDK's
        own tasks may outlast ours, and SQLite does not survive being closed under a statement. Idempotent."""
        if self._closed:
            return
        self._closed = True
        closing = asyncio.ensure_future(self._close())
        if await ended(closing):
            raise asyncio.CancelledError
        closing.result()

    async def _close(self) -> None:
        async with self._turnstile:
            await self._finish()
            writer, self._writer = self._writer, None
            if writer is not None:
                await writer.close()
        async with asyncio.TaskGroup() as group:  # a server that does not answer is waited for once
            for _ in range(self._pool):
                group.create_task(self._close_reader())

    async def _close_reader(self) -> None:
        reader = await self._readers.get()
        if reader is not None:
            await reader.close()

    async def _finish(self) -> None:
        """What is to be done before the connection that writes is closed."""
        return
