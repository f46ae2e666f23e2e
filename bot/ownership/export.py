"""A person's memory as files: to take away, and to put back elsewhere. The format is in docs/export.md.

Only what an audience may see is taken. Of other people there is nothing but what they said to this agent:
the lines that stood beside a message, and what it replied to, stay behind; so do images.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from uuid import uuid4

from bot import bundle
from bot.agent import context
from bot.bundle import Row, Tables
from bot.errors import CommandError, refused
from bot.events import File
from bot.language import gettext
from bot.ownership.rendered import Shown, read, unpaired
from bot.ownership.rows import HISTORY
from bot.ports import Clock, Rendered
from memory.ports import Session, Store
from memory.records import (
    IMPORTED_FROM,
    Agent,
    Audience,
    Audiences,
    BlockEdit,
    Conversation,
    Message,
    Role,
    Turn,
    Wish,
    readable_from,
)

FORMAT = "everbot-memory/1"
PART = 8_000_000  # bytes; Discord takes files of 10 MB
_BATCH = 1_000
_EDITS = 3_000_000  # characters of a block's history: it is one line
_OTHERS = ("context", "reply_to", "related")  # fields of an event that may hold other people's words
_LEFT = context.to_json({"status": "OK", "message": "What was found stayed behind. Search again."})
"""Instead of what a search in archival storage showed: it may have been what others told their community."""
BEAT = ("speak", "every_s", "first_hour", "last_hour")
MOMENTS = ("next_at", "last_at", "heard_at")
_READ_ME = """\
# What {name} and {persona} know of each other

Taken out of everbot at {at}. `memory.md` and `conversations.md` are for reading. The files that end in `.jsonl` hold
all of it, one JSON object a line, for `everbot import` and for programs; everbot's docs/export.md says what each
field is.
"""


class Export:
    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def files(
        self, agent: Agent, audience: Audience, name: str = "", *, part: int = PART
    ) -> tuple[File, ...]:
        """All of the agent's memory that may be seen in ``audience``, in one zip or several of ``part`` bytes at most;
        ``name`` is what to call it."""
        tables = await self.tables(agent, audience)
        [who] = tables["agent"]
        now = self._clock.now()
        header = {
            "format": FORMAT,
            "everbot": version("everbot"),
            "exported_at": _iso(now),
            "seen_from": audience,
            "id": uuid4().hex,
        }
        read_me = _READ_ME.format(name=who["name"], persona=who["persona"], at=_iso(now))
        memory, conversations = await asyncio.to_thread(lambda: (_memory(tables), _conversations(tables)))
        texts = {"README.md": read_me, "memory.md": memory, "conversations.md": conversations}
        if said := await self._in_rooms(agent, audience):
            texts["rooms.md"] = said
        parts = await asyncio.to_thread(bundle.pack, header, tables, texts, part)
        stem = re.sub(r"[^\w.-]+", "-", name).strip(".-") or f"{now:%Y%m%d-%H%M%S}"
        if len(parts) == 1:
            return (File(name=f"everbot-{stem}.zip", data=parts[0]),)
        names = [f"everbot-{stem}-{number}of{len(parts)}.zip" for number in range(1, len(parts) + 1)]
        return tuple(File(name=name, data=part) for name, part in zip(names, parts, strict=True))

    async def _in_rooms(self, agent: Agent, audience: Audience) -> str:
        """What rooms keep of the person, for people."""
        async with self._store.read() as session:
            lines = await session.rooms.lines(agent.user_id, readable_from(audience))
        return "".join(
            f"- {line.created_at.isoformat()[:16]} ({line.audience}) {_one_line(line.text)}\n"
            for line in lines[::-1]
        )

    async def tables(self, agent: Agent, audience: Audience) -> Tables:
        """The same as rows."""
        audiences = readable_from(audience)
        async with self._store.read() as session:
            places = [
                place
                for place in await session.agents.conversations(agent.id, imported=True)
                if audiences is None or place.audience in audiences
            ]
            turns = _Names()
            at = {place.id: number for number, place in enumerate(places, 1)}
            ended = [turn for turn in await session.mailbox.turns_of(agent.id) if turn.conversation_id in at]
            return {
                "agent": [await self._agent(session, agent)],
                "conversations": [await self._conversation(session, place) for place in places],
                "turns": [_turn(turn, turns, at) for turn in ended],
                "blocks": await self._blocks(session, agent, audiences, turns),
                "messages": await self._messages(session, agent, audiences, turns, at),
                "passages": await self._passages(session, agent, audiences, turns),
                "schedules": [
                    _wish(wish, turns, at)
                    for wish in sorted(await session.schedule.wishes(agent.id), key=_due)
                    if wish.conversation_id in at
                ],
            }

    async def _agent(self, session: Session, agent: Agent) -> Row:
        user = await session.agents.user(agent.user_id)
        persona = await session.personas.get(agent.persona_id)
        beat = await session.schedule.beat(agent.id)
        sources = [archive.name for archive in await session.passages.attached(agent.id)]
        return {
            "name": user.name,
            "persona": persona.name,
            "timezone": user.timezone,
            "language": user.language,
            "locale": user.locale,
            "keeps_secrets": user.keeps_secrets,
            "accounts": sorted(await session.agents.accounts_of(user.id)),
            "sources": sorted(sources),
            "heartbeat": {name: getattr(beat, name) for name in BEAT}
            | {name: _iso(getattr(beat, name)) for name in MOMENTS},
        }

    async def _conversation(self, session: Session, place: Conversation) -> Row:
        summary = await session.messages.summary(place.id)
        row: Row = {"address": place.address, "audience": place.audience, "warned": place.warned}
        if summary is None:
            return {**row, "summary": None}
        told = {name: getattr(summary, name) for name in ("text", "rendered", "tokens", "messages")}
        return {**row, "summary": told | {"since": _iso(summary.since), "at": _iso(summary.created_at)}}

    async def _blocks(self, session: Session, agent: Agent, audiences: Audiences, turns: _Names) -> list[Row]:
        owner = f"agent:{agent.id}"
        edits: dict[int, list[BlockEdit]] = {}
        for edit in await session.blocks.history(owner, audiences, limit=None):
            edits.setdefault(edit.block_id, []).append(edit)
        return [
            {
                **{name: getattr(block, name) for name in BLOCK},
                "history": [
                    {
                        "version": edit.version,
                        "before": edit.before,
                        "after": edit.after,
                        "turn": turns.of(edit.turn_id),
                        "at": _iso(edit.at),
                    }
                    for edit in reversed(_newest(edits.get(block.id, ())))
                ],
            }
            for block in await session.blocks.of(owner, audiences)
        ]

    async def _messages(
        self, session: Session, agent: Agent, audiences: Audiences, turns: _Names, at: dict[int, int]
    ) -> list[Row]:
        rows: list[Row] = []
        after = 0
        while page := await session.messages.rows(agent.id, audiences, after=after, limit=_BATCH):
            after = page[-1].key
            for message in page:
                if message.conversation_id not in at:
                    continue
                rows.append(
                    {
                        **{
                            name: getattr(message, name)
                            for name in ("audience", "author", "text", "step", "origin")
                        },
                        "role": message.role.value,
                        "conversation": at[message.conversation_id],
                        "rendered": _own(message),
                        "at": _iso(message.created_at),
                        "turn": turns.of(message.turn_id),
                        "event": message.event_key,
                    }
                )
        for number in _unfit(rows):
            rows[number]["rendered"] = ""
        return rows

    async def _passages(
        self, session: Session, agent: Agent, audiences: Audiences, turns: _Names
    ) -> list[Row]:
        count = await session.passages.count(agent.archive_id, audiences)
        passages = (await session.passages.page(agent.archive_id, audiences, limit=count))[::-1]
        opened = await session.passages.opened([passage.uid for passage in passages])
        copies = {copy.uid: uid for uid, found in opened.items() for copy in found}
        known = {passage.uid for passage in passages}
        return [
            {
                **{name: getattr(p, name) for name in NOTE},
                "tags": list(p.tags),
                "at": _iso(p.created_at),
                "turn": turns.of(p.turn_id),
                "copy_of": copies.get(p.uid),
                "since": p.since and _iso(p.since),
                "until": p.until and _iso(p.until),
                "replaced_by": p.replaced_by if p.replaced_by in known else None,
            }
            for p in passages
        ]


def keep(folder: Path, agent: Agent, file: File) -> Path:
    """Write a file where only its owner can read it; it goes when the agent is forgotten.

    Raises `CommandError` when it can't be written.
    """
    path = folder / f"agent-{agent.id}-{file.name.removeprefix('everbot-')}"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.touch(mode=0o600)
        path.write_bytes(file.data)
    except OSError as error:
        why = gettext(
            "Nothing was saved: {path} cannot be written ({reason}).", path=path, reason=refused(error)
        )
        raise CommandError(why) from None
    return path


NOTE = ("uid", "audience", "text", "source", "position", "origin", "doubtful", "file")
BLOCK = ("label", "audience", "value", "limit", "description", "read_only", "version")


@dataclass
class _Names:
    """Names for turns, whose ids mean nothing elsewhere: ``t1``, ``t2`` ... in the order they are met."""

    known: dict[str, str] = field(default_factory=dict)

    def of(self, name: str | None) -> str | None:
        if name is None:
            return None
        return self.known.setdefault(name, f"t{len(self.known) + 1}")


def _own(message: Message) -> str:
    """How a message in view is shown, without others' words and without images; empty for one that is not."""
    if not message.queued or not message.rendered:
        return ""
    rendered = json.loads(message.rendered)
    if message.author == "archival_memory_search":
        return context.tool_message(rendered["tool_call_id"], _LEFT)
    if message.role is not Role.USER:
        return Rendered(message.rendered).text
    fields = context.told(rendered)
    return context.user_message({k: v for k, v in fields.items() if k not in _OTHERS})


def _newest(edits: Sequence[BlockEdit]) -> list[BlockEdit]:
    """The newest, which come first, as many as are taken away."""
    kept, left = [], _EDITS
    for edit in edits[:HISTORY]:
        left -= len(edit.before) + len(edit.after)
        if left < 0:
            break
        kept.append(edit)
    return kept


def _unfit(rows: Sequence[Row]) -> Iterator[int]:
    """Which rows a model can't be shown as they are, of an older version's or a crash's making. They stay in recall
    storage; `bot.ownership.memory_file` takes nothing like them."""
    places: dict[int, list[tuple[int, Shown]]] = {}
    for number, row in enumerate(rows):
        if row["rendered"]:
            try:
                shown = read(Role(row["role"]), row["author"], row["event"], row["rendered"])
            except ValueError:
                yield number
                continue
            places.setdefault(row["conversation"], []).append((number, shown))
    for messages in places.values():
        yield from unpaired(messages)


def _turn(turn: Turn, turns: _Names, at: dict[int, int]) -> Row:
    place = at[turn.conversation_id]
    return {"id": turns.of(turn.id), "conversation": place, "kind": turn.kind, "at": _iso(turn.started_at)}


def _due(wish: Wish) -> tuple[datetime, datetime, str]:
    """An order that does not hang on ids."""
    return wish.next_at, wish.created_at, wish.about


def _wish(wish: Wish, turns: _Names, at: dict[int, int]) -> Row:
    return {
        "conversation": at[wish.conversation_id],
        "about": wish.about,
        "rule": wish.rule,
        "turn": turns.of(wish.turn_id),
        "next_at": _iso(wish.next_at),
        "at": _iso(wish.created_at),
    }


def _memory(tables: Tables) -> str:
    """Core memory, passages and reminders, for people."""
    parts = ["# Core memory"]
    parts += [f"## {b['label']} ({b['audience']})\n\n{b['value'] or '(empty)'}" for b in tables["blocks"]]
    parts.append("# Notes")
    parts += [
        f"- {p['at'][:10]} ({p['audience']}) {_one_line(p['text'])}"
        + (f" [{', '.join(p['tags'])}]" if p["tags"] else "")
        for p in tables["passages"]
        if not p["file"]
    ]
    documents = {
        p["file"]: f"- {p['at'][:10]} ({p['audience']}) {p['source']}"
        for p in tables["passages"]
        if p["file"]
    }
    parts += ["# Documents", *documents.values()] if documents else []
    parts.append("# Reminders")
    parts += [f"- {w['next_at'][:16]} {w['rule']} {_one_line(w['about'])}" for w in tables["schedules"]]
    return "\n\n".join(parts) + "\n"


def _conversations(tables: Tables) -> str:
    """What was said, place by place, for people."""
    parts = []
    for number, place in enumerate(tables["conversations"], 1):
        lines = [
            f"- {m['at'][:16]}{_mark(m)} **{m['author']}**: {_one_line(m['text'])}"
            for m in tables["messages"]
            if m["conversation"] == number and m["text"]
        ]
        parts.append("\n".join([f"# {place['address']} ({place['audience']})", "", *lines]))
    return "\n\n".join(parts) + "\n"


def _mark(message: Row) -> str:
    return f" ({IMPORTED_FROM}{message['origin']})" if message["origin"] else ""


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _iso(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()
