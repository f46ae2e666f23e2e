"""A mechanical summary: what people told, the newest first."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bot.models import values
from bot.models.offline.calls import Offered
from bot.models.offline.facts import asks, facts
from bot.models.offline.smalltalk import OWN_NAMES, is_own_phrase
from bot.models.offline.words import sentences
from bot.models.transcript import event_of, plain, text_of
from bot.ports import ModelRequest

LONGEST = 1500  # characters
_ENOUGH = 100  # statements; more would not fit
_READ = 200_000  # characters of one message
_HEAD = "Told so far (a mechanical summary, newest first):"
_LINE = re.compile(
    r"^(?:\[[^\]\n]{0,60}\]\s*)?(?:\d\d:\d\d\s+)?(?:(?P<who>[^\s:][^:\n]{0,40}):\s+)?(?P<said>.+)$"
)
_BEFORE, _AFTER = "Summary so far:\n", "\n\nSaid last, and still in view:\n"
_FOUND = re.compile(r"^(?:\[[^\]\n]{0,60}\]\s*)?(?:\d\d:\d\d\s+)?\([a-z_]+ found: ")
_DAY = re.compile(r"^\[[^\]\n]{0,60}\]$")
_FRAME = frozenset({"summary so far:", "messages:", "(none)", _HEAD.casefold()})


def wants_summary(request: ModelRequest, offered: Offered) -> bool:
    """Whether this is the summarizer's request: no tools, no core memory, and it says so."""
    system = "\n".join(text_of(m) for m in request.messages if m.get("role") in ("system", "developer"))
    return not offered and "summar" in system.lower() and '<block label="' not in system


def summarize(messages: Sequence[Mapping[str, Any]]) -> str:
    """At most `LONGEST` characters of plain text."""
    before, told, rest = list[str](), list[str](), list[str]()
    contents = [text_of(message) for message in messages if message.get("role") == "user"]
    for who, said in reversed([pair for content in contents for pair in _said(content)]):
        line = f"{who}: {said}" if who else said
        if said.startswith("- ") or who == "summary":
            lines = [line for line in said.splitlines() if line.strip() and line != _HEAD]
            before[:0] = [line.removeprefix("- ") for line in lines]
        elif who.casefold() in OWN_NAMES or is_own_phrase(said) or len(told) >= _ENOUGH:
            continue
        elif facts(said):
            told.append(line)
        elif not asks(said) and len(said) > 12:
            rest.append(line)
    text = _HEAD
    for line in dict.fromkeys([*told, *before, *rest]):
        line = re.sub(r"\s+", " ", line).strip()[:240]
        if line and len(text) + len(line) + 3 <= LONGEST:
            text += f"\n- {line}"
    return text if text != _HEAD else "Nothing was told that needs to be kept."


def _asked(content: str) -> str:
    """What is to be summed up, without what stays in view: core memory before it, and what was said last."""
    return content.partition(_BEFORE)[2].partition(_AFTER)[0] if _BEFORE in content else content


def _said(content: str) -> Iterator[tuple[str, str]]:
    """(who, sentence) of everything said in a message, which may be an event or lines of text."""
    if isinstance(values.read(content), Mapping):
        seen = event_of(content)
        if seen.kind == "summary":
            yield "summary", seen.text
        elif seen.kind == "message":
            yield from ((seen.name, sentence) for sentence in sentences(seen.text))
        return
    for line in _asked(content)[-_READ:].splitlines():
        line = plain(line.strip())
        if _FOUND.match(line) or _DAY.match(line):
            continue
        if isinstance(values.read(line), Mapping):
            yield from _said(line)
        elif line.startswith("- "):
            yield "", line
        elif line.casefold() not in _FRAME and (match := _LINE.match(line)):
            yield from ((match["who"] or "", sentence) for sentence in sentences(match["said"]))
