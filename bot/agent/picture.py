"""A picture that came with a message: how it is known, and what is left of it when it is taken out. Pure.

Its id is made of the row of the inbox that brought it and of what it holds. What is taken out leaves its place empty:
what came beside it is where it was, and it can be put back.
"""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass, replace
from datetime import datetime

from bot.events import Attachment, MessageReceived, from_json
from memory.records import InboxRow
from memory.search.excerpts import one_line

_DRAWN = tuple(f"data:image/{kind};base64," for kind in ("png", "jpeg", "gif", "webp"))
_NAME = 100  # characters of a file's name that are shown
_ID = re.compile(r"(\d{1,18})-([0-9a-f]{8})")


@dataclass(frozen=True, kw_only=True)
class Picture:
    """``event`` is the key of the message that brought it, ``row`` its row of the inbox; ``shows`` is what a model saw
    in it, empty where none did."""

    row: int
    event: str
    conversation_id: int
    at: datetime
    digest: str
    name: str
    shows: str
    image: str

    @property
    def id(self) -> str:
        return f"{self.row}-{self.digest[:8]}"

    @property
    def says(self) -> str:
        """What it is, in words."""
        return self.shows or self.name


def digest_of(attached: Attachment) -> str:
    """By which the picture is known, whoever sends it."""
    return hashlib.sha256(attached.image.encode()).hexdigest()


def pictures_of(row: InboxRow) -> list[Picture]:
    """The pictures of a message, as they came; what it brought twice is one."""
    event = from_json(row.payload) if row.kind == MessageReceived.kind and row.payload else None
    if not isinstance(event, MessageReceived):
        return []
    found = {digest_of(attached): attached for attached in reversed(event.attachments) if attached.image}
    return [
        Picture(
            row=row.id,
            event=row.key,
            conversation_id=row.conversation_id,
            at=row.received_at,
            digest=digest,
            name=one_line(attached.name)[:_NAME] or attached.media_type or "picture",
            shows=attached.shows,
            image=attached.image,
        )
        for digest, attached in reversed(found.items())
    ]


def row_of(picture_id: str) -> int | None:
    """The row of the inbox that the picture of that id came with; None for what is no such id."""
    found = _ID.fullmatch(picture_id)
    return int(found[1]) if found else None


def is_drawn(image: str) -> bool:
    """Whether a page may show it: what else a data URL may hold is nothing for it."""
    return image.startswith(_DRAWN)


def drawn(image: str) -> tuple[str, bytes] | None:
    """The media type of an image and its bytes; None for what a page may not show."""
    if not is_drawn(image):
        return None
    kind, _, data = image.removeprefix("data:").partition(";base64,")
    try:
        return kind, base64.b64decode(data)
    except ValueError:
        return None


def without(attached: Attachment) -> Attachment:
    """The place where it was; what describing it took is still owed."""
    empty = Attachment(name="", media_type=attached.media_type, looked=True, removed=True)
    return replace(empty, prompt=attached.prompt, completion=attached.completion)
