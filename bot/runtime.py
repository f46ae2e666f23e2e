"""What every part of a running everbot stands on."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from weakref import WeakValueDictionary

from bot.observer import Observer, Unobserved
from bot.ports import Clock
from memory.indexer import Indexer
from memory.ports import Cluster, Single, Store


class Locks:
    """One lock per agent: whoever changes an agent's memory holds it, so that steps and commands alternate.

    A lock lives as long as somebody holds it or waits for it.
    """

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()

    def of(self, agent_id: int) -> asyncio.Lock:
        lock = self._locks.get(agent_id)
        if lock is None:
            lock = self._locks[agent_id] = asyncio.Lock()
        return lock


@dataclass(frozen=True)
class Runtime:
    """The one store, the index of it, the time, the agents' locks, who watches, and the processes that share the
    store."""

    store: Store
    indexer: Indexer
    clock: Clock
    locks: Locks = field(default_factory=Locks)
    observer: Observer = field(default_factory=Unobserved)
    cluster: Cluster = field(default_factory=Single)
