"""Personas, as whoever runs the bot makes and changes them, from the command line or the desk, also while everbot runs:
a change is seen at everyone's next message. What was done is noted, with who did it."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import Any

from bot.errors import PersonaError
from bot.events import clean
from bot.personas import portable
from bot.personas.cards.card import Card, Version, bytes_of
from bot.personas.cards.file import lorebook_of, notices, of_book, png_of, read_file
from bot.personas.definition import Definition, checked, to_json
from bot.personas.files import brought_in, from_card, from_lorebook, taken_out, to_card
from bot.personas.personas import Personas, Text
from bot.ports import Clock
from memory.ports import Session, Store
from memory.records import Archive, Avatar, Binding, Block, Deed, Persona, PersonaVersion, Proposal

LARGEST = 60_000_000
"""Bytes of a persona's file, or a card, that are read at all."""
_PLACE = re.compile(r"([a-z]+:[^\s/]+)(/[^\s/]+)?")


@dataclass(frozen=True, kw_only=True)
class Listed:
    """A persona among others. ``persona`` is None for one that comes with everbot and was never used."""

    name: str
    about: str
    persona: Persona | None
    places: Sequence[str]
    proposals: int


@dataclass(frozen=True, kw_only=True)
class Whole:
    """All of a persona. ``versions`` are the newest first, with who made each; ``lore`` counts entries by community."""

    persona: Persona
    blocks: Sequence[Block]
    definition: Definition
    versions: Sequence[tuple[PersonaVersion, str]]
    proposals: Sequence[Proposal]
    places: Sequence[Binding]
    lore: Mapping[str, int]
    agents: int


class Studio:
    """``who`` is noted with what is done, ``user_id`` with versions: None for whoever sits at the machine."""

    def __init__(
        self, store: Store, clock: Clock, personas: Personas, who: str, user_id: int | None = None
    ) -> None:
        self._store, self._clock = store, clock
        self._personas = personas
        self._who, self._user_id = who, user_id

    # What is seen

    async def all(self) -> list[Listed]:
        """Those that are retired, too."""
        async with self._store.read() as session:
            known = {persona.name: persona for persona in await session.personas.all()}
            described = await self._personas.described(session)
            bindings = await session.personas.bindings()
            proposals = {p.id: len(await session.personas.proposals(p.id, None)) for p in known.values()}

        def listed(name: str) -> Listed:
            persona = known.get(name)
            places = [b.place for b in bindings if persona and b.persona_id == persona.id]
            about = persona.description if persona else described[name]
            waiting = proposals[persona.id] if persona else 0
            return Listed(name=name, about=about, persona=persona, places=places, proposals=waiting)

        return [listed(name) for name in sorted({*known, *described})]

    async def whole(self, name: str, versions: int | None = None) -> Whole:
        """With so many of its versions. Raises `PersonaError` for one that there is not."""
        async with (
            self._store.write() as session
        ):  # one that comes with everbot is made when it is first named
            persona = await self._personas.named(session, name)
            kept = (await session.personas.versions(persona.id))[:versions]
            users = {v.user_id: (await session.agents.user(v.user_id)).name for v in kept if v.user_id}
            lore = await session.passages.lore_of(persona.id)
            return Whole(
                persona=persona,
                blocks=await self._personas.blocks(session, persona),
                definition=await self._personas.definition(session, persona.id),
                versions=[(v, users.get(v.user_id or 0, "")) for v in kept],
                proposals=await session.personas.proposals(persona.id, None),
                places=await session.personas.bindings(persona_id=persona.id),
                lore={place: await session.passages.count(a.id, None) for place, a in lore.items()},
                agents=await session.personas.agents_of(persona.id),
            )

    async def ties(self, name: str) -> tuple[Sequence[str], int]:
        """The places that it is bound to, and how many agents know it; nothing of one that was never used."""
        async with self._store.read() as session:
            persona = await session.personas.named(name)
            if persona is None:
                return (), 0
            bound = await session.personas.bindings(persona_id=persona.id)
            return [binding.place for binding in bound], await session.personas.agents_of(persona.id)

    # What is done. Each raises `PersonaError`, and then nothing was changed.

    async def create(
        self, name: str, text: str, about: str = "", definition: Definition | None = None, image: bytes = b""
    ) -> None:
        """A new persona with one block."""
        avatar = portable.avatar_of(image) if image else None
        async with self._store.write() as session:
            block = self._personas.text(_written(text))
            made = await self._personas.create(
                session, name, [block], description=about, definition=definition, user_id=self._user_id
            )
            if avatar is not None:
                await session.personas.put_avatar(made.id, avatar)
            await self._note(session, "made", made)

    async def write(self, name: str, label: str, text: str) -> bool:
        """Another text of a block, which grows with it. False: it reads so already."""
        text = _written(text)
        async with self._store.write() as session:
            persona = await self._personas.named(session, name)
            blocks = await self._texts(session, persona)
            if label not in blocks:
                raise PersonaError(f"{name} has no block {label!r}. Blocks: {', '.join(blocks)}.")
            block = blocks[label]
            if block.value == text:
                return False
            blocks[label] = replace(block, value=text, limit=max(block.limit, len(text)))
            await self._put(session, persona, blocks, f"wrote [{label}] of")
        return True

    async def define(self, name: str, definition: Definition) -> None:
        async with self._store.write() as session:
            persona = await self._personas.named(session, name)
            await self._put(
                session, persona, await self._texts(session, persona), "defined", definition=definition
            )

    async def describe(self, name: str, about: str) -> None:
        """Another line for people."""
        async with self._store.write() as session:
            persona = await self._personas.named(session, name)
            await self._put(session, persona, await self._texts(session, persona), "described", about=about)

    async def picture(self, name: str, image: bytes) -> None:
        avatar = portable.avatar_of(image)
        async with self._store.write() as session:
            persona = await self._personas.named(session, name)
            await session.personas.put_avatar(persona.id, avatar)
            await self._note(session, "gave a picture to", persona)

    async def go_back(self, name: str, version: int) -> None:
        """It is again what it was in that version, which becomes a new one."""
        async with self._store.write() as session:
            persona = await self._personas.named(session, name)
            await self._personas.restore(session, persona, version, self._user_id)
            await self._note(session, f"went back to version {version} of", persona)

    async def accept(self, name: str, proposal_id: int) -> None:
        """What a reflection proposed is so from now on."""
        async with self._store.write() as session:
            persona, proposal = await self._proposed(session, name, proposal_id)
            await self._personas.accept(session, proposal, self._user_id)
            await self._note(session, "accepted a proposal for", persona)

    async def refuse(self, name: str, proposal_id: int) -> None:
        async with self._store.write() as session:
            persona, proposal = await self._proposed(session, name, proposal_id)
            await session.personas.drop_proposal(proposal.id)
            await self._note(session, "refused a proposal for", persona)

    async def bind(self, name: str, place: str) -> None:
        """It speaks from now on in a community (``discord:1``), or one channel of it (``discord:1/2``)."""
        found = _PLACE.fullmatch(place)
        if found is None:
            raise PersonaError(f"{place!r} is no place, such as discord:1, or discord:1/2 for one channel.")
        async with self._store.write() as session:
            persona = await self._personas.named(session, name)
            await session.personas.bind(place, found[1], persona.id, self._clock.now())
            await self._note(session, f"bound to {place}", persona)

    async def unbind(self, place: str) -> None:
        """The community's persona, else the default, speaks there again."""
        async with self._store.write() as session:
            bound = await session.personas.at([place])
            if not await session.personas.unbind(place):
                raise PersonaError(f"Nothing is bound to {place}.")
            await self._note(session, f"unbound from {place}", bound)

    async def remove(self, name: str, drop: Callable[[int], Awaitable[None]] | None) -> bool:
        """Unbind and delete it; retire it (False) where people have talked with it, or where its lore's vectors are
        another process's, so that ``drop``, which drops those of an archive, is None."""
        if name == self._personas.default:
            raise PersonaError(f"{name} is the default: set personas.default to another first.")
        async with self._store.write() as session:
            persona = await session.personas.named(name)
            if persona is None:
                raise PersonaError(f"There is no persona {name!r} that was ever used.")
            for binding in await session.personas.bindings(persona_id=persona.id):
                await session.personas.unbind(binding.place)
            lore = await session.passages.lore_of(persona.id)
            if await session.personas.agents_of(persona.id) or (lore and drop is None):
                await session.personas.retire(persona.id, self._clock.now())
                await self._note(session, "retired", persona)
                return False
            for archive in lore.values():
                assert drop is not None
                await drop(archive.id)
            await session.personas.delete(persona.id)
            await self._note(session, "deleted", persona)
        return True

    async def bring_back(self, name: str) -> None:
        """One that is retired."""
        async with self._store.write() as session:
            persona = await session.personas.named(name)
            if persona is None or not persona.retired:
                raise PersonaError(f"{name!r} is not retired.")
            await session.personas.retire(persona.id, None)
            await self._note(session, "brought back", persona)

    # Files

    async def taken_out(
        self, name: str, card: Version | None, *, png: bool = False, community: str | None = None
    ) -> tuple[str, bytes]:
        """As a file with its name: everbot's own, with the lore of a community if one is named, or a character card."""
        async with self._store.write() as session:
            persona = await self._personas.named(session, name)
            called = "".join(c if c.isalnum() else "-" for c in name)
            if card is None:
                lore = await _lore(session, persona, community)
                file = await taken_out(session, persona, lore)
                return f"{called}.zip", await asyncio.to_thread(portable.packed, file, self._clock.now())
            told = await to_card(session, self._personas, persona)
            if not png:
                return f"{called}.json", bytes_of(told, card)
            avatar = await session.personas.avatar(persona.id)
            if avatar is None or avatar.media_type != "image/png":
                raise PersonaError(f"{name} has no PNG as its avatar to put the card in.")
            return f"{called}.png", png_of(told, avatar.data, card)

    async def brought_in(
        self, data: bytes, file_name: str, name: str | None = None, community: str | None = None
    ) -> tuple[Persona, tuple[str, ...]]:
        """A persona of a file (everbot's own, or a character card: PNG, JSON, CHARX), and what is odd in it. A lorebook
        (World Info) becomes the book of the persona of that name, or of a new one."""
        held = await asyncio.to_thread(_opened, data)
        now = self._clock.now()
        async with self._store.write() as session:
            told: Sequence[str] = ()
            if isinstance(held, portable.PersonaFile):
                wanted = name or held.persona.name
                made = await brought_in(session, self._personas, held, wanted, community, now)
            elif isinstance(held, tuple):
                card, image = held
                avatar = Avatar(media_type="image/png", data=image) if image else None
                called = _called(name or card.name)
                made = await from_card(session, self._personas, card, avatar, called, now)
                told = notices(card)
            else:
                title = _called(name or str(held.get("name") or PurePath(file_name).stem))
                made, entries = await from_lorebook(session, self._personas, held, title)
                told = (f"Entries in the book of {made.name} now: {entries}.", *of_book(held))
            await self._note(session, "brought in", made)
        return made, tuple(told)

    # Within a unit of work

    async def _texts(self, session: Session, persona: Persona) -> dict[str, Text]:
        return {
            b.label: Text(label=b.label, value=b.value, limit=b.limit, description=b.description)
            for b in await self._personas.blocks(session, persona)
        }

    async def _put(
        self,
        session: Session,
        persona: Persona,
        blocks: Mapping[str, Text],
        did: str,
        *,
        about: str | None = None,
        definition: Definition | None = None,
    ) -> None:
        about = persona.description if about is None else about
        told = definition or await self._personas.definition(session, persona.id)
        await self._personas.put(session, persona, list(blocks.values()), about, told, self._user_id)
        await self._note(session, did, persona)

    async def _proposed(self, session: Session, name: str, number: int) -> tuple[Persona, Proposal]:
        persona = await self._personas.named(session, name)
        for proposal in await session.personas.proposals(persona.id, None):
            if proposal.id == number:
                return persona, proposal
        raise PersonaError(f"There is no proposal {number} for {name}.")

    async def _note(self, session: Session, did: str, persona: Persona | None) -> None:
        about = f"persona:{persona.name}" if persona else ""
        await session.operations.note(Deed(at=self._clock.now(), who=self._who, did=did, about=about))


def definition_of(text: str, what: str) -> Definition:
    """A definition in JSON. Raises `PersonaError` that begins with ``what``."""
    try:
        data = json.loads(text)
    except ValueError as error:
        raise PersonaError(f"{what} is not valid JSON: {error}.") from None
    return defined(data, what)


def defined(data: Any, what: str) -> Definition:
    """Raises `PersonaError` that begins with ``what``."""
    # What no database and no model takes is left out here, too.
    sound = json.loads(clean(json.dumps(data, ensure_ascii=False)).replace("\\u0000", ""))
    try:
        return checked(sound)
    except ValueError as error:
        raise PersonaError(f"{what}: {error}") from None


def written_definition(definition: Definition) -> str:
    """As people edit it, and `definition_of` reads it."""
    return json.dumps(to_json(definition), ensure_ascii=False, indent=1)


def _written(text: str) -> str:
    if not text.strip():
        raise PersonaError("The text is empty: say who the persona is, in the first person.")
    return clean(text).strip()


def _called(name: str) -> str:
    """The name as a persona may have it."""
    return " ".join(name.replace("@", " ").replace("/", " ").split())[:80]


def _opened(data: bytes) -> portable.PersonaFile | tuple[Card, bytes] | dict[str, Any]:
    """A persona's file, a card with its image, or a lorebook."""
    if portable.is_packed(data):
        return portable.unpacked(data)
    book = lorebook_of(data)
    return book if book is not None else read_file(data)


async def _lore(session: Session, persona: Persona, community: str | None) -> Archive | None:
    lore = await session.passages.lore_of(persona.id)
    if community is None:
        return None
    if community not in lore:
        known = ", ".join(lore) or "none"
        raise PersonaError(f"{persona.name} has no lore of {community}. Communities with lore: {known}.")
    return lore[community]
