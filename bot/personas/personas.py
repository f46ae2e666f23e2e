"""Who the bot is, where; and personas as wholes: made, changed, brought back to what they were.

Which persona speaks in a place: the one bound to the channel, else to the community, else the installation's
default. A Slack direct message is in its workspace; in a Discord direct message the person picks one.
All of it is asked anew at each message, so that a change holds at a person's next one.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot import prompts
from bot.errors import PersonaError
from bot.events import Origin
from bot.language import gettext
from bot.personas.definition import Definition, parsed, to_json
from bot.ports import Clock
from memory.ports import Session
from memory.records import SHARED, Agent, Block, Persona, Proposal

RESERVED = frozenset(
    "accept bind default edit export history list lore pick proposals reject restore set show unbind".split()
)
"""Words of ``/persona``, which no persona can be called."""
BLOCKS, BLOCK = 64, 100_000
"""Blocks that a persona has at the most, and characters of each."""
_DESCRIPTION = 2_000  # characters
_NAME = 80  # characters: a webhook's name has no more
_SELF = "Who you are. The same for everyone who talks with this persona."


@dataclass(frozen=True, kw_only=True)
class Text:
    """A persona's block as people write it."""

    label: str
    value: str
    limit: int
    description: str = _SELF


def block_of(persona_id: int, text: Text, version: int = 1) -> Block:
    """The block as it is stored."""
    return Block(
        id=0,
        owner=f"persona:{persona_id}",
        label=text.label,
        audience=SHARED,
        value=text.value,
        limit=text.limit,
        description=text.description,
        read_only=True,
        version=version,
    )


def check_texts(texts: Sequence[Text]) -> None:
    """Raises `PersonaError` for more blocks, or longer ones, than a persona may have: they are read at every turn."""
    if len(texts) > BLOCKS:
        raise PersonaError(f"There are {len(texts):,} blocks; a persona may have {BLOCKS}.")
    for text in texts:
        if len(text.value) > BLOCK:
            raise PersonaError(
                f"The block {text.label!r} has {len(text.value):,} characters; it may have {BLOCK:,}. What a persona "
                "is to look up belongs into lore: everbot load --lore PERSONA@COMMUNITY."
            )


class Personas:
    """Works in the caller's unit of work. ``default`` is the installation's own persona."""

    def __init__(self, clock: Clock, default: str, block_limit: int) -> None:
        self._clock = clock
        self.default = default
        self._limit = block_limit
        self._ready = prompts.personas()
        self.ready = frozenset(self._ready)

    # Who, where

    async def here(self, session: Session, who: Origin) -> str:
        """The name of the persona that speaks there; an origin that names one is taken at its word."""
        if who.persona:
            return who.persona
        community = who.home
        if not community:
            picked = await session.personas.picked(who.account)
            return picked.name if picked else self.default
        places = [f"{community}/{who.channel}", community] if who.channel else [community]
        bound = await session.personas.at(places)
        return bound.name if bound else self.default

    async def named(self, session: Session, name: str) -> Persona:
        """The persona of that name; one of those that come with everbot is made when it is first named.

        Raises `PersonaError`, naming those that there are.
        """
        persona = await session.personas.named(name)
        if persona is not None:
            return persona
        if name in self._ready:
            return await self._make_ready(session, name)
        names = ", ".join(await self.names(session))
        raise PersonaError(
            gettext(
                "There is no persona {name!r}. Personas: {names} (everbot persona create makes one).",
                name=name,
                names=names,
            )
        )

    async def names(self, session: Session) -> list[str]:
        """Of all that are not retired, and of those that come with everbot."""
        known = await session.personas.all()
        retired = {persona.name for persona in known if persona.retired}
        return sorted(({persona.name for persona in known} | self.ready) - retired)

    async def described(self, session: Session) -> dict[str, str]:
        """Name and description of all that `names` gives."""
        known = {persona.name: persona.description for persona in await session.personas.all()}
        names = await self.names(session)
        return {name: known[name] if name in known else self._about(name) for name in names}

    async def communities_of(self, session: Session, user_id: int) -> set[str]:
        """Where the person and the bot have talked with others around."""
        found: set[str] = set()
        for agent in await session.agents.agents_of(user_id):
            for place in await session.agents.conversations(agent.id):
                found.add(place.home)
        return found - {""}

    # A persona as a whole

    async def create(
        self,
        session: Session,
        name: str,
        texts: Sequence[Text],
        *,
        description: str = "",
        definition: Definition | None = None,
        user_id: int | None = None,
    ) -> Persona:
        """A new persona with its blocks. Raises `PersonaError` for a name that is taken or cannot be one."""
        self.check_name(name)
        if await session.personas.named(name) is not None:
            raise PersonaError(f"There is a persona {name!r} already.")
        persona = await session.personas.create(name, description, self._clock.now())
        await self.put(session, persona, texts, description, definition or Definition(), user_id)
        return await session.personas.get(persona.id)

    def check_name(self, name: str) -> None:
        fits = 0 < len(name) <= _NAME and name.isprintable() and name == " ".join(name.split())
        if not fits or "@" in name or "/" in name or name.split()[0] in RESERVED:
            raise PersonaError(
                f"{name!r} cannot be a persona's name: it has 1 to {_NAME} characters on one line, none of them @ or "
                f"/, and does not begin with one of the words {', '.join(sorted(RESERVED))}."
            )

    def text(self, value: str, label: str = "persona") -> Text:
        """A block that holds this, with room to grow."""
        return Text(label=label, value=value, limit=max(self._limit, len(value)))

    async def put(
        self,
        session: Session,
        persona: Persona,
        texts: Sequence[Text],
        description: str,
        definition: Definition,
        user_id: int | None,
    ) -> None:
        """Make the persona read so, and keep that as a version. Blocks keep their history. Raises `PersonaError` for
        what is too much."""
        check_texts(texts)
        if len(description) > _DESCRIPTION:
            raise PersonaError(
                f"The description has {len(description):,} characters; it may have {_DESCRIPTION:,}."
            )
        now = self._clock.now()
        await session.personas.put(persona.id, description, to_json(definition))
        known = {block.label: block for block in await self.blocks(session, persona)}
        for text in texts:
            block = known.pop(text.label, None)
            if block is None:
                await session.blocks.create(block_of(persona.id, text), now)
                continue
            if (block.limit, block.description) != (text.limit, text.description):
                await session.blocks.reshape(block.id, text.limit, text.description)
            if block.value != text.value:
                await session.blocks.put(block.id, text.value, None, now)
        for block in known.values():
            await session.blocks.delete(block.id)
        await self._note(session, persona, user_id)

    async def blocks(self, session: Session, persona: Persona) -> list[Block]:
        return await session.blocks.of(f"persona:{persona.id}", None)

    async def definition(self, session: Session, persona_id: int) -> Definition:
        return parsed(await session.personas.definition(persona_id))

    async def set_block(
        self, session: Session, persona: Persona, label: str, value: str, user_id: int | None
    ) -> None:
        """Raises `PersonaError` for a block that is not there, or a value that is too long."""
        blocks = {block.label: block for block in await self.blocks(session, persona)}
        if label not in blocks:
            raise PersonaError(
                gettext(
                    "{persona} has no block {label!r}. Blocks: {blocks}.",
                    persona=persona.name,
                    label=label,
                    blocks=", ".join(blocks),
                )
            )
        block = blocks[label]
        if len(value) > block.limit:
            raise PersonaError(
                gettext(
                    "That is {n} characters; {what} holds {most}.", n=len(value), what=label, most=block.limit
                )
            )
        if value != block.value:
            await session.blocks.put(block.id, value, None, self._clock.now())
            await self._note(session, persona, user_id)

    async def restore(self, session: Session, persona: Persona, version: int, user_id: int | None) -> None:
        """Make it what it was in that version, which becomes a new one. Raises `PersonaError`."""
        versions = {kept.version: kept.data for kept in await session.personas.versions(persona.id)}
        if version not in versions:
            known = ", ".join(map(str, versions))
            raise PersonaError(
                gettext(
                    "{persona} has no version {version}. Versions: {known}.",
                    persona=persona.name,
                    version=version,
                    known=known,
                )
            )
        data = versions[version]
        texts = [Text(**text) for text in data["blocks"]]
        await self.put(session, persona, texts, data["description"], parsed(data["definition"]), user_id)

    async def accept(self, session: Session, proposal: Proposal, user_id: int | None) -> None:
        """Raises `PersonaError` when the block reads otherwise by now."""
        persona = await session.personas.get(proposal.persona_id)
        blocks = {block.label: block for block in await self.blocks(session, persona)}
        block = blocks.get(proposal.label)
        if block is None or block.value != proposal.before:
            raise PersonaError(
                gettext(
                    "{label} was changed since that was proposed. Take over by hand what is still good "
                    "(/persona edit {label}), and reject it.",
                    label=proposal.label,
                )
            )
        await self.set_block(session, persona, proposal.label, proposal.value, user_id)
        await session.personas.drop_proposal(proposal.id)

    async def propose(
        self, session: Session, agent: Agent, community: str, turn_id: str, before: Block, value: str
    ) -> None:
        """A reflection on what was said in that community's public asks for another value of a block.

        It waits for an admin there, unless the persona is of that community alone, and its admins let it.
        """
        if value == before.value:
            return
        persona, now = await session.personas.get(agent.persona_id), self._clock.now()
        definition = await self.definition(session, persona.id)
        read = next((b.value for b in await self.blocks(session, persona) if b.id == before.id), None)
        at_once = definition.policies.accept == "always" and read == before.value
        if at_once and await self.is_of(session, persona, community):
            await session.blocks.put(before.id, value, turn_id, now)
            await self._note(session, persona, None)
            return
        proposal = Proposal(
            persona_id=persona.id,
            label=before.label,
            before=before.value,
            value=value,
            agent_id=agent.id,
            community=community,
            turn_id=turn_id,
            at=now,
        )
        await session.personas.propose(proposal)

    async def is_of(self, session: Session, persona: Persona, community: str) -> bool:
        """Whether nobody but that community has this persona."""
        bound = await session.personas.bindings(persona_id=persona.id)
        return persona.name != self.default and {binding.community for binding in bound} == {community}

    async def snapshot(self, session: Session, persona: Persona) -> dict[str, Any]:
        """All that the persona is, as JSON values."""
        return {
            "description": persona.description,
            "definition": await session.personas.definition(persona.id),
            "blocks": [
                {
                    "label": block.label,
                    "value": block.value,
                    "limit": block.limit,
                    "description": block.description,
                }
                for block in await self.blocks(session, persona)
            ],
        }

    async def _note(self, session: Session, persona: Persona, user_id: int | None) -> None:
        persona = await session.personas.get(persona.id)
        data = await self.snapshot(session, persona)
        await session.personas.note_version(persona.id, data, user_id, self._clock.now())

    # Those that come with everbot

    def _about(self, name: str) -> str:
        return str(self._beside(name).get("description", ""))

    def _beside(self, name: str) -> Mapping[str, Any]:
        return tomllib.loads(self._ready[name].beside)

    async def _make_ready(self, session: Session, name: str) -> Persona:
        beside = dict(self._beside(name))
        description = str(beside.pop("description", ""))
        text = self.text(self._ready[name].text)
        return await self.create(session, name, [text], description=description, definition=parsed(beside))
