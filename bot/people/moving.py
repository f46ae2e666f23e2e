"""A person lives in another time zone: what comes at an hour of their day moves with them."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

from bot.people import schedules
from bot.people.cron import is_cron
from memory.ports import Session


async def move(session: Session, user_id: int, zone: ZoneInfo, now: datetime) -> None:
    """Write the zone and, in the same unit of work, when reminders by cron rules come next there, with all personas.
    A moment that was named stays that moment, and what is due by now comes now."""
    await session.agents.set_timezone(user_id, zone.key)
    for agent in await session.agents.agents_of(user_id):
        for wish in await session.schedule.wishes(agent.id):
            if not is_cron(wish.rule) or wish.next_at <= now:
                continue
            try:
                at = schedules.following(wish.rule, now, zone)
            except schedules.NotATime:
                continue  # it is told when it comes
            await session.schedule.put_wish(replace(wish, next_at=at))
