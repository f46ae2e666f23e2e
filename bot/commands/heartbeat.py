"""`/heartbeat` and `/scheduled`: when the agent wakes by itself, and what it was asked to say then."""

from __future__ import annotations

import asyncio
from zoneinfo import ZoneInfo, available_timezones

from bot.commands.table import Control, Run
from bot.commands.words import HEARTBEAT, SCHEDULED
from bot.errors import CommandError
from bot.events import PRIVATE, Action, Command, CommandSpec, Suggestion, View
from bot.language import gettext, marked
from bot.language.dates import moment, weekday
from bot.people import schedules
from bot.people.beats import Beats, changes_of
from bot.people.identities import Identities, Identity
from bot.people.moving import move
from bot.runtime import Runtime
from memory.ports import Session
from memory.records import Audience, Wish

_SPANS = ("1h", "2h", "4h", "6h", "12h", "1d", "3d", "7d")


class HeartbeatCommands:
    """`bot.commands.table.Group`."""

    def __init__(self, runtime: Runtime, beats: Beats, identities: Identities) -> None:
        self._store, self._clock = runtime.store, runtime.clock
        self._beats = beats
        self._identities = identities
        self.table: list[tuple[CommandSpec, Run]] = [
            (
                CommandSpec(
                    name="heartbeat",
                    summary=marked("when I wake, and speak first"),
                    argument="[now | on | off | hours 9-21 ZONE | every 6h | status]",
                    words=HEARTBEAT,
                ),
                self._heartbeat,
            ),
            (
                CommandSpec(
                    name="scheduled",
                    summary=marked("what I shall remind you of"),
                    argument="[cancel ID]",
                    words=SCHEDULED,
                ),
                self._scheduled,
            ),
        ]

    async def suggest(self, command: Command, who: Identity, blank: str) -> list[Suggestion]:
        """As `bot.commands.table.Suggests`: time zones, intervals, and what is scheduled."""
        if blank == "zone":
            known = await asyncio.to_thread(available_timezones)  # it reads the disk
            zones = [who.user.timezone, *sorted(known - {who.user.timezone})]
            return [Suggestion(value=zone, label=zone) for zone in zones]
        if blank == "span":
            return [Suggestion(value=span, label=gettext("every {span}", span=span)) for span in _SPANS]
        async with self._store.read() as session:
            wishes = await wishes_of(session, command.audience, who)
        return [Suggestion(value=wish.id, label=f"{wish.id}: {wish.about}") for wish in wishes.values()]

    async def _heartbeat(self, command: Command, who: Identity, control: Control) -> View | str:
        words = command.argument.strip()
        if words in ("", "now"):
            await control.afford(command, who)
            if not await control.beat(who):
                raise CommandError(
                    gettext("My heart has beaten as often today as it may. It will again tomorrow.")
                )
            return gettext("A heartbeat is on its way.")
        if words == "status":
            return await self._status(who)
        try:
            changes, zone = changes_of(words, who.zone)
            if zone is not None:
                ZoneInfo(zone)
        except schedules.NotATime as error:
            raise CommandError(gettext("{problem}.", problem=error)) from None
        except (KeyError, ValueError, OSError):
            why = gettext("{zone!r} is not an IANA time zone such as Europe/Berlin.", zone=zone)
            raise CommandError(why) from None
        async with self._store.write() as session:
            await self._beats.change(session, who.agent.id, **changes)
            if zone is not None:
                await move(session, who.user.id, ZoneInfo(zone), self._clock.now())
        if zone is not None:
            self._identities.forget(who.agent.id)
            who = await self._identities.of(command)
        return await self._status(who)

    async def _status(self, who: Identity) -> str:
        async with self._store.read() as session:
            beat = await session.schedule.beat(who.agent.id)
            rules = await self._beats.rules(session, beat, who)
        hours = f"{rules.every.total_seconds() / 3600:g}"
        told = [gettext("My heart beats {hours} hours after you wrote.", hours=hours)]
        if beat.next_at:
            told.append(gettext("The next is due {when}.", when=who.when(beat.next_at)))
        if rules.speak:
            may = gettext(
                "I may speak first, between {first} and {last} o'clock ({zone}), at most {n} times a day.",
                first=rules.first_hour,
                last=rules.last_hour or 24,
                zone=who.user.timezone,
                n=rules.daily_messages,
            )
        else:
            may = gettext("I do not speak first (/heartbeat on lets me).")
        return " ".join([*told, may])

    async def _scheduled(self, command: Command, who: Identity, control: Control) -> View:
        word, _, wish_id = command.argument.strip().partition(" ")
        async with self._store.write() as session:
            wishes = await wishes_of(session, command.audience, who)
            if word == "cancel":
                if wish_id.strip() not in wishes:
                    raise CommandError(
                        gettext(
                            "There is nothing scheduled as {id!r}. /scheduled lists all.", id=wish_id.strip()
                        )
                    )
                await session.schedule.drop_wish(wish_id.strip())
                about = wishes[wish_id.strip()].about
                return View(text=gettext("Cancelled: {about}", about=about))
        if not wishes:
            return View(text=gettext("Nothing is scheduled. Ask me to remind you of something."))
        lines = [gettext("Scheduled ({zone}):", zone=who.user.timezone)]
        for wish in wishes.values():
            at = wish.next_at.astimezone(who.zone)
            rule = f" ({wish.rule})" if wish.rule else ""
            lines.append(f"{wish.id}  {weekday(at)} {moment(at)}{rule}  {wish.about}")
        actions = tuple(
            Action(
                label=gettext("Cancel {id}", id=wish.id),
                command="scheduled",
                argument=f"cancel {wish.id}",
            )
            for wish in wishes.values()
        )
        return View(text="\n".join(lines), actions=actions)


async def wishes_of(session: Session, here: Audience, who: Identity) -> dict[str, Wish]:
    """What may be seen in ``here`` of what was asked for, by its id."""
    wishes = await session.schedule.wishes(who.agent.id)
    places = {c.id: c.audience for c in await session.agents.conversations(who.agent.id)}
    return {w.id: w for w in wishes if here == PRIVATE or places.get(w.conversation_id) == here}
