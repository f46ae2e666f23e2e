"""Calls that a model wrote into its text are read, whatever its template calls them; nothing else is."""

from __future__ import annotations

import json
import time
from pathlib import Path
from string import Template
from typing import Any

import pytest

from bot.models.thoughts import spoken
from bot.models.written_calls import read

OFFERED = {
    "send_message": ["message"],
    "archival_memory_search": ["query", "page", "tags"],
    "core_memory_append": ["label", "content"],
    "finish_rethinking_memory": [],
}
ARGUMENTS = '{"message": "The train leaves at 9, (platform 3)."}'
CALL = f'{{"name": "send_message", "arguments": {ARGUMENTS}}}'
OTHER = f'{{"name": "send_message", "parameters": {ARGUMENTS}}}'
TEXT = json.loads(ARGUMENTS)["message"]
PYTHON = f'send_message(message="{TEXT}")'


def shapes() -> dict[str, str]:
    """Those of written_calls.txt, by name."""
    blocks = Path(__file__).with_name("written_calls.txt").read_text(encoding="utf-8").split("\n## ")[1:]
    parts = {"ARGUMENTS": ARGUMENTS, "CALL": CALL, "OTHER": OTHER, "TEXT": TEXT, "PYTHON": PYTHON}
    return {
        name: Template(text.strip("\n")).substitute(parts)
        for name, _, text in (block.partition("\n") for block in blocks)
    }


SHAPES = shapes()


def called(text: str) -> list[tuple[str, Any]]:
    result = []
    for name, arguments in read(spoken(text), OFFERED).calls:
        value = json.loads(arguments)
        result.append((name, json.loads(value) if isinstance(value, str) else value))
    return result


@pytest.mark.parametrize("shape", SHAPES)
def test_a_call_is_read(shape: str) -> None:
    assert called(SHAPES[shape]) == [("send_message", {"message": TEXT})]


@pytest.mark.parametrize("shape", SHAPES)
def test_nothing_of_it_is_said(shape: str) -> None:
    said = read(spoken(SHAPES[shape]), OFFERED).text
    assert TEXT not in said
    assert "send_message" not in said.replace("tool_call", "")


def test_several_calls_keep_their_order() -> None:
    search = '{"name": "archival_memory_search", "arguments": {"query": "dog", "page": 1}}'
    expected = [("archival_memory_search", {"query": "dog", "page": 1}), ("send_message", {"message": TEXT})]
    assert called(f"<tool_call>{search}</tool_call>\n<tool_call>{CALL}</tool_call>") == expected
    assert called(f"[TOOL_CALLS][{search}, {CALL}]") == expected
    assert called(f'[archival_memory_search(query="dog", page=1), {PYTHON}]') == expected


def test_a_call_without_arguments() -> None:
    assert called("<tool_call>finish_rethinking_memory</tool_call>") == [("finish_rethinking_memory", {})]


def test_a_call_of_a_tool_that_is_not_there_is_for_the_executor_to_refuse() -> None:
    assert called('<tool_call>{"name": "rm_rf", "arguments": {}}</tool_call>') == [("rm_rf", {})]


@pytest.mark.parametrize(
    "text",
    ["<tool_call>send it now</tool_call>", "Hello <tool_call>", '[TOOL_CALLS]{"na', "<|python_tag|>print(1)",
     '{"name": "send_message", "arguments": ' + "[" * 99],
)  # fmt: skip
def test_marks_that_cannot_be_read_are_not_said(text: str) -> None:
    written = read(text, OFFERED)
    assert written.unread
    assert not written.calls
    assert "<" not in written.text
    assert "[" not in written.text
    assert "{" not in written.text


def test_without_tools_nothing_is_called_and_no_marks_are_said() -> None:
    written = read(f"They met. <tool_call>{CALL}</tool_call>", {})
    assert (written.text, written.calls) == ("They met.", ())
    assert read(CALL, {}).text == CALL  # without marks it may be anything


@pytest.mark.parametrize(
    "text",
    [
        "The train leaves at 9.",
        'As JSON: {"name": "Ada", "born": 1815}',
        '```json\n{"name": "Ada", "tags": ["a"]}\n```',
        '```python\nprint("hello")\n```',
        "I would use send_message for that.",
        "Write `<tool_call>` to call one.",
        "send_message is one of my functions (I have several).",
        "Action: we go home.",
        "[1, 2, 3] and f(x) = {x}",
        "The function send_message(message) sends.",
        '{"query": "dog", "limit": 3}',
        '{"message": "Hi", "code": 200}',
        "<message>Hi</message>",
        "a <code>print(1)</code> b",
        "Their commentary to me was kind.",
    ],
)
def test_other_text_is_text(text: str) -> None:
    written = read(text, OFFERED)
    assert (written.text, written.calls, written.unread) == (text, (), False)


@pytest.mark.parametrize(
    "piece",
    ["<tool_call>", "{", '{"name":"send_message",', "send_message(", "send_message ", "```", "[TOOL_CALLS]{", "<",
     "Action: ", "<function=", '<tool_call>{"a":', "{'", "<｜tool", 'send_message(message="', "functools[",
     "send_message<arg_key>", "<tool_call ", "<send_message>", "<send_message a='", "<code>", "commentary to=a",
     "send_message = {", "<message>", '{"name": "send_message", "arguments": {"message": "'],
)  # fmt: skip
def test_its_time_grows_with_the_length_only(piece: str) -> None:
    def took(size: int) -> float:
        text = piece * (size // len(piece))
        begun = time.thread_time()
        read(text, OFFERED)
        return time.thread_time() - begun

    took(1_000)
    assert took(200_000) < 10 * max(took(20_000), 0.01) + 1.0


MEANT = {"answer": "send_message", "message": "send_message", "note": "core_memory_append"}


@pytest.mark.parametrize(
    ("text", "calls", "rest"),
    [
        (
            '{"note": ["A dog.", "A cat."], "answer": "Hi"}',
            [("core_memory_append", "A dog."), ("core_memory_append", "A cat."), ("send_message", "Hi")],
            "",
        ),
        ('Here: {"answer": "Hi"} Bye', [("send_message", "Hi")], "Here:  Bye"),
        ('```\n{"thought": "Hm.", "Answer": "Hi"}\n```', [("send_message", "Hi")], ""),
        (
            '{"note": "1. A dog.\\n2. A cat.", "answer": ""}',
            [("core_memory_append", "A dog."), ("core_memory_append", "A cat.")],
            "",
        ),
        ('{"answer": "Hi', [("send_message", "Hi")], ""),
        ('{"note": [], "answer": ""}', [], ""),
        ('{"city": "Rome", "answer": "42"}', [], '{"city": "Rome", "answer": "42"}'),
        ('```json\n{"name": "Ada", "message": "Hi"}\n```', [], '```json\n{"name": "Ada", "message": "Hi"}\n```'),
        ("Answer: note it.", [], "Answer: note it."),
    ],
)  # fmt: skip
def test_an_object_of_names_that_small_models_write_is_calls(
    text: str, calls: list[tuple[str, str]], rest: str
) -> None:
    written = read(text, {"send_message": ["message"], "core_memory_append": ["content"]}, MEANT)
    found = [(name, next(iter(json.loads(arguments).values()))) for name, arguments in written.calls]
    assert (found, written.text, written.unread) == (calls, rest, False)
    if calls:
        assert read(text, {"archival_memory_search": ["query"]}).calls == ()


def test_a_name_of_nobodys_is_a_call_only_of_a_small_model() -> None:
    text = '{"name": "wave_hand", "arguments": {"how": "slowly"}}'
    assert read(text, OFFERED).calls == ()
    assert read(text, OFFERED, MEANT).calls == (("wave_hand", '{"how": "slowly"}'),)
