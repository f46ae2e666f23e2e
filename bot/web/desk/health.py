"""Health on the desk: what is ready now, what there is, and what an examination found."""

from __future__ import annotations

from aiohttp import web

from bot.language import counted
from bot.web.desk.base import Fields, operator, shown
from bot.web.desk.tables import Row, Table, told
from bot.web.visitors import owners_only
from bot.web.website import website


@owners_only
async def health(request: web.Request) -> web.StreamResponse:
    app, examination = website(request).app, website(request).examination
    async with app.memory.store.read() as session:
        depths = await session.overview.depths(app.clock.now())
        unindexed = await session.vectors.count_unindexed()
    asked = {name: adapter.ready for name, adapter in app.platforms.items()} | dict(app.ready)
    ready = [Row([name, why() or "ready"]) for name, why in asked.items()]
    index = (
        f"{counted(unindexed, 'row')} without a vector yet"
        if app.memory.indexer.makes_vectors
        else "by words alone"
    )
    there = [
        Row(["people", f"{depths.people:,}"]),
        Row(["agents", f"{depths.agents:,}"]),
        Row(["index", index]),
    ]
    tables = [
        Table("Ready now", ("What", "How it is"), ready, "There is no platform."),
        Table("What there is", ("What", "How it is"), there, ""),
    ]
    if examination.at is not None:
        found = [Row(["ok" if good else "FAIL", what, text]) for good, what, text in examination.found]
        tables.append(Table(f"Examined {told(examination.at)} UTC", ("", "What", "Found"), found, "Nothing."))
    return shown(request, "Health", tables, more="health", possible=examination.is_possible)


async def _examine(request: web.Request, fields: Fields) -> str:
    examination = website(request).examination
    await examination.make()
    await operator(request).note("examined everything")
    bad = sum(not good for good, _, _ in examination.found)
    return f"Found to be wrong: {bad}." if bad else "Everything is in order."


ACTS = {"examine": _examine}
ROUTES = (web.get("/desk/health", health),)
