"""Who may talk with us, and where. The same rules for every platform but the local console."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta

from bot.cache import Cache
from bot.events import (
    GUEST,
    LOCAL,
    Address,
    Event,
    Origin,
    ReactionAdded,
    View,
    from_json,
    is_unasked,
    origin_of,
    platform_of,
)
from bot.language import gettext, marked
from bot.people.identities import Identity
from bot.people.pace import NotForUs, Pace, Turned
from bot.people.restrictions import Restrictions
from bot.people.rooms import Rooms
from bot.ports import Adapter
from bot.runtime import Runtime
from bot.settings import AccessSettings
from memory.records import PRIVATE, Code, Conversation, OutboxRow

log = logging.getLogger(__name__)

_CODE_LIFE = timedelta(hours=1)
_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # none that looks like another
_SEEN = timedelta(seconds=30)  # that a platform's word on who sees what is believed
_TOLD = 3  # times a day that a stranger is told their code
_KEPT = 10_000

_PAIR = marked(
    "I don't know you yet. Ask whoever runs me to enter `everbot pair {code}` within the hour, and I will "
    "be happy to talk."
)


class Access:
    """Judges events and commands, and places where we might speak up, by the configuration."""

    def __init__(
        self,
        runtime: Runtime,
        pace: Pace,
        rooms: Rooms,
        rules: AccessSettings,
        restrictions: Restrictions,
        platforms: Mapping[str, Adapter],
    ) -> None:
        self._store, self._clock = runtime.store, runtime.clock
        self.pace = pace
        self._rooms = rooms
        self._rules = rules
        self._restrictions = restrictions
        self._platforms = platforms
        self._sees: Cache[tuple[str, Address], tuple[datetime, bool]] = Cache(_KEPT)
        self._told: Cache[str, tuple[date, int]] = Cache(_KEPT)  # strangers: the day, and how often

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
        if await self._restrictions.blocked(who.account):
            raise Turned("blocked")
        if who.bot:
            if not rules.bots:
                raise Turned("a bot")
            if isinstance(who, Event) and not ask:
                self.pace.bots(who)
        if who.audience == PRIVATE:
            await self._private(who, ask=ask)
            return
        if rules.channels and who.channel not in rules.channels:
            raise Turned("channel not allowed")
        if rules.roles and not set(rules.roles) & set(who.roles) and who.account not in rules.people:
            raise Turned("no allowed role")
        if not isinstance(who, Event) or isinstance(who, ReactionAdded):
            return
        called = who.addressed or followed or not rules.require_mention
        if who.channel in rules.free_response:
            if not await self._rooms.meant(who, called=called):
                raise NotForUs("for somebody else in the room")
        elif not called:
            raise NotForUs("not addressed")

    async def still(self, conversation: Conversation) -> None:
        """Raises `Turned` when whoever talked with us there may not do so any more: by the rules as they are now, and
        what was known of the person and the place when they last wrote; or when they are gone from there. Raises
        `DeliveryError` when the platform cannot be asked that now."""
        async with self._store.read() as session:
            heard = await session.mailbox.heard(conversation.id)
            agent = await session.agents.agent(conversation.agent_id)
            accounts = await session.agents.accounts_of(agent.user_id) if agent else []
        place = Origin(account="", name="", address=conversation.address, audience=conversation.audience)
        if heard is not None:
            place = Origin(**origin_of(from_json(heard.payload)))
            await self.check(place, ask=True)
        for account in accounts:  # what was forgotten tells nothing of channel and roles
            blocked = account in self._rules.denied or await self._restrictions.blocked(account)
            if blocked and platform_of(account) == platform_of(place.address):
                raise Turned("denied")
            if heard is None:
                await self.check(replace(place, account=account), ask=True)
        here = [account for account in accounts if platform_of(account) == platform_of(place.address)]
        asked = [place.account] if place.account in here else here
        if asked and not any([await self._still_sees(account, place.address) for account in asked]):
            raise Turned("gone from there")

    async def _still_sees(self, account: str, address: Address) -> bool:
        platform = self._platforms.get(platform_of(address))
        if platform is None:
            return True  # nothing is said there before it is connected, and then this is asked again
        now = self._clock.now()
        at, sees = self._sees.get((account, address), (None, False))
        if at is None or not timedelta() <= now - at < _SEEN:
            sees = await platform.sees(account, address)
            self._sees[account, address] = (now, sees)
        return sees

    async def unasked(self, identity: Identity) -> None:
        """Raises `Turned` when the agent may not think of the person by itself now: it is not `still` let, or the
        day's allowance is used up; else as `still`."""
        async with self._store.read() as session:
            accounts = await session.agents.accounts_of(identity.user.id)
        if all(account.startswith(GUEST) for account in accounts):
            raise Turned("a guest")  # nobody knows who they are, and they will be forgotten
        await self.still(identity.conversation)
        await self.pace.afford(identity.conversation.address, identity)

    async def may_post(self, row: OutboxRow) -> bool:
        """Whether a post is to be sent: of what nobody asked for just now, only while its place is `still` open.
        Raises `DeliveryError` when that cannot be known now."""
        if not is_unasked(row.in_reply_to):
            return True
        async with self._store.read() as session:
            conversation = await session.agents.conversation(row.conversation_id)
        try:
            await self.still(conversation)
        except Turned:
            return False
        return True

    async def _private(self, who: Origin, *, ask: bool) -> None:
        policy = self._rules.dm_policy
        if policy == "open" or who.account in self._rules.people:
            return
        if policy == "pairing":
            async with self._store.read() as session:
                if await session.codes.is_welcome(who.account):
                    return
            if ask or isinstance(who, ReactionAdded) or not self._may_be_told(who.account):
                raise Turned("not paired")
            raise Turned("not paired", View(text=gettext(_PAIR, code=await self._code(who))))
        raise Turned(f"direct messages are {policy}")

    def _may_be_told(self, account: str) -> bool:
        """Counts how often a stranger was told their code today."""
        today = self._clock.now().date()
        day, times = self._told.get(account, (today, 0))
        times = times if day == today else 0
        self._told[account] = (today, times + 1)
        return times < _TOLD

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
