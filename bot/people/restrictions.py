"""What operators set for single people and communities: blocks, caps of tokens a day, budgets of money a month."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from bot.errors import AllowanceUsed
from bot.events import workspace_of
from bot.language import marked
from bot.people.prices import Prices
from bot.people.schedules import midnight
from bot.ports import Clock
from memory.errors import StoreError
from memory.ports import MISSED, Cluster, Session, Store
from memory.records import Conversation, Restriction, Usage, Used, community_of

log = logging.getLogger(__name__)

ENOUGH = marked("We have talked a lot today, and my allowance for you is used up. I will be back tomorrow.")
_MONTH = marked("What I may spend on you this month is used up. I will be back next month.")
_DAY_HERE = marked("What I may spend here today is used up. I will be back tomorrow.")
_MONTH_HERE = marked("What I may spend here this month is used up. I will be back next month.")
_LOOK_S = 5.0
_CHANGED = "restrictions"  # what processes tell each other
_ACCOUNT, _COMMUNITY = "account:", "community:"
_Period = Literal["day", "month"]


def of_account(account: str) -> str:
    """The subject of a `Restriction`."""
    return f"{_ACCOUNT}{account}"


def of_community(community: str) -> str:
    """The subject of a `Restriction`."""
    return f"{_COMMUNITY}{community}"


def home_of(place: Conversation) -> str:
    """The community to which what is used there counts: of a workspace's direct message the workspace, else empty."""
    return community_of(place.audience) or workspace_of(place.address)


@dataclass(frozen=True)
class Purse:
    """Out of which questions are paid: the restrictions that a person in a place is under."""

    restrictions: tuple[Restriction, ...] = ()


class Restrictions:
    """Kept in memory, as `load` read them: whoever changes them in the store has them loaded anew.

    What was used is read from the store once in a day, or month, and counted on from there: what is forgotten
    meanwhile counts on, and begins no budget anew. Days and months begin at midnight UTC. Other processes of the
    ``cluster`` use something, too, and may change what is set.
    """

    def __init__(self, store: Store, clock: Clock, prices: Prices, cluster: Cluster) -> None:
        self._store, self._clock = store, clock
        self._cluster = cluster
        self.prices = prices
        self._known: dict[str, Restriction] = {}
        self._hidden: dict[bytes, Restriction] = {}
        self._tokens: dict[bytes, tuple[datetime, int]] = {}
        self._costs: dict[bytes, tuple[datetime, float]] = {}
        self._reserved: Counter[bytes] = Counter()
        self._news = asyncio.Event()
        for word in (_CHANGED, MISSED):
            cluster.hear(word, self._news.set)

    async def change(self) -> None:
        """They were changed in the store: all processes load them, this one before it returns."""
        self._cluster.tell(_CHANGED)
        await self.load()

    async def load(self) -> None:
        async with self._store.read() as session:
            restrictions = await session.operations.restrictions()
        self._known = {each.subject: each for each in restrictions if each.subject}
        self._hidden = {each.digest: each for each in restrictions if not each.subject}

    async def run(self) -> None:
        """Load them whenever another process changes them, and every few seconds, until cancelled."""
        while True:
            with suppress(TimeoutError):
                async with self._clock.timeout(_LOOK_S):
                    await self._news.wait()
            self._news.clear()
            try:
                await self.load()
            except StoreError as error:
                log.warning("What operators have set is read later: %s", error)

    async def blocked(self, account: str) -> bool:
        """Whether an operator lets this account talk with nobody."""
        found = await self._of(of_account(account)) if self._known or self._hidden else None
        return found is not None and found.blocked

    async def purse(self, user_id: int, home: str) -> Purse:
        """What a person is under in a place of that community (see `home_of`)."""
        if not self._known and not self._hidden:
            return Purse()
        async with self._store.read() as session:
            accounts = await session.agents.accounts_of(user_id)
        subjects = [*map(of_account, accounts), *([of_community(home)] if home else [])]
        found = [await self._of(subject) for subject in subjects]
        limited = [r for r in found if r and (r.tokens_per_day is not None or r.cost_per_month is not None)]
        for restriction in limited:
            await self._read(restriction, user_id, home)
        return Purse(tuple(limited))

    def admits(self, purse: Purse, tokens: int) -> bool:
        """Whether so many may be reserved now; False: not while other questions are under way. Raises `AllowanceUsed`
        when a cap, or a budget, is used up."""
        free = True
        for restriction in purse.restrictions:
            here = restriction.subject.startswith(_COMMUNITY)
            if (
                restriction.cost_per_month is not None
                and self._cost(restriction) >= restriction.cost_per_month
            ):
                raise AllowanceUsed(_MONTH_HERE if here else _MONTH)
            if restriction.tokens_per_day is not None:
                left = restriction.tokens_per_day - self._token(restriction)
                if left <= 0:
                    raise AllowanceUsed(_DAY_HERE if here else ENOUGH)
                under_way = self._reserved[restriction.digest]
                free &= not under_way or under_way + tokens <= left / self._cluster.processes
        return free

    def reserve(self, purse: Purse, tokens: int) -> None:
        """So many more are under way; less, if negative."""
        for restriction in purse.restrictions:
            self._reserved[restriction.digest] += tokens

    def pay(self, purse: Purse, tokens: int, cost: float) -> None:
        """So much was used."""
        for digest in (restriction.digest for restriction in purse.restrictions):
            if digest in self._tokens:
                day, used = self._tokens[digest]
                self._tokens[digest] = day, used + tokens
            if digest in self._costs:
                month, spent = self._costs[digest]
                self._costs[digest] = month, spent + cost

    def _token(self, restriction: Restriction) -> int:
        return self._tokens.get(restriction.digest, (None, 0))[1]

    def _cost(self, restriction: Restriction) -> float:
        return self._costs.get(restriction.digest, (None, 0.0))[1]

    async def _of(self, subject: str) -> Restriction | None:
        """That of a subject, whose name may be forgotten."""
        if subject in self._known or not self._hidden:
            return self._known.get(subject)
        async with self._store.read() as session:
            return await session.operations.restriction(subject)

    async def _read(self, restriction: Restriction, user_id: int, home: str) -> None:
        """What was used before, once for each day and month."""
        now, digest = self._clock.now(), restriction.digest
        day, month = begin_of("day", now), begin_of("month", now)
        fresh = self._tokens.get(digest, (None,))[0] == day and self._costs.get(digest, (None,))[0] == month
        if fresh and self._cluster.single:
            return
        community = home if restriction.subject.startswith(_COMMUNITY) else None
        async with self._store.read() as session:
            today = await used(session, user_id, community, day)
            so_far = await used(session, user_id, community, month)
        known_day, tokens = self._tokens.get(digest, (None, 0))
        if known_day != day or not self._cluster.single:  # nobody was quicker
            read = sum((each.usage for each in today), Usage()).total
            self._tokens[digest] = day, max(read, tokens if known_day == day else 0)
        known_month, cost = self._costs.get(digest, (None, 0.0))
        if known_month != month or not self._cluster.single:
            spent = self.prices.sum(so_far)
            self._costs[digest] = month, max(spent, cost if known_month == month else 0.0)


async def used(session: Session, user_id: int, community: str | None, since: datetime) -> Sequence[Used]:
    """What a community used, or (None) a person."""
    if community is not None:
        return await session.overview.used_in(community, since)
    agents = [agent.id for agent in await session.agents.agents_of(user_id)]
    return await session.overview.used_by(agents, since)


def begin_of(period: _Period, now: datetime) -> datetime:
    """When the present day, or month, began."""
    today = midnight(now, UTC)
    return today if period == "day" else today.replace(day=1)
