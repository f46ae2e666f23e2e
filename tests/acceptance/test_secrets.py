"""Secrets are not stored, in no byte of the data directory, unless the person insists."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.events import Attachment, Command, DocumentUploaded, MessageEdited, Quote, origin_of
from bot.ports import ModelReply, ModelRequest
from memory.records import community_audience
from tests.acceptance.test_pictures import event_of
from tests.fakes.parlour import House, opened
from tests.fakes.scripted_model import calls, say

KEY = "ghp_" + "16C7e42F292c6912E7710c838347Ae178B4a"
CARD = "4111 1111 1111 1111"
TOLD = "That held a secret"
GUILD = community_audience("parlour:guild")


def echo(request: ModelRequest) -> ModelReply:
    return say(f"You said: {event_of(request).get('message', '')}")


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with opened(tmp_path, echo) as house:
        yield house


def nowhere(house: House, *secrets: str) -> None:
    """None of them is in any row, nor in any file."""
    for path in house.settings.data_dir.rglob("*"):
        data = path.read_bytes() if path.is_file() else b""
        assert not any(secret.encode() in data for secret in secrets), path


async def command(house: House, line: str, value: str = "", user: str = "ada") -> str:
    name, _, argument = line.partition(" ")
    who = origin_of(house.message(user, ""))
    view = await house.app.inbound.invoke(Command(**who, command=name, argument=argument, value=value))
    return view.text


async def test_a_secret_is_masked_before_anything_is_written_and_told_of_once(house: House) -> None:
    first = await house.say("ada", f"My GitHub token is {KEY}, keep it")
    assert [reply.kind for reply in first] == ["notice", "reply"]
    assert first[0].text.startswith(TOLD)
    assert first[1].text == "You said: My GitHub token is [API key not kept], keep it"
    second = await house.say("ada", f"and my card: {CARD}")
    assert [reply.text for reply in second] == ["You said: and my card: [card number not kept]"]
    nowhere(house, KEY, CARD)


async def test_who_insists_is_heard_as_they_write_and_may_change_their_mind(house: House) -> None:
    assert "From now on I keep" in await command(house, "privacy secrets keep")
    assert "you want keys" in await command(house, "privacy")
    [reply] = await house.say("ada", f"My token is {KEY}")
    assert reply.text == f"You said: My token is {KEY}"
    [_, bobs] = await house.say("bob", f"My token is {KEY}")  # it is ada's wish alone
    assert bobs.text == "You said: My token is [API key not kept]"
    assert "no keys" in await command(house, "privacy secrets mask")
    [_, reply] = await house.say("ada", f"My card is {CARD}")
    assert reply.text == "You said: My card is [card number not kept]"
    assert "/privacy secrets keep" in await command(house, "privacy secrets always")


async def test_what_was_edited_what_others_said_and_what_was_attached_are_masked_too(house: House) -> None:
    event = house.message("ada", "hello", audience=GUILD, place="hall")
    await house.tell(event)
    edit = MessageEdited(
        **origin_of(event), key="parlour:e", at=event.at, target=event.key, text=f"hello {KEY}"
    )
    await house.app.inbound.submit(edit)
    stored = await house.stored(event)
    assert stored is not None
    assert stored.text == "hello [API key not kept]"
    line = Quote(key="parlour:1", account="parlour:bob", text=f"mine is {KEY}")
    notes = Attachment(name="notes.txt", media_type="text/plain", text=f"card {CARD}")
    shown = house.message("ada", "look", context=(line,), reply_to=line, attachments=(notes,))
    posts = await house.tell(shown)
    assert [post.kind for post in posts] == ["notice", "reply"]
    nowhere(house, KEY, CARD)


async def test_anothers_secret_is_no_reason_to_tell_the_person(house: House) -> None:
    line = Quote(key="parlour:1", account="parlour:bob", text=f"mine is {KEY}")
    [reply] = await house.tell(house.message("ada", "look", context=(line,)))
    assert reply.kind == "reply"


async def test_a_document_is_kept_without_them(house: House) -> None:
    facts = house.who("ada")
    data = base64.b64encode(f"# Notes\n\nThe key is {KEY}.".encode()).decode()
    posts = await house.tell(DocumentUploaded(**facts, document="notes.md", text="", data=data))
    assert TOLD in posts[0].text
    texts = str(house.rows("SELECT text FROM passages"))
    assert "[API key not kept]" in texts
    nowhere(house, KEY)


async def test_a_note_by_command_is_kept_without_them_and_told_of(house: House) -> None:
    told = await command(house, f"memory add the card is {CARD}")
    assert told.endswith("say `/privacy secrets keep`.")
    assert house.rows("SELECT text FROM passages") == [("the card is [card number not kept]",)]
    nowhere(house, CARD)


@pytest.mark.parametrize("way", ["note", "said"])
async def test_what_the_agent_found_elsewhere_is_kept_without_them(tmp_path: Path, way: str) -> None:
    def play(request: ModelRequest) -> ModelReply:
        if way == "said":
            return say(f"Use {KEY}, and as a password: tr0ub4dor&3")
        note = {"content": f"{KEY}; password: hunter22"}
        return calls(("archival_memory_insert", note), ("send_message", {"message": "noted"}))

    async with opened(tmp_path, play) as house:
        [reply] = await house.say("ada", "look for it")
        rows = str(house.rows("SELECT text, rendered FROM messages"))
        nowhere(house, KEY)
        if way == "said":  # a password that it made up is its answer
            assert reply.text == "Use [API key not kept], and as a password: tr0ub4dor&3"
        else:
            assert house.rows("SELECT text FROM passages") == [
                ("[API key not kept]; password: [password not kept]",)
            ]
            assert "hunter22" not in rows
        for (rendered,) in house.rows("SELECT rendered FROM messages"):
            json.loads(rendered)


async def test_where_the_operator_keeps_them_nothing_is_changed(tmp_path: Path) -> None:
    async with opened(tmp_path, echo, safety={"secrets": "keep"}) as house:
        [reply] = await house.say("ada", f"My token is {KEY}")
        assert reply.text == f"You said: My token is {KEY}"
