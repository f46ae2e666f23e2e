"""The web pages as a whole: who is let in, and what no page lets happen."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import web

from bot.events import Command
from memory.errors import StoreUnavailable
from tests.fakes.browser import WEB, visiting
from tests.fakes.clock import FakeClock
from tests.fakes.parlour import House, opened, parrot


def command(house: House, user: str, argument: str) -> Command:
    who = house.who(user)
    origin = {name: who[name] for name in ("account", "name", "address", "audience")}
    return Command(**origin, command="memory", argument=argument)


async def test_a_link_lets_in_once_and_for_ten_minutes(tmp_path: Path) -> None:
    clock = FakeClock()
    async with opened(tmp_path, parrot, clock=clock, web=WEB) as house, visiting(house) as browser:
        await house.say("ada", "Hello")
        view = await house.app.inbound.invoke(command(house, "ada", "web"))
        link = view.text.split("/in/by/")[1].split()[0]
        stored = house.rows("SELECT digest FROM web_keys")
        assert len(stored) == 1
        assert link not in str(stored)

        await browser.open(f"/in/by/{link}")  # a program that looks at links uses none up
        page = await browser.open(f"/in/by/{link}")
        assert (await browser.send(page.form("/in"))).path == "/1/"

        async with visiting(house) as another:
            again = await another.send((await another.open(f"/in/by/{link}")).form("/in"))
            assert again.status == 403
            assert "used already" in again.text
            view = await house.app.inbound.invoke(command(house, "ada", "web"))
            late = view.text.split("/in/by/")[1].split()[0]
            clock.advance(601)
            page = await another.send((await another.open(f"/in/by/{late}")).form("/in"))
            assert page.status == 403


async def test_sessions_are_listed_and_ended_by_command(tmp_path: Path) -> None:
    async with opened(tmp_path, parrot, web=WEB) as house, visiting(house) as browser:
        await house.say("ada", "Hello")
        await browser.sign_in(house.app, house.who("ada"))
        assert (await browser.open("/")).path == "/1/"
        view = await house.app.inbound.invoke(command(house, "ada", "web"))
        (end,) = view.actions
        await house.app.inbound.invoke(command(house, "ada", end.argument))
        assert (await browser.open("/")).path == "/in"


async def test_signing_out_ends_the_session_and_not_only_the_cookie(tmp_path: Path) -> None:
    async with opened(tmp_path, parrot, web=WEB) as house, visiting(house) as browser:
        await house.say("ada", "Hello")
        page = await browser.sign_in(house.app, house.who("ada"))
        ((name, secret),) = browser.cookies.items()
        await browser.send(page.form("/out"))
        browser.set_cookie(name, secret)
        assert (await browser.open("/")).path == "/in"


async def test_without_a_page_or_before_others_there_is_no_link(tmp_path: Path) -> None:
    async with opened(tmp_path, parrot) as house:
        await house.say("ada", "Hello")
        assert (await house.app.inbound.invoke(command(house, "ada", "web"))).kind == "error"
    async with opened(tmp_path, parrot, web=WEB) as house:
        public = replace(command(house, "ada", "web"), audience="community:c", community="c")
        assert (await house.app.inbound.invoke(public)).kind == "error"
        assert house.rows("SELECT * FROM web_keys") == []


async def test_only_our_own_forms_change_anything(tmp_path: Path) -> None:
    async with opened(tmp_path, parrot, web=WEB | {"public_url": "http://127.0.0.1"}) as house:
        async with visiting(house) as browser:
            await house.say("ada", "Hello")
            page = await browser.sign_in(house.app, house.who("ada"))
            out = page.form("/out")
            for headers, fields in [
                ({}, {"form_key": "x" * 32}),
                ({}, {"form_key": "ü"}),
                ({"Origin": "https://evil.example"}, {}),
                ({"Origin": "null"}, {}),
                ({"Sec-Fetch-Site": "cross-site"}, {}),
            ]:
                assert (await browser.send(out, headers=headers, **fields)).status == 403
            assert (await browser.open("/")).path == "/1/"
            same = {"Origin": "http://127.0.0.1", "Sec-Fetch-Site": "same-origin"}
            assert (await browser.send(out, headers=same)).path == "/in"


async def test_every_answer_bears_the_headers_and_no_error_tells_what_is_inside(tmp_path: Path) -> None:
    async def fails(_: web.Request) -> web.Response:
        raise RuntimeError("the secret of the house")

    async def busy(_: web.Request) -> web.Response:
        raise StoreUnavailable("/var/lib/everbot.db: the disk is full")

    more = [web.get("/fails", fails), web.get("/busy", busy), web.get("/v1/fails", fails)]
    async with opened(tmp_path, parrot, web=WEB) as house, visiting(house, more=more) as browser:
        for path, status in [
            ("/in", 200),
            ("/nowhere", 404),
            ("/static/style.css", 200),
            ("/static/../pages.py", 404),
            ("/fails", 500),
            ("/v1/fails", 500),
            ("/busy", 503),
        ]:
            page = await browser.open(path)
            assert page.status == status, path
            assert "script-src 'self'" in page.headers["Content-Security-Policy"]
            assert "unsafe" not in page.headers["Content-Security-Policy"]
            assert page.headers["X-Content-Type-Options"] == "nosniff"
            assert b"secret of the house" not in page.data
            assert b"Traceback" not in page.data
            assert b"/var/lib" not in page.data


async def test_whoever_asks_too_often_waits_and_nobody_else_does(tmp_path: Path) -> None:
    clock = FakeClock()
    limited = WEB | {"requests_per_minute": 3}
    async with opened(tmp_path, parrot, web=limited, clock=clock) as house, visiting(house) as browser:
        clock.advance(60 - clock.now().timestamp() % 60)

        async def asks(forwarded: str) -> int:
            async with browser.client.get("/in", headers={"X-Forwarded-For": forwarded}) as answer:
                return answer.status

        assert [await asks("6.6.6.6, 1.1.1.1") for _ in range(4)] == [200, 200, 200, 429]
        assert await asks("7.7.7.7, 1.1.1.1") == 429  # what a client says of itself is not believed
        assert await asks("2.2.2.2") == 200
        clock.advance(60)
        assert await asks("1.1.1.1") == 200


async def test_behind_a_proxy_cookies_are_kept_for_https_and_paths_bear_the_prefix(tmp_path: Path) -> None:
    behind = WEB | {"public_url": "https://bots.example.org/ever/"}
    async with opened(tmp_path, parrot, web=behind) as house, visiting(house) as browser:
        await house.say("ada", "Hello")
        view = await house.app.inbound.invoke(command(house, "ada", "web"))
        assert "https://bots.example.org/ever/in/by/" in view.text
        link = view.text.split("/in/by/")[1].split()[0]
        page = await browser.open(f"/in/by/{link}")
        assert page.form("/ever/in").fields["link"] == link
        async with browser.client.post("/in", data={"link": link}, allow_redirects=False) as answer:
            assert answer.headers["Location"] == "/ever/"
            (cookie,) = answer.cookies.values()
            assert cookie.key == "__Host-everbot"
            assert cookie["secure"]
            assert cookie["httponly"]
            assert (cookie["samesite"], cookie["path"]) == ("Lax", "/")
            assert "max-age" in answer.headers["Strict-Transport-Security"]


@pytest.mark.parametrize(("wished", "told"), [("de-AT,en;q=0.5", "Anmelden"), ("xx,ja", "サインイン")])
async def test_a_stranger_reads_the_browsers_language(tmp_path: Path, wished: str, told: str) -> None:
    async with opened(tmp_path, parrot, web=WEB) as house, visiting(house, wished) as browser:
        assert told in (await browser.open("/in")).text


async def test_an_account_that_became_anothers_lets_in_no_more(tmp_path: Path) -> None:
    async with opened(tmp_path, parrot, web=WEB) as house, visiting(house) as browser:
        await house.say("ada", "Hello")
        await browser.sign_in(house.app, house.who("ada"))
        async with house.app.memory.store.read() as session:
            ada = await session.agents.user_of("parlour:ada")
        assert ada is not None
        async with house.app.memory.store.write() as session:
            await session.agents.add_account("parlour:ada-too", ada.id)
        await house.app.inbound.separate("parlour:ada", "ada")
        assert (await browser.open("/")).path == "/in"


async def test_whoever_is_forgotten_is_signed_out(tmp_path: Path) -> None:
    async with opened(tmp_path, parrot, web=WEB) as house, visiting(house) as browser:
        await house.say("ada", "Hello")
        await browser.sign_in(house.app, house.who("ada"))
        who = await house.app.identities.of(house.message("ada", ""))
        await house.app.inbound.forget(who.user)
        assert house.rows("SELECT * FROM web_keys") == []
        assert (await browser.open("/")).path == "/in"
