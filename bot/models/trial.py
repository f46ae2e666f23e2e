"""Whether a model does what is asked of it: one real question, for ``everbot doctor``."""

from __future__ import annotations

import base64
import struct
import uuid
import zlib
from typing import Any, Protocol

from bot.ports import ChatModel, Form, ModelRequest

_ROOM = 1_024  # tokens: a model that reasons may need them
_SPEAK: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "send_message",
        "description": "Say something to the person.",
        "parameters": {
            "type": "object",
            "properties": {"message": {"type": "string", "description": "what to say"}},
            "required": ["message"],
        },
    },
}
_BY_CALL = "You speak to the person only by calling the function send_message."
_BY_OBJECT = (
    'Answer with one JSON object and nothing else: {"remember": [...], "answer": "..."}. "remember" is a list of '
    'notes, most often [], and "answer" is what you say.'
)


class Tried(ChatModel, Protocol):
    """``form`` is the one in which it is asked; ``place`` is its server, for people."""

    form: Form

    @property
    def place(self) -> str: ...


async def eyes(model: Tried) -> tuple[bool, str]:
    """Whether it sees: it is shown a red square. Raises what the model raises."""
    shown = [
        {"type": "text", "text": "Which colour is this picture? Answer with one word, in English."},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{_RED}"}},
    ]
    key = f"eyes/{uuid.uuid4()}"
    messages = [{"role": "user", "content": shown}]
    reply = await model.complete(ModelRequest(key=key, messages=messages, max_tokens=_ROOM, form=model.form))
    if "red" in reply.text.casefold():
        return True, f"The model {model.name} at {model.place} sees."
    return False, (
        f"The model {model.name} at {model.place} does not see what it is shown: set its vision = false, or use "
        "another model."
    )


def _square(*colour: int) -> str:
    """A PNG of 64 by 64 pixels of one colour, in base64 (PNG specification, 5 and 11)."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = zlib.compress((b"\0" + bytes(colour) * 64) * 64)
    parts = (
        chunk(b"IHDR", struct.pack(">IIBBBBB", 64, 64, 8, 2, 0, 0, 0)),
        chunk(b"IDAT", rows),
        chunk(b"IEND", b""),
    )
    return base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"".join(parts)).decode()


_RED = _square(220, 20, 30)


async def trial(model: Tried, shape: Any) -> tuple[bool, str]:
    """Whether it will do, and a sentence on it that names the setting to write where another would do better. Raises
    what the model raises."""
    as_object = model.form is Form.JSON
    reply = await model.complete(
        ModelRequest(
            key=f"trial/{uuid.uuid4()}",  # never the same: the server is to answer anew
            messages=[
                {"role": "system", "content": _BY_OBJECT if as_object else _BY_CALL},
                {"role": "user", "content": "Say hello to me."},
            ],
            tools=[_SPEAK],
            max_tokens=_ROOM,
            form=model.form,
            meant={"answer": "send_message", "remember": "send_message"},
            shape=shape if as_object else None,
        )
    )
    who = f"The model {model.name} at {model.place}"
    if as_object:
        if reply.calls:
            return True, f'{who} answers with JSON, as [model] protocol = "json" asks it to.'
        return False, (
            f"{who} does not answer with the JSON that it is asked for: what it writes is said, but it notes nothing. "
            'Use a model that calls functions (protocol = "tools"), or a server that takes response_format.'
        )
    if reply.calls and not reply.written:
        return True, f"{who} calls functions."
    if reply.calls or reply.unread:
        return True, (
            f"{who} does not call functions: it answers with JSON in its text, which is read. Small models do better "
            'with [model] protocol = "json".'
        )
    return False, (
        f"{who} neither calls functions nor writes calls into its text (some chat templates drop functions silently): "
        'set [model] protocol = "json", or use a model that calls functions.'
    )
