"""OAuth 2.1 with servers of tools: consent in a browser, tokens that renew themselves. SDK: mcp.

A person is given an address; what their browser brings back (RFC 6749, 4.1.2) is told by `Consents.bring`. Until then
the flow waits, for ten minutes and in this process only: whoever comes later begins anew.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from bot.mcp.transport import NotLetIn
from bot.mcp.vault import CredentialVault
from bot.settings import McpServerSettings

if TYPE_CHECKING:
    import httpx2
    from mcp.shared.auth import OAuthClientInformationFull, OAuthToken

CALLBACK = "/connect/callback"
"""Where browsers come back to, under the page's own address."""
WAITS_S = 600.0
Show = Callable[[str], None]


class Consents:
    """Flows that wait for a browser."""

    def __init__(self) -> None:
        self._waiting: dict[str, asyncio.Future[tuple[str, str | None]]] = {}

    def bring(self, state: str, code: str, issuer: str | None) -> bool:
        """What a browser came back with; False where nobody waits for it (any more)."""
        waiting = self._waiting.pop(state, None)
        if waiting is None or waiting.done() or not code:
            return False
        waiting.set_result((code, issuer))
        return True

    async def wait(self, state: str) -> tuple[str, str | None]:
        """Raises `NotLetIn` when nobody comes in time."""
        waiting: asyncio.Future[tuple[str, str | None]] = asyncio.get_running_loop().create_future()
        self._waiting[state] = waiting
        try:
            async with asyncio.timeout(WAITS_S):
                return await waiting
        except TimeoutError:
            raise NotLetIn("nobody consented in time") from None
        finally:
            self._waiting.pop(state, None)


def signing(
    name: str, server: McpServerSettings, vault: CredentialVault, user_id: int, callback: str
) -> httpx2.Auth:
    """Signs requests with what was consented to, or with the client's own credentials; it never asks anybody."""
    if server.client_secret is not None and not server.per_person:
        from mcp.client.auth.extensions.client_credentials import ClientCredentialsOAuthProvider

        return ClientCredentialsOAuthProvider(
            server_url=server.url or "",
            storage=_Kept(name, vault, user_id),
            client_id=server.client_id or "",
            client_secret=server.client_secret.get_secret_value(),
            scope=server.scope,
        )

    async def nobody(url: str) -> None:
        raise NotLetIn("consent is needed anew")

    return _provider(name, server, vault, user_id, callback, nobody, None)


def asking(
    name: str,
    server: McpServerSettings,
    vault: CredentialVault,
    user_id: int,
    callback: str,
    consents: Consents,
    show: Show,
) -> httpx2.Auth:
    """Signs requests once the person has consented at the address that ``show`` is told."""
    from mcp.shared.auth import AuthorizationCodeResult

    asked = ""

    async def lead(url: str) -> None:
        nonlocal asked
        asked = parse_qs(urlsplit(url).query).get("state", [""])[0]
        show(url)

    async def came_back() -> AuthorizationCodeResult:
        code, issuer = await consents.wait(asked)
        return AuthorizationCodeResult(code=code, state=asked, iss=issuer)

    return _provider(name, server, vault, user_id, callback, lead, came_back)


def _provider(
    name: str,
    server: McpServerSettings,
    vault: CredentialVault,
    user_id: int,
    callback: str,
    lead: Callable[[str], Awaitable[None]],
    came_back: Any,
) -> httpx2.Auth:
    from mcp.client.auth import OAuthClientProvider
    from mcp.shared.auth import OAuthClientMetadata
    from pydantic import AnyUrl

    metadata = OAuthClientMetadata(
        client_name="everbot",
        redirect_uris=[AnyUrl(callback or f"http://127.0.0.1{CALLBACK}")],
        grant_types=["authorization_code", "refresh_token"],
        response_types=["code"],
        scope=server.scope,
    )
    return OAuthClientProvider(
        server_url=server.url or "",
        client_metadata=metadata,
        storage=_Kept(name, vault, user_id, server, callback),
        redirect_handler=lead,
        callback_handler=came_back,
    )


class _Kept:
    """The SDK's `TokenStorage`, in the vault. A client that was registered by hand is the server's configured one."""

    def __init__(
        self,
        name: str,
        vault: CredentialVault,
        user_id: int,
        server: McpServerSettings | None = None,
        callback: str = "",
    ) -> None:
        self._name, self._user_id = name, user_id
        self._vault = vault
        self._server = server
        self._callback = callback
        self._client: dict[str, Any] | None = None  # until there are tokens to keep it with

    async def get_tokens(self) -> OAuthToken | None:
        from mcp.shared.auth import OAuthToken

        kept = await self._vault.get(self._name, self._user_id)
        return OAuthToken.model_validate(kept["tokens"]) if kept and "tokens" in kept else None

    async def set_tokens(self, tokens: OAuthToken) -> None:
        kept = await self._vault.get(self._name, self._user_id) or {}
        client = self._client or kept.get("client")
        values = {"tokens": tokens.model_dump(mode="json", exclude_none=True)}
        await self._vault.put(self._name, self._user_id, values | ({"client": client} if client else {}))

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        from mcp.shared.auth import OAuthClientInformationFull

        server = self._server
        if server is not None and server.client_id is not None:
            secret = server.client_secret.get_secret_value() if server.client_secret else None
            return OAuthClientInformationFull.model_validate(
                {
                    "client_id": server.client_id,
                    "client_secret": secret,
                    "redirect_uris": [self._callback or f"http://127.0.0.1{CALLBACK}"],
                    "token_endpoint_auth_method": "client_secret_post" if secret else "none",
                }
            )
        kept = await self._vault.get(self._name, self._user_id)
        return (
            OAuthClientInformationFull.model_validate(kept["client"]) if kept and "client" in kept else None
        )

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        self._client = client_info.model_dump(mode="json", exclude_none=True)
