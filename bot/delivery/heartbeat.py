"""The timer: beats that are due, and reminders.

Times live in our rows; APScheduler only calls `Heartbeat.sweep` every two seconds. A beat costs nothing
when nothing happened: an agent whose person was silent since its last beat has none due.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from bot import prompts
from bot.delivery.mailboxes import Mailboxes
from bot.delivery.news import News
from bot.delivery.reminders import Reminders
from bot.errors import DeliveryError
from bot.events import BEAT, HeartbeatDue
from bot.people import schedules
from bot.people.access import Access
from bot.people.beats import IDLE, PAUSE, Beats, jitter
from bot.people.identities import Identities, Identity
from bot.people.pace import Turned
from bot.runtime import Runtime
from memory.errors import StoreError, where
from memory.records import Beat

log = logging.getLogger(__name__)

_EVERY_S = 2
_BATCH = 64
_LATER = timedelta(hours=1)  # when a beat is looked at again that cannot be now
_SOON = timedelta(minutes=5)  # when its platform is asked again that was out
_BACK = timedelta(minutes=1)  # a clock that goes back by more was set
_FARTHEST = timedelta(days=8)  # that a beat can lie ahead


class Heartbeat:
    """``platforms`` are those that are connected: elsewhere nothing can be said."""

    def __init__(
        self,
        runtime: Runtime,
        mailboxes: Mailboxes,
        identities: Identities,
        beats: Beats,
        news: News,
        access: Access,
        reminders: Reminders,
        platforms: Collection[str],
    ) -> None:
        self._store, self._clock = runtime.store, runtime.clock
        self._mailboxes = mailboxes
        self._identities = identities
        self._beats = beats
        self._news = news
        self._access = access
        self._reminders = reminders
        self._platforms = list(platforms)
        self._reflection = prompts.read("reflection")
        self._last: datetime | None = None

    @asynccontextmanager
    async def timer(self) -> AsyncIterator[None]:
        """Sweep every two seconds while the block runs."""
        scheduler = AsyncIOScheduler()
        scheduler.add_job(
            self._safely,
            "interval",
            seconds=_EVERY_S,
            coalesce=True,
            max_instances=1,
            misfire_grace_time=None,
        )
        scheduler.start()
        try:
            yield
        finally:
            scheduler.shutdown(wait=False)

    async def sweep(self) -> None:
        """Put everything that is due on the stream of events, as many of each kind as one batch takes. Each stands for
        itself: what is broken holds up nothing else."""
        now = self._clock.now()
        if self._last is None or now < self._last - _BACK:
            async with self._store.write() as session:
                await session.schedule.clamp_beats(now + _FARTHEST)
            await self._reminders.set_back(now)
        self._last = now
        await self.remind()
        async with self._store.read() as session:
            beats = await session.schedule.due_beats(now, _BATCH)
        for beat in beats:
            try:
                await self._beat(beat, now)
            except StoreError:
                raise
            except Exception as error:
                # One agent's trouble must not stop the others' hearts.
                log.error("agent %s: its beat failed: %s", beat.agent_id, where(error))
                await self._put_off(beat.agent_id, now + _LATER)

    async def remind(self) -> None:
        """What people asked to be told by now, as much as one batch takes."""
        await self._reminders.sweep(self._clock.now())

    async def beat_now(self, identity: Identity) -> None:
        """A beat that the operator asked for: under no interval, cap of beats or hour; it may not speak unless it
        might anyway."""
        async with self._store.read() as session:
            beat = await session.schedule.beat(identity.agent.id)
        await self._submit(identity, beat, self._clock.now(), uuid4().hex)

    async def beat_for(self, identity: Identity) -> bool:
        """The same for a person who asked for it: within a day's beats, and one at a time. False: not any more
        today."""
        now = self._clock.now()
        async with self._store.read() as session:
            beat = await session.schedule.beat(identity.agent.id)
            spent = await self._beats.spent(session, identity, now)
            if spent.running:
                return True
            if await self._beats.enough(session, beat, identity, spent):
                return False
        # Its key is its number: asked for again before it began, it is the same beat.
        await self._submit(identity, beat, now, f"{schedules.midnight(now, UTC):%j}/{spent.beats}")
        return True

    async def _safely(self) -> None:
        try:
            await self.sweep()
        except StoreError as error:
            log.error("The timer waits for the store: %s", error)
        except Exception as error:
            log.error("A sweep of the timer failed: %s", where(error))

    # Beats

    async def _beat(self, beat: Beat, now: datetime) -> None:
        identity = await self._home(beat.agent_id)
        later = now + _LATER if identity is None else await self._postponed(beat, identity, now)
        if later is not None or identity is None:
            await self._put_off(beat.agent_id, later)
            return
        assert beat.next_at is not None
        # Its key is the time it was due: a process that dies here lets it beat once, all the same.
        await self._submit(identity, beat, now, f"{beat.next_at.timestamp():.0f}")

    async def _put_off(self, agent_id: int, later: datetime | None) -> None:
        async with self._store.write() as session:
            await self._beats.change(session, agent_id, next_at=later)

    async def _home(self, agent_id: int) -> Identity | None:
        async with self._store.read() as session:
            conversation_id = await session.schedule.home(agent_id, self._platforms)
            if conversation_id is None:
                return None
            conversation = await session.agents.conversation(conversation_id)
        return await self._identities.at(conversation)

    async def _postponed(self, beat: Beat, identity: Identity, now: datetime) -> datetime | None:
        """When to look again, if the beat must not be now. It is never dropped."""
        tomorrow = schedules.tomorrow(now, beat.agent_id)
        try:
            await self._access.unasked(identity)
        except Turned as turned:
            log.info("agent %s: no beat today: %s", beat.agent_id, turned)
            return tomorrow
        except DeliveryError as error:
            log.info("agent %s: its beat waits: %s", beat.agent_id, error)
            return now + _SOON
        async with self._store.read() as session:
            rules = await self._beats.rules(session, beat, identity)
            agent = await session.agents.agent(identity.agent.id)
            # What lies farther ahead than it can was noted before the clock was set back: it holds nothing up.
            if (
                agent is not None
                and agent.paused_until is not None
                and now < agent.paused_until <= now + PAUSE
            ):
                return agent.paused_until
            if beat.heard_at is not None and timedelta() <= now - beat.heard_at < IDLE:
                return beat.heard_at + IDLE
            spent = await self._beats.spent(session, identity, now)
            if await self._beats.enough(session, beat, identity, spent):
                return tomorrow
        if rules.speak and not schedules.active(now, rules.first_hour, rules.last_hour, identity.zone):
            return schedules.next_start(now, rules.first_hour, identity.zone) + jitter(
                beat.agent_id, rules.every
            )
        return None

    async def _submit(self, identity: Identity, beat: Beat, now: datetime, name: str) -> None:
        said, rest = await self._news.said(identity, beat)
        related = await self._news.related(identity, said, now)
        async with self._store.read() as session:
            mute, left = await self._beats.silence(session, identity, now)
        speech = (
            f"You may not speak now: {mute}" if mute else f"You may send at most {left} more messages today."
        )
        event = HeartbeatDue(
            **identity.timed(),
            key=f"{BEAT}{identity.agent.id}:{name}",
            at=now,
            reason=self._reflection.format(speech=speech).strip(),
            since=beat.last_at.isoformat() if beat.last_at else "",
            news=tuple(self._news.line(message, identity) for message in said),
            related=tuple(related),
        )
        await self._mailboxes.receive(event, identity)
        # What was too much for this beat is the news of the next.
        until, again = (rest.created_at, now + IDLE) if rest else (now, None)
        async with self._store.write() as session:
            await self._beats.change(session, identity.agent.id, next_at=again, last_at=until)
