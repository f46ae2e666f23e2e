"""Every page, and who answers it: a new room's are added here."""

from __future__ import annotations

from aiohttp import web

from bot.web import consent, entrance, home
from bot.web.chat import pages as chat
from bot.web.desk import acts, health, pages, pairing, personas, sources
from bot.web.memory import account, core, deeds, diary, notes, places, timeline
from bot.web.pages import FILES
from bot.web.website import STATIC
from bot.web.widget import frame, sign_in

_MEMORY = (core, notes, diary, timeline, places, account, deeds)
_DESK = (pages, pairing, personas, sources, health, acts)
_ROOMS = (entrance, consent, home, frame, sign_in, *_MEMORY, chat, *_DESK)
ROUTES: tuple[web.AbstractRouteDef, ...] = (
    web.static(STATIC, FILES),
    *(route for room in _ROOMS for route in room.ROUTES),
)
