"""A request's body as JSON. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from bot.errors import ModelDenied
from bot.ports import Rendered


def encoded(body: Mapping[str, Any], origin: str = "") -> bytes:
    """The body as JSON, its messages as ``origin`` is to have them. Halves of surrogate pairs, which UTF-8 cannot
    hold, are joined or replaced."""
    try:
        text = ",".join(f"{_json(name)}:{_json(value, origin)}" for name, value in body.items())
    except (TypeError, ValueError, RecursionError) as error:
        raise ModelDenied(f"The request cannot be written as JSON ({error}); check [model] extra.") from None
    try:
        return f"{{{text}}}".encode()
    except UnicodeEncodeError:
        return f"{{{text}}}".encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()


def _json(value: object, origin: str = "") -> str:
    if isinstance(value, list):
        items = (each.text_for(origin) if isinstance(each, Rendered) else _json(each) for each in value)
        return f"[{','.join(items)}]"
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False, default=dict)
