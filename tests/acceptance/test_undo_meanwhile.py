"""For ten minutes what was forgotten can be brought back; what is erased meanwhile goes out of the copy, at once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from bot.agent.tools.unwanted import Unwanted
from bot.events import Event, MessageDeleted, MessageEdited, Quote, View
from bot.ports import ModelReply, ModelRequest
from memory.records import PRIVATE, community_audience
from tests.acceptance.test_forgetting import CANARIES, command, found
from tests.acceptance.test_picture_deletion import BOAT, SAFE, SEES, Looking, bytes_of, drop, show
from tests.fakes.clock import FakeClock
from tests.fakes.parlour import House, is_summary, opened, whole
from tests.fakes.scripted_model import calls, say
from tests.fakes.town import heard

SECRET, OTHER = CANARIES[0], "Marmaladefjord"
CLUB = community_audience("parlour:club")
AT_CLUB = {"audience": CLUB, "place": "club"}
MINUTE = 60.0


def notes(request: ModelRequest) -> ModelReply:
    """Writes down what it is asked to note, in both memories."""
    if is_summary(request):
        return ModelReply(text=f"They talked of this: {whole(request)[-3_000:]}")
    text = str(heard(request).get("message", ""))
    if "note" not in text or request.messages[-1]["role"] == "tool":
        return say("Yes.")
    return calls(
        ("core_memory_append", {"label": "human", "content": text}),
        ("archival_memory_insert", {"content": text, "request_heartbeat": True}),
    )


def held(house: House) -> str:
    """All that could be brought back."""
    return str(house.rows("SELECT contents FROM wastebasket"))


async def forget(house: House, word: str) -> None:
    """All messages and notes of Ada's that say the word, at her wish."""
    who = await house.app.identities.of(house.message("ada", ""))
    unwanted = Unwanted()
    async with house.app.memory.store.read() as session:
        for place in await session.agents.conversations(who.agent.id):
            for m in await session.messages.get(who.agent.id, _said(house, place.id), None):
                if word in m.text:
                    unwanted.messages[m.key] = m
        for note in await session.passages.page(who.agent.archive_id, None):
            if word in note.text:
                unwanted.passages[note.key] = note
    await house.app.corrections.forget(who, PRIVATE, unwanted)


def _said(house: House, place: int) -> list[int]:
    rows = house.rows("SELECT key FROM messages WHERE conversation_id = ? AND text != ''", place)
    return [key for (key,) in rows]


async def unlearn(house: House) -> None:
    """All that the notes put into core memory goes, at her wish."""
    [(value,)] = house.rows("SELECT value FROM blocks WHERE label = 'human'")
    await command(house, "ada", f"memory set human {value}\nLikes bees")
    await command(house, "ada", "memory set human Likes bees")


async def undo(house: House, **where: str) -> View:
    return await command(house, "ada", "memory undo", **where)


def everywhere(house: House) -> str:
    queries = (
        "SELECT text, rendered FROM messages",
        "SELECT payload FROM inbox",
        "SELECT text FROM passages",
        "SELECT value FROM blocks",
        "SELECT before, after FROM block_history",
        "SELECT text, rendered FROM summaries",
        "SELECT text FROM outbox",
        "SELECT contents FROM wastebasket",
    )
    return str([house.rows(query) for query in queries])


def of(house: House, kind: type[Any], target: Event, **more: str) -> Any:
    facts = {name: value for name, value in house.who("ada").items() if name != "key"}
    return kind(**facts, key=f"parlour:{kind.__name__}", target=target.key, **more)


async def test_a_forgotten_message_that_its_author_deletes_stays_gone(tmp_path: Path) -> None:
    async with opened(tmp_path, notes) as house:
        one = house.message("ada", f"The word is {SECRET}")
        await house.tell(one)
        await house.say("ada", f"The other is {OTHER}")
        await forget(house, "is ")
        assert SECRET in held(house)
        await house.app.inbound.submit(of(house, MessageDeleted, one))
        assert SECRET not in everywhere(house)
        assert OTHER in held(house)
        await house.app.erasure.tidy(urgent=True)
        assert found(tmp_path, [SECRET]) == {}
        back = str(await undo(house))
        assert OTHER in back
        assert SECRET not in back
        assert SECRET not in everywhere(house)
        assert OTHER in everywhere(house)
    assert SECRET not in str(found(tmp_path, [SECRET]))


async def test_when_all_of_it_is_deleted_nothing_is_left_to_bring_back(tmp_path: Path) -> None:
    async with opened(tmp_path, notes) as house:
        one = house.message("ada", f"The word is {SECRET}")
        await house.tell(one)
        await forget(house, SECRET)
        await house.app.inbound.submit(of(house, MessageDeleted, one))
        assert house.rows("SELECT count(*) FROM wastebasket") == [(0,)]
        assert (await undo(house)).kind == "error"
        await house.app.erasure.tidy(urgent=True)
        assert found(tmp_path, [SECRET]) == {}


async def test_a_forgotten_message_that_its_author_edits_stays_forgotten(tmp_path: Path) -> None:
    """A link's preview is an edit that changes nothing."""
    async with opened(tmp_path, notes) as house:
        one = house.message("ada", f"The word is {SECRET}")
        await house.tell(one)
        await forget(house, SECRET)
        preview = of(house, MessageEdited, one, text=one.text)
        await house.app.inbound.submit(preview)
        assert (await house.stored(one)).text == ""  # type: ignore[union-attr]
        assert SECRET in held(house)
        await house.app.inbound.submit(replace(preview, key="parlour:again", text="I said nothing"))
        assert SECRET not in everywhere(house)
        assert "said nothing" not in everywhere(house)
        assert (await undo(house)).kind == "error"


async def test_others_words_that_stood_beside_it_do_not_come_back(tmp_path: Path) -> None:
    async with opened(tmp_path, notes) as house:
        line = Quote(key="parlour:bobs", account="parlour:bob", text=f"bob: {SECRET}")
        reply = Quote(key="parlour:cyds", account="parlour:cyd", text="cyd: bees")
        asked = house.message("ada", f"What of {OTHER}?", **AT_CLUB, context=(line,), reply_to=reply)
        await house.tell(asked)
        await forget(house, OTHER)
        assert SECRET not in held(house), "it stands where it can be taken out"
        await house.app.inbound.submit(replace(of(house, MessageDeleted, asked), target=line.key))
        assert SECRET not in everywhere(house)
        assert OTHER in str(await undo(house))
        stored = await house.stored(asked)
        assert stored is not None
        assert OTHER in stored.rendered
        assert "cyd: bees" in stored.rendered
        assert SECRET not in everywhere(house)
        await house.app.erasure.tidy(urgent=True)
        assert found(tmp_path, [SECRET]) == {}


async def test_who_was_quoted_leaves_before_it_is_brought_back(tmp_path: Path) -> None:
    async with opened(tmp_path, notes) as house:
        await house.say("bob", "Hello")
        line = Quote(key="parlour:bobs", account="parlour:bob", text=f"bob: {SECRET}")
        await house.tell(house.message("ada", f"What of {OTHER}?", **AT_CLUB, context=(line,)))
        await forget(house, OTHER)
        await command(house, "bob", "forget yes")
        assert OTHER in str(await undo(house))
        assert SECRET not in everywhere(house)
    assert found(tmp_path, [SECRET]) == {}


async def test_a_place_that_is_forgotten_meanwhile_goes_out_of_the_copy(tmp_path: Path) -> None:
    """Its messages, its notes, the lines that it put into core memory and their past; what is of elsewhere stays."""
    async with opened(tmp_path, notes) as house:
        await house.say("ada", f"note that it is {SECRET}", place="attic")
        await house.say("ada", f"note that here it is {OTHER}")
        await forget(house, "note that")
        await unlearn(house)
        assert SECRET in held(house)
        assert OTHER in held(house)
        await command(house, "ada", "forget here yes", place="attic")
        assert SECRET not in everywhere(house)
        await undo(house)
        back = str(await undo(house))
        assert OTHER in back
        assert f"note that here it is {OTHER}" in str(house.rows("SELECT value FROM blocks"))
        assert OTHER in str(house.rows("SELECT text FROM passages"))
        assert OTHER in str(house.rows("SELECT text FROM messages"))
        assert SECRET not in everywhere(house)
        await house.app.erasure.tidy(urgent=True)
        assert found(tmp_path, [SECRET]) == {}


async def test_what_is_too_old_by_then_does_not_come_back(tmp_path: Path) -> None:
    clock = FakeClock()
    rules = {"keep_messages_days": 30}
    async with opened(tmp_path, notes, clock=clock, privacy=rules) as house:
        await house.say("ada", f"The word is {SECRET}")
        clock.advance(2 * MINUTE)
        await house.say("ada", f"The other is {OTHER}")
        clock.advance(timedelta(days=30).total_seconds() - 3 * MINUTE)
        await forget(house, "is ")
        clock.advance(2 * MINUTE)
        await house.app.erasure.expire()
        assert SECRET not in everywhere(house)
        await house.app.erasure.tidy(urgent=True)
        assert found(tmp_path, [SECRET]) == {}
        assert OTHER in str(await undo(house))
        assert SECRET not in everywhere(house)


async def test_a_turn_that_is_undone_meanwhile_takes_its_notes_along(tmp_path: Path) -> None:
    async with opened(tmp_path, notes) as house:
        await house.say("ada", f"note that here it is {OTHER}")
        await house.say("ada", f"note that it is {SECRET}")
        await forget(house, "note that")
        await unlearn(house)
        assert SECRET in held(house)
        await command(house, "ada", "pop")
        assert SECRET not in held(house)
        await undo(house)
        await undo(house)
        shown = [house.rows(f"SELECT {what}") for what in ("text FROM passages", "value FROM blocks")]
        assert OTHER in str(shown[0])
        assert OTHER in str(shown[1])
        assert SECRET not in str(shown)
        assert SECRET not in str(house.rows("SELECT text, rendered FROM messages"))


async def test_what_the_community_held_is_gone_with_it(tmp_path: Path) -> None:
    """What she told her own agent there is hers; what it had in view goes, and the summary of what left the view."""
    clock = FakeClock()
    async with departing(tmp_path, clock) as house:
        await house.say("ada", f"The word is {SECRET}", **AT_CLUB)
        for number in range(9):
            await house.say(
                "ada", f"Number {number}. " + "We talk of bees and of the garden. " * 150, **AT_CLUB
            )
        await house.say("ada", f"The other is {OTHER}")
        assert house.rows("SELECT count(*) FROM summaries") == [(1,)]
        await forget(house, "is ")
        assert "They talked of this" in held(house)
        await house.app.departures.left("parlour:club")
        clock.advance(1.0)
        await house.app.departures.sweep()
        assert "They talked of this" not in everywhere(house)
        assert OTHER in str(await undo(house))
        assert house.rows("SELECT count(*) FROM summaries") == [(0,)]
        assert "They talked of this" not in everywhere(house)


@asynccontextmanager
async def departing(folder: Path, clock: FakeClock) -> AsyncIterator[House]:
    small = {"context_window": 8_192, "reply_reserve": 512}
    rules = {"on_removal": "delete", "removal_days": 0}
    async with opened(folder, notes, clock=clock, model=small, personas=rules) as house:
        yield house


async def test_a_picture_of_a_message_that_is_forgotten_with_its_place(tmp_path: Path) -> None:
    mind = Looking()
    async with opened(tmp_path, mind.play, model=SEES) as house:
        await show(house, "My weekend", SAFE, BOAT)
        await drop(house)
        assert bytes_of(SAFE) in held(house)
        await command(house, "ada", "forget here yes")
        assert bytes_of(SAFE) not in everywhere(house)
        assert SECRET not in everywhere(house)
        assert (await undo(house)).kind == "error"


async def test_who_is_known_as_somebody_else_by_now_brings_back_nothing(tmp_path: Path) -> None:
    """Accounts that became one keep what they remember; what was forgotten stays so. One that starts anew has
    forgotten nothing."""
    clock = FakeClock()
    async with opened(tmp_path, notes, clock=clock) as house:
        await house.say("bob", "Hello")
        await house.say("ada", f"The word is {SECRET}")
        await forget(house, SECRET)
        ada = await house.app.identities.of(house.message("ada", ""))
        bob = await house.app.identities.of(house.message("bob", ""))
        await house.app.inbound.join(bob.user, ada.user)
        assert SECRET not in everywhere(house)
        assert (await undo(house)).kind == "error"
        await house.app.erasure.tidy(urgent=True)
        assert found(tmp_path, [SECRET]) == {}
        await house.say("ada", f"The other is {OTHER}")
        await forget(house, OTHER)
        await command(house, "ada", "unlink yes")
        assert (await undo(house)).kind == "error"
        assert OTHER in str(await command(house, "bob", "memory undo"))
