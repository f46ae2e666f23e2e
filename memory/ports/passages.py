"""Archival storage: archives, their passages, and whose word they are."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Protocol

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
)


class Passages(Protocol):
    """Archives and passages are listed oldest first, where nothing else is said. An archive that is asked for by
    its id must exist."""

    async def archive(self, archive_id: int) -> Archive: ...
    async def archive_named(self, name: str) -> Archive | None: ...
    async def archives(self) -> list[Archive]: ...
    async def create_source(self, name: str, now: datetime) -> Archive:
        """Shared documents. ``name`` must be new among sources."""
        ...

    async def attach(self, agent_id: int, archive_id: int) -> None:
        """The agent may search that archive. Idempotent."""
        ...

    async def detach(self, agent_id: int, archive_id: int) -> bool:
        """False: it was not attached."""
        ...

    async def attached_to(self, archive_id: int) -> list[int]:
        """The agents that search it, by their ids."""
        ...

    async def attached(self, agent_id: int) -> list[Archive]:
        """The shared archives that this agent may search."""
        ...

    async def lore(self, persona_id: int, communities: Collection[str]) -> list[Archive]:
        """What the persona's agents share of each of these communities, as far as there is any."""
        ...

    async def create_lore(self, persona_id: int, community: str, now: datetime) -> Archive:
        """There must be none yet. Fails when the persona is gone: nothing would ever delete it again."""
        ...

    async def lore_of(self, persona_id: int) -> dict[str, Archive]:
        """All lore of a persona, by community."""
        ...

    async def contribute(self, keys: Collection[int], user_id: int) -> None:
        """The user contributed to these passages. Idempotent."""
        ...

    async def contributors_of(self, keys: Collection[int]) -> dict[int, list[int]]:
        """Ids of the users that contributed to each passage, in order; for each key that has any."""
        ...

    async def contributed_by(self, user_id: int) -> list[Passage]:
        """From every archive, by archive."""
        ...

    async def withdraw(self, keys: Collection[int], user_id: int) -> None:
        """The user's part in these passages is forgotten; the passages stay."""
        ...

    async def drop_archive(self, archive_id: int) -> None:
        """The archive with its passages. Drop its vectors first: the row names their collection."""
        ...

    async def insert(self, archive_id: int, drafts: Sequence[Draft], now: datetime) -> list[Passage]:
        """Store, in order. Searchable by words at once, by meaning when the index has caught up."""
        ...

    async def get(
        self,
        archive_id: int,
        keys: Collection[int],
        audiences: Audiences,
        tags: Sequence[str] = (),
    ) -> list[Passage]:
        """The passages of ``keys`` that may be seen in ``audiences`` (and carry one of ``tags``), in the order of
        ``keys``."""
        ...

    async def page(
        self, archive_id: int, audiences: Audiences, of: Notes = ALL_KEPT, *, offset: int = 0, limit: int = 50
    ) -> list[Passage]:
        """As `Notes` tells, newest first."""
        ...

    async def count(self, archive_id: int, audiences: Audiences, of: Notes = ALL_KEPT) -> int:
        """Of what `page` gives."""
        ...

    async def tags(self, archive_id: int, audiences: Audiences) -> dict[str, int]:
        """Each tag, and how many passages carry it; the commonest first."""
        ...

    async def of_turn(self, turn_id: str) -> list[Passage]:
        """In no order."""
        ...

    async def with_digest(
        self, archive_id: int, audience: Audience, digests: Collection[str]
    ) -> dict[str, Passage]:
        """Passages of ``audience`` whose digest (of their words) is one of these; the oldest of each,
        rather a note than a piece of a file."""
        ...

    async def delete(self, keys: Collection[int]) -> list[int]:
        """The passages with their terms and vectors, and the copies of them that were opened to other audiences: the
        keys of all that is gone."""
        ...

    async def held(self, keys: Collection[int]) -> list[dict[str, Any]]:
        """All that is stored of passages and of their copies, as JSON can hold it, for `bring_back`."""
        ...

    async def bring_back(self, rows: Sequence[dict[str, Any]]) -> list[int]:
        """Passages that `held` gave, and were deleted since: their keys. One whose key or uid is taken stays away."""
        ...

    async def close(self, keys: Collection[int], until: datetime, replaced_by: str) -> None:
        """They hold no more from then on; instead that passage holds, or (empty) none."""
        ...

    async def closed(self, archive_id: int, audiences: Audiences) -> list[Passage]:
        """What holds no more, the newest last."""
        ...

    async def doubt(self, keys: Collection[int], doubtful: bool) -> None:
        """What they rest on has changed, or was asked about since."""
        ...

    async def with_uids(
        self, archive_id: int, uids: Collection[str], audiences: Audiences
    ) -> dict[str, Passage]:
        """The passages of these uids that may be seen in ``audiences``, by uid."""
        ...

    async def replaced(self, archive_id: int, uids: Collection[str], audiences: Audiences) -> list[Passage]:
        """What these passages replaced, of what may be seen in ``audiences``; oldest first."""
        ...

    async def by_uid(
        self, archive_id: int, prefix: str, audiences: Audiences, *, originals: bool = False
    ) -> Passage | None:
        """The oldest passage whose uid begins so, of what `page` gives."""
        ...

    async def rewrite(self, keys: Collection[int], text: str, digest: str) -> None:
        """Another text for these passages; their vectors are made anew."""
        ...

    async def open(self, passage: Passage, audience: Audience, digest: str, now: datetime) -> None:
        """Put a copy of a passage where another audience may use it."""
        ...

    async def link(self, copy: str, original: str) -> None:
        """One passage is a copy of another, by their uids."""
        ...

    async def opened(self, uids: Collection[str]) -> dict[str, list[Passage]]:
        """The copies of passages, by the uid of the original; nothing for what was never opened."""
        ...

    async def postings(
        self,
        archive_id: int,
        terms: Sequence[str],
        audiences: Audiences,
        tags: Sequence[str] = (),
        *,
        limit: int = POSTINGS,
    ) -> dict[str, Any]:
        """As `Messages.postings`; with ``tags``, only passages that carry one of them."""
        ...

    async def terms(self, keys: Collection[int]) -> dict[int, str]:
        """As `Messages.terms`."""
        ...

    async def around(
        self, archive_id: int, keys: Collection[int], audiences: Audiences, reach: int
    ) -> Outlines:
        """As `Messages.around`, but a passage stands alone: it is a window of its document already."""
        ...

    async def extent(self, archive_id: int) -> int:
        """As `Messages.extent`; 0 for an archive that is gone."""
        ...

    async def keys_of(self, uids: Collection[str]) -> dict[str, int]:
        """Keys of the passages that still exist, by uid."""
        ...

    async def files(self, archive_id: int) -> list[LoadedFile]:
        """The files that were loaded into it, or begun, in the order of their paths."""
        ...

    async def note_file(self, archive_id: int, file: LoadedFile, now: datetime) -> None:
        """Replaces what was noted of the file of that digest."""
        ...

    async def drop_file(self, archive_id: int, digest: str) -> list[int]:
        """The file and its passages go; their keys."""
        ...

    async def documents(self, archive_id: int, audiences: Audiences) -> list[KeptDocument]:
        """The documents of which pieces are in an agent's own archive, newest first."""
        ...

    async def of_file(self, archive_id: int, file: str, audiences: Audiences = None) -> list[Passage]:
        """The pieces of a file, in their order."""
        ...
