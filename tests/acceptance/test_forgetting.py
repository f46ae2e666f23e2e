"""Forgetting is whole: not a byte is left, of whatever shape, wherever it was copied to."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

from adapters.text import plain
from bot.events import Command, MessageDeleted, Quote, View
from bot.ports import ModelReply, ModelRequest
from memory.records import community_audience
from tests.fakes.clock import FakeClock
from tests.fakes.parlour import House, opened, whole
from tests.fakes.scripted_model import call, calls, say
from tests.fakes.town import heard

CANARIES = (
    "Vexquillonbrand",  # a word
    "kz.wombatello@example.org",
    "8842-1190-7731-0065",
    "Þjóðverjaströnd-Ærgløp",  # what JSON would escape
    "鸚鵡螺號潛水艇",
)
HERE = community_audience("parlour:guild")
LEAST = 6  # characters of a canary that count as found


def traces(canary: str) -> set[bytes]:
    """What of a canary must not be found: it, its halves, its ends; plain, in lower case, escaped as JSON."""
    parts = {canary, canary[:LEAST], canary[-LEAST:], canary[: len(canary) // 2 + 1]}
    shapes = {shape for part in parts for shape in (part, part.lower(), part.casefold())}
    escaped = {json.dumps(shape)[1:-1] for shape in shapes}
    return {shape.encode() for shape in shapes | escaped}


def found(folder: Path, canaries: Iterable[str] = CANARIES) -> dict[str, list[str]]:
    """Which files hold traces of which canaries."""
    result: dict[str, list[str]] = {}
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        data = file.read_bytes()
        for canary in canaries:
            if any(trace in data for trace in traces(canary)):
                result.setdefault(file.name, []).append(canary)
    return result


def scribe(request: ModelRequest) -> ModelReply:
    """Writes everything down, everywhere."""
    event = heard(request)
    if event["type"] == "summarize":
        return ModelReply(text=f"They said: {whole(request)[-2_000:]}")
    text = str(event.get("message", ""))
    if event["type"] != "message" or request.messages[-1]["role"] == "tool" or "quietly" in text:
        return say(f"Noted: {text[:300]}")
    return calls(
        ("core_memory_append", {"label": "human", "content": text[:300]}),
        ("archival_memory_insert", {"content": f"They said {text[:300]}"}),
        ("conversation_search", {"query": text[:60], "page": 0, "request_heartbeat": True}),
    )


async def command(house: House, user: str, line: str, **where: str) -> View:
    name, _, argument = line.partition(" ")
    facts = {k: v for k, v in house.who(user, **where).items() if k not in ("key", "at")}
    return await house.app.inbound.invoke(Command(**facts, command=name, argument=argument))


async def plant(house: House, user: str = "ada") -> None:
    for canary in CANARIES:
        await house.say(user, f"My secret is {canary}, remember it")


async def test_forgetting_everything_leaves_no_byte(tmp_path: Path) -> None:
    async with opened(tmp_path, scribe) as house:
        await house.say("bob", "I am Bob and stay.")
        await plant(house)
        await command(house, "ada", "heartbeat now")
        await house.app.inbound.settled()
        assert set(found(tmp_path)) >= {"everbot.db-wal"}
        answer = await command(house, "ada", "forget yes")
        assert answer.text.startswith("Forgotten: ")
        assert found(tmp_path) == {}, "while it runs"
        assert await house.say("bob", "Still quietly here?") != []
    assert found(tmp_path) == {}


async def test_forgetting_twice_and_forgetting_a_stranger(tmp_path: Path) -> None:
    async with opened(tmp_path, scribe) as house:
        assert (await command(house, "eve", "forget yes")).kind == "notice"
        await plant(house)
        for _ in range(2):
            assert (await command(house, "ada", "forget yes")).kind == "notice"
        assert found(tmp_path) == {}
        assert house.rows("SELECT count(*) FROM messages") == [(0,)]


async def test_forgetting_in_the_middle_of_a_turn(tmp_path: Path) -> None:
    asked, never = asyncio.Event(), asyncio.Event()

    async def slow(request: ModelRequest) -> ModelReply:
        if "the last one" in str(heard(request).get("message", "")):
            asked.set()
            await never.wait()
        return scribe(request)

    async with opened(tmp_path, slow) as house:
        await plant(house)
        await house.app.inbound.submit(house.message("ada", f"This is the last one, {CANARIES[0]}"))
        await asked.wait()
        await command(house, "ada", "forget yes")
        assert found(tmp_path) == {}
        assert await house.app.inbound.settled()
        assert [reply.text for reply in await house.say("ada", "Who am I, quietly?")] == [
            "Noted: ",
            "Noted: Who am I, quietly?",
        ][-1:]


async def test_forgetting_during_a_reflection(tmp_path: Path) -> None:
    asked, never = asyncio.Event(), asyncio.Event()

    async def slow(request: ModelRequest) -> ModelReply:
        if heard(request)["type"] == "heartbeat":
            asked.set()
            await never.wait()
        return scribe(request)

    async with opened(tmp_path, slow) as house:
        await plant(house)
        await command(house, "ada", "heartbeat now")
        await asked.wait()
        await command(house, "ada", "forget yes")
        assert found(tmp_path) == {}
        assert await house.app.inbound.settled()


async def test_a_person_quoted_beside_others_messages_is_forgotten_there(tmp_path: Path) -> None:
    lines = [
        Quote(key="parlour:q1", account="parlour:ada", text=f"ada: {CANARIES[0]}"),
        Quote(key="parlour:q2", account="parlour:cyd", text="cyd: I was here"),
    ]
    reply = Quote(key="parlour:q3", account="parlour:ada", text=CANARIES[3])
    async with opened(tmp_path, scribe) as house:
        await house.say("ada", "Hello, quietly", audience=HERE, place="general")
        asked = house.message(
            "bob",
            "What was that, quietly?",
            audience=HERE,
            place="general",
            context=tuple(lines),
            reply_to=reply,
        )
        await house.tell(asked)
        assert found(tmp_path) != {}
        await command(house, "ada", "forget yes")
        assert found(tmp_path) == {}
        await house.say("bob", "And now, quietly?", audience=HERE, place="general")
        stored = await house.stored(asked)
        assert stored is not None
        assert "cyd: I was here" in stored.rendered
        assert "reply_to" not in stored.rendered


async def test_a_quoted_message_that_is_deleted_leaves_others_views(tmp_path: Path) -> None:
    line = Quote(key="parlour:q1", account="parlour:zed", text=f"zed: {CANARIES[0]}")
    async with opened(tmp_path, scribe) as house:
        asked = house.message("bob", "Heard, quietly?", audience=HERE, place="general", context=(line,))
        await house.tell(asked)
        gone = MessageDeleted(**house.who("zed", HERE, "general"), target="parlour:q1")
        await house.app.inbound.submit(gone)
        await house.app.erasure.tidy(urgent=True)
        assert found(tmp_path) == {}


async def test_one_conversation_is_forgotten_and_the_others_stay(tmp_path: Path) -> None:
    async with opened(tmp_path, scribe) as house:
        await house.say("ada", "I keep bees in the garden")
        for canary in CANARIES:
            await house.say("ada", f"Here I say {canary}", audience=HERE, place="general")
        await house.say("ada", "I said something elsewhere, look it up")  # a private turn finds all of it
        assert any("general" not in name for name in found(tmp_path))
        sure = await command(house, "ada", "forget here", audience=HERE, place="general")
        assert [action.argument for action in sure.actions] == ["here yes"]
        assert found(tmp_path) != {}
        await command(house, "ada", "forget here yes", audience=HERE, place="general")
        assert found(tmp_path) == {}
        assert "bees" in plain(await command(house, "ada", "memory"))
        assert await house.say("ada", "Hello again, quietly", audience=HERE, place="general") != []


async def test_one_passage_is_forgotten_with_what_shows_it(tmp_path: Path) -> None:
    def play(request: ModelRequest) -> ModelReply:
        text = str(heard(request).get("message", ""))
        if request.messages[-1]["role"] == "tool":
            return say("Done.")
        if text == "Note":
            return call(
                "archival_memory_insert", content=f"The code is {CANARIES[0]}", request_heartbeat=True
            )
        return call("archival_memory_search", query="code", page=0, request_heartbeat=True)

    async with opened(tmp_path, play) as house:
        await house.say("ada", "Note")
        await house.say("ada", "Find")
        [(uid,)] = house.rows("SELECT uid FROM passages")
        house.app.memory.indexer.wake()
        # Its own call's arguments stand in the queue until they are evicted: that is the conversation's.
        await command(house, "ada", f"memory drop {uid[:8]} yes")
        rows = house.rows("SELECT rendered FROM messages WHERE author = 'archival_memory_search'")
        assert "forgotten since" in rows[0][0]
        assert house.rows("SELECT count(*) FROM passages") == [(0,)]


async def test_old_messages_expire_with_all_that_shows_them(tmp_path: Path) -> None:
    clock = FakeClock()
    async with opened(tmp_path, scribe, clock=clock, privacy={"keep_messages_days": 30}) as house:
        await plant(house)
        await house.say("ada", "remember my bees")
        clock.advance(timedelta(days=29).total_seconds())
        await house.say("ada", "What did I say of secrets?")
        await house.app.erasure.expire()
        assert house.rows("SELECT count(*) FROM messages WHERE text LIKE '%secret is%'") != [(0,)]
        clock.advance(timedelta(days=3).total_seconds())
        await house.app.erasure.expire()
        await house.app.erasure.tidy(urgent=True)
        assert house.rows("SELECT count(*) FROM messages WHERE text LIKE '%secret is%'") == [(0,)]
        shown = house.rows("SELECT rendered FROM messages")
        assert not any(canary in row[0] for row in shown for canary in CANARIES)
        assert [reply.text for reply in await house.say("ada", "Still there, quietly?")] == [
            "Noted: Still there, quietly?"
        ]
        # What was noted of it is memory, not a message.
        assert CANARIES[0] in plain(await command(house, "ada", "memory"))


async def test_a_forgetting_that_was_killed_is_whole_after_the_next_start(tmp_path: Path) -> None:
    async with opened(tmp_path, scribe) as house:
        await plant(house)
        (tmp_path / "saves").mkdir()
        agent = house.rows("SELECT id FROM agents")[0][0]
        (tmp_path / "saves" / f"agent-{agent}-old.json").write_text(CANARIES[0])
        identity = await house.app.identities.of(house.message("ada", ""))
        await house.app.erasure._agents(
            [identity.agent], ["parlour:ada"], identity.user
        )  # and no further: killed here
        assert found(tmp_path) != {}
    async with opened(tmp_path, scribe) as house:
        await house.app.erasure.tidy(urgent=True)
        assert found(tmp_path) == {}
        assert house.rows("SELECT count(*) FROM chores") == [(0,)]
