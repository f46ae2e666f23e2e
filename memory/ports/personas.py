"""Personas, where they are bound, and what is proposed to change in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from memory.records import Avatar, Binding, Persona, PersonaVersion, Proposal


class Personas(Protocol):
    """Their blocks are rows of `Blocks`, owned by ``persona:<id>``; their lore is archives of `Passages`. A persona
    that is asked for by its id must exist."""

    async def named(self, name: str) -> Persona | None: ...
    async def get(self, persona_id: int) -> Persona: ...
    async def all(self) -> list[Persona]:
        """By name; the retired ones, too."""
        ...

    async def create(self, name: str, description: str, now: datetime) -> Persona:
        """``name`` must be new."""
        ...

    async def definition(self, persona_id: int) -> dict[str, Any]: ...
    async def put(self, persona_id: int, description: str, definition: Mapping[str, Any]) -> None: ...
    async def note_version(
        self, persona_id: int, data: Mapping[str, Any], user_id: int | None, now: datetime
    ) -> int:
        """Keep what the persona is now as its next version, whose number is given back."""
        ...

    async def versions(self, persona_id: int) -> list[PersonaVersion]:
        """Newest first."""
        ...

    async def avatar(self, persona_id: int) -> Avatar | None: ...
    async def put_avatar(self, persona_id: int, avatar: Avatar | None) -> None:
        """Replaces the one there is; None takes it away."""
        ...

    async def retire(self, persona_id: int, now: datetime | None) -> None:
        """Whoever talks with it already goes on; nobody else begins. With None it is as before."""
        ...

    async def delete(self, persona_id: int) -> None:
        """The persona with its blocks, lore, bindings and proposals. It must have no agents."""
        ...

    async def agents_of(self, persona_id: int) -> int:
        """How many agents it has."""
        ...

    async def at(self, places: Sequence[str]) -> Persona | None:
        """The persona bound to the first of these places that has one which is not retired."""
        ...

    async def bind(self, place: str, community: str, persona_id: int, now: datetime) -> None:
        """Replaces what was bound there."""
        ...

    async def unbind(self, place: str) -> bool:
        """False when nothing was bound there."""
        ...

    async def unbind_all(self, community: str) -> None: ...
    async def bindings(self, *, community: str | None = None, persona_id: int | None = None) -> list[Binding]:
        """By place."""
        ...

    async def pick(self, user_id: int, persona_id: int | None) -> None:
        """Whom the person talks with in direct messages; None: the default."""
        ...

    async def picked(self, account: str) -> Persona | None:
        """None also when it is retired."""
        ...

    async def propose(self, proposal: Proposal) -> None:
        """Replaces what the same agent proposed for that block in that community."""
        ...

    async def proposals(self, persona_id: int, community: str | None) -> list[Proposal]:
        """Those made in the community (None: anywhere), oldest first."""
        ...

    async def drop_proposal(self, proposal_id: int) -> None: ...
    async def withdraw_proposals(self, turn_id: str) -> None:
        """Those that the turn made."""
        ...

    async def note_departure(self, community: str, now: datetime) -> None:
        """The bot was removed from it. The first time counts, until `note_return`."""
        ...

    async def note_return(self, community: str) -> None: ...
    async def departed(self, until: datetime) -> list[str]:
        """Communities that the bot has been away from since ``until`` or longer, in alphabetical order."""
        ...
