"""Core memory: what the agent always holds in mind, how it came to be, and how anything is known."""

from __future__ import annotations

from aiohttp import web

from bot.commands.findings import Findings
from bot.commands.history import edits_of
from bot.commands.listing import filled, named, said_where
from bot.commands.memory import label_of
from bot.commands.why import caveat, sources_of
from bot.events import Command, origin_of
from bot.language import gettext
from bot.ownership.corrections import is_own
from bot.web.differences import differences
from bot.web.memory.owned import Owned, memory_page, owned
from memory.records import PRIVATE, SEQ_BITS, Notes

_EDITS = 30


@owned
async def overview(request: web.Request, mine: Owned) -> web.StreamResponse:
    who, memory = mine.who, mine.site.app.memory
    async with memory.store.read() as session:
        blocks = await session.blocks.visible(who.agent, PRIVATE)
        said = await session.messages.count(who.agent.id, None)
        notes = await session.passages.count(who.agent.archive_id, None, Notes(originals=True))
        sources = [archive.name for archive in await session.passages.attached(who.agent.id)]
        names = await session.agents.communities()
        edits = await edits_of(session, who, PRIVATE, _EDITS)
        findings = await session.imports.findings(who.agent.id)
    own = {block.id: block for block in blocks if is_own(block, who, PRIVATE)}
    return memory_page(
        request,
        mine,
        "core.html",
        title=gettext("Core memory"),
        own=[(block, filled(block)) for block in own.values()],
        others=[(label_of(block, names), block, filled(block)) for block in blocks if block.id not in own],
        said=said,
        notes=notes,
        sources=sources,
        findings=len(findings),
        edits=[
            (
                edit,
                by,
                undo,
                differences(edit.before, edit.after),
                own.get(edit.block_id),
                named(edit.audience, names),
            )
            for edit, by, undo in edits
        ],
    )


@owned
async def why(request: web.Request, mine: Owned) -> web.StreamResponse:
    """How something is known: the messages that it came from, each in its talk."""
    memory, text = mine.site.app.memory, request.query.get("of", "").strip()
    found = []
    if text:
        found = list(await sources_of(memory.store, mine.site.app.sources, mine.agent, text, PRIVATE))
    async with memory.store.read() as session:
        names = await session.agents.communities()
    return memory_page(
        request,
        mine,
        "why.html",
        title=gettext("Why?"),
        asked=text,
        found=[
            (source.what, caveat(source), [(m, number(m.key), said_where(m, names)) for m in source.messages])
            for source in found
        ],
    )


@owned
async def proposals(request: web.Request, mine: Owned) -> web.StreamResponse:
    """What a reflection on an import would keep."""
    command = Command(**origin_of(mine.origin), command="memory", argument="proposals")
    app = mine.site.app
    view = await Findings(app.runtime).run(mine.who, command, "proposals", request.query.get("page", ""))
    return memory_page(request, mine, "answer.html", title=gettext("Proposals"), view=view)


def number(key: int) -> int:
    """Of a message among its agent's, as the paths of pages have it: no path names another agent's."""
    return key & ((1 << SEQ_BITS) - 1)


ROUTES = (
    web.get(r"/{agent:\d+}/", overview),
    web.get(r"/{agent:\d+}/why", why),
    web.get(r"/{agent:\d+}/proposals", proposals),
)
