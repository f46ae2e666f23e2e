"""The widget in a real browser, on a site of another host than everbot's: as a guest, and as oneself by the window."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from tests.browser.conftest import DESKTOP, barriers, launched, link, living, stranger
from tests.fakes.parlour import House, parrot
from tests.fakes.ports import free_port

pytestmark = pytest.mark.browser

_HELD_BACK = (
    "--test-third-party-cookie-phaseout"  # cookies in frames of other sites, but for partitioned ones
)


@asynccontextmanager
async def site(port: int, everbot: str) -> AsyncIterator[str]:
    """A site that is not everbot's, with the widget on it."""

    async def show(request: web.Request) -> web.Response:
        icon = '<link rel="icon" href="data:,">'
        script = f'<script src="{everbot}/widget.js" async></script>'
        text = f"<!doctype html><title>Boats</title>{icon}<h1>Boats</h1>{script}"
        return web.Response(text=text, content_type="text/html")

    app = web.Application()
    app.router.add_get("/", show)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
        yield f"http://localhost:{port}/"
    finally:
        await runner.cleanup()


async def widget(page: Any) -> Any:
    """The frame, opened by its button."""
    await page.get_by_role("button", name="Chat").click()
    return page.frame_locator("iframe")


async def say(frame: Any, text: str) -> None:
    await frame.get_by_label("Your message").fill(text)
    await frame.get_by_role("button", name="Send").click()
    await frame.get_by_role("log").get_by_text(f"You said: {text}").wait_for()


async def signed_in(page: Any, frame: Any, house: House, user: str) -> None:
    """By the window that the frame opens, with a link that is opened beside it."""
    async with page.expect_popup() as opened:
        await frame.get_by_role("button", name="Sign in").click()
    window = await opened.value
    await window.get_by_text("To talk on http://localhost").wait_for()
    beside = await page.context.new_page()
    await beside.goto(await link(house, house.who(user)))
    await beside.get_by_role("button", name="Sign in").click()
    await beside.get_by_text("Go back to the window").wait_for()
    await window.get_by_text(f"{user}, do you want to talk").wait_for()
    await pictured(window, "agree")
    # The site knows the challenge and says what the window would say: it is not heard, or what comes now would fail.
    challenge = window.url.partition("challenge=")[2].partition("&")[0]
    await page.evaluate(
        "said => frames[0].postMessage(said, '*')", {"code": "forged", "challenge": challenge}
    )
    assert await barriers(window) == []
    async with window.expect_event("close"):
        await window.get_by_role("button", name="Talk there as myself").click()
    await frame.get_by_text(f"You are here as {user}.").wait_for()
    await beside.goto(f"{house.settings.web.url}/")
    await beside.get_by_role("heading", name="Sign in").wait_for()
    await beside.close()


async def pictured(page: Any, name: str) -> None:
    if folder := os.environ.get("SCREENSHOTS", ""):
        await page.screenshot(path=Path(folder) / f"widget-{name}.png")


async def test_on_a_site_of_another_one_talks_as_a_guest_and_then_as_oneself(
    tmp_path: Path, chromium: str
) -> None:
    port = free_port()
    rules = {"widget": {"origins": [f"http://localhost:{port}"], "guests": True}}
    async with (
        living(tmp_path, parrot, web=rules) as house,
        site(port, house.settings.web.url) as address,
        launched(chromium, _HELD_BACK) as browser,
    ):
        await house.say("ada", "Hello")
        await house.say("bob", "Hello")
        page = await stranger(browser, DESKTOP, bypass_csp=True)
        await page.goto(address)
        frame = await widget(page)
        await frame.get_by_role("button", name="Begin").click()
        await say(frame, "I am a guest")
        await page.reload()
        frame = await widget(page)
        await frame.get_by_text("You said: I am a guest").wait_for()

        await signed_in(page, frame, house, "ada")
        talk = frame.get_by_role("log")
        assert await talk.locator("li").count() == 0, "what was said as a guest stays apart"
        await say(frame, "My boat is Petrel")
        await page.reload()
        frame = await widget(page)
        await frame.get_by_text("You said: My boat is Petrel").wait_for()
        await pictured(page, "site")

        await frame.get_by_role("button", name="Sign out").click()
        await frame.get_by_role("button", name="Begin").wait_for()
        await signed_in(page, frame, house, "bob")
        assert await frame.get_by_role("log").locator("li").count() == 0, "what ada said is hers"
        assert page.wrongs == []
