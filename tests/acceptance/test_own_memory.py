"""`everbot mcp`: a person's memory for programs of their own, by a token of theirs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bot.errors import EverbotError, Refused
from bot.mcp.own_memory import NotLetIn, OwnMemory, Parts
from bot.mcp.serving import server
from bot.ports import ModelReply, ModelRequest
from bot.safety.masking import Masking
from bot.safety.refusing import Refusing
from bot.safety.writing import Writing
from memory.records import community_audience
from tests.acceptance.test_forgetting import command
from tests.fakes.clock import FakeClock
from tests.fakes.parlour import House, opened
from tests.fakes.scripted_model import calls, say
from tests.fakes.town import heard

HERE = community_audience("parlour:guild")


def keeper(request: ModelRequest) -> ModelReply:
    """Notes what it is told to."""
    told = str(heard(request).get("message", ""))
    if request.messages[-1]["role"] == "tool" or not told.startswith("Note: "):
        return say("Hm.")
    return calls(
        ("archival_memory_insert", {"content": told.removeprefix("Note: ")}),
        ("core_memory_append", {"label": "human", "content": told.removeprefix("Note: ")}),
        ("send_message", {"message": "Noted."}),
    )


async def token_of(house: House, user: str) -> str:
    return (await command(house, user, "connect program")).text.split()[5]


def own(house: House, token: str) -> OwnMemory:
    memory = house.app.memory
    parts = Parts(
        store=memory.store,
        recall=memory.recall,
        archival=memory.archival,
        clock=house.clock,
        writing=Writing(Masking(True), Refusing(("zorblax",), None, house.clock)),
    )
    return OwnMemory(parts, token, "ever")


async def test_a_program_reads_and_writes_its_persons_memory_alone(tmp_path: Path) -> None:
    async with opened(tmp_path, keeper) as house:
        await house.say("ada", "Note: Ada lives in Rome")
        await house.say("ada", "Note: Ada has bees", audience=HERE, place="room")
        await house.say("eve", "Note: Eve lives in Rome")
        adas, eves = own(house, await token_of(house, "ada")), own(house, await token_of(house, "eve"))
        found = "\n".join(await adas.search("who lives in Rome"))
        assert "Ada lives in Rome" in found
        assert "Eve" not in found
        assert "Ada has bees" in "\n".join(await adas.search("bees"))
        assert "Note: Ada lives in Rome" in "\n".join(await adas.why("Ada lives in Rome"))
        await adas.note("Ada plays the cello")
        assert "Already stored" in await adas.note("Ada plays the cello")
        cello = next(line for line in await adas.search("cello") if "cello" in line)
        await adas.correct(cello.split()[0], "Ada plays the viola")
        await adas.correct("Ada lives in Rome", "Ada lives in Oslo")
        assert "Ada lives in Oslo" in await adas.core()
        assert "viola" in "\n".join(await adas.search("which instrument is the viola"))
        assert "viola" not in "\n".join(await eves.search("which instrument is the viola"))
        with pytest.raises(EverbotError):
            await adas.correct("n999", "Nothing")
        assert [text for (text,) in house.rows("SELECT text FROM passages WHERE until IS NOT NULL")] == [
            "Ada plays the cello"
        ]


async def test_what_a_program_writes_is_judged_and_has_no_secrets(tmp_path: Path) -> None:
    async with opened(tmp_path, keeper) as house:
        await house.say("ada", "Note: Ada lives in Rome")
        adas = own(house, await token_of(house, "ada"))
        with pytest.raises(Refused, match="kept nowhere"):
            await adas.note("Ada talks of zorblax")
        with pytest.raises(Refused, match="kept nowhere"):
            await adas.correct("Ada lives in Rome", "Ada lives in Zorblax")
        await adas.note("Ada's password: Hunter2!x")
        await adas.correct("Ada lives in Rome", "Ada's other password: Hunter3!x")
        kept = str(house.rows("SELECT text FROM passages") + house.rows("SELECT value FROM blocks"))
        assert kept.count("[password not kept]") == 2
        assert not any(word in kept for word in ("orblax", "Hunter"))


async def test_a_token_holds_until_it_is_ended_or_old_or_its_person_is_gone(tmp_path: Path) -> None:
    clock = FakeClock()
    async with opened(tmp_path, keeper, clock=clock) as house:
        await house.say("ada", "Hello")
        await house.say("eve", "Hello")
        ended, forgotten = own(house, await token_of(house, "ada")), own(house, await token_of(house, "eve"))
        assert (await ended.check(), await forgotten.check()) == ("ada", "eve")
        assert "a program of yours" in (await command(house, "ada", "connect")).text
        await command(house, "ada", "connect program off")
        await command(house, "eve", "forget yes")
        old = own(house, await token_of(house, "ada"))
        await old.check()
        clock.advance(366 * 86_400)
        for memory in (ended, forgotten, old, own(house, "made up")):
            with pytest.raises(NotLetIn):
                await memory.search("anything")


async def test_a_token_is_shown_in_private_only(tmp_path: Path) -> None:
    async with opened(tmp_path, keeper) as house:
        view = await command(house, "ada", "connect program", audience=HERE, place="room")
    assert view.kind == "error"


async def test_a_program_speaks_with_it_by_the_protocol(tmp_path: Path) -> None:
    from mcp import Client

    async with opened(tmp_path, keeper) as house:
        await house.say("ada", "Note: Ada lives in Rome")
        async with Client(server(own(house, await token_of(house, "ada")))) as client:
            tools = (await client.list_tools()).tools
            assert {tool.name for tool in tools} == {"search", "why", "note", "correct"}
            assert [tool.name for tool in tools if tool.annotations and tool.annotations.read_only_hint] == [
                "search",
                "why",
            ]
            assert "Ada lives in Rome" in text_of(await client.call_tool("search", {"query": "Rome"}))
            wrong = await client.call_tool("correct", {"what": "n999", "text": "x"})
            assert wrong.is_error
            assert "n999" in text_of(wrong)
            await command(house, "ada", "connect program off")
            refused = await client.call_tool("search", {"query": "Rome"})
            assert "EVERBOT_TOKEN" in text_of(refused)


def text_of(result: Any) -> str:
    return "\n".join(part.text for part in result.content)
