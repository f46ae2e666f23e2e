"""Tokens used today, against the limits of `[limits]`."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from bot.people.schedules import midnight
from bot.runtime import Runtime
from memory.records import Agent, User


class Allowance:
    """Days begin at midnight UTC. What was forgotten counts on to the end of its day, or of this process: nobody's
    limit begins anew by `/forget`, and nothing of it is written down."""

    def __init__(self, runtime: Runtime) -> None:
        self._store, self._clock = runtime.store, runtime.clock
        self._forgotten: Counter[str | None] = Counter()  # by account; None: of all
        self._since: datetime | None = None

    async def used(self, user: User | None) -> int:
        """Tokens of a person; of all, for None."""
        async with self._store.read() as session:
            agents: Sequence[int] | None = None
            accounts: Collection[str | None] = [None]
            if user is not None:
                agents = [agent.id for agent in await session.agents.agents_of(user.id)]
                accounts = await session.agents.accounts_of(user.id)
            stored = await session.mailbox.usage_since(agents, self._today())
        return stored.total + max((self._forgotten[account] for account in accounts), default=0)

    @asynccontextmanager
    async def forgetting(self, *agents: Agent) -> AsyncIterator[None]:
        """What these agents of one person used is deleted in the block, all or some of it; they are at rest."""
        today, ids = self._today(), [agent.id for agent in agents]
        async with self._store.read() as session:
            accounts = {a for agent in agents for a in await session.agents.accounts_of(agent.user_id)}
            before = await session.mailbox.usage_since(ids, today)
        yield
        async with self._store.read() as session:  # of what is committed: a failure forgets nothing
            after = await session.mailbox.usage_since(ids, today)
        self._forgotten.update(dict.fromkeys((None, *accounts), before.total - after.total))

    async def separating(self, account: str, user: User) -> None:
        """The account is somebody else's from now on, and has used what the person had."""
        self._forgotten[account] = await self.used(user)

    def _today(self) -> datetime:
        today = midnight(self._clock.now(), UTC)
        if today != self._since:
            self._since = today
            self._forgotten.clear()
        return today
