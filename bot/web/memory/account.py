"""The person: their accounts and language, where they are signed in, what they take away, bring along, or have
forgotten."""

from __future__ import annotations

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory

from aiohttp import web

from bot.bundle import PACKED
from bot.commands.connect import asker_of, state_of
from bot.commands.web import signed_in as named
from bot.errors import AgentExists, BundleError, PersonaError
from bot.events import View
from bot.language import LANGUAGES, gettext, ngettext
from bot.ownership.moving_in import formats
from bot.ownership.moving_in.moving_in import Wanted
from bot.ownership.moving_in.source import Source
from bot.web.memory.deeds import answered
from bot.web.memory.owned import Owned, memory_page, owned
from bot.web.uploads import uploaded
from memory.records import WebPass

_SUFFIXES = (".zip", ".json", ".jsonl", ".af", ".md")


@owned
async def account(request: web.Request, mine: Owned) -> web.StreamResponse:
    user_id, now = mine.visitor.user.id, mine.site.app.clock.now()
    servers = await mine.site.app.connecting.all(asker_of(mine.who, mine.origin))
    async with mine.site.app.memory.store.read() as session:
        signed_in = await session.web_keys.of(user_id, WebPass.SESSION, now)
        programs = await session.web_keys.of(user_id, WebPass.PROGRAM, now)
        imports = [(one, await session.imports.told(one)) for one in await session.imports.all(mine.agent.id)]
    return memory_page(
        request,
        mine,
        "account.html",
        title=gettext("You"),
        languages=LANGUAGES,
        signed_in=signed_in,
        servers=[(one, state_of(one)) for one in servers],
        programs=[(key, named(key, mine.who)) for key in programs],
        imports=imports,
    )


@owned
async def bring(request: web.Request, mine: Owned) -> web.StreamResponse:
    """Take over a file that the person sent: what they said to another bot, as `everbot import` does."""
    with TemporaryDirectory() as folder:
        sent = await uploaded(request, Path(folder), PACKED, _SUFFIXES)
        view = (
            View(text=gettext("There is no file."), kind="error")
            if sent is None
            else await _taken(mine, sent.path)
        )
    return answered(request, mine, view, f"{mine.root}/account")


async def _taken(mine: Owned, path: Path) -> View:
    try:
        source = await asyncio.to_thread(Source, path)
    except (BundleError, OSError) as error:
        return View(text=str(error), kind="error")
    try:
        form = await asyncio.to_thread(formats.known, source)
        if form is None:
            return await _restored(mine, path)
        wanted = Wanted(account=mine.visitor.key.account, persona=mine.who.persona.name)
        taken = await mine.site.app.moving_in.of(source, form, wanted)
    except (BundleError, PersonaError) as error:
        return View(text=str(error), kind="error")
    finally:
        source.close()
    return View(
        text=ngettext(
            "Taken over from {program}: {n} message.",
            "Taken over from {program}: {n} messages.",
            taken.added,
            program=form.what,
        )
    )


async def _restored(mine: Owned, path: Path) -> View:
    """An export of everbot's own: for a persona that the person has no memory with."""
    data = await asyncio.to_thread(path.read_bytes)
    try:
        await mine.site.app.restore.of([data], mine.visitor.key.account)
    except (BundleError, AgentExists, PersonaError) as error:
        return View(text=str(error), kind="error")
    mine.site.app.memory.indexer.wake()
    return View(text=gettext("It is back: what that file holds is in my memory again."))


@owned
async def take_back(request: web.Request, mine: Owned) -> web.StreamResponse:
    """What was taken over goes again, with all that came of it."""
    name = str((await request.post()).get("name", ""))
    async with mine.site.app.memory.store.read() as session:
        known = {one.name for one in await session.imports.all(mine.agent.id)}
    if name not in known:
        raise web.HTTPNotFound
    await mine.site.app.erasure.imported(mine.agent, name)
    view = View(text=gettext("Forgotten: what was imported, and what I noted of it."))
    return answered(request, mine, view, f"{mine.root}/account")


ROUTES = (
    web.get(r"/{agent:\d+}/account", account),
    web.post(r"/{agent:\d+}/import", bring),
    web.post(r"/{agent:\d+}/imports/drop", take_back),
)
