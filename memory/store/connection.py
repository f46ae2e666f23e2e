"""What the repositories ask of a connection, whichever database it leads to, and what a statement answers."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Protocol

import sqlalchemy as sa

if TYPE_CHECKING:
    from memory.store.fulltext import FullText
    from memory.store.prepared import Prepared

Row = sa.Row[*tuple[Any, ...]]


class Answer:
    """What a statement gave, read to its end: the next one may change the rows that it reads."""

    def __init__(self, rows: Sequence[Row], rowcount: int, inserted: Callable[[], int | None]) -> None:
        self._rows = rows
        self.rowcount = rowcount
        """How many rows were changed."""
        self._inserted = inserted

    @classmethod
    def of(cls, result: sa.CursorResult[Any]) -> Answer:
        """SQLAlchemy's own."""
        rows: Sequence[Row] = result.all() if result.returns_rows else ()
        return cls(rows, result.rowcount, lambda: (result.inserted_primary_key or (None,))[0])

    def __iter__(self) -> Iterator[Row]:
        return iter(self._rows)

    def all(self) -> Sequence[Row]:
        return self._rows

    def first(self) -> Row | None:
        return self._rows[0] if self._rows else None

    def one(self) -> Row:
        """Raises `sqlalchemy.exc.NoResultFound` or `MultipleResultsFound`."""
        if not self._rows:
            raise sa.exc.NoResultFound("there is no such row")
        if len(self._rows) > 1:
            raise sa.exc.MultipleResultsFound("there is more than one such row")
        return self._rows[0]

    def scalars(self) -> list[Any]:
        """The first column."""
        return [row[0] for row in self._rows]

    def scalar(self) -> Any:
        """The first row's first column; None when there is none."""
        return self._rows[0][0] if self._rows else None

    def scalar_one(self) -> Any:
        """As `one`."""
        return self.one()[0]

    @property
    def inserted_id(self) -> int:
        """The id that an INSERT of one row was given."""
        key = self._inserted()
        assert key is not None
        return int(key)


class Connection(Protocol):
    """Used by one task at a time, which awaits each statement before the next. What its database complains of is mapped
    by the store's units of work (`memory.ports.Store`)."""

    async def execute(self, statement: sa.Executable | Prepared, values: Any = None) -> Answer: ...

    async def rows(self, prepared: Prepared, values: Mapping[str, Any]) -> list[Any]:
        """See `Prepared.rows`."""
        ...

    def beside(self) -> AbstractContextManager[None]:
        """The block's statements touch many rows: they may not hold up the event loop."""
        ...

    def full_text(self, kind: str) -> FullText:
        """The words of ``messages`` or ``passages``."""
        ...

    async def in_turn(self, numbers: Sequence[int], *, shared: bool) -> None:
        """One of several processes at a time has these numbers (of 32 bits), from here to the end of its unit; or all
        at a time that want them ``shared``."""
        ...

    def sealed(self, owner: str, values: Collection[str]) -> list[str]:
        """As a column of `memory.store.secret.WORD` holds them, of rows whose owner is called so ("archive:5")."""
        ...

    async def resealed(self, agent_id: int, archive_id: int) -> None:
        """Rows of others have come to this agent and its archive: they are to be sealed as its own."""
        ...

    async def defer_foreign_keys(self) -> None:
        """Check them at the commit, in this unit of work."""
        ...
