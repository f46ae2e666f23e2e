"""What was said on the page, as the inbox and the outbox hold it: the person's own words, and what was posted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.events import Action, Address, DocumentUploaded, platform_of
from bot.web.memory.owned import WEB
from memory.ports import Session, Store
from memory.records import PRIVATE, Agent, Conversation, InboxRow, OutboxRow

SHOWN = 60
"""Of the newest; what was before is in the diary."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """Something that was said. ``name`` is the same whenever it is shown. ``kind`` is as of `bot.events.Reply`; that of
    the person's own (``own``) is ``said`` or, for a document, ``document``. ``row`` numbers the inbox (0: it is none of
    its rows)."""

    name: str
    at: datetime
    kind: str
    text: str
    own: bool = False
    row: int = 0
    attached: tuple[str, ...] = ()  # what is not shown, by name
    actions: tuple[Action, ...] = ()


class Talk:
    """Of one agent."""

    def __init__(self, store: Store, agent: Agent) -> None:
        self._store, self._agent = store, agent
        self.address: Address = f"{WEB}:{agent.id}"

    async def addresses(self) -> set[Address]:
        """Where they talk on the page: agents that became one (`/link`) bring along more than one place."""
        async with self._store.read() as session:
            return {self.address, *(place.address for place in await self._places(session))}

    async def newest(self, after: int = 0) -> list[Entry]:
        """Oldest first; of the person's own only such as came after that row of the inbox."""
        found: list[Entry] = []
        async with self._store.read() as session:
            for place in await self._places(session):
                heard = await session.mailbox.last_heard(place.id, SHOWN, after=after)
                posts = await session.mailbox.last_posts(self._agent.id, place.id, SHOWN)
                found += [*map(_heard, heard), *map(_posted, posts)]
        return sorted(found, key=lambda entry: (entry.at, not entry.own))[-SHOWN:]

    async def _places(self, session: Session) -> Sequence[Conversation]:
        places = await session.agents.conversations(self._agent.id)
        return [p for p in places if p.audience == PRIVATE and platform_of(p.address) == WEB]


def _heard(row: InboxRow) -> Entry:
    document = row.kind == DocumentUploaded.kind
    attached = row.payload.get("attachments", ())
    return Entry(
        name=f"m{row.id}",
        at=row.received_at,
        kind="document" if document else "said",
        text=str(row.payload.get("document" if document else "text", "")),
        own=True,
        row=row.id,
        attached=tuple(str(one["name"]) for one in attached),
    )


def _posted(row: OutboxRow) -> Entry:
    actions = [
        Action(label=label, command=command, argument=argument) for label, command, argument in row.actions
    ]
    return Entry(
        name=f"p{row.id}",
        at=row.created_at,
        kind=row.kind,
        text=row.text,
        actions=tuple(actions),
    )
