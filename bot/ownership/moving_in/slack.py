"""A Slack export: a person's direct messages with an old bot.

From Slack's "How to read Slack data exports" (slack.com/help, 220556107) and its API's ``message`` event:
``users.json`` has the members (``is_bot``; ``deleted`` ones stay), ``dms.json`` the direct messages with their
``members``; each has a folder of its id, with a file for each day, an array of messages (``user``, ``text``, ``ts``,
``subtype``). An export of public channels alone has no direct messages.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Any
from zoneinfo import ZoneInfo

from bot.errors import BundleError
from bot.ownership.moving_in.moments import moment
from bot.ownership.moving_in.source import Source
from bot.ownership.moving_in.talks import Left, Line, Talk, Whose, chosen

_SAID = (
    None,
    "bot_message",
    "file_share",
    "thread_broadcast",
    "me_message",
)  # the rest tells of comings and goings
_DAY = re.compile(r"/\d{4}-\d\d-\d\d\.json$")
_LINK = re.compile(r"<([^<>|]+)(?:\|([^<>]*))?>")
_UTC = ZoneInfo("UTC")


class Slack:
    """See `bot.ownership.moving_in.talks.Format`."""

    name, what = "slack", "Slack"

    def claims(self, source: Source) -> bool:
        if not any(_DAY.search(f"/{name}") for name in source.names):
            return False
        return bool(source.ending("users.json", "channels.json", "dms.json"))

    def read(self, source: Source, whose: Whose, left: Left) -> Iterator[Talk]:
        people = _people(source)
        dms = [dm for dm in _rows(source, "dms.json") if isinstance(dm.get("members"), list)]
        if not dms:
            raise BundleError(
                "There are no direct messages in it: Slack puts them into exports of all conversations alone."
            )
        bots = {
            member: people[member].names
            for dm in dms
            for member in map(str, dm["members"])
            if member in people and (people[member].bot or whose.partner)
        }
        bot = chosen(whose.partner, bots, "--with")
        with_bot = {
            str(dm["id"]): [str(m) for m in dm["members"] if m != bot] for dm in dms if bot in dm["members"]
        }
        mine = {
            dm: [
                name
                for member in members
                for name in (people[member].names if member in people else [member])
            ]
            for dm, members in with_bot.items()
        }
        dm = chosen(whose.me, mine, "--me")
        yield Talk(title=people[bot].names[0], lines=_lines(source, dm, with_bot[dm], people, bot, left))


class _Member:
    """``names`` are what they are called, the first for people, the last their id."""

    def __init__(self, row: dict[str, Any]) -> None:
        profile = row["profile"] if isinstance(row.get("profile"), dict) else {}
        called = [
            profile.get("display_name"),
            profile.get("real_name"),
            row.get("real_name"),
            row.get("name"),
        ]
        self.names = [*dict.fromkeys(str(name) for name in called if name), str(row["id"])]
        self.bot = bool(row.get("is_bot") or profile.get("bot_id") or row["id"] == "USLACKBOT")


def _people(source: Source) -> dict[str, _Member]:
    rows = [*_rows(source, "users.json"), *_rows(source, "org_users.json")]
    return {str(row["id"]): _Member(row) for row in rows if row.get("id")}


def _rows(source: Source, ending: str) -> list[dict[str, Any]]:
    found = [source.json(name) for name in source.ending(ending)[:1]]
    return [row for rows in found if isinstance(rows, list) for row in rows if isinstance(row, dict)]


def _lines(
    source: Source, dm: str, members: list[str], people: dict[str, _Member], bot: str, left: Left
) -> Iterator[Line]:
    for name in source.names:
        if f"/{dm}/" not in f"/{name}" or not _DAY.search(name):
            continue
        try:
            rows = source.json(name)
        except BundleError as error:
            left.out("a day that cannot be read", str(error).rstrip("."))
            continue
        rows = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
        for row in sorted(rows, key=lambda row: str(row.get("ts") or "")):
            if row.get("type", "message") != "message" or row.get("subtype") not in _SAID:
                continue
            mine = row.get("user") in members and not row.get("bot_id")
            yield Line(
                id=f"{dm}/{row.get('ts')}",
                author="" if mine else people[bot].names[0],
                text=_text(row, people),
                at=moment(row.get("ts"), _UTC),
            )


def _text(row: dict[str, Any], people: dict[str, _Member]) -> str:
    text = str(row.get("text") or "").strip() or "\n".join(_blocks(row.get("blocks")))
    if not text:
        attached = [a for a in row.get("attachments") or [] if isinstance(a, dict)]
        text = "\n".join(str(a.get("text") or a.get("fallback") or "") for a in attached).strip()
    files = [str(f.get("name") or "") for f in row.get("files") or [] if isinstance(f, dict)]
    said = html.unescape(_LINK.sub(lambda link: _plain(link, people), text))
    return "\n".join([said, *(f"(file: {name})" for name in files if name)]) if said else ""


def _plain(link: re.Match[str], people: dict[str, _Member]) -> str:
    """A mention or link of Slack's markup, for people."""
    target, label = link[1], link[2]
    if target.startswith("@"):
        member = people.get(target[1:])
        return f"@{label or (member.names[0] if member else target[1:])}"
    if target[0] in "#!":
        return f"{'#' if target[0] == '#' else '@'}{label or target[1:]}"
    return f"{label} ({target})" if label and label != target else target


def _blocks(value: Any) -> Iterator[str]:
    """The texts of a message that has blocks alone."""
    if isinstance(value, list):
        for item in value:
            yield from _blocks(item)
    elif isinstance(value, dict):
        if isinstance(value.get("text"), str):
            yield value["text"]
        for name in ("text", "elements", "fields"):
            if not isinstance(value.get(name), str):
                yield from _blocks(value.get(name))
