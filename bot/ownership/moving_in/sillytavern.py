"""SillyTavern's chats: a file of JSON lines each, a header first, as they lie in ``data/<user>/chats/<character>/``.

From SillyTavern's own sources (src/endpoints/chats.js, public/scripts/RossAscends-mods.js, public/script.js) and its
documentation: the header has ``user_name``, ``character_name``, ``create_date`` and ``chat_metadata``; a message
``name``, ``is_user``, ``is_system``, ``mes`` (the text that is shown), ``send_date`` (of the writer's clock, or ISO
8601, or milliseconds), ``swipes`` (all answers) and ``swipe_id`` (which of them is shown).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from bot.ownership.moving_in.moments import moment
from bot.ownership.moving_in.source import Source
from bot.ownership.moving_in.talks import Left, Line, Talk, Whose

_HEADERS = (
    frozenset({"user_name", "character_name"}),
    frozenset({"chat_metadata"}),
    frozenset({"is_user", "mes"}),
)


class SillyTavern:
    """See `bot.ownership.moving_in.talks.Format`."""

    name, what = "sillytavern", "SillyTavern"

    def claims(self, source: Source) -> bool:
        return bool(self._files(source))

    def read(self, source: Source, whose: Whose, left: Left) -> Iterator[Talk]:
        for name in self._files(source):
            yield _talk(source, name, whose, left)

    def _files(self, source: Source) -> list[str]:
        single = len(source.names) == 1
        names = source.names if single else source.ending(".jsonl")
        return [name for name in names if any(header <= source.fields(name) for header in _HEADERS)]


def _talk(source: Source, name: str, whose: Whose, left: Left) -> Talk:
    rows = _rows(source, name, left)
    first = next(rows, (0, {}))
    header = {} if "mes" in first[1] else first[1]
    return Talk(
        title=name.rpartition("/")[2].removesuffix(".jsonl"),
        lines=_lines(name, header, first, rows, whose),
        at=moment(header.get("create_date"), whose.zone),
    )


def _lines(
    name: str,
    header: dict[str, Any],
    first: tuple[int, dict[str, Any]],
    rows: Iterator[tuple[int, dict[str, Any]]],
    whose: Whose,
) -> Iterator[Line]:
    character = str(header.get("character_name") or "")
    file = name.rpartition("/")[2]
    if not header and first[0]:
        rows = _before(first, rows)
    for number, row in rows:
        extra = row["extra"] if isinstance(row.get("extra"), dict) else {}
        # What is hidden from the model (/hide) is marked as the system's too, but it was said.
        if "mes" not in row or (row.get("is_system") and (extra.get("type") or row.get("name") == "System")):
            continue
        author = "" if row.get("is_user") else str(row.get("name") or character or SillyTavern.what)
        yield Line(
            id=f"{file}/{number}/{row.get('send_date')}",
            author=author,
            text=_text(row),
            at=moment(row.get("send_date"), whose.zone),
        )


def _text(row: dict[str, Any]) -> str:
    said = str(row.get("mes") or "").strip()
    swipes, chosen = row.get("swipes"), row.get("swipe_id")
    if not said and isinstance(swipes, list) and isinstance(chosen, int) and 0 <= chosen < len(swipes):
        said = str(swipes[chosen] or "").strip()
    return said


def _before(
    first: tuple[int, dict[str, Any]], rows: Iterator[tuple[int, dict[str, Any]]]
) -> Iterator[tuple[int, dict[str, Any]]]:
    yield first
    yield from rows


def _rows(source: Source, name: str, left: Left) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, line in source.lines(name):
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            row = None
        if isinstance(row, dict):
            yield number, row
        else:
            left.out("a line that is no JSON", f"{source.where(name)}, line {number}")
