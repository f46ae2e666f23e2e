"""What replies took of the model, as its server reported it or, failing that, by our own count."""

from __future__ import annotations

import logging

from bot.agent.window import Window
from bot.ports import ModelReply
from memory.records import Usage

log = logging.getLogger(__name__)

_FAR_OFF = 50  # times what we counted: nothing that a request can have taken
_TINY = 200  # times less than what we counted: no request can have taken so little
_MUCH, _PART = 3_000, 0.4  # of a request of so many tokens so small a part is reported: it was cut off


class UsageReports:
    """The operator is told once of what servers do not report, or report strangely."""

    def __init__(self, window: Window) -> None:
        self._window = window
        self._told: set[tuple[str, str]] = set()

    def of(self, reply: ModelReply, counted: int, most: int | None = None) -> Usage:
        """The reply's usage; each of its requests was ``counted`` by us, and allowed a reply of ``most`` tokens. The
        counter learns from it."""
        told, expected = reply.usage, counted * reply.requests
        written = max(most or 0, len(reply.text), 1_000) * reply.requests
        if not (
            0 < told.prompt <= _FAR_OFF * max(expected, 1_000)
            and told.prompt * _TINY >= expected
            and 0 <= told.completion <= _FAR_OFF * written
        ):
            self._tell(
                reply,
                "silent",
                "reports no usage that can be: the limits of tokens go by everbot's own count.",
            )
            words = "".join([reply.text, *(call.name + call.arguments for call in reply.calls)])
            return Usage(prompt=expected, completion=self._window.sampled(words))
        if expected > _MUCH * reply.requests and told.prompt < _PART * expected:
            self._tell(
                reply,
                "short",
                f"reports {told.prompt} tokens for about {expected}: perhaps it cuts off what it is sent. Its window "
                "must be [model] context_window at least (for Ollama set OLLAMA_CONTEXT_LENGTH).",
            )
        else:
            self._window.learn(expected, told.prompt)
        return told

    def _tell(self, reply: ModelReply, what: str, why: str) -> None:
        if reply.origin and (reply.origin, what) not in self._told:
            self._told.add((reply.origin, what))
            log.warning("The server of the model %s %s", reply.model, why)
