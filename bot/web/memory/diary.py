"""The diary: what was said, newest first, by day, by words and meaning; a message in its talk, with what it brought to
mind and what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta

from aiohttp import web

from bot.agent.context import recalled
from bot.commands.listing import said_where
from bot.commands.mind import sure_of, weighed
from bot.language import gettext
from bot.web.differences import differences
from bot.web.memory.core import number
from bot.web.memory.notes import page_number, pages_of
from bot.web.memory.owned import Owned, memory_page, owned
from memory.recall import Searcher
from memory.records import PRIVATE, SEQ_BITS, BlockEdit, Lines, Message, Passage

_PAGE = 25
_AROUND = 4


@owned
async def diary(request: web.Request, mine: Owned) -> web.StreamResponse:
    words = request.query.get("q", "").strip()
    since, until = _day(request.query.get("since", "")), _day(request.query.get("until", ""))
    at = page_number(request)
    if words:
        total, found = await _searched(mine, words, at)
    else:
        total, found = await _said(mine, since, until, at)
    async with mine.site.app.memory.store.read() as session:
        names = await session.agents.communities()
    return memory_page(
        request,
        mine,
        "diary.html",
        title=gettext("Diary"),
        words=words,
        since=since.isoformat() if since else "",
        until=until.isoformat() if until else "",
        at=at,
        pages=pages_of(total, _PAGE),
        messages=[(m, number(m.key), said_where(m, names)) for m in found],
    )


async def _searched(mine: Owned, words: str, at: int) -> tuple[int, list[Message]]:
    now = mine.site.app.clock.now().astimezone(mine.who.zone)
    page = await mine.site.app.memory.recall.search(
        mine.agent.id,
        words,
        PRIVATE,
        page=at - 1,
        page_size=_PAGE,
        searcher=Searcher(mine.who.user.name),
        now=now,
    )
    return page.total, [hit.row for hit in page.hits if isinstance(hit.row, Message)]


async def _said(mine: Owned, since: date | None, until: date | None, at: int) -> tuple[int, list[Message]]:
    """In days of the person's zone, both included."""
    first = datetime.combine(since, time(), mine.who.zone) if since else None
    last = datetime.combine(until + timedelta(days=1), time(), mine.who.zone) if until else None
    lines = Lines(since=first, until=last, newest_first=True)
    async with mine.site.app.memory.store.read() as session:
        total = await session.messages.count(mine.agent.id, None, lines)
        found = await session.messages.said(mine.agent.id, None, lines, offset=(at - 1) * _PAGE, limit=_PAGE)
    return total, found


def _day(text: str) -> date | None:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found if 1 < found.year < 9_999 else None  # a zone may be a day off


@owned
async def message(request: web.Request, mine: Owned) -> web.StreamResponse:
    seq = int(request.match_info["message"])
    if seq >> SEQ_BITS:
        raise web.HTTPNotFound
    key = mine.agent.id << SEQ_BITS | seq
    memory = mine.site.app.memory
    hits = await memory.recall.around(mine.agent.id, key, PRIVATE, _AROUND)
    shown = [hit.row for hit in hits if isinstance(hit.row, Message)]
    here = next((row for row in shown if row.key == key), None)
    if here is None:
        raise web.HTTPNotFound
    turn, notes, edits = await _turn(mine, here)
    async with memory.store.read() as session:
        names = await session.agents.communities()
        then = await session.mailbox.surfaced(here.turn_id)
        lines = await weighed(session, mine.who, then, PRIVATE) if then else []
    return memory_page(
        request,
        mine,
        "message.html",
        title=gettext("What was said"),
        chosen=key,
        messages=[(m, number(m.key), said_where(m, names)) for m in shown],
        recalled=[] if then else [line for row in turn for line in recalled(row)],
        weighed=[(line, [_number_of(memory, mine) for memory in line.memories]) for line in lines],
        sure=sure_of(then) if then else "",
        notes=notes,
        edits=[(edit, differences(edit.before, edit.after)) for edit in edits],
    )


def _number_of(memory: Message | Passage, mine: Owned) -> str:
    """Where a memory is on these pages."""
    if isinstance(memory, Message):
        return f"{mine.root}/diary/{number(memory.key)}"
    return f"{mine.root}/why?of={memory.uid[:8]}"


async def _turn(mine: Owned, here: Message) -> tuple[list[Message], list[Passage], Sequence[BlockEdit]]:
    """The turn's messages, and what it put into memory."""
    async with mine.site.app.memory.store.read() as session:
        turn = [
            row
            for row in await session.messages.of_turn(here.turn_id)
            if row.key >> SEQ_BITS == mine.agent.id
        ]
        passages = await session.passages.of_turn(here.turn_id)
        notes = [p for p in passages if p.key >> SEQ_BITS == mine.agent.archive_id and p.file is None]
        own = {block.id for block in await session.blocks.of(f"agent:{mine.agent.id}", None)}
        edits = [edit for edit in await session.blocks.edits_of(here.turn_id) if edit.block_id in own]
    return turn, sorted(notes, key=lambda note: note.key), edits


ROUTES = (
    web.get(r"/{agent:\d+}/diary", diary),
    web.get(r"/{agent:\d+}/diary/{message:\d+}", message),
)
