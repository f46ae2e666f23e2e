"""On a site of another people talk as themselves, having agreed to it in a window of ours; nobody else does as them."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from adapters.web.adapter import WebAdapter
from bot.events import Command, View
from tests.acceptance.test_web_chat import Tab, chatting
from tests.fakes.browser import Browser, Page, beside, visiting
from tests.fakes.clock import FakeClock
from tests.fakes.parlour import House

SITE, OTHER = "https://www.example.org", "https://shop.example.org"
OPEN: dict[str, Any] = {
    "public_url": "https://bot.example.net",
    "widget": {"origins": [SITE, OTHER], "guests": True},
}


@dataclass
class Frame:
    """The widget on a site: its cookies are apart from those of our pages, as in a browser (CHIPS)."""

    house: House
    browser: Browser
    site: str = SITE
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(32))

    @property
    def challenge(self) -> str:
        digest = hashlib.sha256(self.verifier.encode()).digest()
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")

    @property
    def window(self) -> str:
        """The address of the window that it opens."""
        return f"/widget/in?{urlencode({'site': self.site, 'challenge': self.challenge})}"

    async def shown(self) -> Page:
        return await self.browser.open(f"/widget?{urlencode({'site': self.site})}")

    async def tab(self) -> Tab:
        form = next(form for form in (await self.shown()).forms if "/chat?form_key=" in form.action)
        root, _, key = form.action.partition("/chat?form_key=")
        return Tab(self.house, self.browser, root, key)

    async def take(self, code: str, **more: str) -> tuple[int, str]:
        """What comes of a code: the status, and the cookie."""
        given = {"code": code, "verifier": self.verifier} | more
        path = f"/widget/token?{urlencode({'site': self.site})}"
        async with self.browser.client.post(path, data=given) as answer:
            return answer.status, answer.headers.get("Set-Cookie", "")


@asynccontextmanager
async def framed(house: House, adapter: WebAdapter) -> AsyncIterator[tuple[Frame, Browser]]:
    """A frame, and the same person's browser outside of it."""
    async with visiting(house, open_pages=adapter) as outside, beside(outside) as inside:
        yield Frame(house, inside), outside


async def agreed(frame: Frame, outside: Browser, user: str) -> str:
    """A person signs in for the window, and agrees: the code."""
    asked = await outside.open(frame.window)
    assert f"To talk on {frame.site} as yourself, sign in." in asked.text
    assert "Go back to the window" in (await outside.sign_in(frame.house.app, frame.house.who(user))).text
    return code_of(await agree(outside, frame, user))


async def agree(outside: Browser, frame: Frame, user: str, begun: str = "1") -> Page:
    page = await outside.open(f"{frame.window}&begun={begun}")
    assert f"{user}, do you want to talk with me on this site as yourself? {frame.site}" in page.text
    return await outside.send(page.form("/widget/in"))


async def obeyed(house: House, user: str, argument: str) -> View:
    """What `/memory` answers."""
    origin = {name: house.who(user)[name] for name in ("account", "name", "address", "audience")}
    return await house.app.inbound.invoke(Command(**origin, command="memory", argument=argument))


def code_of(page: Page) -> str:
    found = re.search(r'data-code="([^"]+)"', page.html)
    assert found, page.text
    return found[1]


async def test_one_agrees_in_a_window_talks_there_as_oneself_and_ends_it_from_anywhere(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with chatting(tmp_path, web=OPEN) as (house, adapter), framed(house, adapter) as (frame, outside):
        await house.say("ada", "My boat is called Petrel.")
        code = await agreed(frame, outside, "ada")
        assert outside.cookies == {}, "who signed in for this alone is signed out again"
        status, cookie = await frame.take(code)
        assert (status, cookie.partition("=")[0]) == (204, "__Host-everbot-widget")
        assert cookie.endswith("; Path=/; Max-Age=86400; HttpOnly; Secure; SameSite=None; Partitioned")
        token = frame.browser.cookies["__Host-everbot-widget"]
        assert "You are here as ada." in (await frame.shown()).text
        tab = await frame.tab()
        async with tab.open() as stream:
            assert await tab.send("What is she called?") == (204, "")
            await stream.until("You said: What is she called?")
            await tab.settled()
            listed = await obeyed(house, "ada", "web")
            [line] = [line for line in listed.text.splitlines() if SITE in line]
            ended = await obeyed(house, "ada", f"web end {line.split()[1]}")
            assert "Signed out" in ended.text
            assert (await tab.send("Still there?", "two"))[0] != 204
            adapter.tell(f"web:{tab.root.strip('/')}")
            while (await stream.next())[0] != "over":
                pass
        assert "You are here as ada." not in (await frame.shown()).text
        assert house.rows("SELECT count(*) FROM agents") == [(1,)]
        await frame.take(await agreed(frame, outside, "ada"))
        page = await frame.shown()
        left = await frame.browser.send(page.form("/widget/out"))
        assert "as a guest" in left.text
        assert "__Host-everbot-widget" not in frame.browser.cookies
        assert house.rows("SELECT count(*) FROM web_keys") == [(0,)]
    stored = b"".join(path.read_bytes() for path in tmp_path.rglob("everbot.db*"))
    for secret in (code, token, frame.verifier):
        assert secret.encode() not in stored
        assert secret not in caplog.text


async def test_what_is_forged_replayed_or_of_another_site_lets_nobody_in(tmp_path: Path) -> None:
    clock = FakeClock()
    async with (
        chatting(tmp_path, web=OPEN, clock=clock) as (house, adapter),
        framed(house, adapter) as (frame, outside),
    ):
        await house.say("ada", "Hello")
        await outside.sign_in(house.app, house.who("ada"))

        async def fresh() -> str:
            return code_of(await agree(outside, frame, "ada", ""))

        code = await fresh()
        assert (await frame.take(code, verifier="guessed"))[0] == 403
        assert (await frame.take(code))[0] == 403, "a code is used up, whatever comes of it"
        elsewhere = Frame(house, frame.browser, OTHER, frame.verifier)
        code = await fresh()
        assert (await elsewhere.take(code))[0] == 403
        assert (await frame.take(code))[0] == 403
        code = await fresh()
        clock.advance(61)
        assert (await frame.take(code))[0] == 403
        assert frame.browser.cookies == {}

        code = await fresh()
        assert (await frame.take(code))[0] == 204
        assert (await frame.take(code))[0] == 403
        tab = await frame.tab()
        assert "You are here" not in (await elsewhere.shown()).text, "it is good on that one site"
        for path in (f"{tab.root}/", f"{tab.root}/account", "/desk", "/"):
            assert (await frame.browser.open(path)).path == "/in", "it is good for the talk alone"
        outside.client.session.cookie_jar.clear()
        token = frame.browser.cookies["__Host-everbot-widget"]
        outside.set_cookie("__Host-everbot", token)
        assert (await outside.open("/")).path == "/in"
        clock.advance(86_400)
        assert "You are here" not in (await frame.shown()).text, "it holds for a day"


async def test_the_window_is_shown_in_no_frame_and_the_frame_on_its_site_alone(tmp_path: Path) -> None:
    async with chatting(tmp_path, web=OPEN) as (house, adapter), framed(house, adapter) as (frame, outside):
        await house.say("ada", "Hello")
        asked = await outside.open(frame.window)
        await outside.sign_in(house.app, house.who("ada"))
        page = await outside.open(frame.window)
        form = page.form("/widget/in")
        for shown in (asked, page, await outside.send(form)):
            assert "frame-ancestors 'none'" in shown.headers["Content-Security-Policy"]
            assert shown.headers["X-Frame-Options"] == "DENY"
            assert shown.headers["Cross-Origin-Opener-Policy"] == "unsafe-none"
            assert shown.headers["Cache-Control"] == "no-store"
        other = await outside.open("/widget?site=https://www.example.org")
        assert f"frame-ancestors {SITE};" in other.headers["Content-Security-Policy"]

        evil = Frame(house, frame.browser, "https://evil.example.net")
        refused = await evil.shown()
        assert refused.status == 404
        assert "frame-ancestors 'none'" in refused.headers["Content-Security-Policy"]
        assert (await outside.open(evil.window)).status == 404
        assert (await outside.open(f"/widget/in?site={SITE}&challenge=short")).status == 404
        assert (await evil.take("code"))[0] == 404
        for headers in ({"Origin": SITE}, {"Sec-Fetch-Site": "cross-site"}):
            assert (await outside.send(form, headers=headers)).status == 403
        assert (await outside.send(form, form_key="guessed")).status == 403
        stranger = await frame.browser.send(form)
        assert "data-code" not in stranger.html
        assert "as yourself, sign in." in stranger.text


async def test_one_after_another_in_the_same_browser_nobody_sees_what_others_said(tmp_path: Path) -> None:
    async with chatting(tmp_path, web=OPEN) as (house, adapter), framed(house, adapter) as (frame, outside):
        for user in ("ada", "bob"):
            await house.say(user, "Hello")
        await frame.browser.send((await frame.shown()).form("/widget/guest"))
        guest = await frame.tab()
        await guest.send("I am GUEST4711")
        await guest.settled()
        assert "it stays apart" in (await frame.shown()).text

        assert (await frame.take(await agreed(frame, outside, "ada"), form_key="guessed"))[0] == 403
        outside.client.session.cookie_jar.clear()
        status, _ = await frame.take(await agreed(frame, outside, "ada"), form_key=guest.key)
        assert status == 204
        ada = await frame.tab()
        assert ada.root != guest.root
        assert (await frame.browser.open(f"{guest.root}/chat")).status == 404
        await ada.send("I am ADA4712")
        await ada.settled()
        page = await frame.shown()
        assert "ADA4712" in page.text
        assert "GUEST4711" not in page.text
        kinds = "SELECT count(*) FROM web_keys WHERE kind = 'session' AND account LIKE 'web:guest-%'"
        assert house.rows(kinds) == [(0,)], "whoever comes next cannot go back to what the guest said"
        assert house.rows("SELECT count(*) FROM users") == [(3,)], "it is forgotten on the day that was told"

        await frame.browser.send(page.form("/widget/out"))
        await outside.open(frame.window)
        await outside.sign_in(house.app, house.who("ada"))
        asked = await outside.open(f"{frame.window}&begun=1")
        again = await outside.send(asked.form("/widget/in/another"))
        assert "as yourself, sign in." in again.text
        await frame.take(await agreed(frame, outside, "bob"))
        page = await frame.shown()
        assert "You are here as bob." in page.text
        assert "4711" not in page.text
        assert "4712" not in page.text
