"""Undoing turns: their messages, passages and block edits (`/pop`, `/retry`)."""

from __future__ import annotations

from bot.ports import Clock
from bot.queue_manager import QueueManager
from memory.indexer import Indexer
from memory.ports import Session, Store
from memory.records import Agent, Conversation, InboxRow, Turn


class Undo:
    """Hold the agent's lock while using it."""

    def __init__(self, store: Store, queues: QueueManager, indexer: Indexer, clock: Clock) -> None:
        self._store = store
        self._queues = queues
        self._indexer = indexer
        self._clock = clock

    async def turns(
        self, agent: Agent, conversation: Conversation, count: int
    ) -> tuple[list[list[InboxRow]], list[str]]:
        """Undo the last ``count`` ended turns that are not evicted yet, newest first.

        Returns the events of each undone turn, and sentences about what had to stay. Delivered text stays.
        """
        undone: list[list[InboxRow]] = []
        notes: list[str] = []
        messages: list[int] = []
        passages: list[int] = []
        async with self._store.write() as session:
            for turn in await session.mailbox.last_turns(conversation.id, count):
                rows = await session.messages.of_turn(turn.id)
                if any(not row.queued for row in rows):
                    notes.append("Older turns have left my view and stay.")
                    break
                undone.append(await session.mailbox.events_of(turn.id))
                notes += await self._blocks(session, agent, conversation, turn)
                made = [passage.key for passage in await session.passages.of_turn(turn.id)]
                await session.passages.delete(made)
                await session.messages.delete([row.key for row in rows])
                for wish in await session.schedule.wishes_of(turn.id):
                    await session.schedule.drop_wish(wish.id)
                await session.mailbox.forget_turn(turn.id)
                passages += made
                messages += [row.key for row in rows]
        self._queues.forget(conversation.id)
        await self._indexer.removed(agent, messages, passages)
        return undone, notes

    async def _blocks(
        self, session: Session, agent: Agent, conversation: Conversation, turn: Turn
    ) -> list[str]:
        """Each block goes back to its value before the turn, unless it was edited since."""
        notes = []
        for edit in await session.blocks.edits_of(turn.id):
            blocks = await session.blocks.visible(agent, conversation.audience)
            block = next((b for b in blocks if b.id == edit.block_id), None)
            if block is not None and block.value == edit.after:
                await session.blocks.put(block.id, edit.before, None, self._clock.now())
            else:
                notes.append(f"The block {edit.label!r} was edited since and stays as it is.")
        return notes
