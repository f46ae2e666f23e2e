"""What an operator may see and do, from the command line or from the desk's pages, also while everbot runs.

All of it is rows: what is asked of the process that runs is an order there, which it takes within a second. What was
done is noted, with who did it. Nobody's texts are shown but what they reported.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from bot.errors import EverbotError
from bot.people.prices import Prices
from bot.people.restrictions import begin_of, of_account, of_community, used
from bot.ports import Clock
from memory.ports import Session, Store
from memory.ports.overview import By
from memory.records import (
    Code,
    Deed,
    FaultCount,
    PersonSeen,
    Report,
    Restriction,
    TurnState,
    Undelivered,
    Underway,
    Usage,
    Used,
    Welcomed,
)

RELOAD, STOP, RETRY, SEND = "restrictions", "stop", "retry", "send"
"""Orders: what was set anew; a turn, by its id, is to be called off, or gone on with now; a post is to be sent."""
_MOST = 200
_PAIR = "pair"  # the purpose of a code


@dataclass(frozen=True, kw_only=True)
class Spent:
    """What was used under one key, over all models, and what it cost; ``unpriced``: of some model no price is known."""

    key: str
    usage: Usage
    steps: int
    cost: float
    unpriced: bool


@dataclass(frozen=True, kw_only=True)
class Pairing:
    """Who asks to be let in, by a code that they were shown, and who was."""

    asking: Sequence[Code]
    let_in: Sequence[Welcomed]


@dataclass(frozen=True, kw_only=True)
class Limited:
    """A restriction with what is used of it."""

    restriction: Restriction
    tokens_today: int
    cost_this_month: float


class Operator:
    """``who`` is noted with what is done: an account, or who sits at the machine."""

    def __init__(self, store: Store, clock: Clock, prices: Prices, who: str) -> None:
        self._store, self._clock = store, clock
        self._prices = prices
        self._who = who

    # What is seen

    async def people(self, like: str = "", limit: int = 50, offset: int = 0) -> Sequence[PersonSeen]:
        async with self._store.read() as session:
            return await session.overview.people(like, limit, offset)

    async def pairing(self) -> Pairing:
        async with self._store.read() as session:
            asking = await session.codes.all(_PAIR, self._clock.now())
            return Pairing(asking=asking, let_in=await session.codes.welcomed())

    async def turns(self) -> Sequence[Underway]:
        """Who waits for an answer, since when, for what."""
        async with self._store.read() as session:
            return await session.overview.underway()

    async def undelivered(self) -> Sequence[Undelivered]:
        async with self._store.read() as session:
            return await session.overview.undelivered(_MOST)

    async def faults(self, since: datetime) -> Sequence[FaultCount]:
        async with self._store.read() as session:
            return await session.operations.faults(since)

    async def deeds(self, limit: int = 50) -> Sequence[Deed]:
        async with self._store.read() as session:
            return await session.operations.deeds(limit)

    async def reports(self, limit: int = 50) -> Sequence[Report]:
        """What people told of answers."""
        async with self._store.read() as session:
            return await session.operations.reports(limit)

    async def usage(self, by: By, since: datetime) -> Sequence[Spent]:
        """What was used from then on: by day in their order, else the most first."""
        async with self._store.read() as session:
            found = await session.overview.used(by, since)
        keys = dict.fromkeys(each.key for each in found)
        spent = [self._spent(key, [each for each in found if each.key == key]) for key in keys]
        return spent if by == "day" else sorted(spent, key=lambda each: -each.usage.total)

    async def restrictions(self) -> Sequence[Limited]:
        now = self._clock.now()
        async with self._store.read() as session:
            found = await session.operations.restrictions()
            return [await self._limited(session, each, now) for each in found]

    # What is done

    async def block(self, account: str, blocked: bool) -> None:
        """Whoever is blocked talks with nobody here, until they are let in again."""
        await self._restrict(of_account(account), "blocked" if blocked else "unblocked", blocked=blocked)

    async def let_in(self, code: str) -> Code | None:
        """Whoever was shown the code may talk from now on. None: there is no such code, or it has expired."""
        return await self._settle(code, "let in", welcome=True)

    async def turn_away(self, code: str) -> Code | None:
        """The code lets nobody in any more; who was shown it is shown another when they ask again."""
        return await self._settle(code, "turned away", welcome=False)

    async def let_out(self, account: str) -> bool:
        """An account that was let in is a stranger again. False: it was not let in."""
        async with self._store.write() as session:
            if not await session.codes.unwelcome(account):
                return False
            await self._note(session, "let in no more", of_account(account))
        return True

    async def _settle(self, code: str, did: str, *, welcome: bool) -> Code | None:
        now = self._clock.now()
        async with self._store.write() as session:
            found = await session.codes.get(_PAIR, code.strip().upper(), now)
            if found is None:
                return None
            if welcome:
                await session.codes.welcome(found.account, now)
            await session.codes.drop(found.code)
            await self._note(session, did, of_account(found.account))
        return found

    async def budget(
        self,
        subject: str,
        tokens_per_day: int | None,
        cost_per_month: float | None,
    ) -> None:
        """Cap what is used for an account or a community (`subject_of`); None: no such limit. Raises `EverbotError` for
        a budget of money where no model has a price."""
        if cost_per_month is not None and not self._prices:
            raise EverbotError("A budget of money needs prices: set `prices` in config.toml.")
        parts = [
            *([f"{tokens_per_day} tokens a day"] if tokens_per_day is not None else []),
            *([f"{cost_per_month:.2f} a month"] if cost_per_month is not None else []),
        ]
        did = f"budget: {', '.join(parts) or 'none'}"
        await self._restrict(subject, did, tokens_per_day=tokens_per_day, cost_per_month=cost_per_month)

    async def stop(self, turn_id: str) -> bool:
        """A turn is called off, as by /stop. False: it does not run."""
        return await self._order_turn(STOP, turn_id, "stopped a turn")

    async def retry(self, turn_id: str) -> bool:
        """A turn that waits for its model is gone on with now. False: it does not run."""
        return await self._order_turn(RETRY, turn_id, "had a turn gone on with")

    async def send_again(self, post_id: str) -> bool:
        """A reply in doubt, or refused, is sent once more, though it may be there already. False: there is none."""
        async with self._store.write() as session:
            if not await session.overview.send_again(post_id):
                return False
            await session.operations.order(SEND, post_id, self._clock.now())
            await self._note(session, "had a reply sent again", post_id)
        return True

    async def note(self, did: str, about: str = "") -> None:
        """What was done by other means."""
        async with self._store.write() as session:
            await self._note(session, did, about)

    async def _order_turn(self, what: str, turn_id: str, did: str) -> bool:
        async with self._store.write() as session:
            turn = await session.mailbox.turn(turn_id)
            if turn is None or turn.state is not TurnState.RUNNING:
                return False
            await session.operations.order(what, turn_id, self._clock.now())
            await self._note(session, did, turn_id)
        return True

    async def _restrict(self, subject: str, did: str, **changes: object) -> None:
        now = self._clock.now()
        async with self._store.write() as session:
            known = await session.operations.restriction(subject)
            new = known or session.operations.unrestricted(subject, now)
            await session.operations.restrict(replace(new, subject=subject, at=now, **changes))  # type: ignore[arg-type] # fields of a restriction
            await session.operations.order(RELOAD, "", now)
            await self._note(session, did, subject)

    async def _note(self, session: Session, did: str, about: str) -> None:
        await session.operations.note(Deed(at=self._clock.now(), who=self._who, did=did, about=about))

    async def _limited(self, session: Session, restriction: Restriction, now: datetime) -> Limited:
        kind, _, name = restriction.subject.partition(":")
        user = await session.agents.user_of(name) if kind == "account" else None
        community = name if kind == "community" else None
        if user is None and community is None:
            return Limited(restriction=restriction, tokens_today=0, cost_this_month=0.0)
        user_id = user.id if user else 0
        today = await used(session, user_id, community, begin_of("day", now))
        month = await used(session, user_id, community, begin_of("month", now))
        tokens = sum(each.usage.total for each in today)
        return Limited(restriction=restriction, tokens_today=tokens, cost_this_month=self._prices.sum(month))

    def _spent(self, key: str, found: Sequence[Used]) -> Spent:
        return Spent(
            key=key,
            usage=sum((each.usage for each in found), Usage()),
            steps=sum(each.steps for each in found),
            cost=self._prices.sum(found),
            unpriced=any(not self._prices.knows(each.model, each.usage) for each in found),
        )


def subject_of(name: str, *, community: bool) -> str:
    """What a restriction is for: an account, or a community."""
    return of_community(name) if community else of_account(name)
