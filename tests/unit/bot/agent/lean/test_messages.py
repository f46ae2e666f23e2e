"""How small models are shown a conversation."""

from __future__ import annotations

import json
from typing import Any

from bot.agent.context import to_json
from bot.agent.lean.core_memory import addressed
from bot.agent.lean.messages import shown
from bot.ports import GIVEN, Form, Rendered

TIME = "2026-11-26T09:30:00+01:00 (Thursday)"


def event(**fields: Any) -> Rendered:
    return Rendered(
        to_json({"role": "user", "content": to_json({"type": "message", "time": TIME, **fields})})
    )


def made(name: str, call_id: str = "abcdefghi", **arguments: Any) -> dict[str, Any]:
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": to_json(arguments)}}


def replied(*calls: dict[str, Any], content: str | None = None, **more: Any) -> Rendered:
    return Rendered(to_json({"role": "assistant", "content": content, "tool_calls": list(calls), **more}))


def result(message: Any, call_id: str = "abcdefghi", status: str = "OK") -> Rendered:
    content = to_json({"status": status, "message": message, "time": TIME})
    return Rendered(to_json({"role": "tool", "tool_call_id": call_id, "content": content}))


def lean(*messages: Rendered) -> list[Any]:
    return [dict(message) for message in shown(messages, Form.LEAN)]


def test_an_event_is_a_few_lines() -> None:
    [told] = lean(
        event(
            name="Ada",
            place="#pets",
            brings_to_mind=["2026-11-01 A dog."],
            stored={"recall": 9},
            message="Hi",
        )
    )
    assert (
        told["content"] == "[Thursday 2026-11-26 09:30, #pets]\nYou remember:\n- 2026-11-01 A dog.\nAda: Hi"
    )


def test_what_is_not_known_is_shown_all_the_same() -> None:
    [told] = lean(event(name="Ada", edited=True, mood={"is": "good"}, message="Hi"))
    assert told["content"].splitlines()[1:] == ["edited: true", 'mood: {"is": "good"}', "Ada: Hi"]


def test_images_stay_beside_the_text() -> None:
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}
    text = {
        "type": "text",
        "text": to_json({"type": "message", "time": TIME, "name": "Ada", "message": "Look"}),
    }
    [told] = lean(Rendered(to_json({"role": "user", "content": [text, image]})))
    assert told["content"] == [{"type": "text", "text": "[Thursday 2026-11-26 09:30]\nAda: Look"}, image]


def test_calls_come_with_their_results_and_before_what_was_said() -> None:
    append = made("core_memory_append", label="human", content="A dog.")
    messages = lean(
        replied(append, made("send_message", "123456789", message="Nice."), content="I think so."),
        result("Added."),
        result("Sent.", "123456789"),
    )
    assert messages == [
        {"role": "assistant", "content": None, "tool_calls": [append]},
        {"role": "tool", "tool_call_id": "abcdefghi", "content": "Added."},
        {"role": "assistant", "content": "Nice."},
    ]


def test_what_was_found_is_told_line_by_line_and_a_failure_as_one() -> None:
    hits = {"results": ["m12 2026-11-26 Thu 09:30 (3/17) Ada: A dog.", "a.pdf part 4: Dogs."], "more": True}
    search = made("conversation_search", query="dog")
    assert lean(replied(search), result(hits))[1]["content"] == (
        "- 2026-11-26 Thu 09:30 (3/17) Ada: A dog.\n- a.pdf part 4: Dogs."
    )
    assert lean(replied(search), result("No.", status="Failed"))[1]["content"] == "Failed: No."


def test_what_a_server_added_goes_back_to_it_alone() -> None:
    given = {
        "by": "here",
        "message": {"reasoning_content": "Hm."},
        "calls": [{}, {"extra_content": {"a": 1}}],
    }
    calls = [made("send_message", "123456789", message="Hi"), made("conversation_search", query="x")]
    first, *_ = shown(
        [replied(*calls, **{GIVEN: given}), result("Sent.", "123456789"), result("-")], Form.LEAN
    )
    assert isinstance(first, Rendered)
    mine, others = json.loads(first.text_for("here")), json.loads(first.text_for("there"))
    assert (mine["reasoning_content"], mine["tool_calls"][0]["extra_content"]) == ("Hm.", {"a": 1})
    assert "Hm." not in json.dumps(others)
    assert "extra_content" not in json.dumps(others)


def test_a_model_without_tools_sees_the_objects_that_it_answers_with() -> None:
    messages = [
        replied(made("remember", fact="A dog."), made("send_message", "123456789", message="Nice.")),
        result("Added."),
        result("Sent.", "123456789"),
        replied(made("conversation_search", query="x")),
        result("Nothing."),
    ]
    [answer] = shown(messages, Form.JSON)
    assert json.loads(answer["content"]) == {"remember": ["A dog."], "answer": "Nice."}


def test_who_it_is_is_said_to_it() -> None:
    said = addressed("I am Ever, and I'm warm. I've my ways. People trust me. My name is long.")
    assert said == "You are Ever, and you are warm. You have your ways. People trust you. Your name is long."
    for text in ("Ever is a friend. I know.", "I gatti dormono."):
        assert addressed(text) == text
