"""Letta's agent file (``.af``): one JSON object, with the agents' messages and memory blocks.

From Letta's own letta/schemas/agent_file.py (``agents``, each with ``messages`` and ``block_ids``; ``blocks``) and,
before that, letta/serialize_schemas (one agent, with ``messages`` and ``core_memory``). A message's ``content`` is a
text or a list of parts; what a person said may be wrapped as JSON (``{"type": "user_message", "message": ...}``,
letta/system.py), as MemGPT's agents are told of it; what those agents say is the argument of a call of
``send_message``, and their ``content`` a thought.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from bot.errors import BundleError
from bot.ownership.moving_in.moments import moment
from bot.ownership.moving_in.source import Source
from bot.ownership.moving_in.talks import Left, Line, Talk, Whose

_SEND = "send_message"


class Letta:
    """See `bot.ownership.moving_in.talks.Format`."""

    name, what = "letta", "Letta"

    def claims(self, source: Source) -> bool:
        if len(source.names) != 1:
            return False
        fields = source.fields(source.names[0])
        if {"agent_type", "llm_config"} <= fields or {"agents", "mcp_servers"} <= fields:
            return True
        return source.name.casefold().endswith(".af")

    def read(self, source: Source, whose: Whose, left: Left) -> Iterator[Talk]:
        for name in source.ending(".af") or source.ending(".json"):
            value = source.json(name)
            if not isinstance(value, dict):
                raise BundleError(f"{source.where(name)} is no agent file.")
            agents = value["agents"] if isinstance(value.get("agents"), list) else [value]
            for agent in agents:
                if isinstance(agent, dict):
                    yield from _talks(agent, value.get("blocks"), whose, left)


def _talks(agent: dict[str, Any], blocks: Any, whose: Whose, left: Left) -> Iterator[Talk]:
    name = str(agent.get("name") or Letta.what)
    messages = agent["messages"] if isinstance(agent.get("messages"), list) else []
    yield Talk(title=name, lines=_lines(name, messages, whose, left))
    own = agent.get("block_ids")
    known = blocks if isinstance(blocks, list) else agent.get("core_memory") or []
    times = [at for m in messages if isinstance(m, dict) and (at := moment(m.get("created_at"), whose.zone))]
    yield Talk(
        title=f"{name}: memory",
        lines=(
            Line(
                id=f"{name}/block/{b.get('label')}",
                author=name,
                text=f"{b.get('label')}: {b['value']}",
                at=None,
            )
            for b in known
            if isinstance(b, dict)
            and str(b.get("value") or "").strip()
            and b.get("label") != "persona"
            and (not own or b.get("id") in own)
        ),
        at=max(times, default=None),
    )


def _lines(name: str, messages: list[Any], whose: Whose, left: Left) -> Iterator[Line]:
    for number, message in enumerate(messages, 1):
        if not isinstance(message, dict):
            left.out("a message of an unknown form", f"message {number} of {name}")
            continue
        role, text = message.get("role"), _content(message)
        if role == "user":
            said = _unwrapped(text)
        elif role == "assistant":
            calls = message.get("tool_calls") or []
            said = "\n".join(filter(None, map(_sent, calls))) if calls else text
        else:
            continue
        at = moment(message.get("created_at"), whose.zone)
        yield Line(
            id=f"{name}/{message.get('id') or number}",
            author="" if role == "user" else name,
            text=said,
            at=at,
        )


def _content(message: dict[str, Any]) -> str:
    content = message.get("content", message.get("text"))
    if isinstance(content, str):
        return content.strip()
    parts = content if isinstance(content, list) else []
    texts = (
        str(part.get("text") or "") for part in parts if isinstance(part, dict) and part.get("type") == "text"
    )
    return "\n".join(text for text in texts if text.strip()).strip()


def _unwrapped(text: str) -> str:
    """What the person said, of what the agent was told; empty for a heartbeat, a login, an alert."""
    if not text.startswith("{"):
        return text
    try:
        told = json.loads(text)
    except (ValueError, RecursionError):
        return text
    if not isinstance(told, dict) or "type" not in told:
        return text
    return str(told.get("message") or "").strip() if told["type"] == "user_message" else ""


def _sent(call: Any) -> str:
    """What a call said to the person; empty for any other."""
    function = call.get("function") if isinstance(call, dict) else None
    if not isinstance(function, dict) or function.get("name") != _SEND:
        return ""
    try:
        arguments = json.loads(function.get("arguments") or "{}")
    except (ValueError, TypeError, RecursionError):
        return ""
    return str(arguments.get("message") or "").strip() if isinstance(arguments, dict) else ""
