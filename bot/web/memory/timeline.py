"""The timeline: a picture of a life with the person, and the same in words."""

from __future__ import annotations

from aiohttp import web

from bot.language import gettext
from bot.web.memory.owned import Owned, memory_page, owned
from bot.web.memory.picture import WIDTH, picture, span_of
from memory.records import Notes, Passage

_LOOKED = 200  # notes, the newest, of which those are shown that tell most of a life
_SHOWN = 24


@owned
async def timeline(request: web.Request, mine: Owned) -> web.StreamResponse:
    now, agent = mine.site.app.clock.now(), mine.agent
    async with mine.site.app.memory.store.read() as session:
        said = await session.messages.count(agent.id, None)
        oldest = await session.messages.said(agent.id, None, limit=1)
        notes = _telling(
            await session.passages.page(agent.archive_id, None, Notes(originals=True), limit=_LOOKED)
        )
        begun = [row.created_at for row in oldest] + [note.since or note.created_at for note in notes]
        first = min(begun, default=now)
        paced = await session.messages.paced(agent.id, None, first, span_of(first, now))
    return memory_page(
        request,
        mine,
        "timeline.html",
        title=gettext("Timeline"),
        said=said,
        first=first.astimezone(mine.who.zone) if begun else None,
        notes=notes,
        picture=picture(first, now, paced, notes),
        width=WIDTH,
    )


def _telling(notes: list[Passage]) -> list[Passage]:
    """Those that hold for a time first, then the newest; in the order of their times."""
    chosen = sorted(notes, key=lambda note: (note.since is None and note.until is None, -note.key))[:_SHOWN]
    return sorted(chosen, key=lambda note: (note.since or note.created_at, note.key))


ROUTES = (web.get(r"/{agent:\d+}/timeline", timeline),)
