"""What comes with a message of the page, as on any platform. What a file is, is told by what it holds, whatever it is
called. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from adapters import files
from bot.events import Attachment, DocumentUploaded, File, MessageReceived

_UNKNOWN = "application/octet-stream"
_PACKED = ((b"%PDF-", (".pdf",)), (b"PK\x03\x04", tuple(kind for kind in files.DOCUMENTS if kind != ".pdf")))


def attached(
    said: MessageReceived, sent: Sequence[File], *, vision: bool, hearing: bool
) -> tuple[tuple[Attachment, ...], tuple[DocumentUploaded, ...]]:
    """Texts and documents, each an event of its own; images for a model that sees, sound where something hears; all
    else by its name."""
    shown: list[Attachment] = []
    documents: list[DocumentUploaded] = []
    for number, file in enumerate(sent):
        kind = media_type(file)
        if hearing and files.is_sound(kind, len(file.data)):
            shown.append(files.spoken(file.name, kind, file.data, voice=False))
            continue
        seen = vision and kind in files.IMAGES and len(file.data) <= files.MAX_IMAGE
        data = file.data if seen or _is_document(file, kind) else None
        taken = files.received(said, number, file.name, kind, data, is_image=seen)
        if isinstance(taken, DocumentUploaded):
            documents.append(taken)
        else:
            shown.append(taken)
    return tuple(shown), tuple(documents)


def media_type(file: File) -> str:
    """Of what is looked into; anything else is only called by its name (the marks: WHATWG MIME Sniffing, 6)."""
    data = file.data
    marks = {
        b"\x89PNG\r\n\x1a\n": "image/png",
        b"\xff\xd8\xff": "image/jpeg",
        b"GIF87a": "image/gif",
        b"GIF89a": "image/gif",
        b"OggS\x00": "audio/ogg",
        b"ID3": "audio/mpeg",
        b"%PDF-": "application/pdf",
    }
    found = next((kind for mark, kind in marks.items() if data.startswith(mark)), None)
    if found is not None:
        return found
    if data[:4] == b"RIFF":
        return {b"WEBP": "image/webp", b"WAVE": "audio/wav"}.get(data[8:12], _UNKNOWN)
    if data[4:8] == b"ftyp":
        return "audio/mp4" if data[8:11] == b"M4A" else "video/mp4"
    return "text/plain" if _is_text(data) else _UNKNOWN


def _is_text(data: bytes) -> bool:
    try:
        return b"\0" not in data and bool(data.decode())
    except UnicodeDecodeError:
        return False


def _is_document(file: File, kind: str) -> bool:
    packed = any(file.data.startswith(mark) and file.name.lower().endswith(ends) for mark, ends in _PACKED)
    if packed:
        return files.is_packed(file.name, len(file.data))
    return files.is_text(kind) and len(file.data) <= files.MAX_TEXT
