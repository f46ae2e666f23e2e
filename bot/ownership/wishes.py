"""What a person asked to hear of at a time, as they change it themselves: by a command, or on the page.

It waits for the agent's step to end. What it says and when follows the rules of the tool that made it
(`bot.agent.tools.time`), and those of all that is written by hand (`bot.safety.writing`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from bot.errors import CommandError, NotThere, TooLong
from bot.language import gettext
from bot.people import schedules
from bot.people.identities import Identity
from bot.runtime import Runtime
from bot.safety.writing import Writing
from memory.ports import Session
from memory.records import PRIVATE, Audience, Wish


class Wishes:
    def __init__(self, runtime: Runtime, writing: Writing) -> None:
        self._store, self._clock, self._locks = runtime.store, runtime.clock, runtime.locks
        self._writing = writing

    async def of(self, who: Identity, here: Audience) -> Mapping[str, Wish]:
        """Those that may be seen in ``here``, by their ids, soonest first."""
        async with self._store.read() as session:
            return await _seen(session, who, here)

    async def cancel(self, who: Identity, here: Audience, wish_id: str) -> Wish:
        """The one that is not told any more. Raises `NotThere`."""
        async with self._locks.of(who.agent.id), self._store.write() as session:
            wish = await _one(session, who, here, wish_id)
            await session.schedule.drop_wish(wish.id)
        return wish

    async def change(
        self, who: Identity, here: Audience, wish_id: str, *, when: str = "", about: str = ""
    ) -> Wish:
        """Let it come at another time, a moment or a rule in the person's zone, and say something else; what is empty
        stays. Raises `NotThere`, `TooLong`, `Refused`, and `CommandError` for what is not a time."""
        if len(about) > schedules.ABOUT:
            raise TooLong(
                gettext("That is too long: a reminder holds {most} characters.", most=schedules.ABOUT)
            )
        text = await self._writing.kept(who.user, about)
        async with self._locks.of(who.agent.id), self._store.write() as session:
            wish = await _one(session, who, here, wish_id)
            if when and when != when_of(wish, who):
                at, rule = _first(when, self._clock.now(), who)
                wish = replace(wish, next_at=at, rule=rule)
            wish = replace(wish, about=text or wish.about)
            await session.schedule.put_wish(wish)
            await session.erasing.add_chores(["scrub"], self._clock.now())  # what it said before
        return wish


def when_of(wish: Wish, who: Identity) -> str:
    """When it comes, as it is written: its rule, or its moment in the person's zone."""
    return wish.rule or schedules.written(wish.next_at, who.zone)


def _first(when: str, now: datetime, who: Identity) -> tuple[datetime, str]:
    try:
        return schedules.first(when, now, who.zone)
    except schedules.NotATime as error:
        raise CommandError(gettext("{problem}.", problem=error.told)) from None


async def _one(session: Session, who: Identity, here: Audience, wish_id: str) -> Wish:
    found = (await _seen(session, who, here)).get(wish_id)
    if found is None:
        raise NotThere(
            gettext("There is nothing scheduled as {id!r}. /scheduled lists all.", id=wish_id[:80])
        )
    return found


async def _seen(session: Session, who: Identity, here: Audience) -> dict[str, Wish]:
    wishes = await session.schedule.wishes(who.agent.id)
    places = {c.id: c.audience for c in await session.agents.conversations(who.agent.id)}
    return {w.id: w for w in wishes if here == PRIVATE or places.get(w.conversation_id) == here}
