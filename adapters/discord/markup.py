"""Texts as Discord shows them, with nothing in them that hides what it does. Pure."""

from __future__ import annotations

import re

_FENCED = re.compile(r"((?<!\\)```.*?```)", re.DOTALL)
_LINK = re.compile(
    r"\[(?P<label>(?:[^\[\]]|\[[^\[\]]*+\])++)\]\(\s*+<?(?P<url>\w{2,20}:[^\s()<>]++(?:\([^\s()<>]*+\)[^\s()<>]*+)*+)>?"
    r"(?:\s++(?:\"[^\"\n]*\"|'[^'\n]*'))?\s*+\)"
)


def inert(text: str) -> str:
    """The text with its links in plain sight: Discord would show ``[bank.example](https://evil.example)`` as the
    first of the two. Never longer than before; fenced code, where there are no links, stays as it is."""
    parts = _FENCED.split(text)
    return "".join(part if number % 2 else _LINK.sub(_plain, part) for number, part in enumerate(parts))


def _plain(match: re.Match[str]) -> str:
    label, url = match["label"].strip(), match["url"]
    return f"<{url}>" if label in ("", url) else f"{label} <{url}>"
