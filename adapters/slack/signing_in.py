"""Sign in with Slack (docs.slack.dev, "Sign in with Slack"; OpenID Connect Core 1.0)."""

from __future__ import annotations

import base64
import hmac
import json

from adapters.hosts import Hosts
from adapters.oauth import Client
from adapters.wire import Json, record, text
from bot.errors import AdapterError

_USER, _TEAM = "https://slack.com/user_id", "https://slack.com/team_id"


class SlackSignIn:
    """`bot.ports.SignIn`."""

    platform = "slack"
    title = "Slack"

    def __init__(self, client_id: str, secret: str, authorize_url: str, api_url: str) -> None:
        self._client = Client(
            id=client_id,
            secret=secret,
            authorize_url=authorize_url,
            token_url=f"{api_url.rstrip('/')}/openid.connect.token",
            hosts=Hosts("Slack", {"web.slack.api_url": (api_url, ("slack.com",))}, ()),
        )

    def address(self, state: str, nonce: str, challenge: str, redirect: str) -> str:
        return self._client.address(
            "openid",
            state=state,
            nonce=nonce,
            redirect_uri=redirect,
            code_challenge=challenge,
            code_challenge_method="S256",
        )

    async def account(self, code: str, verifier: str, nonce: str, redirect: str) -> str:
        given = await self._client.exchange(code, verifier, redirect)
        if given.get("ok") is not True:
            raise AdapterError(f"Slack refused a sign-in ({text(given.get('error'))[:60]}).")
        # It came from the token endpoint itself, over TLS: its signature need not be looked at (Core 1.0, 3.1.3.7).
        claims = _claims(text(given.get("id_token")))
        user, team = text(claims.get(_USER)), text(claims.get(_TEAM))
        ours = claims.get("aud") in (self._client.id, [self._client.id])
        fresh = hmac.compare_digest(text(claims.get("nonce")).encode(), nonce.encode())
        if not (ours and fresh and user.isalnum() and team.isalnum()):
            raise AdapterError("Slack did not tell who signs in, or told it to another.")
        return f"slack:{team}/{user}"


def _claims(token: str) -> Json:
    """Of a JSON Web Token (RFC 7519); of what is none, nothing."""
    parts = token.split(".")
    try:
        body = base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4))
        return record(json.loads(body))
    except (IndexError, ValueError):
        return {}
