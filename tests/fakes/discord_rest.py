"""How every REST request is taken: read, noted, let in or refused, and answered, or lost on the way."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from aiohttp import web

from tests.fakes.discord_facts import misfits
from tests.fakes.discord_faults import Faults
from tests.fakes.discord_limits import Grant, Limits, too_many
from tests.fakes.discord_records import Channel, Guild, Message, User
from tests.fakes.discord_rules import Intent, Json, Permission, Refusal
from tests.fakes.discord_world import World

BASE = "/api/v10"
Handler = TypeVar("Handler", bound=Callable[..., Any])


@dataclass
class Call:
    """One request: its line without the base, what it carried, and how it ended."""

    method: str
    path: str
    params: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    body: Any = field(default_factory=dict)
    files: list[tuple[str, bytes]] = field(default_factory=list)
    user_agent: str = ""
    status: int = 0
    answer: Any = None

    @property
    def line(self) -> str:
        return f"{self.method} {self.path}"

    def __repr__(self) -> str:
        return f"{self.line} {str(self.body)[:300]} -> {self.status} {str(self.answer)[:300]}"


@dataclass(frozen=True)
class Route:
    method: str
    path: str
    bucket: str = "other"
    tokened: bool = False  # a token in the path stands for authorization


def route(
    method: str, path: str, bucket: str = "other", *, tokened: bool = False
) -> Callable[[Handler], Handler]:
    """Mark a method that takes a `Call` and gives JSON, or None for 204."""

    def mark(handler: Handler) -> Handler:
        marks = getattr(handler, "routes", ())
        handler.routes = (*marks, Route(method, path, bucket, tokened))  # type: ignore[attr-defined]
        return handler

    return mark


class Handlers:
    """What handlers of all kinds look up."""

    def __init__(self, world: World) -> None:
        self.world = world

    def channel(self, call: Call, needed: Permission = Permission.VIEW) -> Channel:
        """The channel in the path, where the bot has these permissions."""
        number = call.params["channel"]
        channel = self.world.channels.get(int(number)) if number.isdecimal() else None
        if channel is None:
            raise Refusal(404, 10003)
        if not channel.allows(self.world.bot):
            raise Refusal(403, 50001)
        if not channel.allows(self.world.bot, needed):
            raise Refusal(403, 50013)
        return channel

    def message(self, call: Call, needed: Permission = Permission.VIEW) -> Message:
        return self.world.find_message(self.channel(call, needed), call.params["message"])

    def guild(self, call: Call) -> Guild:
        guild = self.world.guilds.get(int(call.params["guild"]))
        if guild is None:
            raise Refusal(404, 10004)
        if self.world.bot.id not in guild.members:
            raise Refusal(403, 50001)
        return guild

    def user(self, number: object) -> User:
        try:
            return self.world.users[int(str(number))]
        except (KeyError, ValueError):
            raise Refusal(404, 10013) from None

    def shown(self, message: Message) -> Json:
        """A message as REST gives it: what the portal says, not the session, decides on its content."""
        return message.payload(
            self.world.bot, content=Intent.MESSAGE_CONTENT in self.world.settings.privileged
        )


async def read(request: web.Request) -> tuple[Any, list[tuple[str, bytes]]]:
    """The JSON of a request, and the files beside it."""
    if not request.content_type.startswith("multipart/"):
        data = await request.read()
        return (json.loads(data) if data else {}), []
    body: Any = {}
    files = []
    async for part in await request.multipart():
        data = await part.read()
        if part.name == "payload_json":
            body = json.loads(data)
        else:
            files.append((part.filename or "unknown", bytes(data)))
    return body, files


class Rest:
    def __init__(self, world: World, faults: Faults, note: Callable[[str, Call], None]) -> None:
        self.world, self.faults, self._note = world, faults, note
        self._limits = Limits(world.settings.limits)
        self.invalid_requests = 0
        self.misfits: list[str] = []  # what of the requests is not as Discord describes them

    def routes(self, handlers: Iterable[object]) -> Iterator[web.RouteDef]:
        for owner in handlers:
            for name in dir(type(owner)):
                for mark in getattr(getattr(type(owner), name), "routes", ()):
                    serve = partial(self._serve, mark, getattr(owner, name))
                    yield web.route(mark.method, BASE + mark.path, serve)
        yield web.route("*", BASE + "/{rest:.*}", partial(self._serve, Route("*", ""), self._unknown))
        yield web.get("/attachments/{channel}/{attachment}/{name}", self._download)

    def _unknown(self, call: Call) -> None:
        raise Refusal(404, 0)

    async def _serve(
        self, route: Route, handler: Callable[[Call], Any], request: web.Request
    ) -> web.Response:
        call = Call(request.method, request.path.removeprefix(BASE), request.match_info, request.query)
        lost = self.faults.take("lose_request", call.line)
        response = web.Response()
        if not lost:
            try:
                call.body, call.files = await read(request)
            except ValueError:
                call.body = None
            except ConnectionError:  # the client went away in the middle of it
                return response
            self.misfits += misfits(call.line, call.query, call.body)
            call.user_agent = request.headers.get("User-Agent", "")
            if held := self.faults.take("hold", call.line):
                await held.hold.passed()
            if away := self.faults.take("redirect", call.line):
                self._note("request", call)
                raise web.HTTPTemporaryRedirect(away.target)
            response = self._answer(route, handler, call, request.headers.get("Authorization"))
            lost = self.faults.take("lose_response", call.line)
        if lost and request.transport:
            request.transport.abort()
        return response

    def _answer(
        self, route: Route, handler: Callable[[Call], Any], call: Call, authorization: str | None
    ) -> web.Response:
        grant = Grant({})
        try:
            grant = self._admit(route, call, authorization)
            if grant.retry_after:
                call.status, call.answer = 429, grant.body()
            else:
                call.answer = handler(call)
                call.status = 204 if call.answer is None else 200
        except Refusal as refusal:
            call.status, call.answer = refusal.status, refusal.body()
        self.invalid_requests += call.status in (401, 403, 429)
        self._note("request", call)
        if call.answer is None:
            return web.Response(status=call.status, headers=grant.headers)
        body = json.dumps(call.answer).encode()  # as bytes: discord.py wants no charset in the type
        return web.Response(
            status=call.status, body=body, content_type="application/json", headers=grant.headers
        )

    def _admit(self, route: Route, call: Call, authorization: str | None) -> Grant:
        settings = self.world.settings
        if self.faults.down:
            raise Refusal(503, 0)
        if self.invalid_requests >= settings.invalid_total:
            return Grant({"Retry-After": "3600"}, 3600.0)  # a ban: there is no Via
        if refusal := self.faults.take("refuse", call.line):
            raise Refusal(refusal.status, refusal.code)
        if not route.tokened and authorization != f"Bot {settings.token}":
            raise Refusal(401, 0)
        if storm := self.faults.take("storm", call.line):
            return too_many(storm.seconds, everywhere=storm.everywhere)
        if call.body is None:
            raise Refusal(400, 50109)
        places = [
            call.params.get(name, "") for name in ("channel", "guild", "webhook", "interaction", "token")
        ]
        place = (
            f"{route.method} {route.path} {places}" if route.bucket == "other" else f"{route.method} {places}"
        )
        return self._limits.admit(route.bucket, place, bound=not route.tokened)

    async def _download(self, request: web.Request) -> web.Response:
        line = f"GET {request.path}"
        if held := self.faults.take("hold", line):
            await held.hold.passed()
        if away := self.faults.take("redirect", line):
            raise web.HTTPFound(away.target)
        found = self.world.files.get(int(request.match_info["attachment"]))
        if found is None or found.name != request.match_info["name"]:
            raise web.HTTPNotFound
        return web.Response(body=found.data, content_type=found.media_type)
