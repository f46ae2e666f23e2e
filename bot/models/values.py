"""Values of JSON that others wrote, read for what they are: what is of another type counts as nothing. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def object_of(value: object) -> dict[str, Any]:
    """The value, or an empty object where it is none."""
    return value if isinstance(value, dict) else {}


def list_of(value: object) -> list[Any]:
    """The value, or an empty list where it is none."""
    return value if isinstance(value, list) else []


def text_of(value: object) -> str:
    """The value, or an empty text where it is none."""
    return value if isinstance(value, str) else ""


def text_in(data: Mapping[str, Any], key: str) -> str:
    """The text under a key; empty where there is none."""
    return text_of(data.get(key))


def read(text: object) -> Any:
    """The JSON object or list in ``text``, or ``text`` itself."""
    if not isinstance(text, str) or text.lstrip()[:1] not in ("{", "["):
        return text
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
