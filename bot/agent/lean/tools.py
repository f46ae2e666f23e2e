"""What small models are offered of the tools: few, each with few parameters and in few words."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from bot.agent.context import SEND
from bot.agent.tools.registry import HEARTBEAT, Registry
from bot.ports import Rendered

SPEAK, REMEMBER = SEND, "remember"
FILLED: Mapping[str, Mapping[str, Any]] = {
    "core_memory_append": {"label": "human"},
    "core_memory_replace": {"label": "human"},
    "rethink_memory": {"label": "human"},
}
"""Arguments that are not asked for."""

_OFFERED: Mapping[str, tuple[str, Mapping[str, str]]] = {
    REMEMBER: (
        "Keep something about the person for good.",
        {"fact": "one short sentence about them, such as what they like, do or plan"},
    ),
    "core_memory_replace": (
        "Correct what you know of the person.",
        {"old_content": "the words that are wrong, exactly as they stand", "new_content": "the right ones"},
    ),
    "forget": (
        "Forget something for good, because the person wants that.",
        {"what": "what is to be forgotten, in the words in which it was told"},
    ),
    "conversation_search": ("Find what was said before.", {"query": "what to look for"}),
    "archival_memory_search": ("Find something in documents and notes.", {"query": "what to look for"}),
    "schedule_message": (
        "Remind the person of something at a time.",
        {"when": "their time, as 2026-11-27T09:00, or a rule: every 2h", "about": "what to tell them then"},
    ),
}
_SPEAKING = ("Say something to the person.", {"message": "what to say"})

MEANT: Mapping[str, str] = {
    **dict.fromkeys(
        ("answer", "reply", "respond", "response", "message", "say", "speak", "send", "chat", "send_reply",
         "final_answer", "send_response", "send_text", "reply_to_user", "respond_to_user", "message_user",
         "assistant"), SPEAK,
    ),
    **dict.fromkeys(
        ("remember_fact", "save", "store", "save_memory", "store_memory", "add_memory", "memorize", "note", "notes",
         "memory", "facts", "save_fact", "remember_this", "insert_memory", "memory_append", "memory_insert",
         "append_memory"), REMEMBER,
    ),
    **dict.fromkeys(("delete", "erase", "remove", "forget_fact", "delete_memory", "forget_memory"), "forget"),
    **dict.fromkeys(("search", "recall", "search_memory", "memory_search"), "conversation_search"),
    **dict.fromkeys(("search_documents", "search_archive", "archival_search"), "archival_memory_search"),
    **dict.fromkeys(("remind", "reminder", "set_reminder", "schedule", "schedule_reminder"), "schedule_message"),
}  # fmt: skip
"""Names that small models write for these tools."""

SHAPE: Mapping[str, Any] = {
    "name": "reply",
    "schema": {
        "type": "object",
        "properties": {
            "remember": {"type": "array", "items": {"type": "string"}},
            "answer": {"type": "string"},
        },
        "required": ["remember", "answer"],
        "additionalProperties": False,
    },
}
"""What a model without tools answers with: notes first, so that they are made before it speaks."""


def offered(registry: Registry) -> list[Rendered]:
    """The schemas for when a person waits: what is written then is said, and needs no tool."""
    own = [_schema(name, *shown) for name, shown in _OFFERED.items() if registry.get(name)]
    return [Rendered(json.dumps(schema)) for schema in [*own, *_custom(registry)]]


def offered_alone(registry: Registry) -> list[Rendered]:
    """The schemas for when nobody waits."""
    return [Rendered(json.dumps(_schema(SPEAK, *_SPEAKING))), *offered(registry)]


def _schema(name: str, description: str, parameters: Mapping[str, str]) -> dict[str, Any]:
    properties = {key: {"type": "string", "description": what} for key, what in parameters.items()}
    shown = {"type": "object", "properties": properties, "required": list(properties)}
    return {"type": "function", "function": {"name": name, "description": description, "parameters": shown}}


def _custom(registry: Registry) -> Sequence[dict[str, Any]]:
    """Tools of the operator's own and of servers, without the parameter that small models do not understand."""
    shown = []
    for tool in (*registry.custom, *registry.outside):
        properties = {
            name: about for name, about in tool.parameters["properties"].items() if name != HEARTBEAT
        }
        function = tool.schema["function"] | {"parameters": tool.parameters | {"properties": properties}}
        shown.append(tool.schema | {"function": function})
    return shown
