"""Calling off a turn's question to the model, from outside the turn; or (`STOP` alone) a call of a tool from outside.

Only the wait for them can be called off: a step that is being committed is committed.
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
        self._waiting: asyncio.Task[Any] | None = None  # that can be called off, and was not yet
        self._only: str | None = None  # by which alone; None: by anything

    def request(self, reason: str) -> None:
        """Call off the present question, or the next one if none is under way."""
        self.reason = reason
        waiting = self._waiting
        if waiting is not None and self._only in (None, reason):
            self._waiting = None
            waiting.cancel()

    async def guard(self, question: Awaitable[T], only: str | None = None) -> T:
        """The answer. Raises `Interrupted` when it was called off, by whatever reason, or by this ``only``."""
        if self.reason is not None and only in (None, self.reason):
            if asyncio.iscoroutine(question):
                question.close()
            raise Interrupted(self.reason)
        task = asyncio.current_task()
        assert task is not None
        self._waiting, self._only = task, only
        try:
            return await question
        except asyncio.CancelledError:
            if self._waiting is not None or self.reason is None or task.uncancel() > 0:
                raise  # the program ends
            raise Interrupted(self.reason) from None
        finally:
            self._waiting = None
