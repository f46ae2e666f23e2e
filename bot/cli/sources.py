"""`everbot admin sources`: what is in sources and lore, and who searches it; deleted, and detached."""

from __future__ import annotations

import os
from dataclasses import dataclass

from bot.backends.clock import SystemClock
from bot.backends.memory import Memory, open_memory
from bot.cli.operating import show, when
from bot.cli.options import myself
from bot.cli.screen import tell, warn
from bot.operations.library import Library, Shelf
from bot.personas.personas import Personas
from bot.settings import Settings


@dataclass(frozen=True)
class Shelving:
    """What is to be done to a source: it is deleted, or a file of it is; or detached from an agent."""

    delete: str = ""
    file: str = ""
    detach: str = ""
    agent: int = 0


async def sources(settings: Settings, wish: Shelving, *, as_json: bool) -> int:
    """Print sources and lore with their files, or delete, or detach."""
    async with open_memory(settings, embedders=lambda _: None) as memory:
        clock = SystemClock()
        personas = Personas(clock, settings.personas.default, settings.agent.block_limit)
        library = Library(memory.store, clock, personas, f"{myself()} (command line)")
        shelves = await library.all()
        if wish.delete or wish.detach:
            shelf = next((s for s in shelves if s.name == (wish.delete or wish.detach)), None)
            told = await _shelve(settings, memory, library, shelf, wish) if shelf else ""
            if not told:
                warn("There is no such source, file or agent.")
                return 1
            tell(told)
            return 0
    rows = [
        {
            "name": shelf.name,
            "is": "source" if shelf.is_source else "lore",
            "file": name,
            "pieces": pieces,
            "state": state,
            "searched by": ", ".join(f"{agent} ({who})" for agent, who in shelf.agents.items()),
        }
        for shelf in shelves
        for name, pieces, state in [
            ("", shelf.pieces, f"{shelf.waiting} wait for vectors" if shelf.waiting else ""),
            *((os.path.basename(f.path), f.chunks, "" if f.whole else "in part") for f in shelf.files),
        ]
    ]
    show(rows, "There are no sources.", as_json=as_json)
    return 0


async def _shelve(settings: Settings, memory: Memory, library: Library, shelf: Shelf, wish: Shelving) -> str:
    """What was done; empty where there was nothing of the kind."""
    archive_id = shelf.archive.id
    if wish.detach:
        done = await library.detach(archive_id, wish.agent)
        return f"Agent {wish.agent} searches {shelf.name} no more." if done else ""
    if wish.file:
        files = [file.digest for file in shelf.files if os.path.basename(file.path) == wish.file]
        dropped = [await library.drop_file(archive_id, digest, memory.indexer) for digest in files]
        return f"What was loaded of {wish.file} is deleted." if any(dropped) else ""
    heeded = when(settings) or ", as soon as everbot runs"
    return f"{shelf.name} is deleted{heeded}." if await library.drop(archive_id) else ""
