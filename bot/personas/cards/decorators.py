"""Decorators of lorebook entries: the lines ``@@name value`` at the head of an entry's content (V3).

Those that everbot follows are `FOLLOWED`. Any other, and one whose value is not valid, gives way to its fallback
(``@@@name value`` on the next line), and is ignored if it has none. Where an entry stands in the context and in
whose role is everbot's to decide, so that the cached prefix holds: @@depth, @@position, @@role and their kin are
among the ignored, as is what would need a memory of earlier matches.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

FOLLOWED = {
    "activate": "none",
    "dont_activate": "none",
    "activate_only_after": "number",
    "activate_only_every": "number",
    "scan_depth": "number",
    "is_greeting": "number",
    "additional_keys": "keys",
    "exclude_keys": "keys",
}
REPEATED = frozenset({"additional_keys"})  # the specification lets it stand several times
MAX_FALLBACKS = 16

_LINE = re.compile(r"@@(@?)([A-Za-z_]+)(?:[ \t]+(.*))?")
_NUMBER = re.compile(r"[0-9]{1,9}")


@dataclass(frozen=True, kw_only=True)
class Decorators:
    activate: bool = False
    dont_activate: bool = False
    activate_only_after: int | None = None
    activate_only_every: int | None = None
    scan_depth: int | None = None
    is_greeting: int | None = None
    additional_keys: tuple[tuple[str, ...], ...] = ()
    exclude_keys: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()  # names, for whoever imports the card


def split(content: str) -> tuple[Decorators, str]:
    """The decorators of an entry's content, and the content without them."""
    lines = content.split("\n")
    first = next(
        (n for n, line in enumerate(lines) if line.strip() and not line.startswith("@@")), len(lines)
    )
    return _read([line.strip() for line in lines[:first]]), "\n".join(lines[first:]).strip("\r\n")


def _read(lines: list[str]) -> Decorators:
    found: dict[str, list[str]] = {}
    ignored: list[str] = []
    fallbacks = -1  # how many the decorator before may still have; -1: it was followed, or there is none
    for line in lines:
        mark = _LINE.fullmatch(line)
        if not mark:
            fallbacks = -1
            continue
        fallback, name, value = bool(mark[1]), mark[2].lower(), (mark[3] or "").strip()
        if fallback and fallbacks < 0:
            continue
        if _followed(name, value):
            found.setdefault(name, []).append(value)
            fallbacks = -1
        else:
            ignored.append(name)
            fallbacks = fallbacks - 1 if fallback else MAX_FALLBACKS
    return _decorators(found, tuple(dict.fromkeys(ignored)))


def _followed(name: str, value: str) -> bool:
    kind = FOLLOWED.get(name)
    if kind == "number":
        return bool(_NUMBER.fullmatch(value)) and not (name == "activate_only_every" and int(value) == 0)
    return bool(_keys(value)) if kind == "keys" else kind == "none"


def _decorators(found: dict[str, list[str]], ignored: tuple[str, ...]) -> Decorators:
    def number(name: str) -> int | None:
        return int(found[name][0]) if name in found else None

    return Decorators(
        activate="activate" in found,
        dont_activate="dont_activate" in found,
        activate_only_after=number("activate_only_after"),
        activate_only_every=number("activate_only_every"),
        scan_depth=number("scan_depth"),
        is_greeting=number("is_greeting"),
        additional_keys=tuple(_keys(value) for value in found.get("additional_keys", ())),
        exclude_keys=_keys(found["exclude_keys"][0]) if "exclude_keys" in found else (),
        ignored=ignored,
    )


def _keys(value: str) -> tuple[str, ...]:
    return tuple(key for part in value.split(",") if (key := part.strip()))
