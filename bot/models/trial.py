"""Whether a model does what is asked of it: one real question, for ``everbot doctor``."""

from __future__ import annotations

import uuid
from typing import Any, Protocol

from bot.ports import ChatModel, Form, ModelRequest

_ROOM = 1_024  # tokens: a model that reasons may need them
_SPEAK: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "send_message",
        "description": "Say something to the person.",
        "parameters": {
            "type": "object",
            "properties": {"message": {"type": "string", "description": "what to say"}},
            "required": ["message"],
        },
    },
}
_BY_CALL = "You speak to the person only by calling the function send_message."
_BY_OBJECT = (
    'Answer with one JSON object and nothing else: {"remember": [...], "answer": "..."}. "remember" is a list of '
    'notes, most often [], and "answer" is what you say.'
)


class Tried(ChatModel, Protocol):
    """``form`` is the one in which it is asked; ``place`` is its server, for people."""

    form: Form

    @property
    def place(self) -> str: ...


async def trial(model: Tried, shape: Any) -> tuple[bool, str]:
    """Whether it will do, and a sentence on it that names the setting to write where another would do better. Raises
    what the model raises."""
    as_object = model.form is Form.JSON
    reply = await model.complete(
        ModelRequest(
            key=f"trial/{uuid.uuid4()}",  # never the same: the server is to answer anew
            messages=[
                {"role": "system", "content": _BY_OBJECT if as_object else _BY_CALL},
                {"role": "user", "content": "Say hello to me."},
            ],
            tools=[_SPEAK],
            max_tokens=_ROOM,
            form=model.form,
            meant={"answer": "send_message", "remember": "send_message"},
            shape=shape if as_object else None,
        )
    )
    who = f"The model {model.name} at {model.place}"
    if as_object:
        if reply.calls:
            return True, f'{who} answers with JSON, as [model] protocol = "json" asks it to.'
        return False, (
            f"{who} does not answer with the JSON that it is asked for: what it writes is said, but it notes nothing. "
            'Use a model that calls functions (protocol = "tools"), or a server that takes response_format.'
        )
    if reply.calls and not reply.written:
        return True, f"{who} calls functions."
    if reply.calls or reply.unread:
        return True, (
            f"{who} does not call functions: it answers with JSON in its text, which is read. Small models do better "
            'with [model] protocol = "json".'
        )
    return False, (
        f"{who} neither calls functions nor writes calls into its text (some chat templates drop functions silently): "
        'set [model] protocol = "json", or use a model that calls functions.'
    )
