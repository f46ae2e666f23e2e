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
from bot.models.openai_errors import CONTENT, TOO_LONG
from bot.ports import ModelRequest, Rendered

_CORE = ("model", "messages", "stream", "tools")
_UNFIT = re.compile(
    r"unsupported|not support|unknown|unrecogni[sz]ed|unexpected|not permitted|not allowed|invalid|extra|additional"
    r"|cannot find|incompatible|not (available|enabled|valid|accept)|no longer|deprecated|illegal|must be|only"
    r"|does not|too (large|high)|exceed",
    re.IGNORECASE,
)
_MISSING = re.compile(
    r"missing|must be (passed|provided|included|present|set|sent)|required|passed back|lacks|expected",
    re.IGNORECASE,
)
_NO_TOOLS = re.compile(
    r"(not|n't) (currently )?support.{0,30}(tools?\b|tool[ _-]?(use|call)|function)|support tool use"
    r"|enable-auto-tool-choice"
    r"|tool-call-parser|tools? .{0,20}requires? .{0,4}--jinja|unsupported param: tools|(tool"
    r"|function)[ _-]?call(ing|s)? (is|are) "
    r"(not|disabled|unsupported)|tools (is|are) not",
    re.IGNORECASE,
)
_NO_SYSTEM = re.compile(
    r"system role|role[s]? .{0,20}system.{0,40}not|only user and assistant", re.IGNORECASE
)
_ALTERNATE = re.compile(
    r"roles? must alternate|alternat\w+ .{0,40}(user|role)|consecutive .{0,30}(role|message)", re.IGNORECASE
)
_AFTER_TOOL = re.compile(
    r"user.{0,24}after.{0,12}tool|assistant.{0,24}(expected|must).{0,24}after.{0,12}tool", re.IGNORECASE
)
_EMPTY = re.compile(
    r"non-?empty|(not|n't) be empty|is empty|empty content|at least (1|one)|min(imum)?_?length", re.IGNORECASE
)
_CONTENT_KIND = re.compile(r"content", re.IGNORECASE)
_NULL = re.compile(r"null|none\b|str(ing)?\b|required|missing|nil", re.IGNORECASE)
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
        self._fields: set[str] = set()  # that messages must not have
        self._filled: set[str] = set()  # that messages must have
        self._history: dict[str, Any] = {}  # how the messages are put: see `plain_history`
        self.tools_as_text = False

    def body(self, request: ModelRequest) -> dict[str, Any]:
        """The request's JSON, with its messages as texts (`Rendered` or plain objects)."""
        body: dict[str, Any] = {"model": self._name, "messages": self._messages(request), "stream": True}
        body["stream_options"] = {"include_usage": True}
        if request.tools and not self.tools_as_text:
            body["tools"] = list(request.tools)
            if request.tool_choice != "auto":
                body["tool_choice"] = request.tool_choice
        if request.max_tokens is not None:
            body[self._limit] = request.max_tokens
        body |= self._settings
        for name in self._dropped:
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
        for attempt in (self._tools, self._parameter, self._field, self._order):
            if (taught := attempt(body, said)) is not None:
                return taught
        return None

    # Learning

    def _tools(self, body: Mapping[str, Any], said: str) -> str | None:
        refused = _NO_TOOLS.search(said)
        if "tools" not in body or not refused or ("tool_choice" in body and "tool_choice" in said):
            return None
        self.tools_as_text = True
        return "takes no tools: they are told in the text"

    def _parameter(self, body: Mapping[str, Any], said: str) -> str | None:
        if "max_completion_tokens" in said and "max_tokens" in body and self._limit == "max_tokens":
            self._limit = "max_completion_tokens"
            if "max_tokens" in self._settings:
                self._settings["max_completion_tokens"] = self._settings.pop("max_tokens")
            return "wants max_completion_tokens"
        if TOO_LONG.search(said) or not _UNFIT.search(said):
            return None
        for name in [*(name for name in body if name not in _CORE), "stream"]:
            if name in body and _names(said, name):
                self._dropped.add(name)
                return f"is asked without {name}"
        return None

    def _field(self, body: Mapping[str, Any], said: str) -> str | None:
        if "thought_signature" in said and "extra_content" not in self._filled and _MISSING.search(said):
            self._filled.add("extra_content")
            return "wants a signature with every call"
        if "reasoning_content" in said and "reasoning_content" not in self._filled and _MISSING.search(said):
            self._filled.add("reasoning_content")
            self._fields.discard("reasoning_content")
            return "wants reasoning_content with every message"
        if not _UNFIT.search(said):
            return None
        for name in sorted(_added_names(body["messages"], self.origin) - self._fields):
            if _names(said, name):
                self._fields.add(name)
                self._filled.discard(name)
                return f"takes no {name} in messages"
        return None

    def _order(self, body: Mapping[str, Any], said: str) -> str | None:
        for name, pattern, what in (
            ("bridged", _AFTER_TOOL, "wants an answer after each tool's result"),
            ("joined", _ALTERNATE, "wants roles to alternate"),
            ("unsystematic", _NO_SYSTEM, "takes no system message"),
        ):
            if pattern.search(said) and not self._history.get(name):
                self._history[name] = True
                if name == "joined" and "tools" in body:
                    self.tools_as_text = True  # such templates know no tools
                return what
        if TOO_LONG.search(said) or not _CONTENT_KIND.search(said):
            return None
        if _EMPTY.search(said) and self._history.get("content") != "…":
            self._history["content"] = "…"
            return "wants text in every message"
        if _NULL.search(said) and "content" not in self._history and CONTENT.search(said) is None:
            self._history["content"] = ""
            return "wants text for null"
        return None

    # Putting

    def _messages(self, request: ModelRequest) -> list[Any]:
        if not (self._fields or self._filled or self._history or self.tools_as_text):
            return list(request.messages)
        messages = [self._message(message) for message in request.messages]
        if self.tools_as_text:
            messages = plain_history.written(messages, request.tools)
        return plain_history.put(messages, self._history)

    def _message(self, message: Mapping[str, Any]) -> dict[str, Any]:
        """A message with the fields that this one wants, and without those that it refuses."""
        own = isinstance(message, Rendered)
        made: dict[str, Any] = json.loads(message.text_for(self.origin)) if own else dict(message)  # type: ignore[attr-defined]
        if made.get("role") != "assistant":
            return made
        for name in self._fields:
            made.pop(name, None)
        if "reasoning_content" in self._filled:
            made.setdefault("reasoning_content", "")
        for call in made.get("tool_calls", ()):
            for name in self._fields:
                call.pop(name, None)
                call["function"].pop(name, None)
            if "extra_content" in self._filled and not call.get("extra_content"):
                call["extra_content"] = _SIGNATURE
        return made


def _names(said: str, name: str) -> bool:
    """Whether the text names a parameter, also as other languages write it."""
    camel = re.sub(r"_(\w)", lambda found: found[1].upper(), name)
    return re.search(rf"(?<![\w-])(?:{re.escape(name)}|{re.escape(camel)})(?![\w-])", said) is not None


def _added_names(messages: Iterable[Any], origin: str) -> set[str]:
    """The fields beyond the protocol that messages of this origin carry."""
    names: set[str] = set()
    for message in messages:
        given = getattr(message, "given", None)
        if given and given.get("by") == origin:
            names |= set(given.get("message", ()))
            for call in given.get("calls", ()):
                names |= set(call) - {"function"}
                names |= set(call.get("function", ()))
        elif isinstance(message, dict) and message.get("role") == "assistant":
            names |= set(message) - {"role", "content", "tool_calls"}
            for call in message.get("tool_calls") or ():
                names |= set(call) - {"id", "type", "function"}
    return names
