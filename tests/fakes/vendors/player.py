"""The model that plays behind every vendor's server: the same script for all, so that only the servers differ."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any

from tests.fakes.openai_wire import Answer, Json
from tests.fakes.vendors.vendor import said

_IN_TEXT = "# Functions"  # everbot's own heading, where it tells of tools in the text


@dataclass(frozen=True)
class View:
    """What the model sees: the newest words of the person, or the results of its calls; was it told something by the
    system; may it call?"""

    words: str
    result: str
    told: bool
    offered: bool
    pictures: int


class Player:
    """Answers by what it is told: ``remember ...``, ``search ...``, ``plainly ...``, a picture, anything else. No two
    replies are the same. ``views`` are what it saw."""

    def __init__(self) -> None:
        self.views: list[View] = []
        self._numbers = count(1)

    def __call__(self, body: Json) -> Answer:
        view = seen(body)
        self.views.append(view)
        n = next(self._numbers)
        if not view.offered:
            return Answer(text=f"They talked of this and that ({n}).")
        if view.told and not view.result:
            return Answer(text=f"All is kept ({n}).")
        if view.result:
            return _say(f"Looked it up ({n}).")
        if view.words.startswith("remember"):
            noted = ("core_memory_append", {"label": "human", "content": f"{view.words} ({n})"})
            return Answer(text=f"I keep that ({n}).", calls=[noted, *_say(f"Noted ({n}).").calls])
        if view.words.startswith("search"):
            query = {"query": f"{view.words} {n}", "request_heartbeat": True}
            return Answer(calls=[("conversation_search", query)])
        if view.words.startswith("plainly"):
            return Answer(text=f"Plainly ({n}).")
        return _say(f"{'A picture' if view.words == 'Look!' else view.words} ({n}).")


def _say(text: str) -> Answer:
    return Answer(calls=[("send_message", {"message": text})])


def seen(body: Json) -> View:
    messages = body["messages"]
    told = _IN_TEXT in said(messages[0])
    offered = told or bool(body.get("tools"))
    pictures = sum(part.get("type") == "image_url" for m in messages for part in _parts(m))
    last = messages[-1]
    if last["role"] == "tool":
        return View("", said(last), False, offered, pictures)
    segments = list(_segments(said(last)))
    if segments and isinstance(segments[-1], str):
        return View("", segments[-1], False, offered, pictures)
    newest = segments[-1] if segments else {}
    told = newest.get("type") == "system_alert"
    made = [m for m in messages if m["role"] == "assistant" and said(m) != "…"]  # which stands for an answer
    looked = told and bool(made) and '"conversation_search"' in _made(made[-1])
    words = "" if told else str(newest.get("message", ""))
    return View(words, "what was found" if looked else "", told, offered, pictures)


def _segments(text: str) -> Iterator[dict[str, Any] | str]:
    """The events and results of a text into which several messages may have been joined."""
    for segment in text.split("\n\n"):
        if segment.startswith("<tool_response>"):
            yield segment
            continue
        try:
            value = json.loads(segment)
        except ValueError:
            continue
        if isinstance(value, dict):
            yield value


def _made(message: Json) -> str:
    """The calls of a message, however they are written."""
    return json.dumps(message.get("tool_calls", [])) + said(message).replace("'", '"')


def _parts(message: Json) -> list[Json]:
    content = message.get("content")
    return content if isinstance(content, list) else []
