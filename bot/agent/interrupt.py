"""Calling off a turn's question to the model, from outside the turn.

Only the wait for the model can be called off: a step that is being committed is committed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any, TypeVar

from bot.errors import Interrupted

T = TypeVar("T")

STOP = "stop"
"""The person wants no answer any more."""
YIELD = "yield"
"""A person's message goes first; the turn has said nothing yet."""
NEWS = "news"
"""Something else may be done meanwhile."""
RESTART = "restart"
"""The message being answered was changed."""


class Interrupt:
    def __init__(self) -> None:
        self.reason: str | None = None
        self._waiting: asyncio.Task[Any] | None = None

    def request(self, reason: str) -> None:
        """Call off the present question, or the next one if none is under way."""
        first = self.reason is None
        self.reason = reason
        if first and self._waiting is not None:
            self._waiting.cancel()

    async def guard(self, question: Awaitable[T]) -> T:
        """The answer. Raises `Interrupted` when it was called off."""
        if self.reason is not None:
            if asyncio.iscoroutine(question):
                question.close()
            raise Interrupted(self.reason)
        self._waiting = asyncio.current_task()
        try:
            return await question
        except asyncio.CancelledError:
            if self.reason is None or self._waiting is None or self._waiting.uncancel() > 0:
                raise  # the program ends
            raise Interrupted(self.reason) from None
        finally:
            self._waiting = None
