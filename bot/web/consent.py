"""Where a browser comes back to when its person has consented to a server of tools (`/connect`)."""

from __future__ import annotations

from aiohttp import web

from bot.language import gettext
from bot.mcp.oauth import CALLBACK
from bot.web.pages import page
from bot.web.website import website


async def came_back(request: web.Request) -> web.StreamResponse:
    """The state is the secret that only the browser of who asked can know: it needs no session of ours."""
    query = request.query
    consents = website(request).app.connecting.consents
    good = consents.bring(query.get("state", ""), query.get("code", ""), query.get("iss"))
    told = (
        gettext("Thank you. You can close this page; /connect tells whether it worked.")
        if good
        else gettext("Nothing was connected. Please begin anew with /connect.")
    )
    return page(request, "wrong.html", title=gettext("Connect"), status=200 if good else 400, told=told)


ROUTES = [web.get(CALLBACK, came_back)]
