"""Memory that other bots keep as Markdown: OpenClaw's workspace, Hermes' memories. What stands there, the bot wrote.

OpenClaw (docs.openclaw.ai, concepts/memory): ``MEMORY.md``, ``USER.md`` and ``memory/YYYY-MM-DD.md``, a day each.
Hermes (hermes-agent, tools/memory_tool.py): ``memories/MEMORY.md`` and ``USER.md``, entries apart by lines that hold
a § alone. Their persona (SOUL.md, IDENTITY.md) is no memory, and is left alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime

from bot.ownership.moving_in.moments import moment
from bot.ownership.moving_in.source import Source
from bot.ownership.moving_in.talks import Left, Line, Talk, Whose

_DAY = re.compile(r"(?:^|/)(\d{4}-\d\d-\d\d)[^/]*\.md$", re.IGNORECASE)
_KEPT = ("memory.md", "user.md")
_APART = re.compile(r"^\s*§\s*$", re.MULTILINE)
_HEADING = re.compile(r"(#{1,6})\s+(.*?)\s*#*$")
_ITEM = re.compile(r"(?:[-*+•]|\d+[.)])\s+(?:\[[ xX]\]\s+)?")
_TIME = re.compile(r"\b([01]?\d|2[0-3]):([0-5]\d)\b")
_TITLE = 1  # how deep the heading is that only names the file


class _Markdown:
    def __init__(self, name: str, what: str, *, sections: bool) -> None:
        self.name, self.what = name, what
        self._sections = sections

    def claims(self, source: Source) -> bool:
        files = self._files(source)
        kept = [name for name in files if name.rpartition("/")[2].casefold() in _KEPT]
        if not files or (len(source.names) > 1 and not kept and not source.ending("soul.md")):
            return False
        return any(_APART.search(source.text(name)) for name in kept) is self._sections

    def read(self, source: Source, whose: Whose, left: Left) -> Iterator[Talk]:
        for name in self._files(source):
            day = _DAY.search(name)
            at = moment(day[1] if day else source.modified(name), whose.zone)
            yield Talk(title=name, lines=self._lines(source, name, at if day else None, whose), at=at)

    def _files(self, source: Source) -> list[str]:
        return [
            name
            for name in source.ending(".md")
            if _DAY.search(name) or name.rpartition("/")[2].casefold() in _KEPT
        ]

    def _lines(self, source: Source, name: str, day: datetime | None, whose: Whose) -> Iterator[Line]:
        text = source.text(name).replace("\r\n", "\n")
        entries = _sections(text) if _APART.search(text) else _entries(text)
        file = "/".join(name.split("/")[-2:])
        for heading, entry in entries:
            said = f"{heading}: {entry}" if heading else entry
            time = _TIME.search(heading)
            at = day
            if day is not None and time:
                local = day.astimezone(whose.zone)
                at = local.replace(hour=int(time[1]), minute=int(time[2]))
            yield Line(id=f"{file}/{said}", author=self.what, text=said, at=at)


def OpenClaw() -> _Markdown:  # beside the classes of the other formats
    """See `bot.ownership.moving_in.talks.Format`."""
    return _Markdown("openclaw", "OpenClaw", sections=False)


def Hermes() -> _Markdown:
    """See `bot.ownership.moving_in.talks.Format`."""
    return _Markdown("hermes", "Hermes", sections=True)


def _sections(text: str) -> Iterator[tuple[str, str]]:
    return (("", entry.strip()) for entry in _APART.split(text) if entry.strip())


def _entries(text: str) -> Iterator[tuple[str, str]]:
    """Heading and text of each item of a list, with what is indented under it, and of each paragraph."""
    headings: dict[int, str] = {}
    held: list[str] = []

    def entry() -> Iterator[tuple[str, str]]:
        said = "\n".join(held).strip()
        held.clear()
        if said:
            yield " / ".join(headings[depth] for depth in sorted(headings)), said

    for line in text.splitlines():
        heading, item = _HEADING.match(line), _ITEM.match(line)
        if heading:
            yield from entry()
            depth = len(heading[1])
            headings = {d: name for d, name in headings.items() if d < depth}
            if depth > _TITLE:
                headings[depth] = heading[2]
        elif item:
            yield from entry()
            held.append(line[item.end() :].strip())
        elif line.strip():
            held.append(line.strip())
        else:
            yield from entry()
    yield from entry()
