"""The memory page in a real browser: its life with two people, nothing that runs, nothing in anybody's way."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.events import Attachment
from bot.people.access import new_code
from memory.archival import share, store
from memory.records import PRIVATE, Draft, Proposal, Wish, community_audience
from tests.acceptance.test_web_memory import CLUB, EVIL, keep
from tests.browser.conftest import DESKTOP, PHONE, ZOOMED, barriers, launched, living, visitor
from tests.fakes.clock import FakeClock
from tests.fakes.parlour import House

pytestmark = pytest.mark.browser

_ROOMS = (
    "",
    "chat",
    "notes",
    "diary",
    "timeline",
    "files",
    "reminders",
    "lore",
    "places",
    "account",
    "why?of=human",
    "diary/2",
)
_DESK = (
    "",
    "/people",
    "/pairing",
    "/personas",
    "/personas/1",
    "/sources",
    "/usage",
    "/budgets",
    "/errors",
    "/health",
    "/log",
)
_DARK = ("", "chat", "notes", "timeline", "account")  # of each kind of thing one
_PICTURE = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJg"
    "gg=="
)


async def lived(house: House, clock: FakeClock) -> None:
    """Half a year with Ada."""
    for days, text in [
        (0, "mind Name: Ada. Lives in Hamburg with her dog Juno."),
        (12, "note Plays the violin in an amateur orchestra"),
        (9, "We sailed on the Alster today, it was windy."),
        (30, "note Allergic to hazelnuts, carries a pen"),
        (41, "note Her sister Grace studies in Bergen"),
        (8, "The tomatoes are ripe."),
        (2, "I shall read Middlemarch this summer."),
    ]:
        clock.advance(days * 86_400)
        await house.say("ada", text)
    await house.say("ada", "Will it rain on Thursday?", audience=community_audience(CLUB), place="club")
    names = ("boat.png", "IMG_20261127_101502_as_a_telephone_calls_it_without_a_space.png")
    boats = (Attachment(name=name, media_type="image/png", image=_PICTURE) for name in names)
    await house.tell(house.message("ada", "Look, my new boat", attachments=tuple(boats)))
    who, now = await house.app.identities.of(house.message("ada", "")), clock.now()
    async with house.app.memory.store.write() as session:
        await session.agents.name_community(CLUB, "Harbour Sailors")
        before = Draft(
            text="Works at the harbour office", audience=PRIVATE, tags=("work",), since=now - timedelta(90)
        )
        after = Draft(
            text="Works as a teacher in Bremen", audience=PRIVATE, tags=("work",), since=now - timedelta(30)
        )
        one, two = await store(session, who.agent.archive_id, [before, after], now)
        await session.passages.close([one.key], now - timedelta(30), two.uid)
        told = Draft(text="The fair is in May", audience=community_audience(CLUB))
        await share(session, who.persona.id, CLUB, [told], who.user.id, now)
        wish = Wish(
            id="tea12345",
            agent_id=who.agent.id,
            conversation_id=who.conversation.id,
            about="Call Grace",
            rule="every Sunday 18:00",
            turn_id="t",
            next_at=now + timedelta(days=2),
            created_at=now,
        )
        await session.schedule.put_wish(wish)


async def test_two_people_see_correct_and_delete_what_is_theirs(tmp_path: Path, chromium: str) -> None:
    async with living(tmp_path, keep) as house, launched(chromium) as browser:
        await house.say("ada", "mind Lives in Hamburg")
        await house.say("ada", "note The safe opens with 4711")
        await house.say("bob", "note Bob likes jazz")
        ada = await visitor(browser, house, house.who("ada"), PHONE)
        bob = await visitor(browser, house, house.who("bob"))

        # By the keyboard alone: past the rooms, to the form, and back to what was answered.
        await ada.keyboard.press("Tab")
        assert await ada.evaluate("document.activeElement.className") == "skip"
        await ada.keyboard.press("Enter")
        assert await ada.evaluate("document.activeElement.id") == "main"
        await ada.locator("summary", has_text="Edit").first.focus()
        await ada.keyboard.press("Enter")
        await ada.get_by_label("What I know of you").first.fill("Lives in Bremen")
        await ada.keyboard.press("Tab")
        await ada.keyboard.press("Enter")
        await ada.get_by_role("status").get_by_text("now reads").wait_for()
        assert "notice" in await ada.evaluate("document.activeElement.className")
        assert "notice=" not in ada.url
        assert await ada.locator("del").first.inner_text() == "Hamburg"
        assert await ada.locator("ins").first.inner_text() == "Bremen"

        await ada.get_by_role("link", name="Notes", exact=True).click()
        await ada.locator("summary", has_text="Delete").click()
        await ada.get_by_role("button", name="Delete: The safe").click()
        await ada.get_by_role("status").get_by_text("Deleted: The safe").wait_for()
        assert await ada.locator("article").count() == 0
        await ada.get_by_role("button", name="Undo").click()
        await ada.locator("article", has_text="4711").wait_for()

        await bob.get_by_role("link", name="Notes", exact=True).click()
        await bob.locator("article", has_text="Bob likes jazz").wait_for()
        assert "4711" not in await bob.content()
        answer = await bob.goto(ada.url)
        assert answer.status == 404
        assert "4711" not in await bob.content()
        await ada.get_by_role("button", name="Sign out").click()
        await ada.get_by_role("heading", name="Sign in").wait_for()
        await ada.go_back()
        assert "4711" not in await ada.content()
        assert ada.wrongs == []
        assert [wrong for wrong in bob.wrongs if "404" not in wrong] == []


async def test_nothing_that_anybody_wrote_runs(tmp_path: Path, chromium: str) -> None:
    async with living(tmp_path, keep) as house, launched(chromium) as browser:
        await house.say("ada", f"note {EVIL}")
        await house.say("ada", f"mind {EVIL}")
        named = Attachment(name=EVIL, media_type="image/png", image=_PICTURE)
        await house.tell(house.message("ada", EVIL, attachments=(named,)))
        await house.say("ada", EVIL, audience=community_audience(CLUB), place="club")
        async with house.app.memory.store.write() as session:
            await session.agents.name_community(CLUB, EVIL)
        page = await visitor(browser, house, house.who("ada"))
        root, shown = page.url, 0
        for room in _ROOMS:
            await page.goto(f"{root}{room}")
            shown += (await page.inner_text("body")).count("<script>alert(1)</script>")
        assert shown > 10
        assert page.wrongs == []


async def test_nothing_is_in_anybodys_way_on_a_phone_zoomed_or_in_the_dark(
    tmp_path: Path, chromium: str
) -> None:
    clock = FakeClock()
    access = {"owners": ["parlour:ada"]}
    async with living(tmp_path, keep, clock=clock, access=access) as house, launched(chromium) as browser:
        await lived(house, clock)
        await _operated(house)
        for size, scheme, rooms in [(PHONE, "light", _ROOMS), (ZOOMED, "dark", _DARK)]:
            page = await visitor(browser, house, house.who("ada"), size, color_scheme=scheme, bypass_csp=True)
            root = page.url
            desk = f"{root.rsplit('/', 2)[0]}/desk"
            for room in [*(f"{root}{room}" for room in rooms), *(f"{desk}{room}" for room in _DESK)]:
                await page.goto(room)
                await page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
                assert await barriers(page) == []
                width = await page.evaluate("document.documentElement.scrollWidth")
                assert width <= size[0], f"{room} is {width} wide"
            assert page.wrongs == []
        await _pictured(browser, house)


async def _operated(house: House) -> None:
    """Something to be seen on each page of the desk: who asks to be let in, a persona with a history and a proposal."""
    app, now = house.app, house.clock.now()
    account = "parlour:" + "eve" * 20
    async with app.memory.store.write() as session:
        code = new_code("pair", house.message("eve" * 20, ""), now + timedelta(minutes=50))
        await session.codes.put(code)
        await session.codes.welcome(account, now)
        ever = await app.personas.named(session, "ever")
        [block] = await app.personas.blocks(session, ever)
        await session.personas.bind("parlour:club/" + "harbour" * 12, "parlour:club", ever.id, now)
        proposal = Proposal(
            persona_id=ever.id,
            label=block.label,
            before=block.value,
            value=block.value.replace("I ", "I gladly ", 1),
            agent_id=1,
            community="parlour:club",
            turn_id="t",
            at=now,
        )
        await session.personas.propose(proposal)
        await app.personas.set_block(session, ever, block.label, f"{block.value} I like jazz.", None)


async def _pictured(browser: Any, house: House) -> None:
    """Pictures for people to look at, where somebody asks for them: SCREENSHOTS=folder make test-browser."""
    folder = os.environ.get("SCREENSHOTS", "")
    if not folder:
        return
    for name, size, scheme in [
        ("desktop", DESKTOP, "light"),
        ("phone", PHONE, "light"),
        ("dark", PHONE, "dark"),
        ("zoomed", ZOOMED, "light"),
    ]:
        page = await visitor(browser, house, house.who("ada"), size, color_scheme=scheme)
        root = page.url
        desk = f"{root.rsplit('/', 2)[0]}/desk"
        shown = {room or "core": f"{root}{room}" for room in _ROOMS} | {
            f"desk{room}": f"{desk}{room}" for room in _DESK
        }
        for room, address in shown.items():
            await page.goto(address)
            path = Path(folder) / f"{name}-{room.partition('?')[0].replace('/', '-')}.png"
            await page.screenshot(path=path)
