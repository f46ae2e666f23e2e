"""People of one name, told apart in what a room has heard: Alex (1), Alex (2)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from memory.ports import Session
from memory.records import Message, scope_of

_NUMBER = re.compile(r" \(\d+\)$")


async def told_apart(session: Session, rows: Sequence[Message]) -> list[Message]:
    """The rows; the author of what a room heard is followed by their number, where several have or had that name."""
    heard = [row.key for row in rows if row.overheard]
    numbers: dict[int, int] = {}
    for room in {scope_of(key) for key in heard}:
        numbers |= await session.rooms.numbers(room, [key for key in heard if scope_of(key) == room])
    return [
        replace(row, author=f"{row.author} ({numbers[row.key]})") if row.key in numbers else row
        for row in rows
    ]


def is_numbered(row: Message) -> bool:
    return row.overheard and _NUMBER.search(row.author) is not None


def without_number(row: Message) -> str:
    """The author's own name."""
    return _NUMBER.sub("", row.author, count=1) if row.overheard else row.author
