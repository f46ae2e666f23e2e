"""A small local model behind a chat-completions server: it keeps and answers one kind of fact ("My dog is called
Biscuit."), from what it is shown alone, and writes as such models do.

How it writes is a `Manner`: the ways are those that models of 0.5B to 8B were seen to write at llama.cpp's server and
Ollama, with and without a parser of calls.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tests.fakes.openai_server import Answer

Json = dict[str, Any]
Manner = Callable[[Sequence[str], str], Answer]
"""How (what it keeps, what it says) is written."""

_FACT = re.compile(r"\b[Mm]y (\w+) is called (\w+)")
_QUESTION = re.compile(r"\b[Ww]hat is my (\w+) called")


def written(name: str, arguments: Mapping[str, str], word: str = "arguments") -> str:
    return json.dumps({"name": name, word: arguments}, ensure_ascii=False)


def fenced(text: str) -> str:
    return f"```json\n{text}\n```"


def in_fences(facts: Sequence[str], said: str) -> Answer:
    calls = [written("remember", {"fact": fact}) for fact in facts]
    return Answer(text="\n".join(map(fenced, [*calls, written("send_message", {"message": said})])))


def bare(facts: Sequence[str], said: str) -> Answer:
    calls = [written("remember", {"fact": fact}, "parameters") for fact in facts]
    return Answer(text="\n".join([*calls, written("send_message", {"message": said}, "parameters")]))


def wrong_names(facts: Sequence[str], said: str) -> Answer:
    calls = [written("SaveMemory", {"content": fact}) for fact in facts]
    return Answer(text=fenced("\n".join([*calls, written("replyToUser", {"text": said})])))


def unknown_names(facts: Sequence[str], said: str) -> Answer:
    calls = [written("core_memory_append", {"content": fact}) for fact in facts]
    return Answer(text=fenced("\n".join([*calls, written("post_chat_line", {"text": said})])))


def repeated(facts: Sequence[str], said: str) -> Answer:
    one = in_fences(facts, said).text
    return Answer(text="\n".join([one, one, one]))


def half(facts: Sequence[str], said: str) -> Answer:
    """It forgets to close what it opened."""
    return Answer(text=in_fences(facts, said).text.removesuffix('"}}\n```'))


def in_prose(facts: Sequence[str], said: str) -> Answer:
    text = in_fences(facts, said).text
    return Answer(
        text=f"Sure! Here is the function call:\n\n{text}\n\nLet me know if you need anything else."
    )


def in_object(facts: Sequence[str], said: str) -> Answer:
    return Answer(text=json.dumps({"remember": list(facts), "answer": said}, ensure_ascii=False))


def facts_as_text(facts: Sequence[str], said: str) -> Answer:
    return Answer(text=fenced(json.dumps({"remember": "\n".join(f"- {f}" for f in facts), "answer": said})))


def with_thoughts(facts: Sequence[str], said: str) -> Answer:
    return Answer(text=json.dumps({"thought": "They talk to me.", "remember": list(facts), "response": said}))


def in_plain_words(facts: Sequence[str], said: str) -> Answer:
    """A model whose server reads its calls."""
    return Answer(text=said, calls=[("remember", {"fact": fact}) for fact in facts])


MANNERS: Mapping[str, Manner] = {
    manner.__name__: manner
    for manner in (
        in_fences, bare, wrong_names, unknown_names, repeated, half, in_prose, in_object, facts_as_text, with_thoughts,
        in_plain_words,
    )
}  # fmt: skip


def text_of(message: Mapping[str, Any]) -> str:
    content = message.get("content")
    return content if isinstance(content, str) else json.dumps(content)


class SmallModel:
    """A script for `tests.fakes.openai_server.OpenAIServer`."""

    def __init__(self, manner: Manner) -> None:
        self.manner = manner

    def __call__(self, request: Json, headers: Mapping[str, str]) -> Answer:
        newest = next(text_of(m) for m in reversed(request["messages"]) if m["role"] == "user")
        if request["messages"][-1]["role"] == "tool" and "tools" in request:
            return Answer(text="It is kept.")
        if asked := _QUESTION.search(newest):
            return self.manner([], self._answer(request, asked[1]))
        facts = [f"Their {what} is called {name}." for what, name in _FACT.findall(newest)]
        return self.manner(facts, "I will not forget that." if facts else "Hello there.")

    def _answer(self, request: Json, what: str) -> str:
        """From what it is shown, whatever that looks like."""
        seen = "\n".join(text_of(message) for message in request["messages"])
        names = re.findall(rf"\b{what} is called (\w+)", seen)
        return f"Your {what} is called {names[-1]}." if names else "I do not know that."
