"""`everbot load` and `everbot reindex`: writing SQL beside or without a running everbot."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from bot.backends.clock import SystemClock
from bot.backends.memory import Memory, open_memory
from bot.data_dir import hold, holder, is_held
from bot.errors import EverbotError
from bot.events import printable
from bot.personas.personas import Personas
from bot.settings import Settings
from memory import documents
from memory.archival import store
from memory.documents.reader import Reader
from memory.documents.reading import read_bytes
from memory.errors import DocumentError
from memory.records import SHARED, Audience, Draft, LoadedFile, community_audience

_BATCH = 100  # chunks of one unit of work
_NAMED = 10  # files that were left out which are named


async def load(settings: Settings, paths: Sequence[Path], name: str, lore: str = "") -> int:
    """Load files into a source, or into the lore of a persona in a community (``PERSONA@COMMUNITY``). The same
    file twice adds nothing; one that has changed replaces what it said before; a load that was killed goes on.

    Returns the exit code: 1 when a file could not be read.
    """
    if bool(name.strip()) == bool(lore.strip()):
        raise EverbotError("--name is empty: give the source a name; or say with --lore whose lore it is.")
    screen = Console(stderr=True)
    files, others = documents.find_files(paths), documents.find_others(paths)
    if not files:
        raise EverbotError(
            f"There is nothing to load: no file of a known kind at the paths given.{_left(others)}"
        )
    failed = 0
    async with open_memory(settings) as memory, Reader(keep=True) as reader:
        if lore:
            archive_id, audience = await _lore(memory, settings, lore.strip())
        else:
            archive_id, audience = await _source(memory, name.strip()), SHARED
        loading = await Loading.begin(memory, reader, archive_id, audience)
        with Progress(console=screen) as progress:
            task = progress.add_task("Loading", total=len(files))
            for path in files:
                try:
                    await loading.file(path)
                except DocumentError as error:
                    failed += 1
                    screen.print(printable(f"Left out: {error}"), style="red", markup=False, soft_wrap=True)
                progress.advance(task)
        told = f"{len(files) - failed} of {len(files)} files are in {name or lore}; {loading.told}."
        screen.print(printable(f"{told}{_left(others)}"), markup=False, soft_wrap=True)
        await _index(memory, settings, screen)
    return 1 if failed else 0


def _left(others: Sequence[Path]) -> str:
    """A sentence that names what no reader is there for."""
    if not others:
        return ""
    more = f" and {len(others) - _NAMED} more" if len(others) > _NAMED else ""
    named = ", ".join(path.name for path in others[:_NAMED])
    files = "1 file" if len(others) == 1 else f"{len(others)} files"
    return f" Left out: {files} of kinds that are not read ({named}{more})."


async def reindex(settings: Settings) -> int:
    """Rebuild the vector index from SQL; a running everbot does it behind."""
    screen = Console(stderr=True)
    async with open_memory(settings) as memory:
        async with memory.store.write() as session:
            await session.vectors.mark_all_unindexed()
            archives = [a.id for a in await session.passages.archives() if a.kind != "own"]
        if not is_held(settings.data_dir):
            with hold(settings.data_dir, "reindex"):
                for archive_id in archives:
                    await (await memory.indexer.index_of(archive_id)).drop(archive_id)
        await _index(memory, settings, screen)
    return 0


async def _source(memory: Memory, name: str) -> int:
    async with memory.store.write() as session:
        archive = await session.passages.archive_named(name)
        return (archive or await session.passages.create_source(name, SystemClock().now())).id


async def _lore(memory: Memory, settings: Settings, lore: str) -> tuple[int, str]:
    """The archive of that lore, made if need be, and who may see it."""
    name, _, community = lore.rpartition("@")
    if not name or ":" not in community:
        raise EverbotError(f"--lore {lore!r} is not PERSONA@COMMUNITY, such as flora@discord:1.")
    clock = SystemClock()
    personas = Personas(clock, settings.personas.default, settings.agent.block_limit)
    async with memory.store.write() as session:
        persona = await personas.named(session, name)
        found = await session.passages.lore(persona.id, [community])
        archive = (
            found[0] if found else await session.passages.create_lore(persona.id, community, clock.now())
        )
    return archive.id, community_audience(community)


class Loading:
    """One load into one archive, file after file."""

    def __init__(
        self,
        memory: Memory,
        reader: Reader,
        archive_id: int,
        audience: Audience,
        known: Sequence[LoadedFile],
    ) -> None:
        self._memory = memory
        self._reader = reader
        self._archive_id = archive_id
        self._audience = audience
        # As they were loaded before, but for those that were met again.
        self._before = {file.digest: replace(file, path=_where(file.path)) for file in known}
        self._there: set[str] = set()  # digests of what is there now
        self._added = 0
        self._replaced = 0

    @classmethod
    async def begin(cls, memory: Memory, reader: Reader, archive_id: int, audience: Audience) -> Loading:
        async with memory.store.read() as session:
            return cls(memory, reader, archive_id, audience, await session.passages.files(archive_id))

    @property
    def told(self) -> str:
        changed = f"; {self._replaced} changed since the last time and replaced" if self._replaced else ""
        return f"{self._added} new passages{changed}"

    async def file(self, path: Path) -> None:
        """Store what is missing of a file. Raises `DocumentError`."""
        digest = await asyncio.to_thread(documents.digest, path)
        if digest in self._there:
            return
        file = LoadedFile(digest=digest, path=_where(path), chunks=0, whole=True)
        known = self._before.pop(digest, None)
        if known is not None and known.whole:
            if known.path != file.path and _is_gone(known):
                await self._note(replace(file, chunks=known.chunks))  # it was moved
        else:
            data = await asyncio.to_thread(read_bytes, path)
            text = await self._reader.read(str(path), data)
            pieces = await asyncio.to_thread(lambda: list(documents.chunks(text, self._memory.counter.count)))
            before = _earlier(file, self._before.values())
            await self._store(replace(file, chunks=len(pieces)), pieces, before, known.chunks if known else 0)
        self._there.add(digest)

    async def _note(self, file: LoadedFile) -> None:
        async with self._memory.store.write() as session:
            await session.passages.note_file(self._archive_id, file, SystemClock().now())

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
        for start in range(done, len(drafts), _BATCH):
            part = drafts[start : start + _BATCH]
            end, now = start + len(part), SystemClock().now()
            async with self._memory.store.write() as session:
                await store(session, self._archive_id, part, now)
                reached = replace(file, chunks=end, whole=end == len(drafts))
                await session.passages.note_file(self._archive_id, reached, now)
            self._added += len(part)

    async def _replace(self, before: Sequence[LoadedFile], file: LoadedFile, drafts: Sequence[Draft]) -> None:
        """In one unit of work: at no time are both there, or neither."""
        now = SystemClock().now()
        gone: list[int] = []
        async with self._memory.store.write() as session:
            for old in before:
                gone += await session.passages.drop_file(self._archive_id, old.digest)
            await store(session, self._archive_id, drafts, now)
            await session.passages.note_file(self._archive_id, file, now)
            # Whoever holds the vectors makes them anew, so that nothing of what was replaced is left in them.
            await session.erasing.add_chores([f"archive:{self._archive_id}", "scrub"], now)
        await self._memory.indexer.removed([], gone)
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


async def _index(memory: Memory, settings: Settings, screen: Console) -> None:
    if is_held(settings.data_dir):
        screen.print(f"The vectors are made by {holder(settings.data_dir)}, which is running.")
        return
    with hold(settings.data_dir, "load"):
        async with memory.store.read() as session:
            waiting = await session.vectors.count_unindexed()
        with Progress(console=screen) as progress:
            task = progress.add_task("Indexing", total=waiting)
            await memory.indexer.drain(lambda done: progress.update(task, completed=done))
