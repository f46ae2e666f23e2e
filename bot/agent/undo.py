"""Undoing turns: their messages, passages and block edits (`/pop`, `/retry`)."""

from __future__ import annotations

from datetime import datetime

from bot.agent.fifo_queue import is_note
from bot.agent.forgetting import Forgetting
from bot.agent.held import Erased
from bot.agent.queue_manager import QueueManager
from bot.events import HeartbeatDue
from bot.language import gettext
from bot.people.allowance import Allowance
from bot.runtime import Runtime
from memory.ports import Session
from memory.records import Agent, Conversation, InboxRow, Turn


class Undo:
    """Hold the agent's lock while using it."""

    def __init__(
        self, runtime: Runtime, queues: QueueManager, forgetting: Forgetting, allowance: Allowance
    ) -> None:
        self._store, self._indexer, self._clock = runtime.store, runtime.indexer, runtime.clock
        self._queues = queues
        self._forgetting = forgetting
        self._allowance = allowance

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
        async with self._allowance.forgetting(agent), self._store.write() as session:
            for turn in await session.mailbox.last_turns(conversation.id, count):
                rows = await session.messages.of_turn(turn.id)
                said = [row for row in rows if not is_note(row)]
                if turn.kind != HeartbeatDue.kind and not any(row.queued for row in said):
                    notes.append(gettext("Older turns have left my view and stay."))
                    break
                if turn.kind != HeartbeatDue.kind and not all(row.queued for row in said):
                    notes.append(
                        gettext("A part of it had left my view, and may still be told by my summary.")
                    )
                undone.append(await session.mailbox.events_of(turn.id))
                more, made = await self._memory(session, agent, conversation, turn)
                notes += more
                await session.messages.delete([row.key for row in rows])
                await session.mailbox.forget_turn(turn.id)
                passages += made
                messages += [row.key for row in rows]
        self._queues.forget(conversation.id)
        await self._indexer.removed(messages, passages)
        return undone, notes

    async def reflection(self, agent: Agent, turn: Turn) -> list[str]:
        """Undo what a turn did to memory, however long ago; what was said stays. Sentences about what had to."""
        async with self._store.write() as session:
            conversation = await session.agents.conversation(turn.conversation_id)
            notes, passages = await self._memory(session, agent, conversation, turn)
        await self._indexer.removed([], passages)
        return notes

    async def _memory(
        self, session: Session, agent: Agent, conversation: Conversation, turn: Turn
    ) -> tuple[list[str], list[int]]:
        """Blocks, passages and schedules as before the turn: what had to stay, and the keys that went."""
        await self._forgetting.erase(session, agent.id, Erased(turns=[turn.id]))
        notes = await blocks_back(session, agent, conversation, turn, self._clock.now())
        made = await self._passages(session, agent, turn)
        made = await session.passages.delete(made)
        await session.personas.withdraw_proposals(turn.id)
        for wish in await session.schedule.wishes_of(turn.id):
            await session.schedule.drop_wish(wish.id)
        await session.asks.drop_turn(turn.id)
        return notes, made

    async def _passages(self, session: Session, agent: Agent, turn: Turn) -> list[int]:
        """What the turn stored and nobody else has a part in; lore that others told, too, is theirs as well."""
        keys = [passage.key for passage in await session.passages.of_turn(turn.id)]
        told = await session.passages.contributors_of(keys)
        shared = [key for key in keys if set(told.get(key, ())) - {agent.user_id}]
        await session.passages.withdraw(shared, agent.user_id)
        return [key for key in keys if key not in shared]


async def blocks_back(
    session: Session, agent: Agent, conversation: Conversation, turn: Turn, now: datetime
) -> list[str]:
    """Each block that the turn edited goes back to its value before, unless it was edited since: sentences about those
    that were."""
    notes = []
    for edit in await session.blocks.edits_of(turn.id):
        blocks = await session.blocks.visible(agent, conversation.audience)
        block = next((b for b in blocks if b.id == edit.block_id), None)
        if block is not None and block.owner.startswith("persona:"):
            continue  # what a persona says is not one person's to undo
        if block is not None and block.value == edit.after:
            await session.blocks.put(block.id, edit.before, None, now)
        else:
            notes.append(
                gettext("The block {label!r} was edited since and stays as it is.", label=edit.label)
            )
    return notes
