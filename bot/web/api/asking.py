"""Who asks, for what, and what is true of every request: whose key it is, what it may hold, and that a write under an
Idempotency-Key (draft-ietf-httpapi-idempotency-key-header) is carried out once."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any, get_origin

from aiohttp import web
from pydantic import ValidationError

from bot.app import App
from bot.errors import Changed, CommandError, NotThere, Unjudged
from bot.ownership.erasure import nothing
from bot.people.identities import Identity
from bot.people.pace import TooFast, Turned
from bot.people.web_keys import digest
from bot.web.api.problems import Problem
from bot.web.api.shapes import Question, Shape
from bot.web.memory.owned import private_origin
from bot.web.website import website
from memory.ports import Also, Session
from memory.records import User, WebKey, WebWrite

KEY = "Idempotency-Key"
NAMED = "^[!-~]{1,255}$"
_NOBODY = "There is no such key: /connect program makes one, and this wants it as: Authorization: Bearer KEY"
_REUSED = "That Idempotency-Key stood for another request already."
_AT_IT = "A request of that Idempotency-Key is being carried out. Ask again in a moment."
_GONE = "That was done under this Idempotency-Key before, and what it wrote was forgotten since."
_RETRY = {"Retry-After": "60"}


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A request of a person's program, to their memory with one persona. ``path`` is what stands in the path's
    blanks."""

    app: App
    who: Identity
    path: Mapping[str, str]
    query: Any
    body: Any


Done = Callable[[str], Also]
"""Given what is written, what notes in the same unit of work that it is."""
Read = Callable[[Asked], Awaitable[Shape | web.Response]]
Deed = Callable[[Asked, Done], Awaitable[str]]
Told = Callable[[Asked, str, datetime], Awaitable[Shape]]


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One thing that can be asked. A write is a ``deed``, which gives what it wrote, and what is ``told`` of that, at
    once or when it is asked for again; anything else is a ``read``."""

    method: str
    path: str
    name: str
    about: str
    answer: type[Shape] | None  # None: a zip
    query: type[Question] = Question
    body: type[Shape] | None = None
    status: int = 200
    read: Read | None = None
    deed: Deed | None = None
    told: Told | None = None
    counted: bool = False  # as a command is, by the minute

    async def answered(self, request: web.Request) -> web.StreamResponse:
        """Raises `Problem`."""
        secret, key, user = await _bearer(request)
        query = _query(self.query, request)
        body, raw = await _body(self.body, request)
        asked = Asked(
            app=website(request).app,
            who=await self._who(request, key, user, query.persona),
            path=request.match_info,
            query=query,
            body=body,
        )
        try:
            if self.read is not None:
                return self._response(await self.read(asked))
            write = _named(request, secret, key, raw, asked.app.clock.now())
            return self._response(await self._written(asked, write, website(request).at_work))
        except NotThere as error:
            raise Problem(404, str(error)) from None
        except Changed as error:
            raise Problem(409, str(error)) from None
        except Unjudged as error:
            raise Problem(503, str(error), _RETRY) from None
        except CommandError as error:
            raise Problem(422, str(error)) from None

    def _response(self, told: Shape | web.Response) -> web.Response:
        if isinstance(told, web.Response):
            return told
        return web.Response(text=told.model_dump_json(), content_type="application/json", status=self.status)

    async def _written(self, asked: Asked, write: WebWrite | None, at_work: set[str]) -> Shape:
        """Carry it out, unless it was carried out under its name before."""
        assert self.deed is not None
        assert self.told is not None
        if write is None:
            target = await self.deed(asked, lambda target: nothing)
            return await self.told(asked, target, asked.app.clock.now())
        if write.name in at_work:
            raise Problem(409, _AT_IT)
        at_work.add(write.name)  # before it is looked for: what ends meanwhile would not be found
        try:
            async with asked.app.memory.store.read() as session:
                known = await session.web_keys.write(write.key_id, write.name)
            if known is not None:
                if known.request != write.request:
                    raise Problem(409, _REUSED)
                return await self._told_again(asked, known)
            target = await self.deed(asked, lambda target: partial(_note, replace(write, target=target)))
        finally:
            at_work.discard(write.name)
        return await self.told(asked, target, write.at)

    async def _told_again(self, asked: Asked, known: WebWrite) -> Shape:
        assert self.told is not None
        try:
            return await self.told(asked, known.target, known.at)
        except NotThere:
            raise Problem(410, _GONE) from None

    async def _who(self, request: web.Request, key: WebKey, user: User, persona: str | None) -> Identity:
        site = website(request)
        name = persona or site.settings.personas.default
        async with site.app.memory.store.read() as session:
            chosen = await session.personas.named(name)
            agent = await session.agents.agent_of(user.id, chosen.id) if chosen else None
            if agent is None:
                raise Problem(404, f"You have not talked with the persona {name!r} yet.")
            origin = await private_origin(session, key, user, agent)
        try:
            return await site.app.inbound.admit(origin, writes=self.counted or self.deed is not None)
        except TooFast as turned:
            told = turned.view.text if turned.view else "That was too fast."
            raise Problem(429, told, _RETRY) from None
        except Turned:
            raise Problem(403, "You may not talk with me. Whoever runs me decides that.") from None


async def _note(write: WebWrite, session: Session) -> None:
    await session.web_keys.note_write(write)


async def _bearer(request: web.Request) -> tuple[str, WebKey, User]:
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    secret = secret.strip()
    programs = website(request).app.inbound.programs
    found = await programs.holder(secret) if scheme.lower() == "bearer" else None
    if found is None:
        raise Problem(401, _NOBODY, {"WWW-Authenticate": "Bearer"})
    key, user = found
    return secret, key, user


def _query(kind: type[Question], request: web.Request) -> Any:
    """Each name once, but for those of lists."""
    given: dict[str, Any] = {}
    for name in request.query:
        field = kind.model_fields.get(name)
        values = request.query.getall(name)
        many = field is not None and get_origin(field.annotation) is list
        given[name] = values if many or len(values) > 1 else values[0]
    return _valid(lambda: kind.model_validate(given), "query")


async def _body(kind: type[Shape] | None, request: web.Request) -> tuple[Any, bytes]:
    """What the body says, and its bytes. aiohttp refuses one that is too large."""
    if kind is None:
        return None, b""
    if request.content_type != "application/json":
        raise Problem(415, "The body must be JSON: Content-Type: application/json")
    raw = await request.read()
    return _valid(lambda: kind.model_validate_json(raw), "body"), raw


def _valid(read: Callable[[], Shape], where: str) -> Any:
    try:
        return read()
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        place = ".".join([where, *map(str, first["loc"])])
        raise Problem(422, f"{place}: {first['msg']}") from None


def _named(request: web.Request, secret: str, key: WebKey, raw: bytes, now: datetime) -> WebWrite | None:
    """The write by the name that the program gave it. Of name and request nothing is kept that could be guessed at
    without the program's own key."""
    name = request.headers.get(KEY)
    if name is None:
        return None
    if not re.fullmatch(NAMED, name):
        raise Problem(422, f"{KEY}: 1 to 255 printable ASCII characters without spaces, please.")
    asked = b" ".join([request.method.encode(), request.path_qs.encode("utf-8", "replace"), raw])
    return WebWrite(
        key_id=key.id,
        name=digest(f"{secret} {name}"),
        request=hashlib.sha256(secret.encode("utf-8", "replace") + b" " + asked).hexdigest(),
        target="",
        at=now,
    )
