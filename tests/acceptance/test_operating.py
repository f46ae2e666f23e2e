"""What operators see and do while everbot runs: who waits, what it costs; blocks, budgets, turns called off. What they
do is rows, as `everbot admin` writes them from another process."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.cli import operating
from bot.errors import DeliveryRefused, EverbotError, ModelUnavailable
from bot.events import Reply
from bot.operations.operator import Operator, subject_of
from bot.people.prices import Prices
from bot.ports import ModelReply, ModelRequest
from bot.settings import PriceSettings
from memory.records import Usage, community_audience
from tests.acceptance.test_limits import DAY, living, talk, told
from tests.fakes.clock import FakeClock
from tests.fakes.parlour import House, Parlour, opened, parrot
from tests.fakes.scripted_model import say

GUILD = "parlour:guild"
PRICES = {"stage": PriceSettings(input=10_000.0, output=100_000.0, cached=1_000.0)}
"""A request of `tests.fakes.scripted_model` (100 tokens in, 10 out) costs 2."""


class StandingClock(FakeClock):
    """Who sleeps by it sleeps on."""

    async def sleep(self, seconds: float) -> None:
        await asyncio.Event().wait()


def operator(house: House) -> Operator:
    return Operator(house.app.memory.store, house.clock, Prices(PRICES), "parlour:boss")


async def heeded(house: House) -> None:
    """The process that runs has taken what operators ordered."""
    await house.app.orders.take()


async def test_who_is_blocked_is_not_thought_about_until_they_are_let_in_again(tmp_path: Path) -> None:
    async with living(tmp_path) as home:
        await home.say("ada", "Hello")
        await operator(home).block("parlour:ada", True)
        await heeded(home)
        before = len(home.stage.requests)
        assert await home.say("ada", "Hello?") == []
        assert "may not talk" in await home.command("ada", "memory")
        assert await home.say("bob", "Hello"), "others may"
        assert len(home.stage.requests) == before + 1
        await operator(home).block("parlour:ada", False)
        await heeded(home)
        assert await home.say("ada", "Hello!")


async def test_a_block_holds_after_a_restart_and_for_who_is_not_known_yet(tmp_path: Path) -> None:
    async with living(tmp_path) as home:
        await operator(home).block("parlour:eve", True)
    async with living(tmp_path) as home:
        assert await home.say("eve", "Let me in") == []
        assert home.stage.requests == []


async def test_a_cap_of_tokens_ends_one_persons_day_in_one_sentence(tmp_path: Path) -> None:
    async with living(tmp_path) as home:
        await home.say("ada", "One")
        await operator(home).budget(subject_of("parlour:ada", community=False), 150, None)
        await heeded(home)
        assert await home.say("ada", "Two"), "110 of 150 are used"
        view = await home.app.inbound.submit(home.message("ada", "Three"))
        assert "my allowance for you is used up" in told(view)
        assert await home.app.inbound.submit(home.message("ada", "Four")) is None, "it is said once"
        assert await home.say("bob", "One")
        home.clock.advance(DAY)  # type: ignore[attr-defined]
        assert await home.say("ada", "Good morning")


async def test_forgetting_begins_no_budget_anew(tmp_path: Path) -> None:
    async with living(tmp_path) as home:
        await operator(home).budget(subject_of("parlour:ada", community=False), 100, None)
        await heeded(home)
        await home.say("ada", "One")
        await home.command("ada", "forget everything yes")
        await home.app.restrictions.load()
        view = await home.app.inbound.submit(home.message("ada", "Two"))
        assert "used up" in told(view)


async def test_a_communitys_cap_counts_all_of_its_people_and_leaves_their_own_places_alone(
    tmp_path: Path,
) -> None:
    hall: dict[str, Any] = {"audience": community_audience(GUILD), "place": "hall"}
    async with living(tmp_path, access={"require_mention": False}) as home:
        await operator(home).budget(subject_of(GUILD, community=True), 200, None)
        await heeded(home)
        assert await home.say("ada", "One", **hall)
        assert await home.say("bob", "Two", **hall)
        view = await home.app.inbound.submit(home.message("ada", "Three", **hall))
        assert told(view) == "What I may spend here today is used up. I will be back tomorrow."
        assert await home.say("ada", "In private")
        [limited] = await operator(home).restrictions()
        assert limited.tokens_today == 220


async def test_a_budget_of_money_ends_with_the_month(tmp_path: Path) -> None:
    prices = {"stage": {"input": 10_000.0, "output": 100_000.0}}
    async with living(tmp_path, prices=prices) as home:
        await home.say("ada", "One")
        await operator(home).budget(subject_of("parlour:ada", community=False), None, 4.0)
        await heeded(home)
        assert await home.say("ada", "Two"), "2 of 4 are spent"
        view = await home.app.inbound.submit(home.message("ada", "Three"))
        assert told(view) == "What I may spend on you this month is used up. I will be back next month."
        home.clock.advance(9 * DAY)  # type: ignore[attr-defined] # to the last day of November
        assert "next month" in told(await home.app.inbound.submit(home.message("ada", "Four")))
        home.clock.advance(DAY)  # type: ignore[attr-defined]
        assert await home.say("ada", "Five")


async def test_a_budget_of_money_without_prices_is_refused(tmp_path: Path) -> None:
    async with living(tmp_path) as home:
        poor = Operator(home.app.memory.store, home.clock, Prices({}), "boss")
        with pytest.raises(EverbotError, match="prices"):
            await poor.budget(subject_of("parlour:ada", community=False), None, 4.0)


async def test_many_at_once_use_no_more_of_a_cap_than_one_after_the_other(tmp_path: Path) -> None:
    hall: dict[str, Any] = {"audience": community_audience(GUILD)}

    async def slow(request: ModelRequest) -> ModelReply:
        for _ in range(20):
            await asyncio.sleep(0)
        return talk(request)

    async with living(tmp_path, slow, access={"require_mention": False}) as home:
        await operator(home).budget(subject_of(GUILD, community=True), 110, None)
        await heeded(home)
        for name in ("ada", "bob", "cy", "dot"):
            await home.app.inbound.submit(home.message(name, "Hello", place=f"hall-{name}", **hall))
        for name in ("ada", "bob", "cy", "dot"):
            await home.settled(f"parlour:hall-{name}")
        assert home.used() == 110


async def test_a_turn_that_waits_for_its_model_is_seen_and_gone_on_with_at_an_operators_word(
    tmp_path: Path,
) -> None:
    up = [False]

    def play(request: ModelRequest) -> ModelReply | Exception:
        return parrot(request) if up[0] else ModelUnavailable("down")

    async with opened(tmp_path, play, clock=StandingClock()) as house:
        assert await operator(house).turns() == []
        await house.app.inbound.submit(house.message("ada", "Hello"))
        assert not await house.app.inbound.settled("parlour:ada")
        [waiting] = await operator(house).turns()
        assert (waiting.person, waiting.persona, waiting.address) == ("ada", "ever", "parlour:ada")
        assert waiting.waits
        assert waiting.since == house.clock.now()
        up[0] = True
        assert await operator(house).retry(waiting.turn_id)
        await heeded(house)
        await house.settled("parlour:ada")
        assert "You said" in house.parlour.posted[-1].text
        assert await operator(house).turns() == []
        assert not await operator(house).retry(waiting.turn_id), "it is over"


async def test_a_turn_is_called_off_at_an_operators_word(tmp_path: Path) -> None:
    asked = asyncio.Event()

    async def hang(request: ModelRequest) -> ModelReply:
        asked.set()
        await asyncio.Event().wait()
        raise AssertionError

    async with opened(tmp_path, hang) as house:
        await house.app.inbound.submit(house.message("ada", "Hello"))
        await asked.wait()
        [running] = await operator(house).turns()
        assert not running.waits
        assert await operator(house).stop(running.turn_id)
        await heeded(house)
        await house.settled("parlour:ada")
        assert [reply.text for reply in house.parlour.posted] == ["Stopped."]


async def test_a_refused_reply_is_listed_and_sent_again(tmp_path: Path) -> None:
    closed = [True]

    class Fussy(Parlour):
        async def send(self, reply: Reply) -> str:
            if closed[0]:
                raise DeliveryRefused("closed")
            return await super().send(reply)

    async with opened(tmp_path, parrot, parlour=Fussy()) as house:
        await house.say("ada", "Hello")
        [refused] = await operator(house).undelivered()
        assert (refused.state, refused.person, refused.address) == ("refused", "ada", "parlour:ada")
        closed[0] = False
        assert await operator(house).send_again(refused.id)
        await heeded(house)
        await house.settled("parlour:ada")
        assert len(house.parlour.posted) == 1
        assert await operator(house).undelivered() == []
        assert not await operator(house).send_again(refused.id), "it was sent"


async def test_what_went_wrong_is_counted_by_its_kind_through_restarts(tmp_path: Path) -> None:
    for _ in range(2):
        script: list[ModelReply | Exception] = [ModelUnavailable("down"), say("Hello")]
        async with opened(tmp_path, lambda _, left=script: left.pop(0)) as house:  # type: ignore[misc]
            await house.say("ada", "Hello")
    async with opened(tmp_path, parrot) as house:
        since = house.clock.now() - timedelta(days=1)
        [fault] = await operator(house).faults(since)
    assert (fault.kind, fault.platform, fault.model, fault.count) == (
        "ModelUnavailable",
        "parlour",
        "stage",
        2,
    )


async def test_usage_is_summed_by_what_the_operator_asks_for(tmp_path: Path) -> None:
    async with living(tmp_path, access={"require_mention": False}) as home:
        await home.say("ada", "One")
        await home.say("ada", "Two", audience=community_audience(GUILD), place="hall")
        home.clock.advance(DAY)  # type: ignore[attr-defined]
        await home.say("bob", "Three")
        desk, since = operator(home), home.clock.now() - timedelta(days=7)
        found = {
            by: {each.key: (each.steps, each.usage.total, each.cost) for each in await desk.usage(by, since)}
            for by in ("day", "model", "persona", "community", "person")
        }
    assert found["day"] == {"2026-11-21": (2, 220, 4.0), "2026-11-22": (1, 110, 2.0)}
    assert found["model"] == {"stage": (3, 330, 6.0)}
    assert found["persona"] == {"ever": (3, 330, 6.0)}
    assert found["community"] == {"": (2, 220, 4.0), GUILD: (1, 110, 2.0)}
    assert found["person"] == {"parlour:ada": (2, 220, 4.0), "parlour:bob": (1, 110, 2.0)}


def test_what_was_cached_costs_its_own_price() -> None:
    prices = Prices(PRICES)
    assert prices.cost("stage", Usage(prompt=100, completion=10, cached=50)) == pytest.approx(1.55)
    assert prices.cost("another", Usage(prompt=100)) == 0
    assert not prices.knows("another", Usage(prompt=100))
    assert prices.knows("stage", Usage(prompt=100))


async def test_what_operators_did_is_kept_and_names_nobody_who_is_forgotten(tmp_path: Path) -> None:
    async with living(tmp_path) as home:
        await home.say("ada", "Hello")
        await operator(home).block("parlour:ada", True)
        await operator(home).budget(subject_of(GUILD, community=True), 5_000, None)
        assert [(deed.who, deed.did, deed.about) for deed in await operator(home).deeds()] == [
            ("parlour:boss", "budget: 5000 tokens a day", f"community:{GUILD}"),
            ("parlour:boss", "blocked", "account:parlour:ada"),
        ]
        async with home.app.memory.store.read() as session:
            ada = await session.agents.user_of("parlour:ada")
        assert ada is not None
        await home.app.inbound.forget(ada)
        await heeded(home)
        assert [deed.about for deed in await operator(home).deeds()] == [f"community:{GUILD}", ""]
        assert "ada" not in str(home.rows("SELECT subject FROM restrictions"))
        assert await home.say("ada", "I am new here") == [], "the block holds on"


async def test_people_are_found_by_name_and_account_with_their_agents(tmp_path: Path) -> None:
    async with living(tmp_path) as home:
        await home.say("ada", "Hello")
        await home.say("bob", "A secret")
        everyone = await operator(home).people()
        assert [person.name for person in everyone] == ["bob", "ada"]
        [ada] = await operator(home).people("PARLOUR:AD")
        assert (ada.accounts, ada.personas) == (("parlour:ada",), ("ever",))
        assert ada.last_at == home.clock.now()
        assert "secret" not in str(everyone)
        assert await operator(home).people("%") == []


async def test_the_command_line_shows_it_in_columns_and_as_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with living(tmp_path) as home:
        await home.say("ada", "Hello")
        await operating.people(home.settings, "", 0, as_json=False)
        heading, line = capsys.readouterr().out.splitlines()
        assert heading.split()[:3] == ["name", "accounts", "personas"]
        assert line.split()[:3] == ["ada", "parlour:ada", "ever"]
        assert await operating.block(home.settings, "parlour:ada", blocked=True) == 0
        assert "within seconds" in capsys.readouterr().out
        await heeded(home)
        assert await home.say("ada", "Hello?") == []
        assert await operating.block(home.settings, "ada", blocked=True) == 1, "who sits at the machine"
        limits = operating.Limits(5, None)
        assert await operating.budget(home.settings, GUILD, limits, community=True, as_json=True) == 0
        assert (
            await operating.budget(
                home.settings, GUILD, operating.Limits(None, None), community=True, as_json=True
            )
            == 2
        )
        capsys.readouterr()
        await operating.budget(home.settings, "", operating.Limits(None, None), community=False, as_json=True)
        assert '"for": "parlour:guild"' in capsys.readouterr().out
        assert await operating.turns(home.settings, "no-such-turn", "", as_json=False) == 1
        assert await operating.delivery(home.settings, "no-such-reply", as_json=False) == 1
        await operating.usage(home.settings, "model", 30, as_json=True)
        await operating.errors(home.settings, 7, as_json=False)
        assert "Nothing went wrong." in capsys.readouterr().out
        await operating.deeds(home.settings, as_json=False)
        assert "blocked" in capsys.readouterr().out
        assert await operating.pairing(home.settings, "NO-CODE", "", as_json=False) == 1
        assert await operating.pairing(home.settings, "", "parlour:ada", as_json=False) == 1
        assert await operating.pairing(home.settings, "", "", as_json=False) == 0
        assert "Nobody asks to be let in" in capsys.readouterr().out
    assert await operating.turns(home.settings, "any", "", as_json=False) == 1
    assert "does not run" in capsys.readouterr().err
