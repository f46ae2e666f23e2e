"""The door of the fake Web API: tokens, scopes, limits and faults; what is asked is noted.

What the methods do is in `slack_methods` and `slack_surfaces`.
"""

from __future__ import annotations

import json
import math
import time
from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from aiohttp import web

from tests.fakes import slack_facts
from tests.fakes.hold import Hold
from tests.fakes.slack_state import Json, Refused, Workspace

OBJECTS = ("attachments", "blocks", "files", "loading_messages", "metadata", "prompts", "view")
APP_METHODS = ("apps.connections.open",)  # by the app-level token
CONFIG_METHODS = ("apps.manifest.export",)  # by an app configuration token


@dataclass(frozen=True)
class Method:
    """``scopes``: one of them must be granted; methods that depend on the place ask for theirs inside."""

    run: Callable[[Json], Json]
    scopes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Call:
    """One request to the Web API, noted when its outcome was decided.

    ``outcome`` is ``ok``, an error of the platform, or a fault: ``lost`` or ``http 503``.
    """

    method: str
    args: Json
    outcome: str
    answer: Json


@dataclass(frozen=True, kw_only=True)
class Fault:
    """``kind``: ``refuse``, ``status``, ``lose`` (done, but never answered) or ``hold`` (late, then as usual)."""

    kind: str
    error: str = ""
    status: int = 200
    seconds: float = 0.0
    hold: Hold | None = None


class Api:
    """Answers ``POST /api/<method>``. ``post_s`` must pass between two posts in one channel."""

    def __init__(
        self,
        workspace: Workspace,
        methods: Mapping[str, Method],
        bot_token: str,
        app_token: str,
        config_token: str,
        post_s: float,
    ) -> None:
        self.workspace, self.methods, self.post_s = workspace, methods, post_s
        self.tokens = {
            app_token: APP_METHODS,
            config_token: CONFIG_METHODS,
            bot_token: [name for name in methods if name not in APP_METHODS + CONFIG_METHODS],
        }
        self.transcript: list[Call] = []
        self.faults: dict[str, deque[Fault]] = defaultdict(deque)  # by method; "*" for any
        self.revoked = ""  # the error that a token of an uninstalled app meets
        self._posted: dict[str, float] = {}

    async def handle(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["method"]
        args = await arguments(request)
        if name in self.methods:
            typed = request.content_type == "application/json"
            self.workspace.problems += slack_facts.asked(name, args, typed=typed)
        fault = self._fault(name)
        if fault is not None and fault.hold is not None:
            await fault.hold.passed()
        if fault is not None and fault.kind == "status":
            self._note(name, args, f"http {fault.status}", {})
            return web.Response(status=fault.status, text="<html>Oops</html>", content_type="text/html")
        try:
            if fault is not None and fault.kind == "refuse":
                raise refusal(fault)
            answer = {"ok": True, **self._run(name, args, request.headers.get("Authorization", ""))}
        except Refused as refused:
            self._note(name, args, refused.body["error"], refused.body)
            return web.json_response(
                refused.body, status=refused.status, headers=self._headers(refused.headers)
            )
        if fault is not None and fault.kind == "lose":
            self._note(name, args, "lost", answer)
            return cut(request)
        self._note(name, args, "ok", answer)
        self.workspace.problems += slack_facts.answered(name, answer)
        return web.json_response(answer, headers=self._headers())

    def _run(self, name: str, args: Json, authorization: str) -> Json:
        token = authorization.removeprefix("Bearer ") or args.get("token", "")
        method = self.methods.get(name)
        if method is None:
            raise Refused("unknown_method", req_method=name)
        if not token:
            raise Refused("not_authed")
        if token not in self.tokens:
            raise Refused("invalid_auth")
        if name not in self.tokens[token]:
            raise Refused("not_allowed_token_type")
        if self.revoked:
            raise Refused(self.revoked)
        if method.scopes:
            self.workspace.require(*method.scopes)
        if name == "chat.postMessage":
            self._limit(str(args.get("channel")))
        return method.run(args)

    def _limit(self, channel: str) -> None:
        now = time.monotonic()
        left = self._posted.get(channel, -math.inf) + self.post_s - now
        if left > 0:
            raise Refused("ratelimited", status=429, headers={"Retry-After": str(math.ceil(left))})
        self._posted[channel] = now

    def _fault(self, name: str) -> Fault | None:
        for waiting in (self.faults["*"], self.faults[name]):
            if waiting and name in self.methods:
                return waiting.popleft()
        return None

    def _headers(self, more: Json | None = None) -> Json:
        return {"x-oauth-scopes": ",".join(sorted(self.workspace.scopes)), **(more or {})}

    def _note(self, name: str, args: Json, outcome: str, answer: Json) -> None:
        kept = json.loads(json.dumps(answer))  # state goes on changing, what was said does not
        self.transcript.append(Call(method=name, args=args, outcome=outcome, answer=kept))
        self.workspace.changes.note()


def cut(request: web.Request) -> web.Response:
    """The connection breaks before a byte of the answer is out."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


def refusal(fault: Fault) -> Refused:
    if fault.error != "ratelimited":
        return Refused(fault.error)
    return Refused("ratelimited", status=429, headers={"Retry-After": str(math.ceil(fault.seconds))})


async def arguments(request: web.Request) -> Json:
    """Query, form and JSON body as one; objects inside a form are JSON texts."""
    args: Json = dict(request.query)
    if request.content_type == "application/json":
        body = json.loads(await request.text() or "{}")
        args |= body if isinstance(body, dict) else {}
    else:
        args |= {key: value for key, value in (await request.post()).items() if isinstance(value, str)}
    for name in OBJECTS:
        if isinstance(args.get(name), str):
            try:
                args[name] = json.loads(args[name])
            except ValueError:
                args[name] = None
    return args


def flag(args: Json, name: str) -> bool:
    return args.get(name) in (True, 1, "1", "true", "True")
