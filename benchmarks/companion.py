"""A companion's life: what was true and is no more, and what was to be forgotten, must not be told as true again.

A scripted person tells of people they know, says later what changed, and asks for some of it to be forgotten; between
that they talk of other things, so that all of it leaves the view. A scripted model keeps, replaces and forgets by rules
as a strong one would. Then each fact is asked about, once in its own words and once in others: counted is what comes to
mind and what searches show, how many of the lines that come to mind help, and what it all costs in tokens.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks import report
from benchmarks.everbot import House, opened, settings_of
from benchmarks.prompt_cache import written
from benchmarks.texts import Texts
from bot.ports import ModelReply, ModelRequest, ToolCall
from memory.tokens import token_counter

_FIRST = "Ale Bru Cor Dan Eli Fio Gre Hel Isa Jor Kle Lor Mir Nor Oly Pet Qui Ros Sil Tov".split()
_LAST = "ban den fus gor han kin lad mos nar pol rik sen tas vel wig".split()
_WORKS = "baker nurse carpenter lawyer pilot teacher florist plumber dentist sculptor".split()
_TOWNS = "Ghent Porto Riga Turin Bergen Cork Graz Lyon Tartu Malmö".split()
_NOTE = re.compile(r"^(n\d+) ")
_MESSAGE = re.compile(r"^(m\d+) ")
_OVER = "not any more"
_ALERT = "Your context is"


@dataclass(frozen=True)
class Person:
    """Somebody of whom is told what they do and where, and later something else, or that it be forgotten."""

    name: str
    was: str
    now: str

    @staticmethod
    def of(number: int) -> Person:
        name = _FIRST[number % len(_FIRST)] + _LAST[number // len(_FIRST) % len(_LAST)]
        works, towns = len(_WORKS), len(_TOWNS)
        was = f"{_WORKS[number % works]} in {_TOWNS[number // works % towns]}"
        now = f"{_WORKS[(number + 3) % works]} in {_TOWNS[(number // works + 5) % towns]}"
        return Person(name, was, now)


@dataclass
class Keeper:
    """A `bot.ports.ChatModel` that plays a strong model's part by rules."""

    name: str = "scripted"
    count: Callable[[str], int] = len  # tokens of a text
    requests: int = 0
    tokens: int = 0  # of all requests
    alerted: int = 0  # requests whose newest message is a memory alert: steps that are owed to it
    brought: list[str] = field(default_factory=list)  # lines that came to mind in the last turn
    seen: list[str] = field(default_factory=list)  # ... or were found

    async def complete(self, request: ModelRequest) -> ModelReply:
        self.requests += 1
        self.tokens += self.count(written(request))
        self.alerted += _ALERT in str(request.messages[-1]["content"])
        if not request.tools:
            return ModelReply(text="They talked of people they know.")
        event, results = _turn(request)
        said = str(event.get("message", ""))
        if not results:
            self.brought = [str(line) for line in event.get("brings_to_mind", ())]
            self.seen = [*self.brought]
        else:
            self.seen += results[-1]
        return self._answer(said, results)

    def _answer(self, said: str, results: Sequence[Sequence[str]]) -> ModelReply:
        told = re.fullmatch(r"My friend (\w+) is a (.+)\.", said)
        if told:
            content = f"Their friend {told[1]} is a {told[2]}"
            return _calls(("archival_memory_insert", {"content": content}), _say("I see."))
        changed = re.fullmatch(r"By the way, (\w+) has become a (.+)\.", said)
        if changed:
            if not results:
                query = {"query": f"{changed[1]} is a", "request_heartbeat": True}
                return _calls(("archival_memory_search", query))
            holding = [line for line in results[-1] if changed[1] in line and _OVER not in line]
            note = next((m[1] for line in holding if (m := _NOTE.match(line))), "")
            content = f"Their friend {changed[1]} is a {changed[2]}"
            new = ("archival_memory_replace", {"id": note, "content": content})
            return _calls(*([new] if note else []), _say("Good to know."))
        unwanted = re.fullmatch(r"Please forget what I told you of (\w+)\.", said)
        if unwanted:
            return self._forget(unwanted[1], results)
        asked = re.fullmatch(r"What does (\w+) do\?|Where does my friend (\w+) work, and as what\?", said)
        if asked and len(results) < 2:
            query = {"query": f"{asked[1] or asked[2]} work", "request_heartbeat": True}
            return _calls((("archival_memory_search", "conversation_search")[len(results)], query))
        return _calls(_say("Go on." if not asked else "That is what I know."))

    def _forget(self, name: str, results: Sequence[Sequence[str]]) -> ModelReply:
        if len(results) < 2:
            query = {"query": name, "request_heartbeat": True}
            return _calls((("archival_memory_search", "conversation_search")[len(results)], query))
        if len(results) > 2:
            return _calls(_say("It is forgotten."))
        notes = [m[1] for line in results[0] if name in line and (m := _NOTE.match(line))]
        rows = [m[1] for line in results[1] if name in line and (m := _MESSAGE.match(line))]
        wanted: list[tuple[str, dict[str, Any]]] = [
            ("archival_memory_delete", {"id": note}) for note in notes
        ]
        wanted += [("conversation_forget", {"ids": rows})] if rows else []
        wanted[-1:] = [(tool, {**arguments, "request_heartbeat": True}) for tool, arguments in wanted[-1:]]
        return _calls(*wanted) if wanted else _calls(_say("I know nothing of that."))


def _turn(request: ModelRequest) -> tuple[dict[str, Any], list[list[str]]]:
    """The newest event of a person, and the lines of each search since."""
    found: list[list[str]] = []
    for message in reversed(request.messages):
        if message["role"] == "tool":
            found.append(_lines(str(message["content"])))
        elif message["role"] == "user":
            fields: dict[str, Any] = json.loads(message["content"])
            if fields["type"] == "message":
                return fields, found[::-1]
    return {}, []


def _lines(content: str) -> list[str]:
    message = json.loads(content)["message"]
    return list(message["results"]) if isinstance(message, dict) else []


def _say(text: str) -> tuple[str, dict[str, Any]]:
    return "send_message", {"message": text}


def _calls(*wanted: tuple[str, dict[str, Any]]) -> ModelReply:
    made = tuple(
        ToolCall(id=f"c{number}", name=name, arguments=json.dumps(arguments))
        for number, (name, arguments) in enumerate(wanted)
    )
    return ModelReply(text="", calls=made)


@dataclass
class Told:
    """What the questions at the end were answered with, and the turns of the life before them."""

    current: int = 0
    stale: int = 0
    forgotten: int = 0
    questions: int = 0
    covered: int = 0  # questions of which what came to mind told the answer
    lines: int = 0  # that came to mind at questions which have an answer
    helping: int = 0  # ... of which each tells it
    turns: int = 0
    asked_tokens: int = 0  # of the questions' turns
    lived_tokens: int = 0  # of the others


class Life:
    """Says what the person says, and counts what it costs."""

    def __init__(self, house: House, keeper: Keeper) -> None:
        self._house, self._keeper = house, keeper

    async def say(self, text: str) -> int:
        """The tokens of the turn's requests."""
        before = self._keeper.tokens
        await self._house.turn(0, text)
        await self._house.settle(0)
        return self._keeper.tokens - before


async def live(house: House, keeper: Keeper, people: Sequence[Person], texts: Texts) -> Told:
    """The life, and what is told at its end: every second person's fact changes, the others' is forgotten."""
    changed, unwanted = people[::2], people[1::2]
    told, life = Told(), Life(house, keeper)
    said = [
        line for person in people for line in (f"My friend {person.name} is a {person.was}.", texts.said())
    ]
    for one, other in zip(changed, unwanted, strict=True):
        said.append(f"By the way, {one.name} has become a {one.now}.")
        said += [f"Please forget what I told you of {other.name}.", texts.said()]
    for text in said:
        told.lived_tokens += await life.say(text)
    told.turns = len(said)
    for one, other in zip(changed, unwanted, strict=True):
        for question in ("What does {} do?", "Where does my friend {} work, and as what?"):
            told.asked_tokens += await life.say(question.format(one.name))
            told.questions += 1
            _note(told, one, keeper)
            told.asked_tokens += await life.say(question.format(other.name))
            told.forgotten += any(other.was in line for line in keeper.seen if other.name in line)
    return told


def _note(told: Told, one: Person, keeper: Keeper) -> None:
    """What was shown at a question about somebody."""
    about = [line for line in keeper.seen if one.name in line]
    told.current += any(one.now in line for line in about)
    told.stale += any(one.was in line and _OVER not in line for line in about)
    helping = sum(one.name in line and one.now in line for line in keeper.brought)
    told.covered += helping > 0
    told.lines += len(keeper.brought)
    told.helping += helping


async def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--people", type=int, default=400, help="half of them change, half are forgotten")
    parser.add_argument("--window", type=int, default=16_384)
    arguments = parser.parse_args()
    print(report.heading("A companion's life"))
    with TemporaryDirectory() as folder:
        settings = settings_of(Path(folder), None, "auto", arguments.window)
        keeper = Keeper(count=token_counter("gpt-5", Path(folder) / "tiktoken").count)
        people = [Person.of(number) for number in range(arguments.people // 2 * 2)]
        async with opened(settings, keeper) as house:
            told = await live(house, keeper, people, Texts(seed=7))
    half, asked = len(people) // 2, 2 * told.questions
    found = told.current / told.questions
    print(report.goal("facts that changed and were found as they are now", found, 0.95, at_least=True))
    print(report.goal(f"stale facts shown as true, of {half} changes asked about twice", told.stale, 0))
    print(report.goal(f"forgotten facts found, of {half} asked about twice", told.forgotten, 0))
    print(report.goal("steps owed to memory alerts", keeper.alerted, 0))
    precise = 100 * told.helping / max(1, told.lines)
    print(report.goal("of the lines that come to mind, those that help", precise, 50, " %", at_least=True))
    print(
        f"coverage of what comes to mind: {100 * told.covered / told.questions:.1f} % of the questions; "
        f"{told.lines / told.questions:.2f} lines each"
    )
    print(
        f"tokens a turn {told.lived_tokens / told.turns:,.0f}, a question {told.asked_tokens / asked:,.0f}; "
        f"{keeper.requests} requests of {keeper.tokens / keeper.requests:,.0f} tokens"
    )


if __name__ == "__main__":
    asyncio.run(main())
