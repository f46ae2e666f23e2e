"""Queries on personas, their places and what is proposed of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from memory.records import Avatar, Binding, Persona, PersonaVersion, Proposal
from memory.store import tables as t
from memory.store.connection import Connection, Row
from memory.store.dialects import among, upsert
from memory.store.passages import Passages
from memory.store.prepared import Prepared
from memory.store.rows import record

_SHOWN = (t.personas.c.id, t.personas.c.name, t.personas.c.description, t.personas.c.version,
          t.personas.c.retired_at)  # fmt: skip
# Asked at every message: built once.
_AT = Prepared(
    sa.select(*_SHOWN, t.bindings.c.place)
    .join(t.bindings, t.bindings.c.persona_id == t.personas.c.id)
    .where(among(t.bindings.c.place, "places") & t.personas.c.retired_at.is_(None))
)
_PICKED = Prepared(
    sa.select(*_SHOWN)
    .join(t.picks, t.picks.c.persona_id == t.personas.c.id)
    .join(t.accounts, t.accounts.c.user_id == t.picks.c.user_id)
    .where((t.accounts.c.account == sa.bindparam("account")) & t.personas.c.retired_at.is_(None))
)
_ONE = t.personas.c.id == sa.bindparam("persona")
_GET = Prepared(sa.select(*_SHOWN).where(_ONE))
_DEFINITION = Prepared(sa.select(t.personas.c.definition).where(_ONE))
_NAMED = Prepared(sa.select(*_SHOWN).where(t.personas.c.name == sa.bindparam("called")))
_CREATE = Prepared(t.personas.insert())
_PUT = Prepared(
    t.personas.update()
    .where(_ONE)
    .values(description=sa.bindparam("about"), definition=sa.bindparam("whole"))
)
_NEXT = Prepared(
    t.personas.update().where(_ONE).values(version=t.personas.c.version + 1).returning(t.personas.c.version)
)
_VERSION = Prepared(t.persona_versions.insert())


class Personas:
    """See `memory.ports.Personas`."""

    def __init__(self, connection: Connection) -> None:
        self._c = connection

    async def named(self, name: str) -> Persona | None:
        row = (await self._c.execute(_NAMED, {"called": name})).first()
        return _persona(row) if row else None

    async def get(self, persona_id: int) -> Persona:
        return _persona((await self._c.execute(_GET, {"persona": persona_id})).one())

    async def all(self) -> list[Persona]:
        rows = await self._c.execute(sa.select(*_SHOWN).order_by(t.personas.c.name))
        return [_persona(row) for row in rows]

    async def create(self, name: str, description: str, now: datetime) -> Persona:
        values = {"name": name, "description": description, "version": 0, "definition": {}}
        result = await self._c.execute(_CREATE, {**values, "created_at": now})
        return Persona(id=result.inserted_id, name=name, description=description)

    async def definition(self, persona_id: int) -> dict[str, Any]:
        found: dict[str, Any] = (await self._c.execute(_DEFINITION, {"persona": persona_id})).scalar_one()
        return found

    async def put(self, persona_id: int, description: str, definition: Mapping[str, Any]) -> None:
        values = {"persona": persona_id, "about": description, "whole": dict(definition)}
        await self._c.execute(_PUT, values)

    async def note_version(
        self, persona_id: int, data: Mapping[str, Any], user_id: int | None, now: datetime
    ) -> int:
        version = int((await self._c.execute(_NEXT, {"persona": persona_id})).scalar_one())
        values = {
            "persona_id": persona_id,
            "version": version,
            "data": dict(data),
            "user_id": user_id,
            "at": now,
        }
        await self._c.execute(_VERSION, values)
        return version

    async def versions(self, persona_id: int) -> list[PersonaVersion]:
        v = t.persona_versions
        query = sa.select(v).where(v.c.persona_id == persona_id).order_by(v.c.version.desc())
        return [record(PersonaVersion, row) for row in await self._c.execute(query)]

    async def avatar(self, persona_id: int) -> Avatar | None:
        row = (
            await self._c.execute(sa.select(t.avatars).where(t.avatars.c.persona_id == persona_id))
        ).first()
        return record(Avatar, row) if row else None

    async def put_avatar(self, persona_id: int, avatar: Avatar | None) -> None:
        await self._c.execute(t.avatars.delete().where(t.avatars.c.persona_id == persona_id))
        if avatar is not None:
            values = {"media_type": avatar.media_type, "data": avatar.data}
            await self._c.execute(t.avatars.insert().values(persona_id=persona_id, **values))

    async def retire(self, persona_id: int, now: datetime | None) -> None:
        await self._c.execute(t.personas.update().where(t.personas.c.id == persona_id).values(retired_at=now))

    async def delete(self, persona_id: int) -> None:
        passages = Passages(self._c)
        for archive in (await passages.lore_of(persona_id)).values():
            await passages.drop_archive(archive.id)
        await self._c.execute(t.blocks.delete().where(t.blocks.c.owner == f"persona:{persona_id}"))
        await self._c.execute(t.personas.delete().where(t.personas.c.id == persona_id))

    async def agents_of(self, persona_id: int) -> int:
        query = sa.select(sa.func.count()).select_from(t.agents).where(t.agents.c.persona_id == persona_id)
        return int((await self._c.execute(query)).scalar_one())

    async def at(self, places: Sequence[str]) -> Persona | None:
        rows = {row.place: row for row in await self._c.execute(_AT, {"places": list(places)})}
        return next((_persona(rows[place]) for place in places if place in rows), None)

    async def bind(self, place: str, community: str, persona_id: int, now: datetime) -> None:
        values = {"community": community, "persona_id": persona_id, "at": now}
        statement = upsert(t.bindings).values(place=place, **values)
        await self._c.execute(statement.on_conflict_do_update(index_elements=["place"], set_=values))

    async def unbind(self, place: str) -> bool:
        return (await self._c.execute(t.bindings.delete().where(t.bindings.c.place == place))).rowcount > 0

    async def unbind_all(self, community: str) -> None:
        await self._c.execute(t.bindings.delete().where(t.bindings.c.community == community))

    async def bindings(self, *, community: str | None = None, persona_id: int | None = None) -> list[Binding]:
        query = sa.select(t.bindings).order_by(t.bindings.c.place)
        if community is not None:
            query = query.where(t.bindings.c.community == community)
        if persona_id is not None:
            query = query.where(t.bindings.c.persona_id == persona_id)
        return [record(Binding, row) for row in await self._c.execute(query)]

    async def pick(self, user_id: int, persona_id: int | None) -> None:
        await self._c.execute(t.picks.delete().where(t.picks.c.user_id == user_id))
        if persona_id is not None:
            await self._c.execute(t.picks.insert().values(user_id=user_id, persona_id=persona_id))

    async def picked(self, account: str) -> Persona | None:
        row = (await self._c.execute(_PICKED, {"account": account})).first()
        return _persona(row) if row else None

    async def propose(self, proposal: Proposal) -> None:
        p = t.proposals
        same = (
            (p.c.persona_id == proposal.persona_id)
            & (p.c.label == proposal.label)
            & (p.c.agent_id == proposal.agent_id)
            & (p.c.community == proposal.community)
        )
        await self._c.execute(p.delete().where(same))
        values = asdict(proposal)
        del values["id"]
        await self._c.execute(p.insert().values(**values))

    async def proposals(self, persona_id: int, community: str | None) -> list[Proposal]:
        p = t.proposals
        query = sa.select(p).where(p.c.persona_id == persona_id).order_by(p.c.id)
        if community is not None:
            query = query.where(p.c.community == community)
        return [record(Proposal, row) for row in await self._c.execute(query)]

    async def drop_proposal(self, proposal_id: int) -> None:
        await self._c.execute(t.proposals.delete().where(t.proposals.c.id == proposal_id))

    async def withdraw_proposals(self, turn_id: str) -> None:
        await self._c.execute(t.proposals.delete().where(t.proposals.c.turn_id == turn_id))

    async def note_departure(self, community: str, now: datetime) -> None:
        statement = upsert(t.departures).values(community=community, at=now)
        await self._c.execute(statement.on_conflict_do_nothing())

    async def note_return(self, community: str) -> None:
        await self._c.execute(t.departures.delete().where(t.departures.c.community == community))

    async def departed(self, until: datetime) -> list[str]:
        query = sa.select(t.departures.c.community).where(t.departures.c.at <= until)
        return sorted((await self._c.execute(query)).scalars())


def _persona(row: Row) -> Persona:
    return record(Persona, row, retired=row.retired_at is not None)
