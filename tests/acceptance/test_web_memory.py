"""People see all that is remembered of them on a page of their own, and change it by the same law as in the chat."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

import pytest
from aiohttp import FormData

from bot.agent.forgetting import KEPT
from bot.agent.tools.unwanted import Unwanted
from bot.events import Attachment, DocumentUploaded
from bot.ports import ModelReply, ModelRequest
from memory.archival import share, store
from memory.records import PRIVATE, SEQ_BITS, Draft, Wish, community_audience
from tests.acceptance.test_forgetting import command
from tests.fakes.browser import WEB, Browser, Page, beside, visiting
from tests.fakes.clock import FakeClock
from tests.fakes.parlour import House, is_summary, opened
from tests.fakes.scripted_model import call, say
from tests.fakes.town import heard

CLUB = "parlour:club"
EVIL = '"><script>alert(1)</script><img src=x onerror=alert(1)>'


def keep(request: ModelRequest) -> ModelReply:
    """Notes and bears in mind what it is told to."""
    if is_summary(request):
        return say("They talked.")
    text = str(heard(request).get("message", ""))
    if request.messages[-1]["role"] == "tool":
        return say("Done.")
    word, _, rest = text.partition(" ")
    if word == "note":
        return call("archival_memory_insert", content=rest, tags=["life"], request_heartbeat=True)
    if word == "mind":
        return call("core_memory_append", label="human", content=rest, request_heartbeat=True)
    return say(f"You said: {text}")


@dataclass
class Home:
    """Ada's memory in a browser. ``root`` is how its paths begin."""

    house: House
    browser: Browser
    root: str

    async def open(self, path: str) -> Page:
        return await self.browser.open(f"{self.root}/{path}")

    async def do(self, page: Page, argument: str, command: str = "memory", **fields: str) -> Page:
        """Send the page's form of that command."""
        form = page.form(f"{self.root}/do", command=command, argument=argument)
        return await self.browser.send(form, **fields)


@asynccontextmanager
async def at_home(folder: Path, user: str = "ada", clock: FakeClock | None = None) -> AsyncIterator[Home]:
    async with opened(folder, keep, web=WEB, clock=clock) as house, visiting(house) as browser:
        await house.say(user, "Hello")
        yield await signed_in(house, browser, user)


async def signed_in(house: House, browser: Browser, user: str) -> Home:
    page = await browser.sign_in(house.app, house.who(user))
    return Home(house, browser, page.path.rstrip("/"))


async def test_core_memory_is_seen_corrected_and_put_back_with_what_changed_word_by_word(
    tmp_path: Path,
) -> None:
    async with at_home(tmp_path) as home:
        await home.house.say("ada", "mind Lives in Hamburg with her dog")
        page = await home.open("")
        assert "Lives in Hamburg with her dog" in page.text
        page = await home.do(page, "set human", value="Lives in Bremen with her dog")
        assert "[human] now reads" in page.text
        assert "<del>Hamburg</del><ins>Bremen</ins>" in page.html
        assert "by a person" in page.text

        form = next(f for f in page.forms if f.fields.get("value") == "Lives in Hamburg with her dog")
        page = await home.browser.send(form)
        who = await home.house.app.identities.of(home.house.message("ada", ""))
        async with home.house.app.memory.store.read() as session:
            (block,) = [
                b for b in await session.blocks.of(f"agent:{who.agent.id}", None) if b.label == "human"
            ]
        assert block.value == "Lives in Hamburg with her dog"


async def test_a_note_is_found_corrected_deleted_and_brought_back_while_it_can_be(tmp_path: Path) -> None:
    clock = FakeClock()
    async with at_home(tmp_path, clock=clock) as home:
        await home.house.say("ada", "note Plays the violin")
        await home.house.say("ada", "note Has a boat")
        page = await home.open("notes")
        assert page.text.index("Has a boat") < page.text.index("Plays the violin")  # newest first
        assert "#life" in page.text
        assert "Has a boat" in (await home.open("notes?tag=life")).text
        assert "Has a boat" not in (await home.open("notes?tag=work")).text

        page = await home.open("notes?q=violin")
        (uid,) = re.findall(r'id="n(\w+)"', page.html)
        page = await home.do(page, f"set {uid}", value="Plays the viola")
        assert "Plays the viola" in page.text
        assert "violin" not in (await home.open("notes")).text.replace("notes?q=violin", "")

        page = await home.do(await home.open("notes"), f"drop {uid} yes")
        assert "Deleted: Plays the viola" in page.text
        assert f'id="n{uid}"' not in page.html
        page = await home.do(page, "undo")
        assert "It is back" in page.text
        assert f'id="n{uid}"' in page.html

        page = await home.do(page, f"drop {uid} yes")
        clock.advance(KEPT.total_seconds() + 1)
        page = await home.do(page, "undo")
        assert "Nothing was forgotten" in page.text
        page = await home.do(page, "add", value="Collects stamps")
        assert "Collects stamps" in (await home.open("notes?q=stamps")).text


async def test_how_something_is_known_leads_to_the_message_and_its_turn(tmp_path: Path) -> None:
    async with at_home(tmp_path) as home:
        await home.house.say("ada", "note Plays the violin in Bremen")
        page = await home.open("notes")
        (uid,) = re.findall(r'id="n(\w+)"', page.html)
        page = await home.open(f"why?of={uid}")
        assert "note Plays the violin in Bremen" in page.text
        (number,) = set(re.findall(rf'href="{home.root}/diary/(\d+)"', page.html))
        page = await home.open(f"diary/{number}")
        assert "aria-current" in page.html
        assert "Plays the violin in Bremen" in page.text.split("What came of it")[1]
        assert (await home.open("diary/999999")).status == 404
        assert (await home.open(f"diary/{1 << 32}")).status == 404


async def test_a_message_tells_what_it_brings_to_mind_and_why(tmp_path: Path) -> None:
    async with at_home(tmp_path) as home:
        await home.house.say("ada", "My violin teacher Mira lives in Ghent")
        await home.house.say("ada", "The tomatoes are ripe")
        for n in range(12):
            await home.house.say("ada", f"message {n}. We had tea at the harbour and talked about boats.")
        async with home.house.app.memory.store.write() as session:
            who = await home.house.app.identities.of(home.house.message("ada", ""))
            shown = await session.messages.queue(who.conversation.id)
            await session.messages.evict(who.conversation.id, [message.key for message in shown])
    async with at_home(tmp_path) as home:
        await home.house.say("ada", "Where does my violin teacher live?")
        rows = home.house.rows("SELECT key, text FROM messages")
        [cue] = [key for key, text in rows if text == "Where does my violin teacher live?"]
        asked = f"diary/{cue & (1 << SEQ_BITS) - 1}"
        page = await home.open(asked)
        told = page.text.split("What came to mind")[1].split("What came of it")[0]
        share = re.search(r"(\d+) % · .*Mira lives in Ghent.* \([a-z, ]+\)", told)
        assert share
        assert "was not kept" not in told
        assert f"{home.root}/diary/" in page.html.split("What came to mind")[1]

        said = await mind(home)
        assert f"{share[1]} % · " in said
        assert "Mira lives in Ghent" in said
        for n in range(4):
            await home.house.say("ada", f"well {n}")
        again = (await home.open(asked)).text
        assert told in again, "it is what was judged then, however much was said since"

        rows = home.house.rows("SELECT key, text FROM messages WHERE role != 'tool'")
        keys = [key for key, text in rows if "Mira lives in Ghent" in text]
        kept = home.house.rows("SELECT id, surfaced FROM turns ORDER BY id")
        assert any(str(key) in row[1] for row in kept for key in keys)
        await forget(home, keys)
        left = home.house.rows("SELECT surfaced FROM turns")
        assert not any(str(key) in row[0] for row in left for key in keys)
        page = await home.open(asked)
        assert "Mira lives in Ghent" not in page.text
        await command(home.house, "ada", "memory undo")
        assert home.house.rows("SELECT id, surfaced FROM turns ORDER BY id") == kept
        assert told in (await home.open(asked)).text

        await forget(home, [cue])
        assert (await home.open(asked)).status == 404
        turn = "SELECT surfaced FROM turns WHERE id = (SELECT turn_id FROM messages WHERE key = ?)"
        assert home.house.rows(turn.replace("?", str(cue))) == [("",)]


async def mind(home: Home) -> str:
    return (await command(home.house, "ada", "memory mind")).text


async def forget(home: Home, keys: list[int]) -> None:
    """Messages, as the agent does it at her wish."""
    app = home.house.app
    who = await app.identities.of(home.house.message("ada", ""))
    async with app.memory.store.read() as session:
        said = {row.key: row for row in await session.messages.get(who.agent.id, keys, None)}
    await app.corrections.forget(who, PRIVATE, Unwanted(messages=said))


async def test_the_diary_is_searched_by_words_and_by_day(tmp_path: Path) -> None:
    clock = FakeClock()
    async with at_home(tmp_path, clock=clock) as home:
        await home.house.say("ada", "We sailed on the Alster")
        sailed = clock.now()
        clock.advance(3 * 86_400)
        await home.house.say("ada", "The tomatoes are ripe")
        page = await home.open("diary?q=sailed+Alster")
        assert "We sailed on the Alster" in page.text
        page = await home.open(f"diary?since={sailed.date()}&until={sailed.date()}")
        assert "We sailed on the Alster" in page.text
        assert "tomatoes" not in page.text
        page = await home.open(f"diary?since={(sailed + timedelta(days=1)).date()}")
        assert "tomatoes" in page.text
        assert "sailed" not in page.text
        for strange in (
            "since=9999-12-31",
            "since=0001-01-01",
            "until=x",
            "page=0",
            "page=99999999",
            "q=%00",
        ):
            assert (await home.open(f"diary?{strange}")).status == 200, strange


async def test_the_timeline_shows_from_when_until_when_a_note_held(tmp_path: Path) -> None:
    clock = FakeClock()
    async with at_home(tmp_path, clock=clock) as home:
        who = await home.house.app.identities.of(home.house.message("ada", ""))
        begun = clock.now()
        clock.advance(100 * 86_400)
        now = clock.now()
        async with home.house.app.memory.store.write() as session:
            drafts = [
                Draft(text="Works at the harbour", audience=PRIVATE, since=begun),
                Draft(text="Teaches", audience=PRIVATE, since=now - timedelta(days=50)),
            ]
            before, after = await store(session, who.agent.archive_id, drafts, now)
            await session.passages.close([before.key], now - timedelta(days=50), after.uid)
        await signed_in(home.house, home.browser, "ada")  # anew: a session lasts a month
        page = await home.open("timeline")
        held = re.search(r'class="held" x="([\d.]+)" y="[\d.]+" width="([\d.]+)"', page.html)
        holds = re.search(r'class="holds" x="([\d.]+)" y="[\d.]+" width="([\d.]+)"', page.html)
        assert held
        assert holds
        assert [float(held[1]), float(held[2])] == [12.0, 468.0]
        assert [float(holds[1]), float(holds[2])] == [480.0, 468.0]
        assert page.html.count('class="bar"') == 1  # all was said at once
        notes = await home.open("notes")
        assert "until" in notes.text
        assert "Teaches" in notes.text.split("→")[1]


async def test_a_note_is_opened_to_a_community_and_closed_again(tmp_path: Path) -> None:
    async with at_home(tmp_path) as home:
        await home.house.say("ada", "Hello club", audience=community_audience(CLUB), place="club")
        await home.house.say("ada", "note Has a boat")
        page = await home.open("notes")
        (uid,) = re.findall(r'id="n(\w+)"', page.html)
        page = await home.do(page, f"open {uid} to {CLUB}")
        assert "also used in" in page.text
        assert [a for (a,) in home.house.rows("SELECT audience FROM passages")] == [
            "private",
            f"community:{CLUB}",
        ]
        await home.do(page, f"close {uid}")
        assert [a for (a,) in home.house.rows("SELECT audience FROM passages")] == ["private"]


async def test_places_tell_who_reads_there_and_one_is_forgotten_alone(tmp_path: Path) -> None:
    async with at_home(tmp_path) as home:
        await home.house.say("ada", "Hello club", audience=community_audience(CLUB), place="club")
        page = await home.open("places")
        assert "You, and whoever runs me." in page.text
        assert "Everybody in that community" in page.text
        (club,) = [
            i for (i,) in home.house.rows("SELECT id FROM conversations WHERE address = 'parlour:club'")
        ]
        form = page.form(f"{home.root}/do", argument="here yes", place=str(club))
        page = await home.browser.send(form)
        assert "Forgotten: what was said here" in page.text
        diary = (await home.open("diary")).text
        assert "Hello club" not in diary
        assert "Hello" in diary


async def test_lore_is_taken_back_and_reminders_are_called_off(tmp_path: Path) -> None:
    clock = FakeClock()
    async with at_home(tmp_path, clock=clock) as home:
        who = await home.house.app.identities.of(home.house.message("ada", ""))
        now = clock.now()
        async with home.house.app.memory.store.write() as session:
            draft = Draft(text="The fair is in May", audience=community_audience(CLUB))
            await share(session, who.persona.id, CLUB, [draft], who.user.id, now)
            wish = Wish(
                id="w1",
                agent_id=who.agent.id,
                conversation_id=who.conversation.id,
                about="Call Grace",
                rule="",
                turn_id="t",
                next_at=now + timedelta(days=1),
                created_at=now,
            )
            await session.schedule.put_wish(wish)
        page = await home.open("lore")
        assert "The fair is in May" in page.text
        (argument,) = {
            f.fields["argument"] for f in page.forms if "lore drop" in f.fields.get("argument", "")
        }
        assert "taken back" in (await home.do(page, argument)).text
        assert home.house.rows("SELECT * FROM contributors") == []
        page = await home.open("reminders")
        key = page.form(f"{home.root}/do", command="scheduled").fields["form_key"]
        at = f"{now + timedelta(days=2):%Y-%m-%dT%H:%M}"

        async def change(moment: str, rule: str, text: str) -> str:
            parts = [("argument", part) for part in ("set w1", moment, rule)]
            sent = [("form_key", key), ("command", "scheduled"), ("value", text), *parts]
            sent.append(("next", f"{home.root}/reminders"))
            async with home.browser.client.post(f"{home.root}/do", data=sent) as answer:
                return (await home.browser.read(answer)).text

        assert "Call Grace in Bergen" in await change(at, "", "Call Grace in Bergen")
        assert home.house.rows("SELECT about, rule FROM wishes") == [("Call Grace in Bergen", "")]
        assert "is not a time" in await change(at, "every 2h", "Call Grace")
        assert "every 2h" in await change("", "every 2h", "Call Grace")
        assert home.house.rows("SELECT about, rule FROM wishes") == [("Call Grace", "every 2h")]
        page = await home.do(await home.open("reminders"), "cancel w1", command="scheduled")
        assert "Cancelled: Call Grace" in page.text
        assert home.house.rows("SELECT * FROM wishes") == []


async def test_files_and_pictures_are_shown_with_what_was_said_to_them(tmp_path: Path) -> None:
    async with at_home(tmp_path) as home:
        picture = Attachment(name="boat.png", media_type="image/png", image="data:image/png;base64,AAAA")
        drawing = Attachment(name="x.svg", media_type="image/svg+xml", image="data:image/svg+xml,<svg/>")
        said = home.house.message("ada", "My boat", attachments=(picture, drawing))
        await home.house.tell(said)
        who = home.house.who("ada") | {"key": f"{said.key}/1"}
        await home.house.tell(DocumentUploaded(**who, document="log.txt", text="Day one: calm."))
        page = await home.open("files")
        (source,) = re.findall(r'<img class="sent" src="([^"]+)" alt="boat.png"', page.html)
        shown = await home.browser.open(source)
        assert (shown.status, shown.headers["Content-Type"], shown.data) == (200, "image/png", b"\0\0\0")
        assert "x.svg" in page.text
        assert page.html.count('<img class="sent"') == 1, "of a drawing nothing is shown"
        assert "data:image" not in page.html
        assert "log.txt" in page.text
        arguments = [f.fields["argument"] for f in page.forms if "drop " in f.fields.get("argument", "")]
        log, boat, svg = arguments
        assert (await home.open(f"files/{svg.split()[1]}")).status == 404
        page = await home.do(page, log)
        assert "Deleted: log.txt" in page.text
        assert "log.txt" not in (await home.open("files")).text

        page = await home.do(await home.open("files"), boat)
        assert "Deleted: boat.png" in page.text
        assert '<img class="sent"' not in page.html
        assert (await home.browser.open(source)).status == 404
        assert "My boat" in (await home.open("diary")).text
        page = await home.do(page, "undo")
        assert "It is back" in page.text
        assert (await home.browser.open(source)).data == b"\0\0\0"
        async with beside(home.browser) as other:
            await other.sign_in(home.house.app, home.house.who("bob"))
            assert (await other.open(source)).status == 404


async def test_a_message_is_deleted_where_it_is_read_and_brought_back(tmp_path: Path) -> None:
    async with at_home(tmp_path) as home:
        await home.house.say("ada", "The safe opens with 4711")
        await home.house.say("bob", "Hello")
        diary = await home.open("diary?q=safe")
        (number,) = set(
            re.findall(
                r'/diary/(\d+)"><time[^>]*>[^<]*</time></a> · [^<]*</p>\s*<p class="text">The safe',
                diary.html,
            )
        )
        for user in ("bob", "ada"):
            view = await command(home.house, user, f"memory drop m{number}")
            assert ("4711" in view.text) == (user == "ada")
        page = await home.do(await home.open(f"diary/{number}"), f"drop m{number} yes")
        assert page.path.endswith("/diary")
        assert "Deleted: The safe opens with 4711" in page.text
        assert (await home.open(f"diary/{number}")).status == 404
        assert "ada: The safe" not in (await home.open("diary")).text
        page = await home.do(page, "undo")
        assert "The safe opens with 4711" in (await home.open(f"diary/{number}")).text


async def test_many_pictures_are_turned_over(tmp_path: Path) -> None:
    async with at_home(tmp_path) as home:
        for first in range(0, 30, 6):
            data = [f"data:image/png;base64,{n:04d}" for n in range(first, first + 6)]
            attached = [Attachment(name=each[-4:], media_type="image/png", image=each) for each in data]
            await home.house.tell(home.house.message("ada", f"From {first}", attachments=tuple(attached)))
        newest_first = [f"{n:04d}" for first in (24, 18, 12, 6, 0) for n in range(first, first + 6)]
        page, seen = await home.open("files"), list[list[str]]()
        while True:
            seen.append(re.findall(r'alt="(\d+)"', page.html))
            older = re.search(r'href="([^"]+)" rel="next"', page.html)
            if older is None:
                break
            page = await home.browser.open(older[1])
        assert seen == [newest_first[:12], newest_first[12:24], newest_first[24:]]
        (newer,) = re.findall(r'href="([^"]+)" rel="prev"', page.html)
        page = await home.browser.open(newer)
        assert re.findall(r'alt="(\d+)"', page.html) == seen[1]


async def test_what_is_taken_away_is_brought_along_and_forgotten_at_last(tmp_path: Path) -> None:
    async with at_home(tmp_path) as home:
        page = await home.do(await home.open("account"), "", command="export")
        (link,) = re.findall(r'href="([^"]+/made/[^"]+)"', page.html)
        exported = await home.browser.open(link)
        assert "attachment" in exported.headers["Content-Disposition"]
        assert "header.json" in zipfile.ZipFile(io.BytesIO(exported.data)).namelist()
        assert "has a memory with" in (await bring(home, "memory.zip", exported.data)).text

        talk = {
            "title": "Trip",
            "create_time": 1_700_000_000,
            "current_node": "b",
            "mapping": {
                "a": {"id": "a", "parent": None, "children": ["b"], "message": None},
                "b": {
                    "id": "b",
                    "parent": "a",
                    "children": [],
                    "message": {
                        "id": "b",
                        "author": {"role": "user"},
                        "create_time": 1_700_000_000,
                        "content": {"content_type": "text", "parts": ["We climbed the Brocken"]},
                    },
                },
            },
        }
        page = await bring(home, "conversations.json", json.dumps([talk]).encode())
        assert "Taken over from ChatGPT: 1 message." in page.text
        assert "We climbed the Brocken" in (await home.open("diary")).text
        form = page.form(f"{home.root}/imports/drop")
        assert (await home.browser.send(form, name="another")).status == 404
        await home.browser.send(form)
        assert "Brocken" not in (await home.open("diary")).text
        assert (await bring(home, "x.bin", b"")).text.count("There is no file.") == 1

        page = await home.do(await home.open("account"), "yes", command="forget")
        assert "Forgotten" in page.text
        assert (await home.open("")).path == "/in"
        assert home.house.rows("SELECT * FROM users") == []


async def bring(home: Home, name: str, data: bytes) -> Page:
    """Send a file with the form for it."""
    form = (await home.open("account")).form(f"{home.root}/import")
    return await send_file(home, form.action, name, data)


async def send_file(home: Home, action: str, name: str, data: bytes) -> Page:
    body = FormData()
    body.add_field("file", data, filename=name)
    async with home.browser.client.post(action, data=body) as answer:
        return await home.browser.read(answer)


async def test_where_one_is_signed_in_is_seen_and_ended_from_any_browser(tmp_path: Path) -> None:
    async with at_home(tmp_path) as home, visiting(home.house) as other:
        await signed_in(home.house, other, "ada")
        page = await home.open("account")
        assert page.text.count("this browser") == 1
        ends = {f.fields["argument"] for f in page.forms if "web end" in f.fields.get("argument", "")}
        (mine,) = re.findall(r"this browser\s*<form.*?value=\"(web end \w+)\"", page.html, re.S)
        (others,) = ends - {mine}
        await home.do(page, others)
        assert (await other.open("/")).path == "/in"
        assert (await home.open("account")).status == 200


async def test_nobody_comes_to_anothers_memory_by_forged_ids_cookies_or_forms(tmp_path: Path) -> None:
    async with at_home(tmp_path) as home, visiting(home.house) as browser:
        await home.house.say("ada", "note The safe opens with 4711")
        await home.house.say("bob", "Hello")
        bob = await signed_in(home.house, browser, "bob")
        notes = await home.open("notes")
        (uid,) = re.findall(r'id="n(\w+)"', notes.html)
        exported = await home.do(await home.open("account"), "", command="export")
        (file,) = re.findall(r'href="[^"]+(/made/[^"]+)"', exported.html)
        (private,) = home.house.rows("SELECT id FROM conversations WHERE address = 'parlour:ada'")
        paths = (
            "|notes|diary|diary/1|timeline|files|reminders|lore|places|account|why?of=safe|proposals".split(
                "|"
            )
        )
        for path in paths:
            assert (await browser.open(f"{home.root}/{path}")).status == 404, path
            seen = await bob.open(path)
            assert "4711" not in seen.html, path
        for path in (f"{home.root}{file}", f"{bob.root}{file}", f"{home.root}/../{home.root}/notes"):
            assert (await browser.open(path)).status == 404, path

        own = (await bob.open("notes")).form(f"{bob.root}/do", argument="add")
        for argument in (f"drop {uid} yes", f"set {uid}", f"open {uid} to {CLUB}", f"edit {uid}"):
            page = await browser.send(own, argument=argument, value="Mine now")
            assert "4711" not in page.html
        own.fields["place"] = str(private[0])
        assert (await browser.send(own, command="forget", argument="here yes")).status == 404
        own.action = f"{home.root}/do"
        assert (await browser.send(own, command="forget", argument="yes")).status == 404
        ours = (await bob.open("account")).form(f"{bob.root}/import")
        action = ours.action.replace(bob.root, home.root, 1)
        assert (await send_file(bob, action, "x.json", b"[]")).status == 404
        assert (await send_file(bob, f"{bob.root}/import?form_key=x", "x.json", b"[]")).status == 403

        # Somebody else's form, though they are signed in themselves; a cookie that was never given out.
        theirs = (await home.open("notes")).form(f"{home.root}/do", argument="add")
        theirs.action = f"{bob.root}/do"
        assert (await browser.send(theirs, value="x")).status == 403
        for cookie in ("x" * 43, "' OR 1=1 --", home.house.rows("SELECT digest FROM web_keys")[0][0]):
            browser.set_cookie("everbot", cookie)
            assert (await browser.open(f"{home.root}/notes")).path == "/in"
        assert "4711" in (await home.open("notes")).text


async def test_nothing_that_anybody_wrote_is_markup_or_sends_one_elsewhere(tmp_path: Path) -> None:
    async with opened(tmp_path, keep, web=WEB) as house, visiting(house) as browser:
        who = house.who("ada") | {"name": EVIL}
        await house.tell(house.message("ada", f"note {EVIL}"))
        attached = (Attachment(name=EVIL, media_type="image/png", image=f"data:image/png;base64,AAAA{EVIL}"),)
        await house.tell(house.message("ada", EVIL, attachments=attached))
        await house.tell(house.message("ada", f"mind {EVIL}"))
        await house.say("ada", EVIL, audience=community_audience(CLUB), place="club")
        identity = await house.app.identities.of(house.message("ada", ""))
        async with house.app.memory.store.write() as session:
            await session.agents.name_community(CLUB, EVIL)
            draft = Draft(text=EVIL, audience=PRIVATE, tags=(EVIL,), origin=EVIL, source=EVIL)
            await store(session, identity.agent.archive_id, [draft], house.clock.now())
        await browser.sign_in(house.app, who)
        home = Home(house, browser, (await browser.open("/")).path.rstrip("/"))
        paths = f"|notes|notes?q=script|notes?tag={quote(EVIL)}|diary|diary?q={quote(EVIL)}|timeline|files|lore|places"
        pages = [await home.open(path) for path in f"{paths}|account|why?of={quote(EVIL)}".split("|")]
        pages += [await home.open(f"diary/{n}") for n in range(1, 6)]
        pages.append(await home.do(await home.open("notes"), "add", value=EVIL))
        shown = 0
        for page in pages:
            assert "<script>alert" not in page.html, page.path
            assert "<img src=x" not in page.html, page.path
            shown += page.html.count("&lt;script&gt;alert(1)")
        assert shown > 20

        for elsewhere in (
            "https://evil.example/",
            "//evil.example",
            f"{home.root}//evil.example",
            "/\\evil.example",
        ):
            form = (await home.open("notes")).form(f"{home.root}/do", argument="add")
            async with browser.client.post(
                form.action, data=form.fields | {"next": elsewhere, "value": "x"}, allow_redirects=False
            ) as answer:
                assert answer.headers["Location"].startswith(f"{home.root}/?notice=")


async def test_what_a_command_refuses_is_told_and_what_is_none_is_not_found(tmp_path: Path) -> None:
    async with at_home(tmp_path) as home:
        page = await home.do(await home.open("notes"), "add", value="")
        assert "Say what I shall note" in page.text
        page = await home.do(page, "add", value="x" * 3_001)
        assert "holds 3000" in page.text
        form = page.form(f"{home.root}/do", argument="add")
        for name in ("save", "nonsense", ""):
            assert (await home.browser.send(form, command=name)).status == 404


@pytest.mark.parametrize("policy", ["disabled", "allowlist"])
async def test_whoever_may_not_talk_with_us_may_not_look_either(tmp_path: Path, policy: str) -> None:
    async with at_home(tmp_path) as home:
        ((name, secret),) = home.browser.cookies.items()
    access = {"dm_policy": policy}
    async with opened(tmp_path, keep, web=WEB, access=access) as house, visiting(house) as browser:
        browser.set_cookie(name, secret)
        assert (await browser.open(f"{home.root}/notes")).status == 403
