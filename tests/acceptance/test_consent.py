"""A person connects their account with a server of tools by consent in a browser (OAuth 2.1)."""

from __future__ import annotations

import asyncio
import secrets
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
from aiohttp import web
from mcp.server.auth.provider import AccessToken, AuthorizationCode, construct_redirect_uri
from mcp.server.auth.settings import AuthSettings, ClientRegistrationOptions
from mcp.server.mcpserver import MCPServer
from mcp.shared.auth import OAuthToken

from tests.acceptance.test_forgetting import command
from tests.acceptance.test_tools import doing
from tests.fakes.browser import visiting
from tests.fakes.mcp_server import through
from tests.fakes.parlour import opened
from tests.patience import PATIENCE_S

PAGE = {"listen": "127.0.0.1:1", "public_url": "https://bot.example"}


class Consenting:
    """The SDK's authorization server, whose people consent to everything."""

    def __init__(self) -> None:
        self.clients: dict[str, Any] = {}
        self.codes: dict[str, AuthorizationCode] = {}
        self.tokens: dict[str, AccessToken] = {}

    async def get_client(self, client_id: str) -> Any:
        return self.clients.get(client_id)

    async def register_client(self, client: Any) -> None:
        self.clients[client.client_id] = client

    async def authorize(self, client: Any, params: Any) -> str:
        code = secrets.token_urlsafe(16)
        self.codes[code] = AuthorizationCode(
            code=code,
            client_id=client.client_id,
            redirect_uri=params.redirect_uri,
            redirect_uri_provided_explicitly=True,
            expires_at=time.time() + 3_600,
            scopes=[],
            code_challenge=params.code_challenge,
        )
        return construct_redirect_uri(str(params.redirect_uri), code=code, state=params.state)

    async def load_authorization_code(self, client: Any, code: str) -> AuthorizationCode | None:
        return self.codes.get(code)

    async def exchange_authorization_code(self, client: Any, code: Any) -> OAuthToken:
        token = f"secret-{secrets.token_hex(8)}"
        self.tokens[token] = AccessToken(token=token, client_id=client.client_id, scopes=[], expires_at=None)
        return OAuthToken(access_token=token, token_type="Bearer", expires_in=36_000)

    async def load_access_token(self, token: str) -> AccessToken | None:
        return self.tokens.get(token)


@asynccontextmanager
async def serving(consenting: Consenting) -> AsyncIterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        base = f"http://127.0.0.1:{free.getsockname()[1]}"
    auth = AuthSettings(
        issuer_url=base,  # type: ignore[arg-type]
        resource_server_url=f"{base}/mcp",  # type: ignore[arg-type]
        client_registration_options=ClientRegistrationOptions(enabled=True),
        validate_token_resource=False,
    )
    server = MCPServer("calendar", auth_server_provider=consenting, auth=auth)  # type: ignore[arg-type]

    @server.tool()
    def weather(city: str) -> str:
        return f"Sunny in {city}."

    app = server.streamable_http_app(json_response=True, stateless_http=True, host="127.0.0.1")
    async with app.router.lifespan_context(app):
        site = web.Application()
        site.router.add_route("*", "/{path:.*}", partial(through, app))
        runner = web.AppRunner(site)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", urlsplit(base).port).start()
            yield f"{base}/mcp"
        finally:
            await runner.cleanup()


async def test_who_consents_is_connected_also_after_a_restart(tmp_path: Path) -> None:
    consenting, play = Consenting(), doing("calendar__weather", city="Rome")
    async with serving(consenting) as url:
        mcp = {"servers": {"calendar": {"url": url, "auth": "oauth", "per_person": True}}}
        async with opened(tmp_path, play, mcp=mcp, web=PAGE) as house:
            await house.say("ada", "Hello")
            shown = (await command(house, "ada", "connect calendar")).text
            there = next(word for word in shown.split() if word.startswith("http://"))
            async with httpx2.AsyncClient() as browser:
                back = urlsplit((await browser.get(there)).headers["location"])
            assert f"{back.scheme}://{back.netloc}{back.path}" == "https://bot.example/connect/callback"
            brought = {name: values[0] for name, values in parse_qs(back.query).items()}
            consents = house.app.connecting.consents
            assert not consents.bring("another state", brought["code"], None)
            assert consents.bring(brought["state"], brought["code"], brought.get("iss"))
            assert not consents.bring(brought["state"], brought["code"], None)
            async with asyncio.timeout(PATIENCE_S):
                while "not connected" in (await command(house, "ada", "connect")).text:
                    await asyncio.sleep(0.01)
            [reply] = await house.say("ada", "Weather?")
            assert "Sunny in Rome." in reply.text
            eve = await house.say("eve", "Weather?")
            assert "Sunny" not in eve[-1].text
        async with opened(tmp_path, play, mcp=mcp, web=PAGE) as house:
            [reply] = await house.say("ada", "Weather?")
            assert "Sunny in Rome." in reply.text
    assert len(consenting.tokens) == 1
    for file in tmp_path.rglob("*"):
        assert not file.is_file() or b"secret-" not in file.read_bytes(), file


async def test_whoever_runs_it_consents_for_all_on_the_page_and_nobody_else(tmp_path: Path) -> None:
    consenting, play = Consenting(), doing("calendar__weather", city="Rome")
    async with serving(consenting) as url:
        mcp = {"servers": {"calendar": {"url": url, "auth": "oauth"}}}
        owners = {"owners": ["parlour:ada"]}
        async with (
            opened(tmp_path, play, mcp=mcp, web=PAGE, access=owners) as house,
            visiting(house) as browser,
        ):
            [before] = await house.say("eve", "Weather?")
            assert "Sunny" not in before.text
            assert (await command(house, "eve", "connect calendar")).kind == "error"
            shown = (await command(house, "ada", "connect calendar")).text
            there = next(word for word in shown.split() if word.startswith("http://"))
            async with httpx2.AsyncClient() as client:
                back = urlsplit((await client.get(there)).headers["location"])
            for forged in ("", "?state=forged&code=x", f"?state={parse_qs(back.query)['state'][0]}"):
                assert (await browser.open(f"{back.path}{forged}")).status == 400
            shown = (await command(house, "ada", "connect calendar")).text
            there = next(word for word in shown.split() if word.startswith("http://"))
            async with httpx2.AsyncClient() as client:
                back = urlsplit((await client.get(there)).headers["location"])
            page = await browser.open(f"{back.path}?{back.query}")
            assert page.status == 200
            assert "Thank you" in page.text
            assert (await browser.open(f"{back.path}?{back.query}")).status == 400, "it comes back once"
            async with asyncio.timeout(PATIENCE_S):
                while "not connected" in (await command(house, "ada", "connect")).text:
                    await asyncio.sleep(0.01)
            [reply] = await house.say("eve", "Weather?")
            assert "Sunny in Rome." in reply.text
            assert (await command(house, "eve", "connect calendar off")).kind == "error"
            assert (await command(house, "ada", "connect calendar off")).text == "Disconnected."
            [reply] = await house.say("eve", "Weather?")
            assert "Sunny" not in reply.text
