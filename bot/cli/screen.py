"""What commands print: everything goes through here, so that no text of anybody steers the terminal."""

from __future__ import annotations

import json
import re
import sys
import textwrap
from collections.abc import Mapping
from typing import Any

from bot.events import clean, printable

_WRITTEN = 80  # columns
_BEGINS = re.compile(r" *(\d+\. )?")


def tell(text: object = "") -> None:
    """A text for people, on standard output."""
    print(printable(clean(str(text))))


def folded(text: str, width: int) -> str:
    """A text that was written for 80 columns, on a narrower screen: broken between words, and only there."""
    if width >= _WRITTEN:
        return text
    lines = [""]
    for line in text.split("\n"):
        before, word = lines[-1].rpartition("\n")[2], line.strip().partition(" ")[0]
        is_item = re.fullmatch(r"\d+\.", word)
        if word and not is_item and len(before) + 1 + len(word) >= _WRITTEN:  # it had no room there
            lines[-1] += f"\n{line}"
        else:
            lines.append(line)
    return "\n".join(_wrapped(line, width) for line in lines[1:])


def _wrapped(paragraph: str, width: int) -> str:
    if len(paragraph) <= width:
        return paragraph
    begins = _BEGINS.match(paragraph)
    assert begins is not None
    text = begins[0] + " ".join(paragraph[begins.end() :].split())
    hanging = " " * begins.end()
    wrapped = textwrap.wrap(
        text, width, subsequent_indent=hanging, break_long_words=False, break_on_hyphens=False
    )
    return "\n".join(wrapped) + (" " if paragraph.endswith(" ") else "")


def warn(text: object) -> None:
    """What went wrong, or is only said beside the result: on standard error."""
    print(printable(clean(str(text))), file=sys.stderr)


def tell_json(values: Mapping[str, Any]) -> None:
    """An object for programs, on a line of standard output."""
    print(json.dumps(values))
