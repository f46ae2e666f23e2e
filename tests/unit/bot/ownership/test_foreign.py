"""Other programs' files are told by their names, and what to do with them; everbot's own are left to their reader."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bot.bundle import pack, zipped
from bot.ownership.export import FORMAT
from bot.ownership.foreign import named, named_folder

CHATGPT = [{"title": "Tea", "create_time": 1.0, "mapping": {"a": {"message": None}}, "current_node": "a"}]
CLAUDE = [{"uuid": "1", "name": "Tea", "chat_messages": [{"sender": "human", "text": "Hi"}]}]
LETTA = {"agents": [], "groups": [], "blocks": [], "files": [], "tools": [], "mcp_servers": []}
TAVERN = '{"user_name":"You","character_name":"Kaya","create_date":"2026"}\n{"is_user":false,"mes":"Hi"}\n'
SLACK_DAY = [{"client_msg_id": "1", "type": "message", "user": "U1", "text": "Hi", "ts": "1.0"}]
MEM0 = {"results": [{"id": "1", "memory": "Likes tea", "user_id": "ada", "created_at": "2026-01-01"}]}
CARD = {"spec": "chara_card_v2", "data": {"name": "Kaya"}}


def archive(*names: str) -> bytes:
    return zipped(dict.fromkeys(names, "[]"))


def text(value: Any) -> bytes:
    return json.dumps(value).encode()


FOREIGN: dict[str, tuple[str, bytes, str]] = {
    "ChatGPT, the zip": (
        "c.zip",
        archive("conversations.json", "chat.html", "user.json"),
        "an export of ChatGPT",
    ),
    "ChatGPT, in a folder": ("c.zip", archive("export/chat.html", "export/conversations.json"), "of ChatGPT"),
    "ChatGPT, a file": ("conversations.json", text(CHATGPT), "an export of ChatGPT"),
    "Claude, the zip": (
        "c.zip",
        archive("conversations.json", "users.json", "projects.json"),
        "an export of Claude",
    ),
    "Claude, a file": ("data.json", text(CLAUDE), "an export of Claude"),
    "Claude, with a mark": ("data.json", b"\xef\xbb\xbf" + text(CLAUDE), "an export of Claude"),
    "one of both": ("conversations.json", b"[]", "ChatGPT or Claude"),
    "Letta": ("agent.json", text(LETTA), "an agent file of Letta"),
    "Letta, by its name": ("agent.af", b'{"agents": []}', "an agent file of Letta"),
    "Slack, the zip": (
        "s.zip",
        archive("channels.json", "users.json", "general/2026-01-01.json"),
        "of a Slack work",
    ),
    "Slack, a day": ("2026-01-01.json", text(SLACK_DAY), "an export of a Slack workspace"),
    "Discord, the zip": (
        "p.zip",
        archive("README.txt", "Account/user.json", "Messages/index.json"),
        "of Discord",
    ),
    "Discord, a channel": (
        "m.json",
        b'[{"ID":1,"Timestamp":"2026","Contents":"Hi","Attachments":""}]',
        "of Discord",
    ),
    "SillyTavern": ("chat.jsonl", TAVERN.encode(), "a chat of SillyTavern"),
    "mem0": ("memories.json", text(MEM0), "an export of mem0"),
    "Markdown": ("MEMORY.md", b"- likes tea\n", "Markdown"),
    "Markdown without a name": ("memory", "# Was über Ada bekannt ist\n".encode(), "Markdown"),
    "a zip of Markdown": ("vault.zip", archive("memory/2026-01-01.md"), "a zip of Markdown"),
    "text": ("notes", b"Ada likes tea.", "plain text"),
    "JSON": ("x.json", b'{"a": 1}', "JSON, but none of everbot's"),
    "another zip": ("x.zip", archive("a.bin"), "a zip of another program"),
}


@pytest.mark.parametrize("what", FOREIGN)
def test_foreign_files_are_named_and_what_can_be_done_with_them(what: str) -> None:
    name, data, kind = FOREIGN[what]
    told = named(name, data)
    assert told is not None
    assert told.startswith(f"{name} is ")
    assert kind in told
    assert "cannot be taken yet" in told
    assert FORMAT in told
    assert "everbot load" in told
    assert "damaged" not in told


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("kaya.json", text(CARD)),
        ("kaya.charx", archive("card.json", "assets/icon.png")),
        ("kaya.png", b"\x89PNG\r\n\x1a\n"),
        ("flora.zip", archive("header.json", "persona.json")),
    ],
)
def test_personas_and_cards_are_sent_to_their_own_command(name: str, data: bytes) -> None:
    assert "everbot persona import" in str(named(name, data))


def test_a_database_is_no_export() -> None:
    assert "everbot restore" in str(named("everbot.db", b"SQLite format 3\0" + bytes(90)))


def test_folders_are_told_by_what_is_in_them() -> None:
    assert "an export of a Slack workspace" in named_folder("s", ["channels.json", "general/2026-01-01.json"])
    assert "a folder of Markdown" in named_folder("vault", ["notes/tea.md"])
    assert "is a folder" in named_folder("x", ["a.bin"])


def test_everbots_own_are_left_to_their_reader_and_so_is_what_is_damaged() -> None:
    [ours] = pack({"format": FORMAT, "id": 1}, {"agent": [{}]}, {}, 1_000)
    assert named("everbot.zip", ours) is None
    assert named("everbot.zip", ours[:-30]) is None
    assert named("x", b"") is None
    assert named("x", bytes(1_000)) is None


def test_however_large_it_is_only_the_beginning_is_looked_at() -> None:
    assert "none of everbot's" in str(named("x.json", b"[" + b" " * 30_000_000 + b'{"chat_messages": 1}]'))
    assert named("x", b"\xff" * 30_000_000) is None
