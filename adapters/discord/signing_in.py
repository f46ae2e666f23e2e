"""Sign in with Discord (docs.discord.com, "OAuth2", authorization code grant; scope "identify")."""

from __future__ import annotations

from adapters.discord.hosts import API
from adapters.hosts import Hosts
from adapters.oauth import Client
from adapters.wire import text
from bot.errors import AdapterError


class DiscordSignIn:
    """`bot.ports.SignIn`."""

    platform = "discord"
    title = "Discord"

    def __init__(self, client_id: str, secret: str, authorize_url: str, api_url: str) -> None:
        self._api = api_url.rstrip("/")
        self._client = Client(
            id=client_id,
            secret=secret,
            authorize_url=authorize_url,
            token_url=f"{self._api}/oauth2/token",
            hosts=Hosts("Discord", {"web.discord.api_url": (api_url, API)}, ()),
        )

    def address(self, state: str, nonce: str, challenge: str, redirect: str) -> str:
        return self._client.address(
            "identify",
            state=state,
            redirect_uri=redirect,
            code_challenge=challenge,
            code_challenge_method="S256",
            prompt="none",  # whoever agreed before is not asked again
        )

    async def account(self, code: str, verifier: str, nonce: str, redirect: str) -> str:
        given = await self._client.exchange(code, verifier, redirect)
        token = text(given.get("access_token"))
        headers = {"Authorization": f"Bearer {token}"}
        found = text((await self._client.asked("GET", f"{self._api}/users/@me", headers=headers)).get("id"))
        if not found.isdecimal():
            raise AdapterError("Discord did not tell who signs in.")
        return f"discord:{found}"
