"""What came to mind at a turn, as it stands in the turn's own row: keys and weights, in JSON. What is deleted goes out
of it in the same unit of work."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from typing import Any

import sqlalchemy as sa

from memory.records import Brought, Surfaced, scope_of, scope_range
from memory.store import tables as t
from memory.store.connection import Connection
from memory.store.fulltext import slices

_FEW = 8  # keys that the database looks for itself


def written(surfaced: Surfaced | None) -> str:
    """As it is stored; empty for nothing."""
    if surfaced is None or not surfaced.lines:
        return ""
    lines = [
        {
            "weight": round(each.weight, 3),
            "why": each.why,
            "messages": each.messages,
            "passages": each.passages,
        }
        for each in surfaced.lines
    ]
    return json.dumps({"sure": round(surfaced.certainty, 3), "lines": lines}, separators=(",", ":"))


def read(text: str) -> Surfaced | None:
    """What `written` made."""
    if not text:
        return None
    held = json.loads(text)
    lines = [
        Brought(
            weight=each["weight"],
            why=tuple(each["why"]),
            messages=tuple(each["messages"]),
            passages=tuple(each["passages"]),
        )
        for each in held["lines"]
    ]
    return Surfaced(certainty=held["sure"], lines=tuple(lines))


async def mentioning(connection: Connection, kind: str, keys: Collection[int]) -> dict[str, str]:
    """The turns at which one of these ``messages`` or ``passages`` came to mind, each with all that did."""
    if not keys:
        return {}
    n, wanted = t.turns.c, set(keys)
    agents = await _whose(connection, kind, wanted)
    condition = n.surfaced != ""
    if agents is not None:
        places = sa.select(t.conversations.c.id).where(t.conversations.c.agent_id.in_(agents))
        condition &= n.conversation_id.in_(places)
    if len(wanted) <= _FEW:
        # Where it is sealed it does not begin as JSON does, and all are to be looked into.
        text = sa.type_coerce(n.surfaced, sa.Text)
        condition &= sa.or_(~text.startswith("{"), *(text.contains(str(key)) for key in wanted))
    rows = await connection.execute(sa.select(n.id, n.surfaced).where(condition))
    return {row.id: row.surfaced for row in rows if wanted & _keys(row.surfaced, kind)}


async def unmind(connection: Connection, kind: str, keys: Collection[int]) -> None:
    """These are gone: they came to nobody's mind."""
    gone = set(keys)
    for turn_id, text in (await mentioning(connection, kind, gone)).items():
        await put(connection, turn_id, _changed(text, kind, lambda key: None if key in gone else key))


async def held(connection: Connection, text: str) -> str:
    """Of what is stored, that of rows which are there, and say something."""
    for kind, table in (("messages", t.messages), ("passages", t.passages)):
        keys = sorted(_keys(text, kind)) if text else []
        there = sa.select(table.c.key).where(table.c.key.in_(keys) & (table.c.text != ""))
        found = set((await connection.execute(there)).scalars()) if keys else set()
        text = _only(text, kind, found)
    return text


def _only(text: str, kind: str, keys: Collection[int]) -> str:
    return _changed(text, kind, lambda key: key if key in keys else None) if text else ""


async def moved(connection: Connection, kind: str, agent_id: int, source: int, shift: int) -> None:
    """The rows of a scope have got other keys: so much higher."""
    low, high = scope_range(source)
    n = t.turns.c
    held = sa.select(n.id, n.surfaced).where((n.agent_id == agent_id) & (n.surfaced != ""))
    for row in (await connection.execute(held)).all():
        text = _changed(row.surfaced, kind, lambda key: key + shift if low <= key <= high else key)
        await put(connection, row.id, text)


async def put(connection: Connection, turn_id: str, text: str) -> None:
    """Let the turn's say so."""
    await connection.execute(t.turns.update().where(t.turns.c.id == turn_id).values(surfaced=text))


async def _whose(connection: Connection, kind: str, keys: Collection[int]) -> list[int] | None:
    """The agents to whose mind they may have come; None: to anybody's, for they were said in a room."""
    scopes = sorted({scope_of(key) for key in keys})
    if kind == "passages":
        own = sa.select(t.agents.c.id).where(t.agents.c.archive_id.in_(scopes))
        return list((await connection.execute(own)).scalars())
    for part in slices(list(keys)):
        lines = sa.select(t.room_lines.c.key).where(t.room_lines.c.key.in_(part)).limit(1)
        if (await connection.execute(lines)).first() is not None:
            return None
    return scopes


def _keys(text: str, kind: str) -> set[int]:
    return {key for line in json.loads(text)["lines"] for key in line[kind]}


def _changed(text: str, kind: str, other: Callable[[int], int | None]) -> str:
    held: dict[str, Any] = json.loads(text)
    lines = [
        line | {kind: [new for key in line[kind] if (new := other(key)) is not None]}
        for line in held["lines"]
    ]
    held["lines"] = [line for line in lines if line["messages"] or line["passages"]]
    return json.dumps(held, separators=(",", ":")) if held["lines"] else ""
