"""Rooms that remember: switched on by an admin, under everybody's consent, within one community's public places."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

from bot.events import Command, MessageDeleted, MessageEdited, Quote, View, community_audience, place_audience
from bot.ports import ModelReply, ModelRequest
from memory.associative import Associative, Cue
from memory.records import Audience
from tests.fakes.parlour import House, last_words, opened, results_in, whole
from tests.fakes.scripted_model import call, calls, say

CLUB, OTHER = "parlour:1", "parlour:2"
HALL = community_audience(CLUB)


def play(request: ModelRequest) -> ModelReply:
    """``find …`` is looked for, ``share …`` becomes lore."""
    if request.messages[-1]["role"] == "tool":
        return say(str(results_in(request)[-1]["message"])[:1_500])
    word, _, rest = last_words(request).partition(" ")
    if word == "find":
        return call("conversation_search", query=rest, request_heartbeat=True)
    if word == "share":
        return calls(
            ("archival_memory_insert", {"content": rest, "scope": "community", "request_heartbeat": True})
        )
    return say("Yes.")


async def command(
    house: House, user: str, text: str, audience: Audience = HALL, *, admin: bool = False, home: str = CLUB
) -> View:
    name, _, argument = text.partition(" ")
    who = {k: v for k, v in house.who(user, audience, "hall").items() if k not in ("key", "at")}
    return await house.app.inbound.invoke(
        Command(**who, command=name, argument=argument, community=home, admin=admin)
    )


async def overheard(
    house: House, user: str, text: str, audience: Audience = HALL, place: str = "hall", **more: Any
) -> str:
    """Somebody says something, not to us; the event's key."""
    event = house.message(user, text, audience=audience, place=place, addressed=False, **more)
    await house.app.inbound.submit(event)
    return event.key


async def remembering(house: House, *people: str) -> None:
    """The room remembers, and these have been told."""
    told = await command(house, "eve", "room memory on", admin=True)
    assert "kept from now on" in told.text
    for person in people:
        await overheard(house, person, "hello")
    await house.settled("parlour:hall")


async def found(house: House, query: str, audience: Audience = HALL, place: str = "hall") -> str:
    replies = await house.say("zoe", f"find {query}", audience=audience, place=place)
    return replies[-1].text


def kept(house: House) -> list[tuple[str, str]]:
    return house.rows(
        "SELECT m.author, m.text FROM messages m JOIN room_lines r ON r.key = m.key ORDER BY m.key"
    )


async def test_what_is_said_in_public_is_found_with_who_and_when(tmp_path: Path) -> None:
    async with opened(tmp_path, play) as house:
        await overheard(house, "ada", "the boiler is broken again")
        assert kept(house) == [], "it is off by default"
        assert house.rows("SELECT count(*) FROM users") == [(0,)]
        refused = await command(house, "ada", "room memory on")
        assert "Only an admin" in refused.text
        await remembering(house, "ada", "bob")
        await overheard(house, "ada", "I vote for the pizza place at the harbour")
        await overheard(house, "bob", "> I vote for the pizza place\nrather the noodle bar, on Friday")
        assert kept(house) == [
            ("ada", "I vote for the pizza place at the harbour"),
            ("bob", "rather the noodle bar, on Friday"),
        ], "neither what came before one was told, nor what one quotes"
        text = await found(house, "who wants the noodle bar?")
        assert f"{house.clock.now():%Y-%m-%d}" in text
        assert "bob: rather the noodle bar" in text


async def test_everybody_is_told_once_and_in_their_language(tmp_path: Path) -> None:
    async with opened(tmp_path, play) as house:
        await remembering(house, "ada")
        await overheard(house, "max", "Guten Tag zusammen", locale="de")
        await overheard(house, "max", "Ich bringe den Kuchen mit", locale="de")
        await overheard(house, "ada", "and I the tea")
        await house.settled("parlour:hall")
        notices = [reply.text for reply in house.parlour.posted if reply.kind == "notice"]
        assert len(notices) == 2
        assert "/privacy off" in notices[0]
        assert "is kept as this community's memory" in notices[0]
        assert "/privacy off" in notices[1]
        assert "Gedächtnis" in notices[1]
        assert kept(house) == [("max", "Ich bringe den Kuchen mit"), ("ada", "and I the tea")]


async def test_it_stays_within_the_communitys_public_places(tmp_path: Path) -> None:
    closed = place_audience(CLUB, "board")
    async with opened(tmp_path, play) as house:
        await remembering(house, "ada")
        await overheard(house, "ada", "the zebra meets at noon")
        await overheard(house, "ada", "the walrus is a secret", closed, "board")
        await overheard(house, "ada", "the walrus is abroad", community_audience(OTHER), "agora")
        await house.app.inbound.submit(house.message("ada", "the walrus is private"))
        await house.settled("parlour:ada")
        assert [text for _, text in kept(house)] == ["the zebra meets at noon"]
        for audience, place in (("private", "zoe"), (closed, "board"), (community_audience(OTHER), "agora")):
            assert "zebra meets" not in await found(house, "zebra", audience, place)
        assert "zebra meets" in await found(house, "zebra")


async def test_who_is_kept_out_is_kept_out_for_good(tmp_path: Path) -> None:
    async with opened(tmp_path, play) as house:
        await remembering(house, "ada", "bob")
        await overheard(house, "ada", "my locker is number seventeen")
        await house.say("ada", "share the locker is number seventeen", audience=HALL, place="hall")
        assert "seventeen" in await found(house, "locker number")
        assert "Nothing that you say" in (await command(house, "ada", "privacy off")).text
        await overheard(house, "ada", "my locker is number eighteen")
        await overheard(house, "bob", "ada said that her locker is number nineteen")
        quote = Quote(key="parlour:q", account="parlour:ada", text="ada: it is number twenty")
        event = house.message("zoe", "what?", audience=HALL, place="hall", context=(quote,), reply_to=quote)
        await house.tell(event)
        shared = await house.say("ada", "share the locker is number twenty-one", audience=HALL, place="hall")
        assert "Nothing was stored" in shared[0].text
        said = await house.say("bob", "share ada has locker twenty-two", audience=HALL, place="hall")
        assert "Nothing was stored" in said[0].text
        assert all("locker" not in text for _, text in kept(house))
        assert "locker is" not in await found(house, "locker number")
        assert house.rows("SELECT count(*) FROM passages") == [(0,)]
        assert house.rows("SELECT count(*) FROM messages WHERE rendered LIKE '%number twenty\"%'") == [(0,)]
        await command(house, "ada", "forget yes")
        await overheard(house, "ada", "my locker is number eighteen")
        await overheard(house, "ada", "my locker is number eighteen")
        assert all(author != "ada" for author, _ in kept(house)), "also who was forgotten since"
        await command(house, "ada", "privacy on")
        await overheard(house, "ada", "here I am again")
        assert ("ada", "here I am again") in kept(house)


async def test_it_is_forgotten_exported_listed_and_deleted(tmp_path: Path) -> None:
    async with opened(tmp_path, play) as house:
        await remembering(house, "ada", "bob")
        for text in ("the first marmot", "the second marmot", "the third marmot"):
            await overheard(house, "ada", text)
        await overheard(house, "bob", "a marmot of mine")
        listed = await command(house, "ada", "memory rooms")
        assert [entry.text for entry in listed.entries] == [
            "the third marmot",
            "the second marmot",
            "the first marmot",
        ]
        other = (await command(house, "bob", "memory rooms")).entries[0].actions[0].argument
        assert (await command(house, "ada", f"memory {other}")).kind == "error", "it is another's"
        await command(house, "ada", f"memory {listed.entries[0].actions[0].argument}")
        assert [text for _, text in kept(house)] == [
            "the first marmot",
            "the second marmot",
            "a marmot of mine",
        ]
        exported = await command(house, "ada", "export")
        told = ZipFile(BytesIO(exported.files[0].data)).read("rooms.md").decode()
        assert "the second marmot" in told
        assert "of mine" not in told
        assert "second marmot" in await found(house, "marmot")
        await command(house, "ada", "forget yes")
        assert [text for _, text in kept(house)] == ["a marmot of mine"]
        shown = house.rows(
            "SELECT count(*) FROM messages WHERE role = 'tool' AND rendered LIKE '%second marmot%'"
        )
        assert shown == [(0,)], "it is out of what searches have shown"


async def test_it_follows_its_author_and_is_kept_once(tmp_path: Path) -> None:
    async with opened(tmp_path, play) as house:
        await remembering(house, "ada")
        event = house.message("ada", "we meet at five", audience=HALL, place="hall", addressed=False)
        for _ in range(2):
            await house.app.inbound.submit(event)
        assert kept(house) == [("ada", "we meet at five")]
        where = house.who("ada", HALL, "hall")
        await house.app.inbound.submit(MessageEdited(**where, target=event.key, text="we meet at six"))
        assert kept(house) == [("ada", "we meet at six")]
        await house.app.inbound.submit(MessageDeleted(**house.who("ada", HALL, "hall"), target=event.key))
        assert kept(house) == []
        await house.app.inbound.submit(event)
        assert kept(house) == [], "what its author deleted is not kept when it is told again"


async def test_switched_off_it_is_gone(tmp_path: Path) -> None:
    async with opened(tmp_path, play) as house:
        await remembering(house, "ada")
        await overheard(house, "ada", "the heron flies at dawn")
        assert "Sure?" in (await command(house, "eve", "room memory off", admin=True)).text
        await command(house, "eve", "room memory off yes", admin=True)
        assert kept(house) == []
        await overheard(house, "ada", "the heron flies at dusk")
        assert kept(house) == []
        assert "heron flies" not in await found(house, "heron")
        assert "not kept" in (await command(house, "eve", "room")).text


async def test_it_comes_to_mind(tmp_path: Path) -> None:
    requests: list[ModelRequest] = []

    def hears(request: ModelRequest) -> ModelReply:
        requests.append(request)
        return say("Hm.")

    async with opened(tmp_path, hears) as house:
        await remembering(house, "ada")
        await overheard(house, "ada", "The spare key of the boathouse hangs behind the blue shutter.")
        await house.say("zoe", "Where does the spare key of the boathouse hang?", audience=HALL, place="hall")
        assert "(said here) ada: The spare key" in whole(requests[-1])
        await house.say("zoe", "Where does the spare key of the boathouse hang?")
        assert "blue shutter" not in whole(requests[-1])


async def test_what_was_said_last_comes_to_mind_first(tmp_path: Path) -> None:
    """Of what a room heard the newest is preferred, as where it is searched."""
    async with opened(tmp_path, play) as house:
        await remembering(house, "eve", "bob")
        await overheard(house, "eve", "The regatta is on the lake in Porto")
        for number in range(12):
            await overheard(house, "bob", f"Chatter number {number} about lunch and the weather")
        await overheard(house, "eve", "The regatta is on the lake in Sintra")
        who = await house.app.identities.of(house.message("zoe", "", audience=HALL, place="hall"))
        reader = Associative(house.app.memory.store, house.app.memory.indexer, len, 10_000)
        cue = Cue(
            agent=who.agent, text="Where is the regatta on the lake?", audience=HALL, now=house.clock.now()
        )
        heeded, _ = await reader.read(cue)
        texts = [memory.text for each in heeded for memory in each.memories]
        assert [text[-6:] for text in texts if "regatta" in text] == ["Sintra", " Porto"]


async def test_two_of_one_name_are_told_apart(tmp_path: Path) -> None:
    async with opened(tmp_path, play) as house:

        async def alex(which: str, text: str) -> None:
            event = house.message(f"alex-{which}", text, audience=HALL, place="hall", addressed=False)
            await house.app.inbound.submit(replace(event, name="Alex"))

        await remembering(house, "bob")
        for which in ("north", "south"):
            await alex(which, "hello")
        await alex("north", "I am for getting hens")
        text = await found(house, "hens")
        assert "Alex: I am for getting hens" in text, "there is only one"
        assert "two people of one name" not in text
        await alex("south", "Hens are too loud, no hens")
        await overheard(house, "bob", "hens or no hens, I cook")
        text = await found(house, "hens")
        assert "Alex (1): I am for getting hens" in text
        assert "Alex (2): Hens are too loud" in text
        assert "bob: hens or" in text
        assert "two people of one name" in text
        assert "alex-" not in text, "accounts are not shown"
        await command(house, "alex-north", "forget yes")
        assert "Alex (2): Hens are too loud" in await found(house, "hens"), "who was the second stays so"
        assert house.rows("SELECT number FROM room_names WHERE name = 'Alex'") == [(2,)]


async def test_no_name_passes_for_a_number(tmp_path: Path) -> None:
    async with opened(tmp_path, play) as house:
        await remembering(house, "bob (2)")
        await overheard(house, "bob (2)", "the marmot is mine")
        assert "bob (2) (1): the marmot is mine" in await found(house, "marmot")


@pytest.mark.parametrize("secret", ["sk-proj-abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGH"])
async def test_a_room_keeps_no_secrets(tmp_path: Path, secret: str) -> None:
    async with opened(tmp_path, play) as house:
        await remembering(house, "ada")
        await overheard(house, "ada", f"the key is {secret}")
        [(_, text)] = kept(house)
        assert secret not in text


async def test_a_room_keeps_nothing_that_is_refused(tmp_path: Path) -> None:
    async with opened(tmp_path, play, safety={"words": ["zorblax"]}) as house:
        await remembering(house, "ada")
        await overheard(house, "ada", "all hail zorblax, said the parrot of the inn")
        await overheard(house, "ada", "the boat leaves the harbour at seven on Friday")
        assert [text for _, text in kept(house)] == ["the boat leaves the harbour at seven on Friday"]
