"""The sources that agents search beside their own memory, and the files in them and in lore: seen, detached and deleted
by whoever runs the bot. `loading.py` loads files into them."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.errors import EverbotError
from bot.personas.personas import Personas
from bot.ports import Clock
from memory.indexer import Indexer
from memory.ports import Session, Store
from memory.records import SHARED, Archive, Audience, Deed, LoadedFile, community_audience

DROP = "drop source"
"""The order to drop a source, by its archive's id: whoever runs holds its vectors."""


@dataclass(frozen=True, kw_only=True)
class Shelf:
    """A source, or the lore of a persona in a community, of whose ``pieces`` so many as are ``waiting`` have no vector
    yet; ``agents`` search it: who they are, by their id."""

    archive: Archive
    name: str
    files: Sequence[LoadedFile]
    pieces: int
    waiting: int
    agents: Mapping[int, str]

    @property
    def is_source(self) -> bool:
        return self.archive.kind == "source"


class Library:
    """``who`` is noted with what is done."""

    def __init__(self, store: Store, clock: Clock, personas: Personas, who: str) -> None:
        self._store, self._clock = store, clock
        self._personas = personas
        self._who = who

    async def all(self) -> list[Shelf]:
        """Sources first; of lore those into which files were loaded, too, or anything else was told."""
        async with self._store.read() as session:
            names = await self._names(session)
            found = [await self._shelf(session, archive, name) for archive, name in names]
        return sorted(found, key=lambda shelf: (not shelf.is_source, shelf.name))

    async def target(self, source: str, lore: str) -> tuple[int, Audience]:
        """Where files go, and who may see them: the source of that name, made if need be, or the lore of a persona in a
        community (``PERSONA@COMMUNITY``). Raises `EverbotError`."""
        if bool(source) == bool(lore):
            raise EverbotError("Name a source, or whose lore it is: one of the two.")
        async with self._store.write() as session:
            if source:
                known = await session.passages.archive_named(source)
                return (known or await session.passages.create_source(source, self._clock.now())).id, SHARED
            name, _, community = lore.rpartition("@")
            if not name or ":" not in community:
                raise EverbotError(f"--lore {lore!r} is not PERSONA@COMMUNITY, such as flora@discord:1.")
            persona = await self._personas.named(session, name)
            found = await session.passages.lore(persona.id, [community])
            archive = (
                found[0]
                if found
                else await session.passages.create_lore(persona.id, community, self._clock.now())
            )
            return archive.id, community_audience(community)

    async def detach(self, archive_id: int, agent_id: int) -> bool:
        """An agent searches it no more. False: it did not."""
        async with self._store.write() as session:
            if not await session.passages.detach(agent_id, archive_id):
                return False
            await self._note(session, f"detached from agent {agent_id}", archive_id)
        return True

    async def drop_file(self, archive_id: int, digest: str, indexer: Indexer) -> str | None:
        """What was loaded of one file goes; its name. None: there is no such file."""
        async with self._store.write() as session:
            files = {file.digest: file for file in await session.passages.files(archive_id)}
            if digest not in files:
                return None
            name = os.path.basename(files[digest].path)
            keys = await session.passages.drop_file(archive_id, digest)
            # Whoever holds the vectors makes them anew, so that nothing of what is gone is left in them.
            await session.erasing.add_chores([f"archive:{archive_id}", "scrub"], self._clock.now())
            await self._note(session, f"deleted the file {name} of", archive_id)
        await indexer.removed([], keys)
        return name

    async def drop(self, archive_id: int) -> bool:
        """A source goes, with all that was loaded into it: at once, if everbot runs, else when it does. False: there is
        none."""
        async with self._store.write() as session:
            if not any(a.id == archive_id and a.kind == "source" for a in await session.passages.archives()):
                return False
            await session.operations.order(DROP, str(archive_id), self._clock.now())
            await self._note(session, "deleted", archive_id)
        return True

    async def note_loaded(self, name: str, archive_id: int) -> None:
        async with self._store.write() as session:
            await self._note(session, f"loaded the file {name} into", archive_id)

    async def _names(self, session: Session) -> list[tuple[Archive, str]]:
        lore = {
            archive.id: f"{persona.name}@{community}"
            for persona in await session.personas.all()
            for community, archive in (await session.passages.lore_of(persona.id)).items()
        }
        archives = await session.passages.archives()
        return [
            (archive, archive.name if archive.kind == "source" else lore.get(archive.id, archive.name))
            for archive in archives
            if archive.kind != "own"
        ]

    async def _shelf(self, session: Session, archive: Archive, name: str) -> Shelf:
        agents = {}
        for agent_id in await session.passages.attached_to(archive.id):
            agent = await session.agents.agent(agent_id)
            if agent is not None:
                user = await session.agents.user(agent.user_id)
                persona = await session.personas.get(agent.persona_id)
                agents[agent_id] = f"{user.name}, {persona.name}"
        return Shelf(
            archive=archive,
            name=name,
            files=await session.passages.files(archive.id),
            pieces=await session.passages.count(archive.id, None),
            waiting=await session.vectors.waiting("passages", archive.id),
            agents=agents,
        )

    async def _note(self, session: Session, did: str, archive_id: int) -> None:
        name = next((name for archive, name in await self._names(session) if archive.id == archive_id), "")
        deed = Deed(at=self._clock.now(), who=self._who, did=did, about=f"source:{name}")
        await session.operations.note(deed)


async def dropped(store: Store, indexer: Indexer, archive_id: int, now: datetime) -> None:
    """Drop a source with its vectors: by whoever holds these."""
    async with store.read() as session:
        if not any(a.id == archive_id and a.kind == "source" for a in await session.passages.archives()):
            return
    await indexer.drop(archive_id)
    async with store.write() as session:
        await session.passages.drop_archive(archive_id)
        await session.erasing.add_chores(["scrub"], now)
