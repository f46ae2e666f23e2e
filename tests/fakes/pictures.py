"""Small PNG images, sound and otherwise, and cards to put into them."""

from __future__ import annotations

import base64
import json
import struct
import zlib
from typing import Any

SIGNATURE = b"\x89PNG\r\n\x1a\n"


def chunk(kind: bytes, data: bytes, *, crc: int | None = None, length: int | None = None) -> bytes:
    crc = zlib.crc32(kind + data) if crc is None else crc
    length = len(data) if length is None else length
    return struct.pack(">I", length) + kind + data + struct.pack(">I", crc)


def header(width: int = 2, height: int = 2, depth: int = 8, colour: int = 6, *rest: int) -> bytes:
    return chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, *(rest or (0, 0, 0))))


PIXELS = chunk(b"IDAT", zlib.compress(b"\0" + b"\x80" * 8 + b"\0" + b"\x40" * 8))
END = chunk(b"IEND", b"")


def png(*extra: bytes, ihdr: bytes | None = None) -> bytes:
    """Two by two pixels, with ``extra`` chunks before the pixels."""
    return SIGNATURE + (ihdr or header()) + b"".join(extra) + PIXELS + END


def text_chunk(keyword: str, document: Any) -> bytes:
    data = document if isinstance(document, bytes) else json.dumps(document).encode()
    return chunk(b"tEXt", keyword.encode() + b"\0" + base64.b64encode(data))


def v1(**changes: Any) -> dict[str, Any]:
    return {
        "name": "Mira",
        "description": "{{char}} keeps a lighthouse.",
        "personality": "patient, dry",
        "scenario": "{{user}} arrives by boat.",
        "first_mes": "Mind the step.",
        "mes_example": "<START>\n{{user}}: Is it far?\n{{char}}: Not by boat.",
    } | changes


def v2(**changes: Any) -> dict[str, Any]:
    data = v1() | {
        "creator_notes": "NOTES-FOR-PEOPLE",
        "system_prompt": "Stay dry. {{original}}",
        "post_history_instructions": "Answer in two sentences.",
        "alternate_greetings": ["You again."],
        "tags": ["sea"],
        "creator": "CREATOR",
        "character_version": "1.1",
        "extensions": {"someone/voice": {"pitch": 0.4, "deep": [None, True, {"a": []}]}},
    }
    return {"spec": "chara_card_v2", "spec_version": "2.0", "data": data | changes}


def v3(**changes: Any) -> dict[str, Any]:
    data = v2()["data"] | {
        "nickname": "Mi",
        "group_only_greetings": ["All of you, mind the step."],
        "creator_notes_multilingual": {"de": "NOTIZEN"},
        "source": ["https://cards.example/mira"],
        "creation_date": 1700000000,
        "modification_date": 0,
        "assets": [{"type": "icon", "uri": "ccdefault:", "name": "main", "ext": "png"}],
    }
    return {"spec": "chara_card_v3", "spec_version": "3.0", "data": data | changes}


def entry(content: str, *keys: str, **changes: Any) -> dict[str, Any]:
    return {
        "keys": list(keys),
        "content": content,
        "extensions": {},
        "enabled": True,
        "insertion_order": 0,
        "use_regex": False,
    } | changes


def book(*entries: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {"extensions": {}, "entries": list(entries)} | changes
