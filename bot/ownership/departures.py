"""Communities that the bot was removed from: what becomes of what was theirs.

By default it is kept, for one who is removed may be let in again. With ``on_removal = "delete"`` a community that
has not let the bot in again after ``removal_days`` loses its bindings, its lore, its rooms' memory, what was
proposed there, and what conversations there hold in view. What people told their own agents is theirs, and
stays until they forget it.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta

from bot.agent.forgetting import Forgetting
from bot.agent.held import Erased
from bot.agent.queue_manager import QueueManager
from bot.runtime import Runtime
from bot.settings import PersonaSettings
from memory.errors import StoreError, where
from memory.ports import Session
from memory.records import Archive

log = logging.getLogger(__name__)

_LOOK_S = 600.0


class Departures:
    def __init__(
        self, runtime: Runtime, queues: QueueManager, forgetting: Forgetting, rules: PersonaSettings
    ) -> None:
        self._store, self._indexer, self._clock = runtime.store, runtime.indexer, runtime.clock
        self._queues = queues
        self._forgetting = forgetting
        self._rules = rules

    async def left(self, community: str) -> None:
        """The bot was removed from it. Told again it changes nothing."""
        async with self._store.write() as session:
            await session.personas.note_departure(community, self._clock.now())
        log.info("Removed from %s: what is its own is %s.", community, self._fate())

    def _fate(self) -> str:
        if self._rules.on_removal == "keep":
            return "kept"
        return f"deleted in {self._rules.removal_days:g} days, unless we are let in again"

    async def returned(self, community: str) -> None:
        """The bot is in it."""
        async with self._store.read() as session:
            if community not in await session.personas.departed(self._clock.now()):
                return
        async with self._store.write() as session:
            await session.personas.note_return(community)

    async def run(self) -> None:
        """Sweep now and then, until cancelled."""
        while True:
            try:
                await self.sweep()
            except StoreError as error:
                log.error("Clearing up after a removal waits for the store: %s", error)
            except Exception as error:
                log.error("Clearing up after a removal failed: %s", where(error))
            await asyncio.sleep(_LOOK_S)

    async def sweep(self) -> None:
        """Delete what is to be deleted by now."""
        if self._rules.on_removal != "delete":
            return
        until = self._clock.now() - timedelta(days=self._rules.removal_days)
        async with self._store.read() as session:
            due = await session.personas.departed(until)
        for community in due:
            await self._clear(community)
            log.info("%s is gone: its bindings, lore and conversations in view are deleted.", community)

    async def _clear(self, community: str) -> None:
        async with self._store.read() as session:
            lore = await self._lore(session, community)
        for archive in lore:
            await self._indexer.drop(archive.id)  # first: its row names the collection
        async with self._store.write() as session:
            for archive in await self._lore(session, community):
                await session.passages.drop_archive(archive.id)
            keeper = await session.rooms.keeper(community)
            if keeper is not None:
                await session.agents.delete_agent(keeper.id)
            await session.personas.unbind_all(community)
            for persona in await session.personas.all():
                for proposal in await session.personas.proposals(persona.id, community):
                    await session.personas.drop_proposal(proposal.id)
            places = await session.agents.conversations_in(community)
            for place in places:
                rows = await session.messages.queue(place.id)
                await session.messages.evict(place.id, [row.key for row in rows])
                await session.messages.drop_summary(place.id)
                await self._forgetting.erase(session, place.agent_id, Erased(summaries=[place.id]))
            await session.personas.note_return(community)  # there is nothing left to be cleared
            await session.erasing.add_chores(["scrub"], self._clock.now())
        if keeper is not None:
            await self._indexer.forget(keeper)
        for place in places:
            self._queues.forget(place.id)

    async def _lore(self, session: Session, community: str) -> list[Archive]:
        """Also of channels in it that are communities of their own (shared with other workspaces)."""
        found: list[Archive] = []
        for persona in await session.personas.all():
            for name, archive in (await session.passages.lore_of(persona.id)).items():
                if name == community or name.startswith(f"{community}/"):
                    found.append(archive)
        return found
