"""A memory's file from anywhere: what is not as the format says is told by file and row, in bounded time and memory."""

from __future__ import annotations

import io
import json
import time
import zipfile
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

import pytest

from bot import bundle
from bot.bundle import Tables
from bot.errors import BundleError
from bot.ownership.export import FORMAT
from bot.ownership.memory_file import MemoryFile
from bot.ownership.rows import BlockRow, MessageRow, PassageRow

NOW = datetime(2026, 11, 26, 9, 0, tzinfo=UTC)
AT = "2026-11-21T09:00:00+00:00"
HEADER = {"format": FORMAT, "id": "x"}


def event(**fields: Any) -> str:
    return json.dumps({"role": "user", "content": json.dumps({"type": "message", **fields})})


def call(*ids: str, arguments: str = "{}") -> str:
    calls = [
        {"id": i, "type": "function", "function": {"name": "send_message", "arguments": arguments}}
        for i in ids
    ]
    return json.dumps({"role": "assistant", "content": None, "tool_calls": calls})


def result(call_id: str) -> str:
    return json.dumps({"role": "tool", "tool_call_id": call_id, "content": "OK"})


def message(role: str, rendered: str, **more: Any) -> dict[str, Any]:
    row = {
        "conversation": 1,
        "audience": "private",
        "author": "ada",
        "text": "",
        "at": AT,
        "turn": "t1",
        "step": 0,
    }
    return {**row, "role": role, "rendered": rendered, "event": None, **more}


def sound() -> Tables:
    """Something of everything."""
    beat = {"speak": True, "every_s": 3600, "first_hour": 9, "last_hour": 21}
    told = {"text": "They met.", "rendered": event(), "tokens": 9, "messages": 3, "since": AT, "at": AT}
    edit = {"version": 2, "before": "", "after": "Ada", "turn": "t1", "at": AT}
    passage = {
        "audience": "private",
        "text": "Tea.",
        "tags": ["drink"],
        "source": "",
        "position": 0,
        "at": AT,
    }
    return {
        "agent": [
            {
                "name": "Ada",
                "persona": "ever",
                "timezone": "Europe/Lisbon",
                "accounts": ["console:ada", "discord:1"],
                "sources": ["docs"],
                "heartbeat": {**beat, "next_at": AT, "last_at": None, "heard_at": AT},
            }
        ],
        "conversations": [
            {"address": "console:ada", "audience": "private", "warned": False, "summary": told},
            {"address": "discord:9", "audience": "community:discord:2", "warned": True, "summary": None},
        ],
        "turns": [{"id": "t1", "conversation": 1, "kind": "message", "at": AT}],
        "blocks": [
            {
                "label": "human",
                "audience": "private",
                "value": "Ada",
                "limit": 2000,
                "description": "",
                "read_only": False,
                "version": 2,
                "history": [edit],
            }
        ],
        "messages": [
            message("user", "", text="Old words."),
            message("user", event(message="Hello"), text="Hello", event="discord:1", step=-1),
            message("assistant", call("a", "b"), text="Hi!", author="ever"),
            message("tool", result("b"), author="send_message"),
            message("tool", result("a"), author="send_message"),
            message(
                "user", event(type="core_memory", blocks={"human": {"value": "x"}}), author="core memory"
            ),
        ],
        "passages": [
            {**passage, "uid": "aa", "turn": None, "copy_of": None},
            {**passage, "uid": "bb", "turn": "t7", "copy_of": "aa", "audience": "community:discord:2"},
        ],
        "schedules": [
            {
                "conversation": 1,
                "about": "Call Bob",
                "rule": "0 9 * * 1",
                "turn": "t1",
                "next_at": AT,
                "at": AT,
            }
        ],
    }


def packed(tables: Tables) -> list[bytes]:
    return bundle.pack(HEADER, tables, {}, 8_000_000)


def refusal(parts: list[bytes]) -> str:
    with pytest.raises(BundleError) as refused:
        MemoryFile(parts, NOW)
    return str(refused.value)


def test_a_sound_file_is_read_row_by_row_as_often_as_it_is_asked() -> None:
    file = MemoryFile(packed(sound()), NOW)
    assert (file.person.name, [place.address for place in file.places]) == (
        "Ada",
        ["console:ada", "discord:9"],
    )
    for _ in range(2):
        assert [row.text for row in file.each(MessageRow)] == ["Old words.", "Hello", "Hi!", "", "", ""]
    assert [row.copy_of for row in file.each(PassageRow)] == [None, "aa"]


@pytest.mark.parametrize("word", ["Password:\nHunter2!x", "пароль: Hunter2!x"])
def test_a_secret_is_masked_however_it_is_escaped(word: str) -> None:
    tables = sound()
    tables["passages"][0]["text"] = tables["blocks"][0]["value"] = word
    tables["messages"][1] |= {"text": word, "rendered": event(message=word)}
    tables["messages"][2]["rendered"] = call("a", "b", arguments=json.dumps({"message": word}))
    file = MemoryFile(packed(tables), NOW, masks=True)
    texts = [file.each(PassageRow), file.each(BlockRow), file.each(MessageRow)]
    told = str([list(rows) for rows in texts])
    assert told.count("[password not kept]") == 6
    assert "Hunter" not in told
    assert next(row.text for row in MemoryFile(packed(tables), NOW).each(PassageRow)) == word


Change = Callable[[Tables], object]


def field(table: str, name: str, value: Any, row: int = 0) -> Change:
    """The field of that row is another; `...` leaves it out."""

    def change(tables: Tables) -> None:
        *path, last = name.split(".")
        target: Any = tables[table][row]
        for key in path:
            target = target[int(key)] if isinstance(target, list) else target[key]
        if value is ...:
            del target[last]
        elif isinstance(target, list):
            target[int(last)] = value
        else:
            target[last] = value

    return change


def again(table: str, **more: Any) -> Change:
    return lambda tables: tables[table].append({**tables[table][-1], **more})


def said(*rows: dict[str, Any]) -> Change:
    return lambda tables: tables["messages"].extend(rows)


WRONG: dict[str, tuple[Change, str]] = {
    # types, ranges, lengths
    "a null": (field("messages", "step", None, 2), r"messages.jsonl, line 3: step: "),
    "a number of 31 digits": (field("blocks", "version", 10**30), "blocks.jsonl, line 1: version: "),
    "a number of 5,000 digits": (field("turns", "conversation", 10**4000), "turns.jsonl, line 1: "),
    "NaN": (field("passages", "position", float("nan"), 1), "passages.jsonl, line 2: position: "),
    "infinity": (field("conversations", "summary.tokens", float("inf")), "conversations.jsonl, line 1: "),
    "a fraction": (field("messages", "step", 1.5), "messages.jsonl, line 1: step: "),
    "a number in a text": (field("messages", "step", "1"), "messages.jsonl, line 1: step: "),
    "a truth for a number": (
        field("messages", "conversation", True),
        "messages.jsonl, line 1: conversation: ",
    ),
    "a position below 0": (field("passages", "position", -1), "passages.jsonl, line 1: position: "),
    "a list for a text": (field("messages", "text", ["x"], 1), "messages.jsonl, line 2: text: "),
    "a text for a list": (field("passages", "tags", "drink"), "passages.jsonl, line 1: tags: "),
    "no such role": (field("messages", "role", "system"), "messages.jsonl, line 1: role: .*'tool'"),
    "a field that is missing": (
        field("schedules", "about", ...),
        "schedules.jsonl, line 1: about: Field required",
    ),
    "a field that is unknown": (field("agent", "admin", True), "agent.jsonl, line 1: 'admin' is no field"),
    "unknown within": (
        field("agent", "heartbeat.admin", 1),
        "agent.jsonl, line 1: heartbeat: 'admin' is no field",
    ),
    "a limit of 0": (field("blocks", "limit", 0), "blocks.jsonl, line 1: limit: "),
    "longer than its limit": (
        field("blocks", "limit", 2),
        "line 1: value: it has 3 characters, and `limit` allows 2",
    ),
    "a long description": (
        field("blocks", "description", "x" * 2_001),
        "blocks.jsonl, line 1: description: ",
    ),
    "a label of two words": (field("blocks", "label", "a b"), "blocks.jsonl, line 1: label: "),
    "a label of elsewhere": (field("blocks", "label", "human@x"), "blocks.jsonl, line 1: label: "),
    "a NUL": (field("messages", "text", "a\0b", 1), "messages.jsonl, line 2: a text in it holds a NUL"),
    "an hour without its end": (
        field("agent", "heartbeat.last_hour", None),
        "agent.jsonl, line 1: heartbeat: first",
    ),
    "the hour 24": (field("agent", "heartbeat.last_hour", 24), "agent.jsonl, line 1: heartbeat.last_hour: "),
    "a beat every second": (
        field("agent", "heartbeat.every_s", 1),
        "agent.jsonl, line 1: heartbeat.every_s: ",
    ),
    "no account": (field("agent", "accounts", []), "agent.jsonl, line 1: accounts: "),
    "an account that is none": (field("agent", "accounts.1", "discord:bob"), "accounts.1: is not an account"),
    "a wish every minute": (
        field("schedules", "rule", "every 1m"),
        "schedules.jsonl, line 1: rule: too often",
    ),
    "a wish that never comes": (field("schedules", "rule", "0 0 31 2 *"), "schedules.jsonl, line 1: rule: "),
    "a wish of garbage": (field("schedules", "rule", "whenever"), "schedules.jsonl, line 1: rule: "),
    # times and zones, audiences
    "the year 0": (
        field("messages", "at", "0000-01-01T00:00:00+00:00", 2),
        "messages.jsonl, line 3: at: a time",
    ),
    "before the year 1": (
        field("messages", "at", "0001-01-01T00:00:00+14:00"),
        "messages.jsonl, line 1: at: ",
    ),
    "the year 9999": (
        field("schedules", "next_at", "9999-12-31T23:59:59-12:00"),
        "schedules.jsonl, line 1: next_at",
    ),
    "no zone": (field("turns", "at", "2026-11-21T09:00:00"), "turns.jsonl, line 1: at: a time with its zone"),
    "an impossible zone": (
        field("blocks", "history.0.at", "2026-11-21T09:00:00+99:00"),
        "line 1: history.0.at: ",
    ),
    "a time as a number": (field("passages", "at", 1_700_000_000), "passages.jsonl, line 1: at: a time"),
    "a zone that there is not": (field("agent", "timezone", "Nowhere/Land"), "line 1: timezone: the name"),
    "a zone that is a folder": (
        field("agent", "timezone", "America"),
        "agent.jsonl, line 1: timezone: the name",
    ),
    "a zone that is a path": (
        field("agent", "timezone", "../../etc/passwd"),
        "agent.jsonl, line 1: timezone: ",
    ),
    "an audience of all": (
        field("passages", "audience", "shared"),
        "passages.jsonl, line 1: audience: private",
    ),
    "an audience that is none": (
        field("blocks", "audience", "place:x"),
        "blocks.jsonl, line 1: audience: private",
    ),
    # pairs, twins, and what is not there
    "another's audience": (
        field("messages", "audience", "community:x", 1),
        "line 2: audience: private is expected",
    ),
    "conversation 3": (
        field("messages", "conversation", 3),
        "line 1: conversation: 3 is none, .* has 2 lines",
    ),
    "conversation 0": (field("turns", "conversation", 0), "turns.jsonl, line 1: conversation: "),
    "conversation -1": (field("schedules", "conversation", -1), "schedules.jsonl, line 1: conversation: "),
    "two of an event": (again("messages", event="discord:1"), "messages.jsonl, line 7: event: a line before"),
    "two of a uid": (again("passages"), "passages.jsonl, line 3: uid: a line before it"),
    "two of a turn": (again("turns"), "turns.jsonl, line 2: id: a line before it has the same"),
    "two of a block": (again("blocks", value="B"), "blocks.jsonl, line 2: label and audience: a line before"),
    "two of a place": (
        again("conversations"),
        "conversations.jsonl, line 3: a line before it is of the same",
    ),
    "a copy of nothing": (field("passages", "copy_of", "zz", 1), "passages.jsonl, line 2: copy_of: the uid"),
    "a copy of itself": (field("passages", "copy_of", "bb", 1), "passages.jsonl, line 2: copy_of: the uid"),
    "two agents": (again("agent"), r"agent.jsonl in it has more than the 1 lines"),
    "no agent": (lambda tables: tables["agent"].clear(), "agent.jsonl in it must hold one line"),
    "a table of another kind": (lambda tables: tables.update(people=[{}]), "people.jsonl in it is no part"),
    # what a model is shown
    "an event of a list": (
        said(message("user", event().replace('{\\"', '[{\\"'))),
        "line 7: rendered: the content",
    ),
    "an event that is no JSON": (
        said(message("user", '{"role": "user", "content": "x"}')),
        "line 7: rendered: the co",
    ),
    "an event of images": (
        said(message("user", '{"role": "user", "content": []}')),
        "line 7: rendered: content: ",
    ),
    "an event without type": (
        said(message("user", '{"role":"user","content":"{}"}')),
        "line 7: rendered: type: ",
    ),
    "an event of NaN": (said(message("user", event(stored=float("nan")))), "line 7: rendered: the content"),
    "half a pair of signs": (said(message("user", event(message="\ud800"))), "line 7: rendered: the content"),
    "an event that is deep": (
        said(message("user", event(x=json.loads("[" * 40 + "]" * 40)))),
        "nested 32 deep",
    ),
    "a message that is a number": (said(message("user", event(message=7))), "line 7: rendered: message: "),
    "numbers in mind": (said(message("user", event(brings_to_mind=[1]))), "rendered: brings_to_mind: texts"),
    "blocks of lists": (
        said(message("user", event(blocks={"a": []}))),
        "rendered: blocks: core memory blocks",
    ),
    "a note without blocks": (
        said(message("user", event(), author="core memory")),
        "line 7: rendered: a note of c",
    ),
    "another role": (said(message("user", result("a"))), "line 7: rendered: "),
    "rendered as nothing": (said(message("user", "null")), "messages.jsonl, line 7: rendered: "),
    "a call without a name": (
        said(message("assistant", call("c").replace("send_message", ""))),
        "function.name",
    ),
    "a call of garbage": (
        said(message("assistant", call("c", arguments="{"))),
        "rendered: arguments of a call",
    ),
    "a call of a list": (
        said(message("assistant", call("c", arguments="[]"))),
        "rendered: arguments of a call",
    ),
    "calls of one id": (said(message("assistant", call("c", "c"))), "line 7: rendered: two of its calls"),
    "no calls": (said(message("assistant", call())), "line 7: rendered: tool_calls: "),
    "a call alone": (said(message("assistant", call("c"))), "line 7: rendered: each call is followed"),
    "a call, then an event": (
        said(message("assistant", call("c")), message("user", event()), message("tool", result("c"))),
        "line 7: rendered: each call is followed",
    ),
    "one of two results": (
        said(message("assistant", call("c", "d")), message("tool", result("d"))),
        "line 7: rendered: each call is followed",
    ),
    "a result alone": (said(message("tool", result("c"))), "line 7: rendered: each call is followed"),
    "a result twice": (said(message("tool", result("a"))), "line 7: rendered: each call is followed"),
    "a result elsewhere": (
        said(
            message("assistant", call("c")),
            message("tool", result("c"), conversation=2, audience="community:discord:2"),
        ),
        "line 8: rendered: each call is followed",
    ),
    "a summary of garbage": (
        field("conversations", "summary.rendered", "{}"),
        "line 1: summary.rendered: role: ",
    ),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_is_told_by_file_and_row(what: str) -> None:
    change, why = WRONG[what]
    tables = sound()
    change(tables)
    with pytest.raises(BundleError, match=why) as refused:
        MemoryFile(packed(tables), NOW)
    assert len(str(refused.value)) < 300


def test_lone_halves_of_signs_and_what_is_no_json_are_refused() -> None:
    for line in ('{"text": "\\ud800"}', "{", "[]", "7", '{"a":' * 3_000, "\ufeff{}", "{}{}"):
        told = refusal([zipped(messages=[f"{line}\n".encode()])])
        assert told.startswith("messages.jsonl, line 1: "), line


def test_calls_of_two_places_at_once_are_paired_each_in_its_own() -> None:
    tables = sound()
    here = {"conversation": 2, "audience": "community:discord:2"}
    tables["messages"] += [
        message("assistant", call("a"), **here),
        message("assistant", call("a")),
        message("tool", result("a"), **here),
        message("tool", result("a")),
    ]
    MemoryFile(packed(tables), NOW)


def test_in_several_parts_the_part_is_named() -> None:
    tables = sound()
    tables["messages"] = [message("user", "", text=f"{n} " + "lantern " * 40) for n in range(300)]
    tables["messages"][200]["step"] = None
    parts = bundle.pack(HEADER, tables, {}, 20_000)
    told = refusal(parts)
    assert told.startswith("messages.jsonl in part ")
    assert "step: " in told


def zipped(compression: int = zipfile.ZIP_DEFLATED, **tables: Iterable[bytes]) -> bytes:
    """A file of one part with these tables beside sound ones, written piece by piece."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", compression) as made:
        made.writestr("header.json", json.dumps({**HEADER, "part": 1, "parts": 1}))
        for name in ("agent", "conversations"):
            made.writestr(f"{name}.jsonl", "".join(json.dumps(row) + "\n" for row in sound()[name]))
        for name, pieces in tables.items():
            with made.open(f"{name}.jsonl", "w") as file:
                for piece in pieces:
                    file.write(piece)
    return target.getvalue()


MB = 1 << 20
BOMBS: dict[str, Callable[[], bytes]] = {
    "50 MB of empty lines": lambda: zipped(messages=[b"\n" * MB] * 50),
    "a line of 50 MB": lambda: zipped(messages=[b"0" * MB] * 50),
    "a line that is not dense": lambda: zipped(zipfile.ZIP_STORED, messages=[b'"', b"0" * 17 * MB]),
    "brackets": lambda: zipped(messages=[b"[" * MB] * 15),
    "objects in objects": lambda: zipped(messages=[b'{"a":' * MB]),
    "a million rows of nothing": lambda: zipped(messages=[b"{}\n" * MB]),
    "a million edits of nothing": lambda: zipped(
        blocks=[json.dumps(sound()["blocks"][0]).split("[")[0].encode(), b"[" + b"{}," * MB + b"{}]}"]
    ),
    "unknown fields": lambda: zipped(turns=[b"{" + b",".join(b'"%d":0' % n for n in range(50_000)) + b"}"]),
    "another compression": lambda: zipped(zipfile.ZIP_LZMA, messages=[b"\n" * MB]),
    "more files than there are": lambda: bundle.zipped({f"{n}": b"" for n in range(2_000)}),
}


@pytest.mark.parametrize("what", BOMBS)
def test_a_bomb_is_refused_in_a_sentence_and_at_once(what: str) -> None:
    bomb = BOMBS[what]()
    begun = time.thread_time()
    told = refusal([bomb])
    assert time.thread_time() - begun < 5
    assert len(told) < 300
