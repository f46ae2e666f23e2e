"""Queries on users, agents and conversations."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from memory.records import (
    IMPORTED,
    Agent,
    Audience,
    Conversation,
    User,
    community_audience,
    place_audience,
    scope_range,
)
from memory.store import tables as t
from memory.store.connection import Connection
from memory.store.dialects import upsert
from memory.store.numbers import Numbers
from memory.store.operations import forget_subjects
from memory.store.prepared import Prepared
from memory.store.rows import record

_ID: sa.BindParameter[int] = sa.bindparam("one")
# Asked at every message: built once.
_USER_OF = Prepared(
    sa.select(t.users)
    .join(t.accounts, t.accounts.c.user_id == t.users.c.id)
    .where(t.accounts.c.account == sa.bindparam("account"))
)
_USER = Prepared(sa.select(t.users).where(t.users.c.id == _ID))
_AGENT = Prepared(sa.select(t.agents).where(t.agents.c.id == _ID))
_CONVERSATION = Prepared(sa.select(t.conversations).where(t.conversations.c.id == _ID))
_PLACES = sa.select(t.conversations).where(t.conversations.c.agent_id == _ID).order_by(t.conversations.c.id)
_AGENT_OF = Prepared(
    sa.select(t.agents).where(
        (t.agents.c.user_id == sa.bindparam("user")) & (t.agents.c.persona_id == sa.bindparam("persona"))
    )
)
AGENT_NAMED = Prepared(sa.select(t.agents).where(t.agents.c.name == sa.bindparam("called")))
_AGENTS_OF = Prepared(
    sa.select(t.agents).where(t.agents.c.user_id == sa.bindparam("user")).order_by(t.agents.c.id)
)
_ACCOUNTS_OF = Prepared(sa.select(t.accounts.c.account).where(t.accounts.c.user_id == sa.bindparam("user")))
_AT = Prepared(
    sa.select(t.conversations).where(
        (t.conversations.c.agent_id == sa.bindparam("agent"))
        & (t.conversations.c.address == sa.bindparam("place"))
        & (t.conversations.c.audience == sa.bindparam("seen_by"))
    )
)
_NEW = {table: Prepared(table.insert()) for table in (t.users, t.archives, t.agents, t.conversations)}
_NEW_ACCOUNT = Prepared(
    upsert(t.accounts)
    .values(account=sa.bindparam("named"), user_id=sa.bindparam("user"))
    .on_conflict_do_update(index_elements=["account"], set_={"user_id": sa.bindparam("user")})
)
IS_IMPORTED = t.conversations.c.address.startswith(IMPORTED, autoescape=True)
"""Whether a conversation was held elsewhere."""
_CONVERSATIONS = {True: Prepared(_PLACES), False: Prepared(_PLACES.where(~IS_IMPORTED))}


class Agents:
    """See `memory.ports.Agents`."""

    def __init__(self, connection: Connection, numbers: Numbers) -> None:
        self._c = connection
        self._numbers = numbers

    async def user_of(self, account: str) -> User | None:
        row = (await self._c.execute(_USER_OF, {"account": account})).first()
        return record(User, row) if row else None

    async def create_user(self, account: str, name: str, timezone: str, now: datetime) -> User:
        user_id = await self._insert(t.users, name=name, timezone=timezone, created_at=now)
        await self._c.execute(_NEW_ACCOUNT, {"named": account, "user": user_id})
        return await self.user(user_id)

    async def user(self, user_id: int) -> User:
        return record(User, (await self._c.execute(_USER, {"one": user_id})).one())

    async def agent(self, agent_id: int) -> Agent | None:
        row = (await self._c.execute(_AGENT, {"one": agent_id})).first()
        return record(Agent, row) if row else None

    async def agent_of(self, user_id: int, persona_id: int) -> Agent | None:
        return await self._agent(_AGENT_OF, {"user": user_id, "persona": persona_id})

    async def agent_named(self, name: str) -> Agent | None:
        return await self._agent(AGENT_NAMED, {"called": name})

    async def agents(self) -> list[Agent]:
        rows = await self._c.execute(sa.select(t.agents).order_by(t.agents.c.id))
        return [record(Agent, row) for row in rows]

    async def agents_of(self, user_id: int) -> list[Agent]:
        rows = await self._c.execute(_AGENTS_OF, {"user": user_id})
        return [record(Agent, row) for row in rows]

    async def accounts_of(self, user_id: int) -> list[str]:
        return sorted((await self._c.execute(_ACCOUNTS_OF, {"user": user_id})).scalars())

    async def add_account(self, account: str, user_id: int) -> None:
        await self._c.execute(t.accounts.insert().values(account=account, user_id=user_id))

    async def move_account(self, account: str, user_id: int) -> None:
        before = await self.user_of(account)
        await self._c.execute(
            t.accounts.update().where(t.accounts.c.account == account).values(user_id=user_id)
        )
        if (
            before is not None
            and not await self.accounts_of(before.id)
            and not await self.agents_of(before.id)
        ):
            await self._inherit(before.id, user_id)
            await self._c.execute(t.users.delete().where(t.users.c.id == before.id))

    async def _inherit(self, before: int, user_id: int) -> None:
        """What hangs on a user who goes is another's from now on."""
        c = t.contributors
        theirs = sa.select(c.c.key, sa.literal(user_id)).where(c.c.user_id == before)
        statement = upsert(c).from_select(["key", "user_id"], theirs)
        await self._c.execute(statement.on_conflict_do_nothing())
        lines = t.room_lines
        await self._c.execute(lines.update().where(lines.c.user_id == before).values(user_id=user_id))
        names = t.room_names
        numbered = sa.select(names.c.agent_id, names.c.name, sa.literal(user_id), names.c.number)
        known = upsert(names).from_select(
            ["agent_id", "name", "user_id", "number"], numbered.where(names.c.user_id == before)
        )
        await self._c.execute(known.on_conflict_do_nothing())
        await self._c.execute(
            t.persona_versions.update().where(t.persona_versions.c.user_id == before).values(user_id=user_id)
        )

    async def users_under(self, prefix: str, since: datetime | None, before: datetime) -> list[User]:
        values = {"before": before} | ({} if since is None else {"since": since})
        return [record(User, row) for row in await self._c.execute(_under(prefix, since is not None), values)]

    async def agents_under(self, prefix: str) -> list[int]:
        name = t.agents.c.name.startswith(prefix, autoescape=True)
        return list((await self._c.execute(sa.select(t.agents.c.id).where(name))).scalars())

    async def give(self, agent_id: int, user_id: int) -> None:
        await self._c.execute(t.agents.update().where(t.agents.c.id == agent_id).values(user_id=user_id))

    async def create_agent(self, user_id: int, persona_id: int, name: str, now: datetime) -> Agent:
        archive_id = await self._insert(
            t.archives, kind="own", name=f"own:{name}", collection=secrets.token_hex(16), created_at=now
        )
        agent_id = await self._insert(
            t.agents, user_id=user_id, persona_id=persona_id, name=name, archive_id=archive_id, created_at=now
        )
        return Agent(id=agent_id, user_id=user_id, persona_id=persona_id, name=name, archive_id=archive_id)

    async def seen(self, agent_id: int) -> None:
        await self._numbers.seen(agent_id)

    async def is_fresh(self, agent_id: int) -> bool:
        return await self._numbers.is_fresh(agent_id)

    async def touch(self, agent_id: int) -> None:
        await self._numbers.touch(agent_id)

    async def fence(self, agent_id: int) -> None:
        await self._numbers.fence(agent_id)

    async def delete_agent(self, agent_id: int) -> None:
        await self.touch(agent_id)  # before any row of its
        agent = await self.agent(agent_id)
        if agent is None:
            return
        with self._c.beside():
            await self._forget_keys(agent_id)
            for kind, scope in (("messages", agent_id), ("passages", agent.archive_id)):
                low, high = scope_range(scope)
                await self._c.full_text(kind).purge(t.terms(kind).c.rowid.between(low, high))
                for table in (t.vectors[kind], t.metadata.tables[kind]):
                    await self._c.execute(table.delete().where(table.c.key.between(low, high)))
            await self._c.execute(t.blocks.delete().where(t.blocks.c.owner == f"agent:{agent_id}"))
            # Everything else hangs on the agent by foreign keys that cascade.
            await self._c.execute(t.agents.delete().where(t.agents.c.id == agent_id))
            await self._c.execute(t.archives.delete().where(t.archives.c.id == agent.archive_id))
            if not await self.agents_of(agent.user_id):
                accounts = await self.accounts_of(agent.user_id)
                known = t.codes.c.account.in_(accounts) | t.codes.c.other.in_(accounts)
                await self._c.execute(t.codes.delete().where(known))
                await self._c.execute(t.welcome.delete().where(t.welcome.c.account.in_(accounts)))
                await forget_subjects(self._c, accounts)
                await self._c.execute(t.users.delete().where(t.users.c.id == agent.user_id))

    async def pause(self, agent_id: int, until: datetime | None) -> None:
        await self._c.execute(t.agents.update().where(t.agents.c.id == agent_id).values(paused_until=until))

    async def _forget_keys(self, agent_id: int) -> None:
        """A platform may tell of a message once more, and a restart reads back: it must not come alive again."""
        newest = sa.select(sa.func.max(t.inbox.c.received_at)).scalar_subquery()
        rows = await self._c.execute(
            sa.select(t.inbox.c.key, newest.label("now")).where(t.inbox.c.agent_id == agent_id)
        )
        await forget_keys(self._c, {row.key: row.now for row in rows})

    async def set_timezone(self, user_id: int, timezone: str) -> None:
        await self._c.execute(t.users.update().where(t.users.c.id == user_id).values(timezone=timezone))

    async def set_language(self, user_id: int, language: str) -> None:
        await self._c.execute(t.users.update().where(t.users.c.id == user_id).values(language=language))

    async def set_locale(self, user_id: int, locale: str) -> None:
        await self._c.execute(t.users.update().where(t.users.c.id == user_id).values(locale=locale))

    async def set_keeps_secrets(self, user_id: int, keeps: bool) -> None:
        await self._c.execute(t.users.update().where(t.users.c.id == user_id).values(keeps_secrets=keeps))

    async def conversation(self, conversation_id: int) -> Conversation:
        return record(Conversation, (await self._c.execute(_CONVERSATION, {"one": conversation_id})).one())

    async def conversation_at(self, agent_id: int, address: str, audience: Audience) -> Conversation | None:
        here = {"agent": agent_id, "place": address, "seen_by": audience}
        row = (await self._c.execute(_AT, here)).first()
        return record(Conversation, row) if row else None

    async def conversations(self, agent_id: int, *, imported: bool = False) -> list[Conversation]:
        rows = await self._c.execute(_CONVERSATIONS[imported], {"one": agent_id})
        return [record(Conversation, row) for row in rows]

    async def conversations_in(self, community: str) -> list[Conversation]:
        audience = t.conversations.c.audience
        public, restricted = community_audience(community), place_audience(community, "")
        inside = (audience == public) | audience.startswith(restricted, autoescape=True)
        rows = await self._c.execute(sa.select(t.conversations).where(inside).order_by(t.conversations.c.id))
        return [record(Conversation, row) for row in rows]

    async def create_conversation(
        self, agent_id: int, address: str, audience: Audience, now: datetime
    ) -> Conversation:
        conversation_id = await self._insert(
            t.conversations, agent_id=agent_id, address=address, audience=audience, created_at=now
        )
        return Conversation(id=conversation_id, agent_id=agent_id, address=address, audience=audience)

    async def warn(self, conversation_id: int, warned: bool) -> None:
        await self._c.execute(
            t.conversations.update().where(t.conversations.c.id == conversation_id).values(warned=warned)
        )

    async def show(self, conversation_id: int, edit: int | None) -> None:
        await self._c.execute(
            t.conversations.update().where(t.conversations.c.id == conversation_id).values(shown_edit=edit)
        )

    async def name_community(self, community: str, name: str) -> None:
        statement = upsert(t.communities).values(id=community, name=name)
        await self._c.execute(statement.on_conflict_do_update(index_elements=["id"], set_={"name": name}))

    async def communities(self) -> dict[str, str]:
        rows = await self._c.execute(sa.select(t.communities))
        return {row.id: row.name for row in rows}

    async def _agent(self, query: Prepared, values: Mapping[str, Any]) -> Agent | None:
        row = (await self._c.execute(query, values)).first()
        return record(Agent, row) if row else None

    async def _insert(self, table: sa.Table, **values: Any) -> int:
        return (await self._c.execute(_NEW[table], values)).inserted_id


@lru_cache(maxsize=16)
def _under(prefix: str, since: bool) -> Prepared:
    """People all of whose accounts begin so."""
    u, a = t.users.c, t.accounts.c
    under = a.account.startswith(prefix, autoescape=True)
    theirs = sa.exists().where(a.user_id == u.id)
    made: sa.BindParameter[datetime] = sa.bindparam("before")
    query = sa.select(t.users).where(theirs.where(under) & ~theirs.where(~under) & (u.created_at < made))
    if since:
        query = query.where(u.created_at >= sa.bindparam("since"))
    return Prepared(query.order_by(u.id))


async def forget_keys(connection: Connection, keys: Mapping[str, datetime]) -> None:
    """Know keys of events again, and when they were forgotten, without keeping them."""
    values = [{"digest": digest_of(key), "created_at": at} for key, at in keys.items()]
    for part in range(0, len(values), 500):
        await connection.execute(upsert(t.forgotten).on_conflict_do_nothing(), values[part : part + 500])


def digest_of(key: str) -> bytes:
    """What stays of the key of a forgotten event."""
    return hashlib.blake2b(key.encode(), digest_size=16).digest()


async def in_turn(connection: Connection, digests: Iterable[bytes], *, shared: bool) -> None:
    """As `Connection.in_turn`, of what these are the digests of: accounts, as a rule."""
    await connection.in_turn([int.from_bytes(digest[:4], signed=True) for digest in digests], shared=shared)
