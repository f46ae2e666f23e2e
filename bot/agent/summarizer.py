"""The recursive summary of what left the queue (paper section 2.2)."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from bot import prompts
from bot.agent.fifo_queue import Queue
from bot.agent.used import found
from bot.agent.window import Window
from bot.errors import ModelError
from bot.ports import ModelReply, ModelRequest
from memory.records import Message, Turn

log = logging.getLogger(__name__)

_SUMMARY = 0.10  # of the free room that a summary may take
_SUMMARIZED = 0.45  # of the room that the evicted messages may take at least when they are summarized
_OLD = 0.20  # ... and the summary so far, however long it became elsewhere
_CORE = 0.15  # ... and core memory
_LAST = 200  # tokens of what was said last
_FOUND = 200  # tokens of what one call found
_THOUGHTS = 4_096  # tokens that a model which reasons may need before it writes
_LEAST_THOUGHTS = 2_048  # ... that it has, however much leaves
_PROTOCOL = 40  # tokens of a request besides its texts
_NOTE = "{count} messages from {first:%Y-%m-%d} to {last:%Y-%m-%d} were not summarized."
_NOTED = re.compile(
    r"^(\d+) messages from (\d{4}-\d\d-\d\d) to (\d{4}-\d\d-\d\d) were not summarized\.$", re.MULTILINE
)

Ask = Callable[[ModelRequest], Awaitable[ModelReply]]


class Summarizer:
    """Has a model write it."""

    def __init__(self, window: Window) -> None:
        self._window = window

    async def summary(
        self, queue: Queue, turn: Turn, evicted: Sequence[Message], count: int, zone: ZoneInfo, ask: Ask
    ) -> str:
        """The new summary, of ``count`` messages by now, with times in ``zone``. A turn never dies of it: without a
        model it is a mechanical note.

        It may be as long as the old one, also where the room has become smaller since: what fits the window is cut by
        the model alone.
        """
        fit, most = self._window.fit, int(self._window.room * _OLD)
        old = fit(queue.summary.text, most) if queue.summary else ""
        limit = max(int(self._window.free * _SUMMARY), self._window.in_json(old))
        try:
            # In a thread: what has left may be long.
            request = await asyncio.to_thread(self._request, queue, turn, evicted, count, zone, limit, old)
            text = (await ask(request)).text.strip()
        except ModelError as error:
            log.warning("agent %s: summary by rule, the model gave none: %s", turn.agent_id, error)
            text = ""
        return fit(text, limit) if text else self._by_rule(old, evicted, zone, limit)

    def _request(
        self,
        queue: Queue,
        turn: Turn,
        evicted: Sequence[Message],
        key: int,
        zone: ZoneInfo,
        limit: int,
        old: str,
    ) -> ModelRequest:
        fit, room = self._window.fit, self._window.room
        core = "\n".join(f"{block.label}: {block.value}" for block in queue.blocks() if block.value)
        system = prompts.read("summarizer").format(words=limit // 2)
        parts = {
            "Core memory, which stays in view": fit(core, int(room * _CORE)) or "(empty)",
            "Summary so far": old or "(none)",
            "Messages": "",
            "Said last, and still in view": fit(_last(queue), _LAST),
        }
        free = (
            room
            - self._window.in_json(system + "".join(parts.values()))
            - _PROTOCOL
            - limit
            - _LEAST_THOUGHTS
        )
        parts["Messages"] = fit("\n".join(self._lines(evicted, zone)), max(int(room * _SUMMARIZED), free))
        user = "\n\n".join(f"{name}:\n{text}" for name, text in parts.items())
        messages = [{"role": "system", "content": system}, {"role": "user", "content": user}]
        left = room - self._window.in_json(f"{system}\n{user}") - _PROTOCOL
        return ModelRequest(
            key=f"{turn.id}/summary/{key}",
            messages=messages,
            tool_choice="none",
            max_tokens=limit + max(0, min(_THOUGHTS, left - limit)),
        )

    def _lines(self, messages: Sequence[Message], zone: ZoneInfo) -> Iterator[str]:
        """What was said, and found by calls, under its days; a minute is told once."""
        day = minute = ""
        for message in messages:
            if not (line := self._line(message)):
                continue
            at = message.created_at.astimezone(zone)
            if (new := f"{at:%Y-%m-%d %a}") != day:
                day, minute = new, ""
                yield f"[{day}]"
            shown, minute = "" if f"{at:%H:%M}" == minute else f"{at:%H:%M} ", f"{at:%H:%M}"
            yield f"{shown}{line}"

    def _line(self, message: Message) -> str:
        if message.text:
            return f"{message.author}: {message.text}"
        told = " ".join(self._window.fit(found(message), _FOUND).split())
        return f"({message.author} found: {told})" if told else ""

    def _by_rule(self, old: str, evicted: Sequence[Message], zone: ZoneInfo, limit: int) -> str:
        """The old summary with a note of what it lacks; notes that would take too much room become one."""
        first, last = (message.created_at.astimezone(zone) for message in (evicted[0], evicted[-1]))
        text = f"{old}\n{_NOTE.format(count=len(evicted), first=first, last=last)}".strip()
        if self._window.in_json(text) <= limit:
            return text
        notes = _NOTED.findall(text)
        told = "\n".join(line for line in text.splitlines() if not _NOTED.match(line))
        days = [datetime.fromisoformat(day) for _, *span in notes for day in span]
        together = _NOTE.format(
            count=sum(int(number) for number, *_ in notes), first=min(days), last=max(days)
        )
        return f"{told}\n{together}".strip()


def _last(queue: Queue) -> str:
    """What was said last: it tells what is being talked of."""
    said = [message for message in queue.messages if message.text]
    return f"{said[-1].author}: {said[-1].text}" if said else "(nothing)"
