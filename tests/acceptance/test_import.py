"""A memory comes from a file that anybody may have made: it is taken whole or not at all, and bricks nobody."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from bot import bundle
from bot.bundle import Tables
from bot.errors import AgentExists, BundleError
from bot.ownership.export import FORMAT
from memory.records import PRIVATE
from memory.store.tables import metadata
from tests.acceptance.test_export import agent_of, diligent, live, taken, without_header
from tests.acceptance.test_forgetting import command
from tests.fakes.parlour import House, Stage, opened, parrot, whole

SMALL = {"context_window": 8_192, "reply_reserve": 512}


async def tables_of(house: House) -> Tables:
    """Of somebody who has talked a little."""
    await live(house)
    return await house.app.export.tables(await agent_of(house), PRIVATE)


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The tables of a life, as JSON."""

    async def tell() -> Tables:
        async with opened(tmp_path_factory.mktemp("lived"), diligent) as house:
            return await tables_of(house)

    return json.dumps(asyncio.run(tell()))


def packed(tables: Tables) -> list[bytes]:
    return bundle.pack({"format": FORMAT, "id": "x"}, tables, {}, 8_000_000)


def everything(house: House) -> list[Any]:
    """How much is in each table."""
    return [(name, house.rows(f"SELECT count(*) FROM {name}")) for name in sorted(metadata.tables)]  # noqa: S608


async def test_a_row_that_is_wrong_at_the_end_leaves_nothing_behind(tmp_path: Path, lived: str) -> None:
    async with opened(tmp_path, parrot) as house:
        before = everything(house)
        for table in ("blocks", "messages", "passages", "schedules"):
            tables = json.loads(lived)
            last = len(tables[table])
            tables[table][-1]["audience" if table != "schedules" else "about"] = 7
            with pytest.raises(BundleError, match=f"^{table}.jsonl, line {last}: "):
                await house.app.restore.of(packed(tables), None)
        assert everything(house) == before


def accounts(lived: str, *names: str) -> list[bytes]:
    tables = json.loads(lived)
    tables["agent"][0]["accounts"] = [f"parlour:{name}" for name in names]
    return packed(tables)


async def test_linked_accounts_come_back_linked(tmp_path: Path, lived: str) -> None:
    parts = accounts(lived, "ada", "countess")
    async with opened(tmp_path, parrot) as house:
        agent = await house.app.restore.of(parts, None)
        assert without_header(await taken(house)) == without_header(parts)
        assert (await agent_of(house)).id == (await agent_of(house, "countess")).id == agent.id
        with pytest.raises(AgentExists, match="everbot forget"):
            await house.app.restore.of(parts, None)


@pytest.mark.parametrize("here", [["countess"], ["ada", "countess"]], ids=["one is here", "both are here"])
async def test_a_file_makes_nobody_who_is_here_another_person(
    tmp_path: Path, lived: str, here: Sequence[str]
) -> None:
    parts = accounts(lived, "ada", "countess")
    async with opened(tmp_path, parrot) as house:
        for name in here:
            await house.say(name, f"I am {name}, and nobody else")
        await house.app.restore.of(accounts(lived, "bob"), None)
        before = everything(house)
        with pytest.raises(AgentExists, match=r"parlour:(ada|countess) is known here.*/link.*--user"):
            await house.app.restore.of(parts, None)
        assert everything(house) == before


async def test_the_operator_may_name_the_one_account_that_gets_it(tmp_path: Path, lived: str) -> None:
    async with opened(tmp_path, parrot) as house:
        await house.say("countess", "I am somebody else")
        agent = await house.app.restore.of(accounts(lived, "ada", "countess"), "parlour:ada")
        assert (await agent_of(house)).id == agent.id != (await agent_of(house, "countess")).id


async def test_who_are_one_person_here_get_it_together(tmp_path: Path, lived: str) -> None:
    parts = accounts(lived, "ada", "countess")
    async with opened(tmp_path, parrot) as house:
        await house.app.restore.of(parts, None)
        await command(house, "ada", "forget yes")
        await house.app.restore.of(parts, None)
        assert (await agent_of(house)).id == (await agent_of(house, "countess")).id


# What was damaged elsewhere


async def test_what_is_unpaired_in_a_database_leaves_the_view_and_not_the_export(tmp_path: Path) -> None:
    async with opened(tmp_path / "one", diligent) as house:
        await live(house)
        lost = house.rows("SELECT key FROM messages WHERE role = 'tool' AND queued ORDER BY key")[1][0]
        house.execute("DELETE FROM messages WHERE key = ?", lost)
        house.execute(
            'UPDATE messages SET rendered = \'{"role": "user"}\' WHERE key = (SELECT min(key) FROM messages)'
        )
        parts = await taken(house)
    async with opened(tmp_path / "two", diligent) as house:
        await house.app.restore.of(parts, None)
        assert without_header(await taken(house)) == without_header(parts)
        assert [reply.text for reply in await house.say("ada", "Still there?")] == ["You said: Still there?"]


# What does not fit


def many_blocks(tables: Tables) -> None:
    [human, *_] = tables["blocks"]
    places = [f"place:discord:1#{n}" for n in range(300)]
    value = "They look at a ticket. " * 40
    tables["blocks"] = [{**human, "audience": place, "value": value, "history": []} for place in places]


def long_blocks(tables: Tables) -> None:
    [human, *_] = tables["blocks"]
    more = {"value": "word " * 10_000, "limit": 1_000_000, "description": "word " * 400, "history": []}
    tables["blocks"] = [{**human, **more, "label": f"b{n}"} for n in range(80)]


def long_summary(tables: Tables) -> None:
    fields = {"type": "summary", "message": "They talked. " * 9_000, "note": "note " * 9_000}
    told = {"role": "user", "content": json.dumps(fields)}
    summary = {"text": fields["message"], "rendered": json.dumps(told), "tokens": 0, "messages": 9}
    moment = {"since": "2026-11-01T09:00:00+00:00", "at": "2026-11-02T09:00:00+00:00"}
    tables["conversations"][0]["summary"] = {**summary, **moment}


def long_messages(tables: Tables) -> None:
    row = next(m for m in tables["messages"] if m["role"] == "user" and m["rendered"])
    told = {"role": "user", "content": json.dumps({"type": "message", "message": "tea and cake " * 2_000})}
    tables["messages"] += [{**row, "event": None, "rendered": json.dumps(told)} for _ in range(40)]


def long_call(tables: Tables) -> None:
    row = next(m for m in tables["messages"] if m["role"] == "assistant" and m["rendered"])
    made = json.dumps({"message": "tea and cake " * 9_000})
    function = {"name": "send_message", "arguments": made}
    said = {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": "c", "type": "function", "function": function}],
    }
    found = {"role": "tool", "tool_call_id": "c", "content": "tea and cake " * 9_000}
    tables["messages"] += [
        {**row, "rendered": json.dumps(said)},
        {**row, "role": "tool", "author": "send_message", "text": "", "rendered": json.dumps(found)},
    ]


HEAVY: dict[str, Callable[[Tables], None]] = {
    "300 blocks of other places": many_blocks,
    "80 blocks of 50,000 characters": long_blocks,
    "a summary": long_summary,
    "messages": long_messages,
    "a call and its result": long_call,
}


@pytest.mark.parametrize("what", HEAVY)
async def test_what_does_not_fit_the_window_is_cut_and_the_conversation_goes_on(
    tmp_path: Path, lived: str, what: str
) -> None:
    tables = json.loads(lived)
    HEAVY[what](tables)
    stage = Stage(parrot)
    async with opened(tmp_path, stage, model=SMALL) as house:
        await house.app.restore.of(packed(tables), None)
        for number in range(2):
            question = f"{number}: what is new? " + "I ask because I have been away for a while. " * 10
            reply, *_ = await house.say("ada", question)
            assert reply.text.startswith(f"You said: {number}: what is new?")
            assert any(question in whole(request) for request in stage.requests)
        shown = whole(stage.requests[-1])
        assert max(house.tokens(*stage.requests)) <= SMALL["context_window"]
    assert "clipped" in shown or "not shown" in shown or "summary" in shown
    assert stage.problems == []
