"""A question for a model that has no eyes: what pictures show is told beside them, in words. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bot.ports import ModelRequest


def without_pictures(request: ModelRequest) -> ModelRequest:
    """The same question, its messages without pictures, and the same object where there are none."""
    if not any(map(_has_pictures, request.messages)):
        return request
    return replace(request, messages=[_bare(m) if _has_pictures(m) else m for m in request.messages])


def _has_pictures(message: Mapping[str, Any]) -> bool:
    content = message.get("content")
    return isinstance(content, list) and any(part.get("type") == "image_url" for part in content)


def _bare(message: Mapping[str, Any]) -> dict[str, Any]:
    texts = [part["text"] for part in message["content"] if part.get("type") == "text"]
    return {**message, "content": "\n".join(texts)}
