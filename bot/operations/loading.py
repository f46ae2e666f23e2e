"""Files that are loaded into a source or into lore, from the command line or the desk, also while everbot runs."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from bot.language import counted
from bot.runtime import Runtime
from memory import documents
from memory.archival import store
from memory.documents.reader import Reader
from memory.documents.reading import read_bytes
from memory.records import Audience, Draft, LoadedFile

BATCH = 100
"""Chunks of one unit of work."""
Count = Callable[[str], int]
"""How many tokens a text has."""


class Loading:
    """One load into one archive, file after file."""

    def __init__(
        self,
        runtime: Runtime,
        count: Count,
        reader: Reader,
        archive_id: int,
        audience: Audience,
        known: Sequence[LoadedFile],
    ) -> None:
        self._runtime = runtime
        self._count = count
        self._reader = reader
        self._archive_id = archive_id
        self._audience = audience
        # As they were loaded before, but for those that were met again.
        self._before = {file.digest: replace(file, path=_where(file.path)) for file in known}
        self._there: set[str] = set()  # digests of what is there now
        self._added = 0
        self._replaced = 0
        self.reached = (0, 0)
        """Of the file that is being loaded: how many pieces are there, and how many it has (0: not known yet)."""

    @classmethod
    async def begin(
        cls, runtime: Runtime, count: Count, reader: Reader, archive_id: int, audience: Audience
    ) -> Loading:
        async with runtime.store.read() as session:
            known = await session.passages.files(archive_id)
        return cls(runtime, count, reader, archive_id, audience, known)

    @property
    def told(self) -> str:
        changed = f"; {self._replaced} changed since the last time and replaced" if self._replaced else ""
        return f"{counted(self._added, 'new passage')}{changed}"

    async def file(self, path: Path, kept_as: Path | None = None) -> bool:
        """Store what is missing of a file, which is known by its path, or as if it were at ``kept_as``. False: nothing
        was missing. Raises `DocumentError`."""
        self.reached = (0, 0)
        digest = await asyncio.to_thread(documents.digest, path)
        if digest in self._there:
            return False
        file = LoadedFile(digest=digest, path=_where(kept_as or path), chunks=0, whole=True)
        known = self._before.pop(digest, None)
        there = known is not None and known.whole
        if known is not None and known.whole:
            if known.path != file.path and _is_gone(known):
                await self._note(replace(file, chunks=known.chunks))  # it was moved
        else:
            data = await asyncio.to_thread(read_bytes, path)
            text = await self._reader.read(str(path), data)
            pieces = await asyncio.to_thread(lambda: list(documents.chunks(text, self._count)))
            before = _earlier(file, self._before.values())
            done = known.chunks if known else 0
            self.reached = (done, len(pieces))
            await self._store(replace(file, chunks=len(pieces)), pieces, before, done)
            self.reached = (len(pieces), len(pieces))
        self._there.add(digest)
        return not there

    async def _note(self, file: LoadedFile) -> None:
        async with self._runtime.store.write() as session:
            await session.passages.note_file(self._archive_id, file, self._runtime.clock.now())

    async def _store(
        self, file: LoadedFile, pieces: Sequence[str], before: Sequence[LoadedFile], done: int
    ) -> None:
        """``done`` of the pieces are there already."""
        drafts = [
            Draft(
                text=piece,
                audience=self._audience,
                source=Path(file.path).name,
                position=position,
                file=file.digest,
            )
            for position, piece in enumerate(pieces)
        ]
        if before:
            await self._replace(before, file, drafts)
        else:
            await self._add(file, drafts, done)

    async def _add(self, file: LoadedFile, drafts: Sequence[Draft], done: int) -> None:
        """In units of work that a kill leaves whole: ``done`` of the pieces are there."""
        for start in range(done, len(drafts), BATCH):
            part = drafts[start : start + BATCH]
            end, now = start + len(part), self._runtime.clock.now()
            async with self._runtime.store.write() as session:
                await store(session, self._archive_id, part, now)
                reached = replace(file, chunks=end, whole=end == len(drafts))
                await session.passages.note_file(self._archive_id, reached, now)
            self._added += len(part)
            self.reached = (end, len(drafts))

    async def _replace(self, before: Sequence[LoadedFile], file: LoadedFile, drafts: Sequence[Draft]) -> None:
        """In one unit of work: at no time are both there, or neither."""
        now = self._runtime.clock.now()
        gone: list[int] = []
        async with self._runtime.store.write() as session:
            for old in before:
                gone += await session.passages.drop_file(self._archive_id, old.digest)
            await store(session, self._archive_id, drafts, now)
            await session.passages.note_file(self._archive_id, file, now)
            # Whoever holds the vectors makes them anew, so that nothing of what was replaced is left in them.
            await session.erasing.add_chores([f"archive:{self._archive_id}", "scrub"], now)
        await self._runtime.indexer.removed([], gone)
        for old in before:
            del self._before[old.digest]
        self._added += len(drafts)
        self._replaced += 1


def _earlier(file: LoadedFile, others: Iterable[LoadedFile]) -> list[LoadedFile]:
    """What of ``others`` is an earlier state of the file: what was loaded from its path, else the only one of its
    name, if it is not where it was."""
    name = os.path.basename(file.path)
    named = [other for other in others if os.path.basename(other.path) == name]
    same = [other for other in named if other.path == file.path]
    return same or (named if len(named) == 1 and _is_gone(named[0]) else [])


def _where(path: Path | str) -> str:
    """Where a file is, whatever links lead to it."""
    return os.path.realpath(path)


def _is_gone(file: LoadedFile) -> bool:
    return not os.path.exists(file.path)
