"""The model of the kill story: a script that keeps words.

Of each message ("message 0007: please keep ada0007") it makes one line in core memory, one passage in
archival storage and one reply, in two or three steps, with failing calls and searches between them. What
memory must hold at the end is thereby known exactly.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.fakes.openai_server import Answer
from tests.program.life import Tally


def token(user: str, number: int) -> str:
    return f"{user}{number:04}"


def said(user: str, number: int) -> str:
    return f"message {number:04}: please keep {token(user, number)}"


def passage(user: str, number: int) -> str:
    return f"On request the word {token(user, number)} was kept."


def reply(user: str, number: int) -> str:
    return f"{token(user, number)} is kept, earlier word found" if searches(number) else token(user, number)


def searches(number: int) -> bool:
    return number % 3 == 1


def earlier(number: int) -> int:
    """The message that is searched for."""
    return number // 2


@dataclass(frozen=True)
class Asked:
    """One request to the model: which life of the process sent it, and its Idempotency-Key."""

    life: int
    key: str


@dataclass
class Keeper:
    """A script for `OpenAIServer`. It keeps no state of its own: the key tells the step, the newest event
    the message. ``asked`` and ``arrived`` tell of all requests."""

    asked: list[Asked] = field(default_factory=list)
    arrived: Tally = field(default_factory=Tally)

    def __call__(self, request: dict[str, Any], headers: Mapping[str, str]) -> Answer:
        life = int(headers["Authorization"].rpartition("-")[2])
        self.asked.append(Asked(life, headers["Idempotency-Key"]))
        self.arrived.add()
        if not request.get("tools"):
            return Answer(text="They asked to keep many words.")
        step = int(headers["Idempotency-Key"].rpartition("/")[2])
        user, number = newest(request["messages"])
        steps = [*self.work(user, number), self.answer(user, number, request["messages"])]
        return Answer(calls=steps[step]) if step < len(steps) else Answer(text="Done.")

    def work(self, user: str, number: int) -> Iterator[list[tuple[str, Any]]]:
        go_on = {"request_heartbeat": True}
        edits: list[tuple[str, Any]] = [
            ("archival_memory_insert", {"content": passage(user, number), **go_on}),
            ("core_memory_append", {"label": "human", "content": token(user, number), **go_on}),
        ]
        if number % 3 == 0:
            yield [*edits, ("no_such_tool", {})]
            absent = {"label": "human", "old_content": "never written", "new_content": "x"}
            yield [("core_memory_replace", absent)]
        else:
            yield edits
        if searches(number):
            yield [("conversation_search", {"query": token(user, earlier(number)), **go_on})]

    def answer(self, user: str, number: int, messages: list[Any]) -> list[tuple[str, Any]]:
        text = reply(user, number)
        if searches(number):
            result = next((m["content"] for m in reversed(messages) if m["role"] == "tool"), "")
            if said(user, earlier(number)) not in result:
                text = text.replace("found", "lost")
        return [("send_message", {"message": text})]


def newest(messages: list[dict[str, Any]]) -> tuple[str, int]:
    """Who wrote the message being answered, and its number."""
    events = [json.loads(m["content"]) for m in messages if m["role"] == "user"]
    event = next(e for e in reversed(events) if e["type"] == "message")
    match = re.match(r"message (\d+)", event["message"])
    assert match is not None, event
    return event["name"], int(match[1])
