"""What a request says, and how answers look on the wire. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.events import Attachment

_IMAGES = ("image/png", "image/jpeg", "image/gif", "image/webp")
_LONGEST = 255  # signs of an Idempotency-Key


class Refused(Exception):
    """The request is answered with an error, as OpenAI's API words them. ``status`` is of HTTP."""

    def __init__(self, status: int, message: str, code: str, param: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.body = {
            "error": {
                "message": message,
                "type": "invalid_request_error" if status < 500 else "server_error",
                "param": param,
                "code": code,
            }
        }


@dataclass(frozen=True, kw_only=True)
class Asked:
    """``model`` is a persona's name. ``usage``: a stream ends with a chunk of it."""

    model: str
    text: str
    images: tuple[Attachment, ...]
    stream: bool
    usage: bool


def asked(body: Any, *, vision: bool) -> Asked:
    """Raises `Refused`."""
    if not isinstance(body, dict):
        raise Refused(400, "The body must be a JSON object.", "invalid_json")
    model, messages = body.get("model"), body.get("messages")
    if not isinstance(model, str) or not model:
        raise Refused(400, "model must be the name of a persona: see /v1/models.", "invalid_value", "model")
    if not isinstance(messages, list):
        raise Refused(400, "messages must be a list.", "invalid_value", "messages")
    mine = [m for m in messages if isinstance(m, dict) and m.get("role") == "user"]
    if not mine:
        raise Refused(400, "messages must hold one of the role user.", "invalid_value", "messages")
    text, images = _content(mine[-1].get("content"), vision=vision)
    if not text.strip() and not images:
        raise Refused(400, "The last message of the user is empty.", "invalid_value", "messages")
    options = body.get("stream_options")
    return Asked(
        model=model,
        text=text,
        images=images,
        stream=body.get("stream") is True,
        usage=isinstance(options, dict) and options.get("include_usage") is True,
    )


def _content(content: Any, *, vision: bool) -> tuple[str, tuple[Attachment, ...]]:
    if isinstance(content, str):
        return content, ()
    if not isinstance(content, list):
        raise Refused(400, "content must be a text, or a list of parts.", "invalid_value", "messages")
    texts: list[str] = []
    images: list[Attachment] = []
    for part in content:
        kind = part.get("type") if isinstance(part, dict) else None
        if kind == "text" and isinstance(part.get("text"), str):
            texts.append(part["text"])
        elif kind == "image_url":
            images.append(_image(part.get("image_url"), vision=vision))
        else:
            raise Refused(400, f"Parts of the type {kind!r} are not taken.", "invalid_value", "messages")
    return "\n".join(texts), tuple(images)


def _image(given: Any, *, vision: bool) -> Attachment:
    url = given.get("url") if isinstance(given, dict) else None
    kind = url.removeprefix("data:").partition(";")[0] if isinstance(url, str) else ""
    if not vision or not isinstance(url, str) or not url.startswith("data:") or kind not in _IMAGES:
        why = "as data: URLs of PNG, JPEG, GIF or WebP" if vision else "by no model here"
        raise Refused(400, f"Images are taken {why}.", "invalid_value", "messages")
    return Attachment(name=f"image.{kind.partition('/')[2]}", media_type=kind, image=url)


def event_key(bearer: str, wished: str | None, fresh: str) -> str:
    """The key of the event: the same for the same ``Idempotency-Key``; raises `Refused` for one too long."""
    if wished is None or not wished.strip():
        return f"program:{bearer}:{fresh}"
    if len(wished) > _LONGEST:
        raise Refused(400, f"Idempotency-Key is longer than {_LONGEST} signs.", "invalid_value")
    return f"program:{bearer}:{hashlib.sha256(wished.encode('utf-8', 'replace')).hexdigest()}"


def completion(name: str, model: str, at: datetime, text: str) -> dict[str, Any]:
    """A whole answer."""
    message = {"role": "assistant", "content": text, "refusal": None}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
    return {
        "id": name,
        "object": "chat.completion",
        "created": int(at.timestamp()),
        "model": model,
        "choices": [choice],
        "usage": _NOT_TOLD,
    }


_NOT_TOLD = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}
"""What a turn takes is the operator's business: it is told by /metrics and `everbot admin usage`."""


def chunk(
    name: str, model: str, at: datetime, delta: Mapping[str, str] | None, *, last: bool = False
) -> bytes:
    """A part of a streamed answer, as a server-sent event; ``delta`` None: that of the usage."""
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": "stop" if last else None}
    told: dict[str, Any] = {
        "id": name,
        "object": "chat.completion.chunk",
        "created": int(at.timestamp()),
        "model": model,
        "choices": [choice] if delta is not None else [],
    }
    if delta is None:
        told["usage"] = _NOT_TOLD
    return f"data: {json.dumps(told, ensure_ascii=False)}\n\n".encode()


DONE = b"data: [DONE]\n\n"


def models(personas: Sequence[str], at: datetime) -> dict[str, Any]:
    """The list of models."""
    return {"object": "list", "data": [model(name, at) for name in personas]}


def model(persona: str, at: datetime) -> dict[str, Any]:
    return {"id": persona, "object": "model", "created": int(at.timestamp()), "owned_by": "everbot"}
