"""Limits hold for all that costs, and nobody who is denied is thought about or spoken to. Days pass on a fake clock."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from bot.app import open_app
from bot.errors import ModelUnavailable
from bot.events import Command, DocumentUploaded, MessageEdited, ReactionAdded, View
from bot.ports import ModelReply, ModelRequest
from bot.settings import Settings
from memory.records import Usage, community_audience
from tests.fakes.clock import FakeClock
from tests.fakes.empty_database import lay
from tests.fakes.parlour import House, Parlour, Play, Stage
from tests.fakes.scripted_model import call, calls, say
from tests.fakes.town import heard
from tests.patience import PATIENCE_S

MINUTE, HOUR, DAY = 60, 3600, 86_400
USED_UP = "used up"
FAST = "faster than I can keep up"


class Home(House):
    """A house whose model can be looked at."""

    stage: Stage

    async def command(self, user: str, line: str) -> str:
        name, _, argument = line.partition(" ")
        facts = {k: v for k, v in self.who(user).items() if k not in ("key", "at")}
        command = Command(**facts, command=name, argument=argument)
        return (await self.app.inbound.invoke(command)).text

    def texts(self, user: str) -> list[str]:
        return [reply.text for reply in self.parlour.posted if reply.address == f"parlour:{user}"]

    async def pass_time(self, seconds: float, step_s: float = 16 * MINUTE) -> None:
        """Let time go by, sweeping as the timer does."""
        clock = self.clock
        assert isinstance(clock, FakeClock)
        end = clock.now() + timedelta(seconds=seconds)
        while clock.now() < end:
            clock.advance(step_s)
            await self.app.heartbeat.sweep()
            await self.app.inbound.settled()

    def used(self) -> int:
        """Tokens that the store tells of."""
        return int(self.rows("SELECT coalesce(sum(prompt_tokens + completion_tokens), 0) FROM steps")[0][0])


def talk(request: ModelRequest) -> ModelReply:
    """Answers people, keeps what they say in mind, schedules what they ask for, and speaks when it may."""
    event = heard(request)
    if event["type"] == "summarize":
        return ModelReply(text="They talked.", usage=Usage(prompt=100, completion=10))
    if event["type"] == "heartbeat":
        return calls(("send_message", {"message": "UNASKED"}), ("finish_rethinking_memory", {}))
    if event["type"] == "scheduled":
        return say("REMINDED")
    said = str(event.get("message", ""))
    if said.startswith("remind "):
        wish = {"when": said.removeprefix("remind "), "about": "tea"}
        return calls(("schedule_message", wish), ("send_message", {"message": "I will."}))
    return say(f"You said: {said}")


def told(view: View | None) -> str:
    return view.text if view else ""


@asynccontextmanager
async def living(
    folder: Path, play: Play = talk, clock: FakeClock | None = None, **sections: dict[str, Any]
) -> AsyncIterator[Home]:
    """Everbot in a parlour; ``sections`` of the configuration, without a limit unless they name it."""
    settings = Settings.model_validate(
        {
            "data_dir": folder,
            "agent": {"debounce_s": 0},
            "embedder": {"kind": "none"},
            **sections,
            "limits": {"messages_per_minute": 0, "commands_per_minute": 0, **sections.get("limits", {})},
        }
    )
    clock, parlour, stage = clock or FakeClock(), Parlour(), Stage(play)
    lay(folder / "everbot.db")
    failure: Exception | None = None
    async with open_app(
        settings, [parlour], "test", model=stage, clock=clock, embedders=lambda _: None
    ) as app:
        home = Home(app, parlour, clock, settings)
        home.stage = stage
        try:
            yield home
        except Exception as error:
            failure = error
    if failure is not None:
        raise failure


# -- what costs is under the day's allowance


async def test_nothing_that_costs_goes_on_when_the_day_is_used_up(tmp_path: Path) -> None:
    limits = {"user_tokens_per_day": 100}
    async with living(tmp_path, limits=limits, heartbeat={"speak_first": True}) as home:
        await home.say("ada", "remind 2026-11-21T10:00")
        (mine,) = home.rows("SELECT receipt FROM outbox")[0]
        before = len(home.stage.requests)
        view = await home.app.inbound.submit(home.message("ada", "More."))
        assert USED_UP in told(view)
        assert await home.app.inbound.submit(home.message("ada", "And more.")) is None, "it is said once"
        facts = home.who("ada")
        await home.app.inbound.submit(DocumentUploaded(**facts, document="a.txt", text="Read this."))
        await home.app.inbound.submit(ReactionAdded(**home.who("ada"), emoji="+1", target=mine))
        for line in ("heartbeat now", "memorywarning", "retry"):
            assert USED_UP in await home.command("ada", line)
        await home.pass_time(3 * HOUR)
        assert len(home.stage.requests) == before
        assert home.texts("ada")[1:] == [
            "You asked me to remind you: tea (I am 4 min late: I was not running.)"
        ]
        home.clock.advance(DAY)  # type: ignore[attr-defined]
        assert await home.say("ada", "Good morning.")


async def test_many_at_once_use_no_more_than_one_would(tmp_path: Path) -> None:
    async def slow(request: ModelRequest) -> ModelReply:
        for _ in range(20):
            await asyncio.sleep(0)
        return talk(request)

    async with living(tmp_path, slow, limits={"tokens_per_day": 1_000}) as home:
        people = [f"user{n}" for n in range(60)]
        views = [await home.app.inbound.submit(home.message(user, "Hello.")) for user in people]
        for user in people:
            await home.settled(f"parlour:{user}")
        assert 1_000 <= home.used() <= 1_000 + 110, "the last question goes over by itself, at most"
        pairs = zip(people, views, strict=True)
        answers = [[*home.texts(user), *([view.text] if view else [])] for user, view in pairs]
        assert all(len(texts) == 1 for texts in answers), "everybody hears one thing"
        assert sum(USED_UP in texts[0] for texts in answers) == len(people) - home.used() // 110


async def test_a_turn_that_meets_the_limit_ends_with_a_word_and_loses_nothing(tmp_path: Path) -> None:
    def endless(request: ModelRequest) -> ModelReply:
        return call("conversation_search", query="tea", request_heartbeat=True)

    async with living(tmp_path, endless, limits={"user_tokens_per_day": 300}) as home:
        message = home.message("ada", "My blood type is AB.")
        (reply,) = await home.tell(message)
        assert USED_UP in reply.text
        assert len(home.stage.requests) == 3
        stored = await home.stored(message)
        assert stored is not None
        assert stored.text == "My blood type is AB."


@pytest.mark.parametrize(
    "usage",
    [
        Usage(),
        Usage(prompt=-5, completion=3),
        Usage(prompt=10**12, completion=1),
        Usage(prompt=1),
        Usage(prompt=3_000, completion=10**9),
    ],
)
async def test_usage_that_is_missing_or_absurd_is_counted_by_us(tmp_path: Path, usage: Usage) -> None:
    def play(request: ModelRequest) -> ModelReply:
        return ModelReply(text="Fine.", usage=usage)

    async with living(tmp_path, play, limits={"user_tokens_per_day": 4_000}) as home:
        for number in range(6):
            await home.say("ada", f"Hello {number}.")
        assert 1 <= len(home.stage.requests) <= 3
        assert 1_000 < home.used() < 20_000


async def test_summaries_are_counted_with_the_step_that_needed_them(tmp_path: Path) -> None:
    async with living(tmp_path, model={"context_window": 8_000, "reply_reserve": 500}) as home:
        for number in range(40):
            await home.say("ada", f"{number} " + "a long story of ships and harbours " * 20)
        asked = home.stage.requests
        assert any(not request.tools for request in asked)
        assert home.used() == 110 * len(asked)


async def test_what_failed_costs_nothing_and_what_was_called_off_does(tmp_path: Path) -> None:
    asked = asyncio.Event()

    async def hang(request: ModelRequest) -> ModelReply:
        asked.set()
        await asyncio.Event().wait()
        raise AssertionError

    async with living(tmp_path, limits={"user_tokens_per_day": 1_000}) as home:
        replies = iter([ModelUnavailable("down"), ModelUnavailable("down")])
        home.stage.play = lambda request: next(replies, None) or talk(request)
        assert await home.say("ada", "Hello.")
        assert home.used() == 110
        home.stage.play = hang
        await home.app.inbound.submit(home.message("ada", "Think of something."))
        await asked.wait()
        await home.app.inbound.interrupt("parlour:ada", "parlour:ada")
        await home.settled("parlour:ada")
        assert home.used() > 1_000
        view = await home.app.inbound.submit(home.message("ada", "Again."))
        assert USED_UP in told(view)


async def test_edits_begin_a_turn_anew_twice_and_no_more(tmp_path: Path) -> None:
    started = asyncio.Semaphore(0)
    go = asyncio.Event()

    async def wait(request: ModelRequest) -> ModelReply:
        started.release()
        await go.wait()
        return talk(request)

    async with living(tmp_path, wait) as home:
        message = home.message("ada", "first")
        await home.app.inbound.submit(message)
        await started.acquire()
        for number in range(10):
            facts = {**home.who("ada"), "key": f"{message.key}/edited{number}"}
            await home.app.inbound.submit(MessageEdited(**facts, target=message.key, text=f"edit {number}"))
            if number < 2:
                await started.acquire()
        go.set()
        await home.settled("parlour:ada")
        assert len(home.stage.requests) == 3
        assert home.texts("ada") == ["You said: edit 1"]
        stored = await home.stored(message)
        assert stored is not None
        assert stored.text == "edit 9"


async def test_retry_at_the_limit_undoes_nothing(tmp_path: Path) -> None:
    async with living(tmp_path, limits={"user_tokens_per_day": 200}) as home:
        await home.say("ada", "Hello.")
        message = home.message("ada", "My blood type is AB.")
        await home.tell(message)
        assert USED_UP in await home.command("ada", "retry")
        assert await home.stored(message) is not None
        assert home.texts("ada")[-1] == "You said: My blood type is AB."


async def test_another_time_zone_gives_no_second_day(tmp_path: Path) -> None:
    async with living(tmp_path, heartbeat={"daily_beats": 2}, limits={"user_tokens_per_day": 2_000}) as home:
        await home.say("ada", "Hello.")
        for zone in ("Pacific/Kiritimati", "UTC", "Pacific/Pago_Pago", "Asia/Tokyo"):
            await home.command("ada", f"heartbeat hours 0-24 {zone}")
            await home.command("ada", "heartbeat now")
            await home.settled("parlour:ada")
        beats = [request for request in home.stage.requests if heard(request)["type"] == "heartbeat"]
        assert len(beats) == 2


async def test_a_heartbeat_that_is_asked_for_many_times_at_once_comes_once(tmp_path: Path) -> None:
    go = asyncio.Event()

    async def wait(request: ModelRequest) -> ModelReply:
        if heard(request)["type"] == "heartbeat":
            await go.wait()
        return talk(request)

    async with living(tmp_path, wait, heartbeat={"daily_beats": 3}) as home:
        await home.say("ada", "Hello.")
        answers = await asyncio.gather(*(home.command("ada", "heartbeat now") for _ in range(10)))
        assert set(answers) == {"A heartbeat is on its way."}
        go.set()
        await home.settled("parlour:ada")
        assert home.rows("SELECT count(*) FROM turns WHERE kind = 'heartbeat'") == [(1,)]
        for _ in range(5):
            last = await home.command("ada", "heartbeat now")
            await home.settled("parlour:ada")
        assert "as often today as it may" in last
        assert home.rows("SELECT count(*) FROM turns WHERE kind = 'heartbeat'") == [(3,)]


# -- what a minute holds


async def test_documents_reactions_and_commands_that_cost_are_messages_of_the_minute(tmp_path: Path) -> None:
    async with living(tmp_path, limits={"messages_per_minute": 4}) as home:
        await home.say("ada", "Hello.")
        (mine,) = home.rows("SELECT receipt FROM outbox")[0]
        message = home.message("ada", "Two files.")
        await home.app.inbound.submit(message)
        for number in range(2):  # they come with a message, and count with it
            facts = {**home.who("ada"), "key": f"{message.key}/{number}"}
            await home.app.inbound.submit(DocumentUploaded(**facts, document="a.txt", text="Read."))
        await home.app.inbound.submit(ReactionAdded(**home.who("ada"), emoji="+1", target=mine))
        assert "on its way" in await home.command("ada", "memorywarning")
        facts = {**home.who("ada"), "key": f"parlour:{uuid4().hex}/1"}
        view = await home.app.inbound.submit(DocumentUploaded(**facts, document="b.txt", text="Read."))
        assert FAST in told(view)
        for line in ("memorywarning", "retry", "heartbeat now"):
            assert FAST in await home.command("ada", line)
        kinds = home.rows("SELECT kind, count(*) FROM inbox GROUP BY kind ORDER BY kind")
        assert dict(kinds) == {
            "document_uploaded": 2,
            "message": 2,
            "reaction": 1,
            "system_alert": 1,
            "user_joined": 1,
        }


async def test_commands_have_a_number_a_minute_and_stop_is_always_heard(tmp_path: Path) -> None:
    async with living(tmp_path, limits={"commands_per_minute": 10}) as home:
        answers = [await home.command("ada", f"memory add note {n}") for n in range(40)]
        assert sum("Noted" in text for text in answers) == 10
        assert FAST in answers[-1]
        assert home.rows("SELECT count(*) FROM passages") == [(10,)]
        assert await home.command("ada", "stop") == "Stopping."
        assert "Noted" in await home.command("bob", "memory add mine"), "others are not held up"
        home.clock.advance(2 * MINUTE)  # type: ignore[attr-defined]
        assert "Noted" in await home.command("ada", "memory add later")


# -- reminders


@pytest.mark.parametrize(
    "rule", ["every 1s", "0 0 30 2 *", "nonsense", "* * * *", "every 0m", "every 99999999d", ""]
)
async def test_a_broken_rule_ends_with_a_note_and_holds_up_nobody(tmp_path: Path, rule: str) -> None:
    async with living(tmp_path) as home:
        await home.say("eve", "remind every 15m")
        await home.say("bob", "remind every 15m")
        home.execute("UPDATE wishes SET rule = ? WHERE agent_id = 1", rule)
        await home.command("bob", "heartbeat off")
        await home.pass_time(2 * HOUR)
        assert home.texts("bob").count("REMINDED") == 8
        assert home.texts("eve").count("REMINDED") == 1
        assert "Nothing is scheduled" in await home.command("eve", "scheduled")
        shown = [str(request.messages) for request in home.stage.requests]
        assert any("This was the last time" in text for text in shown) == bool(rule)


@pytest.mark.parametrize(
    ("statement", "why"),
    [
        ("UPDATE users SET timezone = 'Nowhere/At_All' WHERE id = 1", "a zone that there is not"),
        ("UPDATE beats SET every_s = 'often' WHERE agent_id = 1", "an interval that is no number"),
    ],
)
async def test_one_agent_that_is_broken_holds_up_no_other(tmp_path: Path, statement: str, why: str) -> None:
    clock = FakeClock()
    async with living(tmp_path, clock=clock) as home:
        for user in ("eve", "bob"):
            await home.say(user, "remind every 15m")
        home.execute("UPDATE beats SET next_at = 1")
    async with living(tmp_path, clock=clock) as home:
        home.execute(statement)
        await home.pass_time(2 * HOUR)
        assert home.texts("bob").count("REMINDED") == 8, why
        beats = home.rows("SELECT agent_id FROM turns WHERE kind = 'heartbeat'")
        assert (2,) in beats, why


async def test_a_rule_that_runs_out_is_reminded_of_to_its_end(tmp_path: Path) -> None:
    async with living(tmp_path) as home:
        await home.say("eve", "remind 10,30 10 21 11 6")  # the Saturday that it is; the next one lies in 2032
        await home.pass_time(3 * HOUR)
        assert home.texts("eve").count("REMINDED") == 2


@pytest.mark.parametrize(
    "rule", ["*/5 * * * *", "0,5 8 * * *", "59,0 23,0 * * *", "0,10,40 9 * * 1", "every 14m"]
)
async def test_rules_keep_a_quarter_of_an_hour_between_two_times(tmp_path: Path, rule: str) -> None:
    seen: list[str] = []

    def play(request: ModelRequest) -> ModelReply:
        last = request.messages[-1]
        if last["role"] == "tool":
            seen.append(str(last["content"]))
            return say("I could not.")
        return call("schedule_message", when=rule, about="tea")

    async with living(tmp_path, play) as home:
        await home.say("ada", "Remind me.")
        assert home.rows("SELECT count(*) FROM wishes") == [(0,)]
    assert "15 minutes" in seen[0] or "not a" in seen[0]


async def test_a_day_has_its_number_of_reminders_and_the_rest_comes_later(tmp_path: Path) -> None:
    async with living(tmp_path, limits={"reminders_per_day": 5}) as home:
        await home.say("ada", "remind every 15m")
        await home.say("ada", "remind 2026-11-21T20:00")
        await home.pass_time(12 * HOUR)
        assert home.texts("ada").count("REMINDED") == 5
        await home.pass_time(5 * HOUR)
        assert home.texts("ada").count("REMINDED") > 7, "another day"
        assert "2026-11-21" not in await home.command("ada", "scheduled")


async def test_a_person_has_a_number_of_open_reminders_with_all_personas_together(tmp_path: Path) -> None:
    seen: list[str] = []

    def play(request: ModelRequest) -> ModelReply:
        last = request.messages[-1]
        if last["role"] == "tool":
            seen.append(str(last["content"]))
            return say("Well.")
        return call("schedule_message", when="2026-11-22T09:00", about="tea", request_heartbeat=True)

    async with living(tmp_path, play, limits={"reminders": 3}) as home:
        for _ in range(3):
            await home.say("ada", "Remind me.")
        await home.command("ada", "persona new Nell")
        await home.command("ada", "persona use Nell")
        await home.say("ada", "Remind me.")
        assert home.rows("SELECT count(*) FROM wishes") == [(3,)]
    assert "3 scheduled messages already" in seen[-1]
    assert "cancel" in seen[-1]


# -- who may not be spoken to


DENIED = [
    {"denied": ["parlour:eve"]},
    {"dm_policy": "disabled"},
    {"dm_policy": "allowlist", "people": ["parlour:bob"]},
    {"dm_policy": "pairing"},
]


@pytest.mark.parametrize("access", DENIED)
async def test_who_may_not_talk_with_us_any_more_is_neither_thought_of_nor_written_to(
    tmp_path: Path, access: dict[str, Any]
) -> None:
    clock = FakeClock()
    beats = {"speak_first": True, "hours": "0-24"}
    async with living(tmp_path, clock=clock, heartbeat=beats) as home:
        await home.say("eve", "remind every 15m")
    async with living(tmp_path, clock=clock, heartbeat=beats, access=access) as home:
        await home.pass_time(2 * DAY, step_s=HOUR)
        assert (home.parlour.posted, home.stage.requests) == ([], [])
    async with living(tmp_path, clock=clock, heartbeat=beats) as home:  # let in again
        await home.pass_time(6 * HOUR)
        assert "REMINDED" in home.texts("eve")


@pytest.mark.parametrize("access", [{"denied": ["town"]}, {"channels": ["square"]}, {"roles": ["7"]}])
async def test_reminders_in_a_place_go_by_its_rules_of_now(tmp_path: Path, access: dict[str, Any]) -> None:
    clock = FakeClock()
    audience = community_audience("parlour:guild")
    async with living(tmp_path, clock=clock) as home:
        where = {"audience": audience, "place": "town", "community": "parlour:guild", "channel": "town"}
        await home.tell(home.message("eve", "remind every 15m", **where))
    async with living(tmp_path, clock=clock, access=access) as home:
        await home.pass_time(2 * HOUR)
        assert (home.parlour.posted, home.stage.requests) == ([], [])


async def test_what_was_thought_before_is_not_posted_to_who_was_denied_since(tmp_path: Path) -> None:
    clock = FakeClock()
    async with living(tmp_path, clock=clock) as home:
        await home.say("eve", "remind every 15m")
        await home.pass_time(20 * MINUTE)
        home.execute("UPDATE outbox SET state = 'ready', receipt = NULL")  # as if the process had died
    async with living(tmp_path, clock=clock, access={"denied": ["parlour:eve"]}) as home:
        await home.settled("parlour:eve")
        assert home.texts("eve") == ["I will."], "what was asked for is answered; the reminder is not"


@pytest.mark.parametrize("gone", ["parlour:eve", ("parlour:eve", "parlour:eve")])
async def test_who_has_left_is_neither_thought_of_nor_written_to(tmp_path: Path, gone: Any) -> None:
    async with living(tmp_path, heartbeat={"speak_first": True, "hours": "0-24"}) as home:
        await home.say("eve", "remind every 15m")
        await home.say("bob", "remind every 15m")
        home.parlour.gone.add(gone)
        home.parlour.posted.clear()
        await home.pass_time(DAY, step_s=HOUR)
        assert home.texts("eve") == []
        assert {"UNASKED", "REMINDED"} <= set(home.texts("bob"))
        begun = (
            "SELECT count(*) FROM turns JOIN conversations c ON c.id = conversation_id "
            "WHERE kind IN ('heartbeat', 'scheduled') AND c.address = ?"
        )
        assert (home.rows(begun, "parlour:eve"), home.rows(begun, "parlour:bob") > [(1,)]) == ([(0,)], True)
        home.parlour.gone.clear()
        await home.pass_time(6 * HOUR)
        assert "REMINDED" in home.texts("eve"), "who is back is reminded again"


async def test_while_a_platform_is_out_nobody_counts_as_gone(tmp_path: Path) -> None:
    async with living(tmp_path, heartbeat={"speak_first": True, "hours": "0-24"}) as home:
        await home.say("eve", "remind 2026-11-21T09:30")
        home.parlour.posted.clear()
        home.parlour.out = 1_000
        await home.pass_time(5 * HOUR)
        assert home.parlour.posted == []
        home.parlour.out = 0
        await home.pass_time(2 * HOUR, step_s=10 * MINUTE)
        assert sorted(home.texts("eve")) == ["REMINDED", "UNASKED"]


async def test_a_turn_that_began_before_its_platform_went_out_is_gone_on_with_after_it(
    tmp_path: Path,
) -> None:
    clock, stuck = FakeClock(), asyncio.Event()

    async def hang(_: ModelRequest) -> ModelReply:
        stuck.set()
        await asyncio.Event().wait()
        raise AssertionError

    async with living(tmp_path, clock=clock) as home:
        for user in ("eve", "bob"):
            await home.say(user, "remind 2026-11-21T09:30")
        home.stage.play = hang
        clock.advance(31 * MINUTE)
        await home.app.heartbeat.sweep()
        await stuck.wait()
    async with living(tmp_path, clock=clock) as home:
        home.parlour.out = 5
        home.parlour.gone.add("parlour:bob")
        for user in ("eve", "bob"):
            await home.settled(f"parlour:{user}")
        assert [(reply.address, reply.text) for reply in home.parlour.posted] == [("parlour:eve", "REMINDED")]
        assert home.parlour.out == 0


async def test_what_was_thought_before_waits_for_its_platform_and_is_not_posted_to_who_left(
    tmp_path: Path,
) -> None:
    clock = FakeClock()
    async with living(tmp_path, clock=clock) as home:
        for user in ("eve", "bob"):
            await home.say(user, "remind every 15m")
        await home.pass_time(20 * MINUTE)
        home.execute("UPDATE outbox SET state = 'ready', receipt = NULL")  # as if the process had died
    async with living(tmp_path, clock=clock) as home:
        home.parlour.gone.add("parlour:eve")
        home.parlour.out = 3
        await home.settled("parlour:eve")
        assert home.texts("eve") == ["I will."]
        async with asyncio.timeout(PATIENCE_S):
            while len(home.texts("bob")) < 2:
                await asyncio.sleep(0)
        assert home.texts("bob") == ["I will.", "REMINDED"]


async def test_a_platform_is_asked_of_a_person_once_in_a_while(tmp_path: Path) -> None:
    async with living(tmp_path) as home:
        assert isinstance(home.clock, FakeClock)
        for about in range(8):
            await home.say("eve", f"remind 2026-11-21T09:3{about % 2}")
        home.clock.advance(40 * MINUTE)
        await home.app.heartbeat.sweep()
        await home.app.inbound.settled()
        assert home.texts("eve").count("REMINDED") == 8
        assert home.parlour.asked == 1


async def test_a_stranger_is_told_their_code_a_few_times_and_forgotten(tmp_path: Path) -> None:
    clock = FakeClock()
    async with living(tmp_path, clock=clock, access={"dm_policy": "pairing"}) as home:
        views = [await home.app.inbound.submit(home.message("zoe", f"hello {n}")) for n in range(30)]
        assert len([view for view in views if view is not None]) == 3
        facts = home.who("zoe")
        assert await home.app.inbound.submit(DocumentUploaded(**facts, document="a", text="b")) is None
        clock.advance(DAY)
        assert await home.app.inbound.submit(home.message("zoe", "hello again")) is not None
        assert home.rows("SELECT count(*) FROM codes") == [(1,)]
        clock.advance(30 * DAY)
        await home.app.erasure.expire()
        assert home.rows("SELECT count(*) FROM codes") == [(0,)]
        await home.app.inbound.submit(home.message("zoe", "hello once more"))
        await home.app.erasure.bystander("parlour:zoe")
        assert home.rows("SELECT count(*) FROM codes") == [(0,)]
    assert not any(b"zoe" in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
