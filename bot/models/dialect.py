"""What one model at one server takes: learned from its refusals, and kept while everbot runs.

Servers that call themselves compatible refuse parameters, fields and orders of messages that others demand. What is
learned changes how every later request to this model is put; what it says stays the same.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from bot.models import plain_history
from bot.models.openai_errors import ACCOUNT, CONTENT, TOO_LONG
from bot.models.refusal_words import (
    AFTER_TOOL,
    ALTERNATE,
    BAD_SIGNATURE,
    CALLS_APART,
    CONTENT_KIND,
    EMPTY,
    LONG_REPLY,
    MISSING,
    NO_SYSTEM,
    NO_THOUGHT,
    NO_TOOLS,
    NOT_BOTH,
    NULL,
    OF_INPUT,
    ONE_CALL,
    SAYS_NOTHING,
    UNFIT,
)
from bot.models.tool_schemas import ToolSchemas
from bot.ports import ModelRequest, Rendered

_CORE = ("model", "messages", "stream", "tools")
_SIGNATURE = {"google": {"thought_signature": "skip_thought_signature_validator"}}
"""What Google documents for calls that another model made (ai.google.dev, "Thought signatures")."""
_STATUSES = (400, 404, 405, 415, 422, 500, 501)


class Dialect:
    """``origin`` tells one model at one server from all others. `body` puts a request as that one takes it."""

    def __init__(self, name: str, origin: str, settings: Mapping[str, Any]) -> None:
        self._name, self.origin = name, origin
        self._settings = dict(settings)
        self._dropped: set[str] = set()  # parameters
        self._limit = "max_tokens"
        self._thoughtless = False  # it takes tools only without reasoning
        self._schemas = ToolSchemas()
        self._fields: set[str] = set()  # that messages must not have
        self._filled: dict[str, str] = {}  # that messages must have, and with what
        self._void: set[str] = set()  # signatures that it does not know any more
        # What is only guessed; None: not tried.
        self._plain: bool | None = None  # whether it gets nothing of its own back
        self._least: bool | None = None  # whether it is asked with what it must have, and nothing else
        self._history: dict[str, Any] = {}  # how the messages are put: see `plain_history`
        # What an answer's shape may be asked for in, the best first.
        self._formats = ["json_schema", "json_object"]
        self.tools_as_text = False

    def body(self, request: ModelRequest) -> dict[str, Any]:
        """The request's JSON, with its messages as texts (`Rendered` or plain objects)."""
        body: dict[str, Any] = {"model": self._name, "messages": self._messages(request), "stream": True}
        body["stream_options"] = {"include_usage": True}
        if request.shape is not None:
            body |= self._shaped(request.shape)
        elif request.tools and not self.tools_as_text:
            body["tools"] = self._schemas.put(request.tools)
            if request.tool_choice != "auto":
                body["tool_choice"] = request.tool_choice
        if request.max_tokens is not None:
            body[self._limit] = request.max_tokens
        body |= self._settings
        if self._thoughtless and "tools" in body:
            body["reasoning_effort"] = "none"
        for name in set(body) - {*_CORE, self._limit} if self._least else self._dropped:
            body.pop(name, None)
        if not body.get("stream"):
            body.pop("stream_options", None)
        return body

    def learn(self, body: Mapping[str, Any], status: int | None, text: str, codes: str) -> str | None:
        """What a refusal taught, in a few words; None when there was nothing to learn, and asking again is of no
        use."""
        if status not in _STATUSES:
            return None
        said = f"{text} {codes}"
        for attempt in (self._tools, self._shape, self._schema, self._parameter, self._field, self._order):
            if (taught := attempt(body, said)) is not None:
                return taught
        return self._guess(body, status, text, said)

    def give_up(self) -> None:
        """The request was refused for good: what was only guessed is taken back."""
        self._plain = False if self._plain else self._plain
        self._least = False if self._least else self._least

    # Learning

    def _tools(self, body: Mapping[str, Any], said: str) -> str | None:
        if "tools" not in body:
            return None
        if NO_THOUGHT.search(said) and not self._thoughtless:
            self._thoughtless = True
            return "takes tools without reasoning only"
        refused = NO_TOOLS.search(said) or NO_THOUGHT.search(said)
        if not refused or ("tool_choice" in body and "tool_choice" in said):
            return None
        self.tools_as_text = True
        return "takes no tools: they are told in the text"

    def _schema(self, body: Mapping[str, Any], said: str) -> str | None:
        return self._schemas.learn(said, body["tools"]) if "tools" in body else None

    def _shape(self, body: Mapping[str, Any], said: str) -> str | None:
        named = ("response_format", "json_schema", "json_object", "grammar", "schema")
        if not self._formats or "response_format" not in body or not any(_names(said, n) for n in named):
            return None
        return f"is not asked for {self._formats.pop(0)}"

    def _parameter(self, body: Mapping[str, Any], said: str) -> str | None:
        of_reply = LONG_REPLY.search(said) and not OF_INPUT.search(said)
        if TOO_LONG.search(said) and not of_reply:
            return None
        if "max_completion_tokens" in said and "max_tokens" in body and self._limit == "max_tokens":
            self._limit = "max_completion_tokens"
            if "max_tokens" in self._settings:
                self._settings["max_completion_tokens"] = self._settings.pop("max_tokens")
            return "wants max_completion_tokens"
        if not UNFIT.search(said):
            return None
        for name in [*(name for name in body if name not in _CORE), "stream"]:
            if name in body and _names(said, name):
                self._dropped.add(name)
                return f"is asked without {name}"
        return None

    def _field(self, body: Mapping[str, Any], said: str) -> str | None:
        if BAD_SIGNATURE.search(said) and (void := _signatures(body["messages"], self.origin) - self._void):
            self._void |= void
            self._filled["extra_content"] = ""
            return "knows its signatures no more"
        if "thought_signature" in said and "extra_content" not in self._filled and MISSING.search(said):
            self._filled["extra_content"] = ""
            return "wants a signature with every call"
        if (
            "reasoning_content" in said
            and self._filled.get("reasoning_content") != "…"
            and MISSING.search(said)
        ):
            self._filled["reasoning_content"] = "…" if "reasoning_content" in self._filled else ""
            self._fields.discard("reasoning_content")
            return "wants reasoning_content with every message"
        if not UNFIT.search(said):
            return None
        for name in sorted(_added_names(body["messages"], self.origin) - self._fields):
            if _names(said, name):
                self._fields.add(name)
                self._filled.pop(name, None)
                return f"takes no {name} in messages"
        return None

    def _order(self, body: Mapping[str, Any], said: str) -> str | None:
        if ALTERNATE.search(said) and (taught := self._alternating(body, said)):
            return taught
        for name, pattern, what in (
            ("bridged", AFTER_TOOL, "wants an answer after each tool's result"),
            ("apart", NOT_BOTH, "wants calls without text"),
            ("single", ONE_CALL, "wants one call in a message"),
            ("unsystematic", NO_SYSTEM, "takes no system message"),
        ):
            if pattern.search(said) and not self._history.get(name):
                self._history[name] = True
                return what
        if TOO_LONG.search(said) or not CONTENT_KIND.search(said):
            return None
        if EMPTY.search(said) and self._history.get("content") != "…":
            self._history["content"] = "…"
            return "wants text in every message"
        if NULL.search(said) and "content" not in self._history and CONTENT.search(said) is None:
            self._history["content"] = ""
            return "wants text for null"
        return None

    def _alternating(self, body: Mapping[str, Any], said: str) -> str | None:
        """Some that want roles to alternate know calls, and count them apart; others know none."""
        before = (self._history.get("joined"), self._history.get("bridged"), self.tools_as_text)
        if not self._history.get("joined") and CALLS_APART.search(said):
            self._history |= {"joined": True, "bridged": True}
        else:
            self._history["joined"] = True
            self.tools_as_text |= "tools" in body or any(m["role"] == "tool" for m in body["messages"])
        after = (self._history.get("joined"), self._history.get("bridged"), self.tools_as_text)
        return "wants roles to alternate" if after != before else None

    def _guess(self, body: Mapping[str, Any], status: int | None, text: str, said: str) -> str | None:
        """What it gave and gets back may be what it does not take, whatever it says (DeepSeek's R1); where it says
        nothing, it may be anything that it need not have."""
        known = TOO_LONG.search(said) or CONTENT.search(said) or ACCOUNT.search(said)
        if known or status not in (400, 422):
            return None
        own = any(_given(message, self.origin) for message in body["messages"])
        if own and self._plain is None:
            self._plain = True
            return "is asked without what it added to its messages"
        if SAYS_NOTHING.fullmatch(text) and self._least is None and set(body) - {*_CORE, self._limit}:
            self._least, self._plain = True, False if self._plain else self._plain
            return "is asked with the least"
        return None

    # Putting

    def _shaped(self, shape: Mapping[str, Any]) -> dict[str, Any]:
        """The fields that ask for an answer of this shape: OpenAI's "Structured outputs", else "JSON mode"."""
        if not self._formats:
            return {}
        if self._formats[0] == "json_object":
            return {"response_format": {"type": "json_object"}}
        return {"response_format": {"type": "json_schema", "json_schema": {**shape, "strict": True}}}

    def _messages(self, request: ModelRequest) -> list[Any]:
        as_they_are = not (self._fields or self._filled or self._history or self._void or self._plain)
        if as_they_are and not self.tools_as_text:
            return list(request.messages)
        messages = [self._message(message) for message in request.messages]
        if self.tools_as_text:
            messages = plain_history.written(messages, request.tools if request.shape is None else ())
        return plain_history.put(messages, self._history)

    def _message(self, message: Mapping[str, Any]) -> dict[str, Any]:
        """A message with the fields that this one wants, and without those that it refuses."""
        origin = "" if self._plain or self.tools_as_text else self.origin
        own = isinstance(message, Rendered)
        made: dict[str, Any] = json.loads(message.text_for(origin)) if own else dict(message)  # type: ignore[attr-defined]
        if made.get("role") != "assistant":
            return made
        for name in self._fields:
            made.pop(name, None)
        if "reasoning_content" in self._filled and not made.get("reasoning_content"):
            made["reasoning_content"] = self._filled["reasoning_content"]
        calls = made.get("tool_calls") or []
        for part in (made, *calls):
            if json.dumps(part.get("extra_content")) in self._void:
                del part["extra_content"]
        for call in calls:
            for name in self._fields:
                call.pop(name, None)
                call["function"].pop(name, None)
        # Only the first of several calls has a signature.
        if calls and "extra_content" in self._filled and not any(call.get("extra_content") for call in calls):
            calls[0]["extra_content"] = _SIGNATURE
        return made


def _names(said: str, name: str) -> bool:
    """Whether the text names a parameter, also as other languages write it."""
    camel = re.sub(r"_(\w)", lambda found: found[1].upper(), name)
    return re.search(rf"(?<![\w-])(?:{re.escape(name)}|{re.escape(camel)})(?![\w-])", said) is not None


def _given(message: Any, origin: str) -> Mapping[str, Any]:
    given = getattr(message, "given", None)
    return given if given and given.get("by") == origin else {}


def _signatures(messages: Iterable[Any], origin: str) -> set[str]:
    """What Google's servers put beside calls and texts of these messages."""
    found = set()
    for message in messages:
        if isinstance(message, Rendered):
            given = _given(message, origin)
            parts = [given.get("message", {}), *given.get("calls", ())]
        else:
            parts = [message, *(message.get("tool_calls") or ())]
        found |= {json.dumps(part["extra_content"]) for part in parts if part.get("extra_content")}
    return found - {json.dumps(_SIGNATURE)}


def _added_names(messages: Iterable[Any], origin: str) -> set[str]:
    """The fields beyond the protocol that messages of this origin carry."""
    names: set[str] = set()
    for message in messages:
        if given := _given(message, origin):
            names |= set(given.get("message", ())) - {"content"}
            for call in given.get("calls", ()):
                names |= set(call) - {"function"}
                names |= set(call.get("function", ()))
        elif isinstance(message, dict) and message.get("role") == "assistant":
            names |= set(message) - {"role", "content", "tool_calls"}
            for call in message.get("tool_calls") or ():
                names |= set(call) - {"id", "type", "function"}
    return names
