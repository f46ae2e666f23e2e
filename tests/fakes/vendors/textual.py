"""Calls and reasoning as text: what comes where a server has no parser for its model."""

from __future__ import annotations

import json

from tests.fakes.openai_wire import Answer


def written(answer: Answer, shape: str, *, thought: str = "") -> Answer:
    """The answer without calls: each is written in this shape; ``thought`` stands before it in its tags."""
    calls = [json.dumps({"name": name, "arguments": arguments}) for name, arguments in answer.calls]
    parts = [f"<think>\n{thought}\n</think>"] if thought else []
    parts += [answer.text] if answer.text else []
    return Answer(text="\n".join([*parts, *map(shape.format, calls)]), finish="stop")
