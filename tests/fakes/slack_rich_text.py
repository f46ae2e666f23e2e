"""What people write, as the block that Slack makes of it (docs.slack.dev, "Rich text"). Pure."""

from __future__ import annotations

import re

from tests.fakes.slack_state import Json

_TAG = re.compile(r"<([@#!]?)([^<>|]+)(?:\|([^<>]*))?>|(:[\w+-]+:)")


def rich_text(text: str, block_id: str) -> Json:
    """The block of a message's text, as it comes with the message itself."""
    elements: list[Json] = []
    at = 0
    for match in _TAG.finditer(text):
        elements += _plain(text[at : match.start()])
        elements.append(_element(match))
        at = match.end()
    elements += _plain(text[at:])
    section = {"type": "rich_text_section", "elements": elements}
    return {"type": "rich_text", "block_id": block_id, "elements": [section]}


def _plain(text: str) -> list[Json]:
    text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    return [{"type": "text", "text": text}] if text else []


def _element(match: re.Match[str]) -> Json:
    sign, target, label, emoji = match.groups()
    if emoji:
        return {"type": "emoji", "name": emoji.strip(":")}
    if sign == "@":
        return {"type": "user", "user_id": target}
    if sign == "#":
        return {"type": "channel", "channel_id": target}
    kind, _, rest = target.partition("^")
    if sign and kind == "subteam":
        return {"type": "usergroup", "usergroup_id": rest}
    if sign and kind == "date":
        seconds, _, form = rest.partition("^")
        date = {"type": "date", "timestamp": int(seconds), "format": form.partition("^")[0]}
        return {**date, **({"fallback": label} if label else {})}
    if sign:
        return {"type": "broadcast", "range": kind}
    return {"type": "link", "url": target, **({"text": label} if label else {})}
