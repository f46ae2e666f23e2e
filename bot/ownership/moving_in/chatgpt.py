"""ChatGPT's data export: a zip with ``conversations.json``, or ``conversations-000.json`` and on, an array of
conversations.

OpenAI documents no format. What is known is from public readers and descriptions of it
(mitkury/chatgpt-export-parser, docs/chatgpt-data-export-format.md; "ChatGPT User Data Export Specification
(Unofficial)", 2026): a conversation is a tree of messages in ``mapping``, of which the path from ``current_node`` up
is what the person last saw; ``create_time`` is in seconds, as a float; ``content`` has ``parts``, texts or objects
(images, audio), or none.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from bot.ownership.moving_in.json_stream import Broken, elements
from bot.ownership.moving_in.moments import moment
from bot.ownership.moving_in.source import Source
from bot.ownership.moving_in.talks import Left, Line, Talk, Whose

_FILE = re.compile(r"(?:^|/)conversations(?:-\d+)?\.json$", re.IGNORECASE)
_SPOKEN = ("text", "multimodal_text")
# Marks of sources, which mean nothing without what they point at: signs of the private use area, 【12†source】.
_MARKS = re.compile("\ue200[^\ue201]*\ue201|【\\d+[^】]*】")
_MEDIA = {
    "image_asset_pointer": "(image)",
    "audio_asset_pointer": "(audio)",
    "video_container_asset_pointer": "(video)",
    "real_time_user_audio_video_asset_pointer": "(audio)",
}


class ChatGPT:
    """See `bot.ownership.moving_in.talks.Format`."""

    name, what = "chatgpt", "ChatGPT"

    def claims(self, source: Source) -> bool:
        files = self._files(source)
        if any("mapping" in source.fields(name) for name in files):
            return True
        return bool(files) and bool(source.ending("chat.html"))

    def read(self, source: Source, whose: Whose, left: Left) -> Iterator[Talk]:
        for name in self._files(source):
            with source.open(name) as file:
                for number, value in enumerate(elements(file), 1):
                    where = f"{source.where(name)}, conversation {number}"
                    if isinstance(value, Broken):
                        left.out(value.why, where)
                    elif not isinstance(value, dict) or not isinstance(value.get("mapping"), dict):
                        left.out("no conversation of ChatGPT", where)
                    else:
                        yield _talk(value, where, whose, left)

    def _files(self, source: Source) -> list[str]:
        return [n for n in source.names if _FILE.search(n)] or (
            list(source.names) if len(source.names) == 1 else []
        )


def _talk(value: dict[str, Any], where: str, whose: Whose, left: Left) -> Talk:
    return Talk(
        title=str(value.get("title") or ""),
        lines=_lines(value, where, whose, left),
        at=moment(value.get("create_time"), whose.zone),
    )


def _lines(value: dict[str, Any], where: str, whose: Whose, left: Left) -> Iterator[Line]:
    talk = str(value.get("conversation_id") or value.get("id") or value.get("title") or "")
    for node_id, node in _path(value):
        message = node.get("message")
        if not isinstance(message, dict):
            continue
        try:
            line = _line(talk, node_id, message, whose)
        except (KeyError, TypeError, AttributeError, ValueError):
            left.out("a message of an unknown form", where)
            continue
        if line is not None:
            yield line


def _path(value: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """The nodes that the person last saw, oldest first: from the current one up; where none is named, from the newest
    that nothing follows."""
    nodes = {str(name): node for name, node in value["mapping"].items() if isinstance(node, dict)}
    at = str(value.get("current_node") or "")
    if at not in nodes:
        leaves = [name for name, node in nodes.items() if not node.get("children")]
        at = max(leaves, key=lambda name: _when(nodes[name]), default="")
    path: dict[str, dict[str, Any]] = {}
    while at in nodes and at not in path:
        path[at] = nodes[at]
        at = str(nodes[at].get("parent") or "")
    return list(path.items())[::-1]


def _when(node: dict[str, Any]) -> float:
    message = node.get("message")
    at = message.get("create_time") if isinstance(message, dict) else None
    return float(at) if isinstance(at, int | float) else 0.0


def _line(talk: str, node_id: str, message: dict[str, Any], whose: Whose) -> Line | None:
    """What was said; None for what nobody said: instructions, calls of tools and their results, thoughts."""
    role = (message.get("author") or {}).get("role")
    content = message.get("content") or {}
    at = moment(message.get("create_time"), whose.zone)
    if content.get("content_type") == "user_editable_context":
        return _instructions(content, at)
    hidden = (message.get("metadata") or {}).get("is_visually_hidden_from_conversation")
    if role not in ("user", "assistant") or hidden or message.get("recipient") not in (None, "all"):
        return None
    if content.get("content_type", "text") not in _SPOKEN:
        return None
    text = _text(content.get("parts") or [])
    files = [
        str(a["name"]) for a in (message.get("metadata") or {}).get("attachments") or [] if a.get("name")
    ]
    if text and files:
        text = "\n".join([text, *(f"(file: {name})" for name in files)])
    author = "" if role == "user" else ChatGPT.what
    return Line(id=f"{talk}/{message.get('id') or node_id}", author=author, text=text, at=at)


def _text(parts: list[Any]) -> str:
    """The words, with a mark for what is none, if there are any."""
    words, marks = list[str](), list[str]()
    for part in parts:
        if isinstance(part, str):
            words.append(part)
        elif isinstance(part, dict) and isinstance(part.get("text"), str):
            words.append(part["text"])  # what was spoken (audio_transcription)
        elif isinstance(part, dict) and (mark := _MEDIA.get(str(part.get("content_type")))):
            marks.append(mark)
    said = _MARKS.sub("", "\n".join(word for word in words if word.strip())).strip()
    spoken = any(
        isinstance(part, dict) and part.get("content_type") == "audio_transcription" for part in parts
    )
    shown = [mark for mark in marks if not (spoken and mark == "(audio)")]
    return "\n".join([said, *shown]) if said else ""


def _instructions(content: dict[str, Any], at: datetime | None) -> Line | None:
    """What the person wrote of themselves in the settings ("custom instructions"): it stands in every conversation, and
    is taken once."""
    texts = [str(content.get(name) or "").strip() for name in ("user_profile", "user_instructions")]
    text = "\n".join(filter(None, texts))
    digest = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:16]
    return Line(id=f"instructions/{digest}", author="", text=text, at=at) if text else None
