from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.agent import context
from bot.agent.context import MainContext, event_fields, fitter, local_time, repaired
from bot.events import (
    Attachment,
    DocumentUploaded,
    Event,
    HeartbeatDue,
    MessageReceived,
    Quote,
    ReactionAdded,
    SystemAlert,
    UserJoined,
)
from bot.ports import ToolCall
from memory.records import Block, Message, Role, Summary
from memory.tokens import Estimator
from tests.fakes.openai_rules import refusal

AT = datetime(2026, 11, 21, 23, 30, tzinfo=UTC)
UTC_ZONE = ZoneInfo("UTC")
WHO: dict[str, Any] = {
    "key": "console:ada/1",
    "account": "console:ada",
    "name": "Ada",
    "address": "console:ada",
    "audience": "private",
    "at": AT,
}
LONG = "The quick brown fox jumps over the lazy dog. " * 400


def tokens(text: str) -> int:
    """A counter with the properties that `fitter` may rely on: a token is at least one byte."""
    return -(-len(text.encode("utf-8", "replace")) // 4)


fit = fitter(tokens)


def block(label: str, value: str, **more: Any) -> Block:
    values: dict[str, Any] = {"id": 1, "owner": "agent:1", "audience": "private", "limit": 2_000}
    return Block(label=label, value=value, **(values | more))


def shown(event: Event, room: int = 1_000) -> dict[str, Any]:
    return event_fields(event, UTC_ZONE, fit, room)


# System text


# Events


def test_a_message_in_the_persons_own_time() -> None:
    event = MessageReceived(**WHO, text="Good night!")
    assert event_fields(event, ZoneInfo("Asia/Tokyo"), fit, 1_000) == {
        "type": "message",
        "name": "Ada",
        "time": "2026-11-22T08:30:00+09:00 (Sunday)",
        "message": "Good night!",
    }


def test_local_time_across_a_change_of_the_clocks() -> None:
    zone = ZoneInfo("Europe/Berlin")
    assert local_time(datetime(2026, 10, 25, 0, 30, tzinfo=UTC), zone) == "2026-10-25T02:30:00+02:00 (Sunday)"
    assert local_time(datetime(2026, 10, 25, 1, 30, tzinfo=UTC), zone) == "2026-10-25T02:30:00+01:00 (Sunday)"


def quote(text: str) -> Quote:
    return Quote(key="discord:1", account="discord:2", text=text)


def test_all_that_comes_with_a_message() -> None:
    fields = shown(
        MessageReceived(
            **WHO,
            text="This one?",
            reply_to=quote("Which?"),
            place="#general",
            context=(quote("bob: hi"), quote("cyd: hello")),
            attachments=(Attachment(name="a.txt", media_type="text/plain", text="Hello"),),
        )
    )
    assert fields["place"] == "#general"
    assert fields["reply_to"] == "Which?"
    assert fields["context"] == ["bob: hi", "cyd: hello"]
    assert fields["attachments"] == [{"name": "a.txt", "type": "text/plain", "text": "Hello"}]


def test_what_is_not_there_is_not_shown() -> None:
    fields = shown(
        MessageReceived(**WHO, text="", attachments=(Attachment(name="a.png", media_type="image/png"),))
    )
    assert set(fields) == {"type", "name", "time", "message", "attachments"}
    assert fields["attachments"] == [{"name": "a.png", "type": "image/png"}]


@pytest.mark.parametrize(
    ("event", "field", "holds"),
    [
        (HeartbeatDue(**WHO, reason="The timer fired."), "reason", "The timer fired."),
        (SystemAlert(**WHO, message="Full."), "message", "Full."),
        (ReactionAdded(**WHO, emoji="👍", target="x"), "reason", "👍"),
        (UserJoined(**WHO), "reason", "software"),
        (DocumentUploaded(**WHO, document="a.pdf", text="Once."), "message", "Once."),
        (DocumentUploaded(**WHO, document="a.pdf", text="Once."), "document", "a.pdf"),
    ],
)
def test_other_events(event: Event, field: str, holds: str) -> None:
    fields = shown(event)
    assert fields["type"] == event.kind
    assert holds in fields[field]


@pytest.mark.parametrize(
    "event", [MessageReceived(**WHO, text=LONG), DocumentUploaded(**WHO, document="a.pdf", text=LONG)]
)
def test_a_long_text_is_clipped_and_says_how_to_read_on(event: Event) -> None:
    text = shown(event, room=800)["message"]
    part, _, note = text.partition(" … [clipped: ")
    assert LONG.startswith(part)
    assert note.startswith(f"{len(part)} of {len(LONG)} characters are shown")
    assert "recall storage, conversation_search" in note
    assert 300 < tokens(part) <= 400


@settings(max_examples=40, deadline=None)
@given(
    length=st.integers(0, 20_000),
    context=st.lists(st.integers(0, 3_000), max_size=6),
    attached=st.lists(st.integers(0, 9_000), max_size=4),
    reply=st.integers(0, 5_000),
    room=st.integers(1_200, 6_000),
)
def test_an_event_takes_no_more_than_its_share(
    length: int, context: list[int], attached: list[int], reply: int, room: int
) -> None:
    event = MessageReceived(
        **WHO,
        text=LONG[:length],
        reply_to=quote(LONG[:reply]),
        context=tuple(quote(LONG[:n]) for n in context),
        attachments=tuple(
            Attachment(name=f"{i}.txt", media_type="text/plain", text=LONG[:n])
            for i, n in enumerate(attached)
        ),
    )
    notes = 60 * (2 + len(context) + len(attached))
    assert tokens(json.dumps(shown(event, room))) <= room * 1.15 + notes


@pytest.mark.parametrize("character", ['"', "\\", "\n", "\x01", '"\\'])
def test_a_text_of_what_json_escapes_takes_no_more_than_its_share(character: str) -> None:
    count = Estimator().count
    event = MessageReceived(**WHO, text=character * 50_000)
    fields = event_fields(event, UTC_ZONE, fitter(context.in_json(count)), 1_000)
    assert count(context.to_json(fields)) <= 1_000
    assert "characters are shown" in fields["message"]


# Fitting


@settings(max_examples=200, deadline=None)
@given(text=st.text(max_size=300) | st.text(alphabet="ab 🦊", max_size=3_000), room=st.integers(1, 400))
def test_a_fitted_text_fits_and_is_not_cut_short(text: str, room: int) -> None:
    fitted = fit(text, room)
    assert text.startswith(fitted)
    assert tokens(fitted) <= room
    if tokens(text) <= room:
        assert fitted == text
    else:
        longer = text[: len(fitted) + max(17, len(text[: room * 16]) // 32)]
        assert tokens(longer) > room or longer == text[: room * 16]


def test_lone_surrogates_do_not_break_the_fitter() -> None:
    assert fit("\ud800" * 10, 100) == "\ud800" * 10


# Rendering


def test_assistant_messages() -> None:
    one = ToolCall(id="c1", name="send_message", arguments='{"message": "Hi"}')
    assert json.loads(context.assistant_message("Thinking.", [one], fit, 100)) == {
        "role": "assistant",
        "content": "Thinking.",
        "tool_calls": [
            {
                "id": "c1",
                "type": "function",
                "function": {"name": "send_message", "arguments": '{"message": "Hi"}'},
            }
        ],
    }
    assert json.loads(context.assistant_message("", [one], fit, 100))["content"] is None
    assert json.loads(context.assistant_message("", [], fit, 100)) == {"role": "assistant", "content": ""}


def test_long_thoughts_and_arguments_are_clipped_to_valid_json() -> None:
    call = ToolCall(id="c1", name="send_message", arguments=json.dumps({"message": LONG}))
    rendered = context.assistant_message(LONG, [call], fit, 400)
    message = json.loads(rendered)
    assert LONG.startswith(message["content"])
    arguments = json.loads(message["tool_calls"][0]["function"]["arguments"])
    assert call.arguments.startswith(arguments["clipped"])
    assert str(len(call.arguments)) in arguments["note"]
    assert tokens(rendered) < 500


def test_a_summary_is_an_event() -> None:
    rendered = json.loads(context.summary_message("Ada lives in Porto.", 12, AT, UTC_ZONE))
    assert rendered["role"] == "user"
    fields = json.loads(rendered["content"])
    assert (fields["type"], fields["message"]) == ("summary", "Ada lives in Porto.")
    assert "12 older messages" in fields["note"]


def test_the_main_context_is_system_summary_queue() -> None:
    stored = Message(
        key=1,
        conversation_id=1,
        audience="private",
        role=Role.USER,
        author="Ada",
        text="Zoë 🦊",
        rendered=context.user_message({"message": "Zoë 🦊"}),
        tokens=1,
        created_at=AT,
        turn_id="t",
    )
    rendered = context.summary_message("Before.", 3, AT, UTC_ZONE)
    summary = Summary(
        conversation_id=1, text="Before.", rendered=rendered, tokens=1, messages=3, since=AT, created_at=AT
    )
    messages = MainContext("Be kind.", summary, [stored]).messages()
    assert [message["role"] for message in messages] == ["system", "user", "user"]
    assert messages[1:] == [json.loads(rendered), json.loads(stored.rendered)]
    assert "Zoë 🦊" in stored.rendered
    assert MainContext("Be kind.", None, []).messages() == [{"role": "system", "content": "Be kind."}]


# Repair


def user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


def asking(*ids: str) -> dict[str, Any]:
    function = {"name": "send_message", "arguments": "{}"}
    calls = [{"id": one, "type": "function", "function": function} for one in ids]
    return {"role": "assistant", "content": None, "tool_calls": calls}


def answer(call_id: str) -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": call_id, "content": "OK"}


def test_a_whole_history_is_left_as_it_is() -> None:
    history = [user("a"), asking("1", "2"), answer("1"), answer("2"), user("b"), asking("3"), answer("3")]
    assert repaired(history) == history


def test_a_lost_result_is_told() -> None:
    messages = repaired([asking("1", "2"), answer("2"), user("b"), asking("3")])
    assert [m["role"] for m in messages] == ["assistant", "tool", "tool", "user", "assistant", "tool"]
    assert {m["tool_call_id"] for m in messages if m["role"] == "tool"} == {"1", "2", "3"}
    assert "lost" in messages[2]["content"]


def test_answers_to_nothing_are_dropped() -> None:
    assert repaired([answer("1"), user("a"), asking("2"), answer("2"), answer("2")]) == [
        user("a"),
        asking("2"),
        answer("2"),
    ]


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.sampled_from(["user", "answer"]).flatmap(
            lambda kind: st.just(user("x")) if kind == "user" else st.sampled_from("123").map(answer)
        )
        | st.lists(st.sampled_from("123"), unique=True, max_size=3).map(
            lambda ids: asking(*ids) if ids else {"role": "assistant", "content": "x"}
        ),
        max_size=12,
    )
)
def test_any_history_becomes_one_that_endpoints_take(history: list[dict[str, Any]]) -> None:
    messages = repaired(history)
    assert refusal({"model": "m", "messages": [user("a"), *messages]}) is None
    assert [m for m in messages if m["role"] != "tool"] == [m for m in history if m["role"] != "tool"]
    assert repaired(messages) == messages


def test_what_was_told_of_blocks_is_read_back_until_it_is_cut_down() -> None:
    fields = context.blocks_fields([block("human", "Ada. " * 100), block("persona", "Calm.")], AT, UTC_ZONE)
    note = context.user_message(fields)
    assert context.told_blocks(note) == {"human": "Ada. " * 100, "persona": "Calm."}
    assert context.told_blocks(context.shrunk(note, fitter(len), 50)) == {}


@pytest.mark.parametrize("text", ["tea and cake ", "我", "a", " ", "`", "\ufdfa", "x\n"])
@pytest.mark.parametrize("room", [100, 2_000])
def test_however_long_a_text_is_little_more_than_is_kept_is_counted(text: str, room: int) -> None:
    counted: list[int] = []

    def count(part: str) -> int:
        counted.append(len(part))
        return Estimator().count(part)

    fitted = fitter(count)(text * 1_000_000, room)
    assert 0.9 * room <= Estimator().count(fitted) <= room
    assert sum(counted) <= 5 * len(fitted) + 10 * room


def test_a_message_that_is_changed_to_a_long_one_is_clipped() -> None:
    assert context.clipped("tea " * 9, fit, 1_000) == "tea " * 9
    assert "36000 characters are shown" in context.clipped("tea " * 9_000, fit, 1_000)
