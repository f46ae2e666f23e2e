"""What a person is told beside the agent's answer, once on each occasion: a post with an id that is always the same."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bot.language import gettext, spoken
from memory.ports import Session
from memory.records import Agent, OutboxRow


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where somebody is told something, in which language, and (``key``) beside which event."""

    agent: Agent
    conversation_id: int
    address: str
    language: str
    key: str


def notice(occasion: str, place: Place, text: str, now: datetime, **values: object) -> OutboxRow:
    """The post that says the (marked) text there, once on an ``occasion``, which names the person too."""
    with spoken(place.language):
        told = gettext(text, **values)
    return OutboxRow(
        id=occasion,
        agent_id=place.agent.id,
        conversation_id=place.conversation_id,
        address=place.address,
        turn_id="",
        kind="notice",
        text=told,
        in_reply_to=(place.key,),
        created_at=now,
    )


async def post_once(session: Session, row: OutboxRow) -> bool:
    """Post it, in the caller's unit of work, if nobody was told on this occasion yet. Whether it was posted."""
    if await session.mailbox.has_post(row.id):
        return False
    await session.mailbox.post([row])
    return True
