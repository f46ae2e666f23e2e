"""Personas in and out of the store, as files: everbot's own (`bot.personas.portable`) and character cards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from bot.errors import PersonaError
from bot.personas import portable
from bot.personas.cards.card import Card, card_of_document
from bot.personas.cards.fields import Json
from bot.personas.cards.persona import dialogue_text, persona_text
from bot.personas.definition import Definition, checked, to_json
from bot.personas.personas import Personas, Text, block_of
from memory.archival import store
from memory.ports import Session
from memory.records import SHARED, Archive, Avatar, BlockEdit, Draft, Persona, community_audience


async def taken_out(session: Session, persona: Persona, lore: Archive | None) -> portable.PersonaFile:
    """All of a persona, with the lore of one community or none."""
    owner = f"persona:{persona.id}"
    edits = list(reversed(await session.blocks.history(owner, None, limit=None)))
    blocks = [
        portable.PortableBlock(
            label=block.label,
            value=block.value,
            limit=block.limit,
            description=block.description,
            history=tuple(
                portable.Edit(version=e.version, before=e.before, after=e.after, at=e.at)
                for e in edits
                if e.block_id == block.id
            ),
        )
        for block in await session.blocks.of(owner, None)
    ]
    versions = [
        portable.Made(version=made.version, data=portable.State.model_validate(made.data), at=made.at)
        for made in reversed(await session.personas.versions(persona.id))
    ]
    whole = portable.Persona(
        name=persona.name,
        description=persona.description,
        definition=await session.personas.definition(persona.id),
        blocks=tuple(blocks),
        versions=tuple(versions),
    )
    entries = await _entries(session, lore) if lore else []
    return portable.PersonaFile(persona=whole, lore=entries, avatar=await session.personas.avatar(persona.id))


async def _entries(session: Session, lore: Archive) -> list[portable.Entry]:
    passages = await session.passages.page(lore.id, None, limit=10**9)
    return [
        portable.Entry(text=p.text, tags=p.tags, source=p.source, position=p.position, at=p.created_at)
        for p in reversed(passages)
    ]


async def brought_in(
    session: Session,
    personas: Personas,
    file: portable.PersonaFile,
    name: str,
    community: str | None,
    now: datetime,
) -> Persona:
    """A new persona that is what the file says. Raises `PersonaError`; then nothing may be committed."""
    told = file.persona
    personas.check_name(name)
    if await session.personas.named(name) is not None:
        raise PersonaError(f"There is a persona {name!r} already; --name gives this one another.")
    if file.lore and community is None:
        raise PersonaError(
            "This file holds lore: say with --community whose it shall be (such as discord:1)."
        )
    if community is not None and ":" not in community:
        raise PersonaError(f"{community!r} is no community, such as discord:1 or slack:T1.")
    if not told.blocks or len({block.label for block in told.blocks}) < len(told.blocks):
        raise PersonaError("This file has no blocks, or two of one label.")
    definition = _definition(told.definition)
    made = await session.personas.create(name, told.description, now)
    await session.personas.put(made.id, told.description, to_json(definition))
    for block in told.blocks:
        if len(block.value) > block.limit:
            raise PersonaError(f"The block {block.label!r} of this file is longer than its limit.")
        await _block(session, made.id, block, now)
    for version in told.versions:
        _definition(version.data.definition)
        await session.personas.note_version(made.id, version.data.model_dump(mode="json"), None, version.at)
    await session.personas.put_avatar(made.id, file.avatar)
    if file.lore and community is not None:
        await _lore(session, made.id, community, file.lore, now)
    return await session.personas.get(made.id)


def _definition(data: Json) -> Definition:
    try:
        return checked(data)
    except ValueError as error:
        raise PersonaError(f"The definition in this file: {error}") from None


async def _block(session: Session, persona_id: int, block: portable.PortableBlock, now: datetime) -> None:
    edits = [
        BlockEdit(
            block_id=0,
            label=block.label,
            audience=SHARED,
            version=edit.version,
            before=edit.before,
            after=edit.after,
            turn_id=None,
            at=edit.at,
        )
        for edit in block.history
    ]
    text = Text(label=block.label, value=block.value, limit=block.limit, description=block.description)
    made = block_of(persona_id, text, max((edit.version for edit in edits), default=1))
    await session.blocks.restore(made, edits, now)


async def _lore(
    session: Session, persona_id: int, community: str, lore: Sequence[portable.Entry], now: datetime
) -> None:
    archive = await session.passages.create_lore(persona_id, community, now)
    audience = community_audience(community)
    for entry in lore:
        draft = Draft(
            text=entry.text, audience=audience, tags=entry.tags, source=entry.source, position=entry.position
        )
        await store(session, archive.id, [draft], entry.at)


# Character cards


async def from_card(
    session: Session, personas: Personas, card: Card, avatar: Avatar | None, name: str, now: datetime
) -> Persona:
    """A new persona that is what the card says. Raises `PersonaError`."""
    greetings = [text for text in (card.first_mes, *card.alternate_greetings) if text.strip()]
    values = {
        "nickname": card.nickname or "",
        "greetings": greetings,
        "group_greetings": list(card.group_only_greetings or ()),
        "example": dialogue_text(card),
        "system_prompt": card.system_prompt,
        "post_history_instructions": card.post_history_instructions,
        "book": dict(card.character_book or {}),
        "card": dict(card.document),
    }
    texts = [personas.text(persona_text(card))]
    made = await personas.create(session, name, texts, definition=_definition(values))
    await session.personas.put_avatar(made.id, avatar)
    return made


async def from_lorebook(
    session: Session, personas: Personas, book: Mapping[str, Any], name: str
) -> tuple[Persona, int]:
    """The persona of that name, or a new one, with the book's entries added to those that it has, and how many it has
    then. Raises `PersonaError`."""
    if name in await personas.names(session):
        persona = await personas.named(session, name)
    else:
        persona = await personas.create(session, name, [personas.text(f"I know {name}, and tell of it.")])
    told = await personas.definition(session, persona.id)
    entries = [*_entries_in(told.book), *_entries_in(book)]
    definition = _definition(to_json(told) | {"book": {**book, **told.book, "entries": entries}})
    texts = [
        Text(label=b.label, value=b.value, limit=b.limit, description=b.description)
        for b in await personas.blocks(session, persona)
    ]
    await personas.put(session, persona, texts, persona.description, definition, None)
    return persona, len(entries)


def _entries_in(book: Mapping[str, Any]) -> list[Any]:
    entries = book.get("entries") or ()
    return list(entries.values() if isinstance(entries, Mapping) else entries)


async def to_card(session: Session, personas: Personas, persona: Persona) -> Card:
    """The persona as a card: that from which it came, with what was changed since."""
    definition = await personas.definition(session, persona.id)
    card = card_of_document(definition.card) if definition.card else Card(name=persona.name)
    text = "\n\n".join(block.value for block in await personas.blocks(session, persona))
    if not definition.card or text != persona_text(card):
        card = replace(card, description=text, personality="", scenario="")
    if not definition.card or definition.example != dialogue_text(card):
        card = replace(card, mes_example=definition.example)
    if list(definition.greetings) != [t for t in (card.first_mes, *card.alternate_greetings) if t.strip()]:
        first, *others = definition.greetings or ("",)
        card = replace(card, first_mes=first, alternate_greetings=tuple(others))
    if definition.group_greetings != (card.group_only_greetings or ()):
        card = replace(card, group_only_greetings=definition.group_greetings)
    if definition.nickname != (card.nickname or ""):
        card = replace(card, nickname=definition.nickname or None)
    if dict(definition.book) != dict(card.character_book or {}):
        card = replace(card, character_book=definition.book or None)
    return replace(
        card,
        system_prompt=definition.system_prompt,
        post_history_instructions=definition.post_history_instructions,
    )
