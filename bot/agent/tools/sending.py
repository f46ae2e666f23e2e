"""The tools that send more than text: files that the agent wrote, and pictures that it has made."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from secrets import token_hex

from bot.agent.tools.desk import Desk
from bot.agent.tools.registry import Offered, Tool, tool
from bot.errors import AllowanceUsed, ModelError, ModelRefused, ToolError
from bot.events import File
from bot.people.paid_media import PaidMedia, Whose

log = logging.getLogger(__name__)

_LONGEST = 200_000  # characters of a file
_PROMPT = 4_000  # characters
_UNFIT = re.compile(r"[^\w.-]+")
_KINDS = (
    ".md",
    ".txt",
    ".csv",
    ".tsv",
    ".json",
    ".yaml",
    ".xml",
    ".html",
    ".ics",
    ".srt",
    ".py",
    ".sql",
    ".tex",
)
_PICTURES = {b"\x89PNG": "png", b"\xff\xd8\xff": "jpg", b"RIFF": "webp"}


async def send_file(desk: Desk, name: str, content: str) -> str:
    """Send a text file.

    name: such as plan.md or table.csv
    content: all of it
    """
    if not content.strip():
        raise ToolError("content is empty: give the whole file.")
    if len(content) > _LONGEST:
        raise ToolError(
            f"content has {len(content)} characters; a file has at most {_LONGEST}. Send several files."
        )
    stem = _UNFIT.sub("-", name.replace("\\", "/").rpartition("/")[2]).strip("-.")[-80:] or "file"
    if not stem.lower().endswith(_KINDS):
        stem += ".txt"
    desk.send(File(name=stem, data=content.encode()))
    return f"Sent as {stem}."


def picture_tools(media: PaidMedia | None) -> Sequence[Tool]:
    """What makes pictures, where something is set up that does."""
    if media is None or not media.paints:
        return ()

    async def send_image(desk: Desk, prompt: str) -> str:
        """Make a picture and send it to the person.

        prompt: what it shows, and how, in full
        """
        if not prompt.strip() or len(prompt) > _PROMPT:
            raise ToolError(f"prompt must have 1 to {_PROMPT} characters.")
        try:
            data = await media.paint(Whose(desk.agent.id, desk.conversation_id), prompt.strip())
        except AllowanceUsed as error:
            raise ToolError(f"No picture was made. Tell the person: {error}") from None
        except ModelError as error:
            log.warning("No picture was made: %s", error)
            why = (
                "what makes pictures has declined it"
                if isinstance(error, ModelRefused)
                else "it cannot be made now"
            )
            raise ToolError(f"No picture was made: {why}. Tell the person.") from None
        kind = next((kind for mark, kind in _PICTURES.items() if data.startswith(mark)), "png")
        desk.send(File(name=f"picture-{token_hex(3)}.{kind}", data=data))
        return "Sent."

    return (tool(send_image, offered=Offered.TALKING),)


TOOLS: tuple[Tool, ...] = (tool(send_file, offered=Offered.TALKING),)
