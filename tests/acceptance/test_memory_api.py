"""A person's own programs read and correct what is remembered of them, as JSON, under the law of the chat."""

from __future__ import annotations

import asyncio
import io
import zipfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientResponse
from aiohttp.test_utils import TestClient, TestServer

from bot.agent.forgetting import KEPT
from bot.errors import Changed
from bot.web.application import application
from memory.records import community_audience
from tests.acceptance.test_forgetting import command
from tests.acceptance.test_web_memory import keep
from tests.fakes.clock import FakeClock
from tests.fakes.openai_media import OpenAIMedia
from tests.fakes.parlour import House, opened

WEB = {"listen": "127.0.0.1:8082", "programs": True}
CLUB = community_audience("parlour:club")


@dataclass
class Answer:
    status: int
    json: Any
    headers: Any
    data: bytes


@dataclass
class Program:
    """Somebody's program, with their key."""

    client: TestClient[Any, Any]
    key: str
    headers: dict[str, str] = field(default_factory=dict)

    async def ask(self, method: str, path: str, body: Any = None, **more: Any) -> Answer:
        headers = {"Authorization": f"Bearer {self.key}"} | self.headers | more.pop("headers", {})
        if body is not None:
            more["json"] = body
        async with self.client.request(method, f"/v1/{path}", headers=headers, **more) as answer:
            return await _read(answer)

    async def get(self, path: str, **query: Any) -> Any:
        answer = await self.ask("GET", path, params=query)
        assert answer.status == 200, answer.json
        return answer.json


async def _read(answer: ClientResponse) -> Answer:
    data = await answer.read()
    told = await answer.json(content_type=None) if "json" in answer.content_type else None
    if answer.status >= 400:
        assert answer.content_type == "application/problem+json"
        assert set(told) == {"type", "title", "status", "detail"}
        assert told["status"] == answer.status
        assert told["detail"]
    return Answer(answer.status, told, answer.headers, data)


async def key_of(house: House, user: str) -> str:
    told = (await command(house, user, "connect program")).text
    return told.partition("api_key: ")[2].split()[0]


@dataclass
class Door:
    house: House
    client: TestClient[Any, Any]

    async def program(self, user: str) -> Program:
        return Program(self.client, await key_of(self.house, user))


@asynccontextmanager
async def door(folder: Path, **settings: Any) -> AsyncIterator[Door]:
    web = WEB | settings.pop("web", {})
    async with opened(folder, keep, web=web, **settings) as house:
        async with TestClient(TestServer(application(house.app, house.settings))) as client:
            yield Door(house, client)


async def test_core_memory_is_read_and_corrected_as_it_was_seen(tmp_path: Path) -> None:
    async with door(tmp_path) as here:
        await here.house.say("ada", "mind Lives in Hamburg")
        ada = await here.program("ada")
        blocks = {block["label"]: block for block in (await ada.get("memory/core"))["blocks"]}
        human = blocks["human"]
        assert human["value"] == "Lives in Hamburg"
        assert human["editable"]
        assert not blocks["persona"]["editable"]

        change = {"label": "human", "value": "Lives in Bremen", "version": float(human["version"])}
        changed = await ada.ask("PATCH", "memory/core", change)
        assert (changed.status, changed.json["value"]) == (200, "Lives in Bremen")
        stale = await ada.ask("PATCH", "memory/core", change | {"value": "Lives in Mainz"})
        assert stale.status == 409
        assert (await ada.ask("PATCH", "memory/core", {"label": "persona", "value": "x"})).status == 404
        long = await ada.ask("PATCH", "memory/core", {"label": "human", "value": "x" * 90_000})
        assert long.status == 422
        blocks = {block["label"]: block for block in (await ada.get("memory/core"))["blocks"]}
        assert blocks["human"]["value"] == "Lives in Bremen"

        gone = await ada.ask("PATCH", "memory/core", {"label": "human", "value": ""})
        assert gone.json["value"] == ""
        assert (await ada.ask("POST", "memory/undo")).json == {"brought_back": True}
        blocks = {block["label"]: block for block in (await ada.get("memory/core"))["blocks"]}
        assert blocks["human"]["value"] == "Lives in Bremen"


async def test_a_note_is_kept_found_corrected_forgotten_and_brought_back_while_it_can_be(
    tmp_path: Path,
) -> None:
    clock = FakeClock()
    async with door(tmp_path, clock=clock) as here:
        await here.house.say("ada", "Hello")
        ada = await here.program("ada")
        kept = await ada.ask("POST", "memory/notes", {"text": "Plays the violin", "tags": ["Music"]})
        assert kept.status == 201
        note = kept.json
        assert note["tags"] == ["music"]
        assert note["until"] is None
        assert (await ada.get(f"memory/notes/{note['id']}")) == note
        found = await ada.get("memory/search", q="violin")
        assert [(n["id"], n["kind"]) for n in found["notes"]] == [(note["id"], "note")]
        assert (await ada.get("memory/search", q="violin", tags="work"))["notes"] == []

        changed = await ada.ask("PATCH", f"memory/notes/{note['id']}", {"text": "Plays the viola"})
        assert changed.json["text"] == "Plays the viola"
        gone = await ada.ask("DELETE", f"memory/notes/{note['id']}")
        assert gone.status == 200
        assert (await ada.ask("GET", f"memory/notes/{note['id']}")).status == 404
        assert (await ada.ask("DELETE", f"memory/notes/{note['id']}")).status == 404
        assert (await ada.get("memory/search", q="viola"))["notes"] == []
        assert (await ada.ask("POST", "memory/undo")).status == 200
        assert (await ada.get(f"memory/notes/{note['id']}"))["text"] == "Plays the viola"

        await ada.ask("DELETE", f"memory/notes/{note['id']}")
        clock.advance(KEPT.total_seconds() + 1)
        assert (await ada.ask("POST", "memory/undo")).status == 404


async def test_what_was_said_is_listed_found_and_forgotten_and_it_is_told_how_a_thing_is_known(
    tmp_path: Path,
) -> None:
    async with door(tmp_path) as here:
        await here.house.say("ada", "note Has a boat called Petrel")
        await here.house.say("ada", "My dentist is in Altona")
        ada = await here.program("ada")
        [note] = (await ada.get("memory/notes"))["notes"]
        [source] = (await ada.get(f"memory/why/{note['id']}"))["sources"]
        assert source["sure"]
        assert [m["text"] for m in source["messages"]] == ["note Has a boat called Petrel"]
        assert (await ada.ask("GET", "memory/why/human")).status == 404, "nothing is known of her by heart"

        found = await ada.get("memory/search", q="dentist", of="messages")
        assert found["notes"] == []
        dentist = found["messages"][0]
        assert dentist["text"] == "My dentist is in Altona"
        assert (await ada.get(f"memory/messages/{dentist['id']}"))["text"] == dentist["text"]
        assert (await ada.ask("DELETE", f"memory/messages/{dentist['id']}")).status == 200
        assert (await ada.ask("GET", f"memory/messages/{dentist['id']}")).status == 404
        listed = [m["id"] for m in (await ada.get("memory/messages"))["messages"]]
        assert dentist["id"] not in listed
        assert (await ada.ask("POST", "memory/undo")).status == 200
        assert (await ada.get(f"memory/messages/{dentist['id']}"))["text"] == dentist["text"]


async def test_what_held_on_a_day_is_found_with_when_it_held(tmp_path: Path) -> None:
    clock = FakeClock()
    async with door(tmp_path, clock=clock) as here:
        await here.house.say("ada", "Hello")
        ada = await here.program("ada")
        who = await here.house.app.identities.of(here.house.message("ada", ""))
        old = (await ada.ask("POST", "memory/notes", {"text": "Lives in Hamburg"})).json
        first = clock.now().date()
        clock.advance(3 * 86_400)
        new = (await ada.ask("POST", "memory/notes", {"text": "Lives in Bremen"})).json
        async with here.house.app.memory.store.write() as session:
            [row] = await session.passages.page(who.agent.archive_id, None, limit=1, offset=1)
            await session.passages.close([row.key], clock.now(), new["id"])
        [held] = (await ada.get("memory/search", q="where do I live", as_of=str(first)))["notes"]
        assert (held["id"], held["replaced_by"]) == (old["id"], new["id"])
        assert held["until"] is not None
        [now] = (await ada.get("memory/search", q="where do I live", of="notes"))["notes"]
        assert (now["id"], now["held_before"]) == (new["id"], "Lives in Hamburg")


async def test_lists_go_on_where_they_stopped_whatever_comes_between(tmp_path: Path) -> None:
    async with door(tmp_path) as here:
        await here.house.say("ada", "One")
        await here.house.say("ada", "Two")
        ada = await here.program("ada")
        for n in range(5):
            await ada.ask("POST", "memory/notes", {"text": f"Fact number {n}"})
        seen, cursor = list[str](), ""
        while cursor is not None:
            page = await ada.get("memory/notes", limit=2, **({"cursor": cursor} if cursor else {}))
            seen += [note["text"] for note in page["notes"]]
            cursor = page["next"]
            await ada.ask("POST", "memory/notes", {"text": f"Something new {len(seen)}"})
        assert seen == [f"Fact number {n}" for n in range(4, -1, -1)]

        whole = [m["id"] for m in (await ada.get("memory/messages"))["messages"]]
        assert len(whole) == 4
        parts, cursor = list[int](), ""
        while cursor is not None:
            page = await ada.get("memory/messages", limit=1, **({"cursor": cursor} if cursor else {}))
            parts += [message["id"] for message in page["messages"]]
            cursor = page["next"]
        assert parts == whole


async def test_a_programs_secrets_are_kept_no_more_than_those_of_the_chat(tmp_path: Path) -> None:
    secret = "sk-proj-" + "Ab3dEf6hIj9kLm2nOp5qRs8tUv1wXy4z"
    async with door(tmp_path) as here:
        await here.house.say("ada", "Hello")
        ada = await here.program("ada")
        kept = (await ada.ask("POST", "memory/notes", {"text": f"The key is {secret}"})).json
        assert secret not in kept["text"]
        change = {"label": "human", "value": f"Her key is {secret}"}
        assert secret not in (await ada.ask("PATCH", "memory/core", change)).json["value"]
        changed = await ada.ask("PATCH", f"memory/notes/{kept['id']}", {"text": f"It is {secret}"})
        assert secret not in changed.json["text"]
        assert secret not in str(here.house.rows("SELECT * FROM passages, block_history"))


async def test_what_is_refused_in_the_chat_is_refused_to_a_program_and_nothing_is_kept(
    tmp_path: Path,
) -> None:
    async with door(tmp_path, safety={"words": ["zorblax"]}) as here:
        await here.house.say("ada", "Hello")
        ada = await here.program("ada")
        note = (await ada.ask("POST", "memory/notes", {"text": "Tea"})).json
        for method, path, body in (
            ("POST", "memory/notes", {"text": "all of Zorblax"}),
            ("PATCH", f"memory/notes/{note['id']}", {"text": "all of Zorblax"}),
            ("PATCH", "memory/core", {"label": "human", "value": "all of Zorblax"}),
        ):
            answer = await ada.ask(method, path, body, headers={"Idempotency-Key": "one"})
            assert answer.status == 422
            assert answer.json["detail"].startswith("I may not talk about that here")
        assert "orblax" not in str(here.house.rows("SELECT * FROM passages, blocks"))
        assert (
            await ada.ask("POST", "memory/notes", {"text": "Milk"}, headers={"Idempotency-Key": "one"})
        ).status == 201


async def test_two_people_never_see_each_others_by_forged_ids_cursors_and_keys(tmp_path: Path) -> None:
    async with door(tmp_path) as here:
        await here.house.say("ada", "note Secret of Ada: the safe is behind the clock")
        await here.house.say("ada", "My secret is Rosebud")
        await here.house.say("bob", "Hello")
        ada, bob = await here.program("ada"), await here.program("bob")
        for n in range(3):
            await ada.ask("POST", "memory/notes", {"text": f"Secret {n}"})
        page = await ada.get("memory/notes", limit=1)
        note, said = page["notes"][0]["id"], (await ada.get("memory/messages", limit=1))
        forged = [
            ("GET", f"memory/notes/{note}", None),
            ("GET", f"memory/notes/{note[:8]}", None),
            ("PATCH", f"memory/notes/{note}", {"text": "Mine"}),
            ("DELETE", f"memory/notes/{note}", None),
            ("GET", f"memory/notes?limit=1&cursor={page['next']}", None),
            ("GET", f"memory/messages?limit=1&cursor={said['next']}", None),
            ("GET", f"memory/messages/{2**40}", None),
            ("GET", f"memory/messages/{1 << 32 | 1}", None),
            ("DELETE", f"memory/messages/{1 << 33}", None),
            ("GET", "memory/core?persona=nobody", None),
            ("POST", "memory/undo", None),
        ]  # fmt: skip
        for method, path, body in forged:
            answer = await bob.ask(method, path, body)
            assert answer.status == 404, path
            assert b"ecret" not in answer.data
        for path in (
            "memory/core",
            "memory/notes",
            "memory/messages",
            "memory/search?q=secret",
            "memory/export",
        ):
            answer = await bob.ask("GET", path)
            assert answer.status == 200
            assert b"osebud" not in _inside(answer.data)
            assert b"ecret of Ada" not in _inside(answer.data)
        # A message's number is one among one's own: the same number is another message.
        first = said["messages"][0]["id"]
        his = await bob.ask("GET", f"memory/messages/{first}")
        assert b"osebud" not in his.data
        texts = {note["text"] for note in (await ada.get("memory/notes"))["notes"]}
        assert {"Secret 0", "Secret 1", "Secret 2"} < texts

        for key in ("", "wrong", ada.key[:-1], f"{ada.key}x"):
            refused = await Program(here.client, key).ask("GET", "memory/core")
            assert refused.status == 401
            assert refused.headers["WWW-Authenticate"] == "Bearer"
        await command(here.house, "ada", "connect program off")
        assert (await ada.ask("GET", "memory/core")).status == 401


def _inside(data: bytes) -> bytes:
    """Of a zip, what is in it."""
    if not data.startswith(b"PK"):
        return data
    with zipfile.ZipFile(io.BytesIO(data)) as packed:
        return b"".join(packed.read(name) for name in packed.namelist())


async def test_in_private_what_was_said_elsewhere_is_seen_and_an_export_holds_all_of_it(
    tmp_path: Path,
) -> None:
    async with door(tmp_path) as here:
        await here.house.say("ada", "Hello")
        await here.house.say("ada", "note Ada has bees", audience=CLUB, place="club")
        ada = await here.program("ada")
        [note] = (await ada.get("memory/notes"))["notes"]
        assert note["audience"] == CLUB
        taken = await ada.ask("GET", "memory/export")
        assert taken.headers["Content-Type"] == "application/zip"
        assert b"Ada has bees" in _inside(taken.data)


async def test_a_write_under_a_key_is_carried_out_once_also_after_a_restart(tmp_path: Path) -> None:
    once = {"headers": {"Idempotency-Key": "order-1"}}
    body = {"text": "Has a boat"}
    async with door(tmp_path) as here:
        await here.house.say("ada", "Hello")
        ada = await here.program("ada")
        first = await ada.ask("POST", "memory/notes", body, **once)
        again = await ada.ask("POST", "memory/notes", body, **once)
        assert (first.status, first.json) == (again.status, again.json)
        other = await ada.ask("POST", "memory/notes", {"text": "Another"}, **once)
        assert other.status == 409
        bad = await ada.ask("POST", "memory/notes", body, headers={"Idempotency-Key": "x" * 300})
        assert bad.status == 422
        async with asyncio.TaskGroup() as group:
            twice = {"headers": {"Idempotency-Key": "order-2"}}
            path = f"memory/notes/{first.json['id']}"
            asked = [group.create_task(ada.ask("DELETE", path, **twice)) for _ in range(2)]
        assert {task.result().status for task in asked} <= {200, 409}
        key = ada.key
    async with door(tmp_path) as here:
        ada = Program(here.client, key)
        gone = await ada.ask("POST", "memory/notes", body, **once)
        assert gone.status == 410, "it was kept, and forgotten since: it is not kept anew"
        assert (await ada.ask("DELETE", path, **twice)).status == 200
        assert (await ada.get("memory/notes"))["notes"] == []
        undo = {"headers": {"Idempotency-Key": "order-3"}}
        assert (await ada.ask("POST", "memory/undo", **undo)).status == 200
        assert (await ada.ask("POST", "memory/undo", **undo)).status == 200
        [note] = (await ada.get("memory/notes"))["notes"]
        assert note == first.json
        stored = str(here.house.rows("SELECT * FROM web_writes"))
        assert "order" not in stored
        assert "boat" not in stored


async def test_what_nobody_can_judge_is_not_kept_and_may_be_sent_again(tmp_path: Path) -> None:
    async with OpenAIMedia() as server:
        moderation = {"base_url": server.url, "api_key": "sk-media", "when_down": "refuse"}
        clock = FakeClock()
        async with door(tmp_path, clock=clock, safety={"moderation": moderation}) as here:
            await here.house.say("ada", "Hello")
            ada = await here.program("ada")
            server.status = 401
            once = {"headers": {"Idempotency-Key": "order-1"}}
            down = await ada.ask("POST", "memory/notes", {"text": "Has a boat"}, **once)
            assert (down.status, down.headers["Retry-After"]) == (503, "60")
            assert (await ada.get("memory/notes"))["notes"] == []
            server.status, server.flags = 200, {"sinister": "violence"}
            clock.advance(61)
            kept = await ada.ask("POST", "memory/notes", {"text": "Has a boat"}, **once)
            assert kept.status == 201
            refused = await ada.ask("POST", "memory/notes", {"text": "A sinister plan"})
            assert refused.status == 422


async def test_what_was_changed_while_it_was_looked_at_is_not_overwritten(tmp_path: Path) -> None:
    async with door(tmp_path) as here:
        await here.house.say("ada", "mind Lives in Hamburg")
        who = await here.house.app.identities.of(here.house.message("ada", ""))
        corrections = here.house.app.corrections
        block = (await corrections.own_blocks(who, "private"))["human"]
        await here.house.say("ada", "mind Has a dog")
        for text in ("Lives in Hamburg, by the Elbe", ""):
            with pytest.raises(Changed):
                await corrections.set_block(who, "private", block, text)
        now = (await corrections.own_blocks(who, "private"))["human"]
        assert now.value == "Lives in Hamburg\nHas a dog"


JSON = {"headers": {"Content-Type": "application/json"}}
BAD: list[tuple[str, str, dict[str, Any], int]] = [
    ("POST", "memory/notes", {"json": {}}, 422),
    ("POST", "memory/notes", {"json": {"text": "  "}}, 422),
    ("POST", "memory/notes", {"json": {"text": "x", "more": 1}}, 422),
    ("POST", "memory/notes", {"json": {"text": 7}}, 422),
    ("POST", "memory/notes", {"json": {"text": "x" * 3_001}}, 422),
    ("POST", "memory/notes", {"json": []}, 422),
    ("POST", "memory/notes", {"data": b"{", **JSON}, 422),
    ("POST", "memory/notes", {"data": b'{"text": "\\ud800"}', **JSON}, 422),
    ("POST", "memory/notes", {"data": b"text=x"}, 415),
    ("PATCH", "memory/core", {"data": io.BytesIO(b" " * (4 * 2**20 + 1)), **JSON}, 413),
    ("GET", "memory/notes?limit=0", {}, 422),
    ("GET", "memory/notes?limit=ten", {}, 422),
    ("GET", "memory/notes?nothing=1", {}, 422),
    ("GET", "memory/notes?limit=1&limit=2", {}, 422),
    ("GET", "memory/notes?cursor=forged", {}, 404),
    ("GET", "memory/messages?since=yesterday", {}, 422),
    ("GET", "memory/search", {}, 422),
    ("GET", "memory/search?q=x&as_of=0001-01-01", {}, 200),
    ("GET", "memory/messages?since=0001-01-01&until=9999-12-31", {}, 200),
    ("GET", "memory/nothing", {}, 404),
    ("PUT", "memory/notes", {"json": {}}, 405),
]


async def test_what_no_request_may_be_is_refused_as_a_problem(tmp_path: Path) -> None:
    async with door(tmp_path) as here:
        await here.house.say("ada", "Hello")
        ada = await here.program("ada")
        for method, path, given, status in BAD:
            answer = await ada.ask(method, path, **given)
            assert answer.status == status, (method, path)
        assert here.house.rows("SELECT count(*) FROM passages") == [(0,)]


async def test_who_is_blocked_or_too_fast_is_told_so_and_when_to_come_back(tmp_path: Path) -> None:
    denied = {"denied": ["parlour:eve"]}
    async with door(tmp_path, limits={"commands_per_minute": 3}, access=denied) as here:
        await here.house.say("ada", "Hello")
        ada = await here.program("ada")  # a command, too
        statuses = [(await ada.ask("POST", "memory/notes", {"text": f"Fact {n}"})).status for n in range(3)]
        assert statuses == [201, 201, 429]
        refused = await ada.ask("GET", "memory/export")
        assert (refused.status, refused.headers["Retry-After"]) == (429, "60")
        assert len((await ada.get("memory/notes"))["notes"]) == 2, "reading is not counted"
        here.house.execute("UPDATE accounts SET account = 'parlour:eve'")
        here.house.execute("UPDATE web_keys SET account = 'parlour:eve'")
        assert (await ada.ask("GET", "memory/notes")).status == 403
        assert (await ada.ask("POST", "memory/notes", {"text": "x"})).status == 403


async def test_without_a_door_for_programs_there_is_none(tmp_path: Path) -> None:
    async with door(tmp_path, web={"programs": False}) as here:
        await here.house.say("ada", "Hello")
        for path in ("memory/core", "openapi.json"):
            assert (await Program(here.client, "x").ask("GET", path)).status == 404


async def test_the_description_names_every_answer(tmp_path: Path) -> None:
    async with door(tmp_path) as here:
        async with here.client.get("/v1/openapi.json") as answer:
            told = await answer.json()
        assert told["openapi"] == "3.1.0"
        routes = {
            (route.method, route.resource.canonical)
            for route in here.client.server.app.router.routes()  # type: ignore[union-attr,attr-defined]
            if route.resource and route.resource.canonical.startswith("/v1/memory") and route.method != "HEAD"
        }
        described = {(method.upper(), path) for path, each in told["paths"].items() for method in each}
        assert described == routes
        for each in told["paths"].values():
            for operation in each.values():
                assert {"401", "403", "404", "422", "429", "503"} < set(operation["responses"])
