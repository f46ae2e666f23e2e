"""Claude's data export: a zip with ``conversations.json``, an array of conversations with ``chat_messages``; beside it
``memories.json``, what Claude noted of the person.

Anthropic documents no format. What is known is from public readers of it (Sinity/polylogue,
docs/providers/claude-ai.md; "Claude.ai conversations.json Export Format"): ``sender`` is ``human`` or ``assistant``,
``content`` a list of blocks (``text``, ``thinking``, ``tool_use``, ``tool_result``), ``text`` the same joined,
``created_at`` ISO 8601. Messages may name their ``parent_message_uuid``: then an edited or repeated one begins a
branch, and the newest leaf is what the person last saw.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bot.ownership.moving_in.json_stream import Broken, elements
from bot.ownership.moving_in.moments import moment
from bot.ownership.moving_in.source import Source
from bot.ownership.moving_in.talks import Left, Line, Talk, Whose

_ROOT = "00000000-0000-4000-8000-000000000000"


class Claude:
    """See `bot.ownership.moving_in.talks.Format`."""

    name, what = "claude", "Claude"

    def claims(self, source: Source) -> bool:
        files = self._files(source)
        if any("chat_messages" in source.fields(name) for name in files):
            return True
        return bool(files) and bool(source.ending("projects.json", "memories.json"))

    def read(self, source: Source, whose: Whose, left: Left) -> Iterator[Talk]:
        for name in self._files(source):
            with source.open(name) as file:
                yield from self._talks(elements(file), source.where(name), whose, left)
        for name in source.ending("memories.json"):
            yield Talk(
                title="memory",
                lines=_memories(source.json(name)),
                at=moment(source.modified(name), whose.zone),
            )

    def _talks(self, values: Iterator[Any], name: str, whose: Whose, left: Left) -> Iterator[Talk]:
        for number, value in enumerate(values, 1):
            where = f"{name}, conversation {number}"
            if isinstance(value, Broken):
                left.out(value.why, where)
            elif isinstance(value, dict) and isinstance(value.get("conversations"), list):
                yield from self._talks(iter(value["conversations"]), name, whose, left)
            elif not isinstance(value, dict) or not isinstance(value.get("chat_messages"), list):
                left.out("no conversation of Claude", where)
            else:
                yield Talk(
                    title=str(value.get("name") or ""),
                    lines=_lines(value, where, whose, left),
                    at=moment(value.get("created_at"), whose.zone),
                )

    def _files(self, source: Source) -> list[str]:
        return source.ending("conversations.json") or (list(source.names) if len(source.names) == 1 else [])


def _lines(value: dict[str, Any], where: str, whose: Whose, left: Left) -> Iterator[Line]:
    talk = str(value.get("uuid") or value.get("name") or "")
    messages = [message for message in value["chat_messages"] if isinstance(message, dict)]
    if len(messages) < len(value["chat_messages"]):
        left.out("a message of an unknown form", where)
    for number, message in enumerate(_branch(messages, str(value.get("current_leaf_message_uuid") or ""))):
        sender = message.get("sender")
        if sender in ("human", "assistant"):
            yield Line(
                id=f"{talk}/{message.get('uuid') or number}",
                author="" if sender == "human" else Claude.what,
                text=_text(message),
                at=moment(message.get("created_at"), whose.zone),
            )


def _branch(messages: list[dict[str, Any]], leaf: str) -> list[dict[str, Any]]:
    """The messages that the person last saw; all, where they do not tell what they follow."""
    known = {str(message.get("uuid")): message for message in messages}
    if (
        not all("parent_message_uuid" in message and message.get("uuid") for message in messages)
        or not messages
    ):
        return messages
    at = leaf if leaf in known else str(max(messages, key=lambda m: str(m.get("created_at") or ""))["uuid"])
    path: dict[str, dict[str, Any]] = {}
    while at in known and at not in path:
        path[at] = known[at]
        at = str(known[at]["parent_message_uuid"] or _ROOT)
    # A chain that breaks off tells nothing of what stood before.
    return list(path.values())[::-1] if at == _ROOT else messages


def _text(message: dict[str, Any]) -> str:
    content = message.get("content")
    blocks = [block for block in content if isinstance(block, dict)] if isinstance(content, list) else []
    texts = [str(block.get("text") or "") for block in blocks if block.get("type") in ("text", "voice_note")]
    said = "\n".join(text.strip() for text in texts if text.strip())
    if not blocks:
        said = str(message.get("text") or "").strip()
    files = [*(message.get("attachments") or []), *(message.get("files") or [])]
    names = dict.fromkeys(str(f.get("file_name") or "") for f in files if isinstance(f, dict))
    return "\n".join([said, *(f"(file: {name})" for name in names if name)]) if said else ""


def _memories(value: Any) -> Iterator[Line]:
    """What Claude noted of the person, and of their projects."""
    for number, entry in enumerate(value if isinstance(value, list) else [value]):
        if not isinstance(entry, dict):
            continue
        projects = entry.get("project_memories")
        texts = [
            entry.get("conversations_memory"),
            *(projects.values() if isinstance(projects, dict) else ()),
        ]
        for place, text in enumerate(texts):
            if isinstance(text, str):
                yield Line(id=f"memories/{number}/{place}", author=Claude.what, text=text.strip(), at=None)
