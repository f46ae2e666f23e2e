"""Notes: by time, by tag, by what they are about; each with where it is used, when it held, and how it is known."""

from __future__ import annotations

from collections.abc import Sequence

from aiohttp import web

from bot.commands.listing import named
from bot.commands.memory import communities_of, standing, used_in
from bot.language import gettext
from bot.web.memory.owned import Owned, memory_page, owned
from memory.records import PRIVATE, Notes, Passage, community_audience

_PAGE = 20
_TAGS = 40


@owned
async def notes(request: web.Request, mine: Owned) -> web.StreamResponse:
    memory, archive = mine.site.app.memory, mine.agent.archive_id
    words, tag = request.query.get("q", "").strip(), request.query.get("tag", "")
    at = page_number(request)
    if words:
        now = mine.site.app.clock.now().astimezone(mine.who.zone)
        hits = (await memory.archival.own(mine.agent, words, PRIVATE, _PAGE, now)).hits
        found = [hit.row for hit in hits if isinstance(hit.row, Passage)]
        total = len(found)
    which = Notes(originals=True, tag=tag)
    async with memory.store.read() as session:
        if not words:
            total = await session.passages.count(archive, None, which)
            found = await session.passages.page(archive, None, which, offset=(at - 1) * _PAGE, limit=_PAGE)
        opened = await session.passages.opened([passage.uid for passage in found])
        newer = await session.passages.with_uids(
            archive, [p.replaced_by for p in found if p.replaced_by], None
        )
        tags = await session.passages.tags(archive, None)
        names = await session.agents.communities()
        communities = await communities_of(session, mine.agent)
    return memory_page(
        request,
        mine,
        "notes.html",
        title=gettext("Notes"),
        words=words,
        tag=tag,
        tags=list(tags.items())[:_TAGS],
        at=at,
        pages=pages_of(total, _PAGE),
        notes=[
            (
                note,
                used_in(note, opened.get(note.uid, []), names),
                standing(note, mine.who),
                newer.get(note.replaced_by),
                _elsewhere(note, opened.get(note.uid, []), communities, names),
                bool(opened.get(note.uid)),
            )
            for note in found
        ],
    )


def _elsewhere(
    note: Passage, copies: Sequence[Passage], communities: Sequence[str], names: dict[str, str]
) -> list[tuple[str, str]]:
    """Communities that a note may be opened to: id and name."""
    if note.audience != PRIVATE:
        return []
    used = {copy.audience for copy in copies}
    return [
        (community, named(audience, names))
        for community in communities
        if (audience := community_audience(community)) not in used
    ]


def page_number(request: web.Request) -> int:
    told = request.query.get("page", "1")
    return max(1, int(told)) if told.isdecimal() and len(told) < 7 else 1


def pages_of(total: int, size: int) -> int:
    return max(1, -(-total // size))


ROUTES = (web.get(r"/{agent:\d+}/notes", notes),)
