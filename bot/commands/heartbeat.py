"""`/heartbeat`: when the agent wakes by itself."""

from __future__ import annotations

import asyncio
from zoneinfo import ZoneInfo, available_timezones

from bot.commands.table import Control, Run
from bot.commands.words import HEARTBEAT
from bot.errors import CommandError
from bot.events import Command, CommandSpec, Suggestion, View
from bot.language import gettext, marked, ngettext
from bot.people import schedules
from bot.people.beats import Beats, changes_of
from bot.people.identities import Identities, Identity
from bot.people.moving import move
from bot.runtime import Runtime

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
        ]

    async def suggest(self, command: Command, who: Identity, blank: str) -> list[Suggestion]:
        """As `bot.commands.table.Suggests`: time zones and intervals."""
        if blank == "zone":
            known = await asyncio.to_thread(available_timezones)  # it reads the disk
            zones = [who.user.timezone, *sorted(known - {who.user.timezone})]
            return [Suggestion(value=zone, label=zone) for zone in zones]
        if blank == "span":
            return [Suggestion(value=span, label=gettext("every {span}", span=span)) for span in _SPANS]
        return []

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
            raise CommandError(gettext("{problem}.", problem=error.told)) from None
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
        hours = rules.every.total_seconds() / 3600
        beats = ngettext(
            "My heart beats {hours} hour after you wrote.",
            "My heart beats {hours} hours after you wrote.",
            int(hours) if hours.is_integer() else 2,  # one and a half are several
            hours=f"{hours:g}",
        )
        told = [beats]
        if beat.next_at:
            told.append(gettext("The next is due {when}.", when=who.when(beat.next_at)))
        if rules.speak:
            may = ngettext(
                "I may speak first, between {first} and {last} o'clock ({zone}), at most {n} time a day.",
                "I may speak first, between {first} and {last} o'clock ({zone}), at most {n} times a day.",
                rules.daily_messages,
                first=rules.first_hour,
                last=rules.last_hour or 24,
                zone=who.user.timezone,
            )
        else:
            may = gettext("I do not speak first (/heartbeat on lets me).")
        return " ".join([*told, may])
