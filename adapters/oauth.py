"""Signing in at a platform (OAuth 2.0, RFC 6749, with PKCE, RFC 7636): the code that the platform sent the browser back
with is exchanged for a token, which tells who it is, and is thrown away."""

from __future__ import annotations

import json
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

import aiohttp
from yarl import URL

from adapters.faults import fault
from adapters.hosts import Hosts
from adapters.wire import Json, record
from bot.errors import AdapterError

_PATIENCE = aiohttp.ClientTimeout(total=15)
_LARGEST = 2**16  # bytes of an answer


@dataclass(frozen=True, kw_only=True)
class Client:
    """An application as the platform knows it, and where that is asked."""

    id: str
    secret: str
    authorize_url: str
    token_url: str
    hosts: Hosts  # to which the secret may go

    def address(self, scope: str, **more: str) -> str:
        """Where a browser is sent to be asked."""
        asked = {"response_type": "code", "client_id": self.id, "scope": scope, **more}
        sign = "&" if "?" in self.authorize_url else "?"
        return f"{self.authorize_url}{sign}{urlencode(asked)}"

    async def exchange(self, code: str, verifier: str, redirect: str) -> Json:
        """What the code is good for. Raises `AdapterError` when it is refused, or the platform does not answer."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect,
            "code_verifier": verifier,
            "client_id": self.id,
            "client_secret": self.secret,
        }
        return await self.asked("POST", self.token_url, data=form)

    async def asked(self, method: str, url: str, **more: Any) -> Json:
        """The JSON that is answered. Raises `AdapterError`, which holds nothing that was sent or answered."""
        host = URL(url).host
        try:
            async with aiohttp.ClientSession(
                timeout=_PATIENCE, trace_configs=[self.hosts.trace()]
            ) as session:
                async with session.request(method, url, allow_redirects=False, **more) as answer:
                    body = await answer.content.read(_LARGEST)
                    if answer.status != HTTPStatus.OK:
                        raise AdapterError(f"{host} refused a sign-in (HTTP {answer.status}).")
                    return record(json.loads(body))
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise AdapterError(f"{host} could not be asked who signs in ({fault(error)}).") from None
