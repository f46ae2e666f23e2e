"""Each program's files are known by what is in them, and read as their makers write them, the odd ones, too."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bot.bundle import pack
from bot.errors import BundleError
from bot.ownership.export import FORMAT
from bot.ownership.moving_in import formats
from bot.ownership.moving_in.source import Source
from bot.ownership.moving_in.talks import Left, Line, Whose
from tests.fakes.other_programs import (
    chatgpt,
    claude,
    claude_message,
    discord,
    laid,
    node,
    slack,
    talk,
    tavern,
    tree,
    zipped,
)

UTC = ZoneInfo("UTC")


def read(path: Path, **whose: Any) -> tuple[str, list[Line], Left]:
    """What it is, all that was said in it, what was left out."""
    source, left = Source(path), Left()
    form = formats.known(source)
    assert form is not None
    lines = [line for talk in form.read(source, Whose(zone=UTC, **whose), left) for line in talk.lines]
    return form.what, lines, left


def said(lines: list[Line]) -> list[tuple[str, str]]:
    return [(line.author, line.text) for line in lines]


def when(lines: list[Line]) -> list[str]:
    return [f"{line.at:%Y-%m-%dT%H:%M:%S}" if line.at else "" for line in lines]


# ChatGPT


def test_chatgpt_only_the_path_that_the_person_last_saw(tmp_path: Path) -> None:
    answer = "Bees like lavender\ue200cite\ue202turn0search1\ue201 and rosemary【3†source】."
    bees = tree(
        "Bees",
        "u2",
        node("s", "root", "system", "You are ChatGPT"),
        node("u1", "s", "user", "What do bees like?"),
        node("a1", "u1", "assistant", "An answer that was made again"),
        node("a2", "u1", "assistant", answer),
        node("u2", "a2", "user", "Thanks!"),
    )
    what, lines, left = read(chatgpt(tmp_path / "x.zip", bees))
    assert what == "ChatGPT"
    assert said(lines) == [
        ("", "What do bees like?"),
        ("ChatGPT", "Bees like lavender and rosemary."),
        ("", "Thanks!"),
    ]
    assert when(lines)[0] == "2024-05-03T09:53:20"
    assert not left.counts


def test_chatgpt_what_nobody_said_is_left_alone_and_media_are_named(tmp_path: Path) -> None:
    image = {"content_type": "image_asset_pointer", "asset_pointer": "file-service://x"}
    voice = {"content_type": "audio_transcription", "text": "Do you hear me?"}
    sound = {"content_type": "real_time_user_audio_video_asset_pointer", "audio_asset_pointer": {}}
    own = {
        "content_type": "user_editable_context",
        "user_profile": "I am Ada",
        "user_instructions": "Be brief",
    }
    hidden = {"is_visually_hidden_from_conversation": True}
    nodes = [
        node("c", "root", "user", own, metadata=hidden),
        node("u", "c", "user", {"content_type": "multimodal_text", "parts": [image, "Which plant?"]}),
        node("p", "u", "user", {"content_type": "multimodal_text", "parts": [image]}),
        node("k", "p", "assistant", {"content_type": "code", "text": "search()"}, recipient="web"),
        node("t", "k", "tool", "a page", at=None),
        node("h", "t", "assistant", {"content_type": "thoughts", "thoughts": []}),
        node("n", "h", "assistant", {"content_type": "text", "parts": None}),
        node("z", "n", "user", None),
        node("v", "z", "user", {"content_type": "multimodal_text", "parts": [voice, sound]}, at=None),
        node("f", "v", "user", "Read this", metadata={"attachments": [{"name": "cv.pdf"}]}),
    ]
    again = tree("Other", "c", node("c", "root", "user", own, metadata=hidden))
    _, lines, left = read(chatgpt(tmp_path / "x.zip", tree(None, "f", *nodes), again))
    spoken = [line for line in said(lines) if line[1]]
    assert spoken == [
        ("", "I am Ada\nBe brief"),
        ("", "Which plant?\n(image)"),
        ("", "Do you hear me?"),
        ("", "Read this\n(file: cv.pdf)"),
        ("", "I am Ada\nBe brief"),
    ]
    assert lines[0].id == lines[-1].id != lines[1].id
    assert not left.counts


def test_chatgpt_odd_trees_end_and_odd_conversations_are_counted(tmp_path: Path) -> None:
    round_and_round = tree("Loop", "b", node("a", "b", "user", "one"), node("b", "a", "assistant", "two"))
    nowhere = talk("Lost", "first", "second") | {"current_node": "gone"}
    odd = tree("Odd", "x", node("x", "root", "user", {"parts": 7}))
    odd["mapping"]["y"] = "no node"
    path = chatgpt(
        tmp_path / "x.zip", round_and_round, nowhere, odd, {"title": "none"}, talk("Last", "third")
    )
    _, lines, left = read(path)
    assert [text for _, text in said(lines)] == ["one", "two", "first", "second", "third"]
    assert sum(left.counts.values()) == 2
    assert "conversation 4" in str(left)


def test_chatgpt_numbered_files_in_a_sub_folder_and_a_file_that_is_not_whole(tmp_path: Path) -> None:
    cut = json.dumps([talk("Two", "second"), talk("Three", "third")])[:-200]
    path = zipped(
        tmp_path / "x.zip",
        **{
            "export/conversations-000.json": b"\xef\xbb\xbf" + json.dumps([talk("One", "first")]).encode(),
            "export/conversations-001.json": cut,
        },
    )
    _, lines, left = read(path)
    assert [line.text for line in lines] == ["first", "second"]
    assert "it ends in the middle (export/conversations-001.json in x.zip, conversation 2)" in str(left)


# Claude


def test_claude_words_alone_and_what_it_noted(tmp_path: Path) -> None:
    path = claude(
        tmp_path / "x.zip",
        claude_message(1, "human", "I go to Porto", attachments=[{"file_name": "map.pdf"}], files=[]),
        claude_message(2, "assistant", "Lovely!"),
        claude_message(3, "human", "No blocks", content=[]),
        claude_message(4, "human", "", content=[{"type": "image"}], files=[{"file_name": "x.png"}]),
        claude_message(5, "tool", "nobody"),
        **{"memories.json": [{"conversations_memory": "Ada rows.", "project_memories": {"p": "Engines."}}]},
    )
    what, lines, _ = read(path)
    assert what == "Claude"
    assert [line for line in said(lines) if line[1]] == [
        ("", "I go to Porto\n(file: map.pdf)"),
        ("Claude", "Lovely!"),
        ("", "No blocks"),
        ("Claude", "Ada rows."),
        ("Claude", "Engines."),
    ]
    assert when(lines)[0] == "2025-01-05T10:00:01"


def test_claude_the_newest_branch_and_everything_where_the_chain_breaks_off(tmp_path: Path) -> None:
    root = "00000000-0000-4000-8000-000000000000"
    messages = [
        claude_message(1, "human", "first", parent_message_uuid=root),
        claude_message(2, "assistant", "an answer to what was edited", parent_message_uuid="u1"),
        claude_message(3, "human", "edited", parent_message_uuid=root),
        claude_message(4, "assistant", "second", parent_message_uuid="u3"),
    ]
    _, lines, _ = read(claude(tmp_path / "x.zip", *messages))
    assert [line.text for line in lines] == ["edited", "second"]
    messages[2]["parent_message_uuid"] = "gone"
    _, lines, _ = read(claude(tmp_path / "y.zip", *messages))
    assert len(lines) == 4


# Letta, TomoriBot


def test_letta_messages_are_unwrapped_and_blocks_are_what_it_noted(tmp_path: Path) -> None:
    def told(kind: str, text: str) -> str:
        return json.dumps({"type": kind, "message": text, "time": "2024-05-03 02:13:45 PM PST-0800"})

    send = {"function": {"name": "send_message", "arguments": '{"message": "Hello Mo!"}'}}
    other = {"function": {"name": "archival_memory_insert", "arguments": "{broken"}}
    at = "2024-05-03T22:13:45+00:00"
    messages = [
        {"id": "m0", "role": "system", "content": "You are ..."},
        {
            "id": "m1",
            "role": "user",
            "content": [{"type": "text", "text": told("user_message", "I have a cat")}],
        },
        {
            "id": "m2",
            "role": "assistant",
            "content": [{"type": "text", "text": "A thought"}],
            "tool_calls": [send, other],
        },
        {"id": "m3", "role": "tool", "content": "{}"},
        {"id": "m4", "role": "user", "content": told("heartbeat", "Function called")},
        {"id": "m5", "role": "user", "content": "Plain, {not} wrapped"},
        {"id": "m6", "role": "assistant", "content": [{"type": "text", "text": "Plain answer"}]},
        None,
    ]
    agent = {
        "name": "kaya",
        "block_ids": ["b1", "b2"],
        "messages": [m and m | {"created_at": at} for m in messages],
    }
    blocks = [
        {"id": "b1", "label": "human", "value": "Likes tea"},
        {"id": "b2", "label": "persona", "value": "I am kaya"},
        {"id": "b3", "label": "human", "value": "Of another agent"},
    ]
    path = tmp_path / "agent.af"
    path.write_text(json.dumps({"agents": [agent], "blocks": blocks, "mcp_servers": []}))
    what, lines, left = read(path)
    assert what == "Letta"
    assert [line for line in said(lines) if line[1]] == [
        ("", "I have a cat"),
        ("kaya", "Hello Mo!"),
        ("", "Plain, {not} wrapped"),
        ("kaya", "Plain answer"),
        ("kaya", "human: Likes tea"),
    ]
    assert when(lines)[0] == "2024-05-03T22:13:45"
    assert left.counts.total() == 1


def test_letta_the_older_file_of_one_agent(tmp_path: Path) -> None:
    old = {
        "agent_type": "memgpt_agent",
        "llm_config": {},
        "name": "kaya",
        "core_memory": [{"label": "human", "value": "Likes tea"}],
        "messages": [{"role": "user", "text": "Hi", "created_at": "2024-05-03T22:13:45"}],
    }
    (tmp_path / "kaya.json").write_text(json.dumps(old))
    _, lines, _ = read(tmp_path / "kaya.json")
    assert said(lines) == [("", "Hi"), ("kaya", "human: Likes tea")]


@pytest.mark.parametrize(
    "data",
    [
        {
            "personal_memories": ["Likes ramen", {"content": "Studies law", "tags": ["x"]}],
            "user_nickname": "A",
        },
        {
            "buckets": [
                {"name": "g", "label": "Global", "memories": ["Likes ramen", {"content": "Studies law"}]}
            ]
        },
    ],
)
def test_tomoribots_memories_of_both_versions(tmp_path: Path, data: dict[str, Any]) -> None:
    whole = {
        "version": "2.0",
        "type": "personal_memories",
        "exported_at": "2026-01-01T00:00:00Z",
        "data": data,
    }
    (tmp_path / "t.json").write_text(json.dumps(whole))
    what, lines, _ = read(tmp_path / "t.json")
    assert what == "TomoriBot"
    assert said(lines) == [("TomoriBot", "Likes ramen"), ("TomoriBot", "Studies law")]


# SillyTavern


def test_sillytavern_the_swipe_that_is_shown_and_a_line_that_is_broken(tmp_path: Path) -> None:
    path = tavern(
        tmp_path / "Kaya.jsonl",
        {"name": "You", "is_user": True, "mes": "I play the cello", "send_date": "May 3, 2024 4:05pm"},
        "{broken",
        {
            "name": "Kaya",
            "mes": "Lovely!",
            "swipes": ["No.", "Lovely!"],
            "swipe_id": 1,
            "send_date": 1714730000500,
        },
        {
            "name": "Kaya",
            "mes": "",
            "swipes": ["Only a swipe"],
            "swipe_id": 0,
            "send_date": "2024-05-03T18:00:00Z",
        },
        {"name": "You", "is_user": True, "is_system": True, "mes": "Hidden, but said", "extra": {}},
        {"name": "System", "is_system": True, "mes": "Chat was renamed", "extra": {"type": "comment"}},
        {"name": "Mo", "is_user": False, "mes": "In a group"},
    )
    what, lines, left = read(path)
    assert what == "SillyTavern"
    assert said(lines) == [
        ("", "I play the cello"),
        ("Kaya", "Lovely!"),
        ("Kaya", "Only a swipe"),
        ("", "Hidden, but said"),
        ("Mo", "In a group"),
    ]
    assert when(lines)[:3] == ["2024-05-03T16:05:00", "2024-05-03T09:53:20", "2024-05-03T18:00:00"]
    assert str(left) == "a line that is no JSON (Kaya.jsonl, line 3)"


def test_sillytavern_a_folder_of_chats_one_without_a_header(tmp_path: Path) -> None:
    row = {"name": "Kaya", "is_user": False, "mes": "Hi"}
    laid(tmp_path / "st", **{"chats/Kaya/b.jsonl": json.dumps(row), "settings.json": "{}"})
    tavern(tmp_path / "st" / "chats" / "Kaya" / "a.jsonl", {"name": "You", "is_user": True, "mes": "Hello"})
    _, lines, _ = read(tmp_path / "st")
    assert said(lines) == [("", "Hello"), ("Kaya", "Hi")]
    assert len({line.id for line in lines}) == 2


# Discord, Slack


def discords(ending: str) -> Any:
    rows = [
        {
            "ID": "1002",
            "Timestamp": "2024-05-06 12:01:00.123000+00:00",
            "Contents": "I moved,\nto Bonn",
            "Attachments": "",
        },
        {
            "ID": "1001",
            "Timestamp": "2024-05-06 12:00:00",
            "Contents": "Hi",
            "Attachments": "https://x.y/a/cat.png?ex=1",
        },
    ]
    if ending == "json":
        return [*rows, {"ID": 1000, "Timestamp": "", "Contents": None}, "odd"]
    lines = [",".join(f'"{value}"' for value in row.values()) for row in rows]
    return "\n".join(["ID,Timestamp,Contents,Attachments", *lines, "odd"])


@pytest.mark.parametrize("ending", ["json", "csv"])
def test_discord_oldest_first_whatever_the_age_of_the_package(tmp_path: Path, ending: str) -> None:
    what, lines, left = read(discord(tmp_path / "package", discords(ending), ending=ending))
    assert what == "Discord"
    assert [line for line in said(lines) if line[1]] == [
        ("", "Hi\n(file: cat.png)"),
        ("", "I moved,\nto Bonn"),
    ]
    assert when(lines)[-1] == "2024-05-06T12:01:00"
    assert left.counts.total() == (0 if ending == "json" else 1)


def test_discord_one_of_several_is_chosen_by_name_or_id(tmp_path: Path) -> None:
    other = {"id": "999999999999999999", "type": 1, "recipients": ["1", "77"]}
    more = {
        "Messages/c999999999999999999/channel.json": other,
        "Messages/c999999999999999999/messages.json": [{"ID": 5, "Timestamp": "", "Contents": "Hi Bob"}],
        "Messages/c888888888888888888/channel.json": {"id": "8", "type": "GUILD_TEXT", "name": "general"},
    }
    folder = discord(tmp_path / "package", discords("json"), **more)
    with pytest.raises(BundleError, match=r"--with. There are: 1, kaya"):
        read(folder)
    for name in ("kaya", "@Kaya", "kay", "2", "123456789012345678"):
        assert len(read(folder, partner=name)[1]) == 3
    assert [line.text for line in read(folder, partner="77")[1]] == ["Hi Bob"]
    with pytest.raises(BundleError, match=r"--with eve: nobody is called so. There are: .*kaya"):
        read(folder, partner="eve")


def slacks(number: int, text: str, **more: Any) -> dict[str, Any]:
    return {"type": "message", "user": "U1", "text": text, "ts": f"17150832{number:02}.000100"} | more


def test_slack_a_direct_message_with_a_bot(tmp_path: Path) -> None:
    block = {"type": "section", "text": {"type": "mrkdwn", "text": "Noted"}}
    days = {
        "2024-05-07": [
            slacks(2, "", user=None, subtype="bot_message", bot_id="B1", blocks=[block]),
            slacks(1, "Tell <@UB> and <@U9> I &lt;3 <https://x.y|this>", edited={"user": "U1", "ts": "1"}),
            slacks(3, "joined", subtype="channel_join"),
            slacks(4, "This message was deleted.", subtype="tombstone"),
            slacks(5, "See", files=[{"name": "plan.pdf"}, {"mode": "tombstone"}], subtype="file_share"),
            "odd",
        ],
        "2024-05-08": [slacks(9, "Bye", user="UB")],
    }
    what, lines, left = read(slack(tmp_path / "x.zip", days, **{"D1/2024-05-09.json": "[broken"}))
    assert what == "Slack"
    assert said(lines) == [
        ("", "Tell @Helper and @U9 I <3 this (https://x.y)"),
        ("Helper", "Noted"),
        ("", "See\n(file: plan.pdf)"),
        ("Helper", "Bye"),
    ]
    assert when(lines)[0] == "2024-05-07T12:00:01"
    assert "D1/2024-05-09.json" in str(left)


def test_slack_whose_direct_messages_are_wanted_is_asked_where_it_is_not_clear(tmp_path: Path) -> None:
    dms = [{"id": "D1", "members": ["U1", "UB"]}, {"id": "D2", "members": ["U2", "UB"]}]
    path = slack(
        tmp_path / "x.zip",
        {"2024-05-07": [slacks(1, "Ada's")]},
        **{"dms.json": dms, "D2/2024-05-07.json": [slacks(1, "Bob's", user="U2")]},
    )
    with pytest.raises(BundleError, match=r"--me. There are: Ada L, bob"):
        read(path)
    assert said(read(path, me="bob")[1]) == [("", "Bob's")]
    assert said(read(path, me="ada l", partner="helper")[1]) == [("", "Ada's")]


def test_slack_an_export_of_channels_alone_says_so(tmp_path: Path) -> None:
    path = zipped(
        tmp_path / "x.zip", **{"users.json": [], "channels.json": [], "general/2024-05-07.json": []}
    )
    with pytest.raises(BundleError, match="no direct messages"):
        read(path)


# Markdown


def test_openclaws_items_have_their_headings_and_days(tmp_path: Path) -> None:
    folder = laid(
        tmp_path / "workspace",
        **{
            "MEMORY.md": "# Memory\n\n## Family\n- Ida keeps bees\n  in Lisbon\n1. [x] Cat: Mo\n\nA line\nof tea.\n",
            "SOUL.md": "I am a lobster.",
            "AGENTS.md": "Do this.",
            "memory/2024-05-09.md": "# 2024-05-09\r\n## 14:30 - Dentist\r\n* No caries\r\n",
        },
    )
    what, lines, _ = read(folder)
    assert what == "OpenClaw"
    assert said(lines) == [
        ("OpenClaw", "Family: Ida keeps bees\nin Lisbon"),
        ("OpenClaw", "Family: Cat: Mo"),
        ("OpenClaw", "Family: A line\nof tea."),
        ("OpenClaw", "14:30 - Dentist: No caries"),
    ]
    assert when(lines) == ["", "", "", "2024-05-09T14:30:00"]


def test_hermes_entries_are_apart_by_their_sign(tmp_path: Path) -> None:
    path = zipped(
        tmp_path / "x.zip",
        **{
            "memories/USER.md": "Wants it brief\n§\nLives in Bonn\nsince May\n",
            "memories/MEMORY.md": "Uses pnpm",
        },
    )
    what, lines, _ = read(path)
    assert what == "Hermes"
    assert [text for _, text in said(lines)] == ["Uses pnpm", "Wants it brief", "Lives in Bonn\nsince May"]


# What is none of them


@pytest.mark.parametrize(
    "make",
    [
        lambda p: zipped(p / "x.zip", **{"header.json": {}, "memory.md": "# x", "messages.jsonl": ""}),
        lambda p: zipped(p / "x.zip", **{"notes/tea.md": "# x"}),
        lambda p: laid(p / "x", **{"notes/tea.md": "- x", "README.md": "- y"}),
        lambda p: laid(p / "x", **{"x.json": {"results": [{"memory": "x", "user_id": "a"}]}}) / "x.json",
        lambda p: laid(p / "x", **{"x.json": {"spec": "chara_card_v2", "data": {"name": "Kaya"}}}) / "x.json",
        lambda p: laid(p / "x", **{"x.txt": "mapping chat_messages"}) / "x.txt",
        lambda p: laid(p / "x", **{"x.json": ""}) / "x.json",
    ],
)
def test_other_files_are_none_of_them(tmp_path: Path, make: Callable[[Path], Path]) -> None:
    assert formats.known(Source(make(tmp_path))) is None


def test_everbots_own_export_is_none_of_them(tmp_path: Path) -> None:
    [ours] = pack({"format": FORMAT, "id": 1}, {"agent": [{}]}, {"memory.md": "# x"}, 1_000)
    (tmp_path / "everbot.zip").write_bytes(ours)
    assert formats.known(Source(tmp_path / "everbot.zip")) is None


def test_a_format_is_named_for_what_does_not_tell_itself() -> None:
    assert formats.named("SillyTavern").name == "sillytavern"
    with pytest.raises(BundleError, match=r"--from mem0: .* chatgpt, claude, letta"):
        formats.named("mem0")
