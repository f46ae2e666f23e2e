from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.agent.replies import cleaned, discreet, outgoing, without
from bot.ports import ModelReply, ToolCall
from tests.fakes.scripted_model import calls


def call(id: str, name: str = "send_message") -> ToolCall:
    return ToolCall(id=id, name=name, arguments="{}")


@pytest.mark.parametrize(
    ("name", "kept"),
    [("send_message", "send_message"), ("functions.send message", "functions_send_message"), ("", "unnamed")],
)
def test_a_name_is_one_that_endpoints_take(name: str, kept: str) -> None:
    [one] = cleaned(ModelReply(text="", calls=(call("a", name),)), "turn/0").calls
    assert one.name == kept


@example(["call_1_1", ""], "a")
@given(st.lists(st.text(max_size=80), max_size=6), st.text(max_size=80))
def test_every_call_is_kept_in_order_under_an_id_of_its_own(ids: list[str], name: str) -> None:
    reply = cleaned(
        ModelReply(text="", calls=tuple(call(one, f"{name}{n}") for n, one in enumerate(ids))), "turn/0"
    )
    kept = [one.id for one in reply.calls]
    assert len(kept) == len(ids) == len(set(kept))
    assert all(len(one) == 9 and one.isalnum() and one.isascii() for one in kept)
    assert all(one.name.isascii() and 0 < len(one.name) <= 64 for one in reply.calls)


def test_what_no_row_can_hold_is_taken_out_of_the_text() -> None:
    assert cleaned(ModelReply(text=" good\x00 day\ud800 "), "turn/0").text == "good day?"


def test_what_has_no_end_is_cut_and_a_call_of_it_is_not_carried_out() -> None:
    endless = ToolCall(id="a", name="send_message", arguments='{"message": "' + "ha" * 1_000_000)
    reply = cleaned(ModelReply(text="ha" * 1_000_000, calls=(endless, call("b"))), "turn/0")
    assert len(reply.text) == len(reply.calls[0].arguments) == 100_000
    assert [one.cut for one in reply.calls] == [True, False]


def test_the_title_of_a_thread_is_read_by_people_too() -> None:
    reply = calls(("open_thread", {"title": "zorblax"}), ("send_message", {"message": "there"}))
    assert outgoing(reply) == ["zorblax", "there"]
    assert outgoing(without(reply, "zorblax", "not here")) == ["not here", "there"]


def test_the_name_of_a_file_is_read_as_the_words_that_it_is_made_of() -> None:
    reply = calls(("send_file", {"name": "the_foul-word.md", "content": "all"}))
    assert outgoing(reply) == ["all", "the foul word md"]
    renamed = without(reply, "the foul word md", "not here")
    assert outgoing(renamed) == ["all", "not here"]


@pytest.mark.parametrize(("tool", "argument"), [("archival_memory_replace", "content"), ("remember", "fact")])
def test_what_it_notes_is_kept_without_a_password(tool: str, argument: str) -> None:
    reply = discreet(calls((tool, {argument: "The password: Hunter2!x"})))
    assert "Hunter" not in reply.calls[0].arguments
