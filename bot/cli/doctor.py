"""`everbot doctor`: is everything in order, and if not, how is it mended?"""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from importlib.metadata import distributions
from pathlib import Path

from rich.console import Console
from yarl import URL

from bot import logs
from bot.agent.lean.tools import SHAPE
from bot.app import rehearse
from bot.backends.clock import SystemClock
from bot.backends.media import Media
from bot.backends.memory import Memory, choose_embedder, open_memory, shortcoming, uses_chroma
from bot.backends.models import examine as examine_models
from bot.backends.platforms import check_platforms, connections, sign_ins
from bot.backends.telemetry import check as check_telemetry
from bot.backups import folder_of, kept, usable
from bot.cli.screen import tell
from bot.data_dir import holder, is_held, private
from bot.environment import has
from bot.errors import EverbotError, SettingsError, refused
from bot.events import printable
from bot.health import health, listening
from bot.language import counted
from bot.mcp.checking import examine as examine_tools
from bot.parts.window import needed_window
from bot.settings import Settings, WebSettings, load, source
from memory.errors import EmbedderError, MemoryError_, StoreUnavailable, where
from memory.extras import how_to_have, lacks
from memory.records import Holder

_LITTLE = 500 * 2**20  # bytes free
_HERE = ("127.0.0.1", "::1", "localhost")

Finding = tuple[bool, str, str]  # good, what, told
Check = Callable[[Settings, Path | None], AsyncIterator[Finding]]


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


def line_of(finding: Finding) -> str:
    """A finding as a line of plain text."""
    good, what, told = finding
    return f"{'ok  ' if good else 'FAIL'} {what}: {told}"


def versions() -> None:
    """Print what is installed, as ``name==version``: for comparing with a database of advisories."""
    found = {(part.name or "").lower(): part.version for part in distributions()}
    for name in sorted(found):
        tell(f"{name}=={found[name]}")


async def _findings(config: Path | None) -> AsyncIterator[Finding]:
    try:
        settings = load(config)
    except EverbotError as error:
        yield False, "configuration", str(error)
        return
    async for finding in _each(CHECKS, settings, config):
        yield finding


async def live(settings: Settings, config: Path | None, memory: Memory) -> AsyncIterator[Finding]:
    """The findings within a process that runs, whose memory is open: it was put together already."""
    checks = CHECKS | {"memory": lambda settings, _: _stored(settings, memory)}
    async for finding in _each(checks, settings, config):
        yield finding


async def _each(
    checks: Mapping[str, Check], settings: Settings, config: Path | None
) -> AsyncIterator[Finding]:
    for what, check in checks.items():
        try:
            async for finding in check(settings, config):
                yield finding
        except (EverbotError, MemoryError_) as error:
            yield False, what, str(error)
        except Exception as error:
            yield False, what, f"could not be checked ({where(error)}). Please report this."


async def _configuration(settings: Settings, config: Path | None) -> AsyncIterator[Finding]:
    """Where it comes from, and what beats what."""
    found = source(config)
    told = [
        str(found.path) if found.there else "the defaults (there is no config.toml here)",
        *found.beaten(),
    ]
    if found.wishes and settings.model.kind == "offline":
        told.append(
            f'model.kind is "offline" in {found.path}, so {found.wishes[0]} is not used: leave it out there'
        )
    elif found.wishes and not has(found.data, "model.kind"):
        told.append(f'model.kind is "openai" because {found.wishes[0]} is set')
    yield True, "configuration", "; ".join(told)
    logs.check(settings)
    check_telemetry(settings.telemetry)


async def _data_dir(settings: Settings, config: Path | None) -> AsyncIterator[Finding]:
    directory = settings.data_dir
    try:
        private(directory)
        probe = directory / ".doctor"
        probe.write_bytes(b"x")
        probe.unlink()
    except StoreUnavailable as error:
        yield False, "data directory", str(error)
        return
    except OSError as error:
        told = f"{directory}: {refused(error)}. Set data_dir to one that can be written."
        yield False, "data directory", told
        return
    free = shutil.disk_usage(directory).free
    held = f", in use by {holder(directory)}" if is_held(directory) else ""
    told = f"{directory}, {free // 2**20} MB free{held}"
    yield free > _LITTLE, "data directory", told if free > _LITTLE else f"{told}: free some space."


async def _memory(settings: Settings, config: Path | None) -> AsyncIterator[Finding]:
    async with open_memory(settings) as memory:
        async for finding in _stored(settings, memory):
            yield finding
        try:
            await rehearse(settings, memory)
        except SettingsError as error:
            yield False, "configuration", str(error)


async def _stored(settings: Settings, memory: Memory) -> AsyncIterator[Finding]:
    damage = await memory.store.check()
    yield damage is None, "database", damage or memory.store.place
    if settings.store.url:
        yield _workers(settings, await memory.store.holders())
        for name, connected in (await connections(memory.store)).items():
            yield True, "connections", f"{name}: {', '.join(connected)}"
    async with memory.store.read() as session:
        waiting = await session.vectors.count_unindexed()
        made_by = await session.vectors.embedder()
    yield await _index(settings, waiting, made_by)


def _workers(settings: Settings, holders: Sequence[Holder]) -> Finding:
    """Who shares the database, and whether what several need in common is there."""
    lacking = ""
    if settings.mcp.servers and settings.secret_key is None:
        lacking = (
            "each data_dir has a key of its own, and another process cannot open people's accounts at tool servers. "
            "Set the same secret_key (EVERBOT_SECRET_KEY) everywhere."
        )
    elif uses_chroma(settings) and settings.index.chroma_url is None:
        lacking = (
            "the vectors of shared archives lie in data_dir, where other processes do not find them. Set "
            "index.chroma_url."
        )
    if lacking:
        several = len(holders) > 1
        return (
            not several,
            "workers",
            f"{lacking}{'' if several else ' One process alone needs none of that.'}",
        )
    works = next((holder.name for holder in holders if holder.works), "nobody")
    thinking = sum(holder.shares > 0 for holder in holders)
    if thinking:
        told = f"{works} leads, {thinking} think for a share of the agents"
    else:
        told = f"{works} works, {sum(not holder.works for holder in holders)} stand by"
    return True, "workers", told


async def _index(settings: Settings, waiting: int, made_by: str | None) -> Finding:
    embedder = choose_embedder(settings)
    if embedder is None:
        wanted = settings.embedder.kind == "none"
        advice = "" if wanted else f" Set [embedder] base_url, or {how_to_have('english')}."
        return wanted, "index", f"no embedder: searches go by words alone.{advice}"
    if settings.embedder.kind == "openai" or settings.embedder.base_url is not None:
        try:
            await embedder.embed_queries(["Hello"])
        except EmbedderError as error:
            return False, "index", str(error)
        finally:
            if hasattr(embedder, "close"):
                await embedder.close()
    if made_by not in (None, embedder.name):
        told = f"made by {made_by}, now it is {embedder.name}: rebuilt at the next start, or by `everbot reindex`"
        return True, "index", told
    later = (
        f", {counted(waiting, 'row without a vector', 'rows without vectors')} (made while everbot runs)"
        if waiting
        else ""
    )
    shared = "in Chroma" if uses_chroma(settings) else "in the database"
    lacking = f". {told}" if (told := shortcoming(settings, embedder)) else ""
    return True, "index", f"{embedder.name}, shared archives {shared}{later}{lacking}"


async def _documents(settings: Settings, config: Path | None) -> AsyncIterator[Finding]:
    missing = lacks("documents")
    kinds = "PDF, Word, slides, sheets, e-books and web pages"
    told = f"text only; for {kinds} {how_to_have('documents')}" if missing else f"text, {kinds}"
    yield True, "documents", f"{told}."


async def _backups(settings: Settings, config: Path | None) -> AsyncIterator[Finding]:
    folder, keep = folder_of(settings), settings.backup.keep
    if not keep:
        yield True, "backups", "everbot makes none by itself. [backup] keep says how many it is to keep."
        return
    with usable(folder):
        folder.mkdir(parents=True, mode=0o700, exist_ok=True)
        made = kept(folder)
    newest = f", the newest of {max(made)[0]:%Y-%m-%d %H:%M} UTC" if made else ""
    yield True, "backups", f"{len(made)} of {keep} kept in {folder}{newest}"


async def _model(settings: Settings, config: Path | None) -> AsyncIterator[Finding]:
    if settings.model.kind == "offline":
        told = "offline stand-in, for trying. Set OPENAI_API_KEY, or [model], for a real one."
        yield True, "model", told
        return
    async for finding in examine_models(settings, SystemClock(), needed_window(settings), SHAPE):
        yield finding


async def _media(settings: Settings, config: Path | None) -> AsyncIterator[Finding]:
    media = Media(settings, SystemClock())
    try:
        async for finding in media.examine():
            yield finding
    finally:
        await media.aclose()


async def _platforms(settings: Settings, config: Path | None) -> AsyncIterator[Finding]:
    findings = await check_platforms(settings)
    for finding in findings:
        yield finding
    if findings and settings.run.health and not is_held(settings.data_dir):
        async with health(settings.run.health, ()):
            pass


async def _web(settings: Settings, config: Path | None) -> AsyncIterator[Finding]:
    from aiohttp import web

    if settings.web.listen is None:
        yield True, "memory page", "off. [web] listen switches it on."
        return
    if settings.web.listen != settings.run.health and not is_held(settings.data_dir):
        async with listening(web.Application(), settings.web.listen, "web.listen"):
            pass
    url = URL(settings.web.url)
    if url.scheme != "https" and url.host not in _HERE:
        advice = (
            "what people read there would go in the clear: set web.public_url to an https address of a proxy."
        )
        yield False, "memory page", f"{url}: {advice}"
        return
    if settings.web.widget.origins and url.scheme != "https":
        yield False, "widget", f"{url}: in other sites' frames browsers keep its cookie over https only."
    for finding in _widget(settings.web):
        yield finding
    if settings.web.widget.guests and not settings.web.widget.origins:
        yield (
            False,
            "widget",
            "web.widget.guests is on, and web.widget.origins names no site: nobody can come.",
        )
    also = " or ".join(one.title for one in sign_ins(settings))
    yield True, "memory page", f"{url}, to be let in by /memory web{also and f', or with {also}'}"


def _widget(web: WebSettings) -> Iterator[Finding]:
    """Where nobody would see it, or could sign in there."""
    if web.widget.origins and not web.chat:
        yield False, "widget", "web.widget.origins names sites, and web.chat is off: there is no widget."
    for origin in map(URL, web.widget.origins):
        if origin.scheme != "https" and origin.host not in _HERE:
            yield False, "widget", f"{origin} is not https: nobody can sign in there as themselves."


async def _tools(settings: Settings, config: Path | None) -> AsyncIterator[Finding]:
    async for finding in examine_tools(settings):
        yield finding


CHECKS: dict[str, Check] = {
    "configuration": _configuration,
    "data directory": _data_dir,
    "memory": _memory,
    "backups": _backups,
    "documents": _documents,
    "model": _model,
    "voice": _media,
    "platforms": _platforms,
    "memory page": _web,
    "tools": _tools,
}
"""What is looked at, in this order. One that finds nothing wrong may find nothing at all."""
