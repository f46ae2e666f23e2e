"""The tools by which an agent acts on the outside: speaking, and asking for quiet."""

from __future__ import annotations

from datetime import timedelta

from bot.agent.tools.desk import Desk
from bot.agent.tools.registry import Offered, Tool, tool
from bot.errors import ToolError
from bot.language import counted
from bot.people.beats import PAUSE

_LONGEST_PAUSE = PAUSE // timedelta(minutes=1)


async def send_message(desk: Desk, message: str) -> str:
    """Say something to the person. It is the only thing of you that they ever see.

    message: what to say
    """
    text = message.strip()
    if not text:
        raise ToolError("message is empty: say something, or do not call send_message.")
    if desk.mute:
        raise ToolError(f"Not sent: {desk.mute}")
    if desk.most_said is not None and len(desk.said) >= desk.most_said:
        raise ToolError("Not sent: you have said all that you may unasked today.")
    needed, left = len(desk.split(text)), desk.posts_left - len(desk.posts)
    if needed > left:
        desk.silenced = not left
        raise ToolError(
            f"Not sent: it would take {needed} posts, and this turn may make {left} more. Say less, or nothing more."
        )
    desk.say(text)
    return "Sent."


async def pause_heartbeats(desk: Desk, minutes: int) -> str:
    """Let no timed heartbeat wake you for a while.

    minutes: how long, at most 360
    """
    if not 0 < minutes <= _LONGEST_PAUSE:
        raise ToolError(f"minutes must be between 1 and {_LONGEST_PAUSE}, got {minutes}")
    desk.paused_until = desk.now + timedelta(minutes=minutes)
    return f"No heartbeat for {counted(minutes, 'minute')}."


TOOLS: tuple[Tool, ...] = (
    tool(send_message, final=True),
    tool(pause_heartbeats, final=True, offered=Offered.TALKING),
)
