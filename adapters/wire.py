"""A platform's JSON, read without trust: what is missing, null, new or of another type is empty. Pure."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]


def record(value: object) -> Json:
    return value if isinstance(value, dict) else {}


def records(value: object) -> list[Json]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def text(value: object) -> str:
    return value if isinstance(value, str) else ""


def texts(value: object) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def number(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0
