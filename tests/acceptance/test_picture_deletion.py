"""One picture of a message is deleted, out of everything, and the message and its other pictures stay."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

from adapters.text import plain
from bot.agent import context
from bot.agent.forgetting import KEPT
from bot.agent.tools.unwanted import Unwanted
from bot.events import Attachment, DocumentUploaded, MessageDeleted, View
from bot.ports import ModelReply, ModelRequest
from memory.records import PRIVATE, community_audience
from tests.acceptance.test_forgetting import CANARIES, command, found
from tests.acceptance.test_pictures import SEES, Seeing, picture, show, tables_with
from tests.fakes.clock import FakeClock
from tests.fakes.parlour import House, is_caption, is_summary, opened, results_in, whole
from tests.fakes.scripted_model import say

SECRET = CANARIES[0]
SAFE, BOAT = picture("safe.png", of=b"the inside of a safe"), picture("boat.png", of=b"a boat")
SHOWS = {
    SAFE.image: f"An open safe with a note on its door: {SECRET}.",
    BOAT.image: "A white boat in a harbour.",
}
CLUB = community_audience("parlour:club")


class Looking(Seeing):
    """Says of each picture what it shows."""

    def __init__(self) -> None:
        super().__init__()
        self.requests: list[ModelRequest] = []
        self.results = ""

    def play(self, request: ModelRequest) -> ModelReply | Exception:
        self.requests.append(request)
        if is_caption(request):
            self.shows = SHOWS[request.messages[0]["content"][1]["image_url"]["url"]]
        if is_summary(request):
            return ModelReply(text=f"They showed {SECRET}." if SECRET in whole(request) else "They talked.")
        if request.messages[-1]["role"] == "tool":
            self.results = str(results_in(request))
            return say("I looked.")
        return super().play(request)

    async def search(self, house: House, question: str) -> str:
        """What is found, asked by Ada."""
        self.results = ""
        await house.say("ada", question)
        return self.results


def bytes_of(attached: Attachment) -> str:
    """A part of it as it is stored, which no other picture has."""
    return attached.image[95:125]


def holds(house: House, folder: Path, word: str) -> bool:
    """Whether any file or table does."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return bool(tables_with(house, word)) or any(word.encode() in file.read_bytes() for file in files)


async def pictures(house: House, argument: str = "", user: str = "ada", **where: str) -> dict[str, str]:
    """The ids of those that are listed, by what they say."""
    view = await command(house, user, f"memory pictures {argument}".strip(), **where)
    return {entry.text: entry.note.partition(" ")[0] for entry in view.entries}


async def drop(house: House, attached: Attachment = SAFE) -> View:
    listed = await pictures(house)
    return await command(house, "ada", f"memory drop {listed[SHOWS.get(attached.image, attached.name)]} yes")


async def over(house: House, clock: FakeClock) -> None:
    """What was deleted can't be brought back any more."""
    clock.advance(KEPT.total_seconds())
    await house.app.erasure.tidy(urgent=True)


def shown(house: House) -> list[Any]:
    """All that is to be seen and found of it."""
    return [
        house.rows("SELECT key, text, rendered FROM messages WHERE event_key LIKE 'parlour:%' ORDER BY key"),
        house.rows("SELECT key, payload FROM inbox ORDER BY id"),
        house.rows("SELECT digest, text, event_key FROM captions ORDER BY digest"),
    ]


async def test_one_picture_goes_and_the_message_stays(tmp_path: Path) -> None:
    mind, clock = Looking(), FakeClock()
    wide = SEES | {"context_window": 32_768}  # with room for both
    async with opened(tmp_path, mind.play, model=wide, clock=clock) as house:
        event = await show(house, "My weekend", SAFE, BOAT)
        assert SECRET in await mind.search(house, "What was on the door of the safe?")  # in view from now on
        await command(house, "ada", "export")
        assert holds(house, tmp_path, bytes_of(SAFE))
        assert holds(house, tmp_path, bytes_of(BOAT))
        asked = await command(house, "ada", f"memory drop {(await pictures(house))[SHOWS[SAFE.image]]}")
        assert "the message stays" in asked.text
        assert SECRET in asked.text
        dropped = await command(house, "ada", f"memory {asked.actions[0].argument}")
        assert "Deleted: An open safe" in dropped.text

        assert list(await pictures(house)) == [SHOWS[BOAT.image]]
        stored = await house.stored(event)
        assert stored is not None
        assert stored.text == f"My weekend\n(picture) {SHOWS[BOAT.image]}"
        held = json.dumps([*shown(house), house.rows("SELECT rendered, text FROM messages")])
        assert SECRET not in held
        assert bytes_of(SAFE) not in held
        assert bytes_of(BOAT) in stored.rendered
        assert SECRET.lower() not in str(house.rows("SELECT terms FROM messages_terms")).lower()
        [file] = (await command(house, "ada", "export")).files
        assert SECRET.encode() not in file.data
        assert "A white boat in a harbour" in await mind.search(house, "Where was the white boat?")
        told = next(t for t in map(context.told, mind.requests[-1].messages[1:]) if "attachments" in t)
        assert told["attachments"][0] == {"type": "image/png", "removed": True}
        assert SECRET not in whole(mind.requests[-1])
        assert SECRET not in await mind.search(house, "Where was the open safe, and what was on its door?")

        await over(house, clock)
        assert house.rows("SELECT count(*) FROM wastebasket") == [(0,)]
        for trace in (SECRET, bytes_of(SAFE), SAFE.name):
            assert not holds(house, tmp_path, trace)
        assert found(tmp_path, [SECRET]) == {}
        assert holds(house, tmp_path, bytes_of(BOAT))


async def test_for_ten_minutes_it_can_be_brought_back(tmp_path: Path) -> None:
    mind, clock = Looking(), FakeClock()
    async with opened(tmp_path, mind.play, model=SEES, clock=clock) as house:
        await show(house, "My weekend", SAFE, BOAT)
        before = shown(house)
        await drop(house)
        await drop(house, BOAT)
        assert await pictures(house) == {}
        clock.advance(KEPT.total_seconds() - 1)
        await house.app.erasure.tidy(urgent=True)
        for attached in (BOAT, SAFE):
            back = await command(house, "ada", "memory undo")
            assert SHOWS[attached.image] in plain(back)
        assert shown(house) == before
        await over(house, clock)
        assert shown(house) == before
        assert "last ten minutes" in (await command(house, "ada", "memory undo")).text
        assert SECRET in await mind.search(house, "What was on the door of the safe?")


async def test_a_message_that_was_a_picture_alone_says_nothing_any_more(tmp_path: Path) -> None:
    mind, clock = Looking(), FakeClock()
    async with opened(tmp_path, mind.play, model=SEES, clock=clock) as house:
        event = await show(house, "", SAFE)
        await house.say("ada", "Hello")
        before = shown(house)
        surfaced = house.rows("SELECT id, surfaced FROM turns ORDER BY id")
        await drop(house)
        stored = await house.stored(event)
        assert stored is not None
        assert stored.text == ""
        await command(house, "ada", "memory undo")
        assert shown(house) == before
        assert house.rows("SELECT id, surfaced FROM turns ORDER BY id") == surfaced
        await drop(house)
        await over(house, clock)
        await house.say("ada", "And now?")
        assert not holds(house, tmp_path, SECRET)


async def test_a_summary_that_may_tell_of_it_goes_and_comes_back(tmp_path: Path) -> None:
    mind, clock = Looking(), FakeClock()
    small = SEES | {"context_window": 8_192, "reply_reserve": 512}
    async with opened(tmp_path, mind.play, model=small, clock=clock) as house:
        event = await show(house, "My weekend", SAFE)
        for number in range(6):
            await house.say("ada", f"Number {number}. " + "We talk of bees and of the garden. " * 150)
        before = house.rows("SELECT text FROM summaries")
        assert SECRET in str(before)
        await drop(house)
        assert house.rows("SELECT text FROM summaries") == []
        stored = await house.stored(event)
        assert stored is not None
        assert (stored.text, stored.rendered) == ("My weekend", "")
        await command(house, "ada", "memory undo")
        assert house.rows("SELECT text FROM summaries") == before
        stored = await house.stored(event)
        assert stored is not None
        assert SECRET in stored.text


async def test_what_is_deleted_while_it_is_looked_at_does_not_come_back(tmp_path: Path) -> None:
    mind, looking, go_on = Looking(), asyncio.Event(), asyncio.Event()

    async def slow(request: ModelRequest) -> ModelReply | Exception:
        if is_caption(request) and not go_on.is_set():
            looking.set()
            await go_on.wait()
        return mind.play(request)

    async with opened(tmp_path, slow, model=SEES) as house:
        event = house.message("ada", "My weekend", attachments=(SAFE, BOAT))
        await house.app.inbound.submit(event)
        await looking.wait()
        assert "Deleted: safe.png" in (await drop(house, Attachment(name="safe.png", media_type=""))).text
        go_on.set()
        await house.settled(event.address)
        assert list(await pictures(house)) == [SHOWS[BOAT.image]]
        stored = await house.stored(event)
        assert stored is not None
        assert stored.text == f"My weekend\n(picture) {SHOWS[BOAT.image]}"
        assert bytes_of(SAFE) not in stored.rendered
        assert SECRET not in str(house.rows("SELECT text FROM captions"))
        used = house.rows("SELECT sum(prompt_tokens) FROM steps")[0][0]
        assert used > 2 * 700  # it was looked at all the same
        await command(house, "ada", "memory undo")
        assert list(await pictures(house)) == ["safe.png", SHOWS[BOAT.image]]


async def test_the_same_picture_of_another_message_stays(tmp_path: Path) -> None:
    mind, clock = Looking(), FakeClock()
    async with opened(tmp_path, mind.play, model=SEES, clock=clock) as house:
        one, two = [await show(house, text, BOAT) for text in ("One", "Two")]
        view = await command(house, "ada", "memory pictures")
        newest, oldest = [entry.note.partition(" ")[0] for entry in view.entries]
        await command(house, "ada", f"memory drop {newest} yes")
        await over(house, clock)
        kept, gone = [await house.stored(event) for event in (one, two)]
        assert kept is not None
        assert gone is not None
        assert (kept.text, gone.text) == (f"One\n(picture) {SHOWS[BOAT.image]}", "Two")
        assert list((await pictures(house)).values()) == [oldest]


async def test_its_author_deletes_the_message_meanwhile(tmp_path: Path) -> None:
    mind = Looking()
    async with opened(tmp_path, mind.play, model=SEES) as house:
        event = await show(house, "My weekend", SAFE)
        await drop(house)
        facts = {k: v for k, v in house.who("ada").items() if k != "key"}
        await house.app.inbound.submit(MessageDeleted(**facts, key="parlour:gone", target=event.key))
        assert (await command(house, "ada", "memory undo")).kind == "error"
        assert await pictures(house) == {}
        assert not any(SECRET in str(rows) for rows in shown(house))


async def test_nobody_else_sees_or_deletes_it_and_no_place_that_may_not(tmp_path: Path) -> None:
    mind = Looking()
    async with opened(tmp_path, mind.play, model=SEES) as house:
        await show(house, "", SAFE)
        await house.tell(house.message("ada", "Look", audience=CLUB, place="club", attachments=(BOAT,)))
        await house.say("bob", "Hello")
        mine = await pictures(house)
        assert list(mine) == [SHOWS[BOAT.image], SHOWS[SAFE.image]]
        there = {"audience": CLUB, "place": "club"}
        assert list(await pictures(house, **there)) == [SHOWS[BOAT.image]]
        for user, where in (("bob", {}), ("ada", there)):
            view = await command(house, user, f"memory drop {mine[SHOWS[SAFE.image]]} yes", **where)
            assert view.kind == "error"
        for wrong in ("0-00000000", "999999999999999999-00000000", mine[SHOWS[SAFE.image]][:-1] + "g"):
            assert (await command(house, "ada", f"memory drop {wrong} yes")).kind == "error"
        assert await pictures(house) == mine
        overview = await command(house, "ada", "memory")
        assert "pictures" in [action.argument for action in overview.actions]
        overview = await command(house, "bob", "memory")
        assert "pictures" not in [action.argument for action in overview.actions]


async def test_they_are_turned_over_from_one_to_the_next(tmp_path: Path) -> None:
    many = [picture(f"{n}.png", of=str(n).encode()) for n in range(11)]
    async with opened(tmp_path, Looking().play) as house:
        for some in (many[:2], many[2:9], many[9:]):
            await show(house, "", *some)
        newest_first = [f"{n}.png" for n in (9, 10, 2, 3, 4, 5, 6, 7, 8, 0, 1)]
        turned, view = list[list[str]](), await command(house, "ada", "memory pictures")
        while True:
            turned.append([entry.text for entry in view.entries])
            older = [action for action in view.actions if action.label == "Older"]
            if not older:
                break
            view = await command(house, "ada", f"memory {older[0].argument}")
        assert turned == [newest_first[:4], newest_first[4:8], newest_first[8:]]
        for before in (turned[1], turned[0]):
            [newer] = [action for action in view.actions if action.label == "Newer"]
            view = await command(house, "ada", f"memory {newer.argument}")
            assert [entry.text for entry in view.entries] == before
        assert [action.label for action in view.actions] == ["Older"]


async def test_a_forgotten_message_takes_its_pictures_and_files_along(tmp_path: Path) -> None:
    mind, clock = Looking(), FakeClock()
    async with opened(tmp_path, mind.play, model=SEES, clock=clock) as house:
        event = house.message("ada", "Look", attachments=(SAFE,))
        who = house.who("ada") | {"key": f"{event.key}/1"}
        await house.app.inbound.submit(
            DocumentUploaded(**who, document=f"{CANARIES[4]}.txt", text="Day one.")
        )
        await house.tell(event)
        before = shown(house)
        stored = await house.stored(event)
        assert stored is not None
        identity = await house.app.identities.of(house.message("ada", ""))
        forget = house.app.corrections.forget
        await forget(identity, PRIVATE, Unwanted(messages={stored.key: stored}))
        assert await pictures(house) == {}
        assert not any(SECRET in str(rows) or bytes_of(SAFE) in str(rows) for rows in shown(house))
        await command(house, "ada", "memory undo")
        assert shown(house)[1] == before[1]
        await forget(identity, PRIVATE, Unwanted(messages={stored.key: stored}))
        await over(house, clock)
        for trace in (SECRET, bytes_of(SAFE), CANARIES[4]):
            assert not holds(house, tmp_path, trace)
        assert found(tmp_path, [SECRET, CANARIES[4]]) == {}
