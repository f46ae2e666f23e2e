"""The other processes that work on the same database, each for the agents that are its own: what they are told, and
what becomes of what was received here for agents of theirs. Where there are none, all agents are ours."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Collection
from typing import Any

from bot.delivery.handed_on import HandedOn
from bot.delivery.mailbox import PARKED
from bot.events import Address, Event
from bot.people.identities import Identity
from bot.runtime import Runtime
from memory.errors import StoreError
from memory.ports.cluster import Heard

log = logging.getLogger(__name__)

HEARD = "heard"
"""That an event was committed."""
TAKEN_S = 0.1
"""Between two looks whether another process is done with an agent."""
_LOOK_S = 1.0  # between two looks for what waits, where word of it may be lost


class Others:
    """``platforms`` are those whose events are to be handled."""

    def __init__(self, runtime: Runtime, platforms: Collection[str]) -> None:
        self._store, self._clock, self._cluster = runtime.store, runtime.clock, runtime.cluster
        self._platforms = list(platforms)
        self._handed_on = HandedOn()
        self._parked: set[int] = set()  # agents of others, all that is left of which waits
        self._cluster.hear(PARKED, self._park)
        self._heard: dict[str, Heard] = {}

    def hear(self, word: str, heard: Heard) -> None:
        """What is done here when another process says that word."""
        self._heard[word] = heard
        self._cluster.hear(word, heard)

    def everywhere(self, word: str, **what: Any) -> None:
        """What is done at that word is done in all processes; here it is done on return."""
        self._cluster.tell(word, **what)
        self._heard[word](**what)

    def hand_on(self, event: Event, identity: Identity) -> None:
        """An event was committed for an agent of another process."""
        self._handed_on.tell(event.address, identity.agent.id)
        self._cluster.tell(
            HEARD,
            agent_id=identity.agent.id,
            conversation_id=identity.conversation.id,
            address=event.address,
            key=event.key,
            from_person=event.from_person,
        )

    async def waiting(self, apart_from: Callable[[int], bool]) -> dict[int, list[Address]]:
        """The agents of ours for which something waits, and their places."""
        told = self._handed_on.told()
        async with self._store.read() as session:
            busy = await session.mailbox.busy_agents(self._platforms)
            self._handed_on.settle(told, busy)
            ours = [one for one in busy if self._cluster.owns(one) and not apart_from(one)]
            return {one: [place.address for place in await session.agents.conversations(one)] for one in ours}

    async def settled(self, address: Address | None) -> bool:
        """Returns when other processes have done what we told them of; or, False, when what is left of that waits for a
        model that is down, or for the store."""
        while self._handed_on.at(address) - self._parked:
            told = self._handed_on.told()
            async with self._store.read() as session:
                self._handed_on.settle(told, await session.mailbox.busy_agents(self._platforms))
            if self._handed_on.at(address):
                await self._clock.sleep(TAKEN_S)
        return not self._handed_on.at(address)

    def has(self, address: Address | None) -> bool:
        """Whether others may not be done with what was handed on to them of that place; None: of any."""
        return bool(self._handed_on.at(address))

    def _park(self, agent_id: int, parked: bool) -> None:
        (self._parked.add if parked else self._parked.discard)(agent_id)

    async def follow(self, look: Callable[[], Awaitable[None]], lost: Callable[[], None]) -> None:
        """Until cancelled: `look` whenever other agents may be ours, or something may wait without our having heard of
        it; first `lost` when another process may be at what we were at."""
        while not self._cluster.single:
            if not await self._cluster.news(_LOOK_S):
                lost()
            try:
                await look()
            except StoreError as error:
                log.error("What waits is looked for later: %s", error)
