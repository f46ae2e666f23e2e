"""What was said on the page, as the inbox and the outbox hold it: the person's own words, and what was posted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.agent.picture import is_drawn
from bot.events import FILE, Action, Address, DocumentUploaded, platform_of
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
    pictures: tuple[tuple[str, str], ...] = ()  # name, and where it lies
    attached: tuple[str, ...] = ()  # what is not shown, by name
    file: str = ""  # the post of the agent's own, which is called ``text``
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
                found += [*filter(_says, map(_heard, heard)), *map(_posted, posts)]
        return sorted(found, key=lambda entry: (entry.at, not entry.own))[-SHOWN:]

    async def _places(self, session: Session) -> Sequence[Conversation]:
        places = await session.agents.conversations(self._agent.id)
        return [p for p in places if p.audience == PRIVATE and platform_of(p.address) == WEB]


def _says(entry: Entry) -> bool:
    """Whether there is anything of it that was not deleted."""
    return bool(entry.text or entry.pictures or entry.attached)


def _heard(row: InboxRow) -> Entry:
    document = row.kind == DocumentUploaded.kind
    said = str(row.payload.get("document" if document else "text", ""))
    attached = [
        (n, one) for n, one in enumerate(row.payload.get("attachments", ())) if not one.get("removed")
    ]
    drawn = [(number, one) for number, one in attached if is_drawn(one.get("image", ""))]
    return Entry(
        name=f"m{row.id}",
        at=row.received_at,
        kind="document" if document else "said",
        text=said,
        own=True,
        row=row.id,
        pictures=tuple((str(one["name"]), f"{_name_of(row)}/{number}") for number, one in drawn),
        attached=tuple(str(one["name"]) for _, one in attached if not is_drawn(one.get("image", ""))),
    )


def _name_of(row: InboxRow) -> str:
    """The row's key, without its platform."""
    return row.key.partition(":")[2]


def _posted(row: OutboxRow) -> Entry:
    actions = [
        Action(label=label, command=command, argument=argument) for label, command, argument in row.actions
    ]
    return Entry(
        name=f"p{row.id}",
        at=row.created_at,
        kind=row.kind,
        text=row.text.strip("()") if row.kind == FILE else row.text,
        actions=tuple(actions),
        file=row.id if row.kind == FILE else "",
    )
