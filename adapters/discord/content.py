"""All that a message holds, as text: the one reader for events, quotes, context and what is caught up. Pure.

What is no text of its author's own stands in parentheses: ``(forwarded)``, ``(embed)``, ``(poll)``,
``(sticker: Party Cat)``. Names stand for mentions, times for timestamps (API reference, "Message Formatting").
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from adapters.discord import wire
from adapters.discord.message import Message
from adapters.discord.wire import Json

log = logging.getLogger(__name__)

MOST = 12_000  # characters: a message of 4,000 with an embed of 6,000
_MARK = re.compile(
    r"<(?:(?P<sign>@&|@!?|#)(?P<id>\d{1,20})|a?:(?P<emoji>\w{1,64}):\d{1,20}"
    r"|t:(?P<time>-?\d{1,15})(?::(?P<style>[tTdDfFsSR]))?|/(?P<command>[^:<>]{1,100}):\d{1,20}"
    r"|id:(?P<page>[\w-]{1,40})(?::\d{1,20})?)>"
)
_DAYS = ("d", "D")  # styles of a timestamp that show no hour
_TOLD = {  # message types that are no message, and what people see of them
    4: "named this place {content}",
    6: "pinned a message",
    7: "joined the server",
    8: "boosted the server",
    9: "boosted the server to level 1",
    10: "boosted the server to level 2",
    11: "boosted the server to level 3",
    12: "follows {content} from here",
    18: "started the thread {content}",
    27: "began the stage {content}",
    28: "ended the stage {content}",
    31: "named the stage {content}",
}
_POLL_RESULT = 46
_BUTTON, _TEXT, _THUMBNAIL, _GALLERY, _FILE = 2, 10, 11, 12, 13  # component types
_DEPTH = 8  # of components in components


@dataclass(frozen=True)
class Names:
    """How people, roles and channels are called, by id; an empty text for who is not known."""

    person: Callable[[int], str]
    role: Callable[[int], str]
    channel: Callable[[int], str]


def whole(message: Message, names: Names, content: str | None = None) -> str:
    """All of a message; ``content`` is read in the place of its own text. What of it cannot be read is left out."""
    if message.kind in _TOLD:
        told = _TOLD[message.kind].format(content=named(message.content, names)).strip()
        return f"({told})"
    parts = [named(message.content if content is None else content, names)]
    for reader in (_forwarded, _components, _embeds, _poll, _stickers, _sounds, _invitation):
        try:
            parts += reader(message, names)
        except Exception as error:  # a part of a new shape costs that part, not the message
            log.warning(
                "A part of a message could not be read (%s: %s)", reader.__name__, type(error).__name__
            )
    return "\n".join(part.strip() for part in parts if part.strip())[:MOST]


def is_notice(message: Message) -> bool:
    """Whether it is no message of anybody's, but news of the place that people are shown."""
    return message.kind in _TOLD or message.kind == _POLL_RESULT


def named(text: str, names: Names) -> str:
    """A text as people read it."""

    def shown(match: re.Match[str]) -> str:
        sign, number = match["sign"], wire.snowflake(match["id"])
        if sign == "#":
            return f"#{names.channel(number) or 'unknown'}"
        if sign == "@&":
            return f"@{names.role(number) or 'unknown-role'}"
        if sign:
            return f"@{names.person(number) or 'unknown-user'}"
        if match["time"]:
            return _time(int(match["time"]), match["style"]) or match[0]
        if match["command"]:
            return f"/{match['command']}"
        return f":{match['emoji']}:" if match["emoji"] else f"({match['page']})"

    return _MARK.sub(shown, text)


def mentioned(message: Message) -> list[int]:
    """The ids of people who are named anywhere in it, each once."""
    found: dict[int, None] = {}
    for text in _texts(message.raw, 0):
        for match in _MARK.finditer(text):
            if match["sign"] in ("@", "@!"):
                found[wire.snowflake(match["id"])] = None
    return [number for number in found if number]


def _texts(value: object, depth: int) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif depth < _DEPTH:
        inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        for item in inner:
            yield from _texts(item, depth + 1)


def _time(seconds: int, style: str | None) -> str:
    try:
        at = datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, OSError, ValueError):
        return ""
    return f"{at:%Y-%m-%d}" if style in _DAYS else f"{at:%Y-%m-%d %H:%M} UTC"


def _forwarded(message: Message, names: Names) -> list[str]:
    told = []
    for snapshot in message.snapshots:
        files = ", ".join(file.name for file in snapshot.files)
        text = whole(snapshot, names) or (f"(attached: {files})" if files else "(a message without text)")
        told.append(f"(forwarded) {text}")
    return told


def _embeds(message: Message, names: Names) -> list[str]:
    return [_embed(embed, message, names) for embed in wire.records(message.raw.get("embeds"))]


def _embed(embed: Json, message: Message, names: Names) -> str:
    rows = {wire.text(r.get("name")): wire.text(r.get("value")) for r in wire.records(embed.get("fields"))}
    if wire.text(embed.get("type")) == "poll_result" or message.kind == _POLL_RESULT:
        return _result(rows)
    lines = [wire.text(wire.record(embed.get("author")).get("name"))]
    lines += [wire.text(embed.get(key)) for key in ("title", "description")]
    lines += [f"{name}: {value}" for name, value in rows.items() if name.strip() or value.strip()]
    lines.append(wire.text(wire.record(embed.get("footer")).get("text")))
    told = "\n".join(line.strip() for line in lines if line.strip())
    if not told and (embed.get("image") or embed.get("thumbnail") or embed.get("video")):
        told = wire.text(embed.get("url")) or "a picture"
    return f"(embed) {named(told, names)}" if told else ""


def _result(rows: dict[str, str]) -> str:
    """A poll's end, which comes as an embed (API reference, "Poll Result Embed Fields")."""
    question, winner = rows.get("poll_question_text", ""), rows.get("victor_answer_text", "")
    votes, total = rows.get("victor_answer_votes", "0"), rows.get("total_votes", "0")
    outcome = f"{winner}, {votes} of {total} votes" if winner else f"no single winner among {total} votes"
    return f"(poll result) {question}: {outcome}"


def _poll(message: Message, names: Names) -> list[str]:
    poll = wire.record(message.raw.get("poll"))
    if not poll:
        return []
    results = wire.record(poll.get("results"))
    counted = wire.records(results.get("answer_counts"))
    votes = {wire.number(count.get("id")): wire.number(count.get("count")) for count in counted}
    lines = [f"(poll) {named(wire.text(wire.record(poll.get('question')).get('text')), names)}"]
    for place, answer in enumerate(wire.records(poll.get("answers")), 1):
        number = wire.number(answer.get("answer_id")) or place
        count = votes.get(number, 0)
        told = f" ({count} vote{'s' if count != 1 else ''})" if votes else ""
        lines.append(f"{place}. {_medium(wire.record(answer.get('poll_media')))}{told}")
    rules = ["several answers may be chosen"] if poll.get("allow_multiselect") is True else []
    if results.get("is_finalized") is True:
        rules.append("it is over")
    elif (ends := wire.moment(poll.get("expiry"))) is not None:
        rules.append(f"it ends {ends:%Y-%m-%d %H:%M} UTC")
    return ["\n".join([*lines, *([f"({'; '.join(rules)})"] if rules else [])])]


def _medium(medium: Json) -> str:
    emoji = wire.record(medium.get("emoji"))
    name = wire.text(emoji.get("name"))
    shown = f":{name}:" if name and emoji.get("id") else name
    return f"{shown} {wire.text(medium.get('text'))}".strip()


def _stickers(message: Message, names: Names) -> list[str]:
    items = wire.records(message.raw.get("sticker_items")) or wire.records(message.raw.get("stickers"))
    return [f"(sticker: {wire.text(item.get('name')) or 'without a name'})" for item in items]


def _sounds(message: Message, names: Names) -> list[str]:
    """That it was spoken, and what its author says of its pictures."""
    told = []
    for file in message.own_files:
        if message.is_voice:
            told.append(f"(voice message of {file.seconds:.0f} s: its sound cannot be heard here)")
        if file.shows:
            told.append(f"({file.name} shows: {named(file.shows, names)})")
    return told


def _invitation(message: Message, names: Names) -> list[str]:
    if not wire.record(message.raw.get("activity")):
        return []
    game = wire.text(wire.record(message.raw.get("application")).get("name"))
    return [f"(invitation to join in {game or 'an activity'})"]


def _components(message: Message, names: Names) -> list[str]:
    return [named(text, names) for text in _shown(wire.records(message.raw.get("components")), 0)]


def _shown(components: list[Json], depth: int) -> Iterator[str]:
    """What people read of components and of those in them, in their order."""
    for part in components:
        kind = wire.number(part.get("type"))
        if kind == _TEXT:
            yield wire.text(part.get("content"))
        elif kind == _BUTTON:
            address = wire.text(part.get("url"))
            yield f"(button: {' '.join(filter(None, (wire.text(part.get('label')), address)))})"
        elif kind in (_THUMBNAIL, _FILE):
            name = wire.text(part.get("description")) or wire.text(part.get("name"))
            yield f"({'picture' if kind == _THUMBNAIL else 'file'}: {name})" if name else ""
        elif kind == _GALLERY:
            shows = [wire.text(item.get("description")) for item in wire.records(part.get("items"))]
            yield f"(pictures: {', '.join(filter(None, shows)) or len(shows)})"
        elif wire.text(part.get("placeholder")):
            yield f"(menu: {part['placeholder']})"
        if depth < _DEPTH:
            inner = [wire.record(part.get(key)) for key in ("accessory", "component")]
            yield from _shown([*wire.records(part.get("components")), *filter(None, inner)], depth + 1)
