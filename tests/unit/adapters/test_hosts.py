"""Where an adapter's requests may go."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from yarl import URL

from adapters.hosts import Elsewhere, Hosts
from adapters.slack.adapter import SlackAdapter
from adapters.slack.attachments import Attachments
from adapters.slack.options import Options
from adapters.slack.reading import Workspace
from bot.errors import AdapterError
from tests.fakes.clock import FakeClock

SAID = Workspace(team="T1", user="U0", bot="B0").to_event(
    {"user": "U1", "channel": "D1", "ts": "1700000000.000100", "text": "look"}, "im", "ada", {}
)


def hosts(url: str = "https://slack.com/api/") -> Hosts:
    return Hosts("Slack", {"slack.api_url": (url, ("slack.com",))}, ("slack.com", "slack-files.com"))


@pytest.mark.parametrize(
    ("url", "token", "file"),
    [
        ("https://slack.com/api/auth.test", True, True),
        ("https://files.slack.com/files-pri/T1-F1/a.txt", True, True),
        ("https://a.slack-files.com/a.txt", False, True),
        ("http://files.slack.com/files-pri/T1-F1/a.txt", False, False),
        ("https://slack.com.evil.example/a", False, False),
        ("https://evilslack.com/a", False, False),
        ("https://evil.example/slack.com", False, False),
        ("https://slack.com@evil.example/", False, False),
        ("http://127.0.0.1:80/", False, False),
        ("file:///etc/passwd", False, False),
        ("", False, False),
    ],
)
def test_tokens_and_files_stay_with_the_platform(url: str, token: bool, file: bool) -> None:
    assert (hosts().may_have_token(URL(url)), hosts().may_give_files(URL(url))) == (token, file)


@pytest.mark.parametrize(
    "url", ["http://slack.com/api/", "https://evil.example/api/", "http://10.0.0.1/", "x"]
)
def test_a_setting_that_would_send_the_token_elsewhere_is_refused(url: str) -> None:
    options: dict[str, Any] = {"bot_token": "xoxb", "app_token": "xapp", "signing_secret": None}
    options |= {"listen": ("127.0.0.1", 0), "post_interval_s": 1.0, "vision": False, "context_lines": 0}
    with pytest.raises(AdapterError, match=r"slack\.api_url"):
        SlackAdapter(Options(**options, api_url=url, catch_up=None), FakeClock())  # type: ignore[arg-type]


class Elsewheres:
    """Two servers on loopback: one that stands in for the platform, and one that must not be asked."""

    def __init__(self) -> None:
        self.own, self.other = "", ""
        self.asked: list[web.Request] = []

    async def redirect(self, request: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": request.query["to"]})

    async def give(self, request: web.Request) -> web.Response:
        return web.Response(text="content", content_type="text/plain")

    async def note(self, request: web.Request) -> web.Response:
        self.asked.append(request)
        return web.Response(text="stolen", content_type="text/plain")


@pytest.fixture
async def servers() -> AsyncIterator[Elsewheres]:
    here = Elsewheres()
    runners = []
    routes = [[("/redirect", here.redirect), ("/give", here.give)], [("/{any:.*}", here.note)]]
    for paths in routes:
        app = web.Application()
        for path, handler in paths:
            app.router.add_get(path, handler)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        runners.append(runner)
    here.own, here.other = (f"http://127.0.0.1:{runner.addresses[0][1]}" for runner in runners)
    yield here
    for runner in runners:
        await runner.cleanup()


async def test_a_file_behind_a_redirect_is_fetched_from_the_platform_alone(servers: Elsewheres) -> None:
    own = hosts(servers.own)
    async with aiohttp.ClientSession(trace_configs=[own.trace()]) as session:
        attachments = Attachments(None, session, own, FakeClock(), "xoxb-secret", vision=False)  # type: ignore[arg-type]

        async def read(url: str) -> bytes | None:
            file = {"mimetype": "text/plain", "size": 7, "url_private": url}
            _, documents = await attachments.of(SAID, {"files": [file]})
            return base64.b64decode(documents[0].data) if documents else None

        assert await read(f"{servers.own}/give") == b"content"
        assert await read(f"{servers.own}/redirect?to={servers.own}/give") == b"content"
        assert await read(f"{servers.own}/redirect?to={servers.other}/steal") is None
        assert await read(f"{servers.own}/redirect?to=/redirect?to=x") is None
        assert await read(f"{servers.other}/steal") is None
    assert servers.asked == []


async def test_a_request_of_an_sdk_is_stopped_before_it_leaves(servers: Elsewheres) -> None:
    async with aiohttp.ClientSession(trace_configs=[hosts(servers.own).trace()]) as session:
        for url in (f"{servers.other}/steal", f"{servers.own}/redirect?to={servers.other}/steal"):
            with pytest.raises(Elsewhere):
                await session.get(url, headers={"Authorization": "Bearer xoxb-secret"})
    assert servers.asked == []
