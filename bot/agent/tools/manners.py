"""Manners where others read: what is said there need not always be answered with words."""

from __future__ import annotations

import unicodedata

from bot.agent.tools.desk import Desk
from bot.agent.tools.registry import Offered, Tool, tool
from bot.errors import ToolError
from memory.records import PRIVATE

_TITLE = 100  # characters, as Discord takes them
_LONGEST = 16  # code points: families and flags are made of many
_JOINTS = frozenset("\u200d\ufe0f\u20e3#*0123456789")  # of which emojis are made beside symbols


async def stay_silent(desk: Desk, reason: str) -> str:
    """Say nothing: what was said is not meant for you, or needs no answer.

    reason: why, in a few words; only you see it
    """
    if desk.audience == PRIVATE:
        raise ToolError("They are alone with you and wait: answer with send_message.")
    desk.passed = True
    return "Nothing is said."


async def react(desk: Desk, emoji: str) -> str:
    """Put one emoji to what they wrote, where no words are needed.

    emoji: the sign itself, such as 👍
    """
    if not desk.asked:
        raise ToolError("There is no message to react to: nobody wrote just now.")
    sign = emoji.strip()
    if not is_emoji(sign):
        raise ToolError(f"{emoji[:40]!r} is not one emoji. Give the sign itself, such as 👍.")
    desk.reaction = sign
    return f"You reacted with {sign}."


async def open_thread(desk: Desk, title: str) -> str:
    """Have what you say now posted in a thread of their message: for what is long, or concerns few.

    title: a few words
    """
    name = " ".join(title.split())[:_TITLE]
    if not desk.threads:
        raise ToolError("No thread can be made here. Say it with send_message alone.")
    if not name:
        raise ToolError("title is empty: say in a few words what it is about.")
    desk.thread = name
    return "What you say from now on is posted in it."


def is_emoji(sign: str) -> bool:
    """Whether it looks like a single emoji (Unicode Technical Standard 51); platforms know which there are."""
    symbols = [c for c in sign if c not in _JOINTS and unicodedata.category(c) in ("So", "Sk")]
    others = [
        c for c in sign if c not in _JOINTS and c not in symbols and not "\U000e0020" <= c <= "\U000e007f"
    ]
    keycap = sign.endswith("\u20e3")
    return 0 < len(sign) <= _LONGEST and not others and bool(symbols or keycap)


TOOLS: tuple[Tool, ...] = (
    tool(stay_silent, final=True, offered=Offered.ROOM),
    tool(react, final=True, offered=Offered.ROOM),
    tool(open_thread, final=True, offered=Offered.THREAD),
)
