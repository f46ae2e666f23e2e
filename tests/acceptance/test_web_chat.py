"""People talk with their agents on the page: once, whatever breaks; each with their own; by the law of every place."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import ClientResponse, FormData

from adapters.web.adapter import WebAdapter
from bot.ports import ModelReply, ModelRequest
from tests.fakes.browser import WEB, Browser, visiting
from tests.fakes.clock import FakeClock
from tests.fakes.hold import Hold
from tests.fakes.parlour import House, opened, parrot, whole
from tests.fakes.scripted_model import calls, say
from tests.patience import PATIENCE_S

EVIL = '"><script>alert(1)</script><img src=x onerror=alert(1)>'
DOT = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
_TAG = re.compile(r"<[^>]+>")


@dataclass
class Stream:
    """What an open page hears: (kind, data, id) of each event."""

    answer: ClientResponse
    heard: list[tuple[str, str, str]] = field(default_factory=list)

    async def next(self) -> tuple[str, str, str]:
        kind, data, name = "", [], ""
        async with asyncio.timeout(PATIENCE_S):
            while line := (await self.answer.content.readline()).decode():
                if line == "\n" and kind:
                    self.heard.append((kind, "\n".join(data), name))
                    return self.heard[-1]
                what, _, rest = line.rstrip("\n").partition(": ")
                kind = rest if what == "event" else kind
                name = rest if what == "id" else name
                data += [rest] if what == "data" else []
        raise EOFError

    async def until(self, words: str) -> str:
        """The id of the first entry with these words."""
        while True:
            kind, data, name = await self.next()
            if kind == "said" and words in data:
                return name

    async def first(self) -> list[str]:
        """What a page that comes back hears at once: the words of each entry."""
        words = []
        while (event := await self.next())[0] != "all":
            words.append(" ".join(_TAG.sub(" ", event[1]).split()))
        return words


@dataclass
class Tab:
    """Somebody's page of the chat."""

    house: House
    browser: Browser
    root: str
    key: str

    async def send(
        self, text: str, name: str = "one", *files: tuple[str, bytes], live: bool = True
    ) -> tuple[int, str]:
        form = FormData(
            {"id": name, "text": text} | ({"live": "1"} if live else {}), default_to_multipart=True
        )
        for file, content in files:  # of whatever kind it says it is
            form.add_field("file", io.BytesIO(content), filename=file, content_type="image/png")
        path = f"{self.root}/chat?form_key={self.key}"
        async with self.browser.client.post(path, data=form) as answer:
            return answer.status, await answer.text()

    async def settled(self) -> None:
        await self.house.settled(f"web:{self.root.strip('/')}")

    @asynccontextmanager
    async def open(self, last: str = "") -> AsyncIterator[Stream]:
        headers = {"Last-Event-ID": last} if last else {}
        path = f"{self.root}/chat/events"
        async with self.browser.client.get(path, headers=headers, timeout=None) as answer:
            assert answer.content_type == "text/event-stream", answer.status
            yield Stream(answer)

    async def shown(self) -> str:
        return (await self.browser.open(f"{self.root}/chat")).text


@asynccontextmanager
async def chatting(folder: Path, play: Any = parrot, **more: Any) -> AsyncIterator[tuple[House, WebAdapter]]:
    adapter = WebAdapter(vision=bool(more.get("model", {}).get("vision")))
    web = WEB | more.pop("web", {})
    async with opened(folder, play, web=web, beside=[adapter], **more) as house:
        running = asyncio.create_task(adapter.run(house.app.inbound))
        try:
            yield house, adapter
        finally:
            running.cancel()
            await asyncio.wait([running])


@asynccontextmanager
async def tab_of(house: House, adapter: WebAdapter, user: str) -> AsyncIterator[Tab]:
    async with visiting(house, open_pages=adapter) as browser:
        page = await browser.sign_in(house.app, house.who(user))
        yield Tab(house, browser, page.path.rstrip("/"), page.forms[0].fields["form_key"])


async def test_one_talks_on_the_page_with_the_agent_that_one_talks_with_elsewhere(tmp_path: Path) -> None:
    seen: list[str] = []

    def play(request: ModelRequest) -> ModelReply:
        seen.append(whole(request))
        return parrot(request)

    async with chatting(tmp_path, play) as (house, adapter):
        await house.say("ada", "My boat is called Petrel.")
        async with tab_of(house, adapter, "ada") as tab, tab.open() as stream:
            assert (await tab.send("What is she called?")) == (204, "")
            await stream.until("You said: What is she called?")
            assert house.rows("SELECT count(*) FROM agents") == [(1,)]
            audience = "SELECT audience FROM conversations WHERE address LIKE 'web:%'"
            assert house.rows(audience) == [("private",)]
            found = await tab.browser.open(f"{tab.root}/diary")
            assert "Petrel" in found.text
            assert "What is she called?" in found.text
            assert "Petrel" not in await tab.shown(), "the page shows the talk that was held on it"


async def test_replies_come_as_each_is_committed_to_every_tab_and_typing_is_shown(tmp_path: Path) -> None:
    hold = Hold()
    async with chatting(tmp_path, hold.between) as (house, adapter):
        async with tab_of(house, adapter, "ada") as seed:  # who is known has a page: by the command alone
            async with seed.open() as one, seed.open() as two:
                await seed.send("Hello")
                await one.until("First.")
                await hold.met()  # the first was read before the second was thought of
                while ("thinking", "yes", "") not in one.heard:
                    await one.next()
                hold.go()
                for stream in (one, two):
                    await stream.until("Then.")
                while one.heard[-1][:2] != ("thinking", ""):
                    await one.next()
                names = [name for kind, _, name in two.heard if kind == "said"]
                assert len(names) == len(set(names)) == 3


async def test_sent_again_it_is_taken_once_through_a_kill_and_nothing_is_lost(tmp_path: Path) -> None:
    async with chatting(tmp_path) as (house, adapter):
        await house.say("ada", "Hello")
        async with tab_of(house, adapter, "ada") as tab:
            async with asyncio.TaskGroup() as group:  # a double click
                for _ in range(2):
                    group.create_task(tab.send("Count me"))
            await tab.settled()
            assert await tab.send("Count me") == (204, "")
            await tab.send("Count me", "two")  # the same words are another message of its own
            await tab.settled()
            cookies = tab.browser.cookies
    async with chatting(tmp_path) as (house, adapter), visiting(house, open_pages=adapter) as browser:
        for name, value in cookies.items():
            browser.set_cookie(name, value)
        again = Tab(house, browser, tab.root, tab.key)
        assert await again.send("Count me") == (204, "")
        await again.settled()
        assert house.rows("SELECT count(*) FROM turns WHERE conversation_id = 2") == [(2,)]
        async with again.open() as stream:
            words = await stream.first()
        assert len([one for one in words if one.endswith("You said: Count me")]) == 2
        assert await again.send("Count me no more", "one") == (204, "")  # a form that was gone back to
        await again.settled()
        assert "You said: Count me no more" in await again.shown()


async def test_a_page_that_comes_back_hears_what_came_while_it_was_away(tmp_path: Path) -> None:
    clock = FakeClock()
    wish = {"when": "2026-11-21T10:00", "about": "tea"}
    script = [calls(("schedule_message", wish), ("send_message", {"message": "I will."})), say("Tea time!")]
    async with chatting(tmp_path, lambda _: script.pop(0), clock=clock) as (house, adapter):
        async with tab_of(house, adapter, "ada") as tab:
            async with tab.open() as stream:
                await tab.send("Remind me of tea at ten")
                last = await stream.until("I will.")
            await tab.settled()
            clock.advance(7_200)
            await house.app.heartbeat.sweep()
            await tab.settled()
            async with tab.open(last) as back:
                [*_, newest] = await back.first()
                assert "Tea time!" in newest
            assert "Tea time!" in await tab.shown()


async def test_everyone_sees_their_own_talk_alone(tmp_path: Path) -> None:
    async with chatting(tmp_path) as (house, adapter):
        async with tab_of(house, adapter, "ada") as ada, tab_of(house, adapter, "eve") as eve:
            assert ada.root != eve.root
            await ada.send("The safe opens with 4711")
            await ada.settled()
            for path in ("chat", "chat/events"):
                assert (await eve.browser.open(f"{ada.root}/{path}")).status == 404
            forged = Tab(house, eve.browser, ada.root, eve.key)
            assert (await forged.send("I am Ada"))[0] == 404
            async with eve.open() as stream:
                assert await stream.first() == []
            assert "4711" not in await eve.shown()
            wrong = Tab(house, ada.browser, ada.root, eve.key)
            assert (await wrong.send("A form of somebody else's"))[0] == 403
            strange = ada.browser.client.post(
                f"{ada.root}/chat?form_key={ada.key}",
                data=FormData({"text": "x"}, default_to_multipart=True),
                headers={"Origin": "https://evil.example"},
            )
            async with strange as answer:
                assert answer.status == 403
            assert house.rows("SELECT count(*) FROM inbox WHERE kind = 'message'") == [(1,)]


async def test_commands_are_obeyed_and_shown_to_that_page_alone(tmp_path: Path) -> None:
    hold = Hold()

    async def play(request: ModelRequest) -> ModelReply:
        if "about aeons" in whole(request):
            await hold.passed()
        return parrot(request)

    async with chatting(tmp_path, play) as (house, adapter):
        async with tab_of(house, adapter, "ada") as tab, tab.open() as stream:
            status, told = await tab.send("/help")
            assert status == 200
            assert "/memory" in told
            _, told = await tab.send("/save x")
            assert "There is no command /save" in told, "it is for whoever sits at the machine"
            await tab.send("/etc/passwd is no command")
            await stream.until("You said: /etc/passwd")
            await tab.send("Think about aeons", "two")
            await hold.met()
            assert (await tab.send("/stop"))[0] == 200
            await tab.settled()
            assert "/help" not in await tab.shown()
            status, html = await tab.send("/memory", live=False)
            assert status == 200
            assert "Core memory" in html


async def test_what_everbot_itself_says_is_shown_too(tmp_path: Path) -> None:
    async with chatting(tmp_path) as (house, adapter), tab_of(house, adapter, "ada") as tab:
        async with tab.open() as stream:
            await tab.send("my password is Tr0ub4dor!x")
            await stream.until("which I do not keep")
        assert "which I do not keep" in await tab.shown()


async def test_a_form_of_endlessly_many_fields_is_refused(tmp_path: Path) -> None:
    async with chatting(tmp_path) as (house, adapter), tab_of(house, adapter, "ada") as tab:
        form = FormData({"text": "hello", "more1": "x"}, default_to_multipart=True)
        async with tab.browser.client.post(f"{tab.root}/chat?form_key={tab.key}", data=form) as answer:
            assert answer.status == 400
        assert house.rows("SELECT count(*) FROM inbox WHERE payload LIKE '%hello%'") == [(0,)]


async def test_what_is_taken_back_leaves_the_pages_that_show_it(tmp_path: Path) -> None:
    async with chatting(tmp_path) as (house, adapter):
        async with tab_of(house, adapter, "ada") as tab, tab.open() as stream:
            await tab.send("Petrel is my boat")
            mine = await stream.until("Petrel")
            theirs = await stream.until("You said: Petrel")
            await tab.settled()
            assert (await tab.send("/pop"))[0] == 200
            while (event := await stream.next())[0] != "all" or mine in event[1]:
                pass
            assert theirs not in json.loads(event[1])
            assert "Petrel" not in await tab.shown()


async def test_a_stream_ends_with_the_session_and_with_the_server(tmp_path: Path) -> None:
    async with chatting(tmp_path) as (house, adapter):
        async with tab_of(house, adapter, "ada") as tab, tab.open() as stream:
            await tab.send("Hello")
            await stream.until("You said: Hello")
            await tab.settled()
            status, told = await tab.send("/forget yes")
            assert status == 200
            assert "<form" not in told
            while (await stream.next())[0] != "over":
                pass
            assert await stream.answer.content.read() == b""
            assert house.rows("SELECT count(*) FROM users") == [(0,)]
        async with tab_of(house, adapter, "bob") as tab, tab.open() as stream:
            await stream.first()
            adapter.close()  # as the server does when it stops
            assert await stream.answer.content.read() == b""


async def test_a_stream_only_ends_when_the_store_goes_away(tmp_path: Path) -> None:
    async with chatting(tmp_path) as (house, adapter):
        async with tab_of(house, adapter, "ada") as tab, tab.open() as stream:
            await tab.send("Hello")
            await stream.until("You said: Hello")
            await tab.settled()
            await house.app.memory.store.close()
            adapter.tell(f"web:{tab.root.strip('/')}")
            async with asyncio.timeout(PATIENCE_S):
                rest = await stream.answer.content.read()
            assert b"HTTP/1" not in rest
            assert b"<html" not in rest


async def test_nothing_that_anybody_wrote_is_html(tmp_path: Path) -> None:
    async with chatting(tmp_path) as (house, adapter):
        async with tab_of(house, adapter, EVIL) as tab, tab.open() as stream:
            await tab.send(f"{EVIL} javascript:alert(1) https://example.org/?a=1&b=<b>")
            await stream.until("You said")
            _, told = await tab.send(f"/persona use {EVIL}")
            page = await tab.browser.open(f"{tab.root}/chat")
            for html in (*(data for _, data, _ in stream.heard), told, page.html.replace("<script src", "")):
                assert "<script" not in html
                assert "<img src=x" not in html
                assert 'href="javascript' not in html
            assert 'href="https://example.org/?a=1&amp;b=' in page.html


async def test_files_go_along_as_on_any_platform_by_what_they_hold(tmp_path: Path) -> None:
    seen: list[str] = []

    def play(request: ModelRequest) -> ModelReply:
        seen.append(whole(request))
        return say("Seen.")

    async with chatting(tmp_path, play, model={"vision": True}) as (house, adapter):
        async with tab_of(house, adapter, "ada") as tab, tab_of(house, adapter, "eve") as eve:
            sent = [("dot.txt", DOT), (f"a/{EVIL}.md", b"The harbour opens at six."), ("x.png", b"\0" * 9)]
            assert await tab.send("Look", "one", *sent) == (204, "")
            assert await tab.send("Look", "one", *sent) == (204, "")
            await tab.settled()
            kinds = "SELECT kind FROM inbox WHERE kind <> 'user_joined' ORDER BY kind"
            assert [kind for (kind,) in house.rows(kinds)] == ["document_uploaded", "message"]
            assert base64.b64encode(DOT).decode() in "".join(seen)
            assert "The harbour opens at six." in "".join(seen)
            before = len(seen)
            page = await tab.browser.open(f"{tab.root}/chat")
            assert "<img src=x" not in page.html
            assert "x.png" in page.text
            [path] = re.findall(r'src="(/\d+/chat/sent/[^"]+)"', page.html)
            picture = await tab.browser.open(path)
            assert picture.data == DOT
            assert picture.headers["Content-Type"] == "image/png"
            assert (await eve.browser.open(path)).status == 404
            forged = path.replace(tab.root, eve.root, 1)
            assert (await eve.browser.open(forged)).status == 404
            assert (await tab.browser.open(path[:-1] + "1")).status == 404
            status, _ = await tab.send("", "big", ("big.bin", b"\0" * 10_000_001))
            assert status == 413
            assert (await tab.send("x" * 90_000, "long"))[0] == 413
            assert (await tab.send("", "none"))[0] == 204
            await tab.settled()
            assert len(seen) == before, "what was refused was no message"


async def test_a_file_that_the_agent_sends_is_there_until_something_is_forgotten(tmp_path: Path) -> None:
    def play(request: ModelRequest) -> ModelReply:
        return calls(
            ("send_file", {"name": "plan.md", "content": "At six."}), ("send_message", {"message": "Here."})
        )

    async with chatting(tmp_path, play) as (house, adapter):
        async with tab_of(house, adapter, "ada") as tab, tab_of(house, adapter, "eve") as eve:
            await tab.send("Write me a plan")
            await tab.settled()
            [path] = re.findall(
                r'href="([^"]+/chat/made[^"]+)"', (await tab.browser.open(f"{tab.root}/chat")).html
            )
            found = await tab.browser.open(path)
            assert found.data == b"At six."
            assert found.headers["Content-Disposition"] == 'attachment; filename="plan.md"'
            assert (await eve.browser.open(path.replace(tab.root, eve.root, 1))).status == 404
            async with house.app.memory.store.write() as session:
                await session.mailbox.drop_files(int(tab.root.strip("/")))
            assert (await tab.browser.open(path)).status == 404


async def test_who_is_blocked_elsewhere_says_nothing_here(tmp_path: Path) -> None:
    async with chatting(tmp_path, access={"denied": ["parlour:eve"]}) as (house, adapter):
        async with tab_of(house, adapter, "ada") as tab:
            house.execute("UPDATE accounts SET account = 'parlour:eve'")
            house.execute("UPDATE web_keys SET account = 'parlour:eve'")
            assert (await tab.send("Hello"))[0] == 403
            assert house.rows("SELECT count(*) FROM inbox") == [(0,)]


async def test_without_a_chat_there_is_no_such_room(tmp_path: Path) -> None:
    async with opened(tmp_path, parrot, web=WEB) as house, visiting(house) as browser:
        page = await browser.sign_in(house.app, house.who("ada"))
        assert "/chat" not in page.html
        assert (await browser.open(f"{page.path}chat")).status == 404
