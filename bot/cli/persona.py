"""`everbot persona`: an operator makes, changes, moves and retires personas. SQL only, so that it works while
everbot runs: a change is seen at everyone's next message."""

from __future__ import annotations

import json
import tomllib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from bot.backends.clock import SystemClock
from bot.backends.memory import Memory, open_memory
from bot.cli.screen import tell, tell_json, warn
from bot.data_dir import holder, is_held
from bot.errors import PersonaError
from bot.events import clean
from bot.personas import portable
from bot.personas.cards.card import Version, bytes_of
from bot.personas.cards.file import lorebook_of, notices, of_book, png_of, read_file
from bot.personas.definition import Definition, checked, to_json
from bot.personas.files import brought_in, from_card, from_lorebook, taken_out, to_card
from bot.personas.personas import Personas, Text
from bot.settings import Settings
from memory.ports import Session
from memory.records import Archive, Avatar, Persona

_LARGEST = 60_000_000  # bytes of a file that is read at all


@asynccontextmanager
async def _studio(settings: Settings) -> AsyncIterator[tuple[Memory, Personas]]:
    async with open_memory(settings, embedders=lambda _: None) as memory:
        yield memory, Personas(SystemClock(), settings.personas.default, settings.agent.block_limit)


async def create(
    settings: Settings,
    name: str,
    text: str,
    description: str,
    definition: Path | None,
    avatar: Path | None,
) -> None:
    """A new persona with one block."""
    async with _studio(settings) as (memory, personas), memory.store.write() as session:
        made = await personas.create(
            session,
            name,
            [personas.text(_written(text))],
            description=description,
            definition=_definition(definition) if definition else None,
        )
        if avatar is not None:
            await session.personas.put_avatar(made.id, portable.avatar_of(_read(avatar)))
    tell(f"{name} is made. Bind it with /persona bind {name}, or try it: everbot chat --persona '{name}'.")


async def show_all(settings: Settings) -> None:
    """Every persona, with where it is bound."""
    async with _studio(settings) as (memory, personas), memory.store.read() as session:
        known = {persona.name: persona for persona in await session.personas.all()}
        described = await personas.described(session)
        bindings = await session.personas.bindings()
    for name in sorted({*known, *described}):
        persona = known.get(name)
        marks = ["default"] if name == settings.personas.default else []
        marks += ["retired"] if persona and persona.retired else []
        marks += [b.place for b in bindings if persona and b.persona_id == persona.id]
        about = persona.description if persona else described[name]
        tell(f"{name}: {about}" + (f" [{', '.join(marks)}]" if marks else ""))


async def show(settings: Settings, name: str, *, as_json: bool) -> None:
    """A persona's blocks, definition and versions."""
    async with _studio(settings) as (memory, personas), memory.store.write() as session:
        persona = await personas.named(session, name)
        snapshot = await personas.snapshot(session, persona)
        versions = await session.personas.versions(persona.id)
        lore = await session.passages.lore_of(persona.id)
        counts = {place: await session.passages.count(a.id, None) for place, a in lore.items()}
    if as_json:
        tell_json({"name": name, "version": persona.version, **snapshot})
        return
    tell(f"{name}, version {persona.version}. {persona.description}".strip())
    for block in snapshot["blocks"]:
        tell(f"\n[{block['label']}] {len(block['value'])}/{block['limit']} characters\n{block['value']}")
    if snapshot["definition"]:
        tell(f"\n{json.dumps(snapshot['definition'], ensure_ascii=False, indent=1)}")
    for place, count in counts.items():
        tell(f"\nLore of {place}: {count} entries.")
    if versions:
        tell(f"\nVersions: {', '.join(f'{v.version} ({v.at:%Y-%m-%d %H:%M})' for v in reversed(versions))}.")


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
    async with _studio(settings) as (memory, personas):
        async with memory.store.write() as session:
            persona = await personas.named(session, name)
            told = await personas.definition(session, persona.id)
            texts = {b.label: b for b in await personas.blocks(session, persona)}
        if not definition and label not in texts:
            raise PersonaError(f"{name} has no block {label!r}. Blocks: {', '.join(texts)}.")
        if description is None and avatar is None:
            before = (
                json.dumps(to_json(told), ensure_ascii=False, indent=1) if definition else texts[label].value
            )
            after = change(before, ".json" if definition else ".md")
            if after is None or after.strip() == before.strip():
                tell("Nothing was changed.")
                return
            if definition:
                told = _parsed(after, "The definition")
            else:
                texts[label] = replace(texts[label], value=_written(after))
        image = portable.avatar_of(_read(avatar)) if avatar else None
        async with memory.store.write() as session:
            blocks = [
                Text(
                    label=b.label,
                    value=b.value,
                    limit=max(b.limit, len(b.value)),
                    description=b.description,
                )
                for b in texts.values()
            ]
            about = persona.description if description is None else description
            await personas.put(session, persona, blocks, about, told, None)
            if image is not None:
                await session.personas.put_avatar(persona.id, image)
    tell(f"{name} is changed, for everyone at their next message.")


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
    async with _studio(settings) as (memory, personas), memory.store.write() as session:
        persona = await personas.named(session, name)
        if card is None:
            lore = await _lore(session, persona, community)
            data, ending = (
                portable.packed(await taken_out(session, persona, lore), SystemClock().now()),
                ".zip",
            )
        else:
            told = await to_card(session, personas, persona)
            avatar = await session.personas.avatar(persona.id)
            if png and (avatar is None or avatar.media_type != "image/png"):
                raise PersonaError(f"{name} has no PNG as its avatar to put the card in: leave --png out.")
            image = avatar.data if avatar else b""
            data, ending = (png_of(told, image, card), ".png") if png else (bytes_of(told, card), ".json")
    target = path or Path(f"{''.join(c if c.isalnum() else '-' for c in name)}{ending}")
    try:
        with target.open("xb") as file:
            file.write(data)
    except FileExistsError:
        raise PersonaError(f"{target} exists; name a file that does not.") from None
    except OSError as error:
        raise PersonaError(f"{target} cannot be written: {error.strerror}.") from None
    tell(f"Written to {target}.")


async def bring_in(settings: Settings, path: Path, name: str | None, community: str | None) -> None:
    """Make a persona of a file: everbot's own, or a character card (PNG, JSON, CHARX). A lorebook (World Info) becomes
    the book of the persona of that name, or of a new one."""
    data = _read(path)
    now = SystemClock().now()
    async with _studio(settings) as (memory, personas), memory.store.write() as session:
        told: tuple[str, ...] = ()
        if portable.is_packed(data):
            file = portable.unpacked(data)
            made = await brought_in(session, personas, file, name or file.persona.name, community, now)
        else:
            made, told = await _foreign(session, personas, data, name, path, now)
    for notice in told:
        warn(notice)
    tell(f"{made.name} is here. Bind it with /persona bind {made.name}.")


async def _foreign(
    session: Session, personas: Personas, data: bytes, name: str | None, path: Path, now: datetime
) -> tuple[Persona, tuple[str, ...]]:
    """A card or a lorebook, and what is to be said of it."""
    book = lorebook_of(data)
    if book is not None:
        title = _called(name or str(book.get("name") or path.stem))
        made, entries = await from_lorebook(session, personas, book, title)
        return made, (f"Entries in the book of {made.name} now: {entries}.", *of_book(book))
    card, image = read_file(data)
    avatar = Avatar(media_type="image/png", data=image) if image else None
    return await from_card(session, personas, card, avatar, _called(name or card.name), now), notices(card)


def _called(name: str) -> str:
    """The name as a persona may have it."""
    return " ".join(name.replace("@", " ").replace("/", " ").split())[:80]


async def delete(settings: Settings, name: str, *, force: bool) -> int:
    """Delete a persona, or retire it where people have talked with it."""
    if name == settings.personas.default:
        raise PersonaError(f"{name} is the default: set personas.default to another first.")
    async with _studio(settings) as (memory, _), memory.store.write() as session:
        persona = await session.personas.named(name)
        if persona is None:
            raise PersonaError(f"There is no persona {name!r} that was ever used.")
        bound = await session.personas.bindings(persona_id=persona.id)
        agents = await session.personas.agents_of(persona.id)
        if (bound or agents) and not force:
            places = f"bound to {', '.join(b.place for b in bound)}" if bound else "bound nowhere"
            warn(
                f"{name} is {places}, and agents that know it: {agents}. With --force it is retired: it is "
                "unbound, its agents and what they remember stay, and everyone talks with the default from then on."
            )
            return 1
        for binding in bound:
            await session.personas.unbind(binding.place)
        lore = await session.passages.lore_of(persona.id)
        if agents or (lore and is_held(settings.data_dir)):
            await session.personas.retire(persona.id, SystemClock().now())
            why = (
                f"{agents} agents of it stay"
                if agents
                else f"{holder(settings.data_dir)} holds its lore's vectors"
            )
            tell(f"{name} is retired: {why}. `everbot persona restore` brings it back.")
            return 0
        await _drop_vectors(memory, lore)
        await session.personas.delete(persona.id)
    tell(f"{name} is deleted.")
    return 0


async def restore(settings: Settings, name: str) -> None:
    """Bring a retired persona back."""
    async with _studio(settings) as (memory, _), memory.store.write() as session:
        persona = await session.personas.named(name)
        if persona is None or not persona.retired:
            raise PersonaError(f"{name!r} is not retired.")
        await session.personas.retire(persona.id, None)
    tell(f"{name} is back; bind it with /persona bind {name}.")


async def _drop_vectors(memory: Memory, lore: dict[str, Archive]) -> None:
    for archive in lore.values():
        await memory.indexer.drop(archive.id)


async def _lore(session: Session, persona: Persona, community: str | None) -> Archive | None:
    lore = await session.passages.lore_of(persona.id)
    if community is None:
        return None
    if community not in lore:
        known = ", ".join(lore) or "none"
        raise PersonaError(f"{persona.name} has no lore of {community}. Communities with lore: {known}.")
    return lore[community]


def _written(text: str) -> str:
    if not text.strip():
        raise PersonaError("The text is empty: say who the persona is, in the first person.")
    return clean(text).strip()


def text_of(path: Path) -> str:
    """A file's text. Raises `PersonaError` when it cannot be read."""
    return _read(path).decode("utf-8", "replace")


def _definition(path: Path) -> Definition:
    text = text_of(path)
    if path.suffix == ".toml":
        try:
            return _checked(tomllib.loads(text), str(path))
        except tomllib.TOMLDecodeError as error:
            raise PersonaError(f"{path} is not valid TOML: {error}.") from None
    return _parsed(text, str(path))


def _parsed(text: str, what: str) -> Definition:
    try:
        return _checked(json.loads(text), what)
    except ValueError as error:
        raise PersonaError(f"{what} is not valid JSON: {error}.") from None


def _checked(data: Any, what: str) -> Definition:
    # What no database and no model takes is left out here, too.
    sound = json.loads(clean(json.dumps(data, ensure_ascii=False)).replace("\\u0000", ""))
    try:
        return checked(sound)
    except ValueError as error:
        raise PersonaError(f"{what}: {error}") from None


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > _LARGEST:
            raise PersonaError(f"{path} is larger than the {_LARGEST:,} bytes that are read.")
        return path.read_bytes()
    except OSError as error:
        raise PersonaError(f"{path} cannot be read: {error.strerror}.") from None
