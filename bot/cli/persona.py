"""`everbot persona`: an operator makes, changes, moves and retires personas (`bot.operations.studio`)."""

from __future__ import annotations

import json
import tomllib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path

from bot.backends.clock import SystemClock
from bot.backends.memory import Memory, open_memory
from bot.cli.options import myself
from bot.cli.screen import tell, tell_json, warn
from bot.data_dir import holder, is_held
from bot.errors import PersonaError, refused
from bot.language import counted
from bot.operations.studio import LARGEST, Studio, defined, definition_of, written_definition
from bot.personas.cards.card import Version
from bot.personas.definition import Definition, to_json
from bot.personas.personas import Personas
from bot.settings import Settings


@asynccontextmanager
async def _studio(settings: Settings) -> AsyncIterator[tuple[Memory, Studio]]:
    async with open_memory(settings, embedders=lambda _: None) as memory:
        clock = SystemClock()
        personas = Personas(clock, settings.personas.default, settings.agent.block_limit)
        yield memory, Studio(memory.store, clock, personas, f"{myself()} (command line)")


async def create(
    settings: Settings,
    name: str,
    text: str,
    description: str,
    definition: Path | None,
    avatar: Path | None,
) -> None:
    """A new persona with one block."""
    told = _definition(definition) if definition else None
    async with _studio(settings) as (_, studio):
        await studio.create(name, text, description, told, _read(avatar) if avatar else b"")
    tell(f"{name} is made. Bind it with /persona bind {name}, or try it: everbot chat --persona '{name}'.")


async def show_all(settings: Settings) -> None:
    """Every persona, with where it is bound."""
    async with _studio(settings) as (_, studio):
        found = await studio.all()
    for each in found:
        marks = ["default"] if each.name == settings.personas.default else []
        marks += ["retired"] if each.persona and each.persona.retired else []
        marks += each.places
        proposed = f" ({each.proposals} proposed)" if each.proposals else ""
        tell(f"{each.name}: {each.about}" + (f" [{', '.join(marks)}]" if marks else "") + proposed)


async def show(settings: Settings, name: str, *, as_json: bool) -> None:
    """A persona's blocks, definition and versions."""
    async with _studio(settings) as (_, studio):
        found = await studio.whole(name)
    persona, definition = found.persona, to_json(found.definition)
    if as_json:
        blocks = [
            {
                key: value
                for key, value in asdict(block).items()
                if key in ("label", "value", "limit", "description")
            }
            for block in found.blocks
        ]
        about = {"description": persona.description, "definition": definition, "blocks": blocks}
        tell_json({"name": name, "version": persona.version, **about})
        return
    tell(f"{name}, version {persona.version}. {persona.description}".strip())
    for block in found.blocks:
        tell(f"\n[{block.label}] {len(block.value)}/{block.limit} characters\n{block.value}")
    if definition:
        tell(f"\n{json.dumps(definition, ensure_ascii=False, indent=1)}")
    for place, count in found.lore.items():
        tell(f"\nLore of {place}: {counted(count, 'entry', 'entries')}.")
    for proposal in found.proposals:
        tell(
            f"\nProposal {proposal.id} of {proposal.community}, [{proposal.label}] to read:\n{proposal.value}"
        )
    if found.versions:
        versions = [f"{v.version} ({v.at:%Y-%m-%d %H:%M})" for v, _ in reversed(found.versions)]
        tell(f"\nVersions: {', '.join(versions)}.")


async def edit(
    settings: Settings,
    name: str,
    label: str,
    change: Callable[[str, str], str | None],
    *,
    definition: bool,
    description: str | None,
    avatar: Path | None,
) -> None:
    """Change a block, or the definition. ``change(text, ending)`` gives the new text; None: leave it."""
    async with _studio(settings) as (_, studio):
        found = await studio.whole(name)
        texts = {block.label: block.value for block in found.blocks}
        if not definition and label not in texts:
            raise PersonaError(f"{name} has no block {label!r}. Blocks: {', '.join(texts)}.")
        image = _read(avatar) if avatar else b""
        if description is not None:
            await studio.describe(name, description)
        if image:
            await studio.picture(name, image)
        if description is None and not image:
            before = written_definition(found.definition) if definition else texts[label]
            after = change(before, ".json" if definition else ".md")
            if after is None or after.strip() == before.strip():
                tell("Nothing was changed.")
                return
            if definition:
                await studio.define(name, definition_of(after, "The definition"))
            else:
                await studio.write(name, label, after)
    tell(f"{name} is changed, for everyone at their next message.")


async def go_back(settings: Settings, name: str, version: int) -> None:
    """Make it what it was in that version."""
    async with _studio(settings) as (_, studio):
        await studio.go_back(name, version)
    tell(f"{name} is again what it was in version {version}, as a version of its own.")


async def settle(settings: Settings, name: str, number: int, *, accept: bool) -> None:
    """Accept, or refuse, what a reflection proposes."""
    async with _studio(settings) as (_, studio):
        await (studio.accept(name, number) if accept else studio.refuse(name, number))
    tell(f"{name} reads so now, for everyone." if accept else f"Proposal {number} is refused.")


async def bind(settings: Settings, name: str, place: str) -> None:
    """Let it speak in a place."""
    async with _studio(settings) as (_, studio):
        await studio.bind(name, place)
    tell(f"{place} is {name} from the next message on.")


async def unbind(settings: Settings, place: str) -> None:
    """Let none of its own speak in a place."""
    async with _studio(settings) as (_, studio):
        await studio.unbind(place)
    tell(f"{place} has no persona of its own any more.")


async def take_out(
    settings: Settings,
    name: str,
    path: Path | None,
    community: str | None,
    card: Version | None,
    *,
    png: bool,
) -> None:
    """Write a persona to a file: everbot's own, or a character card."""
    async with _studio(settings) as (_, studio):
        called, data = await studio.taken_out(name, card, png=png, community=community)
    target = path or Path(called)
    try:
        with target.open("xb") as file:
            file.write(data)
    except FileExistsError:
        raise PersonaError(f"{target} exists; name a file that does not.") from None
    except OSError as error:
        raise PersonaError(f"{target} cannot be written: {refused(error)}.") from None
    tell(f"Written to {target}.")


async def bring_in(settings: Settings, path: Path, name: str | None, community: str | None) -> None:
    """Make a persona of a file, or a lorebook of one."""
    data = _read(path)
    async with _studio(settings) as (_, studio):
        made, told = await studio.brought_in(data, path.name, name, community)
    for notice in told:
        warn(notice)
    tell(f"{made.name} is here. Bind it with /persona bind {made.name}.")


async def delete(settings: Settings, name: str, *, force: bool) -> int:
    """Delete a persona, or retire it where people have talked with it."""
    async with _studio(settings) as (memory, studio):
        places, agents = await studio.ties(name)
        if name != settings.personas.default and (places or agents) and not force:
            bound = f"bound to {', '.join(places)}" if places else "bound nowhere"
            warn(
                f"{name} is {bound}, and agents that know it: {agents}. With --force it is retired: it is "
                "unbound, its agents and what they remember stay, and everyone talks with the default from then on."
            )
            return 1
        if await studio.remove(name, None if is_held(settings.data_dir) else memory.indexer.drop):
            tell(f"{name} is deleted.")
            return 0
    staying = f"{counted(agents, 'agent')} of it {'stays' if agents == 1 else 'stay'}"
    why = staying if agents else f"{holder(settings.data_dir)} holds its lore's vectors"
    tell(f"{name} is retired: {why}. `everbot persona restore` brings it back.")
    return 0


async def restore(settings: Settings, name: str) -> None:
    """Bring a retired persona back."""
    async with _studio(settings) as (_, studio):
        await studio.bring_back(name)
    tell(f"{name} is back; bind it with /persona bind {name}.")


def text_of(path: Path) -> str:
    """A file's text. Raises `PersonaError` when it cannot be read."""
    return _read(path).decode("utf-8", "replace")


def _definition(path: Path) -> Definition:
    text = text_of(path)
    if path.suffix == ".toml":
        try:
            return defined(tomllib.loads(text), str(path))
        except tomllib.TOMLDecodeError as error:
            raise PersonaError(f"{path} is not valid TOML: {error}.") from None
    return definition_of(text, str(path))


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > LARGEST:
            raise PersonaError(f"{path} is larger than the {LARGEST:,} bytes that are read.")
        return path.read_bytes()
    except OSError as error:
        raise PersonaError(f"{path} cannot be read: {refused(error)}.") from None
