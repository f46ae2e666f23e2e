"""The tools by which an agent acts at a later time, and knows what time it is for the person."""

from __future__ import annotations

from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

from bot.agent.tools.desk import Desk
from bot.agent.tools.provenance import to_forget, to_keep
from bot.agent.tools.registry import Offered, Tool, tool
from bot.errors import ToolError
from bot.people import schedules
from memory.records import Wish


async def schedule_message(desk: Desk, when: str, about: str) -> str:
    """Be woken at a time to tell the person something they asked to be told.

    when: a moment as 2026-11-27T09:00 in their time, or a rule: `every 2h`, or five cron fields `0 8 * * 1-5`
    about: what to tell them, complete in itself
    """
    if desk.quiet:
        raise ToolError("Nobody is asking for it now: only what the person asks for can be scheduled.")
    text = about.strip()
    if not text or len(text) > schedules.ABOUT:
        raise ToolError(f"about must be a text of at most {schedules.ABOUT} characters.")
    to_keep(text, desk.hear())
    if len(await desk.wishes()) + await desk.wishes_elsewhere() >= desk.most_wishes:
        raise ToolError(
            f"There are {desk.most_wishes} scheduled messages already, the most that one person may have, with all "
            "personas together; cancel some first (list_scheduled, cancel_scheduled)."
        )
    try:
        at, rule = schedules.first(when, desk.now, desk.zone)
    except schedules.NotATime as error:
        raise ToolError(f"schedule_message: {error}.") from None
    wish = Wish(
        id=uuid4().hex[:8],
        agent_id=desk.agent.id,
        conversation_id=desk.conversation_id,
        about=text,
        rule=rule,
        turn_id=desk.turn_id,
        next_at=at,
        created_at=desk.now,
    )
    desk.wish(wish)
    repeated = f", then by the rule {rule}" if rule else ""
    return f"Scheduled as {wish.id} for {at.astimezone(desk.zone):%A, %Y-%m-%d %H:%M} ({desk.zone.key}){repeated}."


async def list_scheduled(desk: Desk) -> dict[str, Any]:
    """What the person asked to be told, and when."""
    wishes = await desk.wishes()
    return {
        "scheduled": [
            {
                "id": w.id,
                "next": f"{w.next_at.astimezone(desk.zone):%Y-%m-%dT%H:%M}",
                "rule": w.rule,
                "about": w.about,
            }
            for w in wishes
        ],
        "time_zone": desk.zone.key,
    }


async def cancel_scheduled(desk: Desk, id: str) -> str:
    """Cancel something scheduled.

    id: as schedule_message or list_scheduled gave it
    """
    wishes = {wish.id: wish for wish in await desk.wishes()}
    if id not in wishes:
        raise ToolError(f"There is nothing scheduled as {id!r}. Scheduled: {', '.join(wishes) or 'nothing'}.")
    to_forget(wishes[id].about, desk.hear())
    desk.cancel(id)
    return f"Cancelled: {wishes[id].about}"


async def set_time_zone(desk: Desk, zone: str) -> str:
    """Remember the person's time zone, once you know where they live.

    zone: an IANA name such as Europe/Berlin
    """
    to_keep(zone.replace("/", " ").replace("_", " "), desk.hear())
    try:
        desk.set_zone(ZoneInfo(zone.strip()))
    except (KeyError, ValueError, OSError):
        raise ToolError(
            f"{zone!r} is not an IANA time zone such as Europe/Berlin or America/New_York."
        ) from None
    return (
        f"Times are in {desk.zone.key} now: it is {desk.now.astimezone(desk.zone):%A, %Y-%m-%d %H:%M} there."
    )


TOOLS: tuple[Tool, ...] = (
    tool(schedule_message, offered=Offered.TALKING),
    tool(list_scheduled, offered=Offered.TALKING),
    tool(cancel_scheduled, offered=Offered.TALKING),
    tool(set_time_zone, offered=Offered.TALKING),
)
