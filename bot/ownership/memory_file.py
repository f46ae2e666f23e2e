"""A memory as `bot.ownership.export` writes it, read and checked as a whole before anybody believes a row of it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TypeVar
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from bot import bundle
from bot.errors import BundleError
from bot.ownership import rendered, rows
from bot.ownership.export import FORMAT
from bot.people import schedules
from bot.safety.secrets import bare
from memory.records import Role

R = TypeVar("R", bound=rows.Row)
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")  # as JSON writes it; a backslash that is written is two
_IN_VIEW = 100_000  # messages of a place
_SHOWN = 32_000_000  # characters of them: no model's window takes more


class MemoryFile:
    """One that is sound: every row by itself, and with those that it names. Rows are read anew each time. ``masks``:
    without secrets, unless the person keeps them."""

    def __init__(self, parts: Sequence[bytes], now: datetime, *, masks: bool = False) -> None:
        """Raises `BundleError`: which file, which row, and what is expected there."""
        self._now, self._masks = now, False
        self._whole = bundle.opened(parts, FORMAT)
        _check_tables(self._whole.tables)
        people = list(self.each(rows.Person))
        if len(people) != 1:
            raise BundleError("agent.jsonl in it must hold one line: whose memory it is.")
        self.person: rows.Person = people[0]
        self._masks = masks and not self.person.keeps_secrets
        self.places: Sequence[rows.Place] = self._places()
        for check in (self._turns, self._blocks, self._messages, self._passages, self._wishes):
            check()

    def each(self, kind: type[R]) -> Iterator[R]:
        """All rows of that kind, in their order."""
        return (row for _, row in self._read(kind))

    def _read(self, kind: type[R]) -> Iterator[tuple[str, R]]:
        for line in self._whole.lines(kind.table, kind.most):
            if b"\\u0000" in line.data and _NUL.search(line.data):
                raise BundleError(f"{line.where}: a text in it holds a NUL.")
            try:
                row = kind.model_validate_json(self._kept(line.data))
            except ValidationError as error:
                raise BundleError(f"{line.where}: {rendered.problem(error)}.") from None
            yield line.where, row

    def _kept(self, line: bytes) -> bytes:
        """A line, as it is kept. It is read first: what is escaped in it is no secret's shape."""
        if not self._masks:
            return line
        try:
            row = json.loads(line)
            kept = bare(row)
            return line if kept is row else json.dumps(kept, ensure_ascii=False).encode()
        except (ValueError, RecursionError):
            return line  # what is wrong with it is told by whoever reads it

    def _places(self) -> list[rows.Place]:
        places: dict[tuple[str, str], rows.Place] = {}
        for where, place in self._read(rows.Place):
            if (place.address, place.audience) in places:
                raise BundleError(f"{where}: a line before it is of the same address and audience.")
            if place.summary is not None:
                _shown(where, Role.USER, "", None, place.summary.rendered, "summary.rendered")
            places[place.address, place.audience] = place
        return list(places.values())

    def _place(self, where: str, number: int) -> rows.Place:
        if number > len(self.places):
            raise BundleError(
                f"{where}: conversation: {number} is none, conversations.jsonl has {len(self.places)} lines."
            )
        return self.places[number - 1]

    def _turns(self) -> None:
        known = _Known("id")
        for where, turn in self._read(rows.TurnRow):
            known.add(where, turn.id)
            self._place(where, turn.conversation)

    def _blocks(self) -> None:
        known = _Known("label and audience")
        for where, block in self._read(rows.BlockRow):
            known.add(where, (block.label, block.audience))

    def _messages(self) -> None:
        events, views = _Known("event"), [_View() for _ in self.places]
        for where, message in self._read(rows.MessageRow):
            place = self._place(where, message.conversation)
            if message.audience != place.audience:
                raise BundleError(
                    f"{where}: audience: {place.audience} is expected, as its conversation has it."
                )
            if message.event is not None:
                events.add(where, message.event)
            if message.rendered:
                shown = _shown(
                    where, message.role, message.author, message.event, message.rendered, "rendered"
                )
                views[message.conversation - 1].add(where, shown, len(message.rendered))
        for view in views:
            view.end()

    def _passages(self) -> None:
        known = _Known("uid")
        for where, passage in self._read(rows.PassageRow):
            if passage.copy_of is not None and passage.copy_of not in known:
                raise BundleError(
                    f"{where}: copy_of: the uid of a passage that stands before it is expected."
                )
            known.add(where, passage.uid)

    def _wishes(self) -> None:
        for where, wish in self._read(rows.WishRow):
            self._place(where, wish.conversation)
            try:
                schedules.first(wish.rule or "every 1d", self._now, ZoneInfo(self.person.timezone))
            except schedules.NotATime as error:
                raise BundleError(f"{where}: rule: {error}.") from None


class _Known:
    """What no two rows may have in common."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._values: set[object] = set()

    def __contains__(self, value: object) -> bool:
        return value in self._values

    def add(self, where: str, value: object) -> None:
        if value in self._values:
            raise BundleError(f"{where}: {self._what}: a line before it has the same.")
        self._values.add(value)


class _View:
    """What of a place a model is shown."""

    def __init__(self) -> None:
        self._pairing = rendered.Pairing()
        self._messages = self._characters = 0

    def add(self, where: str, shown: rendered.Shown, length: int) -> None:
        self._refuse(self._pairing.add(where, shown))
        self._messages += 1
        self._characters += length
        if self._messages > _IN_VIEW or self._characters > _SHOWN:
            raise BundleError(
                f"{where}: rendered: of one conversation at most {_IN_VIEW:,} messages of {_SHOWN:,} characters are "
                "shown; the older ones have none."
            )

    def end(self) -> None:
        self._refuse(self._pairing.end())

    def _refuse(self, unpaired: Sequence[str]) -> None:
        if unpaired:
            raise BundleError(
                f"{unpaired[0]}: rendered: each call is followed by its result (role tool, the same id), and each "
                "result follows its call; this one stands alone."
            )


def _shown(where: str, role: Role, author: str, event: str | None, text: str, field: str) -> rendered.Shown:
    try:
        return rendered.read(role, author, event, text)
    except ValueError as error:
        raise BundleError(f"{where}: {field}: {error}.") from None


def _check_tables(tables: Sequence[str]) -> None:
    known = {kind.table for kind in rows.KINDS}
    for name in tables:
        if name not in known:
            raise BundleError(f"{name[:60]}.jsonl in it is no part of {FORMAT}.")
