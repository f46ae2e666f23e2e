from __future__ import annotations

import json
from typing import Any

import pytest

from bot import prompts
from bot.models.quoting import without, words_of

SAID = "My naïve sister Zoë tested positive on 4711"
EVENT = {"type": "message", "name": "ada", "time": "2026-11-21T09:00:00+00:00", "message": SAID}
MESSAGES: list[dict[str, Any]] = [
    {"role": "system", "content": f"{prompts.read('system')}\n<block>Lives in Ljubljana</block>"},
    {"role": "user", "content": json.dumps(EVENT)},
    {
        "role": "assistant",
        "tool_calls": [{"function": {"name": "x", "arguments": json.dumps({"note": "gluten"})}}],
    },
]
WORDS = words_of(MESSAGES)


@pytest.mark.parametrize(
    "quote",
    [
        SAID,
        json.dumps(SAID),
        json.dumps(json.dumps(EVENT)),
        repr(EVENT),
        SAID.upper(),
        f"input_value='{SAID[:31]}",
        SAID.replace(" ", "\\n"),
        SAID.replace(" ", "_"),
        "'gluten' and Ljubljana",
    ],
)
def test_what_people_said_is_left_out(quote: str) -> None:
    told = without(WORDS, f"Invalid value at messages.3.content: {quote}; maximum is 8192").casefold()
    for word in (
        "naïve",
        "na",
        "sister",
        "zoë",
        "zo",
        "tested",
        "positive",
        "posit",
        "4711",
        "gluten",
        "ljubljana",
    ):
        assert word not in told.replace("…", " ").split(), told
        assert len(word) < 4 or word not in told
    assert "messages.3.content" in told
    assert told.endswith("8192")


def test_what_servers_say_of_themselves_stays() -> None:
    for text in (
        "Rate limit reached for gpt-5-mini on tokens per min (TPM): Limit 10000",
        "This model's maximum context length is 8192 tokens. However, you requested 9000 tokens.",
        "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.",
    ):
        assert without(WORDS, text) == text


def test_nothing_is_left_out_where_nobody_said_anything() -> None:
    assert without(frozenset(), "as it is") == "as it is"
