"""All that a message holds, as text: the one reader for events, quotes, context and what is caught up. Pure.

What is not its author's own words stands behind ``> `` below a line in parentheses that tells what it is: ``(forwarded
from bob)``, ``(attached)``; what is no text is named so: ``(voice message: …)``, ``(canvas: Plans)``, ``(huddle)``.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from functools import partial

from adapters.faults import fault
from adapters.slack import blocks
from adapters.slack.markup import Names, link, named, plain
from adapters.wire import Json, record, records, text, texts

log = logging.getLogger(__name__)

MOST = 50_000  # characters; a message's own text has at most 40,000
_QUOTED = 12_000  # of one message that is forwarded
_DEPTH = 3  # of messages in messages
_SHARES = ("is_share", "is_msg_unfurl", "is_reply_unfurl", "is_thread_root_unfurl")
_KINDS = {
    "quip": "canvas",
    "canvas": "canvas",
    "list": "list",
    "space": "post",
    "docs": "post",
    "email": "e-mail",
}
_GONE = {"tombstone": "a file that was deleted", "hidden_by_limit": "a file that Slack no longer shows"}


def whole(message: Json, names: Names, own: str | None = None, *, named_files: bool = False) -> str:
    """All of a message; ``own`` is read in the place of its text. With ``named_files`` its files are told by name. What
    of it cannot be read is left out."""
    return _whole(message, names, own, named_files, 0)[:MOST]


def _whole(message: Json, names: Names, own: str | None, named_files: bool, depth: int) -> str:
    written = text(message.get("text")) if own is None else own
    parts = [plain(written, names)]
    for reader in (
        partial(_blocks, message, parts, names),
        partial(_attachments, message, names, depth),
        partial(_files, message, named_files),
        partial(_huddle, message, names),
    ):
        try:
            parts += list(reader())
        except Exception as error:  # a part of a new shape costs that part, not the message
            log.warning("A part of a message could not be read (%s)", fault(error))
    return "\n".join(part for part in parts if part.strip())


def mentioned(message: Json) -> list[str]:
    """The ids of people, channels and groups that are named anywhere in it, each once, in order."""
    found = dict.fromkeys(blocks.ids(message.get("blocks")))
    shown = [message.get(field) for field in ("text", "blocks", "attachments")]
    found |= dict.fromkeys(named("\n".join(blocks.strings(shown))))
    for attachment in records(message.get("attachments")):
        shown = [attachment.get("blocks"), attachment.get("message_blocks")]
        found |= dict.fromkeys(filter(None, [text(attachment.get("author_id")), *blocks.ids(shown)]))
    found |= dict.fromkeys(texts(record(message.get("room")).get("participant_history")))
    return list(found)


def _blocks(message: Json, parts: list[str], names: Names) -> Iterator[str]:
    """What blocks show beyond the text, which is then no more than their shorter form; of a person's own message
    they are the text once more."""
    kinds = {text(block.get("type")) for block in records(message.get("blocks"))}
    if parts[0].strip() and kinds == {"rich_text"}:
        return
    shown = blocks.read(message.get("blocks"), names)
    if parts[0].strip() and _bare(shown) in _bare(parts[0]):
        return
    if _bare(parts[0]) in _bare(shown):
        parts[0] = ""
    yield shown


def _bare(words: str) -> str:
    """A text by its letters and digits alone."""
    return re.sub(r"[\W_]+", "", words).casefold()


def _attachments(message: Json, names: Names, depth: int) -> Iterator[str]:
    has_words = bool(text(message.get("text")).strip())
    for attachment in records(message.get("attachments")):
        if any(attachment.get(flag) is True for flag in _SHARES):
            if depth < _DEPTH:
                yield _share(attachment, names, depth)
        elif not (has_words and (attachment.get("from_url") or attachment.get("original_url"))):
            words = "\n".join(_fields(attachment, names))
            yield f"(attached)\n{_quoted(words)}" if words.strip() else ""


def _share(attachment: Json, names: Names, depth: int) -> str:
    """Another message that is forwarded with this one, or whose address stands in it."""
    author = text(attachment.get("author_id"))
    who = names.get(author) or text(attachment.get("author_name")) or text(attachment.get("author_subname"))
    inner = [record(part.get("message")) for part in records(attachment.get("message_blocks"))]
    shown = [block for part in inner for block in records(part.get("blocks"))]
    told = {**attachment, "blocks": shown or attachment.get("blocks")}
    words = _whole(told, names, None, True, depth + 1) or plain(text(attachment.get("fallback")), names)
    how = "forwarded" if attachment.get("is_share") is True else "quoted"
    return f"({how} from {who or author or 'somebody'})\n{_quoted(words or '(a message without text)')}"


def _fields(attachment: Json, names: Names) -> Iterator[str]:
    """What an app attached to its message (docs.slack.dev, "Secondary message attachments")."""
    title = text(attachment.get("title"))
    lines = [text(attachment.get("pretext")), text(attachment.get("author_name"))]
    lines += [link(text(attachment.get("title_link")), title) if attachment.get("title_link") else title]
    lines += [text(attachment.get("text")), blocks.read(attachment.get("blocks"), names)]
    for field in records(attachment.get("fields")):
        lines.append(": ".join(filter(None, (text(field.get("title")), text(field.get("value"))))))
    lines.append(text(attachment.get("footer")))
    choices = [text(action.get("text")) for action in records(attachment.get("actions"))]
    lines += [f"(button: {choice})" for choice in choices if choice]
    told = [plain(line, names) for line in lines if line.strip()]
    yield from told or [plain(text(attachment.get("fallback")), names)]


def _quoted(words: str) -> str:
    """Every line marked: none of them can pass for the words of who sent it."""
    return "\n".join(f"> {line}" for line in words[:_QUOTED].splitlines())


def _files(message: Json, all_by_name: bool) -> Iterator[str]:
    """What was spoken or drawn, and with ``all_by_name`` every other file."""
    for file in records(message.get("files")):
        title = text(file.get("title")) or text(file.get("name"))
        mode = text(file.get("mode"))
        kind = _KINDS.get(mode) or _KINDS.get(text(file.get("filetype")))
        if text(file.get("subtype")) == "slack_audio":
            yield _voice(file)
        elif mode in _GONE:
            yield f"({_GONE[mode]})"
        elif kind == "e-mail":
            body = text(file.get("plain_text")) or text(file.get("preview_plain_text"))
            yield f"(e-mail: {text(file.get('subject')) or title})" + (f"\n{_quoted(body)}" if body else "")
        elif kind is not None:
            yield f"({kind}: {title or 'without a title'})"
        elif all_by_name:
            yield f"(file: {title or 'without a name'})"


def files_of(message: Json) -> list[Json]:
    """The files that came with it, those of a message that is forwarded with it, too."""
    shares = [a for a in records(message.get("attachments")) if a.get("is_share") is True]
    return [file for holder in (message, *shares) for file in records(holder.get("files"))]


def _voice(file: Json) -> str:
    """A voice message: Slack writes down what it hears of it (``transcription``)."""
    heard = record(record(file.get("transcription")).get("preview"))
    words = text(heard.get("content")).strip()
    if not words:
        return "(voice message: its sound cannot be heard here)"
    return f"(voice message: {words}{' …' if heard.get('has_more') is True else ''})"


def _huddle(message: Json, names: Names) -> Iterator[str]:
    room = record(message.get("room"))
    if not room and message.get("subtype") != "huddle_thread":
        return
    people = texts(room.get("participant_history")) or texts(room.get("participants"))
    who = ", ".join(names.get(person, person) for person in people)
    yield f"(huddle{f' with {who}' if who else ''})"
