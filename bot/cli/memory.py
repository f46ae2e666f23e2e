"""`everbot memory ...`: looking into an agent's memory, for people and for programs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from bot.backends.memory import Memory, open_memory
from bot.cli.screen import tell, tell_json
from bot.events import HeartbeatDue
from bot.language import counted
from bot.people.identities import find_agent
from bot.settings import Settings
from memory.records import IMPORTED_TURN, PRIVATE, Agent, BlockEdit, Hit, Message, Turn

_EDITS = 20  # a page of history


async def show(settings: Settings, user: str, persona: str, *, as_json: bool) -> None:
    """Print core memory blocks, summaries and counts."""
    async with _agent(settings, user, persona) as (memory, agent):
        async with memory.store.read() as session:
            blocks = await session.blocks.visible(agent, PRIVATE)
            said = await session.messages.count(agent.id, None)
            passages = await session.passages.count(agent.archive_id, None)
            sources = [archive.name for archive in await session.passages.attached(agent.id)]
            conversations = await session.agents.conversations(agent.id)
            summaries = {c.address: await session.messages.summary(c.id) for c in conversations}
    told = {address: summary.text for address, summary in summaries.items() if summary}
    if as_json:
        values = [
            {"label": b.label, "value": b.value, "limit": b.limit, "version": b.version} for b in blocks
        ]
        tell_json(
            {"blocks": values, "messages": said, "passages": passages, "sources": sources, "summaries": told}
        )
        return
    for block in blocks:
        tell(f"[{block.label}] {len(block.value)}/{block.limit} characters, version {block.version}")
        tell(f"{block.value or '(empty)'}\n")
    for address, summary in told.items():
        tell(f"Summary of {address}:\n{summary}\n")
    tell(f"Recall storage: {counted(said, 'message')}. Archival storage: {counted(passages, 'passage')}.")
    if sources:
        tell(f"Attached sources: {', '.join(sources)}.")


async def search(
    settings: Settings, user: str, persona: str, query: str, kinds: list[str], page: int, *, as_json: bool
) -> None:
    """Print one page of each kind's results; the first is 1."""
    async with _agent(settings, user, persona) as (memory, agent):
        for kind in kinds:
            if kind == "recall":
                found = await memory.recall.search(agent.id, query, PRIVATE, page=page - 1)
            else:
                found = await memory.archival.search(agent, query, PRIVATE, page=page - 1)
            if as_json:
                for hit in found.hits:
                    tell_json({"kind": kind, **_hit(hit), "score": round(hit.score, 4), "total": found.total})
                continue
            tell(f"{kind}: {found.total} found, page {page} of {max(1, found.pages)}")
            for hit in found.hits:
                values = _hit(hit)
                mark = f"({hit.row.imported}) " if isinstance(hit.row, Message) and hit.row.imported else ""
                tell(f"  {values['time'][:16]}  {mark}{values['from']}: {values['text']}")


async def history(settings: Settings, user: str, persona: str, page: int, *, as_json: bool) -> None:
    """Print edits of core memory, newest first."""
    async with _agent(settings, user, persona) as (memory, agent):
        async with memory.store.read() as session:
            edits = await session.blocks.history(f"agent:{agent.id}", None, limit=page * _EDITS)
            turns = {e.turn_id: await session.mailbox.turn(e.turn_id) for e in edits if e.turn_id}
    for edit in edits[(page - 1) * _EDITS :]:
        by = author(edit, turns.get(edit.turn_id or ""))
        if as_json:
            values = {"label": edit.label, "audience": edit.audience, "version": edit.version}
            tell_json(
                {**values, "before": edit.before, "after": edit.after, "by": by, "at": edit.at.isoformat()}
            )
            continue
        tell(f"{edit.at:%Y-%m-%d %H:%M:%S}  [{edit.label}] version {edit.version}, by {by}")
        for line in edit.changes:
            tell(f"  {line}")
    if not edits and not as_json:
        tell("Nothing was edited yet.")


def author(edit: BlockEdit, turn: Turn | None) -> str:
    """Who made an edit of core memory."""
    if edit.turn_id is None:
        return "a person"
    if turn is not None and turn.kind == IMPORTED_TURN:
        return "a person, of what was imported"
    what = "reflection" if turn is not None and turn.kind == HeartbeatDue.kind else "turn"
    return f"{what} {edit.turn_id}"


@asynccontextmanager
async def _agent(settings: Settings, user: str, persona: str) -> AsyncIterator[tuple[Memory, Agent]]:
    async with open_memory(settings) as memory:
        async with memory.store.read() as session:
            agent = await find_agent(session, user, persona)
        yield memory, agent


def _hit(hit: Hit) -> dict[str, Any]:
    row = hit.row
    values = {"time": row.created_at.isoformat(), "text": row.text, "audience": row.audience}
    if isinstance(row, Message):
        return {**values, "from": row.author} | ({"imported_from": row.origin} if row.origin else {})
    return {**values, "from": row.source or "archive", "position": row.position, "tags": list(row.tags)}
