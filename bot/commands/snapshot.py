"""All that an agent remembers and that may be seen from a place, as one JSON object."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from bot.identities import Identity
from bot.ports import Clock
from memory.ports import Store
from memory.records import readable_from


class Snapshots:
    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def of(self, who: Identity) -> dict[str, Any]:
        """In the format ``everbot-save/1``: blocks, summary, messages and passages, oldest first."""
        audiences = readable_from(who.conversation.audience)
        agent = who.agent
        async with self._store.read() as session:
            blocks = await session.blocks.visible(agent, who.conversation.audience)
            count = await session.messages.count(agent.id, audiences)
            messages = await session.messages.said(agent.id, audiences, limit=count)
            held = await session.passages.count(agent.archive_id, audiences)
            passages = await session.passages.page(agent.archive_id, audiences, limit=held)
            summary = await session.messages.summary(who.conversation.id)
        return {
            "format": "everbot-save/1",
            "saved_at": _iso(self._clock.now()),
            "user": who.user.name,
            "persona": who.persona.name,
            "blocks": {block.label: block.value for block in blocks},
            "summary": summary.text if summary else "",
            "messages": [{"time": _iso(m.created_at), "author": m.author, "text": m.text} for m in messages],
            "passages": [
                {"time": _iso(p.created_at), "text": p.text, "tags": list(p.tags)} for p in reversed(passages)
            ],
        }


def _iso(at: datetime) -> str:
    return at.isoformat(timespec="seconds")
