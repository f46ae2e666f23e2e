"""A real browser: Debian's Chromium, driven by Playwright. Where there is none, tests are skipped with a sentence."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from importlib import import_module
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from adapters.web.adapter import WebAdapter
from bot.events import Command
from bot.web.application import serving
from tests.fakes.parlour import House, opened
from tests.fakes.ports import free_port
from tests.patience import PATIENCE_S

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
PHONE, DESKTOP, ZOOMED = (390, 844), (1200, 900), (640, 450)  # the last is a window of 1280 by 900 at 200 %


@pytest.fixture
def chromium() -> str:
    """Its path."""
    if CHROMIUM is None:
        pytest.skip("There is no browser here: apt-get install chromium.")
    for package in ("playwright", "axe_playwright_python"):
        pytest.importorskip(package, reason=f"The package {package} is not there: make setup-dev.")
    return CHROMIUM


@asynccontextmanager
async def launched(chromium: str, *more: str) -> AsyncIterator[Any]:
    """A browser, begun with ``more`` arguments; its contexts are as many separate ones."""
    playwright = import_module("playwright.async_api").async_playwright()
    async with playwright as driver:
        browser = await driver.chromium.launch(executable_path=chromium, args=["--no-sandbox", *more])
        try:
            yield browser
        finally:
            await browser.close()


@asynccontextmanager
async def living(folder: Path, play: Callable[..., Any], **more: Any) -> AsyncIterator[House]:
    """Everbot with its pages, and the chat there, on a port of loopback."""
    web = {"listen": f"127.0.0.1:{free_port()}"} | more.pop("web", {})
    chat = WebAdapter()
    async with (
        opened(folder, play, web=web, beside=[chat], **more) as house,
        serving(house.app, house.settings, open_pages=chat),
    ):
        yield house


async def visitor(
    browser: Any, house: House, person: Mapping[str, Any], size: tuple[int, int] = DESKTOP, **more: Any
) -> Any:
    """A page of the person's, who signed in by the link that they were given. What it does wrong is kept in
    ``page.wrongs``."""
    page = await stranger(browser, size, **more)
    await page.goto(await link(house, person))
    await page.get_by_role("button", name="Sign in").click()
    await page.get_by_role("heading", name="Core memory", level=1).wait_for()
    return page


async def stranger(browser: Any, size: tuple[int, int] = DESKTOP, **more: Any) -> Any:
    """An empty page of a browser that nobody has used before. What it does wrong is kept in ``page.wrongs``."""
    viewport = {"width": size[0], "height": size[1]}
    context = await browser.new_context(viewport=viewport, locale="en-GB", **more)
    context.set_default_timeout(PATIENCE_S * 1_000)
    page = await context.new_page()
    page.wrongs = wrongs = []
    page.on("pageerror", lambda error: wrongs.append(str(error)))
    page.on("console", lambda said: wrongs.append(said.text) if said.type == "error" else None)

    async def asked(dialog: Any) -> None:
        wrongs.append(f"a dialog: {dialog.message}")
        await dialog.dismiss()

    page.on("dialog", asked)
    return page


async def link(house: House, person: Mapping[str, Any]) -> str:
    """One that lets the person in, as they are given it in a direct message."""
    origin = {name: person[name] for name in ("account", "name", "address", "audience")}
    view = await house.app.inbound.invoke(Command(**origin, command="memory", argument="web"))
    return next(word for word in view.text.split() if "/in/by/" in word)


async def barriers(page: Any) -> list[str]:
    """What axe-core finds to be in the way of people, of what is serious or worse."""
    source = files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
    await page.evaluate(source)
    found = await page.evaluate("axe.run()")
    return [
        f"{page.url}: {one['id']}: {one['nodes'][0]['html'][:200]}"
        for one in found["violations"]
        if one["impact"] in ("serious", "critical")
    ]
