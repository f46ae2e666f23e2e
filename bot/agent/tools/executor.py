"""The function executor: parses, validates and runs a step's tool calls, and turns every failure into a
text from which the model can learn (paper section 2.3)."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from bot.agent.context import SEND, compact
from bot.agent.tools import apart, cutting
from bot.agent.tools.arguments import parse
from bot.agent.tools.desk import Desk
from bot.agent.tools.registry import HEARTBEAT, Registry
from bot.errors import Interrupted, ToolError
from bot.observer import Call, Observer
from bot.ports import ToolCall
from memory.errors import MemoryError_, StoreError, where

log = logging.getLogger(__name__)

_SAME_FAILURES = 3
_SAME_SUCCESSES = 3
_HELD = 2  # times in a turn that nothing is said beside a note that failed
_NOTES = frozenset(
    {"core_memory_append", "core_memory_replace", "archival_memory_insert", "archival_memory_replace",
     "archival_memory_delete", "conversation_forget", "schedule_message", "cancel_scheduled", "set_time_zone"}
)  # fmt: skip
"""What a person is told was done."""
_UNTRUE = (
    "Not sent: {name} beside it failed, so what you say of it may not be true. Mend that, or say what is so."
)
_LEAST = 110  # tokens of a result
_NOTE = 80  # tokens of what stands around a clipped message
_DENSEST = 16  # characters of a token, at most
_CUT = (
    "Not carried out: your reply came to its token limit in the middle of this call. Make it shorter, or split it "
    "into several calls."
)


_DECLINED = (
    "The person said no to this call of {name}, so it was not carried out. Do not make it again unless they ask for "
    "it; go on without."
)
_STOPPED = "The person stopped this: it may have been done or not. Look before you do it again."


@dataclass(frozen=True)
class ToolResult:
    """``content`` is the JSON that the model sees."""

    call: ToolCall
    content: str
    failed: bool
    heartbeat: bool  # the model asked to go on
    refused: bool = False  # it was not even tried: the model makes the same call again and again


@dataclass
class Tries:
    """A turn's calls so far: which failed, and which were made with success, how often."""

    failures: Counter[str] = field(default_factory=Counter)
    successes: Counter[str] = field(default_factory=Counter)
    held: int = 0  # times that what it said was taken back

    def again(self, call: ToolCall) -> str:
        """Why this very call is not made once more; "" when it may be."""
        made = _signature(call)
        if self.failures[made] >= _SAME_FAILURES:
            return f"Refused: this very call failed {_SAME_FAILURES} times. Do something else."
        if self.successes[made] >= _SAME_SUCCESSES:
            return f"Refused: you made this very call {_SAME_SUCCESSES} times. Use what it gave, and answer."
        return ""

    def add(self, call: ToolCall, *, failed: bool) -> None:
        (self.failures if failed else self.successes)[_signature(call)] += 1


def _signature(call: ToolCall) -> str:
    return f"{call.name}({call.arguments})"


class Executor:
    """``count(text)`` gives tokens, ``fit(text, tokens)`` clips a text; ``max_calls`` bounds a step's calls."""

    def __init__(
        self,
        registry: Registry,
        count: Callable[[str], int],
        fit: Callable[[str, int], str],
        max_calls: int,
        timeout_s: float,
        observer: Observer,
    ) -> None:
        self.registry = registry
        self._observer = observer
        self._count = count
        self._fit = fit
        self._max_calls = max_calls
        self._timeout_s = timeout_s

    async def run(
        self, calls: Sequence[ToolCall], desk: Desk, tries: Tries, budget: int, *, hold: bool = False
    ) -> list[ToolResult]:
        """Run the calls in order, up to the limit; one result for each that was run.

        Results share ``budget`` tokens. ``tries`` counts the turn's calls, and is added to. With ``hold`` nothing is
        said beside a note that could not be made: the model, which does not know of that yet, may say it was kept.
        """
        said = len(desk.said)
        run = calls[: max(1, min(self._max_calls, budget // _LEAST))]
        results = []
        for number, call in enumerate(run):
            again = tries.again(call)
            share = max(_LEAST, budget // (len(run) - number))
            desk.results_room = share - self._tokens(compact(_framed(desk, "OK", {"results": []})))
            status, message, heartbeat = (
                ("Failed", again, False) if again else await self._watched(call, desk)
            )
            if not again:
                tries.add(call, failed=status != "OK")
            content = self._content(desk, call, status, message, share)
            results.append(ToolResult(call, content, status != "OK", heartbeat, refused=bool(again)))
            budget -= self._tokens(content)
        if hold and len(desk.said) > said and tries.held < _HELD:
            results = self._held(results, desk, said, tries)
        return results

    def _held(self, results: Sequence[ToolResult], desk: Desk, said: int, tries: Tries) -> list[ToolResult]:
        """The results, with what was said beside a failed note taken back."""
        failed = [result.call.name for result in results if result.failed and result.call.name in _NOTES]
        if not failed:
            return list(results)
        tries.held += 1
        desk.unsay(said)
        content = compact(_framed(desk, "Failed", _UNTRUE.format(name=failed[0])))
        return [
            replace(result, content=content, failed=True)
            if result.call.name == SEND and not result.failed
            else result
            for result in results
        ]

    async def _watched(self, call: ToolCall, desk: Desk) -> tuple[str, object, bool]:
        name = call.name if self.registry.get(call.name) else ""
        watched = Call(name=name, id=call.id, arguments=call.arguments)
        with self._observer.during(watched):
            status, message, heartbeat = await self._one(call, desk)
            watched.failed = status != "OK"
            watched.result = str(message)
        return status, message, heartbeat

    async def _one(self, call: ToolCall, desk: Desk) -> tuple[str, object, bool]:
        heartbeat = False
        try:
            if call.cut:
                raise ToolError(_CUT)
            if any((call.name, call.arguments) == (ask.tool, ask.arguments) for ask in desk.declined):
                raise ToolError(_DECLINED.format(name=call.name))
            tool = self.registry.get(call.name) or desk.outside.get(call.name)
            if tool is None:
                names = ", ".join([*self.registry.names, *desk.outside])
                raise ToolError(f"No function named {call.name[:80]!r}. Functions: {names}.")
            if desk.allowed is not None and not tool.outside and tool.name not in desk.allowed:
                allowed = ", ".join(name for name in self.registry.names if name in desk.allowed)
                raise ToolError(f"{tool.name} is not allowed to this persona. Allowed: {allowed}.")
            arguments = parse(tool, call.arguments)
            heartbeat = bool(arguments.pop(HEARTBEAT, False)) or tool.outside
            if tool.custom:
                return "OK", await apart.call(tool, desk, arguments, self._timeout_s), heartbeat
            if tool.outside:
                return "OK", await desk.stoppable(tool.call(desk, **arguments)), heartbeat
            return "OK", await tool.call(desk, **arguments), heartbeat
        except Interrupted:
            return "Failed", _STOPPED, heartbeat  # the step is kept: what was done stays known
        except StoreError:
            raise  # no fault of the model's: the step is tried again when the store is back
        except (ToolError, MemoryError_) as error:
            return "Failed", str(error), heartbeat
        except (Exception, asyncio.CancelledError) as error:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise  # the turn is called off
            # A tool is somebody's code: whatever it raises must not end the turn.
            log.error(
                "agent %s, step %s: the tool %s failed: %s", desk.agent.id, desk.key, call.name, where(error)
            )
            return "Failed", f"{call.name} failed inside ({type(error).__name__}).", heartbeat

    def _content(self, desk: Desk, call: ToolCall, status: str, message: object, cap: int) -> str:
        """The result as JSON of at most ``cap`` tokens. What has no room is cut before it becomes JSON."""
        tool = self.registry.get(call.name)
        if status == "OK" and tool is not None and tool.final and not tool.custom:
            return compact({"status": status, "message": message})  # in nearly every turn: without a time
        content = compact(_framed(desk, status, message))
        if self._tokens(content) <= cap:
            return content
        text = message if isinstance(message, str) else compact(message)
        note = f"[clipped: {len(text)} characters were too many; ask for less or for other pages]"
        room = cap - _NOTE
        if isinstance(message, str):
            shown = self._fit(message, room)
        else:
            shown = compact(
                cutting.shortened(message, lambda value: self._fits(compact(compact(value)), room))
            )
        return compact(_framed(desk, status, f"{shown} {note}"))

    def _fits(self, text: str, tokens: int) -> bool:
        return len(text) <= _DENSEST * tokens and self._tokens(text) <= tokens

    def _tokens(self, text: str) -> int:
        """What a text takes in a request, in which it is a JSON string."""
        return self._count(compact(text))


def _framed(desk: Desk, status: str, message: object) -> dict[str, object]:
    """A result as the model sees it (MemGPT's fields); what was found tells its own times, line by line."""
    framed = {"status": status, "message": message}
    if isinstance(message, dict) and "results" in message:
        return framed
    return {**framed, "time": desk.now.astimezone(desk.zone).isoformat(timespec="seconds")}
