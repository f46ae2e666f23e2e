"""Answers from storage: which of the found statements answers a question, and how to say it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.models.offline.calls import Call
from bot.models.offline.dates import dated, day
from bot.models.offline.facts import asks, unopened
from bot.models.offline.persons import FIRST, second, second_of_named
from bot.models.offline.questions import Query, score
from bot.models.offline.smalltalk import OWN_NAMES, is_own_phrase
from bot.models.offline.transcript import Done, Transcript, load, moment
from bot.models.offline.words import capital, plain, sentences

SEARCHES = ("archival_memory_search", "conversation_search")
_PAGES = 3  # looked at, of each search
_LONGEST = 300  # characters quoted
_CONTINUES = re.compile(r"^(?:he|she|it|they|his|her|its|their|he's|she's|it's|they're)\s", re.IGNORECASE)
_REMEMBER = re.compile(
    r"^(?:please )?(?:remember|note|keep in mind|don't forget)(?: this)?(?: that)?[:, ]+", re.IGNORECASE
)


@dataclass(frozen=True)
class Statement:
    """Something found. ``said`` speaks to the person; ``quoted`` when it could only be repeated."""

    said: str
    at: datetime | None
    quoted: bool = False
    source: str = ""  # the document it is from; nobody said it then


def next_searches(asked: Query, done: Sequence[Done], found: Statement | None) -> list[Call]:
    """The searches to make next: the first page of each; further pages while nothing was found."""
    calls = []
    for name in SEARCHES:
        made = [d for d in done if d.name == name and d.arguments.get("query") == asked.words]
        page = len(made)
        last = made[-1] if made else None
        if last is None or (found is None and page < _PAGES and _pages(last) > page):
            calls.append(Call(name, {"query": asked.words, "page": page}))
    return calls


def _pages(done: Done) -> int:
    pages = done.message.get("pages") if isinstance(done.message, Mapping) else None
    return pages if done.ok and isinstance(pages, int) else 0


def best(asked: Query, seen: Transcript, names: Sequence[str]) -> Statement | None:
    """The best statement among what was found and what is in view; the newest of equally good ones."""
    statements = [s for d in seen.done if d.name in SEARCHES for s in _found(d, seen, names)]
    for event in (*seen.earlier, *seen.events):
        if event.kind == "message":
            statements += _by_person(event.text, event.at)
    scored = [(points, s) for s in statements if (points := score(asked, s.said)) is not None]
    if not scored:
        return None
    # A document answers only when the person told nothing about it.
    return max(scored, key=lambda ps: (not ps[1].source, ps[0], _stamp(ps[1].at), not ps[1].quoted))[1]


def _stamp(at: datetime | None) -> float:
    return int(at.timestamp() // 60) if at else 0.0


def _found(done: Done, seen: Transcript, names: Sequence[str]) -> Iterator[Statement]:
    for entry in entries(done):
        text = plain(_text(entry, "text") or _text(entry, "content"))
        at = moment(entry.get("time") or entry.get("date"))
        source = _text(entry, "source")
        if source:
            yield from (Statement(s, at, True, source) for s in sentences(text))
        elif done.name == "conversation_search":
            if not _is_own(entry, text, seen):
                yield from _by_person(text, at)
        else:
            yield Statement(second_of_named(text, names), at)


def entries(done: Done) -> list[Mapping[str, Any]]:
    """The results of a search, also of one whose JSON was clipped."""
    message = done.message
    if isinstance(message, str) and '"results"' in message[:200]:
        import json_repair

        message = json_repair.loads(message[:100_000])
    found = load(message.get("results")) if isinstance(message, Mapping) else message
    if not isinstance(found, list):
        return []
    return [e if isinstance(e, Mapping) else {"text": e} for e in found if isinstance(e, Mapping | str)]


def _is_own(entry: Mapping[str, Any], text: str, seen: Transcript) -> bool:
    """Whether it is one of the agent's own messages, by its author or by how it speaks."""
    author = (_text(entry, "author") or _text(entry, "role")).casefold()
    if author and author in {e.name.casefold() for e in (*seen.earlier, *seen.events)}:
        return False
    sent = [d.arguments.get("message") for d in seen.earlier_done if d.name == "send_message"]
    return author in OWN_NAMES or is_own_phrase(text) or text in sent


def _by_person(text: str, at: datetime | None) -> Iterator[Statement]:
    """The statements in something a person wrote, a following "His name is Rex." with what it follows."""
    joined: list[str] = []
    for sentence in sentences(text):
        if joined and joined[-1] and _CONTINUES.match(sentence) and not asks(sentence):
            joined[-1] = f"{joined[-1]} {sentence}"
        elif asks(sentence) or _REMIND.match(sentence):
            joined.append("")
        else:
            joined.append(capital(_REMEMBER.sub("", unopened(sentence))))
    for sentence in joined:
        if sentence:
            own = FIRST.search(sentence) is not None
            yield Statement(dated(second(sentence) if own else sentence, at), at, not own)


_REMIND = re.compile(r"^(?:please |tell |show |remind )", re.IGNORECASE)


def _text(entry: Mapping[str, Any], key: str) -> str:
    value = entry.get(key)
    return value if isinstance(value, str) else ""


def phrased(statement: Statement) -> str:
    """The answer: "Your dog is called Biscuit (you told me on 21 November 2026)."."""
    said = statement.said.strip()
    if len(said) > _LONGEST:
        said = f"{said[:_LONGEST].rsplit(' ', 1)[0]} …"
    when = f" on {day(statement.at)}" if statement.at else ""
    if statement.source:
        return f'In "{statement.source}" I found: "{said}"'
    if statement.quoted:
        return f'You wrote{when}: "{said}"'
    return f"{said.rstrip('.! ')} (you told me{when})."
