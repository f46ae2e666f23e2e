"""Full-text postings of texts that are sealed: in the place of a term stands what only the scope's key makes of it.

Words that begin alike are found by postings of the beginnings of `_SHORTEST` to `_LONGEST` signs; none that are shorter
or longer.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from memory.records import scope_of, scope_range
from memory.store.fulltext import WEIGHED, Lookup
from memory.store.postgres.fulltext import Postings
from memory.store.postgres.keys import Key
from memory.store.postgres.sealing import Sealing, of_agent, of_archive
from memory.store.secret import SecretText

if TYPE_CHECKING:
    from memory.store.postgres.connection import PostgresConnection

_SHORTEST, _LONGEST = 4, 10  # see memory.search.spelling
_SEQ = 2**32 - 1
_TEXT = SecretText()


class SealedPostings(Postings):
    def __init__(self, connection: PostgresConnection, kind: str, sealing: Sealing) -> None:
        super().__init__(connection, kind)
        self._sealing = sealing
        self._owner = of_agent if kind == "messages" else of_archive

    async def add_analysed(self, values: Sequence[dict[str, Any]]) -> None:
        keys = [value["rowid"] for value in values]
        terms = [value["terms"] for value in values]
        sealed = [
            self._sealing.seal(_TEXT.mark(text), self._owner(scope_of(key)))
            for key, text in zip(keys, terms, strict=True)
        ]
        into = f"INSERT INTO {self._kind}_terms SELECT * FROM unnest($1::bigint[], $2::text[])"  # noqa: S608 (ours)
        await self._asked.ask(into, keys, sealed)
        rows = "unnest($1::int[], $2::text[], $3::bigint[])"
        into = f"INSERT INTO {self._kind}_postings SELECT * FROM {rows}"  # noqa: S608 (ours)
        await self._asked.ask(into, *self._postings_of(zip(keys, terms, strict=True)))

    async def _drop(self, condition: sa.ColumnElement[bool]) -> None:
        words = self._words
        gone = await self._c.execute(words.delete().where(condition).returning(words.c.rowid, words.c.terms))
        await self._asked.ask(
            f"DELETE FROM {self._kind}_postings p USING unnest($1::int[], $2::text[], $3::bigint[]) "  # noqa: S608 (ours)
            'AS a (scope, term, seq) WHERE p.scope = a.scope AND p.term = a.term COLLATE "C" AND p.seq = a.seq',
            *self._postings_of((row.rowid, row.terms) for row in gone),
        )

    async def purge(self, condition: sa.ColumnElement[bool]) -> None:
        words = self._words
        gone = await self._c.execute(words.delete().where(condition).returning(words.c.rowid))
        scopes: dict[int, list[int]] = defaultdict(list)
        for key in gone.scalars():
            scopes[scope_of(key)].append(key & _SEQ)
        for scope, numbers in scopes.items():  # through one scope's postings: nothing is to be opened for it
            statement = f"DELETE FROM {self._kind}_postings WHERE scope = $1 AND seq = ANY ($2::bigint[])"  # noqa: S608 (ours)
            await self._asked.ask(statement, scope, numbers)

    async def move(self, source: int, shift: int) -> None:
        words = self._words
        here = words.c.rowid.between(*scope_range(source))
        rows = (await self._c.execute(sa.select(words.c.rowid, words.c.terms).where(here))).all()
        await self.purge(here)
        if rows:
            await self.add_analysed([{"rowid": row.rowid + shift, "terms": row.terms} for row in rows])

    async def postings(self, asked: Lookup) -> dict[str, Any]:
        owner = self._owner(asked.scope)
        key = self._sealing.keys.make(owner)
        marks = {key.mark(term): term for term in asked.terms if not _is_beyond(term)}
        tags = self._asked.sealed(of_archive(asked.scope), asked.tags)
        found = await super().postings(replace(asked, terms=list(marks), tags=tags))
        return {marks[mark]: keys for mark, keys in found.items()}

    async def terms(self, keys: Collection[int]) -> dict[int, str]:
        query = f"SELECT rowid, terms FROM {self._kind}_terms WHERE rowid = ANY ($1::bigint[])"  # noqa: S608 (ours)
        return {key: terms[:WEIGHED] for key, terms in await self._asked.ask(query, list(keys))}

    def _postings_of(self, rows: Any) -> tuple[list[int], list[str], list[int]]:
        """Scopes, marks and numbers of (key, terms)."""
        scopes: list[int] = []
        marks: list[str] = []
        numbers: list[int] = []
        for key, terms in rows:
            own = set(_marks(self._sealing.keys.make(self._owner(scope_of(key))), terms))
            scopes += [scope_of(key)] * len(own)
            marks += own
            numbers += [key & _SEQ] * len(own)
        return scopes, marks, numbers


def _marks(key: Key, terms: str) -> Iterator[str]:
    words = set(terms.split(" "))
    beginnings = {word[:n] for word in words for n in range(_SHORTEST, min(len(word), _LONGEST) + 1)}
    yield from map(key.mark, words)
    yield from (key.mark(f"{beginning}*") for beginning in beginnings)


def _is_beyond(term: str) -> bool:
    return term.endswith("*") and not _SHORTEST < len(term) <= _LONGEST + 1
