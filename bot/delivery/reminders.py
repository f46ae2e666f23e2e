"""What people asked to hear of at a time, when the time has come."""

from __future__ import annotations

import logging
from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from bot.delivery.mailboxes import Mailboxes
from bot.errors import DeliveryError
from bot.events import WISH, ScheduledDue
from bot.language import gettext, marked, spoken
from bot.people import schedules
from bot.people.access import Access
from bot.people.identities import Identities, Identity
from bot.people.pace import Turned
from bot.runtime import Runtime
from memory.errors import StoreError, where
from memory.records import Wish

log = logging.getLogger(__name__)

_BATCH = 64
_LATE = timedelta(minutes=1)  # from when on a delay is worth a word
_TOO_LATE = timedelta(hours=24)
_SOON = timedelta(minutes=1)  # until a platform is asked again that was out
_BROKEN = timedelta(hours=1)  # until a wish is looked at again that could not be fulfilled
_ANYWHERE = ZoneInfo("UTC")  # an interval is as long everywhere
_ENDED = marked("This was the last time: the rule {rule!r} does not come again, or cannot be read any more.")


class Reminders:
    """``platforms`` are those that are connected; a person is sent ``daily`` reminders a day (UTC) at most."""

    def __init__(
        self,
        runtime: Runtime,
        mailboxes: Mailboxes,
        identities: Identities,
        access: Access,
        platforms: Collection[str],
        daily: int,
    ) -> None:
        self._store = runtime.store
        self._mailboxes = mailboxes
        self._identities = identities
        self._access = access
        self._platforms = list(platforms)
        self._daily = daily
        self._waiting: dict[str, datetime] = {}  # until when: wishes whose platform is out

    async def sweep(self, now: datetime) -> None:
        """Put what is due on the stream of events. Each wish stands for itself: a broken one holds up no other."""
        # Not beyond what they were given: the clock may have been set back.
        self._waiting = {wish: at for wish, at in self._waiting.items() if now < at <= now + _SOON}
        async with self._store.read() as session:
            wishes = await session.schedule.due_wishes(now, self._platforms, _BATCH, apart_from=self._waiting)
        for wish in wishes:
            try:
                await self._fulfil(wish, now)
            except StoreError:
                raise
            except DeliveryError as error:  # nobody knows if the person is still there
                log.info("agent %s: the reminder %s waits: %s", wish.agent_id, wish.id, error)
                self._waiting[wish.id] = now + _SOON
            except Exception as error:
                log.error("agent %s: the reminder %s failed: %s", wish.agent_id, wish.id, where(error))
                await self._put(wish, now + _BROKEN)

    async def set_back(self, now: datetime) -> None:
        """The clock may have been set back: what comes every so often comes no later than that from now."""
        async with self._store.write() as session:
            for wish in await session.schedule.intervals_after(now):
                again = schedules.again(wish.rule, now, now, _ANYWHERE)
                if again is not None and again < wish.next_at:
                    await session.schedule.put_wish(replace(wish, next_at=again))

    async def _fulfil(self, wish: Wish, now: datetime) -> None:
        async with self._store.read() as session:
            conversation = await session.agents.conversation(wish.conversation_id)
        identity = await self._identities.at(conversation)
        if identity is None:
            await self._put(wish, None)
            return
        again = schedules.again(wish.rule, wish.next_at, now, identity.zone) if wish.rule else None
        try:
            await self._access.still(conversation)
        except Turned as turned:
            log.info("agent %s: the reminder %s is let go: %s", wish.agent_id, wish.id, turned)
            await self._put(wish, again)
            return
        if await self._enough(identity, now):
            log.info("agent %s: the reminder %s waits: enough for today", wish.agent_id, wish.id)
            tomorrow = schedules.tomorrow(now)
            later = schedules.again(wish.rule, tomorrow, tomorrow, identity.zone) if wish.rule else tomorrow
            await self._put(wish, later)
            return
        ended = bool(wish.rule) and again is None
        late = now - wish.next_at
        if late < _TOO_LATE or ended:
            await self._mailboxes.receive(_event(wish, identity, now, ended=ended), identity)
        else:
            log.warning("agent %s: a reminder is more than a day late and is let go", wish.agent_id)
        if ended:
            log.warning("agent %s: the rule of the reminder %s has ended", wish.agent_id, wish.id)
        await self._put(wish, again)

    async def _enough(self, identity: Identity, now: datetime) -> bool:
        async with self._store.read() as session:
            agents = [agent.id for agent in await session.agents.agents_of(identity.user.id)]
            return await session.schedule.reminded(agents, schedules.midnight(now, UTC)) >= self._daily

    async def _put(self, wish: Wish, again: datetime | None) -> None:
        """It is due again then; None: never. Unless the person called it off or changed it meanwhile."""
        async with self._store.write() as session:
            if await session.schedule.wish(wish.id) != wish:
                return
            if again is None:
                await session.schedule.drop_wish(wish.id)
            else:
                await session.schedule.put_wish(replace(wish, next_at=again))


def _event(wish: Wish, identity: Identity, now: datetime, *, ended: bool) -> ScheduledDue:
    late = now - wish.next_at
    asked = f"{wish.created_at.astimezone(identity.zone):%A, %d %B %Y}"
    # A model may say this as it stands: it tells what is so, and orders nothing.
    reason = f"On {asked} the person asked to be reminded now: {wish.about}"
    if late > _LATE:
        reason += f"\nIt is {_delay(late)} late: everbot was not running."
    if ended:
        reason += f"\n{_ENDED.format(rule=wish.rule)} They may ask anew."
    return ScheduledDue(
        **identity.timed(),
        key=f"{WISH}{wish.id}:{wish.next_at.timestamp():.0f}",
        at=now,
        reason=reason,
        fallback=_fallback(wish, identity, late, ended=ended),
    )


def _fallback(wish: Wish, identity: Identity, late: timedelta, *, ended: bool) -> str:
    """What the person is told if the agent says nothing, in their language."""
    with spoken(identity.language):
        told = [gettext("You asked me to remind you: {about}", about=wish.about)]
        if late > _LATE:
            told.append(gettext("(I am {delay} late: I was not running.)", delay=_delay(late)))
        if ended:
            told.append(f"({gettext(_ENDED, rule=wish.rule)})")
    return " ".join(told)


def _delay(late: timedelta) -> str:
    """In the international signs of hours and minutes."""
    minutes = int(late.total_seconds() // 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"
