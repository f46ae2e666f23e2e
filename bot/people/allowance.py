"""The ledger: tokens used today, and tokens that questions under way may use, against the limits of `[limits]`."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from bot.errors import AllowanceUsed
from bot.language import marked
from bot.people.forgotten_use import ForgottenUse
from bot.people.restrictions import ENOUGH, Purse, Restrictions
from bot.people.schedules import midnight
from bot.runtime import Runtime
from bot.settings import LimitSettings
from memory.records import Agent, Usage

_ALL_USED = marked("My allowance for today is used up. I will be back tomorrow.")
_LOOKS = 3  # at the store, while others write what they used


@dataclass
class Bill:
    """What a question took, in tokens, and what that costs; 0: it failed."""

    took: int = 0
    cost: float = 0.0


class Allowance:
    """Every question to a model is `reserved` before it is asked, and counts with what it took once it was answered.

    Days begin at midnight UTC, wherever a person says that they live. What was forgotten counts on to the end of its
    day, or of all processes that know of it: nobody's limit begins anew by `/forget`, and nothing of it is written
    down. Where several processes share the work each lets as many questions run at once as its part of what is left
    bears, and one in any case: together they pass a limit by a question each at most.
    """

    def __init__(self, runtime: Runtime, limits: LimitSettings, restrictions: Restrictions) -> None:
        self._store, self._clock = runtime.store, runtime.clock
        self._restrictions = restrictions
        self._most, self._most_each = limits.tokens_per_day, limits.user_tokens_per_day
        self._cluster = runtime.cluster
        self._forgotten = ForgottenUse(runtime.cluster)
        self._reserved: Counter[int] = Counter()  # by user: questions under way
        self._taken: Counter[int] = Counter()  # by user: answered, and not `booked` yet
        self._bookings = 0
        self._since: datetime | None = None
        self._gate = asyncio.Lock()  # one question is admitted at a time
        self._news = asyncio.Event()  # something that was reserved is free again

    async def used(self, user_id: int | None) -> int:
        """Tokens of a person; of all, for None."""
        for _ in range(_LOOKS):
            bookings = self._bookings
            async with self._store.read() as session:
                agents: Sequence[int] | None = None
                accounts: Collection[str | None] = [None]
                if user_id is not None:
                    agents = [agent.id for agent in await session.agents.agents_of(user_id)]
                    accounts = await session.agents.accounts_of(user_id)
                stored = await session.mailbox.usage_since(agents, self._today())
            if bookings == self._bookings:
                break
        taken = self._taken.total() if user_id is None else self._taken[user_id]
        return stored.total + taken + self._forgotten.of(accounts)

    async def check(self, user_id: int, home: str) -> None:
        """Raises `AllowanceUsed` when the person, the community of where they are, or all together have used what they
        may."""
        await self._left(user_id)
        self._restrictions.admits(await self._restrictions.purse(user_id, home), 0)

    def charge(self, bill: Bill, model: str, usage: Usage) -> None:
        """Write on the bill what a model took."""
        bill.took, bill.cost = usage.total, self._restrictions.prices.cost(model, usage)

    @asynccontextmanager
    async def reserved(
        self, user_id: int, tokens: int, *, home: str = "", limited: bool = True
    ) -> AsyncIterator[Bill]:
        """Ask a model in the block, and write on the bill what it took. While questions under way may use up what is
        left of the day, this waits for them; then it raises `AllowanceUsed` if they did."""
        purse = await self._restrictions.purse(user_id, home) if limited else Purse()
        while limited and not await self._admitted(user_id, tokens, purse, news := self._news):
            await news.wait()
            purse = await self._restrictions.purse(user_id, home)
        if not limited:
            self._reserved[user_id] += tokens
        bill = Bill()
        try:
            yield bill
        finally:
            self._today()
            self._reserved[user_id] -= tokens
            self._taken[user_id] += bill.took
            self._restrictions.reserve(purse, -tokens if limited else 0)
            self._restrictions.pay(purse, bill.took, bill.cost)
            for book in (self._reserved, self._taken):
                if not book[user_id]:
                    del book[user_id]
            self._news.set()
            self._news = asyncio.Event()

    def booked(self, user_id: int, tokens: int) -> None:
        """So much of what was taken is in the store now."""
        self._bookings += 1
        self._taken[user_id] = max(0, self._taken[user_id] - tokens)
        if not self._taken[user_id]:
            del self._taken[user_id]

    async def _admitted(self, user_id: int, tokens: int, purse: Purse, news: asyncio.Event) -> bool:
        """Reserves, if that is within what is left. A single question always is: nobody knows what it will take."""
        async with self._gate:
            others = (self._reserved[user_id], self._reserved.total())
            for left, before in zip(await self._left(user_id), others, strict=True):
                if before and before + tokens > left / self._cluster.processes:
                    return False
            if not self._restrictions.admits(purse, tokens):
                return False
            if news.is_set():  # what was reserved has been taken meanwhile: look again
                return False
            self._reserved[user_id] += tokens
            self._restrictions.reserve(purse, tokens)
            return True

    async def _left(self, user_id: int) -> tuple[float, float]:
        """Tokens that the person, and all together, may still use. Raises `AllowanceUsed`."""
        mine = everyones = float("inf")
        if self._most_each:
            mine = self._most_each - await self.used(user_id)
            if mine <= 0:
                raise AllowanceUsed(ENOUGH)
        if self._most:
            everyones = self._most - await self.used(None)
            if everyones <= 0:
                raise AllowanceUsed(_ALL_USED)
        return mine, everyones

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
        gone = before.total - after.total + sum(self._taken.pop(agent.user_id, 0) for agent in agents)
        self._forgotten.add((None, *accounts), gone)

    async def separating(self, account: str, user_id: int) -> None:
        """The account is somebody else's from now on, and has used what the person had."""
        self._forgotten.add([account], max(0, await self.used(user_id) - self._forgotten.of([account])))

    def _today(self) -> datetime:
        today = midnight(self._clock.now(), UTC)
        if today != self._since:
            self._since = today
            self._forgotten.begin(today)
            self._taken.clear()
        return today
