"""A browser without a screen: it keeps cookies, follows redirects, and fills in the forms of the page it has open.

``async with visiting(house) as browser:`` opens the pages of a `House` on loopback; ``await browser.open("/in")`` gives
a `Page`, ``await browser.send(page.form("/in"), link="...")`` the one that comes of its form.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

from aiohttp import ClientResponse, CookieJar
from aiohttp.test_utils import TestClient, TestServer
from yarl import URL

from bot.app import App
from bot.events import Command
from bot.ports import OpenPages
from bot.web.application import application
from bot.web.desk.examination import Examine
from tests.fakes.parlour import House

WEB = {"listen": "127.0.0.1:8082"}
_LINK = re.compile(r"\S+/in/by/(\S+)")


@dataclass
class Form:
    """``fields`` are as the page has them filled in."""

    action: str
    method: str
    fields: dict[str, str]
    buttons: list[str] = field(default_factory=list)


@dataclass
class Page:
    path: str
    status: int
    html: str
    headers: Mapping[str, str]
    forms: list[Form]
    text: str
    data: bytes = b""

    def form(self, action: str, **fields: str) -> Form:
        """The first that goes there, with these fields filled in so."""
        for form in self.forms:
            if form.action.partition("?")[0] == action and fields.items() <= form.fields.items():
                return form
        raise AssertionError(f"{self.path} has no form to {action} with {fields}: {self.forms}")


class _Reader(HTMLParser):
    """The forms of a page, and its text as people read it."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.text: list[str] = []
        self._area = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append(Form(given.get("action", ""), given.get("method", "get"), {}))
        elif tag == "input" and self.forms and given.get("name") and given.get("type") != "file":
            self.forms[-1].fields[given["name"]] = given.get("value", "")
        elif tag == "textarea" and self.forms:
            self._area = given["name"]
            self.forms[-1].fields[self._area] = ""
        elif tag == "select" and self.forms:
            self.forms[-1].fields[given["name"]] = ""

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            form = self.forms[-1]
            form.fields[self._area] = form.fields[self._area].removeprefix("\n")
            self._area = ""

    def handle_data(self, data: str) -> None:
        if self._area:
            self.forms[-1].fields[self._area] += data
        self.text.append(data)


class Browser:
    """``language`` is what it wishes to read."""

    def __init__(self, client: TestClient[Any, Any], language: str = "") -> None:
        self.client = client
        self._headers = {"Accept-Language": language} if language else {}

    @property
    def origin(self) -> str:
        return str(self.client.make_url("/")).rstrip("/")

    async def open(self, path: str, **more: Any) -> Page:
        async with self.client.get(path, headers=self._headers, **more) as answer:
            return await _page(answer)

    async def send(self, form: Form, *, headers: Mapping[str, str] | None = None, **fields: str) -> Page:
        given = {**form.fields, **fields}
        sent = {**self._headers, **(headers or {})}
        async with self.client.request(
            form.method.upper(),
            form.action,
            headers=sent,
            **({"params": given} if form.method.lower() == "get" else {"data": given}),
        ) as answer:
            return await _page(answer)

    async def sign_in(self, app: App, person: Mapping[str, Any]) -> Page:
        """As `House.who` names them, by the link that they are given in a direct message."""
        origin = {name: person[name] for name in ("account", "name", "address", "audience")}
        view = await app.inbound.invoke(Command(**origin, command="memory", argument="web"))
        found = _LINK.search(view.text)
        assert found, view.text
        page = await self.open(f"/in/by/{found[1]}")
        return await self.send(page.form("/in"))

    async def read(self, answer: ClientResponse) -> Page:
        """The page that an answer is."""
        return await _page(answer)

    @property
    def cookies(self) -> dict[str, str]:
        return {c.key: c.value for c in self.client.session.cookie_jar}

    def set_cookie(self, name: str, value: str) -> None:
        self.client.session.cookie_jar.update_cookies({name: value}, URL(self.origin))


async def _page(answer: ClientResponse) -> Page:
    data = await answer.read()
    html = data.decode("utf-8", "replace") if answer.content_type == "text/html" else ""
    reader = _Reader()
    reader.feed(html)
    text = " ".join("".join(reader.text).split())
    return Page(answer.url.path, answer.status, html, answer.headers, reader.forms, text, data)


@asynccontextmanager
async def visiting(
    house: House,
    language: str = "",
    more: Sequence[Any] = (),
    open_pages: OpenPages | None = None,
    examine: Examine | None = None,
) -> AsyncIterator[Browser]:
    """One browser; opened twice, they are two."""
    server = TestServer(application(house.app, house.settings, more, open_pages, examine))
    await server.start_server()
    here = server.make_url("/").origin()  # of this machine browsers keep secure cookies, too
    async with TestClient(server, cookie_jar=CookieJar(unsafe=True, treat_as_secure_origin=here)) as client:
        yield Browser(client, language)


@asynccontextmanager
async def beside(browser: Browser) -> AsyncIterator[Browser]:
    """Another browser that has the same pages open, and cookies of its own. It is the first to be closed."""
    server = browser.client.server
    jar = CookieJar(unsafe=True, treat_as_secure_origin=server.make_url("/").origin())
    async with TestClient(server, cookie_jar=jar) as client:
        yield Browser(client)
