"""Recall storage: everything that was said, searched by words, meaning and date, page by page."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import zip_longest

from memory.indexer import Indexer
from memory.ports import Store
from memory.records import Audience, Hit, Lines, Message, Page, readable_from
from memory.search.answers import answers as answers_to
from memory.search.answers import course_of
from memory.search.evidence import Question
from memory.search.namesakes import told_apart
from memory.search.search import IN_ROOM, WIDE, look, meant, question_of, ranked


@dataclass(frozen=True)
class Searcher:
    """Who searches. ``name`` is the author whom "I" means; of the keys of what they know ``own`` is never found (the
    question itself), what is ``viewed`` is told beside the first page. ``room`` is the agent of the room that they are
    in, whose memory is theirs, too."""

    name: str | None = None
    own: Collection[int] = ()
    viewed: Collection[int] = ()
    room: int | None = None


ANYBODY = Searcher()


def _in_turns(one: Sequence[Hit], other: Sequence[Hit]) -> tuple[Hit, ...]:
    pairs = zip_longest(one, other)
    return tuple(hit for pair in pairs for hit in pair if hit is not None)


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
        searcher: Searcher = ANYBODY,
        now: datetime | None = None,
    ) -> Page:
        """The messages that answer ``query`` best, of those this agent may see in ``audience``; and of those that the
        agent of the searcher's room has heard, in turns: of that the newest is preferred, for what a group has decided
        changes.

        What the ``searcher`` knows takes no place on a page; ``now`` is the moment in their zone, to which "last week"
        is relative.
        """
        question = question_of(query, searcher.name, now or datetime.now(UTC))
        if searcher.room is None:
            return await self._answers(agent_id, question, audience, page, page_size, searcher)
        return await self._in_room(agent_id, question, audience, page, page_size, searcher)

    async def _answers(
        self, agent_id: int, question: Question, audience: Audience, page: int, page_size: int, who: Searcher
    ) -> Page:
        audiences = readable_from(audience)
        async with self._store.read() as session:
            embedded = await meant(session, agent_id, audiences, question)
        vector = await self._indexer.query_vector(embedded, "messages", agent_id)
        breadth = IN_ROOM if question.of_room else WIDE
        place = await look(self._indexer.index_of_messages, agent_id, audiences, vector, breadth=breadth)
        async with self._store.read() as session:
            found = (await ranked(session, "messages", [place], question)).without(who.own)
            best = [] if page else [key for key in found.page(0, page_size) if key in who.viewed]
            found = found.without(who.viewed)
            shown = found.page(page, page_size)
            rows = await told_apart(session, await session.messages.get(agent_id, list(shown), audiences))
            course = await course_of(session, agent_id, list(shown), audiences)
            answers = await answers_to(session, agent_id, rows, course, audiences, {*who.own, *who.viewed})
            seen = await session.messages.get(agent_id, best, audiences)
        hits = [
            Hit(
                row=row,
                score=shown[row.key],
                position=course.position(row.key),
                answer=answers.get(row.key),
            )
            for row in rows
        ]
        return Page(
            hits=tuple(hits),
            total=len(found),
            page=page,
            page_size=page_size,
            searched=found.rows,
            certainty=found.certainty,
            fits=found.fits,
            in_view=tuple(seen),
        )

    async def _in_room(
        self, agent_id: int, question: Question, audience: Audience, page: int, page_size: int, who: Searcher
    ) -> Page:
        """Where one of both has nothing on a page the other has it all."""
        assert who.room is not None
        half = page_size // 2
        of_room = replace(question, of_room=True)
        own = await self._answers(agent_id, question, audience, page, half, who)
        of_it = page_size - half if own.total else page_size
        heard = await self._answers(who.room, of_room, audience, page, of_it, ANYBODY if own.total else who)
        if not heard.total:
            return await self._answers(agent_id, question, audience, page, page_size, who)
        if not own.total:
            return heard
        told = {(hit.row.text, hit.row.created_at) for hit in own.hits}
        fresh = [hit for hit in heard.hits if (hit.row.text, hit.row.created_at) not in told]
        return replace(
            own,
            hits=_in_turns(fresh, own.hits),
            total=max(own.total * page_size // max(1, half), heard.total * page_size // (page_size - half)),
            page_size=page_size,
            searched=own.searched + heard.searched,
            certainty=max(own.certainty, heard.certainty),
            fits=own.fits or heard.fits,
        )

    async def get(self, agent_id: int, keys: Collection[int], audience: Audience) -> list[Message]:
        """What was said, of these keys, as far as it may be seen from ``audience``, in their order."""
        async with self._store.read() as session:
            found = await session.messages.get(agent_id, keys, readable_from(audience))
        return [message for message in found if message.text]

    async def between(
        self,
        agents: Sequence[int],
        since: datetime | None,
        until: datetime | None,
        audience: Audience,
        *,
        page: int = 0,
        page_size: int = 5,
    ) -> Page:
        """What these agents heard from ``since`` (included) until ``until`` (excluded), oldest first."""
        audiences, lines = readable_from(audience), Lines(since=since, until=until)
        first, hits, total = page * page_size, list[Hit](), 0
        async with self._store.read() as session:
            for agent in agents:
                total += await session.messages.count(agent, audiences, lines)
                # Of several each may have all of the page.
                offset, limit = (first, page_size) if len(agents) == 1 else (0, first + page_size)
                said = await session.messages.said(agent, audiences, lines, offset=offset, limit=limit)
                rows = await told_apart(session, said)
                course = await course_of(session, agent, [row.key for row in rows], audiences)
                hits += [Hit(row=row, score=0.0, position=course.position(row.key)) for row in rows]
        if len(agents) > 1:
            hits = sorted(hits, key=lambda hit: hit.row.created_at)[first : first + page_size]
        return Page(hits=tuple(hits), total=total, page=page, page_size=page_size)

    async def around(self, agent_id: int, key: int, audience: Audience, lines: int) -> list[Hit]:
        """A message with up to ``lines`` before and after it in its conversation, in order; nothing where there is no
        such message that may be seen in ``audience``."""
        audiences = readable_from(audience)
        async with self._store.read() as session:
            if not any(row.text for row in await session.messages.get(agent_id, [key], audiences)):
                return []
            keys = (await course_of(session, agent_id, [key], audiences)).beside(key, lines)
            rows = await told_apart(session, await session.messages.get(agent_id, keys, audiences))
            course = await course_of(session, agent_id, keys, audiences)
        return [Hit(row=row, score=0.0, position=course.position(row.key)) for row in rows]
