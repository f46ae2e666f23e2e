"""Discord's and Slack's own doors for signing in, on loopback, as their documents and OAuth's RFCs describe them.

What a real one would refuse is refused, and noted in ``problems``. ``somebody`` agrees in the browser.
"""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import parse_qsl, urlencode, urlsplit
from uuid import uuid4

from aiohttp import web
from aiohttp.test_utils import TestServer

CLIENT, SECRET = "client-1", "very-secret"
USER, TEAM = "U1", "T1"


@dataclass
class _Code:
    asked: dict[str, str]
    account: str
    used: bool = False


class SignInServer:
    """``settings`` are those of ``[web.discord]`` and ``[web.slack]`` for it."""

    def __init__(self, redirects: dict[str, str]) -> None:
        """``redirects`` are registered there, by platform."""
        self.problems: list[str] = []
        self._redirects = redirects
        self._codes: dict[str, _Code] = {}
        self._tokens: dict[str, str] = {}
        self.claims: dict[str, Any] = {}  # that an id_token has otherwise
        app = web.Application()
        app.add_routes(
            [
                web.post("/api/v10/oauth2/token", self._discord_token),
                web.get("/api/v10/users/@me", self._me),
                web.post("/api/openid.connect.token", self._slack_token),
            ]
        )
        self._server = TestServer(app)

    async def __aenter__(self) -> Self:
        await self._server.start_server()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._server.close()

    @property
    def settings(self) -> dict[str, dict[str, str]]:
        client = {"client_id": CLIENT, "client_secret": SECRET}
        url = str(self._server.make_url("")).rstrip("/")
        return {
            "discord": {**client, "authorize_url": f"{url}/oauth2/authorize", "api_url": f"{url}/api/v10"},
            "slack": {**client, "authorize_url": f"{url}/openid/connect/authorize", "api_url": f"{url}/api/"},
        }

    def agreed(self, address: str, account: str) -> str:
        """Somebody was sent to that address, and agrees: where their browser is sent back to."""
        parts = urlsplit(address)
        asked = dict(parse_qsl(parts.query))
        platform = "slack" if "openid" in parts.path else "discord"
        scopes = {"slack": "openid", "discord": "identify"}
        wanted = {
            "response_type": "code",
            "client_id": CLIENT,
            "redirect_uri": self._redirects[platform],
            "scope": scopes[platform],
            "code_challenge_method": "S256",
        }
        self._refuse([name for name, value in wanted.items() if asked.get(name) != value])
        self._refuse([name for name in ("state", "code_challenge") if len(asked.get(name, "")) < 43])
        code = uuid4().hex
        self._codes[code] = _Code(asked, account)
        return f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}"

    def _refuse(self, problems: list[str]) -> bool:
        self.problems += problems
        return bool(problems)

    async def _exchanged(self, request: web.Request) -> _Code | None:
        """RFC 6749, 4.1.3, and RFC 7636, 4.6."""
        if request.content_type != "application/x-www-form-urlencoded":
            self._refuse(["content type"])
            return None
        form = {name: str(value) for name, value in (await request.post()).items()}
        code = self._codes.get(form.get("code", ""))
        if code is None or code.used:
            self._refuse(["code"])
            return None
        code.used = True
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        wanted = {
            "grant_type": "authorization_code",
            "client_id": CLIENT,
            "client_secret": SECRET,
            "redirect_uri": code.asked["redirect_uri"],
        }
        wrong = [name for name, value in wanted.items() if form.get(name) != value]
        if base64.urlsafe_b64encode(digest).decode().rstrip("=") != code.asked["code_challenge"]:
            wrong.append("code_verifier")
        return None if self._refuse(wrong) else code

    async def _discord_token(self, request: web.Request) -> web.Response:
        code = await self._exchanged(request)
        if code is None:
            return web.json_response({"error": "invalid_grant"}, status=400)
        token = uuid4().hex
        self._tokens[token] = code.account
        answer = {"access_token": token, "token_type": "Bearer", "expires_in": 604800, "scope": "identify"}
        return web.json_response(answer)

    async def _me(self, request: web.Request) -> web.Response:
        account = self._tokens.get(request.headers.get("Authorization", "").removeprefix("Bearer "))
        if account is None:
            return web.json_response({"message": "401: Unauthorized", "code": 0}, status=401)
        return web.json_response({"id": account, "username": "ada", "global_name": "Ada"})

    async def _slack_token(self, request: web.Request) -> web.Response:
        code = await self._exchanged(request)
        if code is None:
            return web.json_response({"ok": False, "error": "invalid_code"})
        claims = {
            "iss": "https://slack.com",
            "sub": code.account,
            "aud": CLIENT,
            "nonce": code.asked.get("nonce", ""),
            "https://slack.com/user_id": code.account,
            "https://slack.com/team_id": TEAM,
        } | self.claims
        token = ".".join(map(_part, ({"alg": "RS256", "typ": "JWT"}, claims))) + ".c2lnbmVk"
        return web.json_response(
            {"ok": True, "access_token": "xoxp-1", "token_type": "Bearer", "id_token": token}
        )


def _part(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")
