"""Takes a refused turn out of view, so that it does not stand in the way of the next."""

from __future__ import annotations

from bot.agent.job import Job
from bot.agent.queue_manager import QueueManager
from bot.agent.undo import blocks_back
from bot.runtime import Runtime


class Withdrawal:
    """What was said stays in recall storage; what the turn did to core memory, which every request shows, does not."""

    def __init__(self, runtime: Runtime, queues: QueueManager) -> None:
        self._store, self._clock = runtime.store, runtime.clock
        self._queues = queues

    async def of(self, job: Job) -> None:
        async with job.lock:
            queue = await self._queues.queue(job.turn.conversation_id)
            own = [message.key for message in queue.messages if message.turn_id == job.turn.id]
            async with self._store.write() as session:
                await session.agents.fence(job.agent.id)
                await session.messages.evict(job.turn.conversation_id, own)
                await blocks_back(session, job.agent, queue.conversation, job.turn, self._clock.now())
            self._queues.forget(job.turn.conversation_id)
