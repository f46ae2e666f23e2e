"""Long conversations from ``items.jsonl``, with the questions of ``questions.jsonl``, in the product's own memory."""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.everbot import EmbedderKind, settings_of
from bot.backends.memory import Memory, open_memory
from memory.records import PRIVATE, Conversation, Message, Role

_FORMATS = (
    "%I:%M %p on %d %B %Y",
    "%H:%M on %d %B %Y",
    "%I:%M %p on %B %d %Y",
    "%B-%d-%Y",
    "%d-%B-%Y",
    "%d %B %Y",
    "%B %d %Y",
    "%d %b %Y",
    "%b %d %Y",
    "%Y/%m/%d (%a) %H:%M",
    "%Y/%m/%d %H:%M",
    "%Y/%m/%d",
    "%m/%d/%Y",
)
_UNKNOWN = datetime(2024, 1, 1, tzinfo=UTC)
_BATCH = 500


def training_options(description: str | None) -> argparse.Namespace:
    """The command line of what is trained on conversations."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, action="append", required=True, help="a folder of conversations")
    parser.add_argument("--keep", type=Path, help="keep the embedded conversations here for the next run")
    return parser.parse_args()


@dataclass(frozen=True)
class Asked:
    """A question, and the items that answer it."""

    qid: str
    scope: str
    category: str
    text: str
    gold: frozenset[str]
    asker: str | None


@dataclass
class Agent:
    """A scope as an agent: its items by key, and the moment after its last one."""

    id: int
    conversation: Conversation
    items: dict[int, str]
    texts: dict[int, str]
    now: datetime


@dataclass
class Dialogues:
    memory: Memory
    agents: dict[str, Agent]
    questions: list[Asked]


def moment(when: str, before: datetime | None) -> datetime | None:
    """A time as people write it; ``before`` when it tells none."""
    text = re.sub(r"(?<=\d)(?:st|nd|rd|th)\b", "", " ".join(when.replace(",", " ").split()))
    with suppress(ValueError):
        at = datetime.fromisoformat(text)
        return at if at.tzinfo else at.replace(tzinfo=UTC)
    for form in _FORMATS:
        with suppress(ValueError):
            return datetime.strptime(text, form).replace(tzinfo=UTC)
    return before


def read(folder: Path) -> tuple[dict[str, list[dict[str, Any]]], list[Asked]]:
    """Items by scope, in order and with the time ``at`` which they were said, and the questions."""
    scopes: dict[str, list[dict[str, Any]]] = {}
    for line in _lines(folder / "items.jsonl"):
        scopes.setdefault(line["scope"], []).append(line)
    for items in scopes.values():
        items.sort(key=lambda item: int(item["seq"]))
        at, session = None, None
        for item in items:
            earlier = at or _UNKNOWN
            at = moment(str(item.get("when") or ""), None)
            if at is None:  # as before, unless another session has begun: that was another day
                at = (
                    earlier
                    if item.get("session") == session or session is None
                    else earlier + timedelta(days=1)
                )
            session = item.get("session")
            item["at"] = at
    questions = [
        Asked(
            str(q["qid"]),
            q["scope"],
            q.get("category", ""),
            q["question"],
            frozenset(map(str, q["gold"])),
            q.get("asker"),
        )
        for q in _lines(folder / "questions.jsonl")
    ]
    return scopes, questions


def _lines(path: Path) -> list[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        return [json.loads(line) for line in file if line.strip()]


@asynccontextmanager
async def opened(folder: Path, directory: Path, embedder: EmbedderKind) -> AsyncIterator[Dialogues]:
    """The conversations of ``folder`` in a data directory; what is there from an earlier run is used."""
    scopes, questions = read(folder)
    async with open_memory(settings_of(directory, None, embedder)) as memory:
        agents = {name: await _agent(memory, name, items) for name, items in scopes.items()}
        await memory.indexer.drain()
        yield Dialogues(memory, agents, questions)


async def _agent(memory: Memory, name: str, items: Sequence[dict[str, Any]]) -> Agent:
    now = max(item["at"] for item in items)
    async with memory.store.write() as session:
        user = await session.agents.user_of(f"bench:{name}")
        if user is None:
            user = await session.agents.create_user(f"bench:{name}", name, "UTC", now)
        persona = await session.personas.named("bench") or await session.personas.create("bench", "", now)
        agent = await session.agents.agent_of(user.id, persona.id)
        if agent is None:
            agent = await session.agents.create_agent(user.id, persona.id, f"bench:{name}", now)
        place = await session.agents.conversation_at(agent.id, f"bench:{name}", PRIVATE)
        if place is None:
            place = await session.agents.create_conversation(agent.id, f"bench:{name}", PRIVATE, now)
        stored = await session.messages.said(agent.id, None, limit=len(items) + 1)
        if not stored:
            stored = await session.messages.append(agent.id, [_message(place, item) for item in items])
    stored.sort(key=lambda message: message.key)
    kept = [item for item in items if item["text"]]
    rows = [message for message in stored if message.text]
    if len(kept) != len(rows):
        raise SystemExit(f"{name}: the directory holds other conversations; choose another one.")
    ids = {row.key: str(item["id"]) for row, item in zip(rows, kept, strict=True)}
    return Agent(agent.id, place, ids, {row.key: row.text for row in rows}, now + timedelta(days=1))


def _message(place: Conversation, item: dict[str, Any]) -> Message:
    return Message(
        key=0,
        conversation_id=place.id,
        audience=PRIVATE,
        role=Role.USER,
        author=item["author"],
        text=item["text"],
        rendered="{}",
        tokens=0,
        created_at=item["at"],
        turn_id=f"{item['scope']}/{item['seq']}",
        queued=False,
    )
