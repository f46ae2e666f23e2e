"""Strangers talk on the operator's own site, for some days, and for so much; nobody else's site may show it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from adapters.web.adapter import WebAdapter
from bot.settings import WebSettings
from tests.acceptance.test_web_chat import Tab, chatting, tab_of
from tests.fakes.browser import Browser, Page, visiting
from tests.fakes.clock import FakeClock
from tests.fakes.parlour import House

SITE = "https://www.example.org"
OPEN: dict[str, Any] = {"widget": {"origins": [SITE], "guests": True}}


@asynccontextmanager
async def stranger(house: House, adapter: WebAdapter, language: str = "") -> AsyncIterator[Browser]:
    async with visiting(house, language, open_pages=adapter) as browser:
        yield browser


async def begun(house: House, browser: Browser) -> tuple[Page, Tab]:
    """A guest's page."""
    page = await browser.open("/widget")
    page = await browser.send(page.form("/widget/guest"))
    assert page.status == 200, page.text
    form = next(form for form in page.forms if "/chat?form_key=" in form.action)
    root, _, key = form.action.partition("/chat?form_key=")
    return page, Tab(house, browser, root, key)


async def test_a_guest_is_told_for_how_long_talks_and_is_then_forgotten_to_the_byte(tmp_path: Path) -> None:
    clock = FakeClock()
    async with chatting(tmp_path, web=OPEN, clock=clock) as (house, adapter):
        async with stranger(house, adapter, "de") as browser, tab_of(house, adapter, "ada") as ada:
            welcome = (await browser.open("/widget")).text
            assert "als Gast" in welcome
            assert "28" in welcome, "it tells the day"
            page, tab = await begun(house, browser)
            assert "28" in page.text
            assert "Du bist Gast" in page.text
            async with tab.open() as stream:
                await tab.send("My secret is PETREL4711")
                await stream.until("You said: My secret")
            await tab.settled()
            assert "PETREL4711" in await tab.shown()
            assert (await browser.open(f"{ada.root}/chat")).status == 404
            await ada.send("I stay")
            await ada.settled()
            clock.advance(6 * 86_400)
            await house.app.guests.sweep()
            assert house.rows("SELECT count(*) FROM users") == [(2,)]
            clock.advance(2 * 86_400)
            await house.app.guests.sweep()
            assert house.rows("SELECT name FROM users") == [("ada",)]
            assert house.rows("SELECT account FROM accounts") == [("parlour:ada",)]
            assert "als Gast" in (await browser.open("/widget")).text, "they are strangers again"
            assert "I stay" in await ada.shown()
    for path in tmp_path.rglob("everbot.db*"):
        assert b"PETREL4711" not in path.read_bytes(), path.name


async def test_only_sites_that_are_named_may_show_it_and_only_the_widget(tmp_path: Path) -> None:
    async with chatting(tmp_path, web=OPEN | {"public_url": "https://bot.example.net"}) as (house, adapter):
        async with stranger(house, adapter) as browser:
            page = await browser.open("/widget")
            assert f"frame-ancestors 'self' {SITE};" in page.headers["Content-Security-Policy"]
            assert "X-Frame-Options" not in page.headers
            script = await browser.open("/widget.js")
            assert script.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
            assert b"iframe" in script.data
            other = await browser.open("/in")
            assert "frame-ancestors 'none'" in other.headers["Content-Security-Policy"]
            assert other.headers["X-Frame-Options"] == "DENY"
            form = page.form("/widget/guest")
            for headers in ({"Origin": SITE}, {"Sec-Fetch-Site": "cross-site"}):
                assert (await browser.send(form, headers=headers)).status == 403
            assert house.rows("SELECT count(*) FROM users") == [(0,)]
            assert (await browser.send(form, persona="nobody")).status == 404
            made = browser.client.post("/widget/guest", allow_redirects=False, data={"persona": ""})
            async with made as answer:
                [cookie] = answer.headers.getall("Set-Cookie")
            assert cookie.startswith("__Host-everbot-widget=")
            assert cookie.endswith("; HttpOnly; Secure; SameSite=None; Partitioned")


async def test_so_many_guests_come_in_an_hour_and_spend_so_much_in_a_day(tmp_path: Path) -> None:
    clock = FakeClock()
    rules = OPEN["widget"] | {"guests_per_hour": 8, "guest_tokens_per_day": 1}
    web = {"widget": rules, "proxies": 1}
    async with chatting(tmp_path, web=web, clock=clock) as (house, adapter):
        statuses = []
        for number in range(12):  # of four addresses
            async with stranger(house, adapter) as browser:
                form = (await browser.open("/widget")).form("/widget/guest")
                sent = await browser.send(form, headers={"X-Forwarded-For": f"10.0.0.{number % 4}"})
                statuses.append(sent.status)
        assert statuses == [200] * 8 + [403] * 4
        clock.advance(3_700)
        async with stranger(house, adapter) as browser:
            _, tab = await begun(house, browser)
            assert (await tab.send("Hello", "one"))[0] == 204
            await tab.settled()
            status, told = await tab.send("More!", "two")
            assert status == 200
            assert "allowance" in told
            assert "allowance" in (await tab.send("/retry", "three"))[1]
            assert house.rows("SELECT count(*) FROM turns") == [(1,)]
            clock.advance(86_400)
            await house.app.heartbeat.sweep()
            await house.app.inbound.settled()
            assert house.rows("SELECT count(*) FROM turns") == [(1,)], "nothing thinks of guests by itself"
            assert (await tab.send("/forget yes", "four"))[0] == 200
        async with tab_of(house, adapter, "ada") as ada:
            await ada.send("I am no guest")
            await ada.settled()
            assert "You said: I am no guest" in await ada.shown()


@pytest.mark.parametrize("access", [{"dm_policy": "pairing"}, {"dm_policy": "disabled"}])
async def test_where_strangers_may_not_talk_no_guest_may(tmp_path: Path, access: dict[str, Any]) -> None:
    async with chatting(tmp_path, web=OPEN, access=access) as (house, adapter):
        async with stranger(house, adapter) as browser:
            form = (await browser.open("/widget")).form("/widget/guest")
            assert (await browser.send(form)).status == 403
            assert house.rows("SELECT count(*) FROM users") == [(0,)]


async def test_it_is_off_until_it_is_asked_for(tmp_path: Path) -> None:
    async with chatting(tmp_path) as (house, adapter), stranger(house, adapter) as browser:
        for path in ("/widget", "/widget.js"):
            assert (await browser.open(path)).status == 404
    only = {"widget": {"origins": [SITE]}}
    async with chatting(tmp_path, web=only) as (house, adapter), stranger(house, adapter) as browser:
        assert [form.action for form in (await browser.open("/widget")).forms] == []
        async with browser.client.post("/widget/guest", data={"persona": "ever"}) as answer:
            assert answer.status == 403
        async with tab_of(house, adapter, "ada") as ada:  # where the site is of the same domain
            page = await ada.browser.open("/widget")
            assert f"{ada.root}/chat?form_key=" in page.html


@pytest.mark.parametrize(
    "origin", ["www.example.org", "https://x.org/path", "https://x.org; script-src *", "*"]
)
def test_what_is_no_origin_is_refused(origin: str) -> None:
    with pytest.raises(ValidationError, match="origins"):
        WebSettings(widget={"origins": [origin]})  # type: ignore[arg-type]
