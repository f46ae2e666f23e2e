"""Servers quote in their errors what they were asked. What people said is left out before an error is told. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bot import prompts

_WORD = re.compile(r"\w+")
_ESCAPED = re.compile(r"\\u([0-9a-fA-F]{4})|\\[nrt]")
_LONG = 4  # letters from which a part of a word gives it away
_OURS = ("role", "time", "type")  # fields of messages and events that nobody said
_GAP = re.compile(r"(?:…\W*)+…")


def words_of(messages: Sequence[Mapping[str, Any]]) -> frozenset[str]:
    """The words that people, or the agent to them, may have said in a request; not those of our own instructions."""
    said = {word for text in _texts(messages) for word in _words(text)}
    return frozenset(said - set(_words(prompts.read("system"))))


def without(words: frozenset[str], text: str) -> str:
    """The text with an ellipsis for each such word, also where it stands in another or is cut."""
    if not words:
        return text
    plain = _ESCAPED.sub(lambda match: chr(int(match[1], 16)) if match[1] else " ", text)
    long = [word for word in words if len(word) >= _LONG]

    def shown(match: re.Match[str]) -> str:
        found = match[0].casefold()
        if found in words or (len(found) >= _LONG and any(w in found or w.startswith(found) for w in long)):
            return "…"
        return match[0]

    return _GAP.sub("…", _WORD.sub(shown, plain))


def _words(text: str) -> Iterator[str]:
    return (match[0].casefold() for match in _WORD.finditer(text))


def _texts(value: Any) -> Iterator[str]:
    """Every text in it, also in texts that are themselves JSON."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from () if name in _OURS else _texts(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _texts(inner)
    elif isinstance(value, str):
        try:
            inner = json.loads(value) if value[:1] in ("{", "[") else None
        except (ValueError, RecursionError):
            inner = None
        if inner is None:
            yield value
        else:
            yield from _texts(inner)
