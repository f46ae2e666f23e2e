"""A person who wrote half of a community's lore is forgotten: what they alone told goes, the rest stays."""

from __future__ import annotations

from pathlib import Path

from bot import bundle
from bot.ports import ModelReply, ModelRequest
from memory.records import PRIVATE, community_audience
from tests.acceptance.test_forgetting import CANARIES, command, found
from tests.fakes.clock import FakeClock
from tests.fakes.embedder import WordsEmbedder
from tests.fakes.parlour import House, opened
from tests.fakes.scripted_model import call, say
from tests.fakes.town import heard

HOME = community_audience("parlour:home")
PLACE = {"audience": HOME, "place": "general"}


def teller(request: ModelRequest) -> ModelReply:
    """Tells the community what it is told to, and looks up what it is asked."""
    if request.messages[-1]["role"] == "tool":
        return say("Done.")
    word, _, rest = str(heard(request).get("message", "")).partition(" ")
    if word == "tell":
        return call("archival_memory_insert", content=rest, scope="community", request_heartbeat=True)
    if word == "find":
        return call("archival_memory_search", query=rest, page=0, request_heartbeat=True)
    return say("Yes.")


async def say_there(house: House, user: str, text: str) -> None:
    await house.say(user, text, audience=HOME, place="general")


def texts(house: House) -> set[str]:
    return {row[0] for row in house.rows("SELECT text FROM passages")}


async def test_half_of_a_communitys_lore_goes_with_who_told_it(tmp_path: Path) -> None:
    clock = FakeClock()
    async with opened(tmp_path, teller, clock=clock, embedder=WordsEmbedder()) as house:
        for canary in CANARIES:
            await say_there(house, "ada", f"tell The treasure is called {canary}")
        await say_there(house, "ada", "tell The fair is in May")
        await say_there(house, "bob", "tell The fair is in May")
        await say_there(house, "bob", "tell The mill burned down")
        await house.app.memory.indexer.drain()
        await say_there(house, "bob", "find treasure")
        assert CANARIES[0] in house.rows("SELECT group_concat(rendered) FROM messages")[0][0]
        uids = [row[0] for row in house.rows("SELECT uid FROM passages WHERE text LIKE '%treasure%'")]
        before = b"".join(path.read_bytes() for path in (tmp_path / "chroma").rglob("*") if path.is_file())
        assert all(uid.encode() in before for uid in uids)

        answer = await command(house, "ada", "forget yes", **PLACE)
        assert "within a day" in answer.text
        assert texts(house) == {"The fair is in May", "The mill burned down"}
        assert found(tmp_path) == {}
        assert house.rows("SELECT count(*) FROM contributors") == [(2,)]

        clock.advance(23 * 3600)
        await house.app.erasure.tidy()
        await house.app.memory.indexer.drain()
        after = b"".join(path.read_bytes() for path in (tmp_path / "chroma").rglob("*") if path.is_file())
        assert not any(uid.encode() in after for uid in uids)
        await say_there(house, "bob", "find the fair in May")
        shown = house.rows(
            "SELECT rendered FROM messages WHERE author = 'archival_memory_search' ORDER BY key"
        )
        assert "The fair is in May" in shown[-1][0]


async def test_a_person_sees_and_takes_back_what_they_told(tmp_path: Path) -> None:
    async with opened(tmp_path, teller) as house:
        await say_there(house, "ada", "tell The fair is in May")
        await say_there(house, "bob", "tell The mill burned down")
        overview = await command(house, "ada", "memory", **PLACE)
        assert "Lore (1)" in [action.label for action in overview.actions]
        [entry] = (await command(house, "ada", "memory lore", **PLACE)).entries
        assert entry.text == "The fair is in May"
        [action] = entry.actions
        assert (await command(house, "bob", f"memory {action.argument}", **PLACE)).kind == "error"
        await command(house, "ada", f"memory {action.argument}")
        assert texts(house) == {"The fair is in May", "The mill burned down"}  # it asks first
        await command(house, "ada", f"memory {action.argument} yes")  # in private they may, too
        assert texts(house) == {"The mill burned down"}
        assert (await command(house, "ada", "memory lore")).entries == ()


async def test_lore_of_a_forgotten_conversation_goes_with_it(tmp_path: Path) -> None:
    async with opened(tmp_path, teller) as house:
        await say_there(house, "ada", "tell The fair is in May")
        await house.say("ada", "tell The well is deep", audience=HOME, place="other")
        await command(house, "ada", "forget here yes", **PLACE)
        assert texts(house) == {"The well is deep"}


async def test_an_export_holds_no_lore_that_others_told(tmp_path: Path) -> None:
    async with opened(tmp_path, teller) as house:
        await say_there(house, "bob", "tell The mill burned down")
        await say_there(house, "ada", "find the mill")
        assert "burned" in house.rows("SELECT group_concat(rendered) FROM messages")[0][0]
        agent = (await house.app.identities.of(house.message("ada", "", **PLACE))).agent
        for audience in (HOME, PRIVATE):
            taken = bundle.canonical(await house.app.export.tables(agent, audience))
            assert "find the mill" in taken
            assert "burned" not in taken
