"""A JSON value with less in it: what is cut before it is encoded stays JSON. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any


def shortened(value: Any, fits: Callable[[Any], bool]) -> Any:
    """As much of a value as ``fits``: the ends of its longest lists and texts go. None when nothing of it does."""
    while not fits(value):
        less = _less(value)
        if less is None:
            return None
        value = less
    return value


def _less(value: Any) -> Any:
    """The value without about a quarter of it; None when nothing can be taken away."""
    if isinstance(value, str):
        return value[: len(value) * 3 // 4] or None
    if isinstance(value, list):
        if len(value) > 1:
            return value[: len(value) * 3 // 4]
        less = _less(value[0]) if value else None
        return None if less is None else [less]
    if isinstance(value, dict) and value:
        longest = max(value, key=lambda name: len(json.dumps(value[name], default=str)))
        less = _less(value[longest])
        rest = {name: inner for name, inner in value.items() if name != longest}
        return (rest or None) if less is None else {**value, longest: less}
    return None
