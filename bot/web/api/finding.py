"""What is found, where it is known from, and all of it as a file."""

from __future__ import annotations

from datetime import timedelta

from aiohttp import web

from bot.commands.why import sources_of
from bot.errors import NotThere
from bot.web.api import shapes
from bot.web.api.asking import Asked
from bot.web.api.lists import cursors_of, end_of
from memory.recall import Searcher
from memory.records import PRIVATE, Hit, Message, Passage

_WHOLE = 2**62  # bytes of an export: what HTTP carries needs no parts
_SOURCES = 50
_PAGES = 10_000


async def search(asked: Asked) -> shapes.Found:
    query: shapes.SearchQuestion = asked.query
    app, who = asked.app, asked.who
    cursors = cursors_of(asked)
    [page] = cursors.read(query.cursor, 1) or [0]
    page = min(page, _PAGES)
    now = app.clock.now().astimezone(who.zone)
    notes: list[shapes.FoundNote] = []
    messages: list[shapes.FoundMessage] = []
    more = False
    if query.of != "messages":
        found = await app.memory.archival.search(
            who.agent,
            query.q,
            PRIVATE,
            page=page,
            page_size=query.limit,
            tags=[tag.strip().casefold() for tag in query.tags],
            now=now,
            as_of=end_of(query.as_of, who.zone) - timedelta(microseconds=1) if query.as_of else None,
        )
        notes = [
            shapes.found_note(hit, row, who.agent.archive_id)
            for hit, row in _rows(found.hits)
            if isinstance(row, Passage)
        ]
        more = found.pages > page + 1
    if query.of != "notes" and not query.tags and query.as_of is None:
        said = await app.memory.recall.search(
            who.agent.id,
            query.q,
            PRIVATE,
            page=page,
            page_size=query.limit,
            searcher=Searcher(who.user.name),
            now=now,
        )
        messages = [
            shapes.found_message(hit, row) for hit, row in _rows(said.hits) if isinstance(row, Message)
        ]
        more = more or said.pages > page + 1
    return shapes.Found(notes=notes, messages=messages, next=cursors.made(page + 1) if more else None)


def _rows(hits: tuple[Hit, ...]) -> list[tuple[Hit, Message | Passage]]:
    return [(hit, hit.row) for hit in hits]


async def why(asked: Asked) -> shapes.Why:
    app = asked.app
    found = await sources_of(app.memory.store, app.sources, asked.who.agent, asked.path["id"], PRIVATE)
    if not found:
        raise NotThere("Nothing in memory tells of it.")
    return shapes.Why(sources=[shapes.source(each) for each in found[:_SOURCES]])


async def export(asked: Asked) -> web.Response:
    agent = asked.who.agent
    async with asked.app.runtime.locks.of(agent.id):
        [file] = await asked.app.export.files(agent, PRIVATE, part=_WHOLE)
    return web.Response(
        body=file.data,
        content_type="application/zip",
        headers={"Content-Disposition": f'attachment; filename="{file.name}"'},
    )
