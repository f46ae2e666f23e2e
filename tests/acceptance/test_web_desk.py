"""The operator's desk in a browser: whoever runs the bot sees and does there what `everbot admin` can."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

from bot.cli import doctor
from bot.ports import ModelReply, ModelRequest
from tests.fakes.browser import WEB, Form, Page, visiting
from tests.fakes.parlour import opened, parrot

EVIL = '"><script>alert(1)</script>'
OWNERS = {"owners": ["parlour:boss"]}
PATHS = ("", "/people", "/usage", "/usage?by=person", "/budgets", "/errors", "/log", "/pairing", "/health")


def button(page: Page, does: str, about: str) -> Form:
    """The form of a row's button; a button's own value is sent when it is pressed."""
    return next(form for form in page.forms if form.fields.get("about") == about and does in page.html)


async def test_only_owners_find_a_desk(tmp_path: Path) -> None:
    async with opened(tmp_path, parrot, web=WEB, access=OWNERS) as house:
        await house.say("ada", "Hello")
        async with visiting(house) as stranger:
            assert (await stranger.open("/desk")).path == "/in"
        async with visiting(house) as ada:
            await ada.sign_in(house.app, house.who("ada"))
            for path in PATHS:
                assert (await ada.open(f"/desk{path}")).status == 404
            async with ada.client.post("/desk/do", data={"does": "block", "about": "parlour:boss"}) as answer:
                assert answer.status in (403, 404)
        assert house.rows("SELECT count(*) FROM restrictions") == [(0,)]


async def test_an_owner_sees_people_and_cost_and_never_a_text(tmp_path: Path) -> None:
    async with opened(tmp_path, parrot, web=WEB, access=OWNERS) as house:
        await house.say("ada", "SECRET words")
        await house.say(EVIL, "SECRET words")
        await house.say("boss", "Hello")
        async with visiting(house) as boss:
            await boss.sign_in(house.app, house.who("boss"))
            pages = [await boss.open(f"/desk{path}") for path in PATHS]
        assert {page.status for page in pages} == {200}
        together = "".join(page.html for page in pages)
        assert "SECRET" not in together
        assert "<script>alert" not in together
        assert "parlour:ada" in pages[1].text
        assert EVIL in pages[1].text
        assert "2026-11-21" in pages[2].text
        assert "parlour:ada" in pages[3].text


async def test_an_owner_blocks_and_caps_and_it_is_heeded_at_once_and_noted(tmp_path: Path) -> None:
    async with opened(tmp_path, parrot, web=WEB, access=OWNERS) as house:
        await house.say("ada", "Hello")
        async with visiting(house) as boss:
            await boss.sign_in(house.app, house.who("boss"))
            people = await boss.open("/desk/people")
            done = await boss.send(button(people, "block", "parlour:ada"), does="block")
            assert "talks with nobody here" in done.text
            assert await house.say("ada", "Hello?") == []
            await boss.send(button(done, "unblock", "parlour:ada"), does="unblock")
            assert await house.say("ada", "Hello!")
            budgets = await boss.open("/desk/budgets")
            form = next(form for form in budgets.forms if "who" in form.fields)
            for wrong in ({"who": "parlour:ada"}, {"who": "", "tokens": "5"}, {"who": "x", "tokens": "many"}):
                refused = await boss.send(
                    form, does="budget", **{"who": "", "tokens": "", "cost": "", **wrong}
                )
                assert "error" in refused.html
            form.fields.pop("community", None)
            await boss.send(form, does="budget", who="parlour:ada", tokens="5", cost="")
            view = await house.app.inbound.submit(house.message("ada", "And now?"))
            assert view is not None
            assert "used up" in view.text
            log = await boss.open("/desk/log")
        assert "budget: 5 tokens a day" in log.text


async def test_an_owner_lets_in_who_was_shown_a_code_and_thinks_better_of_it(tmp_path: Path) -> None:
    access = {**OWNERS, "dm_policy": "pairing", "people": OWNERS["owners"]}
    async with opened(tmp_path, parrot, web=WEB, access=access) as house:
        for stranger in ("ada", "eve", EVIL):
            assert await house.say(stranger, "Hello") == []
        async with visiting(house) as boss:
            await house.say("boss", "Hello")
            await boss.sign_in(house.app, house.who("boss"))
            page = await boss.open("/desk/pairing")
            assert EVIL in page.text
            codes = dict(house.rows("SELECT account, code FROM codes"))
            done = await boss.send(button(page, "let-in", codes["parlour:ada"]), does="let-in")
            assert "parlour:ada may talk with the bot now." in done.text
            assert await house.say("ada", "Hello again")
            await boss.send(button(page, "deny", codes["parlour:eve"]), does="deny")
            assert house.rows("SELECT count(*) FROM codes WHERE account = 'parlour:eve'") == [(0,)]
            again = await boss.send(button(page, "let-in", codes["parlour:eve"]), does="let-in")
            assert "no such one" in again.text
            assert await house.say("eve", "Hello") == []
            out = await boss.send(button(again, "revoke", "parlour:ada"), does="revoke")
            assert "parlour:ada is a stranger again." in out.text
            assert await house.say("ada", "Hello?") == []
            log = (await boss.open("/desk/log")).text
        for did in ("let inaccount:parlour:ada", "turned awayaccount:parlour:eve", "let in no moreaccount:"):
            assert did in log


async def test_the_desk_is_in_english_for_whoever_reads_it(tmp_path: Path) -> None:
    async with opened(tmp_path, parrot, web=WEB, access=OWNERS) as house, visiting(house, "de") as boss:
        await house.say("boss", "Hello")
        await boss.sign_in(house.app, house.who("boss"))
        form = (await boss.open("/1/account")).form("/1/do", command="language")
        await boss.send(form, argument="de")
        desk = await boss.open("/desk")
        assert '<html lang="en">' in desk.html
        assert "My memory" in desk.text
        home = await boss.open("/")
        assert '<html lang="de">' in home.html
        assert 'href="/desk"' in home.html


async def test_an_owner_sees_who_waits_and_calls_the_turn_off(tmp_path: Path) -> None:
    asked = asyncio.Event()

    async def hang(request: ModelRequest) -> ModelReply:
        asked.set()
        await asyncio.Event().wait()
        raise AssertionError

    async with opened(tmp_path, hang, web=WEB, access=OWNERS) as house:
        await house.app.inbound.submit(house.message("ada", "Hello"))
        await asked.wait()
        async with visiting(house) as boss:
            await boss.sign_in(house.app, house.who("boss"))
            desk = await boss.open("/desk")
            assert "parlour:ada" in desk.text
            [turn] = [form for form in desk.forms if form.fields.get("about")]
            assert "Stopped." in (await boss.send(turn, does="stop")).text
            await house.settled("parlour:ada")
            assert "Nobody waits." in (await boss.open("/desk")).text
        assert house.parlour.posted[-1].text == "Stopped."


async def test_a_backup_is_made_at_a_button(tmp_path: Path) -> None:
    async with opened(tmp_path, parrot, web=WEB, access=OWNERS) as house, visiting(house) as boss:
        await boss.sign_in(house.app, house.who("boss"))
        log = await boss.open("/desk/log")
        form = next(form for form in log.forms if form.fields.get("next") == "/desk/log")
        assert "Written to" in (await boss.send(form, does="backup")).text
        assert len(list((tmp_path / "backups").glob("everbot-*.db"))) == 1


async def test_an_owner_has_everything_examined_as_the_doctor_does(tmp_path: Path) -> None:
    async with opened(tmp_path, parrot, web=WEB, access=OWNERS) as house:
        await house.say("boss", "Hello")
        asked = asyncio.Event()
        go_on = asyncio.Event()

        async def examine() -> AsyncIterator[tuple[bool, str, str]]:
            async for finding in doctor.live(house.settings, None, house.app.memory):
                yield finding
            asked.set()
            await go_on.wait()
            yield False, "tools of calendar", EVIL

        async with visiting(house, examine=examine) as boss:
            await boss.sign_in(house.app, house.who("boss"))
            page = await boss.open("/desk/health")
            assert "parlour" in page.text
            assert "ready" in page.text
            assert "people1" in page.text
            form = page.form("/desk/do", next="/desk/health")
            async with asyncio.TaskGroup() as group:
                first = group.create_task(boss.send(form, does="examine"))
                await asked.wait()
                assert "being examined already" in (await boss.send(form, does="examine")).text
                go_on.set()
            found = first.result()
        assert "Found to be wrong: " in found.text
        assert EVIL in found.text
        assert "<script>alert" not in found.html
        for what in ("database", "index", "backups", "model"):
            assert f"ok{what}" in found.text
