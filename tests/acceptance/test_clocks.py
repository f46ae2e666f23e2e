"""A clock that is set back or forward, in the middle or across a restart: nothing waits for the old time to return."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.errors import ModelUnavailable
from bot.ports import ModelReply, ModelRequest
from tests.acceptance.test_limits import DAY, HOUR, MINUTE, living, talk
from tests.fakes.clock import FakeClock
from tests.fakes.parlour import opened
from tests.fakes.scripted_model import call, calls, say
from tests.fakes.town import heard

YEAR = 365 * DAY
SPEAKS = {"speak_first": True, "hours": "0-24"}


class Leaping(FakeClock):
    """Is set, while somebody sleeps for the second time; what was really slept is counted apart."""

    def __init__(self, by: float) -> None:
        super().__init__()
        self._by = by
        self.naps: list[float] = []

    async def sleep(self, seconds: float) -> None:
        await super().sleep(seconds)
        self.naps.append(seconds)
        if len(self.naps) == 2:
            self.advance(self._by)


@pytest.mark.parametrize("by", [-YEAR, -HOUR, HOUR, YEAR])
async def test_a_turn_that_waits_for_its_model_waits_no_longer_for_a_clock(tmp_path: Path, by: float) -> None:
    clock, failures = Leaping(by), [ModelUnavailable("down")] * 2

    def play(request: ModelRequest) -> ModelReply | Exception:
        return failures.pop() if failures else say("Here.")

    async with opened(tmp_path, play, clock=clock) as house:
        assert (await house.say("ada", "hello"))[-1].text == "Here."
    assert sum(clock.naps) < 2 * MINUTE


async def test_what_slept_with_the_machine_and_cannot_be_answered_then_is_let_go_with_a_word(
    tmp_path: Path,
) -> None:
    clock, down = Leaping(3 * DAY), True

    def play(request: ModelRequest) -> ModelReply | Exception:
        return ModelUnavailable("down") if down else say("Here.")

    async with opened(tmp_path, play, clock=clock) as house:
        texts = [reply.text for reply in await house.say("ada", "hello")]
        assert "could not answer your message for too long" in texts[-1]
        down = False
        assert [reply.text for reply in await house.say("ada", "hello?")] == ["Here."]


async def test_a_pause_and_what_was_heard_before_the_clock_was_set_back_hold_up_no_beat(
    tmp_path: Path,
) -> None:
    def pauses(request: ModelRequest) -> ModelReply:
        return calls(("pause_heartbeats", {"minutes": 360}), ("send_message", {"message": "Good night."}))

    late = FakeClock()
    late.advance(YEAR)
    async with living(tmp_path, pauses, clock=late, heartbeat=SPEAKS) as home:
        await home.say("eve", "hello")
    async with living(tmp_path, talk, clock=FakeClock(), heartbeat=SPEAKS) as home:
        await home.pass_time(9 * DAY, step_s=2 * HOUR)
        assert "UNASKED" in home.texts("eve")


async def test_a_pause_holds_for_as_long_as_it_was_asked_for(tmp_path: Path) -> None:
    def play(request: ModelRequest) -> ModelReply:
        if heard(request)["type"] == "message":
            return calls(("pause_heartbeats", {"minutes": 360}), ("send_message", {"message": "Good night."}))
        return talk(request)

    async with living(tmp_path, play, heartbeat=SPEAKS | {"every_hours": 1}) as home:
        await home.say("eve", "hello")
        await home.pass_time(350 * MINUTE, step_s=10 * MINUTE)
        assert "UNASKED" not in home.texts("eve")
        await home.pass_time(HOUR, step_s=10 * MINUTE)
        assert "UNASKED" in home.texts("eve")


@pytest.mark.parametrize("restart", [False, True])
async def test_a_reminder_of_every_so_often_comes_after_as_long_as_that(
    tmp_path: Path, restart: bool
) -> None:
    clock = FakeClock()
    async with living(tmp_path, clock=clock) as home:
        await home.say("eve", "remind every 2h")
        await home.app.heartbeat.sweep()
        clock.advance(-YEAR)
        if not restart:
            await home.pass_time(3 * HOUR)
            assert home.texts("eve").count("REMINDED") == 1
    if restart:
        async with living(tmp_path, clock=clock) as home:
            await home.pass_time(3 * HOUR)
            assert home.texts("eve").count("REMINDED") == 1


async def test_commands_of_a_later_minute_hold_up_none_of_this_one(tmp_path: Path) -> None:
    async with living(tmp_path, limits={"commands_per_minute": 5}) as home:
        assert isinstance(home.clock, FakeClock)
        for _ in range(5):
            assert "faster" not in await home.command("eve", "whoami")
        assert "faster" in await home.command("eve", "whoami")
        home.clock.advance(-HOUR)
        assert "faster" not in await home.command("eve", "whoami")


async def test_a_code_of_before_the_clock_was_set_back_opens_nothing(tmp_path: Path) -> None:
    clock = FakeClock()
    async with living(tmp_path, clock=clock) as home:
        for user in ("ada", "eve"):
            await home.say(user, "hello")
        code = (await home.command("ada", "link")).split("`link ")[1].split("`")[0]
        clock.advance(-30)  # set right by a little
        assert "was shown to" in await home.command("eve", f"link {code}")
        clock.advance(-YEAR)
        assert "not known" in await home.command("eve", f"link {code}")
        assert "not known" in await home.command("eve", f"link yes {code}")


async def test_who_writes_after_the_clock_was_set_back_is_answered_as_ever(tmp_path: Path) -> None:
    clock = FakeClock()
    async with living(tmp_path, lambda _: call("send_message", message="Hello."), clock=clock) as home:
        for _ in range(3):
            assert [reply.text for reply in await home.say("eve", "hello")] == ["Hello."]
            clock.advance(-10 * DAY)
