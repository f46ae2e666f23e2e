"""A tool of the operator's own runs apart: in a thread with an event loop of its own, for so long and no longer.

It may block, loop for ever or eat its cancellation: everbot's own loop goes on, and what comes of a call whose time
is over is thrown away. Its desk is lent: whatever it asks of it is done in everbot's loop, until the call ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import inspect
import json
import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from bot.agent.tools.arguments import cleaned
from bot.agent.tools.desk import Desk
from bot.agent.tools.registry import Tool
from bot.errors import ToolError
from bot.events import clean

log = logging.getLogger(__name__)

_GRACE_S = 0.5  # that a cancelled tool is given to tidy up
_MOST = 1_000_000  # characters of a result; the model is shown far fewer


async def call(tool: Tool, desk: Desk, arguments: dict[str, Any], timeout_s: float) -> object:
    """What the tool gives, as plain JSON values. Raises what it raises, and `ToolError` when it took too long,
    cancelled itself or gave what is no JSON."""
    work = _Work(tool, desk, arguments, timeout_s)
    work.start()
    try:
        async with asyncio.timeout(timeout_s + _GRACE_S):
            await work.ended.wait()
    except TimeoutError:
        log.error("The tool %s did not end in its time: it is left to itself.", tool.name)
        raise _late(tool, timeout_s) from None
    finally:
        work.give_up()
    return work.outcome()


def _late(tool: Tool, timeout_s: float) -> ToolError:
    return ToolError(f"{tool.name} took longer than {timeout_s:g} s and was ended.")


class _Work:
    """One call. `_run` and what it calls are the thread's, all else belongs to everbot's loop."""

    def __init__(self, tool: Tool, desk: Desk, arguments: dict[str, Any], timeout_s: float) -> None:
        self.ended = asyncio.Event()
        self._tool = tool
        self._home = asyncio.get_running_loop()
        self._lent = _LentDesk(desk, self._home, waits=not inspect.iscoroutinefunction(tool.call))
        self._arguments = arguments
        self._timeout_s = timeout_s
        self._loop: asyncio.AbstractEventLoop | None = None  # the thread's
        self._task: asyncio.Task[object] | None = None
        self._value: object = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name=f"tool {tool.name}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def outcome(self) -> object:
        name, error = self._tool.name, self._error
        if error is None:
            return self._value
        if isinstance(error, asyncio.CancelledError):
            raise ToolError(f"{name} cancelled itself: nothing came of it.")
        if isinstance(error, Exception) and not isinstance(error, StopIteration):
            raise error
        raise ToolError(f"{name} failed inside ({type(error).__name__}).")  # it wanted the program to end

    def give_up(self) -> None:
        """The call is over, whatever its thread is at: it is cancelled, then ended."""
        self._lent.take_back()
        if not self.ended.is_set():
            if self._task is not None:
                self._in_thread(self._task.cancel)
            # Not by everbot's loop, which may itself be at its end.
            threading.Thread(target=self._end, name=f"end of {self._thread.name}", daemon=True).start()

    def _end(self) -> None:
        self._thread.join(_GRACE_S)
        if self._loop is not None:
            self._in_thread(self._loop.stop)
        self._thread.join(_GRACE_S)
        if self._thread.is_alive():
            # What loops in Python ends by this; what waits outside of it, when it returns.
            thread, error = ctypes.c_ulong(self._thread.ident or 0), ctypes.py_object(SystemExit)
            ctypes.pythonapi.PyThreadState_SetAsyncExc(thread, error)

    def _in_thread(self, work: Callable[[], Any]) -> None:
        with contextlib.suppress(RuntimeError):  # it has ended
            if self._loop is not None:
                self._loop.call_soon_threadsafe(work)

    # The thread's

    def _run(self) -> None:
        loop = self._loop = asyncio.new_event_loop()
        loop.set_exception_handler(lambda *_: None)  # what is left of it at its end concerns nobody
        try:
            self._task = loop.create_task(self._in_time())
            self._value = _plain(self._tool, loop.run_until_complete(self._task))
        except BaseException as error:
            self._error = error
        finally:
            loop.close()
            with contextlib.suppress(RuntimeError):  # everbot has ended
                self._home.call_soon_threadsafe(self.ended.set)

    async def _in_time(self) -> object:
        value: object = None
        try:
            async with asyncio.timeout(self._timeout_s) as limit:
                given = self._tool.call(self._lent, **self._arguments)
                value = await given if inspect.isawaitable(given) else given
        except TimeoutError:
            if not limit.expired():
                raise
        if limit.expired():
            raise _late(self._tool, self._timeout_s)
        return value


class _LentDesk:
    """A `bot.agent.tools.desk.Desk` for another thread. With ``waits`` its coroutines give their result at once, as a
    plain function needs it."""

    def __init__(self, desk: Desk, home: asyncio.AbstractEventLoop, *, waits: bool) -> None:
        self._desk = desk
        self._home = home
        self._waits = waits
        self._asked: set[Future[Any]] = set()
        self._over = False

    def take_back(self) -> None:
        self._over = True
        for asked in list(self._asked):
            asked.cancel()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        found = getattr(self._desk, name)
        if not inspect.ismethod(found):
            return found
        if not inspect.iscoroutinefunction(found):
            return lambda *given, **named: self._ask(_now(found, *given, **named)).result()

        def ask(*given: Any, **named: Any) -> Any:
            asked = self._ask(found(*given, **named))
            return asked.result() if self._waits else asyncio.wrap_future(asked)

        return ask

    def _ask(self, work: Any) -> Future[Any]:
        if self._over:
            work.close()
            raise ToolError("The time of this call is over.")
        asked = asyncio.run_coroutine_threadsafe(work, self._home)
        self._asked.add(asked)
        asked.add_done_callback(self._asked.discard)
        return asked


async def _now(function: Callable[..., Any], *given: Any, **named: Any) -> Any:
    return function(*given, **named)


def _plain(tool: Tool, value: object) -> object:
    """The value as JSON values that can be stored and sent. Raises `ToolError` when it is none."""
    try:
        text = json.dumps(value, ensure_ascii=False, default=str)
        if len(text) <= _MOST:
            return cleaned(json.loads(text))
    except (TypeError, ValueError, RecursionError) as error:
        raise ToolError(f"{tool.name} gave what is no JSON ({type(error).__name__}).") from None
    whole = value if isinstance(value, str) else text
    return clean(f"{whole[:_MOST]} [cut: {len(whole)} characters]")
