"""`everbot load` and `everbot reindex`: writing SQL beside or without a running everbot."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
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
from memory.errors import DocumentError
from memory.records import SHARED, Draft, community_audience

_BATCH = 100  # chunks of one unit of work


async def load(settings: Settings, paths: Sequence[Path], name: str, lore: str = "") -> int:
    """Load files into a source, or into the lore of a persona in a community (``PERSONA@COMMUNITY``). The same
    file twice adds nothing; a load that was killed goes on.

    Returns the exit code: 1 when a file could not be read.
    """
    if bool(name.strip()) == bool(lore.strip()):
        raise EverbotError("--name is empty: give the source a name; or say with --lore whose lore it is.")
    screen = Console(stderr=True)
    files = documents.find_files(paths)
    if not files:
        raise EverbotError("There is nothing to load: no file of a known kind at the paths given.")
    failed = added = 0
    async with open_memory(settings) as memory:
        if lore:
            archive_id, audience = await _lore(memory, settings, lore.strip())
        else:
            archive_id, audience = await _source(memory, name.strip()), SHARED
        with Progress(console=screen) as progress:
            task = progress.add_task("Loading", total=len(files))
            for path in files:
                try:
                    added += await _file(memory, archive_id, path, audience)
                except DocumentError as error:
                    failed += 1
                    screen.print(printable(f"Left out: {error}"), style="red", markup=False)
                progress.advance(task)
        told = f"{len(files) - failed} of {len(files)} files are in {name or lore}; {added} new passages."
        screen.print(printable(told), markup=False)
        await _index(memory, settings, screen)
    return 1 if failed else 0


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


async def _file(memory: Memory, archive_id: int, path: Path, audience: str = SHARED) -> int:
    """Store what is missing of a file; returns how many passages that were."""
    digest = await asyncio.to_thread(documents.digest, path)
    async with memory.store.read() as session:
        known = await session.passages.file_loaded(archive_id, digest)
    if known is not None and known < 0:
        return 0  # loaded to its end
    text = await asyncio.to_thread(documents.read_text, path)
    chunks = await asyncio.to_thread(lambda: list(documents.chunks(text, memory.counter.count)))
    done = known or 0
    for start in range(done, len(chunks), _BATCH):
        part = chunks[start : start + _BATCH]
        drafts = [
            Draft(text=chunk, audience=audience, source=path.name, position=start + i)
            for i, chunk in enumerate(part)
        ]
        now = SystemClock().now()
        end = start + len(part)
        async with memory.store.write() as session:
            await store(session, archive_id, drafts, now)
            # Negative: complete. The count so far is where a killed load goes on.
            reached = -end if end == len(chunks) else end
            await session.passages.note_file(archive_id, digest, str(path), reached, now)
    return len(chunks) - done


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
