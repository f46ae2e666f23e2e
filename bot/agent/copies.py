"""Copies of a row's text in what other rows show: beside messages, among search results, in recalled lines.

All of it happens inside the caller's unit of work.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from bot.agent import context
from bot.agent.queue_manager import QueueManager
from bot.agent.tools.provenance import SEARCHES
from bot.ports import Clock
from memory.ports import Session
from memory.records import Message, Passage, Role, User, scope_of
from memory.search.excerpts import one_line

_BEGINNING = 60  # characters by which an entry is known where it was cut
_FOUND = context.to_json({"status": "OK", "message": "What was found was forgotten since. Search again."})
_DONE = context.to_json({"status": "OK", "message": "Done. What stood here was forgotten since."})


class Copies:
    """Takes what is gone out of what is still shown."""

    def __init__(self, queues: QueueManager, clock: Clock) -> None:
        self._queues = queues
        self._clock = clock

    async def unquote(self, session: Session, accounts: Collection[str], keys: Collection[str]) -> None:
        """Take somebody's words out of what others' agents were shown beside a message."""
        for row in await session.erasing.quoting(accounts, keys):
            quotes = [*row.payload.get("context", ()), row.payload.get("reply_to")]
            stays = [q and q["account"] not in accounts and q["key"] not in keys for q in quotes]
            *lines, reply_to = [q if stay else None for q, stay in zip(quotes, stays, strict=True)]
            payload = {**row.payload, "context": [line for line in lines if line], "reply_to": reply_to}
            await session.mailbox.replace_event(row.key, payload)
            message = await session.messages.by_event(row.key)
            if message is not None and message.rendered:
                await self._rerender(session, message, stays)
        await session.erasing.unquote(accounts, keys)

    async def _rerender(self, session: Session, message: Message, stays: Sequence[object]) -> None:
        rendered = json.loads(message.rendered)
        fields = context.told(rendered)
        lines = fields.pop("context", ())
        if isinstance(lines, list) and len(lines) == len(stays) - 1:  # else it was cut, and goes whole
            kept = [line for line, stay in zip(lines, stays, strict=False) if stay]
            fields |= {"context": kept} if kept else {}
        if not stays[-1]:
            fields.pop("reply_to", None)
        await self._show(session, message, rendered, fields)

    async def withdraw(self, session: Session, user: User, passages: Sequence[Passage]) -> list[int]:
        """Take somebody's part out of lore, and out of views that show it; the keys that are gone."""
        told = await session.passages.contributors_of([passage.key for passage in passages])
        shared = [key for key, users in told.items() if set(users) != {user.id}]
        await session.passages.withdraw(shared, user.id)
        gone = [passage for passage in passages if passage.key not in shared]
        await session.passages.delete([passage.key for passage in gone])
        await self.unshow(session, gone)
        return [passage.key for passage in gone]

    async def unshow(self, session: Session, lore: Sequence[Passage]) -> None:
        """Lore is gone, or reads otherwise: take what it said out of every view, and then out of files."""
        if not lore:
            return
        chores = {f"archive:{scope_of(passage.key)}" for passage in lore}
        await session.erasing.add_chores([*chores, "scrub"], self._clock.now())
        begun = [_as_shown(one_line(passage.text)[:_BEGINNING]) for passage in lore]
        for message in await session.erasing.showing(None, SEARCHES, None, events=False):
            if any(text in message.rendered for text in begun):
                await self.unshow_result(session, message)

    async def unsay(self, session: Session, texts: Sequence[str]) -> None:
        """What was said in a room is gone: out of results and of what came to mind, in every view."""
        begun = [_as_shown(one_line(text)[:_BEGINNING]) for text in texts]
        for message in await session.erasing.showing(None, SEARCHES, None) if begun else ():
            if message.role is Role.TOOL:
                if any(text in message.rendered for text in begun):
                    await self.unshow_result(session, message)
                continue
            rendered = json.loads(message.rendered)
            fields = context.told(rendered)
            recalled = context.to_json([fields.get(name) for name in context.RECALLED])
            if any(context.to_json(one_line(text)[:_BEGINNING])[1:-1] in recalled for text in texts):
                kept = {name: value for name, value in fields.items() if name not in context.RECALLED}
                await self._show(session, message, rendered, kept)

    async def unshow_result(self, session: Session, message: Message) -> None:
        """Take a tool's result out of view."""
        rendered = json.loads(message.rendered)
        shown = context.tool_message(
            rendered["tool_call_id"], _FOUND if message.author in SEARCHES else _DONE
        )
        if shown != message.rendered:
            await self._queues.rerender(session, message, shown)

    async def untell_core_memory(self, session: Session, message: Message) -> None:
        """Take what was told of core memory out of view: the system text shows it anew, as it is."""
        await session.messages.delete([message.key])
        await session.agents.show(message.conversation_id, None)
        self._queues.forget(message.conversation_id)

    async def blank(self, session: Session, agent_id: int | None, before: datetime | None) -> None:
        """Take other rows' texts out of what is in view: they may be gone."""
        for message in await session.erasing.showing(agent_id, SEARCHES, before):
            if message.role is Role.TOOL:
                await self.unshow_result(session, message)
                continue
            rendered = json.loads(message.rendered)
            fields = context.told(rendered)
            if fields["type"] == context.CORE_MEMORY:
                await self.untell_core_memory(session, message)
            elif any(name in fields for name in context.RECALLED):
                kept = {name: value for name, value in fields.items() if name not in context.RECALLED}
                await self._show(session, message, rendered, kept)

    async def _show(
        self, session: Session, message: Message, rendered: dict[str, Any], fields: dict[str, Any]
    ) -> None:
        """Tell an event's message with other fields; its images stay."""
        shown = context.user_message(fields, context.images_in(rendered))
        await self._queues.rerender(session, message, shown)


def _as_shown(text: str) -> str:
    """A text as it stands in a rendered result: JSON in JSON."""
    return context.to_json(context.to_json(text)[1:-1])[1:-1]
