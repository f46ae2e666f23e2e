"""Personas on the operator's desk: who there is, what they read like, what is proposed, files in and out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from aiohttp import FormData

from memory.records import Proposal
from tests.acceptance.test_web_desk import EVIL, OWNERS
from tests.fakes.browser import WEB, Browser, Form, Page, visiting
from tests.fakes.parlour import House, opened, parrot

CARD = {
    "spec": "chara_card_v2",
    "spec_version": "2.0",
    "data": {"name": "Mia", "description": f"A gardener. {EVIL}", "first_mes": "Hello!", "extensions": {}},
}


def living(folder: Path) -> Any:
    return opened(folder, parrot, web=WEB, access=OWNERS)


async def seated(house: House, boss: Browser) -> None:
    await house.say("boss", "Hello")
    await boss.sign_in(house.app, house.who("boss"))


def form(page: Page, **fields: str) -> Form:
    return page.form("/desk/do", **fields)


async def bring(boss: Browser, page: Page, name: str, data: bytes) -> Page:
    sent = FormData()
    sent.add_field("file", data, filename=name, content_type="application/octet-stream")
    action = next(one.action for one in page.forms if one.action.startswith("/desk/personas?"))
    async with boss.client.post(action, data=sent) as answer:
        return await boss.read(answer)


async def test_a_persona_is_made_written_and_brought_back_to_what_it_was(tmp_path: Path) -> None:
    async with living(tmp_path) as house, visiting(house) as boss:
        await seated(house, boss)
        page = await boss.open("/desk/personas")
        assert "comes with everbot, not used yet" in page.text
        make = next(one for one in page.forms if "description" in one.fields)
        page = await boss.send(
            make, does="persona-create", name="flora", text=f"I tend plants. {EVIL}", description="Of plants"
        )
        assert "flora is made." in page.text
        [(number,)] = house.rows("SELECT id FROM personas WHERE name = 'flora'")
        flora = await boss.open(f"/desk/personas/{number}")
        assert f"I tend plants. {EVIL}" in flora.text
        assert "<script>alert" not in flora.html
        flora = await boss.send(form(flora, label="persona"), does="persona-write", text="I tend ferns.")
        assert "changed, for everyone" in flora.text
        assert "<ins>ferns</ins>" in flora.html
        assert "<del>plants</del>" in flora.html
        flora = await boss.send(form(flora, label="persona"), does="persona-write", text=" ")
        assert "The text is empty" in flora.text
        definition = next(one for one in flora.forms if one.fields.get("text") == "{}")
        wrong = await boss.send(definition, does="persona-define", text='{"greeting": 1}')
        assert "notice error" in wrong.html
        flora = await boss.send(definition, does="persona-define", text='{"greetings": ["Welcome!"]}')
        assert "Welcome!" in flora.text
        flora = await boss.send(form(flora, version="1"), does="persona-back")
        assert "again what it was in version 1" in flora.text
        assert "I tend plants." in next(one for one in flora.forms if "label" in one.fields).fields["text"]
        gone = await boss.send(form(flora, next="/desk/personas"), does="persona-remove")
        assert "flora is deleted." in gone.text
        assert (await boss.open(f"/desk/personas/{number}")).status == 404
        log = (await boss.open("/desk/log")).text
    for did in ("made", "wrote [persona] of", "defined", "went back to version 1 of", "deleted"):
        assert f"{did}persona:flora" in log


async def test_it_is_bound_speaks_there_and_is_retired_where_people_know_it(tmp_path: Path) -> None:
    async with living(tmp_path) as house, visiting(house) as boss:
        await seated(house, boss)
        await boss.send(form(await boss.open("/desk/personas"), about="pip"), does="persona-meet")
        [(number,)] = house.rows("SELECT id FROM personas WHERE name = 'pip'")
        pip = await boss.open(f"/desk/personas/{number}")
        place = next(one for one in pip.forms if "place" in one.fields)
        for wrong in ("here", "discord:1/2/3", "discord: 1"):
            assert "is no place" in (await boss.send(place, does="persona-bind", place=wrong)).text
        pip = await boss.send(place, does="persona-bind", place="parlour:guild/hall")
        assert "parlour:guild/hall is pip from the next message on." in pip.text
        assert house.rows("SELECT place, community FROM bindings") == [
            ("parlour:guild/hall", "parlour:guild")
        ]
        pip = await boss.send(form(pip, about="parlour:guild/hall"), does="persona-unbind")
        assert house.rows("SELECT count(*) FROM bindings") == [(0,)]
        await house.say("ada", "Hello")
        async with house.app.memory.store.write() as session:
            ada = await session.agents.user_of("parlour:ada")
            assert ada is not None
            await session.agents.create_agent(ada.id, number, "ada-pip", house.clock.now())
        gone = await boss.send(form(pip, next="/desk/personas"), does="persona-remove")
        assert "pip is retired" in gone.text
        back = await boss.send(form(gone, about="pip"), does="persona-restore")
        assert "pip is back." in back.text


async def test_what_a_reflection_proposes_is_accepted_or_refused(tmp_path: Path) -> None:
    async with living(tmp_path) as house, visiting(house) as boss:
        await seated(house, boss)
        async with house.app.memory.store.write() as session:
            ever = await session.personas.named("ever")
            assert ever is not None
            [block] = await house.app.personas.blocks(session, ever)
            for community, more in (("parlour:one", " I like jazz."), ("parlour:two", " I like rain.")):
                proposal = Proposal(
                    persona_id=ever.id,
                    label=block.label,
                    before=block.value,
                    value=block.value + more,
                    agent_id=1,
                    community=community,
                    turn_id="t",
                    at=house.clock.now(),
                )
                await session.personas.propose(proposal)
        page = await boss.open(f"/desk/personas/{ever.id}")
        assert "<ins> I like jazz.</ins>" in page.html
        [jazz, rain] = [one for one in page.forms if "proposal" in one.fields][::2]
        accepted = await boss.send(jazz, does="persona-accept")
        assert "Accepted" in accepted.text
        assert "was changed since" in (await boss.send(rain, does="persona-accept")).text
        refused = await boss.send(rain, does="persona-refuse")
        assert "Refused." in refused.text
        assert not [one for one in refused.forms if "proposal" in one.fields]
        assert (
            "I like jazz."
            in house.rows("SELECT value FROM blocks WHERE owner = ?", f"persona:{ever.id}")[0][0]
        )
        gone = await boss.send(rain, does="persona-refuse", proposal="many")
        assert "is not a number" in gone.text


async def test_a_card_comes_in_and_goes_out_again(tmp_path: Path) -> None:
    async with living(tmp_path) as house, visiting(house) as boss:
        await seated(house, boss)
        page = await boss.open("/desk/personas")
        assert "notice error" in (await bring(boss, page, "nothing.json", b"{}")).html
        assert "There is no file." in (await bring(boss, page, "empty.json", b"")).text
        mia = await bring(boss, page, "..\\Mia.json", json.dumps(CARD).encode())
        assert "Mia is here." in mia.text
        assert EVIL in mia.text
        assert "<script>alert" not in mia.html
        card = await boss.open(f"{mia.path}/export?as=v3")
        assert json.loads(card.data)["data"]["name"] == "Mia"
        assert card.headers["Content-Disposition"] == 'attachment; filename="Mia.json"'
        assert "no PNG as its avatar" in (await boss.open(f"{mia.path}/export?as=png")).text
        packed = await boss.open(f"{mia.path}/export?as=everbot")
        assert packed.data.startswith(b"PK")
        assert "already" in (await bring(boss, page, "Mia.zip", packed.data)).text


async def test_nobody_but_owners_finds_any_of_it(tmp_path: Path) -> None:
    async with living(tmp_path) as house:
        await house.say("ada", "Hello")
        async with visiting(house) as ada:
            home = await ada.sign_in(house.app, house.who("ada"))
            key = home.form("/out").fields["form_key"]
            for path in ("/desk/personas", "/desk/personas/1", "/desk/personas/1/export?as=everbot"):
                assert (await ada.open(path)).status == 404
            for fields in (
                {"does": "persona-remove", "about": "ever"},
                {"does": "persona-bind", "about": "ever"},
            ):
                async with ada.client.post("/desk/do", data={"form_key": key, **fields}) as answer:
                    assert answer.status == 404
            for sent, status in ((key, 404), ("forged", 403)):
                data = FormData()
                data.add_field("file", b"{}", filename="a.json")
                async with ada.client.post(f"/desk/personas?form_key={sent}", data=data) as answer:
                    assert answer.status == status
