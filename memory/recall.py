"""Recall storage: everything that was said, searched by words, meaning and date, page by page."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime

from memory.indexer import Indexer
from memory.ports import Store
from memory.records import Audience, Hit, Page, readable_from
from memory.search.search import look, question_of, ranked


class Recall:
    """Searches of one installation's recall storage, each within one agent and audience."""

    def __init__(self, store: Store, indexer: Indexer) -> None:
        self._store = store
        self._indexer = indexer

    async def search(
        self,
        agent_id: int,
        query: str,
        audience: Audience,
        *,
        page: int = 0,
        page_size: int = 5,
        leave_out: Collection[int] = (),
        asker: str | None = None,
        now: datetime | None = None,
    ) -> Page:
        """The messages that answer ``query`` best, of those this agent may see in ``audience``.

        ``leave_out`` are keys not to be found (the question itself). ``asker`` is the author whom "I" means, ``now``
        the moment in their zone, to which "last week" is relative.
        """
        audiences = readable_from(audience)
        vector = await self._indexer.query_vector(query, "messages", agent_id)
        place = await look(self._indexer.index_of_messages, agent_id, audiences, vector)
        async with self._store.read() as session:
            question = question_of(query, asker, now or datetime.now(UTC))
            found = await ranked(session, "messages", [place], question)
            found = found.without(leave_out)
            shown = found.page(page, page_size)
            rows = await session.messages.get(agent_id, list(shown), audiences)
        hits = tuple(Hit(row=row, score=shown[row.key]) for row in rows)
        return Page(hits=hits, total=len(found), page=page, page_size=page_size)

    async def between(
        self,
        agent_id: int,
        since: datetime | None,
        until: datetime | None,
        audience: Audience,
        *,
        page: int = 0,
        page_size: int = 5,
    ) -> Page:
        """What was said from ``since`` (included) until ``until`` (excluded), oldest first."""
        audiences = readable_from(audience)
        async with self._store.read() as session:
            total = await session.messages.count(agent_id, audiences, since=since, until=until)
            rows = await session.messages.said(
                agent_id, audiences, since=since, until=until, offset=page * page_size, limit=page_size
            )
        hits = tuple(Hit(row=row, score=0.0) for row in rows)
        return Page(hits=hits, total=total, page=page, page_size=page_size)
