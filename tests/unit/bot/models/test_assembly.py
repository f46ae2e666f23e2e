"""Tool calls and text put together from the deltas of servers that all stream differently."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import ModelRefused, ModelUnavailable
from bot.models.assembly import LIMIT, Assembly
from bot.ports import ModelReply
from memory.records import Usage

A, B = '{"message": "a"}', '{"query": "b"}'


def entry(index: int | None, id: str | None, name: str | None, arguments: Any) -> dict[str, Any]:
    """A tool-call delta; what is None is left out."""
    function = {k: v for k, v in (("name", name), ("arguments", arguments)) if v is not None}
    given = {k: v for k, v in (("index", index), ("id", id)) if v is not None}
    return {**given, "function": function}


def assembled(*deltas: dict[str, Any], finish: str | None = "stop") -> ModelReply:
    assembly = Assembly()
    for delta in deltas:
        assembly.add({"choices": [{"index": 0, "delta": delta, "finish_reason": None}]})
    assembly.add({"choices": [{"index": 0, "delta": {}, "finish_reason": finish}]})
    return assembly.reply()


def calls_of(*entries: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Each entry in a chunk of its own."""
    reply = assembled(*({"tool_calls": [e]} for e in entries))
    return [(c.id, c.name, c.arguments) for c in reply.calls]


TWO = [("x", "send", A), ("y", "search", B)]


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        pytest.param(
            [entry(0, "x", "send", ""), entry(0, None, None, A[:5]), entry(0, None, None, A[5:]),
             entry(1, "y", "search", ""), entry(1, None, None, B)],
            TWO, id="as OpenAI does",
        ),
        pytest.param(
            [entry(0, "x", "send", ""), entry(1, "y", "search", ""), entry(0, None, None, A),
             entry(1, None, None, B)],
            TWO, id="interleaved",
        ),
        pytest.param([entry(0, "x", "send", A), entry(1, "y", "search", B)], TWO, id="whole"),
        pytest.param([entry(None, "x", "send", A), entry(None, "y", "search", B)], TWO, id="whole, no index"),
        pytest.param([entry(0, "x", "send", A), entry(0, "y", "search", B)], TWO, id="whole, one index"),
        pytest.param(
            [entry(None, "x", "send", A[:5]), entry(None, None, None, A[5:]), entry(None, "y", "search", B)],
            TWO, id="pieces, no index",
        ),
        pytest.param(
            [entry(0, None, "send", A), entry(1, None, "search", B)],
            [("call_0", "send", A), ("call_1", "search", B)], id="no ids",
        ),
        pytest.param(
            [entry(None, None, "send", A), entry(None, None, "send", A)],
            [("call_0", "send", A), ("call_1", "send", A)], id="the same call twice, no ids, no index",
        ),
        pytest.param(
            [entry(0, "x", "send", A[:5]), entry(0, "x", "send", A[5:])],
            TWO[:1], id="the name in every piece",
        ),
        pytest.param(
            [entry(0, "x", "send", A[:5]), entry(0, "z", None, A[5:])],
            TWO[:1], id="a new id in every piece",
        ),
        pytest.param([entry(0, "x", "se", ""), entry(0, None, "nd", ""), entry(0, None, None, A)],
                     TWO[:1], id="the name in pieces"),
        pytest.param([entry(0, "x", "send", A), entry(1, "x", "search", B)],
                     [("x", "send", A), ("call_1", "search", B)], id="one id for all"),
        pytest.param([entry(0, "x", "send", json.loads(A))], TWO[:1], id="arguments as an object"),
        pytest.param([entry(0, "x", "send", ""), entry(0, "y", "search", "")],
                     [("x", "send", ""), ("y", "search", "")], id="one index, no arguments"),
        pytest.param([entry(0, "x", "send", None)], [("x", "send", "")], id="no arguments"),
        pytest.param([entry(7, "x", "send", A), entry(3, "y", "search", B)], TWO, id="odd indexes"),
    ],
)  # fmt: skip
def test_tool_calls(entries: list[dict[str, Any]], expected: list[tuple[str, str, str]]) -> None:
    assert calls_of(*entries) == expected


def test_several_calls_in_one_chunk() -> None:
    reply = assembled({"tool_calls": [entry(None, None, "send", A), entry(None, None, "search", B)]})
    assert [(c.name, c.arguments) for c in reply.calls] == [("send", A), ("search", B)]


@pytest.mark.parametrize(
    ("contents", "text"),
    [
        (["Hel", "lo", None, ""], "Hello"),
        ([[{"type": "text", "text": "Hel"}, {"type": "text", "text": "lo"}]], "Hello"),
        ([["Hel", {"type": "image"}, None], "lo"], "Hello"),
        ([3, {"text": "no"}], "no"),
    ],
)
def test_content(contents: list[Any], text: str) -> None:
    assert assembled(*({"content": c, "reasoning_content": "Hm."} for c in contents)).text == text


def test_a_refusal_is_what_the_model_said() -> None:
    assert assembled({"content": None, "refusal": "I will not."}).text == "I will not."


def test_usage_and_a_whole_message() -> None:
    assembly = Assembly()
    details = {"prompt_tokens_details": {"cached_tokens": 4}}
    choice = {"message": {"content": "Hi", "tool_calls": None}, "finish_reason": "length"}
    assembly.add({"choices": [choice], "usage": {"prompt_tokens": 9, "completion_tokens": 2, **details}})
    assembly.add({"choices": [], "usage": None})
    expected = ModelReply(text="Hi", usage=Usage(prompt=9, completion=2, cached=4), truncated=True)
    assert assembly.reply() == expected


@pytest.mark.parametrize("finish", [None, "", "error"])
def test_without_a_reason_it_was_cut_short(finish: str | None) -> None:
    with pytest.raises(ModelUnavailable, match="cut short"):
        assembled({"content": "Hel"}, finish=finish)


@pytest.mark.parametrize(
    "delta",
    [
        {"content": "x" * 2**16},
        {"tool_calls": [entry(0, None, None, "x" * 2**16)]},
        {"tool_calls": [entry(n, None, "f", "") for n in range(1000)]},
    ],
    ids=["text", "arguments", "calls"],
)
def test_it_does_not_grow_without_end(delta: dict[str, Any]) -> None:
    with pytest.raises(ModelUnavailable, match="4 MB"):
        assembled(*[delta] * (LIMIT // 2**16 + 1))


odd = st.sampled_from([None, True, 3, -1, 2.5, float("nan"), "x", "{}", [], {}, ["t"], {"text": "t"}, [None]])


def shaped(**optional: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Objects of about the right shape, lists of them, and things that are neither."""
    made = st.fixed_dictionaries({}, optional=optional)
    return made | st.lists(made, max_size=3) | odd


function = shaped(name=odd, arguments=odd)
delta = shaped(content=odd, refusal=odd, tool_calls=shaped(index=odd, id=odd, function=function))
choice = shaped(index=odd, delta=delta, message=delta, finish_reason=odd)
usage = shaped(prompt_tokens=odd, completion_tokens=odd, prompt_tokens_details=shaped(cached_tokens=odd))
chunk = st.fixed_dictionaries({}, optional={"choices": choice, "usage": usage})


@given(st.lists(chunk, max_size=4))
def test_no_shape_of_chunk_breaks_it(chunks: list[dict[str, Any]]) -> None:
    assembly = Assembly()
    for chunk in chunks:
        assembly.add(chunk)
    assembly.finish("stop")
    reply = assembly.reply()
    assert len({call.id for call in reply.calls}) == len(reply.calls)


def test_usage_may_stand_in_the_last_choice() -> None:
    assembly = Assembly()
    usage = {"prompt_tokens": 7, "completion_tokens": 2}
    assembly.add(
        {"choices": [{"index": 0, "delta": {"content": "Hi"}, "finish_reason": "stop", "usage": usage}]}
    )
    assert assembly.reply().usage == Usage(prompt=7, completion=2)


def test_reasoning_in_the_parts_of_a_text_is_not_said_and_kept_whole() -> None:
    def part(text: str, **more: Any) -> dict[str, Any]:
        return {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": text}], **more}]}

    reply = assembled(
        part("They "),
        part("greet.", closed=True),
        {"content": [{"type": "text", "text": "Hi"}]},
        {"content": "!"},
    )
    assert reply.text == "Hi!"
    thought = {"type": "thinking", "thinking": [{"type": "text", "text": "They greet."}], "closed": True}
    assert reply.extra == {"content": [thought]}


@pytest.mark.parametrize(
    "finish",
    ["content_filter", "PROHIBITED_CONTENT", "SAFETY", "content_filter: SAFETY", "IMAGE_SAFETY", "refusal"],
)
def test_what_a_filter_stopped_is_refused_and_what_it_cut_is_marked(finish: str) -> None:
    with pytest.raises(ModelRefused):
        assembled({"content": ""}, finish=finish)
    reply = assembled({"content": "It is", "tool_calls": [entry(0, "x", "send", A[:9])]}, finish=finish)
    assert reply.truncated


@pytest.mark.parametrize(
    "finish", ["function_call_filter: MALFORMED_FUNCTION_CALL", "MALFORMED_FUNCTION_CALL", "OTHER"]
)
def test_a_reply_that_went_wrong_is_an_empty_one(finish: str) -> None:
    assert assembled({"content": ""}, finish=finish) == ModelReply(text="")


def test_calls_by_their_numbers_and_one_alone() -> None:
    by_number = assembled(
        {"tool_calls": {"0": entry(None, "x", "send", A), "1": entry(None, "y", "search", B)}}
    )
    assert [(c.id, c.name, c.arguments) for c in by_number.calls] == TWO
    alone = assembled({"tool_calls": entry(None, "x", "send", A)})
    assert [(c.id, c.name, c.arguments) for c in alone.calls] == TWO[:1]


def test_text_may_stand_in_the_choice_itself() -> None:
    assembly = Assembly()
    assembly.add({"choices": [{"index": 0, "text": "Hi", "finish_reason": "stop"}]})
    assert assembly.reply().text == "Hi"
