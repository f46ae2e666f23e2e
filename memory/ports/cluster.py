"""Several processes on one database: which agents each of them works for, and what they tell each other.

Locks only say who should try: an agent's version decides (`Agents.fence`). Word from another process only says when:
what is lost of it is found in the database, a moment later.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Protocol

from memory.ports.leases import Alone, Leases

Heard = Callable[..., None]
"""Is given what was told, by name; raises nothing and waits for nothing."""


MISSED = "missed"
"""A word that is heard when others may have told something while this process could not hear: what it keeps of theirs
is to be read again."""


class Cluster(Protocol):
    @property
    def single(self) -> bool:
        """There are no others, and nothing of this costs anything."""
        ...

    @property
    def name(self) -> str:
        """Of this process, as others see it; empty where there are none."""
        ...

    @property
    def processes(self) -> int:
        """How many share the work, this one among them."""
        ...

    @property
    def leases(self) -> Leases:
        """Who does what else."""
        ...

    def owns(self, agent_id: int) -> bool:
        """Whether this process is to work for the agent now."""
        ...

    def at_work(self, agent_id: int) -> AbstractAsyncContextManager[bool]:
        """While the block runs no other process works for the agent, or keeps it still. False: one does; try again."""
        ...

    def still(self, agents: Collection[int]) -> AbstractAsyncContextManager[None]:
        """While the block runs no other process works for these agents: who does is told ``still``, and waited for.
        Raises `memory.errors.StoreUnavailable`."""
        ...

    async def shares(self) -> Mapping[str, int]:
        """Who works, by name, and for how many parts of all agents. Raises `memory.errors.StoreUnavailable`."""
        ...

    async def move(self, name: str, number: int) -> None:
        """Have this one of `shares` work for so many parts more as long as it runs, and the others for the rest."""
        ...

    async def even_out(self) -> None:
        """All work for as many parts again."""
        ...

    def tell(self, word: str, **what: Any) -> None:
        """Tell all others, soon; ``what`` is JSON of a few kilobytes at most. It may be lost."""
        ...

    async def told(self) -> None:
        """Returns when all that was to be told is on its way."""
        ...

    def hear(self, word: str, heard: Heard) -> None:
        """From now on ``heard`` is called when another process tells that."""
        ...

    async def news(self, seconds: float) -> bool:
        """Wait until it is other agents that are ours, or for so long. False: all that we did may be another's by now,
        and is to be broken off."""
        ...

    async def run(self) -> None:
        """Take part, until cancelled."""
        ...


class Single:
    """The `Cluster` of a process that has its database for itself."""

    single = True
    name = ""
    processes = 1

    def __init__(self) -> None:
        self.leases = Alone()

    def owns(self, agent_id: int) -> bool:
        return True

    @asynccontextmanager
    async def at_work(self, agent_id: int) -> AsyncIterator[bool]:
        yield True

    @asynccontextmanager
    async def still(self, agents: Collection[int]) -> AsyncIterator[None]:
        yield

    async def shares(self) -> Mapping[str, int]:
        return {}

    async def move(self, name: str, number: int) -> None:
        pass

    async def even_out(self) -> None:
        pass

    def tell(self, word: str, **what: Any) -> None:
        pass

    async def told(self) -> None:
        pass

    def hear(self, word: str, heard: Heard) -> None:
        pass

    async def news(self, seconds: float) -> bool:
        await asyncio.sleep(seconds)
        return True

    async def run(self) -> None:
        pass
