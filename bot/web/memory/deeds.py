"""What a person does on the page: the same commands as in the chat, so under the same law, locks and undo."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from bot.events import Command, View, origin_of
from bot.language import gettext
from bot.web.memory.owned import Owned, memory_page, origin_at, owned
from bot.web.pages import page
from bot.web.website import website

_LONGEST = 20_000  # characters of an argument


@owned
async def do(request: web.Request, mine: Owned) -> web.StreamResponse:
    """Run a command; then back to the page from which it came, which tells what came of it."""
    fields = await request.post()
    name = str(fields.get("command", ""))
    if name not in {spec.name for spec in mine.site.app.inbound.commands if not spec.local}:
        raise web.HTTPNotFound
    origin = await _origin(mine, str(fields.get("place", "")))
    argument = " ".join(str(part) for part in fields.getall("argument", []))[:_LONGEST]
    value = str(fields.get("value", "")).replace("\r\n", "\n")  # as forms send line breaks
    command = Command(**origin, command=name, argument=argument, value=value)
    view = await mine.site.app.inbound.invoke(command)
    if not await mine.site.sessions.still(mine.visitor):
        return page(request, "wrong.html", title=gettext("My memory"), told=view.text)
    return answered(request, mine, view, str(fields.get("next", "")))


async def _origin(mine: Owned, place: str) -> dict[str, Any]:
    if not place:
        return origin_of(mine.origin)
    async with mine.site.app.memory.store.read() as session:
        places = await session.agents.conversations(mine.agent.id)
        found = next((one for one in places if str(one.id) == place), None)
        if found is None:
            raise web.HTTPNotFound
        return origin_of(await origin_at(session, mine, found))


def answered(request: web.Request, mine: Owned, view: View, back: str) -> web.StreamResponse:
    """Show what a command answered: on the page ``back``, or on one of its own, where more is to be said to it."""
    if view.form is not None or view.entries:
        return memory_page(request, mine, "answer.html", title=gettext("My memory"), view=view)
    notice = mine.site.notices.leave(mine.visitor.key.id, view)
    path = back if _is_ours(back, mine) else f"{mine.root}/"
    raise web.HTTPSeeOther(f"{path}{'&' if '?' in path else '?'}notice={notice}")


def _is_ours(path: str, mine: Owned) -> bool:
    """Whether it is a page of that memory: nobody is sent anywhere else."""
    return path.startswith(f"{mine.root}/") and not any(
        sign in path for sign in ("\\", "\n", "\r", "//", "..")
    )


@owned
async def file(request: web.Request, mine: Owned) -> web.StreamResponse:
    """A file that came of a command."""
    view = website(request).notices.kept(mine.visitor.key.id, request.match_info["notice"])
    number = int(request.match_info["number"])
    if view is None or number >= len(view.files):
        raise web.HTTPNotFound
    return file_response(view.files[number].name, view.files[number].data)


def file_response(name: str, data: bytes) -> web.Response:
    """A file to be kept; no browser opens it as a page of ours."""
    return web.Response(
        body=data,
        content_type="application/octet-stream",
        headers={"Content-Disposition": f'attachment; filename="{_plain(name)}"'},
    )


def _plain(name: str) -> str:
    return "".join(c for c in name if c.isascii() and (c.isalnum() or c in "._-")) or "file"


ROUTES = (
    web.post(r"/{agent:\d+}/do", do),
    web.get(r"/{agent:\d+}/made/{notice}/{number:\d+}", file),
)
