"""Documents that people send in chat."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import Path

import pytest

from bot.events import DocumentUploaded
from bot.ports import ModelReply, ModelRequest
from tests.fakes.documents import pdf
from tests.fakes.parlour import House, events_in, opened
from tests.fakes.scripted_model import ScriptedModel, say


def uploaded(house: House, name: str, data: bytes) -> DocumentUploaded:
    return DocumentUploaded(**house.who("ada"), document=name, text="", data=base64.b64encode(data).decode())


def shown(requests: Sequence[ModelRequest]) -> dict[str, dict[str, str]]:
    """What the model was told of each document."""
    return {
        event["document"]: event
        for request in requests
        for event in events_in(request)
        if event["type"] == "document_uploaded"
    }


async def test_a_document_is_read_as_load_reads_it(tmp_path: Path) -> None:
    model = ScriptedModel(lambda _: say("Read."))
    async with opened(tmp_path / "data", model) as house:
        await house.tell(uploaded(house, "letter.pdf", pdf(tmp_path, "The alarm code is 4711.")))
        await house.tell(uploaded(house, "ключ.txt", "Ключ под ковром.".encode("koi8-r")))
        await house.tell(uploaded(house, "prices.csv", b"Item;Price\nPump;40\n"))
        await house.tell(uploaded(house, "long.txt", b"word " * 300_000))
        stored = "".join(str(payload) for (payload,) in house.rows("SELECT payload FROM inbox"))
    told = shown(model.requests)
    assert told["letter.pdf"]["message"] == "The alarm code is 4711."
    assert told["ключ.txt"]["message"] == "Ключ под ковром."
    assert told["prices.csv"]["message"] == "| Item | Price |\n| --- | --- |\n| Pump | 40 |"
    assert " of 10000" in told["long.txt"]["message"]
    assert '"data": ""' in stored
    assert base64.b64encode(b"Item;Price").decode()[:8] not in stored


@pytest.mark.parametrize(
    ("name", "data", "problem"),
    [
        ("noise.pdf", b"%PDF-1.4 broken", "noise.pdf is not a readable PDF file"),
        ("empty.docx", b"", "empty.docx is empty."),
        ("locked.pdf", b"", "locked.pdf is encrypted"),
        ("noise.txt", bytes(range(256)), "noise.txt is binary"),
    ],
)
async def test_what_cannot_be_read_is_told_to_the_model(
    tmp_path: Path, name: str, data: bytes, problem: str
) -> None:
    if name == "locked.pdf":
        data = pdf(tmp_path, "secret", password="swordfish")
    model = ScriptedModel([say("I could not read it.")])
    async with opened(tmp_path / "data", model) as house:
        replies = await house.tell(uploaded(house, name, data))
    assert [reply.text for reply in replies] == ["I could not read it."]
    if data:
        assert shown(model.requests)[name]["problem"].startswith(problem)


async def test_other_people_are_answered_while_a_document_is_read(tmp_path: Path) -> None:
    order: list[str] = []

    def play(request: ModelRequest) -> ModelReply:
        order.append(events_in(request)[-1]["name"])
        return say("Yes?")

    async with opened(tmp_path / "data", ScriptedModel(play)) as house:
        slow = uploaded(house, "letter.pdf", pdf(tmp_path, "The alarm code is 4711."))
        await house.app.inbound.submit(slow)
        await house.say("bob", "Hello")
        await house.settled(slow.address)
    assert order == ["bob", "ada"]
