"""Where they talk and who reads there, what was told for everybody, what was sent along, what is to be told when."""

from __future__ import annotations

from aiohttp import web

from bot.agent.picture import drawn, is_drawn
from bot.commands.contributions import Contributions
from bot.commands.listing import named
from bot.commands.pictures import SentPictures
from bot.commands.scheduled import how_of
from bot.events import Command, origin_of
from bot.language import gettext, marked
from bot.ownership.wishes import when_of
from bot.people.schedules import ABOUT
from bot.web.memory.core import number
from bot.web.memory.owned import Owned, memory_page, owned
from memory.records import PRIVATE, Audience, public_in

_PICTURES = 12  # that are shown at a time
_READERS = (
    marked("You, and whoever runs me."),
    marked("Everybody in that community, and whoever runs me."),
    marked("Whoever is in that place, and whoever runs me."),
)


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
    store, begins = mine.site.app.memory.store, request.query.get("from", "")
    leaf = await SentPictures(store).leaf(mine.who, PRIVATE, begins, _PICTURES)
    async with store.read() as session:
        documents = await session.passages.documents(mine.agent.archive_id, None)
        names = await session.agents.communities()
        places = {p.id: named(p.audience, names) for p in await session.agents.conversations(mine.agent.id)}
        said = {one.event: await session.messages.by_event(one.event) for one in leaf.shown}
    links = {event: number(told.key) for event, told in said.items() if told is not None and told.text}
    return memory_page(
        request,
        mine,
        "files.html",
        title=gettext("Files"),
        documents=[] if begins else [(each, named(each.audience, names)) for each in documents],
        pictures=[
            (one, is_drawn(one.image), places[one.conversation_id], links.get(one.event))
            for one in leaf.shown
        ],
        newer=leaf.newer,
        older=leaf.older,
    )


@owned
async def sent_picture(request: web.Request, mine: Owned) -> web.StreamResponse:
    """One of them, as it came."""
    pictures = SentPictures(mine.site.app.memory.store)
    found = await pictures.named(mine.who, PRIVATE, request.match_info["picture"])
    image = drawn(found.image) if found is not None else None
    if image is None:
        raise web.HTTPNotFound
    return web.Response(body=image[1], content_type=image[0])


ROUTES = (
    web.get(r"/{agent:\d+}/places", places),
    web.get(r"/{agent:\d+}/lore", lore),
    web.get(r"/{agent:\d+}/reminders", reminders),
    web.get(r"/{agent:\d+}/files", files),
    web.get(r"/{agent:\d+}/files/{picture:[0-9a-f-]+}", sent_picture),
)
