"""What was forgotten and may still be brought back, as it is held: what is erased meanwhile goes out of that, too.

Nobody else's words are held: what was quoted beside a message stays where those can take it back who said it.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from bot.agent.document import file_of
from memory.ports import Session
from memory.records import InboxRow, Message, Waste


@dataclass(frozen=True, kw_only=True)
class Erased:
    """What is gone for good: the ``events`` whose authors deleted or edited them, what came of ``turns``, what was said
    in ``places`` (conversations), the ``summaries`` of such, and all that expires which is from ``before``."""

    events: Collection[str] = ()
    turns: Collection[str] = ()
    places: Collection[int] = ()
    summaries: Collection[int] = ()
    before: datetime | None = None

    def expired(self, at: datetime) -> bool:
        return self.before is not None and at < self.before

    def said(self, row: Message) -> bool:
        """Whether the message is."""
        at = row.conversation_id in self.places or row.turn_id in self.turns
        return at or row.event_key in self.events or self.expired(row.created_at)

    def heard(self, row: InboxRow) -> bool:
        """Whether the event is."""
        at = row.conversation_id in self.places or row.turn_id in self.turns
        return at or row.key in self.events or self.expired(row.received_at)

    def summed(self, summary: dict[str, Any]) -> bool:
        """Whether the summary is, as it is held."""
        places = {*self.places, *self.summaries}
        since = datetime.fromisoformat(summary["since"])
        return summary["conversation_id"] in places or self.expired(since)


@dataclass
class Rest:
    """What is left of what is held, and the texts that went."""

    contents: dict[str, Any]
    went: list[str] = field(default_factory=list)

    @classmethod
    async def of(cls, session: Session, waste: Waste, erased: Erased) -> Rest:
        rest = cls(dict(waste.contents))
        await rest._messages(session, waste.agent_id, erased)
        await rest._pictures(session, erased)
        rest._passages(erased)
        await rest._core_memory(session, waste.agent_id, erased)
        contents = rest.contents
        contents["summaries"] = [s for s in contents["summaries"] if not erased.summed(s)]
        contents["surfaced"] = {k: v for k, v in contents["surfaced"].items() if k not in erased.turns}
        contents["texts"] = list(contents["texts"])
        for text in rest.went:
            if text in contents["texts"]:
                contents["texts"].remove(text)
        return rest

    async def _messages(self, session: Session, agent_id: int, erased: Erased) -> None:
        held, staying = self.contents["messages"], []
        rows = {m.key: m for m in await session.messages.get(agent_id, [m["key"] for m in held], None)}
        for kept in held:
            row = rows.get(kept["key"])
            if row is None or erased.said(row):
                self.went.append(kept["text"])
                continue
            events = {key: left for key, left in kept["events"].items() if key not in erased.events}
            rendered = kept["rendered"] if row.queued else ""  # how it looked goes when it leaves the view
            staying.append(kept | {"events": events, "rendered": rendered})
        self.contents["messages"] = staying

    async def _pictures(self, session: Session, erased: Erased) -> None:
        staying = []
        for kept in self.contents["pictures"]:
            row = await session.mailbox.event(kept["row"])
            if row is None or not row.payload or erased.heard(row):
                self.went.append(kept["says"])
            else:
                staying.append(kept)
        self.contents["pictures"] = staying

    def _passages(self, erased: Erased) -> None:
        files, staying = set(map(file_of, erased.events)), []
        for kept in self.contents["passages"]:
            too_old = kept["file"] and erased.expired(datetime.fromtimestamp(kept["created_at"] / 1e6, UTC))
            if kept["turn_id"] in erased.turns or kept["file"] in files or too_old:
                self.went += [kept["text"], kept["source"]]
            else:
                staying.append(kept)
        self.contents["passages"] = staying

    async def _core_memory(self, session: Session, agent_id: int, erased: Erased) -> None:
        """Of a block to which a turn put something that is gone, only the lines are held that others put there."""
        added = await self._added(session, agent_id, erased)
        staying = []
        for kept in self.contents["lines"]:
            if kept["block"] in added:
                gone = [t for t in kept["texts"] if any(t in line for line in added[kept["block"]])]
                self.went += gone
                kept = kept | {
                    "texts": [t for t in kept["texts"] if t not in gone],
                    "before": "",
                    "after": None,
                }
            if kept["texts"]:
                staying.append(kept)
        self.contents["lines"] = staying
        self.contents["history"] = [
            entry
            for entry in self.contents["history"]
            if entry["block_id"] not in added
            and not erased.expired(datetime.fromtimestamp(entry["at"] / 1e6, UTC))
        ]

    async def _added(self, session: Session, agent_id: int, erased: Erased) -> dict[int, set[str]]:
        """The lines that the turns put into core memory, by their blocks."""
        if not erased.turns:
            return {}
        past = [(e["block_id"], e["turn_id"], e["before"], e["after"]) for e in self.contents["history"]]
        edits = await session.blocks.history(f"agent:{agent_id}", None, None)
        past += [(edit.block_id, edit.turn_id, edit.before, edit.after) for edit in edits]
        added: dict[int, set[str]] = {}
        for block_id, turn_id, before, after in past:
            if turn_id in erased.turns:
                lines = set(after.splitlines()) - set(before.splitlines())
                added.setdefault(block_id, set()).update(lines)
        return added
