"""It thinks on its own: beats, reflection, speaking first, reminders. Weeks pass on an injected clock."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from adapters.text import plain
from bot.errors import ModelUnavailable
from bot.events import Command
from bot.people.beats import Beats
from bot.ports import ModelReply, ModelRequest
from bot.settings import BeatRules, HeartbeatSettings
from memory.records import Beat
from tests.fakes.clock import FakeClock
from tests.fakes.memory_rows import newcomer
from tests.fakes.parlour import House, Stage, opened
from tests.fakes.scripted_model import call, calls, say
from tests.fakes.town import heard

HOUR = 3600


def kind(request: ModelRequest) -> str:
    return str(heard(request)["type"])


def talk(request: ModelRequest) -> ModelReply:
    """Answers people; says nothing in a beat."""
    if kind(request) == "summarize":
        return ModelReply(text="They talk.")
    return ModelReply(text="Nothing to do.") if kind(request) == "heartbeat" else say("Yes.")


def greedy(request: ModelRequest) -> ModelReply:
    """Answers people, and speaks whenever its heart beats."""
    return say("I thought of you.") if kind(request) == "heartbeat" else say("Yes.")


async def pass_time(house: House, hours: float, step_s: float = 600) -> None:
    """Let time go by, sweeping as the timer does."""
    clock = house.clock
    assert isinstance(clock, FakeClock)
    end = clock.now() + timedelta(hours=hours)
    while clock.now() < end:
        clock.advance(step_s)
        await house.app.heartbeat.sweep()
        await house.app.inbound.settled()


async def command(house: House, user: str, line: str) -> str:
    name, _, argument = line.partition(" ")
    facts = {k: v for k, v in house.who(user).items() if k not in ("key", "at")}
    return plain(await house.app.inbound.invoke(Command(**facts, command=name, argument=argument)))


def beats(house: House) -> int:
    return int(house.rows("SELECT count(*) FROM turns WHERE kind = 'heartbeat'")[0][0])


def unasked(house: House) -> list[tuple[datetime, str]]:
    return [(r.at, r.text) for r in house.parlour.posted if not r.in_reply_to or "beat:" in r.in_reply_to[0]]


async def test_a_beat_comes_once_after_a_conversation_and_then_no_more(tmp_path: Path) -> None:
    async with opened(tmp_path, talk) as house:
        await house.say("ada", "Hello.")
        await pass_time(house, 3.9)
        assert beats(house) == 0
        await pass_time(house, 0.6)
        assert beats(house) == 1
        await pass_time(house, 24 * 30, step_s=HOUR)
        assert beats(house) == 1
        await house.say("ada", "Hello again.")
        await pass_time(house, 5)
        assert beats(house) == 2


async def test_a_month_idle_with_1000_agents_costs_no_model_call(tmp_path: Path) -> None:
    """Thirty of them have just talked and are reflected upon once; the others did so before."""
    stage = Stage(talk)
    async with opened(tmp_path, stage) as house:
        for number in range(30):
            await house.app.inbound.submit(house.message(f"user{number}", "Hello."))
        await house.app.inbound.settled()
        async with house.app.memory.store.write() as session:
            for number in range(970):
                agent = await newcomer(session, f"idle{number}")
                last = house.clock.now() - timedelta(hours=5)
                await session.schedule.put_beat(Beat(agent_id=agent.id, heard_at=last, last_at=last))
        await pass_time(house, 6, step_s=300)
        assert beats(house) == 30
        spent = len(stage.requests)
        await pass_time(house, 24 * 30, step_s=HOUR)
        assert len(stage.requests) == spent


@pytest.mark.parametrize("people", [100, pytest.param(200, marks=pytest.mark.soak)])
async def test_beats_of_many_do_not_fall_together(tmp_path: Path, people: int) -> None:
    async with opened(tmp_path, talk) as house:
        for number in range(people):
            await house.app.inbound.submit(house.message(f"user{number}", "Hello."))
        await house.app.inbound.settled()
        moments = [row[0] for row in house.rows("SELECT next_at / 1000000 FROM beats")]
        assert len(set(moments)) > people * 3 // 4
        assert max(moments) - min(moments) <= 600


async def test_a_beat_waits_while_the_person_is_active_and_is_not_dropped(tmp_path: Path) -> None:
    async with opened(tmp_path, talk) as house:
        await house.say("ada", "Hello.")
        for _ in range(20):
            await pass_time(house, 0.25)
            await house.say("ada", "Still here.")
        assert beats(house) == 0
        await pass_time(house, 0.45, step_s=60)
        assert beats(house) == 0
        await pass_time(house, 0.1, step_s=60)
        assert beats(house) == 1


async def test_speaking_first_is_asked_for_and_kept_to_hours_and_cap(tmp_path: Path) -> None:
    async with opened(tmp_path, greedy) as house:
        await house.say("ada", "Hello.")
        await pass_time(house, 5)
        assert unasked(house) == []
        told = await command(house, "ada", "heartbeat on")
        assert "may speak first, between 9 and 21" in told
        await command(house, "ada", "heartbeat every 1h")
        for _ in range(24):
            await house.say("ada", "Hm.")
            await pass_time(house, 1.5)
        spoken = unasked(house)
        assert spoken
        assert all(9 <= at.hour < 21 for at, _ in spoken)
        days = [at.date() for at, _ in spoken]
        assert max(days.count(day) for day in days) <= 3
        await command(house, "ada", "heartbeat off")
        before = len(spoken)
        await house.say("ada", "Hm.")
        await pass_time(house, 30)
        assert len(unasked(house)) == before


@pytest.mark.parametrize(("zone", "start"), [
    ("Europe/Berlin", datetime(2027, 3, 27, 12, 0, tzinfo=UTC)),
    ("America/New_York", datetime(2026, 10, 31, 12, 0, tzinfo=UTC)),
])  # fmt: skip
async def test_quiet_hours_hold_when_the_clocks_change(tmp_path: Path, zone: str, start: datetime) -> None:
    clock = FakeClock(start)
    async with opened(tmp_path, greedy, clock=clock) as house:
        await command(house, "ada", f"heartbeat hours 9-12 {zone}")
        await command(house, "ada", "heartbeat on")
        for _ in range(8):
            await house.say("ada", "Hm.")
            await pass_time(house, 12)
        hours = [at.astimezone(ZoneInfo(zone)).hour for at, _ in unasked(house)]
        assert len(hours) >= 3
        assert set(hours) <= {9, 10, 11}


async def test_persona_and_community_set_defaults_and_ceilings() -> None:
    beats = Beats(
        HeartbeatSettings.model_validate(
            {
                "communities": {"slack:T1": {"speak_first": False, "daily_messages": 1, "every_hours": 12}},
            }
        )
    )
    calm, eager = BeatRules(), BeatRules(speak_first=True, every_hours=2)
    unset, set_off = Beat(agent_id=1), Beat(agent_id=1, speak=False, every_s=3600)
    assert not beats.within(unset, calm).speak
    assert beats.within(unset, eager).speak
    assert beats.within(unset, eager).every == timedelta(hours=2)
    assert not beats.within(set_off, eager).speak
    assert beats.within(set_off, eager).every == timedelta(hours=2)
    there = beats.within(Beat(agent_id=1, speak=True, every_s=3600), eager, "slack:T1")
    assert (there.speak, there.daily_messages, there.every) == (False, 1, timedelta(hours=12))


async def test_caps_hold_across_restarts(tmp_path: Path) -> None:
    clock = FakeClock(datetime(2026, 11, 21, 9, 0, tzinfo=UTC))
    spoken = 0
    for _ in range(6):
        async with opened(tmp_path, greedy, clock=clock) as house:
            await command(house, "ada", "heartbeat on")
            await command(house, "ada", "heartbeat every 30m")
            await house.say("ada", "Hm.")
            await pass_time(house, 1.2)
            spoken += len(unasked(house))
    assert spoken == 3
    assert clock.now().date() == datetime(2026, 11, 21, tzinfo=UTC).date()


async def test_pause_heartbeats_really_pauses(tmp_path: Path) -> None:
    def pausing(request: ModelRequest) -> ModelReply:
        return calls(("send_message", {"message": "Good night."}), ("pause_heartbeats", {"minutes": 360}))

    async with opened(tmp_path, pausing) as house:
        await house.say("ada", "Let me sleep.")
        await pass_time(house, 5.8)
        assert beats(house) == 0
        await pass_time(house, 0.5)
        assert beats(house) == 1


async def test_a_persons_message_cancels_a_beat_and_nothing_of_it_stays(tmp_path: Path) -> None:
    async def half(request: ModelRequest) -> ModelReply:
        if kind(request) != "heartbeat":
            return say("Yes.")
        if len(request.messages) and request.messages[-1]["role"] == "tool":
            await house.app.inbound.submit(house.message("ada", "Are you there?"))
            await asyncio.Event().wait()  # until it is called off
        return calls(("core_memory_append", {"label": "human", "content": "HALF", "request_heartbeat": True}))

    async with opened(tmp_path, half) as house:
        await house.say("ada", "Hello.")
        await pass_time(house, 4.5)
        assert "Yes." in [reply.text for reply in house.parlour.posted][-1]
        assert house.rows("SELECT count(*) FROM blocks WHERE value LIKE '%HALF%'") == [(0,)]
        assert house.rows("SELECT count(*) FROM messages WHERE rendered LIKE '%HALF%'") == [(0,)]


async def test_a_reflection_that_is_killed_leaves_memory_as_before_or_after(tmp_path: Path) -> None:
    """The process ends between the steps of a reflection; after the restart it is done, whole."""

    def reflecting(request: ModelRequest) -> ModelReply:
        if kind(request) != "heartbeat":
            return say("Yes.")
        begun = max(n for n, m in enumerate(request.messages) if m["role"] == "user")
        done = sum(m["role"] == "tool" for m in request.messages[begun:])
        assert "Elsewhere." in str(heard(request)["news"])
        if done == 0:
            return call("store_memories", chunks=["Earlier: Ada lived in Lisbon."], request_heartbeat=True)
        if done == 1:
            return call("rethink_user_memory", new_value="Lives in Porto.", request_heartbeat=True)
        return call("finish_rethinking_memory")

    clock = FakeClock()
    reached = asyncio.Event()

    async def struck(request: ModelRequest) -> ModelReply:
        if kind(request) == "heartbeat" and request.messages[-1]["role"] == "tool":
            reached.set()
            await asyncio.Event().wait()  # until the end of the process
        return reflecting(request)

    async with opened(tmp_path, struck, clock=clock) as house:
        await house.say("ada", "Elsewhere.", place="other", audience="private")
        await house.say("ada", "Hello.")
        clock.advance(4.5 * HOUR)
        await house.app.heartbeat.sweep()
        await reached.wait()
    async with opened(tmp_path, reflecting, clock=clock) as house:
        assert house.rows("SELECT count(*) FROM passages") == [(0,)]
        assert ("Lives in Porto.",) not in house.rows("SELECT value FROM blocks")
        await house.app.inbound.settled()
        await pass_time(house, 1.5)
        assert house.rows("SELECT text FROM passages") == [("Earlier: Ada lived in Lisbon.",)]
        assert house.rows("SELECT value FROM blocks").count(("Lives in Porto.",)) == 1


@pytest.mark.parametrize("days", [2, pytest.param(20, marks=pytest.mark.soak)])
@pytest.mark.long
async def test_adversarial_beats_say_nothing_but_by_send_message(tmp_path: Path, days: int) -> None:
    chance = random.Random(7)
    blurbs: list[Callable[[], ModelReply]] = [
        lambda: ModelReply(text="NARRATION: I will now reflect on Ada."),
        lambda: ModelReply(text="NARRATION: Are you there? I am sorry!"),
        lambda: ModelReply(text=""),
        lambda: calls(("no_such_tool", {"message": "NARRATION"})),
        lambda: calls(("send_message", '{"message": "NARRATION')),
        lambda: calls(("send_message", {"text": "NARRATION"})),
        lambda: calls(("send_message", {"message": "NARRATION, though nobody asked me to speak"})),
        lambda: calls(
            ("core_memory_replace", {"label": "nope", "old_content": "a", "new_content": "NARRATION"})
        ),
        lambda: ModelReply(text="NARRATION beside a call", calls=call("pause_heartbeats", minutes=-1).calls),
    ]

    def wild(request: ModelRequest) -> ModelReply:
        return chance.choice(blurbs)() if kind(request) == "heartbeat" else say("Yes.")

    clock = FakeClock()
    async with opened(tmp_path, wild, clock=clock) as house:
        for number in range(50):
            await house.app.inbound.submit(house.message(f"user{number}", "Hello."))
        await house.app.inbound.settled()
        for _ in range(days):
            clock.advance(24 * HOUR)  # a day has its number of beats
            for number in range(50):
                await command(house, f"user{number}", "heartbeat now")
            await house.app.inbound.settled()
        assert beats(house) == 50 * days
        assert {reply.text for reply in house.parlour.posted} == {"Yes."}


async def test_a_reflection_is_seen_in_the_history_and_can_be_undone(tmp_path: Path) -> None:
    def reflecting(request: ModelRequest) -> ModelReply:
        if kind(request) != "heartbeat":
            return calls(
                ("core_memory_append", {"label": "human", "content": "Lives in Lisbon. Lives in Porto."}),
                ("send_message", {"message": "Noted."}),
            )
        return calls(
            ("store_memories", {"chunks": ["Earlier: Ada lived in Lisbon."]}),
            ("rethink_user_memory", {"new_value": "Lives in Porto."}),
            ("finish_rethinking_memory", {}),
        )

    async with opened(tmp_path, reflecting) as house:
        await house.say("ada", "I lived in Lisbon; now I live in Porto.")
        await command(house, "ada", "heartbeat now")
        await house.app.inbound.settled()
        assert "Lives in Porto." in await command(house, "ada", "memory")
        told = await command(house, "ada", "memory history")
        assert "- Lives in Lisbon. Lives in Porto." in told
        (short,) = {line.split("reflection ")[1] for line in told.splitlines() if "by reflection" in line}
        assert "Lives in Lisbon" not in await command(house, "bob", "memory history")
        assert "no reflection" in await command(house, "bob", f"memory undo {short}")
        assert "is undone" in await command(house, "ada", f"memory undo {short}")
        assert "Lives in Lisbon. Lives in Porto." in await command(house, "ada", "memory")
        assert house.rows("SELECT count(*) FROM passages") == [(0,)]


# -- wishes with a time


def wishing(when: str, about: str = "water the plants") -> Callable[[ModelRequest], ModelReply]:
    def play(request: ModelRequest) -> ModelReply:
        event = heard(request)
        if event["type"] == "scheduled":
            return say(f"REMINDER {event['reason']}")
        return calls(
            ("schedule_message", {"when": when, "about": about}), ("send_message", {"message": "I will."})
        )

    return play


async def test_a_reminder_comes_within_seconds_and_once(tmp_path: Path) -> None:
    async with opened(tmp_path, wishing("2026-11-21T11:00")) as house:
        await house.say("ada", "Remind me at eleven.")
        assert "water the plants" in await command(house, "ada", "scheduled")
        await pass_time(house, 1.9, step_s=60)
        await pass_time(house, 0.09, step_s=2)
        assert len(house.parlour.posted) == 1
        await pass_time(house, 0.02, step_s=2)
        (_, reminder) = house.parlour.posted
        assert "water the plants" in reminder.text
        assert "late" not in reminder.text
        assert reminder.at - datetime(2026, 11, 21, 11, 0, tzinfo=UTC) < timedelta(seconds=5)
        await pass_time(house, 30)
        assert len(house.parlour.posted) == 2
        assert "Nothing is scheduled" in await command(house, "ada", "scheduled")


async def test_a_reminder_shows_nothing_that_is_meant_for_a_model(tmp_path: Path) -> None:
    """Neither the stand-in's, nor that of a model which says what it is told, word for word."""
    orders = ("send_message", "say so", "tell them", "the person")

    async with opened(tmp_path / "rules", None, model={"kind": "offline"}) as house:
        await house.say("ada", "Remind me in 2 hours to water the plants.")
        await pass_time(house, 2.1, step_s=60)
        assert house.parlour.posted[-1].text == "You asked me to remind you: water the plants"
    async with opened(tmp_path / "echo", wishing("2026-11-21T11:00")) as house:
        await house.say("ada", "Remind me at eleven.")
        await pass_time(house, 2.1, step_s=60)
        said = house.parlour.posted[-1].text.removeprefix("REMINDER On Saturday, 21 November 2026 the person")
    assert said == " asked to be reminded now: water the plants"
    assert not [order for order in orders if order in said.lower()]


async def test_a_late_reminder_says_so_and_a_very_late_one_is_let_go(tmp_path: Path) -> None:
    clock = FakeClock()
    async with opened(tmp_path / "a", wishing("2026-11-21T11:00"), clock=clock) as house:
        await house.say("ada", "Remind me at eleven.")
    clock.advance(5 * HOUR)
    async with opened(tmp_path / "a", wishing("2026-11-21T11:00"), clock=clock) as house:
        await pass_time(house, 0.1, step_s=2)
        assert "3 h 0 min late" in house.parlour.posted[0].text
        await command(house, "ada", "heartbeat off")
    async with opened(tmp_path / "b", wishing("2026-11-21T16:00"), clock=clock) as house:
        await house.say("ada", "Remind me.")
    clock.advance(30 * HOUR)
    async with opened(tmp_path / "b", wishing("2026-11-21T16:00"), clock=clock) as house:
        await pass_time(house, 0.1, step_s=2)
        assert house.parlour.posted == []


async def test_every_weekday_at_eight_where_the_person_lives(tmp_path: Path) -> None:
    def play(request: ModelRequest) -> ModelReply:
        if kind(request) in ("scheduled", "heartbeat"):
            return say("Wake up.")
        return calls(
            ("set_time_zone", {"zone": "Europe/Berlin"}),
            ("schedule_message", {"when": "0 8 * * 1-5", "about": "wake up"}),
            ("send_message", {"message": "I will."}),
        )

    clock = FakeClock(datetime(2027, 3, 25, 12, 0, tzinfo=UTC))  # a Thursday; summer time begins on Sunday
    async with opened(tmp_path, play, clock=clock) as house:
        await house.say("ada", "I live in Berlin. Wake me every weekday at 8.")
        await pass_time(house, 24 * 7)
        times = [reply.at.astimezone(ZoneInfo("Europe/Berlin")) for reply in house.parlour.posted[1:]]
    assert [(at.isoweekday(), at.hour) for at in times] == [(5, 8), (1, 8), (2, 8), (3, 8), (4, 8)]


@pytest.mark.parametrize(
    ("when", "why"),
    [
        ("yesterday", "is not a time"),
        ("2026-11-20T09:00", "is past"),
        ("2036-11-20T09:00", "too far ahead"),
        ("every 5m", "too often"),
        ("* * * * *", "too often"),
        ("0 8 31 2 *", "never"),
        ("99 8 * * *", "not a cron rule"),
    ],
)
async def test_times_that_cannot_be_are_told_to_the_model(tmp_path: Path, when: str, why: str) -> None:
    seen: list[str] = []

    def play(request: ModelRequest) -> ModelReply:
        last = request.messages[-1]
        if last["role"] == "tool":
            seen.append(last["content"])
            return say("I could not.")
        return call("schedule_message", when=when, about="tea")

    async with opened(tmp_path, play) as house:
        await house.say("ada", "Remind me.")
    assert len(seen) == 1
    assert why in seen[0]


async def test_a_reminder_is_heard_though_the_model_says_nothing_or_is_down(tmp_path: Path) -> None:
    def silent(outcome: ModelReply | Exception) -> Callable[[ModelRequest], ModelReply | Exception]:
        def play(request: ModelRequest) -> ModelReply | Exception:
            return outcome if kind(request) == "scheduled" else wishing("2026-11-21T11:00", "tea")(request)

        return play

    for number, outcome in enumerate([ModelReply(text="hm"), ModelUnavailable("down")]):
        async with opened(tmp_path / str(number), silent(outcome)) as house:
            await house.say("ada", "Remind me.")
            await pass_time(house, 2.2, step_s=60)
            assert [r.text for r in house.parlour.posted][1:] == ["You asked me to remind you: tea"]


async def test_a_beat_can_schedule_nothing_to_say_later(tmp_path: Path) -> None:
    def sly(request: ModelRequest) -> ModelReply:
        if kind(request) == "heartbeat":
            return call("schedule_message", when="every 1h", about="talk to me")
        return say("Yes.")

    async with opened(tmp_path, sly) as house:
        await house.say("ada", "Hello.")
        await pass_time(house, 8)
        assert beats(house) == 1
        assert [reply.text for reply in house.parlour.posted] == ["Yes."]


async def test_cancelled_by_command_and_undone_by_pop(tmp_path: Path) -> None:
    async with opened(tmp_path, wishing("2026-11-21T11:00")) as house:
        await house.say("ada", "Remind me.")
        wish = (await command(house, "ada", "scheduled")).splitlines()[1].split()[0]
        assert "There is nothing" in await command(house, "ada", "scheduled cancel nope")
        assert "Cancelled" in await command(house, "ada", f"scheduled cancel {wish}")
        await house.say("ada", "Remind me.")
        await command(house, "ada", "pop")
        await pass_time(house, 3)
        assert all("REMINDER" not in reply.text for reply in house.parlour.posted)


# -- other events


async def test_a_return_after_long_is_told_and_can_be_switched_off(tmp_path: Path) -> None:
    seen: list[dict[str, Any]] = []

    def play(request: ModelRequest) -> ModelReply:
        if kind(request) == "message":
            events = [m["content"] for m in request.messages if m["role"] == "user"]
            seen.append({"back": any("user_returned" in text for text in events)})
        return talk(request)

    async with opened(tmp_path, play) as house:
        await house.say("ada", "Hello.")
        await pass_time(house, 24 * 6, step_s=HOUR)
        await house.say("ada", "Hello.")
        await pass_time(house, 24 * 23, step_s=HOUR)
        await house.say("ada", "Hello.")
    assert [event["back"] for event in seen] == [False, False, True]


async def test_a_reminder_is_changed_by_its_person_by_the_rules_of_the_tool(tmp_path: Path) -> None:
    async with opened(tmp_path, wishing("2026-11-21T11:00", "tea")) as house:
        await house.say("ada", "Remind me.")
        wish = (await command(house, "ada", "scheduled")).splitlines()[1].split()[0]
        assert "Say /scheduled" in await command(house, "ada", f"scheduled when {wish}")
        assert "There is nothing" in await command(house, "ada", "scheduled text nope coffee")
        assert "There is nothing" in await command(house, "bob", f"scheduled text {wish} coffee")
        for when, why in (
            ("yesterday", "is not a time"),
            ("2020-01-01T09:00", "is past"),
            ("every 5m", "at least 15 minutes"),
            ("99 9 * * *", "is no minute from 0 to 59"),
        ):
            assert why in await command(house, "ada", f"scheduled when {wish} {when}"), when
        long = await command(house, "ada", f"scheduled text {wish} {'x' * 1_001}")
        assert "holds 1000 characters" in long
        assert house.rows("SELECT about, rule FROM wishes") == [("tea", "")]

        await command(house, "ada", "heartbeat hours 9-21 Europe/Berlin")
        told = await command(house, "ada", f"scheduled when {wish} 2026-11-21T15:30")
        assert f"{wish} " in told
        assert "15:30" in told
        assert "coffee" in await command(house, "ada", f"scheduled text {wish} coffee")
        assert "(every 2h)  coffee" in await command(house, "ada", f"scheduled when {wish} every 2h")
        due = house.rows("SELECT next_at FROM wishes")
        assert "cake" in await command(house, "ada", f"scheduled text {wish} cake")
        assert house.rows("SELECT next_at FROM wishes") == due, "another text is no other time"
        await command(house, "ada", "language de")
        told = await command(house, "ada", f"scheduled when {wish} 99 9 * * *")
        assert "Minute" in told
        assert "no minute" not in told
