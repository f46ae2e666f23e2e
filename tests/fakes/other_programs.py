"""Files of other programs, as public descriptions of their formats have them (see `bot.ownership.moving_in`)."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

MAY = 1_714_730_000.5  # 2024-05-03 09:53:20.5 UTC


def zipped(path: Path, **files: Any) -> Path:
    """A zip, the same for the same files; what is no text is written as JSON."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            data = content if isinstance(content, str | bytes) else json.dumps(content)
            archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
    return path


def laid(folder: Path, **files: Any) -> Path:
    """The same as a folder."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content))
    return folder


def node(
    name: str, parent: str | None, role: str, text: Any, *, at: float | None = MAY, **more: Any
) -> dict[str, Any]:
    """A node of ChatGPT's tree; a text that is none is its content."""
    content = {"content_type": "text", "parts": [text]} if isinstance(text, str) else text
    message = {"id": name, "author": {"role": role}, "create_time": at, "content": content, "metadata": {}}
    return {"id": name, "parent": parent, "children": [], "message": message | more}


def tree(title: str | None, current: str, *nodes: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A conversation of ChatGPT's."""
    root = {"id": "root", "parent": None, "children": [], "message": None}
    mapping = {each["id"]: each for each in (root, *nodes)}
    for each in nodes:
        mapping.get(each["parent"], root)["children"].append(each["id"])
    return {
        "title": title,
        "create_time": MAY,
        "mapping": mapping,
        "current_node": current,
        "id": f"c-{title}",
    } | more


def talk(title: str, *said: str, at: float = MAY) -> dict[str, Any]:
    """A conversation of ChatGPT's in which person and bot take turns."""
    nodes = [
        node(
            f"{title}{n}",
            f"{title}{n - 1}" if n else "root",
            ("user", "assistant")[n % 2],
            text,
            at=at + 60 * n,
        )
        for n, text in enumerate(said)
    ]
    return tree(title, f"{title}{len(said) - 1}", *nodes)


def chatgpt(path: Path, *talks: dict[str, Any]) -> Path:
    return zipped(path, **{"conversations.json": list(talks), "chat.html": "<html>", "user.json": {}})


def claude_message(number: int, sender: str, text: str, **more: Any) -> dict[str, Any]:
    blocks = [{"type": "thinking", "thinking": "Hm."}, {"type": "text", "text": text}]
    at = f"2025-01-05T10:00:{number:02}.123456Z"
    return {"uuid": f"u{number}", "sender": sender, "text": text, "content": blocks, "created_at": at} | more


def claude(path: Path, *messages: dict[str, Any], **files: Any) -> Path:
    talks = [
        {"uuid": "k1", "name": "Trip", "created_at": "2025-01-05T10:00:00Z", "chat_messages": list(messages)}
    ]
    return zipped(path, **({"conversations.json": talks, "projects.json": [], "users.json": []} | files))


def tavern(path: Path, *lines: Any, header: dict[str, Any] | None = None) -> Path:
    told = header or {
        "user_name": "You",
        "character_name": "Kaya",
        "create_date": "2024-5-1 @10h 00m 00s 000ms",
    }
    rows = [line if isinstance(line, str) else json.dumps(line) for line in (told, *lines)]
    path.write_text("\n".join(rows) + "\n", encoding="utf-8-sig")
    return path


def slack(path: Path, days: dict[str, Sequence[Any]], **more: Any) -> Path:
    users = [
        {"id": "U1", "name": "ada", "profile": {"real_name": "Ada L"}},
        {"id": "U2", "name": "bob", "deleted": True},
        {"id": "UB", "name": "helper", "is_bot": True, "profile": {"real_name": "Helper"}},
    ]
    files = {"users.json": users, "channels.json": [], "dms.json": [{"id": "D1", "members": ["U1", "UB"]}]}
    return zipped(path, **(files | {f"D1/{day}.json": list(rows) for day, rows in days.items()} | more))


def discord(folder: Path, messages: Any, *, ending: str = "json", **more: Any) -> Path:
    channel = "Messages/c123456789012345678"
    files = {
        "Account/user.json": {"id": "1", "username": "ada"},
        "Messages/index.json": {
            "123456789012345678": "Direct Message with kaya#0",
            "1234567890123456789": None,
        },
        f"{channel}/channel.json": {"id": "123456789012345678", "type": "DM", "recipients": ["1", "2"]},
        f"{channel}/messages.{ending}": messages,
    }
    return laid(folder, **(files | more))
