"""Discord's data package: what the person wrote in their direct messages with an old bot. What the bot answered is not
in it.

Discord describes it in "Your Discord Data Package" (support.discord.com, 360004957991); what is in the files is from
public readers of it (seanbreckenridge/discord_data): ``messages/index.json`` has a name for each channel ("Direct
Message with kaya#0"), ``messages/c<id>/channel.json`` its kind and ``recipients``, beside it ``messages.json``
(``ID``, ``Timestamp``, ``Contents``, ``Attachments``) or, in older ones, ``messages.csv`` of the same columns. Times
are UTC. The folder's name is in the person's language.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from typing import Any
from zoneinfo import ZoneInfo

from bot.errors import BundleError
from bot.ownership.moving_in.json_stream import Broken, elements
from bot.ownership.moving_in.moments import moment
from bot.ownership.moving_in.source import Source
from bot.ownership.moving_in.talks import Left, Line, Talk, Whose, chosen

_CHANNEL = re.compile(r"(?:^|/)c?(\d{15,22})/channel\.json$")
_WITH = re.compile(r"^Direct Message with (.+?)(?:#\d{1,4})?$")
_DIRECT = ("DM", 1)
_UTC = ZoneInfo("UTC")


class Discord:
    """See `bot.ownership.moving_in.talks.Format`."""

    name, what = "discord", "Discord"

    def claims(self, source: Source) -> bool:
        return any(_CHANNEL.search(name) for name in source.names)

    def read(self, source: Source, whose: Whose, left: Left) -> Iterator[Talk]:
        names = _names(source)
        folders: dict[str, str] = {}
        called: dict[str, list[str]] = {}
        for name in source.names:
            found = _CHANNEL.search(name)
            channel = source.json(name) if found else None
            if found and isinstance(channel, dict) and channel.get("type") in _DIRECT:
                folders[found[1]] = name.rpartition("/")[0]
                recipients = channel.get("recipients") or []
                with_whom = names.get(found[1])
                called[found[1]] = [*([with_whom] if with_whom else []), *map(str, recipients), found[1]]
        if not folders:
            raise BundleError("There are no direct messages in it.")
        key = chosen(whose.partner, called, "--with")
        yield Talk(title=called[key][0], lines=_lines(source, folders[key], left))


def _names(source: Source) -> dict[str, str]:
    """With whom each channel is, by its id."""
    for name in source.ending("index.json"):
        index = source.json(name)
        if isinstance(index, dict) and any(str(key).lstrip("c").isdecimal() for key in index):
            found = {str(key).lstrip("c"): _WITH.match(str(told or "")) for key, told in index.items()}
            return {key: match[1] for key, match in found.items() if match}
    return {}


def _lines(source: Source, folder: str, left: Left) -> Iterator[Line]:
    for name in (f"{folder}/messages.json", f"{folder}/messages.csv"):
        if name not in source.names:
            continue
        lines = []
        for number, row in enumerate(_rows(source, name), 1):
            line = _line(row) if isinstance(row, dict) else None
            if line is None:
                why = row.why if isinstance(row, Broken) else "no message of Discord"
                left.out(why, f"{source.where(name)}, message {number}")
            else:
                lines.append(line)
        yield from sorted(lines, key=lambda line: int(line.id))  # they stand newest first; ids grow with time
        return


def _rows(source: Source, name: str) -> Iterator[Any]:
    with source.open(name) as file:
        if name.endswith(".csv"):
            text = io.TextIOWrapper(file, "utf-8-sig", "replace", newline="")
            try:
                yield from csv.DictReader(text)
            except csv.Error as error:
                yield Broken(f"it is no table ({error})")
            finally:
                text.detach()  # the file is closed by whoever opened it
        else:
            yield from elements(file)


def _line(row: dict[str, Any]) -> Line | None:
    if not str(row.get("ID") or "").isdecimal() or "Contents" not in row:
        return None
    files = [url.rpartition("/")[2].partition("?")[0] for url in str(row.get("Attachments") or "").split()]
    text = str(row["Contents"] or "").strip()
    text = "\n".join([text, *(f"(file: {name})" for name in files)]) if text else ""
    return Line(id=str(row["ID"]), author="", text=text, at=moment(row.get("Timestamp"), _UTC))
