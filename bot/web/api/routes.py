"""The paths of the API."""

from __future__ import annotations

from importlib.metadata import version

from aiohttp import web

from bot.web.api.description import description
from bot.web.api.operations import OPERATIONS
from bot.web.website import website


async def _described(request: web.Request) -> web.Response:
    return web.json_response(description(OPERATIONS, website(request).url, version("everbot")))


ROUTES = (
    web.get("/v1/openapi.json", _described),
    *(web.route(each.method, each.path, each.answered) for each in OPERATIONS),
)
