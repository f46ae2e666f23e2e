"""Pictures that are made, and what is spoken and heard, are counted and paid for like tokens."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.errors import SettingsError
from bot.operations.operator import Operator, Spent, subject_of
from bot.people.prices import Prices
from bot.settings import PriceSettings, Settings
from memory.records import Usage, community_audience
from tests.acceptance.test_files_out import clerk, files
from tests.acceptance.test_voice import audio, echo, spoken
from tests.fakes.openai_media import OpenAIMedia
from tests.fakes.parlour import House, opened

GUILD = "parlour:guild"
PRICES: dict[str, Any] = {
    "gpt-image-1": {"picture": 2.0},
    "gpt-4o-mini-tts": {"characters": 500.0},
    "whisper-1": {"minute": 20.0},
}


def operator(house: House) -> Operator:
    prices = {name: PriceSettings(**price) for name, price in PRICES.items()}
    return Operator(house.app.memory.store, house.clock, Prices(prices), "parlour:boss")


async def used(house: House, by: Any = "model") -> dict[str, Spent]:
    found = await operator(house).usage(by, house.clock.now() - timedelta(days=1))
    return {each.key: each for each in found}


def painting(server: OpenAIMedia) -> dict[str, Any]:
    return {"name": "gpt-image-1", "base_url": server.url, "api_key": "sk-media"}


async def test_pictures_are_paid_for_until_the_months_budget_is_spent(tmp_path: Path) -> None:
    async with OpenAIMedia() as server:
        async with opened(tmp_path, clerk, images=painting(server), prices=PRICES) as house:
            await operator(house).budget(subject_of("parlour:ada", community=False), None, 3.0)
            await house.app.orders.take()
            for text in ("draw a cat", "draw a dog"):
                assert len(files(await house.say("ada", text))) == 1
            spent = await used(house)
            assert spent["gpt-image-1"].usage == Usage(pictures=2)
            assert (spent["gpt-image-1"].cost, spent["gpt-image-1"].unpriced) == (4.0, False)
            assert (await used(house, "person"))["parlour:ada"].cost == 4.0
            [limited] = await operator(house).restrictions()
            assert limited.cost_this_month == 4.0
            view = await house.app.inbound.submit(house.message("ada", "draw a bird"))
            assert view is not None
            assert "is used up" in view.text
    assert server.painted == ["draw a cat", "draw a dog"]


async def test_a_communitys_budget_counts_pictures_made_in_it(tmp_path: Path) -> None:
    hall: dict[str, Any] = {"audience": community_audience(GUILD), "place": "hall"}
    async with OpenAIMedia() as server:
        access = {"require_mention": False}
        async with opened(tmp_path, clerk, images=painting(server), prices=PRICES, access=access) as house:
            await operator(house).budget(subject_of(GUILD, community=True), None, 2.0)
            await house.app.orders.take()
            await house.say("ada", "draw a cat", **hall)
            assert (await used(house, "community"))[GUILD].cost == 2.0
            view = await house.app.inbound.submit(house.message("bob", "draw a dog", **hall))
            assert view is not None
            assert "What I may spend here this month is used up" in view.text
            assert files(await house.say("bob", "draw a dog")), "in their own place they may"
    assert server.painted == ["draw a cat", "draw a dog"]


async def test_a_picture_that_was_declined_costs_nothing(tmp_path: Path) -> None:
    async with OpenAIMedia() as server:
        async with opened(tmp_path, clerk, images=painting(server)) as house:
            await house.say("ada", "draw something forbidden")
            assert "gpt-image-1" not in await used(house)


async def test_what_is_heard_and_spoken_is_counted(tmp_path: Path) -> None:
    async with OpenAIMedia("Buy lemons") as server:
        async with opened(tmp_path, echo, audio={**audio(server), "speak": True}, prices=PRICES) as house:
            [reply] = await house.tell(spoken(house))
            assert reply.file is not None
            spent = await used(house)
            assert spent["whisper-1"].usage == Usage(seconds=3)
            assert spent["whisper-1"].cost == pytest.approx(1.0)
            length = len("You said: (voice) Buy lemons")
            assert spent["gpt-4o-mini-tts"].usage == Usage(characters=length)
            assert spent["gpt-4o-mini-tts"].cost == pytest.approx(length / 2)


async def test_a_budget_that_is_spent_leaves_the_answer_in_writing(tmp_path: Path) -> None:
    async with OpenAIMedia("Buy lemons") as server:
        speaking = {**audio(server), "speak": True}
        async with opened(tmp_path, echo, audio=speaking, prices=PRICES) as house:
            await operator(house).budget(subject_of("parlour:ada", community=False), None, 1.0)
            await house.app.orders.take()
            replies = await house.tell(spoken(house))
            assert [reply.file for reply in replies] == [None] * len(replies)
    assert server.spoke == []


async def test_without_a_price_it_is_counted_and_said_so(tmp_path: Path) -> None:
    async with OpenAIMedia() as server:
        async with opened(tmp_path, clerk, images=painting(server)) as house:
            await house.say("ada", "draw a cat")
            [made] = await Operator(house.app.memory.store, house.clock, Prices({}), "x").usage(
                "person", house.clock.now() - timedelta(days=1)
            )
            assert (made.usage.pictures, made.cost, made.unpriced) == (1, 0.0, True)


@pytest.mark.parametrize("price", [{}, {"input": 1.0}, {"cached": 1.0, "picture": 1.0}, {"minute": -1.0}])
def test_a_price_that_says_nothing_is_refused(price: dict[str, float]) -> None:
    with pytest.raises((SettingsError, ValueError)):
        Settings.model_validate({"prices": {"m": price}})
