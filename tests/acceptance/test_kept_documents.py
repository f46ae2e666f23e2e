"""A document that somebody sent is kept: found later, listed, deleted, forgotten with what it came with."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from adapters.text import plain
from bot.events import Address, DocumentUploaded, MessageDeleted, MessageReceived
from bot.ports import ModelReply, ModelRequest
from memory.records import PRIVATE, community_audience
from tests.acceptance.test_export import taken, without_header
from tests.acceptance.test_forgetting import CANARIES, command, found
from tests.fakes.clock import FakeClock
from tests.fakes.embedder import WordsEmbedder
from tests.fakes.parlour import House, Parlour, events_in, opened, results_in
from tests.fakes.scripted_model import call, say
from tests.fakes.town import heard

HERE = community_audience("parlour:guild")
MANUAL = "The boiler is bled at the brass valve behind the pantry.\n\nThe fuse is a Zobel 17."


def librarian(request: ModelRequest) -> ModelReply:
    """Looks up what is asked, in documents alone."""
    event = heard(request)
    if event["type"] == "summarize":
        return ModelReply(text="They talked.")
    text = str(event.get("message", ""))
    if request.messages[-1]["role"] == "tool":
        return say(str(results_in(request)[-1]["message"]))
    if event["type"] != "message" or "?" not in text:
        return say("Read.")
    return call("archival_memory_search", query=text, request_heartbeat=True)


def with_document(
    house: House, name: str, text: str, *, audience: str = PRIVATE, place: str | None = None
) -> tuple[MessageReceived, DocumentUploaded]:
    """A message, and the document that came with it."""
    said = house.message("ada", f"Here is {name}", audience=audience, place=place)
    facts = {k: v for k, v in house.who("ada", audience, place).items() if k != "key"}
    data = base64.b64encode(text.encode()).decode()
    return said, DocumentUploaded(**facts, key=f"{said.key}/1", document=name, text="", data=data)


async def give(
    house: House, name: str, text: str, *, audience: str = PRIVATE, place: str | None = None
) -> MessageReceived:
    said, document = with_document(house, name, text, audience=audience, place=place)
    await house.tell(document)
    await house.tell(said)
    return said


async def asked(house: House, question: str, *, audience: str = PRIVATE, place: str | None = None) -> str:
    [reply] = await house.say("ada", question, audience=audience, place=place)
    return reply.text


def pieces(house: House) -> list[tuple[str, int]]:
    return house.rows("SELECT source, position FROM passages ORDER BY key")


async def test_what_was_sent_is_found_later_under_its_name(tmp_path: Path) -> None:
    async with opened(tmp_path, librarian) as house:
        await give(house, "boiler.txt", MANUAL)
        assert "d1 2026-11-21 Sat 09:00 boiler.txt part 1: The boiler is bled" in await asked(
            house, "Where is the boiler bled?"
        )
        assert "boiler" not in await asked(house, "Where is the boiler bled?", audience=HERE, place="hall")
        listed = plain(await command(house, "ada", "memory documents"))
        assert "boiler.txt" in listed
        assert "I have no notes here." in plain(await command(house, "ada", "memory notes"))
        assert "I keep no document here." in plain(
            await command(house, "ada", "memory documents", audience=HERE, place="hall")
        )


async def test_of_what_was_sent_where_others_read_they_know_there(tmp_path: Path) -> None:
    async with opened(tmp_path, librarian) as house:
        await give(house, "boiler.txt", MANUAL, audience=HERE, place="hall")
        assert "boiler.txt part 1" in await asked(house, "Which fuse is it?", audience=HERE, place="hall")
        elsewhere = community_audience("parlour:club")
        assert "Zobel" not in await asked(house, "Which fuse is it?", audience=elsewhere, place="club")


async def test_a_long_document_is_one_thing_to_people_and_many_pieces_to_a_search(tmp_path: Path) -> None:
    text = "\n\n".join(
        f"Chapter {n} tells of the number {n * 7919} at length." + " Words." * 60 for n in range(40)
    )
    async with opened(tmp_path, librarian) as house:
        await give(house, "novel.txt", text)
        assert len(pieces(house)) > 10
        assert "Chapter 31" in await asked(house, "What does chapter 31 tell of?")
        listed = plain(await command(house, "ada", "memory documents"))
        assert listed.count("novel.txt") == 1
        overview = await command(house, "ada", "memory")
        assert "Documents (1)" in [action.label for action in overview.actions]


async def test_a_document_is_deleted_whole_and_can_be_brought_back(tmp_path: Path) -> None:
    clock = FakeClock()
    async with opened(tmp_path, librarian, clock=clock) as house:
        await give(house, "secret.txt", MANUAL)
        view = await command(house, "ada", "memory documents")
        [drop] = view.entries[0].actions
        assert "Sure?" in (await command(house, "ada", f"memory {drop.argument}")).text
        await command(house, "ada", f"memory {drop.argument} yes")
        assert pieces(house) == []
        assert "Zobel" not in await asked(house, "Which fuse is it?")
        told = await command(house, "ada", "memory undo")
        assert "secret.txt" in told.text
        assert "Zobel" in await asked(house, "Which fuse is it?")
        await give(house, "other.txt", CANARIES[0])
        view = await command(house, "ada", "memory documents")
        await command(house, "ada", f"memory {view.entries[0].actions[0].argument} yes")
        clock.advance(601)
        await house.app.erasure.tidy(urgent=True)
        assert found(tmp_path, CANARIES[:1]) == {}


async def test_the_agent_forgets_a_document_when_the_person_asks(tmp_path: Path) -> None:
    def play(request: ModelRequest) -> ModelReply:
        if "Forget" in str(heard(request).get("message", "")) and request.messages[-1]["role"] != "tool":
            return call("archival_memory_delete", id="d1", request_heartbeat=True)
        return librarian(request)

    async with opened(tmp_path, play) as house:
        await give(house, "boiler.txt", MANUAL)
        assert "Forgotten: boiler.txt" in await asked(house, "Forget boiler.txt please")
        assert pieces(house) == []
        assert "Zobel" not in str(house.rows("SELECT rendered FROM messages"))


async def test_no_note_is_what_an_id_of_a_piece_names(tmp_path: Path) -> None:
    def play(request: ModelRequest) -> ModelReply:
        if "Change" in str(heard(request).get("message", "")) and request.messages[-1]["role"] != "tool":
            return call("archival_memory_replace", id="n1", content="Nothing", request_heartbeat=True)
        return librarian(request)

    async with opened(tmp_path, play) as house:
        await give(house, "boiler.txt", MANUAL)
        assert "There is no note n1 here" in await asked(house, "Change that")


@pytest.mark.parametrize("how", ["deleted", "forget here yes", "forget yes", "pop 2", "conversation_forget"])
async def test_a_document_is_forgotten_with_what_it_came_with(tmp_path: Path, how: str) -> None:
    def play(request: ModelRequest) -> ModelReply:
        if "Forget" in str(heard(request).get("message", "")) and request.messages[-1]["role"] != "tool":
            said = house.rows("SELECT key & 4294967295, text FROM messages")
            [number] = [(key,) for key, text in said if text == "Here is x.txt"]
            return call("conversation_forget", ids=[f"m{number[0]}"], request_heartbeat=True)
        return librarian(request)

    clock = FakeClock()
    async with opened(tmp_path, play, clock=clock) as house:
        said = await give(house, "x.txt", f"{CANARIES[0]}\n\n{MANUAL}")
        assert pieces(house)
        if how == "deleted":
            facts = {k: v for k, v in house.who("ada").items() if k != "key"}
            await house.app.inbound.submit(MessageDeleted(**facts, key="parlour:gone", target=said.key))
        elif how == "conversation_forget":
            await house.say("ada", "Forget the message with which I sent x.txt")
        else:
            await command(house, "ada", how)
        assert pieces(house) == []
        if how == "conversation_forget":
            assert CANARIES[0] not in str(house.rows("SELECT rendered FROM messages"))
            await command(house, "ada", "memory undo")
            assert pieces(house)
            assert CANARIES[0] in str(house.rows("SELECT payload FROM inbox"))
            return
        if how != "pop 2":  # which takes back, and does not scrub
            await house.app.erasure.tidy(urgent=True)
            assert found(tmp_path, CANARIES[:1]) == {}


async def test_a_document_that_is_deleted_before_it_was_read_is_never_read(tmp_path: Path) -> None:
    model_may = []

    class Slow(Parlour):
        @asynccontextmanager
        async def thinking(self, address: Address) -> AsyncIterator[None]:
            if not model_may:
                model_may.append(address)
                facts = {k: v for k, v in house.who("ada").items() if k != "key"}
                event = MessageDeleted(**facts, key="parlour:gone", target=said.key)
                await house.app.inbound.submit(event)
            yield

    seen: list[str] = []

    def play(request: ModelRequest) -> ModelReply:
        seen.extend(str(event) for event in events_in(request))
        return say("Hm.")

    async with opened(tmp_path, play, parlour=Slow()) as house:
        said, document = with_document(house, "x.txt", CANARIES[0])
        await house.tell(document)
        await house.say("ada", "Anything there?")
        assert model_may == ["parlour:ada"]
        assert pieces(house) == []
        assert not any(CANARIES[0] in text for text in seen)
        await house.app.erasure.tidy(urgent=True)
        assert found(tmp_path, CANARIES[:1]) == {}


async def test_documents_expire_with_messages_and_notes_stay(tmp_path: Path) -> None:
    clock = FakeClock()
    async with opened(tmp_path, librarian, clock=clock, privacy={"keep_messages_days": 30}) as house:
        await give(house, "old.txt", MANUAL)
        await command(house, "ada", "memory add The pantry is cold")
        clock.advance(timedelta(days=20).total_seconds())
        await give(house, "new.txt", "The fuse is a Kappel 3 now.")
        clock.advance(timedelta(days=15).total_seconds())
        await house.app.erasure.expire()
        assert pieces(house) == [("", 0), ("new.txt", 1)]
        assert "Zobel" not in await asked(house, "Which fuse is it?")


async def test_the_same_document_sent_again_is_found_once(tmp_path: Path) -> None:
    async with opened(tmp_path, librarian) as house:
        first = await give(house, "boiler.txt", MANUAL)
        await give(house, "boiler.txt", MANUAL)
        await give(house, "boiler.txt", f"{MANUAL} From 2026 on it is a Kappel 3.")
        assert len(pieces(house)) == 2
        facts = {k: v for k, v in house.who("ada").items() if k != "key"}
        await house.app.inbound.submit(MessageDeleted(**facts, key="parlour:gone", target=first.key))
        assert len(pieces(house)) == 2


async def test_no_more_are_kept_than_is_set_and_the_model_is_told(tmp_path: Path) -> None:
    told: list[str] = []

    def play(request: ModelRequest) -> ModelReply:
        told.extend(event["problem"] for event in events_in(request) if event.get("problem"))
        return say("Read.")

    async with opened(tmp_path, play, memory={"documents": 1}) as house:
        await give(house, "one.txt", "One is here.")
        await give(house, "two.txt", "Two is here.")
        assert pieces(house) == [("one.txt", 1)]
        assert "is not kept" in told[0]
    async with opened(tmp_path / "none", play, memory={"documents": 0}) as house:
        await give(house, "one.txt", "One is here.")
        assert pieces(house) == []


async def test_what_a_document_says_is_noted_though_the_document_says_it(tmp_path: Path) -> None:
    """A note stays when the document goes."""

    def play(request: ModelRequest) -> ModelReply:
        if "Remember" in str(heard(request).get("message", "")) and request.messages[-1]["role"] != "tool":
            note = "The pantry is locked on Sundays."
            return call("archival_memory_insert", content=note, request_heartbeat=True)
        return librarian(request)

    async with opened(tmp_path, play, embedder=WordsEmbedder()) as house:
        await give(house, "house.txt", "The pantry is locked on Sundays.")
        await house.app.memory.indexer.drain()
        assert "Stored." in await asked(house, "Remember: the pantry is locked on Sundays.")
        assert pieces(house) == [("house.txt", 1), ("", 0)]


async def test_a_document_comes_to_mind_marked_as_what_it_is(tmp_path: Path) -> None:
    async with opened(tmp_path, librarian, embedder=WordsEmbedder()) as house:
        await give(house, "boiler.txt", MANUAL, place="elsewhere")
        await house.app.memory.indexer.drain()
        event = house.message("ada", "Tell me where the brass valve of the boiler is, behind the pantry")
        await house.tell(event)
        stored = await house.stored(event)
        assert stored is not None
        assert "2026-11-21 (a document) boiler.txt part 1: The boiler is bled" in stored.rendered


async def test_documents_are_taken_away_and_put_back(tmp_path: Path) -> None:
    async with opened(tmp_path / "one", librarian) as house:
        await give(house, "boiler.txt", MANUAL)
        await command(house, "ada", "memory add The pantry is cold")
        parts = await taken(house)
    async with opened(tmp_path / "two", librarian) as house:
        await house.app.restore.of(parts, None)
        assert without_header(await taken(house)) == without_header(parts)
        assert "boiler.txt part 1" in await asked(house, "Which fuse is it?")
        view = await command(house, "ada", "memory documents")
        await command(house, "ada", f"memory {view.entries[0].actions[0].argument} yes")
        assert house.rows("SELECT text FROM passages") == [("The pantry is cold",)]
