"""One story with the servers of every vendor: twenty turns, and a model switch between each two."""

from __future__ import annotations

import base64
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from bot.events import Attachment
from tests.fakes.parlour import House, opened
from tests.fakes.pictures import png
from tests.fakes.vendors import FORBIDDEN, VENDORS, Player, VendorServer

PICTURE = f"data:image/png;base64,{base64.b64encode(png()).decode()}"
SMALL = {"context_window": 8_192, "reply_reserve": 512}
UNSAID = re.compile(r"opaque:|[<\[{`]|think|reasoning", re.IGNORECASE)
"""What never belongs into a reply of this story."""


ALIKE = ("mistral-v3", "deepseek-r1", "ollama-gemma", "vllm-plain", "llama.cpp-plain")
"""Servers of the same vendors, set up otherwise: a shorter story will do."""
EACH = [name for name in VENDORS if name not in ALIKE]


@pytest.fixture
async def server(request: pytest.FixtureRequest) -> AsyncIterator[VendorServer]:
    async with VendorServer(VENDORS[request.param](), Player()) as running:
        yield running


@asynccontextmanager
async def living(folder: Path, server: VendorServer, **model: Any) -> AsyncIterator[House]:
    async with opened(folder, None, model={**server.settings, **model}) as house:
        yield house


async def heard(house: House, text: str, *, look: bool = False) -> str:
    image = (Attachment(name="cat.png", media_type="image/png", image=PICTURE),) if look else ()
    replies = await house.tell(house.message("ada", text, attachments=image))
    assert len(replies) == 1, [reply.text for reply in replies]
    assert replies[0].kind == "reply", replies[0].text
    assert not UNSAID.search(replies[0].text)
    return replies[0].text


async def a_while(house: House, first: int) -> None:
    """Nine turns of all kinds."""
    assert "Noted" in await heard(house, f"remember that number {first} is mine")
    assert f"Hello {first}" in await heard(house, f"Hello {first}")
    assert "Looked it up" in await heard(house, "search my number")
    assert "Plainly" in await heard(house, "plainly, who are you?")
    assert "A picture" in await heard(house, "Look!", look=True)
    for n in range(first, first + 4):
        assert f"Tea {n}" in await heard(house, f"Tea {n} " + "and cake " * 100)


@pytest.mark.parametrize("server", ALIKE, indirect=True)
async def test_nine_turns(tmp_path: Path, server: VendorServer) -> None:
    async with living(tmp_path, server) as house:
        await a_while(house, 1)
    assert not server.faults
    assert len(server.lessons) == len(set(server.lessons))


@pytest.mark.parametrize("server", EACH, indirect=True)
async def test_twenty_turns(tmp_path: Path, server: VendorServer) -> None:
    async with living(tmp_path, server, **SMALL) as house:
        await a_while(house, 1)
    learned = len(server.lessons)
    async with living(tmp_path, server, **SMALL) as house:
        await a_while(house, 11)
        assert "Bye" in await heard(house, "Bye")
        assert "Well" in await heard(house, "Well?")
        [[summary]] = house.rows("SELECT text FROM summaries")
        [[human]] = house.rows("SELECT value FROM blocks WHERE label = 'human'")
    assert "They talked" in summary  # written by this very model
    assert "number 1 " in human
    assert "number 11 " in human
    assert not server.faults
    # What was learned is kept: no refusal is met twice in one life.
    assert len(server.lessons[:learned]) == len(set(server.lessons[:learned]))
    assert len(server.lessons[learned:]) == len(set(server.lessons[learned:]))


@pytest.mark.parametrize("server", EACH, indirect=True)
async def test_a_refused_turn_and_one_that_is_too_long(
    tmp_path: Path, server: VendorServer, caplog: pytest.LogCaptureFixture
) -> None:
    async with living(tmp_path, server) as house:
        await heard(house, "remember my dog")
        if server.vendor.filters:
            [told] = await house.say("ada", f"a {FORBIDDEN} question")
            assert told.kind == "error"
            assert "declined" in told.text
        for n in range(4):
            await heard(house, f"Tea {n} " + "and cake " * 60)
        silent = server.vendor.name.startswith("ollama")
        server.window = 1_500 if silent else server.vendor.tokens(server.bodies[-1]) - 200
        assert "Milk" in await heard(house, "Milk?")
        assert "Sugar" in await heard(house, "Sugar?")
    assert server.overflows == (2 if silent else 1)
    assert ("OLLAMA_CONTEXT_LENGTH" in caplog.text) is silent
    assert not server.faults


@pytest.mark.parametrize(
    ("first", "second"),
    [("gemini", "mistral"), ("mistral", "deepseek"), ("deepseek", "gemini"), ("vllm-plain", "gemini")],
)  # fmt: skip
async def test_another_vendor_goes_on_in_the_middle_of_a_turn(
    tmp_path: Path, first: str, second: str
) -> None:
    player = Player()
    async with (
        VendorServer(VENDORS[first](), player) as one,
        VendorServer(VENDORS[second](), player) as two,
    ):
        other = {name: two.settings[name] for name in ("name", "base_url", "api_key")}
        async with living(tmp_path, one, fallbacks=[other | {"extra": {}, "temperature": 1.0}]) as house:
            await heard(house, "remember my dog")
            one.down_after = one.vendor.said + 1  # it searches, and is gone
            assert "Looked it up" in await heard(house, "search my dog")
            assert "Hello" in await heard(house, "Hello")
            assert two.vendor.said == 2
            one.down_after, two.down_after = None, two.vendor.said + 1
            await house.clock.sleep(3_600)
            assert "Looked it up" in await heard(house, "search my dog")
        assert (one.faults, two.faults) == ([], [])


async def test_a_conversation_goes_round_all_vendors(tmp_path: Path) -> None:
    player = Player()
    async with AsyncExitStack() as stack:
        servers = [await stack.enter_async_context(VendorServer(kind(), player)) for kind in VENDORS.values()]
        for n, server in enumerate([*servers, servers[0]]):
            async with living(tmp_path, server) as house:
                assert f"Hello {n}" in await heard(house, f"Hello {n}"), server.vendor.name
                assert "Noted" in await heard(house, f"remember {n}")
                assert "Looked it up" in await heard(house, "search it")
        assert {server.vendor.name: server.faults for server in servers if server.faults} == {}
