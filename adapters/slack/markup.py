"""Slack's markup: read as people see it, and written so that it calls nobody and leads nowhere unseen. Pure.

docs.slack.dev, "Formatting message text" and "Retrieving messages": ``<@U1>``, ``<#C1|name>``, ``<!subteam^S1>``,
``<!date^1^{date}|words>``, ``<https://…|label>``; only ``&``, ``<`` and ``>`` are escaped.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

Names = Mapping[str, str]
"""How people (``U…``), bots (``B…``), channels (``C…``) and groups of people (``S…``) are called, by id."""

_TAG = re.compile(r"<([@#!]?)([^<>|]+)(?:\|([^<>]*))?>")
_ESCAPES = {"&amp;": "&", "&lt;": "<", "&gt;": ">"}
_ESCAPE = re.compile("|".join(_ESCAPES))
_NAMED = re.compile(r"<(?:[@#]|!subteam\^)([A-Z][A-Z0-9]{1,40})")
_HIDDEN = re.compile(r"<([^\s<>|]{1,2000})\|([^<>\n]{0,2000})>")  # mrkdwn's link under a label
_LINK = re.compile(r"!?\[([^\[\]\n]{0,2000})\]\(<?([^\s()<>]{1,2000})>?(?:\s+[\"'][^\"'\n]{0,200}[\"'])?\)")
_BREAK = "\u200b"


def plain(text: str, names: Names) -> str:
    """Markup as people read it: names for mentions, labels and addresses for links, their fallback for dates."""

    def shown(match: re.Match[str]) -> str:
        sign, target, label = match.groups()
        if sign == "@":
            return f"@{names.get(target) or label or target}"
        if sign == "#":
            return f"#{label or names.get(target, target)}"
        if sign == "!":
            return _special(target, label or "", names)
        return link(target, label or "")

    return _ESCAPE.sub(lambda match: _ESCAPES[match[0]], _TAG.sub(shown, text))


def link(target: str, label: str) -> str:
    target = target.removeprefix("mailto:").removeprefix("tel:")
    return f"{label} ({target})" if label and label not in target else target


def _special(target: str, label: str, names: Names) -> str:
    kind, _, rest = target.partition("^")
    if kind == "date":
        return label or date(rest.partition("^")[0])
    if kind == "subteam":
        return f"@{(names.get(rest) or label or rest).removeprefix('@')}"
    return label if label and kind not in ("here", "channel", "everyone") else f"@{kind}"


def date(seconds: object) -> str:
    """A moment in seconds as text; empty for what is none."""
    try:
        return f"{datetime.fromtimestamp(int(str(seconds)), UTC):%Y-%m-%d %H:%M} UTC"
    except (ValueError, OverflowError, OSError):
        return ""


def named(text: str) -> Iterator[str]:
    """The ids of those who are mentioned."""
    return (match[1] for match in _NAMED.finditer(text))


def escaped(text: str) -> str:
    """Plain text where Slack looks for markup: whatever it holds calls nobody and links nowhere."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def harmless(text: str) -> str:
    """Markdown that calls nobody (a mention needs its sign right after the bracket), and whose links show where they
    lead."""
    text = _LINK.sub(_seen, _HIDDEN.sub(lambda match: link(match[1], match[2]), text))
    for sign in "!@#":
        text = text.replace(f"<{sign}", f"<{_BREAK}{sign}")
    return text


def _seen(match: re.Match[str]) -> str:
    label, target = match[1].strip(), match[2]
    return target if not label or label == target else f"{label} ({target})"
