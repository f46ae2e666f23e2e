"""Texts as platforms give and take them: split on natural borders, commands told from talk, views as text. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection

from bot.events import Action, View

_FENCE = re.compile(r"^[ \t]{0,3}(`{3,}|~{3,})[ \t]*([^\s`]*)", re.MULTILINE)
_BLANKS, _LINES = re.compile(r"\s*"), re.compile(r"\n*")
_FENCED = re.compile(r"(^[ \t]{0,3}```.*?(?:^[ \t]{0,3}```|\Z))", re.MULTILINE | re.DOTALL)
_BORDERS = ("\n\n", "\n", ". ", "! ", "? ", "; ", ", ", " ")


def split(text: str, limit: int) -> list[str]:
    """The text in parts of at most ``limit`` characters, in order; at least one, none of them blank.

    A part ends at a paragraph, else a line, a sentence, a word, wherever the last third of the room allows.
    A code fence that a border cuts is closed before it and opened again after it, with its language. However
    long fences are, each part but the last takes at least half of ``limit`` characters of the text.
    """
    parts = []
    whole, fence = text, ""
    text = text.strip()
    start, end = 0, len(text)
    while start < end:
        opening = f"{fence}\n" if fence else ""
        room = limit - len(opening)
        if end - start <= room:
            parts.append(opening + text[start:])
            break
        closing = len(_mark(fence)) + 1 if fence else 0
        at = _border(text, start, room - closing)
        fence_after = _open_fence(opening + text[start:at], limit)
        if fence_after and not closing:
            # The border falls into a fence that begins here: room for closing it is needed.
            at = _border(text, start, room - len(_mark(fence_after)) - 1)
            fence_after = _open_fence(opening + text[start:at], limit)
        part = (opening + text[start:at]).rstrip()
        if fence_after:
            part += f"\n{_mark(fence_after)}"
        if part.strip():
            parts.append(part)
        blank = (_LINES if fence_after else _BLANKS).match(text, at)
        start = blank.end() if blank else at
        fence = fence_after
    return parts or [whole]


def command_of(text: str, known: Collection[str]) -> tuple[str, str] | None:
    """Name and argument of ``!word argument``, when there is such a command."""
    name, _, argument = text.strip().partition(" ")
    if name.startswith("!") and name[1:].lower() in known:
        return name[1:].lower(), argument.strip()
    return None


def spelling(names: Collection[str], sign: str) -> Callable[[str], str]:
    """How texts name these commands on a platform: with ``sign`` ``/everbot `` ``/forget yes`` reads ``/everbot forget
    yes``. What only looks like a command stays: a part of a path or an address, and all that is fenced as code."""
    command = re.compile(rf"(?<![\w/.:~<>=&?%-])/(?=(?:{'|'.join(map(re.escape, names))})(?![\w/-]|\.\w))")

    def spelled(text: str) -> str:
        parts = _FENCED.split(text)
        return "".join(part if n % 2 else command.sub(sign, part) for n, part in enumerate(parts))

    return spelled


def _border(text: str, start: int, room: int) -> int:
    """Where to cut so that at most ``room`` characters from ``start`` come before."""
    first, last = start + room * 2 // 3, start + room
    for border in _BORDERS:
        at = text.rfind(border, first, last)
        if at > start:
            return at + len(border.rstrip("\n")) if border.strip() else at + (0 if border != " " else 1)
    at = last
    while at > first and text[at - 1] == text[at] and text[at] in "`~":
        at -= 1  # the signs of a fence stay together
    return at if at > first else last  # but no fence is as long as that


def _open_fence(text: str, limit: int) -> str:
    """The opening line of the code fence that is open at the end of the text; empty when none is. One too long to
    be repeated in parts of ``limit`` characters is none."""
    fence = ""
    for match in _FENCE.finditer(text):
        mark, language = match.groups()
        if fence:
            if mark.startswith(_mark(fence)) and not language:
                fence = ""
        elif len(mark) <= limit // 8:
            fence = mark + language if len(mark + language) <= limit // 4 else mark
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
