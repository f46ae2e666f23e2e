"""Archival storage: an agent's own archive and the shared ones attached to it. Row first, index after."""

from __future__ import annotations

import logging
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np

from memory.errors import StoreUnavailable
from memory.indexer import Indexer
from memory.ports import Session, Store
from memory.records import (
    PRIVATE,
    Agent,
    Audience,
    Audiences,
    Draft,
    Hit,
    KeptDocument,
    Message,
    Page,
    Passage,
    community_of,
    readable_from,
    scope_of,
)
from memory.search.dates import Span
from memory.search.search import Matches, Place, look, question_of, ranked
from memory.search.stale import is_over, overs
from memory.search.terms import analyse, digest_words, is_stop_word

log = logging.getLogger(__name__)

_LOOKED = 32  # matches that are looked at at once
_CHAIN = 32  # times that a note was replaced
_SAME = 0.95
"""Cosine from which two texts may be the same statement; `says_the_same` decides."""


class Archival:
    """Searches and insertions of one installation's archival storage."""

    def __init__(self, store: Store, indexer: Indexer) -> None:
        self._store = store
        self._indexer = indexer

    async def search(
        self,
        agent: Agent,
        query: str,
        audience: Audience,
        *,
        page: int = 0,
        page_size: int = 5,
        tags: Sequence[str] = (),
        now: datetime | None = None,
        as_of: datetime | None = None,
    ) -> Page:
        """The passages that answer ``query`` best: in the agent's own archive, in its persona's lore of this
        community (in private: of those where the agent has talked), and in the attached ones.

        ``now`` is the moment in the asker's zone, to which "last week" is relative. Found is what holds, with what it
        replaced; what held before, where the question names a time in which it did; or what held ``as_of`` a moment.
        """
        async with self._store.read() as session:
            lore = await _lore(session, agent, audience)
            shared = [archive.id for archive in await session.passages.attached(agent.id)]
        scopes = [agent.archive_id, *lore, *shared]
        wanted = _Wanted(agent.archive_id, scopes, readable_from(audience), tags, as_of)
        return await self._found(query, wanted, page, page_size, now or datetime.now(UTC))

    async def own(self, agent: Agent, query: str, audience: Audience, most: int, now: datetime) -> Page:
        """As `search`, in the agent's own archive alone, and of notes alone: one page."""
        wanted = _Wanted(agent.archive_id, [agent.archive_id], readable_from(audience), noted=True)
        return await self._found(query, wanted, 0, most, now)

    async def _found(self, query: str, wanted: _Wanted, page: int, page_size: int, now: datetime) -> Page:
        vector = await self._indexer.query_vector(query, "passages", *wanted.scopes)
        places = [await self._look(scope, wanted.audiences, vector, wanted.tags) for scope in wanted.scopes]
        async with self._store.read() as session:
            question = question_of(query, None, now)
            found = await ranked(session, "passages", places, question)
            wanted = replace(wanted, span=question.span)
            hits = await _holding(session, found, wanted, (page + 1) * page_size + 1)
        return Page(
            hits=tuple(hits[page * page_size :][:page_size]),
            total=len(found) if len(hits) > (page + 1) * page_size else len(hits),
            page=page,
            page_size=page_size,
            searched=found.rows,
            certainty=found.certainty,
            fits=found.fits,
        )

    async def note(self, agent: Agent, key: int, audience: Audience) -> Passage | None:
        """The passage of that key in the agent's own archive, if it may be seen from ``audience``."""
        async with self._store.read() as session:
            found = await session.passages.get(agent.archive_id, [key], readable_from(audience))
        return found[0] if found else None

    async def document(self, agent: Agent, key: int, audience: Audience) -> KeptDocument | None:
        """The document of which the passage of that key is a piece, if it may be seen from ``audience``."""
        piece = await self.note(agent, key, audience)
        if piece is None or not piece.file:
            return None
        async with self._store.read() as session:
            held = await session.passages.documents(agent.archive_id, (piece.audience,))
        return next((each for each in held if each.file == piece.file), None)

    async def outdated(self, agent: Agent, messages: Sequence[Message], audience: Audience) -> set[int]:
        """Keys of those messages that tell what holds no more."""
        if not messages:
            return set()
        async with self._store.read() as session:
            over = await overs(session, agent, readable_from(audience))
        return {message.key for message in messages if is_over(message, over)}

    async def _look(self, scope: int, audiences: Audiences, vector: Any | None, tags: Sequence[str]) -> Place:
        """By words alone where a shared archive's index cannot be used now."""
        index = await self._indexer.index_of(scope)
        try:
            return await look(index, scope, audiences, vector, tags)
        except StoreUnavailable as error:
            if index is self._indexer.index_of_own:
                raise
            log.error("%s", error)
            self._indexer.doubt()
            return Place(scope, audiences, None, tags)

    async def known(
        self,
        archive_id: int,
        drafts: Sequence[Draft],
        staged: Collection[Draft] = (),
        *,
        in_files: bool = False,
    ) -> dict[int, Passage | Draft]:
        """For each draft (by position) that says what the archive holds already, or what is staged: that one.

        Only texts of the same audience are compared: deduplication never crosses audiences. Nor does it count that a
        piece of a file says it, unless ``in_files``: a file may be deleted.
        """
        found: dict[int, Passage | Draft] = {}
        earlier = {(d.audience, digest_words(d.text)): d for d in staged}
        async with self._store.read() as session:
            for i, draft in enumerate(drafts):
                words = digest_words(draft.text)
                same = await session.passages.with_digest(archive_id, draft.audience, [words])
                held = same.get(words)
                if held is not None and held.file and not in_files:
                    held = None
                known = held or earlier.get((draft.audience, words))
                if known is not None:
                    found[i] = known
        left = [i for i in range(len(drafts)) if i not in found]
        vectors = await self._indexer.vectors([drafts[i].text for i in left]) if left else None
        if vectors is not None:
            for i, vector in zip(left, vectors, strict=True):
                near = await self._near(archive_id, drafts[i], vector, in_files)
                if near is not None:
                    found[i] = near
        return found

    async def known_lore(
        self, agent: Agent, community: str, draft: Draft, staged: Collection[Draft] = ()
    ) -> Passage | Draft | None:
        """What the persona's lore of the community holds already that says the same, or what is staged."""
        async with self._store.read() as session:
            archives = await session.passages.lore(agent.persona_id, [community])
        if not archives:
            words = digest_words(draft.text)
            return next((d for d in staged if digest_words(d.text) == words), None)
        return (await self.known(archives[0].id, [draft], staged, in_files=True)).get(0)

    async def _near(self, archive_id: int, draft: Draft, vector: Any, in_files: bool) -> Passage | None:
        index = await self._indexer.index_of(archive_id)
        try:
            near = await index.search(archive_id, np.asarray(vector), (draft.audience,), 3)
        except StoreUnavailable:
            if index is self._indexer.index_of_own:
                raise
            return None  # the same words are still known
        keys = [key for key, cosine in near if cosine >= _SAME]
        if not keys:
            return None
        async with self._store.read() as session:
            passages = await session.passages.get(archive_id, keys, (draft.audience,))
        held = (p for p in passages if in_files or not p.file)
        return next((p for p in held if says_the_same(p.text, draft.text)), None)

    async def insert(self, archive_id: int, drafts: Sequence[Draft], now: datetime) -> list[Passage]:
        """Store passages in a unit of work of their own; see `store` for one inside another."""
        async with self._store.write() as session:
            passages = await store(session, archive_id, drafts, now)
        self._indexer.wake()
        return passages


@dataclass(frozen=True)
class _Wanted:
    own: int
    scopes: Sequence[int]
    audiences: Audiences
    tags: Sequence[str] = ()
    as_of: datetime | None = None
    span: Span | None = None
    noted: bool = False  # no pieces of documents

    def fits(self, passage: Passage) -> bool:
        return not (self.noted and passage.file)

    def held(self, passage: Passage) -> bool:
        """Whether it held when the question asks for it."""
        if self.as_of is not None:
            return passage.held(self.as_of)
        if passage.until is None or self.span is None:
            return passage.until is None
        return (passage.since or passage.created_at) < self.span.until and self.span.since < passage.until


async def _holding(session: Session, found: Matches, wanted: _Wanted, count: int) -> list[Hit]:
    """The first hits, best first, each in its time; instead of one that holds no more, what replaced it."""
    hits: dict[int, Hit] = {}
    for number in range(-(-len(found) // _LOOKED)):
        shown = found.page(number, _LOOKED)
        rows: dict[int, Passage] = {}
        for scope in wanted.scopes:
            some = await session.passages.get(scope, list(shown), wanted.audiences, wanted.tags)
            rows |= {row.key: row for row in some}
        for key in shown:
            row = rows.get(key)
            if row is None or not wanted.fits(row):
                continue
            if not wanted.held(row):
                row = await _now_instead(session, wanted, row) if wanted.as_of is None else None
            if row is not None and row.key not in hits:
                hits[row.key] = Hit(row=row, score=shown[key])
        if len(hits) >= count:
            break
    return await _with_past(session, wanted, list(hits.values())[:count])


async def _now_instead(session: Session, wanted: _Wanted, row: Passage) -> Passage | None:
    """What holds instead of one that was replaced, if it may be seen."""
    for _ in range(_CHAIN):
        if row.until is None:
            return row
        found = await session.passages.with_uids(wanted.own, [row.replaced_by], wanted.audiences)
        if row.replaced_by not in found:
            return None
        row = found[row.replaced_by]
    return None


async def _with_past(session: Session, wanted: _Wanted, hits: Sequence[Hit]) -> list[Hit]:
    """The hits, each with what it replaced last."""
    own = [
        hit.row.uid for hit in hits if isinstance(hit.row, Passage) and scope_of(hit.row.key) == wanted.own
    ]
    past = {p.replaced_by: p for p in await session.passages.replaced(wanted.own, own, wanted.audiences)}
    return [
        replace(hit, replaced=past.get(hit.row.uid)) if isinstance(hit.row, Passage) else hit for hit in hits
    ]


async def store(session: Session, archive_id: int, drafts: Sequence[Draft], now: datetime) -> list[Passage]:
    """Store passages inside the caller's unit of work."""
    marked = [replace(draft, digest=digest_words(draft.text)) for draft in drafts]
    return await session.passages.insert(archive_id, marked, now)


async def share(
    session: Session,
    persona_id: int,
    community: str,
    drafts: Sequence[Draft],
    user_id: int | None,
    now: datetime,
) -> list[Passage]:
    """Store lore inside the caller's unit of work; who told what is there already contributed to it, too."""
    archives = await session.passages.lore(persona_id, [community])
    archive = archives[0] if archives else await session.passages.create_lore(persona_id, community, now)
    shared = []
    for draft in drafts:
        words = digest_words(draft.text)
        # Another agent may have stored the very same since this one looked.
        same = await session.passages.with_digest(archive.id, draft.audience, [words])
        passage = same[words] if same else (await store(session, archive.id, [draft], now))[0]
        if user_id is not None:
            await session.passages.contribute([passage.key], user_id)
        shared.append(passage)
    return shared


async def _lore(session: Session, agent: Agent, audience: Audience) -> list[int]:
    """The lore that may be read there: it is known to everyone in its community."""
    if audience == PRIVATE:
        communities = {place.home for place in await session.agents.conversations(agent.id)} - {""}
    else:
        communities = {community_of(audience)}
    if not communities:
        return []
    return [archive.id for archive in await session.passages.lore(agent.persona_id, communities)]


_TOKEN = re.compile(r"[-+]?\d+(?:[.,:/-]\d+)*|[^\W_]+(?:['’][^\W_]+)*")
_WEIGHTY = frozenset(
    """
    no not never none nothing nobody nowhere neither nor without cannot cant dont doesnt didnt wont isnt arent wasnt
    kein keine keinen keiner nicht nie ne pas non sin
    before after more less most least first last only except until since always sometimes start stop
    one two three four five six seven eight nine ten eleven twelve once twice half both
    """.split()
)


def says_the_same(one: str, other: str) -> bool:
    """Whether two texts alike in meaning state the same, too.

    Vectors hardly tell "sold" from "bought" or "is" from "is not", and dropping a new fact is worse than keeping
    two alike: only filler, inflection and the order of words other than names may differ.
    """
    return _telling(one) == _telling(other)


def _telling(text: str) -> tuple[list[str], list[str], list[str]]:
    """The names, in order (who does what to whom); numbers and negations; the stems of all words that matter."""
    names, rest = [], []
    for place, word in enumerate(_TOKEN.findall(text)):
        plain = word.casefold().removesuffix("'s").removesuffix("’s")
        if plain.endswith(("n't", "n’t")):
            rest.append("not")
        elif plain in _WEIGHTY or any(c.isdigit() for c in word):
            rest.append(plain)
        elif word[:1].isupper() and (place > 0 or not is_stop_word(word)):
            names.append(plain)
    stems = sorted(word for word in analyse(text).split() if not is_stop_word(word))
    return names, sorted(rest), stems
