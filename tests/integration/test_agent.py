"""The agent loop as a person and a model see it: whole turns through everbot, with a scripted model."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from pathlib import Path

import pytest

from bot.errors import ModelOverflow, ModelUnavailable
from bot.ports import ModelReply, ModelRequest
from tests.fakes.parlour import events_in, last_words, opened, parrot, results_in
from tests.fakes.scripted_model import Line, ScriptedModel, call, calls, say

SILENT = ModelReply(text="")
SEARCH = call("conversation_search", query="tea", request_heartbeat=True)
LOST = call("no_such_tool")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data"


async def texts_of(folder: Path, script: list[Line], **agent: int) -> tuple[list[str], ScriptedModel]:
    """What ada sees in answer to one message, and the model that answered it."""
    model = ScriptedModel(script)
    async with opened(folder, model, **agent) as house:
        replies = await house.say("ada", "I like tea.")
    assert model.exhausted
    return [reply.text for reply in replies], model


async def test_a_requested_heartbeat_shows_the_result_and_goes_on(folder: Path) -> None:
    note = call("core_memory_append", label="human", content="Likes tea.", request_heartbeat=True)
    texts, model = await texts_of(folder, [note, SEARCH, say("Noted.")])
    assert texts == ["Noted."]
    assert "Added." in results_in(model.requests[1])[-1]["message"]
    assert len(results_in(model.requests[2])) == 2


async def test_what_changed_in_core_memory_is_told_before_the_next_event(folder: Path) -> None:
    """The system text stays as it is, so that a provider's cache stays good; a restart makes it anew."""
    both = calls(
        ("core_memory_append", {"label": "human", "content": "Likes tea."}),
        ("send_message", {"message": "Noted."}),
    )
    model = ScriptedModel([both, *[say(str(n)) for n in range(7)]])
    async with opened(folder, model) as house:
        for n in range(8):
            await house.say("ada", "I like tea. " * 40)
            if n == 4:
                # As an admin's edit does, from another process.
                house.execute("UPDATE blocks SET value='I am calm.' WHERE label='persona'")
    first, *later = model.requests
    assert {request.messages[0]["content"] for request in later} == {first.messages[0]["content"]}
    for before, after in pairwise(later):
        assert after.messages[: len(before.messages)] == before.messages
    told = [event for event in events_in(model.requests[-1]) if event["type"] == "core_memory"]
    assert [list(event["blocks"]) for event in told] == [["human"], ["persona"]]
    assert told[0]["blocks"]["human"] == {"chars": "10/2000", "value": "Likes tea."}
    assert [event["type"] for event in events_in(later[0])][-2:] == ["core_memory", "message"]

    model = ScriptedModel([say("Hello again.")])
    async with opened(folder, model) as house:
        await house.say("ada", "Hello?")
    (request,) = model.requests
    assert "Likes tea." in request.messages[0]["content"]
    assert "I am calm." in request.messages[0]["content"]
    assert "core_memory" not in [event["type"] for event in events_in(request)]


async def test_core_memory_that_changes_too_much_is_shown_anew(folder: Path) -> None:
    values = [f"{n} " * 140 for n in range(6)]
    edits = [
        calls(
            ("core_memory_append", {"label": "human", "content": v}), ("send_message", {"message": "Noted."})
        )
        for v in values
    ]
    model = ScriptedModel([*edits, say("Done.")])
    async with opened(folder, model, model={"context_window": 18_000}) as house:
        for _ in range(7):
            await house.say("ada", "Something else.")
    for request, value in zip(model.requests[1:], values, strict=True):
        told = [event for event in events_in(request) if event["type"] == "core_memory"]
        shown = told[-1]["blocks"]["human"]["value"] if told else request.messages[0]["content"]
        assert value.strip() in shown
    assert len({request.messages[0]["content"] for request in model.requests}) > 2


async def test_without_a_heartbeat_the_turn_yields_after_its_step(folder: Path) -> None:
    both = calls(
        ("core_memory_append", {"label": "human", "content": "Likes tea."}),
        ("send_message", {"message": "Noted."}),
    )
    texts, model = await texts_of(folder, [both])
    assert texts == ["Noted."]
    assert len(model.requests) == 1


async def test_every_message_of_a_step_is_sent_in_order(folder: Path) -> None:
    texts, _ = await texts_of(folder, [calls(*(("send_message", {"message": str(n)}) for n in range(5)))])
    assert texts == list("01234")


async def test_an_answer_in_plain_text_is_an_answer(folder: Path) -> None:
    texts, _ = await texts_of(folder, [ModelReply(text="  Tea it is.\n")])
    assert texts == ["Tea it is."]


async def test_text_beside_calls_is_never_shown(folder: Path) -> None:
    thinking = ModelReply(text="They must not see this.", calls=say("Tea it is.").calls)
    texts, _ = await texts_of(folder, [thinking])
    assert texts == ["Tea it is."]


async def test_the_last_step_may_only_speak(folder: Path) -> None:
    texts, model = await texts_of(folder, [SEARCH, SEARCH, SEARCH, ModelReply(text="Enough.")], max_steps=4)
    assert texts == ["Enough."]
    assert [request.tool_choice for request in model.requests] == ["auto", "auto", "auto", "none"]
    assert all(request.tools == model.requests[0].tools for request in model.requests)


async def test_a_model_that_never_stops_is_stopped_visibly(folder: Path) -> None:
    texts, model = await texts_of(folder, [SEARCH] * 6, max_steps=6)
    assert len(texts) == 1
    assert "could not" in texts[0]
    assert model.requests[-1].tool_choice == "none"


async def test_an_empty_answer_is_asked_for_again(folder: Path) -> None:
    texts, model = await texts_of(folder, [SILENT, say("Sorry: tea.")])
    assert texts == ["Sorry: tea."]
    assert "send_message" in last_words(model.requests[1])


async def test_empty_answers_end_in_one_visible_sentence(folder: Path) -> None:
    texts, model = await texts_of(folder, [SILENT, SILENT, SILENT])
    assert len(texts) == 1
    assert "could not" in texts[0]
    assert model.requests[-1].tool_choice == "none"


async def test_a_turn_that_forgot_to_speak_is_told_so(folder: Path) -> None:
    silent_note = call("core_memory_append", label="human", content="Likes tea.")
    texts, model = await texts_of(folder, [silent_note, say("Noted.")])
    assert texts == ["Noted."]
    assert events_in(model.requests[1])[-1]["type"] == "system_alert"


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        (LOST, "no_such_tool"),
        (call("send_message"), "'message' is missing"),
        (call("send_message", message="  "), "empty"),
        (calls(("send_message", "[1, 2]")), "JSON object"),
        (call("send_message", message="hi", volume=11), "volume"),
        (call("send_message", message={"a": 1, "b": 2}), "must be"),
        (call("conversation_search", query="tea", page=-1), "≥ 0"),
        (call("conversation_search", query="tea", page=10**30), "out of range"),
        (call("conversation_search_date", start_date="yesterday", end_date="2026-01-01"), "YYYY-MM-DD"),
        (call("conversation_search_date", start_date="2026-02-01", end_date="2026-01-01"), "swap"),
        (call("core_memory_append", label="nowhere", content="x"), "labelled 'nowhere'"),
        (call("core_memory_append", label="persona", content="x"), "read-only"),
        (call("core_memory_append", label="human", content="x" * 2_001), "limit is 2000"),
        (call("core_memory_replace", label="human", old_content="a", new_content="b"), "not in the block"),
        (call("archival_memory_insert", content="x" * 9_000), "8000"),
        (call("archival_memory_insert", content="x", tags=[1]), "list of strings"),
        (call("pause_heartbeats", minutes=361), "360"),
        (call("pause_heartbeats", minutes=True), "integer"),
    ],
)
async def test_a_failing_call_is_shown_to_the_model_and_the_turn_goes_on(
    folder: Path, bad: ModelReply, says: str
) -> None:
    texts, model = await texts_of(folder, [bad, say("Never mind.")])
    assert texts == ["Never mind."]
    result = results_in(model.requests[1])[-1]
    assert result["status"] == "Failed"
    assert says in result["message"]


async def test_arguments_that_are_nearly_json_are_understood(folder: Path) -> None:
    texts, _ = await texts_of(folder, [calls(("send_message", '{"message": "Tea it is."'))])
    assert texts == ["Tea it is."]


async def test_the_same_failing_call_is_refused_after_three_times(folder: Path) -> None:
    _, model = await texts_of(folder, [LOST, LOST, LOST, LOST, say("I give up.")])
    shown = [result["message"] for result in results_in(model.requests[-1])]
    assert ["Refused" in message for message in shown] == [False, False, False, True]
    again = await texts_of(folder.with_name("other"), [calls(*[("no_such_tool", {})] * 5), say("I give up.")])
    shown = [result["message"] for result in results_in(again[1].requests[-1])]
    assert ["Refused" in message for message in shown] == [False, False, False, True, True]


async def test_failures_are_counted_per_turn(folder: Path) -> None:
    model = ScriptedModel([LOST, LOST, say("First."), LOST, LOST, say("Second.")])
    async with opened(folder, model) as house:
        await house.say("ada", "one")
        await house.say("ada", "two")
    assert not any("Refused" in result["message"] for result in results_in(model.requests[-1]))


async def test_calls_beyond_the_limit_are_counted_out_to_the_model(folder: Path) -> None:
    many = calls(*[("archival_memory_search", {"query": str(n)}) for n in range(1_000)])
    _, model = await texts_of(folder, [many, say("Done.")], max_calls=10)
    assert len(results_in(model.requests[1])) == 10
    assert "990 were not" in "".join(str(event.get("message")) for event in events_in(model.requests[1]))


async def test_a_steps_edits_are_seen_by_its_later_calls(folder: Path) -> None:
    edits = calls(
        ("core_memory_append", {"label": "human", "content": "Likes tea."}),
        ("core_memory_replace", {"label": "human", "old_content": "tea", "new_content": "coffee"}),
        ("send_message", {"message": "Changed."}),
    )
    async with opened(folder, ScriptedModel([edits])) as house:
        await house.say("ada", "I like tea. No, coffee.")
        assert house.rows("SELECT value FROM blocks WHERE label = 'human'") == [("Likes coffee.",)]


async def test_a_fact_told_twice_stands_once(folder: Path) -> None:
    note = calls(
        ("core_memory_append", {"label": "human", "content": "Likes tea."}),
        ("send_message", {"message": "Ok."}),
    )
    model = ScriptedModel([note, note, say("Bye.")])
    async with opened(folder, model) as house:
        for words in ("I like tea.", "As I said, I like tea.", "Bye!"):
            await house.say("ada", words)
        assert house.rows("SELECT value FROM blocks WHERE label = 'human'") == [("Likes tea.",)]
    assert "Already there" in results_in(model.requests[-1])[2]["message"]


async def test_an_overflow_is_sent_again_with_less(folder: Path) -> None:
    model = ScriptedModel(parrot)
    async with opened(folder, model) as house:
        for n in range(8):
            await house.say("ada", f"message {n}: " + "tea and cake " * 100)
        before = len(model.requests[-1].messages)
        overflow = ScriptedModel(
            [ModelOverflow("too long"), ModelReply(text="They had tea."), say("Shorter now.")]
        )
    async with opened(folder, overflow) as house:
        assert [reply.text for reply in await house.say("ada", "And now?")] == ["Shorter now."]
    assert len(overflow.requests[-1].messages) < before
    assert overflow.exhausted


async def test_the_person_hears_once_that_the_model_is_down_and_is_answered_later(folder: Path) -> None:
    down = ModelUnavailable("The server is asleep.")
    async with opened(folder, ScriptedModel([down, down, down, say("Back again.")])) as house:
        replies = await house.say("ada", "Hello?")
    assert [reply.kind for reply in replies] == ["notice", "reply"]
    assert replies[0].text.startswith("I can't think right now")
    assert "asleep" not in replies[0].text  # that is for the operator
    assert replies[1].text == "Back again."


async def test_people_do_not_wait_for_each_other(folder: Path) -> None:
    gate = asyncio.Event()

    async def play(request: ModelRequest) -> ModelReply:
        if "slow" in last_words(request):
            await gate.wait()
        return say("Done.")

    async with opened(folder, play) as house:
        slow = asyncio.create_task(house.say("ada", "slow"))
        for n in range(5):
            assert len(await house.say(f"user{n}", "quick")) == 1
        assert not slow.done()
        gate.set()
        assert len(await slow) == 1


async def test_an_event_is_answered_once_however_often_it_is_delivered(folder: Path) -> None:
    async with opened(folder, parrot) as house:
        event = house.message("ada", "Hello")
        assert len(await house.tell(event)) == 1
        assert await house.tell(event) == []
    async with opened(folder, parrot) as house:
        assert await house.tell(event) == []
