"""The database: units of work, and what they see."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from memory.errors import StoreError
from memory.ports.agents import Agents
from memory.ports.asks import Asks
from memory.ports.blocks import Blocks
from memory.ports.captions import Captions
from memory.ports.cluster import Cluster
from memory.ports.codes import Codes
from memory.ports.credentials import Credentials
from memory.ports.erasing import Erasing
from memory.ports.imports import Imports
from memory.ports.joining import Joining
from memory.ports.mailbox import Mailbox
from memory.ports.messages import Messages
from memory.ports.meta import Meta
from memory.ports.operations import Operations
from memory.ports.overview import Overview
from memory.ports.passages import Passages
from memory.ports.personas import Personas
from memory.ports.rooms import Rooms
from memory.ports.schedule import Schedule
from memory.ports.vectors import Vectors
from memory.ports.wastebasket import Wastebasket
from memory.ports.web_keys import WebKeys
from memory.records import Holder


@dataclass(frozen=True, kw_only=True)
class Session:
    """One transaction's view of everything. It is of use in its ``async with`` block only, and to one task at a
    time."""

    agents: Agents
    personas: Personas
    blocks: Blocks
    messages: Messages
    passages: Passages
    vectors: Vectors
    mailbox: Mailbox
    codes: Codes
    schedule: Schedule
    joining: Joining
    erasing: Erasing
    wastebasket: Wastebasket
    imports: Imports
    overview: Overview
    web_keys: WebKeys
    operations: Operations
    asks: Asks
    credentials: Credentials
    captions: Captions
    rooms: Rooms
    meta: Meta


Busy = Callable[[StoreError], Awaitable[None]]
"""Told why a database cannot be had now; returns when it is to be asked for again, and raises when not any more."""


Also = Callable[[Session], Awaitable[None]]
"""What is done in the same unit of work."""


class First(Protocol):
    @property
    def done(self) -> bool:
        """Whether there was such a unit of work, and it is committed."""
        ...


class Store(Protocol):
    """The database. Both kinds of session raise `memory.errors.StoreUnavailable` when it cannot be used: it is closed,
    damaged, locked, or on a disk that is full or read-only; and `memory.errors.StoreBusy` while an older version
    works on it, whose schema it has therefore."""

    @property
    def place(self) -> str:
        """Where it is, for people: no secret."""
        ...

    @property
    def ending(self) -> str:
        """How the names of its copies end, such as ``.db``."""
        ...

    @property
    def sealed(self) -> bool:
        """Whether what people said lies in it only sealed, each person's with a key of their own that lies elsewhere,
        and is thrown away when they are forgotten."""
        ...

    def read(self) -> AbstractAsyncContextManager[Session]:
        """For reading: every query sees what is committed; writing fails."""
        ...

    def write(self) -> AbstractAsyncContextManager[Session]:
        """One unit of work: all of it is durable when the block ends, or none of it when it raises.

        Writers run one at a time, in the order they asked. Never hold one across a model call.
        """
        ...

    def first(self, also: Also) -> AbstractContextManager[First]:
        """The first unit of work that is committed of those that the block begins (and what it waits for) does
        ``also``, before anything else; what that raises, `write` raises, and nothing is done."""
        ...

    def alone(self, command: str, busy: Busy | None = None) -> AbstractAsyncContextManager[None]:
        """While the block runs, no other process that asks for the same has this database. Raises
        `memory.errors.StoreBusy`, naming who has it (`StoreShared`: which shares the work); or asks again whenever
        ``busy`` returns, which is told why. Raises `memory.errors.StoreTooNew` when a newer version had it since."""
        ...

    def cluster(self, command: str, *, works: bool) -> Cluster:
        """This process among those that share the database; ``works``: agents are to be its own."""
        ...

    async def kept(self) -> None:
        """Returns never. Raises `memory.errors.StoreBusy` when another process has had the database that is to be ours
        `alone`: what this one holds in memory is not so any more, and nothing that it writes is taken."""
        ...

    async def holders(self) -> list[Holder]:
        """Who has the database, and then those who wait for it; nobody where it is not shared."""
        ...

    async def leased(self, kind: str) -> Mapping[int, str]:
        """Who has what of that kind (`memory.ports.Leases`): its numbers, with the names of `holders`."""
        ...

    async def check(self) -> str | None:
        """None when the database is sound, else a sentence: what is wrong with it, and what to do."""
        ...

    async def scrub(self) -> bool:
        """Leave no byte of what was deleted in the store's own files; False: not now, ask again."""
        ...

    async def backup(self, path: Path) -> None:
        """Write a consistent copy of all that is committed, for its owner's eyes only; work goes on meanwhile.

        Raises `StoreUnavailable` when there is such a file, or it cannot be written.
        """
        ...

    async def close(self) -> None:
        """Refuses whoever asks from now on; returns when the units that run or wait have ended. Idempotent."""
        ...
