"""Sources on the operator's desk: a file is loaded beside the turns, searched, replaced, deleted."""

from __future__ import annotations

from pathlib import Path

import pytest
from aiohttp import FormData

from bot.cli import sources
from tests.acceptance.test_web_desk import EVIL
from tests.acceptance.test_web_desk_personas import living, seated
from tests.fakes.browser import WEB, Browser, Page, visiting
from tests.fakes.parlour import House, opened, parrot


async def load(house: House, boss: Browser, name: str, text: str, **fields: str) -> Page:
    """The page once the file is loaded."""
    page = await boss.open("/desk/sources")
    sent = FormData(quote_fields=False)
    for field, value in fields.items():
        sent.add_field(field, value)
    sent.add_field("file", text.encode(), filename=name, content_type="text/plain")
    action = next(form.action for form in page.forms if form.action.startswith("/desk/sources?"))
    async with boss.client.post(action, data=sent) as answer:
        told = await boss.read(answer)
    await house.app.loads.settled()
    return told if "notice error" in told.html else await boss.open("/desk/sources")


async def test_a_file_is_loaded_replaced_and_deleted(tmp_path: Path) -> None:
    async with living(tmp_path) as house, visiting(house) as boss:
        await seated(house, boss)
        page = await load(house, boss, "rules.txt", f"The harbour opens at six. {EVIL}", source="harbour")
        assert "rules.txt → harbour: is loaded: 1 new passage" in page.text
        assert "data-live" not in page.html
        assert "<script>alert" not in page.html
        page = await load(house, boss, "rules.txt", "The harbour opens at seven.", source="harbour")
        assert "replaced" in page.text
        [(text, source)] = house.rows("SELECT text, source FROM passages WHERE source <> ''")
        assert (text, source) == ("The harbour opens at seven.", "rules.txt")
        [(archive,)] = house.rows("SELECT id FROM archives WHERE kind = 'source'")
        async with house.app.memory.store.write() as session:
            ada = await session.agents.user_of("parlour:boss")
            assert ada is not None
            [agent] = await session.agents.agents_of(ada.id)
            await session.passages.attach(agent.id, archive)
        page = await boss.open("/desk/sources")
        assert "searched by boss, ever" in page.text
        page = await boss.send(page.form("/desk/do", agent=str(agent.id)), does="source-detach")
        assert "searched there no more" in page.text
        assert "searched by boss" not in page.text
        file = next(form for form in page.forms if "file" in form.fields and form.action == "/desk/do")
        page = await boss.send(file, does="source-drop-file")
        assert "rules.txt is deleted" in page.text
        assert house.rows("SELECT count(*) FROM passages WHERE source <> ''") == [(0,)]
        assert "no such one" in (await boss.send(file, does="source-drop-file")).text
        page = await load(house, boss, "more.txt", "The ferry is blue.", source="harbour")
        drop = next(form for form in page.forms if "about" in form.fields and "file" not in form.fields)
        page = await boss.send(drop, does="source-drop")
        assert "The source is deleted." in page.text
        assert "There are no sources yet." in page.text
        assert house.rows("SELECT count(*) FROM archives WHERE kind = 'source'") == [(0,)]
        assert "no such one" in (await boss.send(drop, does="source-drop")).text
        log = (await boss.open("/desk/log")).text
    for did in (
        "loaded the file rules.txt into",
        "detached from agent",
        "deleted the file rules.txt of",
        "deleted",
    ):
        assert f"{did}" in log
    assert "source:harbour" in log


async def test_what_cannot_be_loaded_is_told_and_lore_is_seen_by_its_community(tmp_path: Path) -> None:
    async with living(tmp_path) as house, visiting(house) as boss:
        await seated(house, boss)
        assert "one of the two" in (await load(house, boss, "a.txt", "A")).text
        assert "one of the two" in (await load(house, boss, "a.txt", "A", source="a", lore="ever@x:1")).text
        assert "is not PERSONA@COMMUNITY" in (await load(house, boss, "a.txt", "A", lore="ever")).text
        assert "There is no file." in (await load(house, boss, "a.txt", "", source="a")).text
        page = await load(house, boss, "broken.pdf", "%PDF no such thing", source="a")
        assert "broken.pdf → a: broken.pdf" in page.text
        assert str(tmp_path) not in page.text
        page = await load(house, boss, "../../lore.txt", "The fair is in May.", lore="ever@parlour:club")
        assert "lore.txt → ever@parlour:club: is loaded" in page.text
        assert house.rows("SELECT audience FROM passages WHERE source = 'lore.txt'") == [
            ("community:parlour:club",)
        ]
        async with boss.client.post(
            "/desk/sources?form_key=forged", data=FormData({"source": "a"})
        ) as answer:
            assert answer.status == 403


async def test_the_command_line_lists_detaches_and_deletes_also_while_it_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with living(tmp_path) as house, visiting(house) as boss:
        await seated(house, boss)
        await load(house, boss, "rules.txt", "The harbour opens at six.", source="harbour")
        assert await sources.sources(house.settings, sources.Shelving(), as_json=True) == 0
        assert '"file": "rules.txt"' in capsys.readouterr().out
        for wrong in (
            sources.Shelving(delete="another"),
            sources.Shelving(delete="harbour", file="another.txt"),
            sources.Shelving(detach="harbour", agent=1),
        ):
            assert await sources.sources(house.settings, wrong, as_json=False) == 1
        one = sources.Shelving(delete="harbour", file="rules.txt")
        assert await sources.sources(house.settings, one, as_json=False) == 0
        assert house.rows("SELECT count(*) FROM passages WHERE source <> ''") == [(0,)]
        assert await sources.sources(house.settings, sources.Shelving(delete="harbour"), as_json=False) == 0
        assert "within seconds" in capsys.readouterr().out
        await house.app.orders.take()
        assert "There are no sources yet." in (await boss.open("/desk/sources")).text


async def test_nobody_but_owners_sends_files(tmp_path: Path) -> None:
    async with opened(tmp_path, parrot, web=WEB) as house, visiting(house) as ada:
        await house.say("ada", "Hello")
        home = await ada.sign_in(house.app, house.who("ada"))
        assert (await ada.open("/desk/sources")).status == 404
        key, data = home.form("/out").fields["form_key"], FormData({"source": "mine"})
        data.add_field("file", b"Hello", filename="a.txt")
        async with ada.client.post(f"/desk/sources?form_key={key}", data=data) as answer:
            assert answer.status == 404
        assert house.rows("SELECT count(*) FROM archives WHERE kind <> 'own'") == [(0,)]
