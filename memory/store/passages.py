"""Queries on archival storage."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

import numpy as np
import sqlalchemy as sa

from memory.ports.messages import POSTINGS
from memory.records import (
    ALL_KEPT,
    Archive,
    Audience,
    Audiences,
    Draft,
    KeptDocument,
    LoadedFile,
    Notes,
    Outlines,
    Passage,
    scope_of,
    scope_range,
    unique,
)
from memory.store import surfaced
from memory.store import tables as t
from memory.store.connection import Connection
from memory.store.dialects import among, joined, upsert
from memory.store.fulltext import Lookup, column, slices
from memory.store.prepared import Prepared
from memory.store.rows import record


def _get(restricted: bool, tagged: bool) -> sa.Select[Any]:
    p, g = t.passages.c, t.passage_tags.c
    low: sa.BindParameter[int] = sa.bindparam("low", type_=sa.BigInteger)
    query = sa.select(t.passages).where(p.key.between(low, sa.bindparam("high")) & among(p.key, "keys"))
    if restricted:
        query = query.where(among(p.audience, "audiences"))
    return query.where(p.key.in_(sa.select(g.key).where(among(g.tag, "tags")))) if tagged else query


def _around(restricted: bool) -> sa.Select[Any]:
    """Columns, each as one value."""
    q = _get(restricted, False).subquery().c
    numbers = (q.key - sa.bindparam("low", type_=sa.BigInteger), q.created_at)
    columns: list[sa.ColumnElement[Any]] = [joined(x) for x in numbers]
    return sa.select(*columns)


def _closed(restricted: bool) -> sa.Select[Any]:
    p = t.passages.c
    over = p.key.between(sa.bindparam("low"), sa.bindparam("high")) & p.until.is_not(None)
    query = sa.select(t.passages).where(over).order_by(p.key)
    return query.where(among(p.audience, "audiences")) if restricted else query


# Asked at every turn or search: built once.
_CLOSED = {restricted: Prepared(_closed(restricted)) for restricted in (False, True)}
_GET = {(r, tagged): Prepared(_get(r, tagged)) for r in (False, True) for tagged in (False, True)}
_AROUND = {restricted: Prepared(_around(restricted)) for restricted in (False, True)}
_EXTENT = Prepared(sa.select(t.archives.c.last_seq).where(t.archives.c.id == sa.bindparam("archive")))


class Passages:
    """See `memory.ports.Passages`."""

    def __init__(self, connection: Connection) -> None:
        self._c = connection
        self._words = connection.full_text("passages")

    async def archive(self, archive_id: int) -> Archive:
        return _archive((await self._c.execute(_archives(t.archives.c.id == archive_id))).one())

    async def archive_named(self, name: str) -> Archive | None:
        row = (await self._c.execute(_archives(t.archives.c.name == f"source:{name}"))).first()
        return _archive(row) if row else None

    async def archives(self) -> list[Archive]:
        return [_archive(row) for row in await self._c.execute(_archives(sa.true()))]

    async def create_source(self, name: str, now: datetime) -> Archive:
        # The prefix keeps sources apart from agents' own archives, whatever people call either.
        values = {"kind": "source", "name": f"source:{name}", "collection": secrets.token_hex(16)}
        result = await self._c.execute(t.archives.insert().values(**values, created_at=now))
        return await self.archive(result.inserted_id)

    async def attach(self, agent_id: int, archive_id: int) -> None:
        statement = upsert(t.attachments).values(agent_id=agent_id, archive_id=archive_id)
        await self._c.execute(statement.on_conflict_do_nothing())

    async def detach(self, agent_id: int, archive_id: int) -> bool:
        a = t.attachments
        here = (a.c.agent_id == agent_id) & (a.c.archive_id == archive_id)
        return bool((await self._c.execute(a.delete().where(here))).rowcount)

    async def attached_to(self, archive_id: int) -> list[int]:
        """For whoever runs the bot, who sees what a source is good for."""
        a = t.attachments.c
        rows = await self._c.execute(
            sa.select(a.agent_id).where(a.archive_id == archive_id).order_by(a.agent_id)
        )
        return list(rows.scalars())

    async def attached(self, agent_id: int) -> list[Archive]:
        mine = sa.select(t.attachments.c.archive_id).where(t.attachments.c.agent_id == agent_id)
        return [_archive(row) for row in await self._c.execute(_archives(t.archives.c.id.in_(mine)))]

    async def lore(self, persona_id: int, communities: Collection[str]) -> list[Archive]:
        names = [_lore_name(persona_id, community) for community in communities]
        return [_archive(row) for row in await self._c.execute(_archives(t.archives.c.name.in_(names)))]

    async def create_lore(self, persona_id: int, community: str, now: datetime) -> Archive:
        # A late write for a persona that was deleted must fail: nothing would ever delete it again.
        (await self._c.execute(sa.select(t.personas.c.id).where(t.personas.c.id == persona_id))).one()
        name = _lore_name(persona_id, community)
        values = {"kind": "lore", "name": name, "collection": secrets.token_hex(16)}
        result = await self._c.execute(t.archives.insert().values(**values, created_at=now))
        return await self.archive(result.inserted_id)

    async def lore_of(self, persona_id: int) -> dict[str, Archive]:
        prefix = _lore_name(persona_id, "")
        rows = await self._c.execute(_archives(t.archives.c.name.startswith(prefix, autoescape=True)))
        return {row.name.removeprefix(prefix): _archive(row) for row in rows}

    async def contribute(self, keys: Collection[int], user_id: int) -> None:
        for key in keys:
            statement = upsert(t.contributors).values(key=key, user_id=user_id)
            await self._c.execute(statement.on_conflict_do_nothing())

    async def contributors_of(self, keys: Collection[int]) -> dict[int, list[int]]:
        found: dict[int, list[int]] = {}
        c = t.contributors.c
        for part in slices(keys):
            query = sa.select(t.contributors).where(c.key.in_(part)).order_by(c.key, c.user_id)
            for row in await self._c.execute(query):
                found.setdefault(row.key, []).append(row.user_id)
        return found

    async def contributed_by(self, user_id: int) -> list[Passage]:
        mine = sa.select(t.contributors.c.key).where(t.contributors.c.user_id == user_id)
        query = sa.select(t.passages).where(t.passages.c.key.in_(mine)).order_by(t.passages.c.key)
        return [record(Passage, row) for row in await self._c.execute(query)]

    async def withdraw(self, keys: Collection[int], user_id: int) -> None:
        c = t.contributors.c
        for part in slices(keys):
            await self._c.execute(t.contributors.delete().where((c.user_id == user_id) & c.key.in_(part)))

    async def drop_archive(self, archive_id: int) -> None:
        keys = sa.select(t.passages.c.key).where(_scope(archive_id, None))
        with self._c.beside():
            held = list((await self._c.execute(keys)).scalars())
        await self.delete(held)
        await self._c.execute(t.archives.delete().where(t.archives.c.id == archive_id))

    async def insert(self, archive_id: int, drafts: Sequence[Draft], now: datetime) -> list[Passage]:
        if not drafts:
            return []
        first = scope_range(archive_id)[0] + await self._reserve(archive_id, len(drafts)) + 1
        stored = [_passage_of(draft, first + i, now) for i, draft in enumerate(drafts)]
        await self._c.execute(
            t.passages.insert(),
            [
                vars(passage) | {"digest": draft.digest, "indexed": False}
                for passage, draft in zip(stored, drafts, strict=True)
            ],
        )
        tags = [{"tag": tag, "key": passage.key} for passage in stored for tag in passage.tags]
        if tags:
            await self._c.execute(t.passage_tags.insert(), tags)
        await self._words.add([(passage.key, passage.text) for passage in stored])
        return stored

    async def get(
        self, archive_id: int, keys: Collection[int], audiences: Audiences, tags: Sequence[str] = ()
    ) -> list[Passage]:
        low, high = scope_range(archive_id)
        values = {"low": low, "high": high, "keys": list(keys), "tags": self._sealed(archive_id, tags)}
        if audiences is not None:
            values["audiences"] = list(audiences)
        rows = await self._c.execute(_GET[audiences is not None, bool(tags)], values)
        found = {row.key: record(Passage, row) for row in rows}
        return [found[key] for key in keys if key in found]

    async def page(
        self, archive_id: int, audiences: Audiences, of: Notes = ALL_KEPT, *, offset: int = 0, limit: int = 50
    ) -> list[Passage]:
        own = self._listed(archive_id, audiences, of)
        query = sa.select(t.passages).where(own).order_by(t.passages.c.key.desc())
        with self._c.beside():
            rows = await self._c.execute(query.offset(offset).limit(limit))
        return [record(Passage, row) for row in rows]

    async def count(self, archive_id: int, audiences: Audiences, of: Notes = ALL_KEPT) -> int:
        own = self._listed(archive_id, audiences, of)
        query = sa.select(sa.func.count()).select_from(t.passages).where(own)
        with self._c.beside():
            return int((await self._c.execute(query)).scalar_one())

    async def tags(self, archive_id: int, audiences: Audiences) -> dict[str, int]:
        p, g = t.passages.c, t.passage_tags.c
        shown = sa.select(p.key).where(self._listed(archive_id, audiences, Notes(originals=True)))
        query = sa.select(g.tag, sa.func.count()).where(g.key.in_(shown)).group_by(g.tag)
        counts = {tag: int(n) for tag, n in await self._c.execute(query)}
        return dict(sorted(counts.items(), key=lambda held: (-held[1], held[0])))

    async def of_turn(self, turn_id: str) -> list[Passage]:
        rows = await self._c.execute(sa.select(t.passages).where(t.passages.c.turn_id == turn_id))
        return [record(Passage, row) for row in rows]

    async def with_digest(
        self, archive_id: int, audience: Audience, digests: Collection[str]
    ) -> dict[str, Passage]:
        same = t.passages.c.digest.in_(self._sealed(archive_id, digests))
        rows = await self._c.execute(
            sa.select(t.passages)
            .where(_scope(archive_id, (audience,)) & same)
            .order_by(t.passages.c.file.is_(None), t.passages.c.key.desc())  # the last of each is taken
        )
        return {row.digest: record(Passage, row) for row in rows}

    async def open(self, passage: Passage, audience: Audience, digest: str, now: datetime) -> None:
        draft = Draft(
            text=passage.text,
            audience=audience,
            tags=passage.tags,
            digest=digest,
            created_at=passage.created_at,
        )
        [copy] = await self.insert(scope_of(passage.key), [draft], now)
        await self.link(copy.uid, passage.uid)

    async def link(self, copy: str, original: str) -> None:
        await self._c.execute(t.openings.insert().values(copy=copy, original=original))

    async def opened(self, uids: Collection[str]) -> dict[str, list[Passage]]:
        o = t.openings.c
        query = sa.select(t.passages, o.original).join(t.openings, o.copy == t.passages.c.uid)
        found: dict[str, list[Passage]] = {}
        for part in slices(uids):
            for row in await self._c.execute(query.where(o.original.in_(part)).order_by(t.passages.c.key)):
                found.setdefault(row.original, []).append(record(Passage, row))
        return found

    async def by_uid(
        self, archive_id: int, prefix: str, audiences: Audiences, *, originals: bool = False
    ) -> Passage | None:
        own = self._listed(archive_id, audiences, Notes(originals=originals))
        own &= t.passages.c.uid.startswith(prefix, autoescape=True)
        row = (await self._c.execute(sa.select(t.passages).where(own).order_by(t.passages.c.key))).first()
        return record(Passage, row) if row else None

    async def rewrite(self, keys: Collection[int], text: str, digest: str) -> None:
        vectors = t.vectors["passages"]
        for part in slices(keys):
            changed = t.passages.update().where(t.passages.c.key.in_(part))
            await self._c.execute(changed.values(text=text, digest=digest, indexed=False))
            await self._c.execute(vectors.delete().where(vectors.c.key.in_(part)))
        await self._words.remove(keys)
        await self._words.add([(key, text) for key in keys])

    async def delete(self, keys: Collection[int]) -> list[int]:
        with self._c.beside():
            gone = list(dict.fromkeys([*keys, *await self._copies(keys)]))
            await self._words.remove(gone)
            await surfaced.unmind(self._c, "passages", gone)
            for part in slices(gone):
                for table in (t.passages, t.vectors["passages"]):
                    await self._c.execute(table.delete().where(table.c.key.in_(part)))
        return gone

    async def held(self, keys: Collection[int]) -> list[dict[str, Any]]:
        p, o = t.passages.c, t.openings.c
        found = []
        for part in slices(list(dict.fromkeys([*keys, *await self._copies(keys)]))):
            original = sa.select(o.original).where(o.copy == p.uid).scalar_subquery().label("original")
            raw = [_raw(column) for column in t.passages.columns]
            rows = await self._c.execute(sa.select(*raw, original).where(p.key.in_(part)).order_by(p.key))
            found += [{**row._mapping, "tags": list(row.tags)} for row in rows]
        return found

    async def bring_back(self, rows: Sequence[dict[str, Any]]) -> list[int]:
        p, came = t.passages.c, []
        names = [c.name for c in t.passages.columns]
        moments = [c.name for c in t.passages.columns if isinstance(c.type, t.Moment)]
        for row in rows:
            taken = sa.select(p.key).where((p.key == row["key"]) | (p.uid == row["uid"]))
            if (await self._c.execute(taken)).first() is not None:
                continue
            values = {name: row[name] for name in names} | {"indexed": False}
            values |= {name: t.moment(row[name]) for name in moments}
            await self._c.execute(t.passages.insert(), [values])
            tags = [{"tag": tag, "key": row["key"]} for tag in row["tags"]]
            if tags:
                await self._c.execute(t.passage_tags.insert(), tags)
            await self._words.add([(row["key"], row["text"])])
            if row["original"]:
                await self.link(row["uid"], row["original"])
            came.append(int(row["key"]))
        return came

    async def close(self, keys: Collection[int], until: datetime, replaced_by: str) -> None:
        for part in slices(keys):
            closed = t.passages.update().where(t.passages.c.key.in_(part))
            await self._c.execute(closed.values(until=until, replaced_by=replaced_by))

    async def closed(self, archive_id: int, audiences: Audiences) -> list[Passage]:
        low, high = scope_range(archive_id)
        values: dict[str, Any] = {"low": low, "high": high}
        if audiences is not None:
            values["audiences"] = list(audiences)
        rows = await self._c.execute(_CLOSED[audiences is not None], values)
        return [record(Passage, row) for row in rows]

    async def doubt(self, keys: Collection[int], doubtful: bool) -> None:
        for part in slices(keys):
            await self._c.execute(
                t.passages.update().where(t.passages.c.key.in_(part)).values(doubtful=doubtful)
            )

    async def with_uids(
        self, archive_id: int, uids: Collection[str], audiences: Audiences
    ) -> dict[str, Passage]:
        return {p.uid: p for p in await self._some(archive_id, audiences, t.passages.c.uid, uids)}

    async def replaced(self, archive_id: int, uids: Collection[str], audiences: Audiences) -> list[Passage]:
        return await self._some(archive_id, audiences, t.passages.c.replaced_by, uids)

    async def _some(
        self, archive_id: int, audiences: Audiences, name: sa.ColumnElement[str], values: Collection[str]
    ) -> list[Passage]:
        found: list[Passage] = []
        for part in slices(values):
            query = sa.select(t.passages).where(_scope(archive_id, audiences) & name.in_(part))
            rows = await self._c.execute(query.order_by(t.passages.c.key))
            found += [record(Passage, row) for row in rows]
        return found

    async def _copies(self, keys: Collection[int]) -> list[int]:
        """Keys of what was opened to others of these passages."""
        p, o, found = t.passages.c, t.openings.c, list[int]()
        for part in slices(keys):
            originals = sa.select(p.uid).where(p.key.in_(part)).scalar_subquery()
            copies = sa.select(p.key).join(t.openings, o.copy == p.uid).where(o.original.in_(originals))
            found += (await self._c.execute(copies)).scalars()
        return found

    async def postings(
        self,
        archive_id: int,
        terms: Sequence[str],
        audiences: Audiences,
        tags: Sequence[str] = (),
        *,
        limit: int = POSTINGS,
    ) -> dict[str, Any]:
        rows = await self.extent(archive_id)
        asked = Lookup(scope=archive_id, terms=terms, audiences=audiences, tags=tags, limit=limit, rows=rows)
        return await self._words.postings(asked)

    async def terms(self, keys: Collection[int]) -> dict[int, str]:
        return await self._words.terms(keys)

    async def around(
        self, archive_id: int, keys: Collection[int], audiences: Audiences, reach: int
    ) -> Outlines:
        low, high = scope_range(archive_id)
        values = {"low": low, "high": high, "keys": list(keys)}
        if audiences is not None:
            values["audiences"] = list(audiences)
        (found,) = await _AROUND[audiences is not None].rows(self._c, **values)
        known = column(found[0]) + low
        return Outlines(known, -known, [""] * len(known), column(found[1]) / 1e6, np.full(len(known), 0.5))

    async def extent(self, archive_id: int) -> int:
        return sum(last for (last,) in await _EXTENT.rows(self._c, archive=archive_id))

    async def _reserve(self, archive_id: int, count: int) -> int:
        """The last number given before ``count`` new ones; a number is never given twice."""
        a = t.archives
        statement = (
            a.update()
            .where(a.c.id == archive_id)
            .values(last_seq=a.c.last_seq + count)
            .returning(a.c.last_seq)
        )
        return int((await self._c.execute(statement)).scalar_one()) - count

    async def keys_of(self, uids: Collection[str]) -> dict[str, int]:
        p = t.passages.c
        found: dict[str, int] = {}
        for part in slices(uids):
            rows = await self._c.execute(sa.select(p.uid, p.key).where(p.uid.in_(part)))
            found.update((row.uid, row.key) for row in rows)
        return found

    async def files(self, archive_id: int) -> list[LoadedFile]:
        f = t.files.c
        rows = await self._c.execute(sa.select(t.files).where(f.archive_id == archive_id).order_by(f.path))
        # A negative count: that is all of them.
        return [record(LoadedFile, row, chunks=abs(row.chunks), whole=row.chunks < 0) for row in rows]

    async def note_file(self, archive_id: int, file: LoadedFile, now: datetime) -> None:
        chunks = -file.chunks if file.whole else file.chunks
        values = {"path": file.path, "chunks": chunks, "loaded_at": now}
        statement = upsert(t.files).values(archive_id=archive_id, digest=file.digest, **values)
        await self._c.execute(
            statement.on_conflict_do_update(index_elements=["archive_id", "digest"], set_=values)
        )

    async def drop_file(self, archive_id: int, digest: str) -> list[int]:
        of_file = _scope(archive_id, None) & self._is_of(archive_id, digest)
        keys = list((await self._c.execute(sa.select(t.passages.c.key).where(of_file))).scalars())
        await self.delete(keys)
        f = t.files.c
        await self._c.execute(t.files.delete().where((f.archive_id == archive_id) & (f.digest == digest)))
        return keys

    async def documents(self, archive_id: int, audiences: Audiences) -> list[KeptDocument]:
        p = t.passages.c
        of_files = _scope(archive_id, audiences) & p.file.is_not(None)
        query = sa.select(
            p.file,
            sa.func.min(p.source).label("name"),
            sa.func.min(p.audience).label("audience"),
            sa.func.count().label("pieces"),
            sa.func.min(p.created_at).label("at"),
        )
        newest = sa.func.max(p.key).desc()
        rows = await self._c.execute(query.where(of_files).group_by(p.file).order_by(newest))
        return [record(KeptDocument, row) for row in rows]

    async def of_file(self, archive_id: int, file: str, audiences: Audiences = None) -> list[Passage]:
        of_file = _scope(archive_id, audiences) & self._is_of(archive_id, file)
        rows = await self._c.execute(sa.select(t.passages).where(of_file).order_by(t.passages.c.key))
        return [record(Passage, row) for row in rows]

    def _sealed(self, archive_id: int, values: Collection[str]) -> list[str]:
        return self._c.sealed(f"archive:{archive_id}", values)

    def _is_of(self, archive_id: int, file: str) -> sa.ColumnElement[bool]:
        return t.passages.c.file.in_(self._sealed(archive_id, [file]))

    def _listed(self, archive_id: int, audiences: Audiences, of: Notes) -> sa.ColumnElement[bool]:
        own = _scope(archive_id, audiences)
        if of.tag:
            g = t.passage_tags.c
            tagged = sa.select(g.key).where(g.tag.in_(self._sealed(archive_id, [of.tag])))
            own &= t.passages.c.key.in_(tagged)
        if of.before is not None:
            own &= t.passages.c.key < of.before
        if not of.originals:
            return own
        shown = sa.select(t.passages.c.uid).where(own)
        copies = sa.select(t.openings.c.copy).where(t.openings.c.original.in_(shown))
        return own & t.passages.c.file.is_(None) & t.passages.c.uid.not_in(copies)


def _archives(condition: sa.ColumnElement[bool]) -> sa.Select[Any]:
    return sa.select(t.archives).where(condition).order_by(t.archives.c.id)


def _lore_name(persona_id: int, community: str) -> str:
    return f"lore:{persona_id}:{community}"


def _scope(archive_id: int, audiences: Audiences) -> sa.ColumnElement[bool]:
    condition: sa.ColumnElement[bool] = t.passages.c.key.between(*scope_range(archive_id))
    if audiences is not None:
        condition &= t.passages.c.audience.in_(audiences)
    return condition


def _passage_of(draft: Draft, key: int, now: datetime) -> Passage:
    return Passage(
        key=key,
        uid=draft.uid or secrets.token_hex(8),
        audience=draft.audience,
        text=draft.text,
        tags=unique(draft.tags),
        created_at=draft.created_at or now,
        source=draft.source,
        position=draft.position,
        turn_id=draft.turn_id,
        since=draft.since,
        until=draft.until,
        replaced_by=draft.replaced_by,
        origin=draft.origin,
        doubtful=draft.doubtful,
        file=draft.file or None,
    )


def _archive(row: Any) -> Archive:
    return record(Archive, row, name=row.name.partition(":")[2])


def _raw(column: sa.Column[Any]) -> sa.ColumnElement[Any]:
    """A column's values as JSON can hold them."""
    if isinstance(column.type, t.Moment):
        return sa.type_coerce(column, sa.BigInteger).label(column.name)
    return column
