"""Who asks to be let in by a code, and who was (``access.dm_policy = "pairing"``)."""

from __future__ import annotations

from aiohttp import web

from bot.web.desk import tables
from bot.web.desk.base import NOT_THERE, Fields, operator, shown
from bot.web.visitors import owners_only
from bot.web.website import website


@owners_only
async def pairing(request: web.Request) -> web.StreamResponse:
    policy = website(request).settings.access.dm_policy
    return shown(
        request, "Pairing", tables.pairing(await operator(request).pairing()), more="pairing", policy=policy
    )


async def _let_in(request: web.Request, fields: Fields) -> str:
    found = await operator(request).let_in(fields["about"])
    return f"{found.account} may talk with the bot now." if found else NOT_THERE


async def _deny(request: web.Request, fields: Fields) -> str:
    found = await operator(request).turn_away(fields["about"])
    return f"{found.account} is not let in." if found else NOT_THERE


async def _revoke(request: web.Request, fields: Fields) -> str:
    out = await operator(request).let_out(fields["about"])
    return f"{fields['about']} is a stranger again." if out else NOT_THERE


ACTS = {"let-in": _let_in, "deny": _deny, "revoke": _revoke}
ROUTES = (web.get("/desk/pairing", pairing),)
