"""`everbot load` and `everbot reindex`: writing SQL beside or without a running everbot."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from bot.backends.clock import SystemClock
from bot.backends.memory import Memory, open_memory
from bot.cli.options import myself
from bot.data_dir import hold, holder, is_held
from bot.errors import EverbotError
from bot.events import printable
from bot.language import counted
from bot.operations.library import Library
from bot.operations.loading import Loading
from bot.personas.personas import Personas
from bot.runtime import Runtime
from bot.settings import Settings
from memory import documents
from memory.documents.reader import Reader
from memory.errors import DocumentError

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
        clock = SystemClock()
        personas = Personas(clock, settings.personas.default, settings.agent.block_limit)
        library = Library(memory.store, clock, personas, f"{myself()} (command line)")
        archive_id, audience = await library.target(name.strip(), lore.strip())
        runtime = Runtime(memory.store, memory.indexer, clock)
        loading = await Loading.begin(runtime, memory.counter.count, reader, archive_id, audience)
        with Progress(console=screen) as progress:
            task = progress.add_task("Loading", total=len(files))
            for path in files:
                try:
                    if await loading.file(path):
                        await library.note_loaded(path.name, archive_id)
                except DocumentError as error:
                    failed += 1
                    screen.print(printable(f"Left out: {error}"), style="red", markup=False, soft_wrap=True)
                progress.advance(task)
        there = f"{len(files) - failed} of {counted(len(files), 'file')} {'is' if len(files) == 1 else 'are'}"
        told = f"{there} in {name or lore}; {loading.told}."
        screen.print(printable(f"{told}{_left(others)}"), markup=False, soft_wrap=True)
        await _index(memory, settings, screen)
    return 1 if failed else 0


def _left(others: Sequence[Path]) -> str:
    """A sentence that names what no reader is there for."""
    if not others:
        return ""
    more = f" and {len(others) - _NAMED} more" if len(others) > _NAMED else ""
    named = ", ".join(path.name for path in others[:_NAMED])
    return f" Left out: {counted(len(others), 'file')} of kinds that are not read ({named}{more})."


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
