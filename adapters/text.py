"""Texts as platforms give and take them: split on natural borders, commands told from talk, views as text. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection

from bot.events import Action, View

_FENCE = re.compile(r"^[ \t]{0,3}(`{3,}|~{3,})[ \t]*([^\s`]*)", re.MULTILINE)
_BORDERS = ("\n\n", "\n", ". ", "! ", "? ", "; ", ", ", " ")


def split(text: str, limit: int) -> list[str]:
    """The text in parts of at most ``limit`` characters, in order; at least one, none of them blank.

    A part ends at a paragraph, else a line, a sentence, a word, wherever the last third of the room allows.
    A code fence that a border cuts is closed before it and opened again after it, with its language.
    """
    parts = []
    rest, fence = text.strip(), ""
    while rest:
        opening = f"{fence}\n" if fence else ""
        room = limit - len(opening)
        if len(rest) <= room:
            parts.append(opening + rest)
            break
        closing = len(_mark(fence)) + 1 if fence else 0
        at = _border(rest, room - closing)
        fence_after = _open_fence(opening + rest[:at])
        if fence_after and not closing:
            # The border falls into a fence that begins here: room for closing it is needed.
            at = _border(rest, room - len(_mark(fence_after)) - 1)
            fence_after = _open_fence(opening + rest[:at])
        part = (opening + rest[:at]).rstrip()
        if fence_after:
            part += f"\n{_mark(fence_after)}"
        if part.strip():
            parts.append(part)
        rest = rest[at:].lstrip("\n") if fence_after else rest[at:].lstrip()
        fence = fence_after
    return parts or [text]


def command_of(text: str, known: Collection[str]) -> tuple[str, str] | None:
    """Name and argument of ``!word argument``, when there is such a command."""
    name, _, argument = text.strip().partition(" ")
    if name.startswith("!") and name[1:].lower() in known:
        return name[1:].lower(), argument.strip()
    return None


def _border(text: str, room: int) -> int:
    """Where to cut so that at most ``room`` characters come before."""
    for border in _BORDERS:
        at = text.rfind(border, room * 2 // 3, room)
        if at > 0:
            return at + len(border.rstrip("\n")) if border.strip() else at + (0 if border != " " else 1)
    at = max(1, room)
    while at > 1 and text[at - 1] == text[at] and text[at] in "`~":
        at -= 1  # the signs of a fence stay together
    return at


def _open_fence(text: str) -> str:
    """The opening line of the code fence that is open at the end of the text; empty when none is."""
    fence = ""
    for match in _FENCE.finditer(text):
        mark, language = match.groups()
        if not fence:
            fence = mark + language
        elif mark.startswith(_mark(fence)) and not language:
            fence = ""
    return fence


def _mark(fence: str) -> str:
    """The fence's signs without its language."""
    return fence[: len(fence) - len(fence.lstrip(fence[0]))] if fence else ""


def plain(view: View, sign: str = "") -> str:
    """A view as text; with a ``sign`` (``/`` or ``!``) its actions are named as the commands that they are."""
    parts = [view.text]
    for number, entry in enumerate(view.entries, 1):
        lines = [f"{number}. {entry.text}", *([f"   {entry.note}"] if entry.note else [])]
        if sign and entry.actions:
            lines.append("   " + "  ".join(_usage(action, sign) for action in entry.actions))
        parts.append("\n".join(lines))
    if sign and view.actions:
        parts.append("  ".join(_usage(action, sign) for action in view.actions))
    return "\n\n".join(part for part in parts if part)


def _usage(action: Action, sign: str) -> str:
    return f"{sign}{action.command} {action.argument}".rstrip()
