"""When an agent's heart may beat, and what a beat may say: the person's wishes within the operator's ceilings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from bot.cache import Cache
from bot.events import workspace_of
from bot.language import marked
from bot.people import schedules
from bot.people.identities import Identity
from bot.personas.definition import parsed
from bot.settings import BeatRules, HeartbeatSettings
from memory.ports import Session
from memory.records import PRIVATE, Beat, Spent

IDLE = timedelta(minutes=30)
PAUSE = timedelta(hours=6)  # the longest that an agent may ask for
_NOTED = timedelta(minutes=1)  # how exactly it is kept when the person was last heard
_KEPT = 2_000
_JITTER = 0.1  # of the interval, at most ten minutes


@dataclass(frozen=True)
class Rules:
    """What holds for one agent."""

    every: timedelta
    speak: bool
    first_hour: int
    last_hour: int
    daily_beats: int
    daily_messages: int
    daily_tokens: int


class Beats:
    """Reads and writes heartbeat rows in the caller's unit of work."""

    def __init__(self, settings: HeartbeatSettings) -> None:
        self._settings = settings
        self._hours = schedules.hours(settings.hours)
        # (a beat is due, last heard), as written
        self._known: Cache[int, tuple[bool, datetime | None]] = Cache(_KEPT)

    async def rules(self, session: Session, beat: Beat, who: Identity) -> Rules:
        """The person's wishes, never beyond what persona and community allow."""
        definition = parsed(await session.personas.definition(who.persona.id))
        return self.within(beat, definition.policies.heartbeat, workspace_of(who.conversation.address))

    def within(self, beat: Beat, persona: BeatRules, community: str = "") -> Rules:
        """The same, with what the persona allows given."""
        s = self._settings
        limits = [persona, s.communities.get(community, BeatRules())]
        hours = (beat.first_hour, beat.last_hour)
        first, last = self._hours if hours[0] is None or hours[1] is None else (hours[0], hours[1])
        # What persona or community set is the default of who has not said, and the ceiling of who has.
        least = [rule.every_hours for rule in limits if rule.every_hours is not None]
        wished = max(least, default=s.every_hours) if beat.every_s is None else beat.every_s / 3600
        every = max([wished, *least])
        defaults = [rule.speak_first for rule in limits if rule.speak_first is not None]
        speak = (defaults[0] if defaults else s.speak_first) if beat.speak is None else beat.speak
        return Rules(
            every=timedelta(hours=every),
            speak=speak and all(rule.speak_first is not False for rule in limits),
            first_hour=first,
            last_hour=last,
            daily_beats=_least(s.daily_beats, [rule.daily_beats for rule in limits]),
            daily_messages=_least(s.daily_messages, [rule.daily_messages for rule in limits]),
            daily_tokens=_least(s.daily_tokens, [rule.daily_tokens for rule in limits]),
        )

    async def heard(self, session: Session, identity: Identity, now: datetime) -> timedelta | None:
        """The person was heard: their next beat is due an interval later. How long they were away, if known."""
        agent_id = identity.agent.id
        due, last = self._known.get(agent_id, (False, None))
        if due and last is not None and timedelta() <= now - last < _NOTED:
            return now - last
        beat = await session.schedule.beat(agent_id)
        away = None if beat.heard_at is None else max(timedelta(), now - beat.heard_at)
        next_at = beat.next_at
        if next_at is None and self._settings.enabled:
            every = max((await self.rules(session, beat, identity)).every, IDLE)
            next_at = now + every + jitter(agent_id, every)
        await session.schedule.put_beat(replace(beat, heard_at=now, next_at=next_at))
        self._known[agent_id] = (next_at is not None, now)
        return away

    async def change(self, session: Session, agent_id: int, **changes: object) -> Beat:
        """Write some fields of an agent's beat."""
        beat = await session.schedule.beat(agent_id)
        beat = replace(beat, **changes)  # type: ignore[arg-type]
        await session.schedule.put_beat(beat)
        self._known.pop(agent_id, None)
        return beat

    async def silence(self, session: Session, identity: Identity, now: datetime) -> tuple[str, int]:
        """Why a beat of the agent may not speak now (empty: it may), and how many messages it may send."""
        beat = await session.schedule.beat(identity.agent.id)
        rules = await self.rules(session, beat, identity)
        if identity.conversation.audience != PRIVATE:
            return "nobody asked you to speak up in a place where others read.", 0
        if not rules.speak:
            return "the person has not asked you to speak first (they can: /heartbeat on).", 0
        if not schedules.active(now, rules.first_hour, rules.last_hour, identity.zone):
            return (
                f"it is outside the hours they want to hear from you ({rules.first_hour}-{rules.last_hour}).",
                0,
            )
        spent = await self.spent(session, identity, now)
        left = rules.daily_messages - spent.messages
        return ("", left) if left > 0 else ("you have said all that you may unasked today.", 0)

    async def spent(self, session: Session, identity: Identity, now: datetime) -> Spent:
        """What beats took today: a day of UTC, so that another time zone gives no second one."""
        return await session.schedule.spent(identity.agent.id, schedules.midnight(now, UTC))

    async def enough(self, session: Session, beat: Beat, identity: Identity, spent: Spent) -> bool:
        """Whether a day's beats were held, or their tokens used."""
        rules = await self.rules(session, beat, identity)
        return spent.beats >= rules.daily_beats or spent.tokens >= rules.daily_tokens


def jitter(agent_id: int, every: timedelta) -> timedelta:
    """So that agents that were heard together do not beat together; always the same for an agent."""
    span = min(every * _JITTER, timedelta(minutes=10))
    return span * ((agent_id * 2654435761 % 2**32) / 2**32)


def _least(ceiling: int, limits: list[int | None]) -> int:
    return min([ceiling, *(limit for limit in limits if limit is not None)])


def changes_of(words: str, zone: ZoneInfo) -> tuple[Mapping[str, object], str | None]:
    """What ``on``, ``off``, ``hours 9-21 Europe/Berlin`` or ``every 6h`` asks for: fields of a beat, and a time
    zone. Raises `bot.people.schedules.NotATime`."""
    head, _, rest = words.strip().partition(" ")
    if head in ("on", "off"):
        return {"speak": head == "on"}, None
    if head == "hours":
        span, _, name = rest.strip().partition(" ")
        first, last = schedules.hours(span)
        return {"first_hour": first, "last_hour": last}, name.strip() or None
    if head == "every":
        if not schedules.is_interval(f"every {rest}"):
            raise schedules.NotATime(marked("{span!r} is not an interval such as 6h"), span=rest)
        start = datetime(2026, 1, 1, tzinfo=zone)
        seconds = (schedules.following(f"every {rest}", start, zone) - start).total_seconds()
        if not 1800 <= seconds <= 7 * 86_400:
            raise schedules.NotATime(marked("an interval lies between 30 minutes and 7 days"))
        return {"every_s": int(seconds)}, None
    raise schedules.NotATime(
        marked(
            "Say /heartbeat now, on, off, hours 9-21 Europe/Berlin, or every 6h; /heartbeat status tells how it is set"
        )
    )
