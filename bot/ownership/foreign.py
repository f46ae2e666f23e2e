"""What a file is that is no export of everbot's, so that whoever gives it to `everbot import` is told. Pure.

Nothing is taken of it: it is known by the names of the files in it, or by the names of its fields.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath

from bot import bundle
from bot.errors import BundleError
from bot.ownership.export import FORMAT

_LOOKED_AT = 200_000  # bytes of a file of JSON or text
_FILES = 200_000  # in a zip: a workspace of some years has a file a channel and day
_FIELD = re.compile(rb'"([A-Za-z_]{1,40})"\s*:')
_OURS = f"everbot import takes what /export writes ({FORMAT}), and what docs/moving-in.md lists"
_AS_DOCUMENT = "To have it searched as a document: everbot load FILE --name NAME"
_UNPACKED = "To have it searched as documents: unpack it, then everbot load FOLDER --name NAME"
_AS_PERSONA = "everbot persona import takes it"


@dataclass(frozen=True)
class _Kind:
    """``files`` (one of them) tell it in a zip or a folder, ``fields`` (all of one set) in JSON, ``ending`` by the
    name of the file; ``instead`` is what can be done."""

    what: str
    files: frozenset[str] = frozenset()
    fields: tuple[frozenset[str], ...] = ()
    ending: str = ""
    instead: str = _AS_DOCUMENT


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_KINDS = (
    _Kind(
        "a character card",
        _words("card.json"),
        (
            _words("spec data"),
            _words("first_mes mes_example"),
            _words("entries keys content insertion_order"),
        ),
        ".charx",
        instead=_AS_PERSONA,
    ),
    _Kind(
        "an agent file of Letta",
        frozenset(),
        (_words("agent_type llm_config"), _words("agents mcp_servers")),
        ".af",
    ),
    _Kind(
        "a chat of SillyTavern",
        frozenset(),
        (_words("user_name character_name"), _words("is_user mes")),
    ),
    _Kind(
        "an export of a Slack workspace",
        _words("channels.json integration_logs.json mpims.json dms.json"),
        (_words("client_msg_id ts"), _words("type user text ts"), _words("is_general is_archived")),
    ),
    _Kind(
        "a data package of Discord",
        _words("messages/index.json account/user.json servers/index.json"),
        (_words("ID Timestamp Contents"), _words("guild channel messages")),
    ),
    _Kind(
        "an export of ChatGPT",
        _words("chat.html message_feedback.json shared_conversations.json user.json conversations-000.json"),
        (_words("mapping current_node"), _words("mapping conversation_id"), _words("mapping title")),
    ),
    _Kind(
        "an export of Claude",
        _words("users.json+conversations.json projects.json memories.json"),
        (_words("chat_messages"), _words("conversations_memory"), _words("full_name verified_phone_number")),
    ),
    _Kind(
        "an export of mem0",
        frozenset(),
        (
            _words("memory user_id"),
            _words("memory hash"),
            _words("memory agent_id"),
            _words("memory created_at"),
        ),
    ),
    _Kind(
        "an export of conversations, of ChatGPT or Claude",
        _words("conversations.json"),
        ending="conversations.json",
    ),
)
_OTHERS = (
    (b"SQLite format 3\0", "a database. One of everbot's own is put back by `everbot restore`"),
    (b"\x89PNG", f"an image. If it is a character card: {_AS_PERSONA}"),
    (b"%PDF-", f"a PDF. {_AS_DOCUMENT}"),
)


def named(name: str, data: bytes) -> str | None:
    """One sentence on a file that is not everbot's; None for one that may be."""
    if data.startswith(b"PK"):
        return _zip(name, data)
    for start, what in _OTHERS:
        if data.startswith(start):
            return f"{name} is {what}. {_OURS}."
    head = data[:_LOOKED_AT].removeprefix(b"\xef\xbb\xbf").lstrip()
    fields = {field.decode() for field in _FIELD.findall(head)} if head[:1] in (b"{", b"[") else set()
    for kind in _KINDS:
        told = any(wanted <= fields for wanted in kind.fields)
        if told or (kind.ending and name.casefold().endswith(kind.ending)):
            return _told(name, kind.what, kind.instead)
    if fields or head[:1] in (b"{", b"["):
        return _told(name, "JSON, but none of everbot's", _AS_DOCUMENT)
    if head and b"\0" not in head and _is_text(head):
        what = (
            "Markdown"
            if name.casefold().endswith((".md", ".markdown")) or head.startswith(b"# ")
            else "plain text"
        )
        return _told(name, what, _AS_DOCUMENT)
    return None


def named_folder(name: str, files: Collection[str]) -> str:
    """The same for a folder that holds these files, told by their paths within it."""
    kind = _of_files(files)
    if kind is not None:
        return _told(name, kind.what, kind.instead.replace("FILE", "FOLDER"))
    if any(path.endswith((".md", ".markdown")) for path in files):
        return _told(name, "a folder of Markdown", _AS_DOCUMENT.replace("FILE", "FOLDER"))
    return f"{name} is a folder. {_OURS}."


def _zip(name: str, data: bytes) -> str | None:
    try:
        files = bundle.listed(data, _FILES)
    except BundleError:
        return None  # whether it is ours or not, it is damaged
    if "header.json" in files:
        return _told(name, "a persona's file", _AS_PERSONA) if "persona.json" in files else None
    kind = _of_files(files)
    if kind is not None:
        return _told(name, kind.what, _UNPACKED if kind.instead == _AS_DOCUMENT else kind.instead)
    if any(path.endswith((".md", ".markdown")) for path in files):
        return _told(name, "a zip of Markdown", _UNPACKED)
    return _told(name, "a zip of another program", _UNPACKED)


def _of_files(files: Iterable[str]) -> _Kind | None:
    paths = {path.casefold() for path in files}
    # Many programs put all into a folder of the export's name.
    paths |= {str(PurePosixPath(*PurePosixPath(path).parts[1:])) for path in paths}
    for kind in _KINDS:
        if any(set(file.split("+")) <= paths for file in kind.files):
            return kind
    return None


def _is_text(head: bytes) -> bool:
    try:
        head[: _LOOKED_AT - 4].decode()
    except UnicodeDecodeError as error:
        return error.end >= len(head) - 4  # it was cut within a sign
    return True


def _told(name: str, what: str, instead: str) -> str:
    if instead == _AS_PERSONA:
        return f"{name} is {what}: {instead}; {_OURS}."
    return f"{name} is {what}, which cannot be taken yet as it is: {_OURS}. {instead}."
