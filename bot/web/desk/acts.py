"""What is done at the desk: the same functions as `everbot admin` has, heeded at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from aiohttp import web

from bot.errors import EverbotError
from bot.web.desk import health, pages, pairing, personas, sources
from bot.web.desk.base import Act, told
from bot.web.visitors import owners_only
from bot.web.website import website
from memory.errors import StoreError

_ACTS: Mapping[str, Act] = {**pages.ACTS, **pairing.ACTS, **personas.ACTS, **sources.ACTS, **health.ACTS}


@owners_only
async def do(request: web.Request) -> web.StreamResponse:
    """Do what a button says; then back to the page on which it is, which tells what came of it."""
    sent = await request.post()
    fields = defaultdict(str, {name: str(value).strip() for name, value in sent.items()})
    act = _ACTS.get(fields.get("does", ""))
    if act is None:
        raise web.HTTPNotFound
    try:
        text, failed = await act(request, fields), False
    except (EverbotError, StoreError) as error:
        text, failed = str(error), True
    await website(request).app.orders.take()
    return told(request, text, fields["next"], failed=failed)


ROUTES = (web.post("/desk/do", do),)
