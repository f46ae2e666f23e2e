"""Calls written as tags that bear the tools' own names, or those of their parameters. Pure, and linear in the text.

Models that were taught other programs' protocols write ``<send_message><message>...</message></send_message>`` (Cline
and its kin), or ``<send_message message="..."/>``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from bot.models.call_values import Offered
from bot.models.loose_values import json_at

_CALLS = 64
_ATTRIBUTE = re.compile(r"""([\w-]{1,64})\s?=\s?(?:"([^"]{0,20000})"|'([^']{0,20000})')""")


def tagged(text: str, offered: Offered) -> tuple[str, list[tuple[str, dict[str, Any]]]]:
    """(what is left, the calls) of a text; an argument without a name has the key ""."""
    names = "|".join(sorted(map(re.escape, offered), key=len, reverse=True))
    opening = re.compile(rf"<({names})((?:\s[^<>]{{0,20000}})?)>")
    kept: list[str] = []
    calls: list[tuple[str, dict[str, Any]]] = []
    at = 0
    while (found := opening.search(text, at)) is not None and len(calls) < _CALLS:
        kept.append(text[at : found.start()])
        name, attributes = found[1], found[2].rstrip("/ ")
        values: dict[str, Any] = {key: one or other for key, one, other in _ATTRIBUTE.findall(attributes)}
        at = found.end()
        if not found[2].endswith("/"):
            close = text.find(f"</{name}>", at)
            end = close if close >= 0 else len(text)
            values |= _inner(text[at:end].strip(), offered[name])
            at = min(len(text), end + len(name) + 3)
        calls.append((name, values))
    return "".join([*kept, text[at:]]).strip(), calls


def children(text: str, at: int, end: int, parameters: Sequence[str]) -> dict[str, Any]:
    """The parameters whose tags stand there, each as the text between them."""
    values: dict[str, Any] = {}
    for name in parameters:
        start = text.find(f"<{name}>", at, end)
        if start >= 0:
            inner = start + len(name) + 2
            close = text.find(f"</{name}>", inner, end)
            values[name] = text[inner : close if close >= 0 else end].strip("\n")
    return values


def _inner(body: str, parameters: Sequence[str]) -> dict[str, Any]:
    if values := children(body, 0, len(body), parameters):
        return values
    if body.startswith("{"):
        value, after = json_at(body, 0, len(body))
        if isinstance(value, dict) and not body[after:].strip():
            return value
    return {"": body} if body else {}
