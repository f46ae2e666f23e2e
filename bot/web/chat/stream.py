"""What is said, as it is committed: server-sent events (WHATWG HTML, 9.2) to every page that has the chat open.

An event carries the very HTML that the page would show, and its id; a page that comes back tells the last that it has
(``Last-Event-ID``). The page passes over what it shows already.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence

from aiohttp import web

from bot.ports import OpenPages, Watch
from bot.web.chat.rendering import shown
from bot.web.chat.talk import Entry, Talk
from bot.web.memory.owned import Owned
from memory.errors import StoreError

log = logging.getLogger(__name__)

_BEAT_S = 15.0  # between signs of life: proxies close what says nothing
_MOST = 12  # pages of one person that are open at once
_AGAIN = 4  # shown once more: rows may be committed in another order than they are numbered


async def streamed(request: web.Request, mine: Owned, pages: OpenPages) -> web.StreamResponse:
    """Until the browser goes away, the session ends, or everbot stops."""
    talk = Talk(mine.site.app.memory.store, mine.agent)
    addresses = await talk.addresses()
    if pages.many(talk.address) >= _MOST:
        return web.Response(status=204)  # by which browsers know that they need not ask again
    response = web.StreamResponse(
        headers={"Content-Type": "text/event-stream; charset=utf-8", "X-Accel-Buffering": "no"}
    )
    with pages.watching(addresses) as watch:
        await response.prepare(request)
        last = request.headers.get("Last-Event-ID") or request.query.get("after", "")
        try:
            await _tell(response, mine, talk, watch, last)
            await response.write_eof()
        except ConnectionError:
            pass  # whoever watched went away: what is said stays in the store
        except StoreError as error:  # an answer that has begun can only end: the browser asks again
            log.error("%s", error)
    return response


async def _tell(response: web.StreamResponse, mine: Owned, talk: Talk, watch: Watch, last: str) -> None:
    entries = await talk.newest()
    told = {entry.name for entry in _before(entries, last)}
    thinking, whole = False, True
    while not watch.over:
        if not await mine.site.sessions.still(mine.visitor):
            await response.write(_event("over", ""))
            return
        for entry in entries:
            if entry.name not in told:
                told.add(entry.name)
                await response.write(_event("said", shown(mine, entry), entry.name))
        if whole:
            await response.write(_event("all", json.dumps([entry.name for entry in entries])))
        if watch.thinking != thinking:
            thinking = watch.thinking
            await response.write(_event("thinking", "yes" if thinking else ""))
        if not await watch.news(_BEAT_S):
            await response.write(b": still here\n\n")
        whole, watch.anew = watch.anew, False
        newest = max((entry.row for entry in entries), default=0)
        entries = await talk.newest(0 if whole else max(0, newest - _AGAIN))


def _before(entries: Sequence[Entry], last: str) -> Sequence[Entry]:
    """Those that a page surely has, whose last one that is."""
    names = [entry.name for entry in entries]
    return entries[: max(0, names.index(last) + 1 - _AGAIN)] if last in names else ()


def _event(kind: str, data: str, name: str = "") -> bytes:
    lines = [
        f"event: {kind}",
        *([f"id: {name}"] if name else []),
        *(f"data: {one}" for one in data.split("\n")),
    ]
    return ("\n".join(lines) + "\n\n").encode()
