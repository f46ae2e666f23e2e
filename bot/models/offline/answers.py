"""Answers from storage: which of the found statements answers a question, and how to say it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.models.offline.calls import Call
from bot.models.offline.facts import CONTINUES, REMEMBER, asks, unopened
from bot.models.offline.lexicon import anycase
from bot.models.offline.persons import FIRST, second, second_of_named
from bot.models.offline.profile import righted
from bot.models.offline.questions import Query, score
from bot.models.offline.smalltalk import OWN_NAMES, is_own_phrase
from bot.models.offline.words import capital, dated, day, sentences
from bot.models.transcript import Done, Transcript, moment, plain
from bot.models.values import list_of, object_of

SEARCHES = ("archival_memory_search", "conversation_search")
_PAGES = 3  # looked at, of each search
_LONGEST = 300  # characters quoted
_LINE = re.compile(
    r"(?:(?P<kind>[mnld])[\d-]+(?: (?P<day>[\d-]{10}))?(?: \w{3} (?P<hour>\d\d:\d\d))?(?: \([^()]*\))? (?P<who>.*?)"
    r"|(?P<source>.+?) part \d+)"
    r": (?P<text>.*)",
    re.DOTALL,
)
_REQUEST = anycase(r"^(?:please |tell |show |remind )")


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
        goes_on = bool(made and made[-1].ok and object_of(made[-1].message).get("more") is True)
        if not made or (goes_on and found is None and page < _PAGES):
            calls.append(Call(name, {"query": asked.words, "page": page}))
    return calls


def best(asked: Query, seen: Transcript, names: Sequence[str]) -> Statement | None:
    """The best statement among what was found and what is in view; the newest of equally good ones."""
    statements = [s for d in seen.done if d.name in SEARCHES for s in _found(d, seen, names)]
    for event in (*seen.earlier, *seen.events):
        statements += _by_person(event.text, event.at) if event.kind == "message" else ()
    scored = [(points, s) for s in statements if (points := score(asked, s.said)) is not None]
    return max(reversed(scored), key=_worth)[1] if scored else None


def _worth(scored: tuple[float, Statement]) -> tuple[bool, float, float, bool]:
    points, said = scored
    # A document answers only when the person told nothing about it.
    return not said.source, points, said.at.timestamp() if said.at else 0.0, not said.quoted


def _found(done: Done, seen: Transcript, names: Sequence[str]) -> Iterator[Statement]:
    on = hour = ""
    for line in filter(None, map(_LINE.fullmatch, _lines(done.message))):
        text, who = plain(line["text"]), line["who"]
        on, hour = line["day"] or on, line["hour"] or hour  # what the line before told is not told again
        source = line["source"] or (who.rpartition(" part ")[0] if line["kind"] == "d" else "")
        at = moment(f"{on}T{hour}") if on and not source else None
        at = at.replace(tzinfo=seen.now.tzinfo) if at and seen.now else at
        if source:
            yield from (Statement(s, at, True, source) for s in sentences(text))
        elif done.name != "conversation_search":
            yield Statement(second_of_named(text, names), at)
        elif not _is_own(who, text, seen):
            yield from _by_person(text, at)


def _lines(message: object) -> Iterator[str]:
    """The results of a search, also of one whose JSON was clipped."""
    if isinstance(message, str) and '"results"' in message[:200]:
        import json_repair

        message = json_repair.loads(message[:100_000])
    return filter(lambda line: isinstance(line, str), list_of(object_of(message).get("results")))


def _is_own(author: str, text: str, seen: Transcript) -> bool:
    """Whether it is one of the agent's own messages, by its author or by how it speaks."""
    author = author.casefold()
    if author and author in {e.name.casefold() for e in (*seen.earlier, *seen.events)}:
        return False
    sent = [d.arguments.get("message") for d in seen.earlier_done if d.name == "send_message"]
    return author in OWN_NAMES or is_own_phrase(text) or text in sent


def _by_person(text: str, at: datetime | None) -> Iterator[Statement]:
    """The statements in something a person wrote, a following "His name is Rex." with what it follows."""
    joined: list[str] = []
    for sentence in sentences(text):
        if joined and joined[-1] and CONTINUES.match(sentence) and not asks(sentence):
            joined[-1] += f" {sentence}"
        elif asks(sentence) or _REQUEST.match(sentence):
            joined.append("")
        else:
            told = REMEMBER.match(unopened(sentence))
            joined.append(capital(righted(told["what"] if told else unopened(sentence))))
    for sentence in filter(None, joined):
        own = FIRST.search(sentence) is not None
        yield Statement(dated(second(sentence) if own else sentence, at), at, not own)


def phrased(statement: Statement) -> str:
    """The answer: "Your dog is called Biscuit (you told me on 21 November 2026)."."""
    said = shortened(statement.said.strip(), _LONGEST)
    when = f" on {day(statement.at)}" if statement.at else ""
    if statement.source:
        return f'In "{statement.source}" I found: "{said}"'
    if statement.quoted:
        return f'You wrote{when}: "{said}"'
    return f"{said.rstrip('.! ')} (you told me{when})."


def shortened(text: str, most: int) -> str:
    """The text, cut between words."""
    return text if len(text) <= most else f"{text[:most].rsplit(' ', 1)[0]} …"
