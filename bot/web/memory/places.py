"""Where they talk and who reads there, what was told for everybody, what was sent along, what is to be told when."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from bot.commands.contributions import Contributions
from bot.commands.listing import named
from bot.commands.scheduled import how_of
from bot.events import Command, origin_of
from bot.language import gettext, marked
from bot.ownership.wishes import when_of
from bot.people.schedules import ABOUT
from bot.web.memory.core import number
from bot.web.memory.owned import Owned, memory_page, owned
from memory.records import PRIVATE, Audience, InboxRow, Message, public_in

_PICTURES = 40
_READERS = (
    marked("You, and whoever runs me."),
    marked("Everybody in that community, and whoever runs me."),
    marked("Whoever is in that place, and whoever runs me."),
)
_DRAWN = tuple(f"data:image/{kind};base64," for kind in ("png", "jpeg", "gif", "webp"))


@owned
async def places(request: web.Request, mine: Owned) -> web.StreamResponse:
    async with mine.site.app.memory.store.read() as session:
        found = await session.agents.conversations(mine.agent.id)
        names = await session.agents.communities()
        said = {
            place.audience: await session.messages.count(mine.agent.id, [place.audience]) for place in found
        }
    told = [p for p in found if not p.address.startswith("imported:")]
    return memory_page(
        request,
        mine,
        "places.html",
        title=gettext("Places"),
        places=[(p, named(p.audience, names), gettext(_read_by(p.audience)), said[p.audience]) for p in told],
    )


def _read_by(audience: Audience) -> str:
    """Who reads what is said there."""
    private, everybody, some = _READERS
    if audience == PRIVATE:
        return private
    return everybody if public_in(audience) is not None else some


@owned
async def lore(request: web.Request, mine: Owned) -> web.StreamResponse:
    command = Command(**origin_of(mine.origin), command="memory", argument="lore")
    told = await Contributions(mine.site.app.memory.store).of(mine.who, command)
    async with mine.site.app.memory.store.read() as session:
        names = await session.agents.communities()
    return memory_page(
        request,
        mine,
        "lore.html",
        title=gettext("Lore"),
        told=[(entry, named(entry.audience, names)) for entry in reversed(told)],
    )


@owned
async def reminders(request: web.Request, mine: Owned) -> web.StreamResponse:
    wishes = await mine.site.app.wishes.of(mine.who, PRIVATE)
    return memory_page(
        request,
        mine,
        "reminders.html",
        title=gettext("Reminders"),
        wishes=[(wish, "" if wish.rule else when_of(wish, mine.who)) for wish in wishes.values()],
        how=how_of(mine.who),
        longest=ABOUT,
    )


@owned
async def files(request: web.Request, mine: Owned) -> web.StreamResponse:
    """Documents that are kept, and pictures that came along with messages; the newest first."""
    async with mine.site.app.memory.store.read() as session:
        documents = await session.passages.documents(mine.agent.archive_id, None)
        names = await session.agents.communities()
        rows = await session.mailbox.with_attachments(mine.agent.id, _PICTURES)
        said = {row.key: await session.messages.by_event(row.key) for row in rows}
    return memory_page(
        request,
        mine,
        "files.html",
        title=gettext("Files"),
        documents=[(document, named(document.audience, names)) for document in documents],
        pictures=[one for row in rows for one in _sent(row, said[row.key], mine)],
    )


def _sent(row: InboxRow, told: Message | None, mine: Owned) -> list[Mapping[str, Any]]:
    """Each picture of a message."""
    link = number(told.key) if told is not None and told.text else None
    common = {"at": row.received_at.astimezone(mine.who.zone), "message": link}
    attached = row.payload.get("attachments", ())
    # A picture alone: what else a data URL may hold is nothing that a page should show.
    return [
        {**common, "name": one["name"], "image": one["image"]}
        for one in attached
        if one.get("image", "").startswith(_DRAWN)
    ]


ROUTES = (
    web.get(r"/{agent:\d+}/places", places),
    web.get(r"/{agent:\d+}/lore", lore),
    web.get(r"/{agent:\d+}/reminders", reminders),
    web.get(r"/{agent:\d+}/files", files),
)
