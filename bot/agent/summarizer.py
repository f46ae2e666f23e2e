"""The recursive summary of what left the queue (paper section 2.2)."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence

from bot import prompts
from bot.agent.fifo_queue import Queue
from bot.agent.window import Window
from bot.errors import ModelError
from bot.ports import ModelReply, ModelRequest
from memory.records import Message, Turn

log = logging.getLogger(__name__)

_SUMMARY = 0.10  # of the free room that a summary may take
_SUMMARIZED = 0.60  # of the room that the evicted messages take when they are summarized

Ask = Callable[[ModelRequest], Awaitable[ModelReply]]


class Summarizer:
    """Has a model write it."""

    def __init__(self, window: Window) -> None:
        self._window = window

    async def summary(
        self, queue: Queue, turn: Turn, evicted: Sequence[Message], count: int, ask: Ask
    ) -> str:
        """The new summary, of ``count`` messages by now. A turn never dies of it: without a model it is a
        mechanical note."""
        fit, limit = self._window.fit, int(self._window.free * _SUMMARY)
        old = fit(queue.summary.text, limit) if queue.summary else "(none)"
        lines = fit("\n".join(_line(m) for m in evicted if m.text), int(self._window.room * _SUMMARIZED))
        request = ModelRequest(
            key=f"{turn.id}/summary/{count}",
            messages=[
                {"role": "system", "content": prompts.read("summarizer").format(words=limit // 2)},
                {"role": "user", "content": f"Summary so far:\n{old}\n\nMessages:\n{lines}"},
            ],
            tool_choice="none",
            max_tokens=limit,
        )
        try:
            text = (await ask(request)).text.strip()
        except ModelError as error:
            log.warning("agent %s: summary by rule, the model gave none: %s", turn.agent_id, error)
            text = ""
        if not text:
            first, last = evicted[0].created_at, evicted[-1].created_at
            note = f"{len(evicted)} messages from {first:%Y-%m-%d} to {last:%Y-%m-%d} were not summarized."
            text = note if old == "(none)" else f"{old}\n{note}"
        return fit(text, limit)


def _line(message: Message) -> str:
    return f"[{message.created_at:%Y-%m-%d %H:%M}] {message.author}: {message.text}"
