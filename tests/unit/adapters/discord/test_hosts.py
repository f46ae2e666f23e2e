from __future__ import annotations

import aiohttp
import pytest
import yarl
from aiohttp import web

from adapters.discord.hosts import USER_AGENT, Hosts
from adapters.hosts import Elsewhere
from bot.errors import AdapterError

REAL = ("https://discord.com/api/v10", "wss://gateway.discord.gg/")


@pytest.mark.parametrize(
    "url",
    [
        "https://discord.com/api/v10/users/@me",
        "https://canary.discord.com/x",
        "wss://gateway-us-east1-b.discord.gg/",
    ],
)
def test_tokens_go_to_discord(url: str) -> None:
    assert Hosts(*REAL).may_have_token(yarl.URL(url))


@pytest.mark.parametrize(
    "url",
    [
        "http://discord.com/api/v10",
        "ws://gateway.discord.gg/",
        "https://discord.com.evil.example/",
        "https://evildiscord.com/",
        "https://cdn.discordapp.net/",
        "wss://discord.gg.evil.example/",
        "http://127.0.0.1:8080/",
        "https://discord.com@evil.example/",
        "/api/v10",
    ],
)
def test_tokens_go_nowhere_else(url: str) -> None:
    hosts = Hosts(*REAL)
    assert not hosts.may_have_token(yarl.URL(url))
    assert not hosts.may_give_files(yarl.URL(url))


def test_files_come_from_the_file_hosts_alone() -> None:
    hosts = Hosts(*REAL)
    assert hosts.may_give_files(yarl.URL("https://cdn.discordapp.com/attachments/1/2/a.txt?ex=1"))
    assert hosts.may_give_files(yarl.URL("https://media.discordapp.net/attachments/1/2/a.png"))
    assert not hosts.may_have_token(yarl.URL("https://media.discordapp.net/attachments/1/2/a.png"))
    for url in (
        "http://cdn.discordapp.com/a",
        "https://discord.com/a",
        "https://x.cdn.discordapp.com.example/a",
    ):
        assert not hosts.may_give_files(yarl.URL(url))


@pytest.mark.parametrize(
    "url", ["http://discord.com/api", "https://proxy.example/api", "http://10.0.0.1/api", "discord", ""]
)
def test_another_address_is_refused_with_the_settings_name(url: str) -> None:
    with pytest.raises(AdapterError, match=r"discord\.api_url"):
        Hosts(url)
    with pytest.raises(AdapterError, match=r"discord\.gateway_url"):
        Hosts("https://discord.com/api/v10", "wss://gateway.example/")


def test_on_loopback_only_the_origin_that_is_configured_is_taken() -> None:
    hosts = Hosts("http://127.0.0.1:4000/api/v10", "ws://127.0.0.1:4001/gateway/")
    assert hosts.may_have_token(yarl.URL("http://127.0.0.1:4000/api/v10/users/@me"))
    assert hosts.may_have_token(yarl.URL("ws://127.0.0.1:4001/gateway/?v=10"))
    assert not hosts.may_have_token(yarl.URL("http://127.0.0.1:4002/api/v10"))


async def test_a_session_that_is_watched_asks_nobody_else_and_follows_no_redirect() -> None:
    asked = []

    async def away(request: web.Request) -> web.Response:
        asked.append(request.path)
        raise web.HTTPTemporaryRedirect("/other")

    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", away)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        async with aiohttp.ClientSession(trace_configs=[Hosts(url).trace()]) as session:
            with pytest.raises(Elsewhere):
                await session.post(f"{url}/first", json={"content": "secret"})
            with pytest.raises(Elsewhere):
                await session.post("http://127.0.0.1:1/", json={"content": "secret"})
    finally:
        await runner.cleanup()
    assert asked == ["/first"]


def test_it_says_who_asks() -> None:
    assert USER_AGENT.startswith("DiscordBot (https://")
