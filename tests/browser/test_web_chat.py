"""The chat in a real browser: type, see the reply, load the page anew, and it is there once."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from bot.ports import ModelReply, ModelRequest
from tests.browser.conftest import PHONE, ZOOMED, barriers, launched, living, visitor
from tests.fakes.hold import Hold
from tests.fakes.parlour import parrot, whole

pytestmark = pytest.mark.browser

EVIL = "<img src=x onerror=alert(1)>\"'><script>alert(1)</script>"


async def pictured(page: Any, name: str) -> None:
    if folder := os.environ.get("SCREENSHOTS", ""):
        await page.screenshot(path=Path(folder) / f"chat-{name}.png")


async def test_one_talks_loads_anew_and_it_is_there_once(tmp_path: Path, chromium: str) -> None:
    hold = Hold()

    async def play(request: ModelRequest) -> ModelReply:
        if "slowly" in whole(request):
            await hold.passed()
        return parrot(request)

    async with living(tmp_path, play) as house, launched(chromium) as browser:
        await house.say("ada", "Hello")
        ada = await visitor(browser, house, house.who("ada"), PHONE, bypass_csp=True)
        bob = await visitor(browser, house, house.who("bob"), ZOOMED, color_scheme="dark", bypass_csp=True)
        await ada.get_by_role("link", name="Chat", exact=True).click()
        await bob.get_by_role("link", name="Chat", exact=True).click()
        talk = ada.get_by_role("log")

        await ada.get_by_label("Your message").fill(f"Where did we sail? {EVIL}")
        await ada.keyboard.press("Enter")
        await talk.get_by_text("You said: Where did we sail?").wait_for()
        assert await ada.get_by_label("Your message").input_value() == ""

        # The line breaks while it is sent: it is kept in the tab, and sent when the page is loaded anew.
        await ada.context.set_offline(True)
        await ada.get_by_label("Your message").fill("Tell me slowly of Petrel")
        await ada.get_by_role("button", name="Send").click()
        await ada.get_by_role("alert").get_by_text("no connection").wait_for()
        await ada.context.set_offline(False)
        await ada.reload()
        await hold.met()
        await ada.get_by_role("status").get_by_text("is thinking").wait_for()
        await pictured(ada, "phone")
        hold.go()
        await talk.get_by_text("You said: Tell me slowly").wait_for()
        await ada.get_by_role("status").get_by_text("is thinking").wait_for(state="hidden")

        await ada.get_by_label("Your message").fill("/help")
        await ada.get_by_role("button", name="Send").click()
        await talk.get_by_text("/memory: ").wait_for()
        await ada.reload()
        await talk.get_by_text("You said: Tell me slowly").wait_for()
        assert await talk.locator("li").count() == 4, "each was said once, and what /help told is gone"
        assert await bob.get_by_role("log").locator("li").count() == 0
        for page, (width, _) in ((ada, PHONE), (bob, ZOOMED)):
            assert await barriers(page) == []
            assert await page.evaluate("document.documentElement.scrollWidth") <= width
        await pictured(ada, "said")
        await pictured(bob, "zoomed-dark")
        assert [wrong for wrong in ada.wrongs if "ERR_INTERNET_DISCONNECTED" not in wrong] == []
        assert bob.wrongs == []
