"""What has been used leaves the view before anything that was said: results that were read, and what came to mind.
Pure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

from bot.agent import context
from memory.records import Message, Role

SPENT = "[It was read, and has left your view. Make the call again to see it again.]"
_SMALL = 160  # characters of a result that are worth no change
_WRITING = frozenset(
    {
        "core_memory_replace",
        "archival_memory_replace",
        "archival_memory_delete",
        "conversation_forget",
    }
)
"""Tools that are not to be called again to see their results: what they did is told in the first sentence."""


def spent(message: Message) -> str:
    """The message as it is shown once it was used: as it was, if there is nothing to leave out."""
    if message.role is Role.TOOL:
        return _read(message.rendered, message.author)
    if message.role is Role.USER and message.event_key is not None:
        return _answered(message.rendered)
    return message.rendered


def _read(rendered: str, tool: str) -> str:
    """A result; that it failed stays, and why."""
    message = json.loads(rendered)
    if len(message["content"]) <= _SMALL:
        return rendered
    result = _object(message["content"])
    if result.get("status") != "OK":
        return rendered
    told = result.get("message")
    left = told.partition(". ")[0] + "." if tool in _WRITING and isinstance(told, str) else SPENT
    return context.tool_message(message["tool_call_id"], context.compact(result | {"message": left}))


def _answered(rendered: str) -> str:
    """An event without what was brought to it from memory."""
    if not any(f'\\"{name}\\"' in rendered for name in context.RECALLED):
        return rendered
    message = json.loads(rendered)
    fields = context.told(message)
    kept = {name: value for name, value in fields.items() if name not in context.RECALLED}
    return context.user_message(kept, context.images_in(message)) if kept != fields else rendered


def spoken(own: Sequence[Message], speaks: str) -> list[Message]:
    """Of a turn's messages those that say something to the person, and no more than that: calls of ``speaks``, and
    their results."""
    kept: list[Message] = []
    ids: set[str] = set()
    for message in own:
        rendered = json.loads(message.rendered)
        if message.role is Role.ASSISTANT and message.text:
            calls = [c for c in rendered.get("tool_calls", ()) if c["function"]["name"] == speaks]
            ids |= {call["id"] for call in calls}
            said = {"content": None, "tool_calls": calls} if calls else {"content": message.text}
            kept.append(replace(message, rendered=context.to_json({"role": "assistant"} | said)))
        elif message.role is Role.TOOL and rendered["tool_call_id"] in ids:
            kept.append(message)
    return kept


def found(message: Message) -> str:
    """What a result told, as text: for whoever sums up what the agent found. Nothing of a short one, or a used one."""
    if message.role is not Role.TOOL or not message.rendered or message.author in _WRITING:
        return ""
    content = json.loads(message.rendered)["content"]
    result = _object(content)
    told = result.get("message")
    if len(content) <= _SMALL or result.get("status") != "OK" or told == SPENT:
        return ""
    if isinstance(told, dict) and isinstance(told.get("results"), list):
        told = told["results"]
    if isinstance(told, list):
        return "\n".join(each if isinstance(each, str) else context.to_json(each) for each in told)
    return told if isinstance(told, str) else context.to_json(told)


def _object(text: str) -> dict[str, object]:
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
