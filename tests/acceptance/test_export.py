"""A memory is taken out of one installation and put back in another: it is the same."""

from __future__ import annotations

import asyncio
import io
import json
import random
import zipfile
from pathlib import Path
from typing import Any

import pytest

from bot import bundle
from bot.errors import AgentExists, BundleError
from bot.events import Quote
from bot.ownership.export import FORMAT
from bot.ports import ModelReply, ModelRequest
from memory.records import PRIVATE, Agent, community_audience
from tests.acceptance.test_forgetting import command
from tests.fakes.embedder import WordsEmbedder
from tests.fakes.parlour import House, opened, parrot
from tests.fakes.scripted_model import calls, say
from tests.fakes.town import heard

HERE = community_audience("parlour:guild")
WORDS = "harbour lantern bicycle orchard violin glacier pepper saddle copper meadow thunder velvet".split()


def diligent(request: ModelRequest) -> ModelReply:
    """Keeps notes, reminders and summaries."""
    event = heard(request)
    if event["type"] == "summarize":
        return ModelReply(text="They talked of many things.")
    text = str(event.get("message", ""))
    if request.messages[-1]["role"] == "tool" or event["type"] != "message":
        return say(f"You said: {text[:100]}")
    return calls(
        ("core_memory_append", {"label": "human", "content": text[:60]}),
        ("archival_memory_insert", {"content": f"They said: {text}", "tags": [text.split()[0].lower()]}),
        ("schedule_message", {"when": "2026-12-24T18:00", "about": text[:40], "request_heartbeat": True}),
    )


async def live(house: House) -> None:
    """Some weeks of a life."""
    chance = random.Random(4)
    for number in range(12):
        words = " ".join(chance.choices(WORDS, k=6))
        await house.say("ada", f"Number {number}: {words}")
    lines = (Quote(key="parlour:q", account="parlour:bob", text="bob: BOBS-SECRET"),)
    said = house.message(
        "ada", "General talk", audience=HERE, place="general", context=lines, reply_to=lines[0]
    )
    await house.tell(said)
    await command(house, "ada", "heartbeat every 6h")
    await house.say("bob", "BOBS-OWN words about a harbour")


async def agent_of(house: House, user: str = "ada") -> Agent:
    return (await house.app.identities.of(house.message(user, ""))).agent


async def taken(house: House, audience: str = PRIVATE) -> list[bytes]:
    agent = await agent_of(house)
    return [file.data for file in await house.app.export.files(agent, audience)]


def without_header(parts: list[bytes]) -> str:
    return bundle.canonical(bundle.unpack(parts, FORMAT)[1])


async def hits(house: House, query: str) -> tuple[list[str], list[str]]:
    agent = await agent_of(house)
    recall = await house.app.memory.recall.search(agent.id, query, PRIVATE, page_size=10)
    archival = await house.app.memory.archival.search(agent, query, PRIVATE, page_size=10)
    return [hit.row.text for hit in recall.hits], [hit.row.text for hit in archival.hits]


@pytest.mark.parametrize("embedder", [None, WordsEmbedder()], ids=["words", "vectors"])
async def test_what_was_taken_out_and_put_back_is_the_same(
    tmp_path: Path, embedder: WordsEmbedder | None
) -> None:
    async with opened(tmp_path / "one", diligent, embedder=embedder) as house:
        await live(house)
        parts = await taken(house)
        await house.app.memory.indexer.drain()
        found = [await hits(house, word) for word in WORDS]
    async with opened(tmp_path / "two", diligent, embedder=embedder) as house:
        agent = await house.app.restore.of(parts, None)
        assert without_header(await taken(house)) == without_header(parts)
        await house.app.memory.indexer.drain()
        assert [await hits(house, word) for word in WORDS] == found
        assert agent.id == (await agent_of(house)).id
        assert [reply.text for reply in await house.say("ada", "Hello again")] == ["You said: Hello again"]
        assert (
            "every 6 hours" in (await command(house, "ada", "heartbeat status")).text
            or "6 hours" in (await command(house, "ada", "heartbeat status")).text
        )
        assert "2026-12-24" in (await command(house, "ada", "scheduled")).text
    assert json.loads(without_header(parts))["passages"]


async def test_an_export_holds_nobody_elses_words_and_no_secret(tmp_path: Path) -> None:
    key = "sk-NEVER-SEEN"
    async with opened(tmp_path, diligent, model={"api_key": key}) as house:
        await live(house)
        parts = await taken(house)
    for part in parts:
        with zipfile.ZipFile(io.BytesIO(part)) as zipped:
            text = "".join(zipped.read(name).decode() for name in zipped.namelist())
        assert "BOBS" not in text
        assert key not in text
    assert "Number 3" in text
    assert {"README.md", "memory.md", "conversations.md"} <= set(zipped.namelist())


async def test_a_place_takes_only_what_may_be_seen_there(tmp_path: Path) -> None:
    async with opened(tmp_path, diligent) as house:
        await live(house)
        tables = json.loads(without_header(await taken(house, HERE)))
    assert {row["audience"] for name in ("blocks", "messages", "passages") for row in tables[name]} == {HERE}
    assert [m["text"] for m in tables["messages"] if m["author"] == "ada"] == ["General talk"]


async def test_a_large_memory_comes_in_parts_and_all_of_them_are_needed(tmp_path: Path) -> None:
    async with opened(tmp_path / "one", parrot) as house:
        await house.say("ada", "Hello")
        tables = await house.app.export.tables(await agent_of(house), PRIVATE)
    header = {"format": FORMAT, "id": "x"}
    row = {**tables["messages"][0], "event": None}
    tables["messages"] = [{**row, "text": f"{number} " + "lantern " * 40} for number in range(300)]
    parts = bundle.pack(header, tables, {"README.md": "Read me."}, 20_000)
    assert len(parts) > 3
    with pytest.raises(BundleError, match="Parts are missing: 2 of"):
        bundle.unpack([parts[0], *parts[2:]], FORMAT)
    other = bundle.pack({**header, "id": "y"}, tables, {}, 20_000)
    with pytest.raises(BundleError, match="different exports"):
        bundle.unpack([parts[0], *other[1:]], FORMAT)
    async with opened(tmp_path / "two", parrot) as house:
        agent = await house.app.restore.of(parts[::-1], "parlour:eva")
        async with house.app.memory.store.read() as session:
            assert await session.messages.count(agent.id, None) == 300
        assert await house.say("eva", "Who am I?") != []


async def test_nobody_is_overwritten(tmp_path: Path) -> None:
    async with opened(tmp_path, diligent) as house:
        await live(house)
        parts = await taken(house)
        with pytest.raises(AgentExists, match="everbot forget"):
            await house.app.restore.of(parts, None)
        await command(house, "ada", "forget yes")
        await house.app.restore.of(parts, None)
        assert without_header(await taken(house)) == without_header(parts)


async def test_forgetting_while_an_export_runs(tmp_path: Path) -> None:
    async with opened(tmp_path, diligent) as house:
        await live(house)
        exporting = asyncio.create_task(command(house, "ada", "export"))
        await asyncio.sleep(0)
        await command(house, "ada", "forget yes")
        view = await exporting
        whole = json.loads(without_header([file.data for file in view.files]))
        said = [m["text"] for m in whole["messages"] if m["author"] == "ada" and m["text"]]
        assert said[:1] in ([], [f"Number 0: {FIRST}"])
        assert house.rows("SELECT count(*) FROM messages WHERE author = 'ada'") == [(0,)]


FIRST = " ".join(random.Random(4).choices(WORDS, k=6))


def zipped(**files: Any) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as made:
        for name, data in files.items():
            made.writestr(name.replace("_", "."), data)
    return target.getvalue()


HEADER = json.dumps({"format": FORMAT, "part": 1, "parts": 1, "id": "x"})
AGENT = {
    "name": "a",
    "persona": "ever",
    "timezone": "UTC",
    "accounts": ["parlour:a"],
    "sources": [],
    "heartbeat": {},
}


@pytest.mark.parametrize(
    "part",
    [
        b"",
        b"PK\x03\x04 no zip at all",
        zipped(),
        zipped(header_json="{}"),
        zipped(header_json="[1]"),
        zipped(header_json=HEADER.replace('"parts": 1', '"parts": 9999999')),
        zipped(header_json=HEADER),
        zipped(header_json=HEADER, agent_jsonl="not json"),
        zipped(header_json=HEADER, agent_jsonl="[" * 100_000),
        zipped(header_json=HEADER, agent_jsonl="{}"),
        zipped(header_json=HEADER, agent_jsonl=json.dumps(AGENT)),
        zipped(header_json=HEADER, agent_jsonl=json.dumps({**AGENT, "timezone": "Nowhere/Land"})),
        zipped(header_json=HEADER, agent_jsonl=json.dumps(AGENT), messages_jsonl='{"conversation": 7}'),
        zipped(header_json=HEADER, agent_jsonl=json.dumps(AGENT), blocks_jsonl='{"audience": "everyone"}'),
    ],
)
async def test_garbage_is_refused_in_a_sentence_and_changes_nothing(tmp_path: Path, part: bytes) -> None:
    async with opened(tmp_path, parrot) as house:
        before = house.rows("SELECT count(*) FROM users")
        with pytest.raises(BundleError):
            await house.app.restore.of([part], None)
        assert house.rows("SELECT count(*) FROM users") == before


async def test_a_damaged_export_is_refused_or_whole(tmp_path: Path) -> None:
    async with opened(tmp_path, diligent) as house:
        await live(house)
        [part] = await taken(house)
        chance = random.Random(7)
        for _ in range(60):
            data = bytearray(part)
            data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
            try:
                bundle.unpack([bytes(data)], FORMAT)
            except BundleError:
                continue
