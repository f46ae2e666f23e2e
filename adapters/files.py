"""What comes with a message, as everbot takes it. Pure."""

from __future__ import annotations

import base64

from bot.events import Attachment, DocumentUploaded, MessageReceived, origin_of

MAX_TEXT = 1_000_000  # bytes of a text file that are read
MAX_DOCUMENT = 8_000_000  # ... of one that holds more than its text
MAX_IMAGE = 4_000_000
MAX_SOUND = 10_000_000
IMAGES = ("image/png", "image/jpeg", "image/webp", "image/gif")
DOCUMENTS = (".pdf", ".docx", ".pptx", ".xlsx", ".epub")
_TEXTS = ("application/json", "application/xml", "application/x-yaml")


def is_text(media_type: str) -> bool:
    return media_type.startswith("text/") or media_type in _TEXTS


def is_sound(media_type: str, size: int) -> bool:
    """Whether a file is sound, and small enough to be sent to be written down."""
    return media_type.startswith("audio/") and size <= MAX_SOUND


def spoken(name: str, media_type: str, data: bytes | None, *, voice: bool) -> Attachment:
    """Sound that is to be heard, if there is any; ``voice``: the author spoke it."""
    sound = base64.b64encode(data).decode() if data else ""
    return Attachment(name=name, media_type=media_type, sound=sound, voice=voice)


def is_packed(name: str, size: int) -> bool:
    """Whether a file is a document that a parser reads, and small enough for it."""
    return size <= MAX_DOCUMENT and name.lower().endswith(DOCUMENTS)


def received(
    said: MessageReceived, file_id: object, name: str, media_type: str, data: bytes | None, *, is_image: bool
) -> Attachment | DocumentUploaded:
    """A document as it came with the message, still to be read; an image as data; anything else by its name."""
    if data is None or is_image:
        image = f"data:{media_type};base64,{base64.b64encode(data).decode()}" if data else ""
        return Attachment(name=name, media_type=media_type, image=image)
    return DocumentUploaded(
        **origin_of(said),
        key=f"{said.key}/{file_id}",
        at=said.at,
        document=name,
        text="",
        data=base64.b64encode(data).decode(),
    )
