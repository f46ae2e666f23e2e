"""The page of the chat, what is sent from it, and what its buttons do."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any

from aiohttp import BodyPartReader, web

from bot.agent.picture import drawn
from bot.commands.table import unknown
from bot.events import GUEST, Command, File, MessageReceived, Origin, View, origin_of, printable
from bot.language import gettext, marked
from bot.ports import OpenPages
from bot.web.chat import rendering
from bot.web.chat.stream import streamed
from bot.web.chat.talk import Talk
from bot.web.memory.deeds import answered, file_response
from bot.web.memory.owned import WEB, Owned, owned
from bot.web.pages import page
from bot.web.visitors import Handler
from memory.records import PRIVATE

LONGEST = 20_000
"""Characters of a message."""
_BYTES = 4 * LONGEST
_SHORT = 400  # bytes of any other field
_FIELDS = ("id", "live", "text")  # beside them: nothing, of which there could be endlessly many
_FILES = 10  # of a message
_FILE = 10_000_000  # bytes of one; how much of which kind is read is the adapter's to say
_ALL_FILES = 24_000_000
_NAME = 120  # characters
_CHUNK = 2**16
_MADE = {b"\x89PNG": "image/png", b"\xff\xd8\xff": "image/jpeg", b"RIFF": "image/webp"}

_FREE = ("stop", "help", "forget", "export")
_SPENT = marked("My allowance for today is used up. I will be back tomorrow.")

Answer = Callable[[web.Request, Owned, OpenPages], Awaitable[web.StreamResponse]]


def _open(answer: Answer) -> Handler:
    """A path of the chat, where there is one."""

    @owned
    async def guarded(request: web.Request, mine: Owned) -> web.StreamResponse:
        pages = mine.site.open_pages
        if pages is None:
            raise web.HTTPNotFound
        return await answer(request, mine, pages)

    return guarded


def origin_in_chat(mine: Owned) -> Origin:
    """The person on the page, in private."""
    return Origin(
        account=mine.visitor.key.account,
        name=mine.visitor.user.name,
        address=f"{WEB}:{mine.agent.id}",
        audience=PRIVATE,
        persona=mine.who.persona.name,
    )


@_open
async def chat(request: web.Request, mine: Owned, pages: OpenPages) -> web.StreamResponse:
    return await talk_page(request, mine, "chat/chat.html")


async def talk_page(request: web.Request, mine: Owned, template: str, **values: Any) -> web.Response:
    """The talk so far, and what one writes into."""
    return page(
        request,
        template,
        title=gettext("Chat"),
        mine=mine,
        who=mine.who,
        entries=await Talk(mine.site.app.memory.store, mine.agent).newest(),
        fresh=secrets.token_hex(16),
        longest=LONGEST,
        **values,
    )


@_open
async def events(request: web.Request, mine: Owned, pages: OpenPages) -> web.StreamResponse:
    return await streamed(request, mine, pages)


@dataclass(frozen=True, kw_only=True)
class Sent:
    """``id`` is the page's own name for the message, ``live``: a script sent it, and shows what it gets."""

    id: str
    text: str
    files: tuple[File, ...]
    live: bool


@_open
async def send(request: web.Request, mine: Owned, pages: OpenPages) -> web.StreamResponse:
    """Take a message, or obey a command. What is sent again, with the same id, is taken once."""
    sent = await _received(request)
    origin = origin_in_chat(mine)
    command = _command(sent.text, origin)
    if await _spent(mine, command):
        view: View | None = View(text=gettext(_SPENT), kind="error")
    elif command is not None:
        view = await _obeyed(mine, command, pages)
    elif sent.text.strip() or sent.files:
        view = await _said(mine, origin, sent, pages)
        pages.tell(origin.address)
    else:
        view = None
    return await _answer(request, mine, view, live=sent.live)


@_open
async def do(request: web.Request, mine: Owned, pages: OpenPages) -> web.StreamResponse:
    """What a button or a form in the chat does."""
    fields = await request.post()
    command = Command(
        **origin_of(origin_in_chat(mine)),
        command=str(fields.get("command", "")),
        argument=str(fields.get("argument", ""))[:LONGEST],
        value=str(fields.get("value", "")).replace("\r\n", "\n"),
    )
    if await _spent(mine, command):
        view = View(text=gettext(_SPENT), kind="error")
    else:
        view = await _obeyed(mine, command, pages)
    return await _answer(request, mine, view, live=bool(fields.get("live")))


async def _spent(mine: Owned, command: Command | None) -> bool:
    """Whether nothing is left for guests today, of whom it is one; they may still stop me, and have themselves
    forgotten."""
    guest = all(account.startswith(GUEST) for account in mine.visitor.accounts)
    free = command is not None and command.command in _FREE
    return guest and not free and not await mine.site.app.guests.may_spend()


async def _said(mine: Owned, origin: Origin, sent: Sent, pages: OpenPages) -> View | None:
    # By what it says, too: what somebody wrote anew into a form that they went back to is another message.
    named = hashlib.sha256(f"{sent.id}\n{sent.text}".encode("utf-8", "replace"))
    for file in sent.files:
        named.update(file.name.encode("utf-8", "replace") + hashlib.sha256(file.data).digest())
    event = MessageReceived(
        **origin_of(origin),
        key=f"{origin.address}:{named.hexdigest()[:40]}",
        at=mine.site.app.clock.now(),
        text=sent.text,
    )
    inbound = mine.site.app.inbound
    async with inbound.reading(event.account, event.address, event.key):
        shown, documents = pages.attached(event, sent.files)
        views = [await inbound.submit(document) for document in documents]
        if event.text.strip() or shown or not documents:
            views.append(await inbound.submit(replace(event, attachments=shown)))
    return next(filter(None, views), None)


async def _obeyed(mine: Owned, command: Command, pages: OpenPages) -> View:
    inbound = mine.site.app.inbound
    if command.command in {spec.name for spec in inbound.commands if spec.local}:
        return View(text=unknown(command.command), kind="error")
    view = await inbound.invoke(command)
    pages.tell(command.address, anew=True)
    return view


def _command(text: str, origin: Origin) -> Command | None:
    """The one that a message is, if it begins with a stroke and a word."""
    name, _, argument = text.strip().removeprefix("/").partition(" ")
    if not text.lstrip().startswith("/") or not name.isalpha():
        return None
    return Command(**origin_of(origin), command=name.lower(), argument=argument.strip())


async def _answer(request: web.Request, mine: Owned, view: View | None, *, live: bool) -> web.StreamResponse:
    if view is not None and not await mine.site.sessions.still(mine.visitor):
        view = replace(view, actions=(), entries=(), form=None)
        if not live:
            return page(request, "wrong.html", title=gettext("My memory"), told=view.text)
    if live and view is None:
        return web.Response(status=HTTPStatus.NO_CONTENT)
    if live and view is not None:
        return web.Response(text=rendering.answer(mine, view), content_type="text/html")
    back = f"{mine.root}/chat"
    if view is None:
        raise web.HTTPSeeOther(f"{back}#end")
    return answered(request, mine, view, back)


async def _received(request: web.Request) -> Sent:
    """The form's fields. Raises HTTPRequestEntityTooLarge beyond what a message may be."""
    fields: dict[str, str] = {}
    files: list[File] = []
    if request.content_type != "multipart/form-data":
        raise web.HTTPBadRequest
    async for part in await request.multipart():
        if not isinstance(part, BodyPartReader):
            raise web.HTTPBadRequest
        if part.name == "file":
            left = _ALL_FILES - sum(len(file.data) for file in files)
            data = await _read(part, min(_FILE, left) if len(files) < _FILES else 0)
            if data:
                files.append(File(name=_named(part.filename or ""), data=data))
            continue
        if part.name not in _FIELDS:
            raise web.HTTPBadRequest
        most = _BYTES if part.name == "text" else _SHORT
        fields[part.name] = (await _read(part, most)).decode("utf-8", "replace")
    text = fields.get("text", "").replace("\r\n", "\n")[:LONGEST]
    return Sent(id=fields.get("id", ""), text=text, files=tuple(files), live=bool(fields.get("live")))


def _named(name: str) -> str:
    """As it is shown, whatever path it is of."""
    return " ".join(printable(name).replace("\\", "/").rpartition("/")[2].split())[-_NAME:] or "file"


async def _read(part: BodyPartReader, most: int) -> bytes:
    data = bytearray()
    while chunk := await part.read_chunk(_CHUNK):
        data += chunk
        if len(data) > most:
            raise web.HTTPRequestEntityTooLarge(most, len(data))
    return bytes(data)


# Files that are shown


@_open
async def sent_picture(request: web.Request, mine: Owned, pages: OpenPages) -> web.StreamResponse:
    """An image that came with a message of the person's."""
    key, number = f"{WEB}:{request.match_info['key']}", int(request.match_info["number"])
    async with mine.site.app.memory.store.read() as session:
        rows = await session.mailbox.events_from(key)
    row = next((row for row in rows if row.key == key and row.agent_id == mine.agent.id), None)
    attached = row.payload.get("attachments", ()) if row else ()
    picture = drawn(attached[number].get("image", "")) if number < len(attached) else None
    if picture is None:
        raise web.HTTPNotFound
    return web.Response(body=picture[1], content_type=picture[0])


@_open
async def made(request: web.Request, mine: Owned, pages: OpenPages) -> web.StreamResponse:
    """A file that the agent sent."""
    async with mine.site.app.memory.store.read() as session:
        found = await session.mailbox.file_of(request.query.get("post", ""), mine.agent.id)
    if found is None:
        raise web.HTTPNotFound
    kind = next((kind for mark, kind in _MADE.items() if found[1].startswith(mark)), None)
    return web.Response(body=found[1], content_type=kind) if kind else file_response(*found)


ROUTES = (
    web.get(r"/{agent:\d+}/chat", chat),
    web.get(r"/{agent:\d+}/chat/events", events),
    web.get(r"/{agent:\d+}/chat/sent/{key:\d+:[0-9a-f]+}/{number:\d{1,3}}", sent_picture),
    web.get(r"/{agent:\d+}/chat/made", made),
    web.post(r"/{agent:\d+}/chat", send),
    web.post(r"/{agent:\d+}/chat/do", do),
)
