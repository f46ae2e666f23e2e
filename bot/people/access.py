"""Who may talk with us, where, and how much. The same rules for every platform but the local console."""

from __future__ import annotations

import logging
import secrets
from collections import deque
from datetime import datetime, timedelta

from bot.cache import Cache
from bot.events import (
    LOCAL,
    DocumentUploaded,
    Event,
    MessageReceived,
    Origin,
    ReactionAdded,
    View,
    platform_of,
)
from bot.people.allowance import Allowance
from bot.people.identities import Identity
from bot.runtime import Runtime
from bot.settings import AccessSettings, LimitSettings
from memory.records import PRIVATE, Code

log = logging.getLogger(__name__)

_MINUTE = timedelta(seconds=60)
_BOT_MESSAGES = 20  # of other bots in one place per minute: what ends a loop of two bots
_CODE_LIFE = timedelta(hours=1)
_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # none that looks like another
_KEPT = 10_000

_PAIR = (
    "I don't know you yet. Ask whoever runs me to enter `everbot pair {code}` within the hour, and I will "
    "be happy to talk."
)
_SLOWER = "That is faster than I can keep up with. Give me a minute, then write again."
_ENOUGH = "We have talked a lot today, and my allowance for you is used up. I will be back tomorrow."
_ALL_USED = "My allowance for today is used up. I will be back tomorrow."


class Turned(Exception):
    """The event is not thought about. ``view`` is what to tell the person, if anything."""

    def __init__(self, why: str, view: View | None = None) -> None:
        super().__init__(why)
        self.view = view


class Access:
    """Judges events and commands by the configuration; keeps count of who wrote how much of late."""

    def __init__(
        self, runtime: Runtime, allowance: Allowance, rules: AccessSettings, limits: LimitSettings
    ) -> None:
        self._store, self._clock = runtime.store, runtime.clock
        self._allowance = allowance
        self._rules = rules
        self._limits = limits
        self._recent: Cache[str, deque[tuple[float, str]]] = Cache(_KEPT)
        self._told: Cache[str, str] = Cache(_KEPT)

    async def check(self, who: Origin, *, followed: bool = False, ask: bool = False) -> None:
        """Raises `Turned` when this person may not talk with us, or when the event is not meant for us.

        ``followed``: the person has addressed us in this thread before. ``ask``: only to know; nothing is
        counted, and no code is given.
        """
        if platform_of(who.account) == LOCAL:
            return
        rules = self._rules
        if who.account in rules.denied or who.channel in rules.denied:
            raise Turned("denied")
        if who.bot:
            self._bots(who, ask=ask)
        if who.audience == PRIVATE:
            await self._private(who, ask=ask)
            return
        if rules.channels and who.channel not in rules.channels:
            raise Turned("channel not allowed")
        if rules.roles and not set(rules.roles) & set(who.roles) and who.account not in rules.people:
            raise Turned("no allowed role")
        if isinstance(who, Event) and not who.addressed:
            free = who.channel in rules.free_response or not rules.require_mention
            if not (free or followed):
                raise Turned("not addressed")

    async def spend(self, event: Event, identity: Identity) -> None:
        """Count a message of a person; raises `Turned` when a limit of theirs is reached."""
        if platform_of(event.account) == LOCAL or not isinstance(event, MessageReceived):
            return
        limits = self._limits
        if limits.messages_per_minute and self._count(event.account, event) > limits.messages_per_minute:
            raise Turned("too fast", self._once(event.account, f"fast {self._clock.now():%H:%M}", _SLOWER))
        if (
            limits.user_tokens_per_day
            and await self._allowance.used(identity.user) >= limits.user_tokens_per_day
        ):
            raise Turned("daily limit", self._once(event.account, f"user {self._clock.now():%j}", _ENOUGH))
        if limits.tokens_per_day and await self._allowance.used(None) >= limits.tokens_per_day:
            raise Turned("daily limit", self._once(event.account, f"all {self._clock.now():%j}", _ALL_USED))

    def _bots(self, who: Origin, *, ask: bool) -> None:
        if not self._rules.bots:
            raise Turned("a bot")
        if ask:
            return
        # By channel: on Slack each message of a channel begins a thread, which is a place of its own.
        place = f"{who.community}/{who.channel}" if who.channel else who.address
        if isinstance(who, Event) and self._count(f"bots at {place}", who) > _BOT_MESSAGES:
            raise Turned("a loop of bots")

    async def _private(self, who: Origin, *, ask: bool) -> None:
        policy = self._rules.dm_policy
        if policy == "open" or who.account in self._rules.people:
            return
        if policy == "pairing":
            async with self._store.read() as session:
                if await session.codes.is_welcome(who.account):
                    return
            if ask or isinstance(who, DocumentUploaded | ReactionAdded):
                raise Turned("not paired")
            raise Turned("not paired", View(text=_PAIR.format(code=await self._code(who))))
        raise Turned(f"direct messages are {policy}")

    async def _code(self, who: Origin) -> str:
        """The code that lets the person in: the same until it expires."""
        now = self._clock.now()
        async with self._store.write() as session:
            known = await session.codes.of("pair", who.account, now)
            if known is None:
                known = new_code("pair", who, now + _CODE_LIFE)
                await session.codes.put(known)
        log.info("%s asks to be let in: everbot pair %s", who.account, known.code)
        return known.code

    def _count(self, who: str, event: Event) -> int:
        """How many events of theirs there were in the minute that ended with it, this one included.

        By the platform's time: what was caught up after an outage did not come all at once.
        """
        now = event.at.timestamp()
        times = self._recent[who] = self._recent.get(who) or deque()
        if all(key != event.key for _, key in times):  # what is told again is not counted again
            times.append((now, event.key))
        while times and times[0][0] <= now - _MINUTE.total_seconds():
            times.popleft()
        return len(times)

    def _once(self, account: str, occasion: str, sentence: str) -> View | None:
        """The sentence, when the person was not told it on this occasion yet."""
        if self._told.get(account) == occasion:
            return None
        self._told[account] = occasion
        return View(text=sentence)


def new_code(purpose: str, who: Origin, expires_at: datetime) -> Code:
    """A fresh one-time code, such as ``K7QF-2MXA``."""
    letters = "".join(secrets.choice(_LETTERS) for _ in range(8))
    return Code(
        code=f"{letters[:4]}-{letters[4:]}",
        purpose=purpose,
        account=who.account,
        name=who.name,
        address=who.address,
        expires_at=expires_at,
    )
