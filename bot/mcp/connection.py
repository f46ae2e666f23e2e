"""One connection with a server of tools: a task that holds the session, and a circuit breaker around it.

It is made when it is first needed, and anew when it is needed after it broke. A server that fails is left alone for a
while, each time for longer: until then whoever asks is told so at once.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from bot.errors import ToolError
from bot.mcp.transport import Credentials, NotLetIn, RemoteTool, ServerDown, Session, opened
from bot.ports import Clock
from bot.settings import McpServerSettings
from memory.errors import where

log = logging.getLogger(__name__)

_FAILURES = 3  # calls in a row that took too long, after which the session is given up
_PAUSE, _LONGEST = timedelta(seconds=15), timedelta(minutes=10)
Secret = Callable[[], Awaitable[Credentials]]


class Connection:
    """``secret`` gives what the session is opened with."""

    def __init__(self, name: str, server: McpServerSettings, secret: Secret, clock: Clock) -> None:
        self.name = name
        self.server = server
        self._secret = secret
        self._clock = clock
        self.tools: Sequence[RemoteTool] = ()
        """As the server last told them."""
        self.why = ""
        """Why there is no session; empty while there is one, or none was wanted yet."""
        self.denied = False
        self.used_at = clock.now()
        self._session: Session | None = None
        self._tried = asyncio.Event()
        self._over = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._shut_until: datetime | None = None
        self._pause = _PAUSE
        self._slow = 0

    @property
    def is_up(self) -> bool:
        return self._session is not None

    async def ready(self, group: asyncio.TaskGroup) -> bool:
        """Whether there is a session, which is begun if it may be tried now."""
        self.used_at = self._clock.now()
        if self._session is None and not self._is_shut():
            if self._task is None or self._task.done():
                self._tried.clear()
                self._over.clear()
                self._task = group.create_task(self._hold())
            await self._tried.wait()
        return self._session is not None

    def _is_shut(self) -> bool:
        now, until = self._clock.now(), self._shut_until
        return until is not None and until - _LONGEST <= now < until  # the clock may have been set back

    async def call(self, group: asyncio.TaskGroup, tool: str, arguments: Mapping[str, Any], key: str) -> str:
        """What the tool says. Raises `ToolError` for whatever goes wrong, and `NotLetIn`."""
        again = self._session is not None  # a session that broke while nobody looked is made anew, once
        while True:
            if not await self.ready(group):
                raise NotLetIn(self.why) if self.denied else self._down()
            session = self._session
            assert session is not None
            try:
                async with self._clock.timeout(self.server.timeout_s):
                    said = await session.call(tool, arguments, key)
                self._slow = 0
                return said
            except TimeoutError:
                self._slow += 1
                if self._slow >= _FAILURES:
                    self._break("it did not answer several times")
                raise ToolError(
                    f"{self.name} did not answer within {self.server.timeout_s:g} s: it may have done it or not."
                ) from None
            except NotLetIn as error:
                self._break(str(error), denied=True)
                raise
            except ServerDown as error:
                self._over.set()
                self._session = None
                if again:
                    again = False
                    await self._ended()
                    continue
                self._break(str(error))
                raise ToolError(f"{self.name} broke off: it may have done it or not.") from None

    def _down(self) -> ToolError:
        return ToolError(
            f"{self.name} cannot be used now ({self.why}). It is asked again in a while; tell the person, or go on "
            "without it."
        )

    def _break(self, why: str, *, denied: bool = False) -> None:
        self.why, self.denied = why, denied
        self._session = None
        self._slow = 0
        self._shut_until = self._clock.now() + self._pause
        self._pause = min(2 * self._pause, _LONGEST)
        self._over.set()
        self._tried.set()
        log.warning("The tool server %s cannot be used: %s.", self.name, why)

    async def _hold(self) -> None:
        """Open the session, and keep it until it is over."""
        try:
            async with asyncio.timeout(None) as limit:
                credentials = await self._secret()
                limit.reschedule(asyncio.get_running_loop().time() + self.server.connect_s)
                async with opened(self.server, credentials) as session:
                    self.tools = await session.tools()
                    limit.reschedule(None)
                    self._session, self.why, self.denied = session, "", False
                    self._shut_until, self._pause = None, _PAUSE
                    self._tried.set()
                    await self._over.wait()
        except TimeoutError:
            self._break(f"it did not answer within {self.server.connect_s:g} s")
        except ServerDown as error:
            if not self._over.is_set():
                self._break(str(error), denied=isinstance(error, NotLetIn))
        except Exception as error:
            self._break(where(error))
        finally:
            self._session = None
            self._tried.set()

    async def _ended(self) -> None:
        if self._task is not None:
            await asyncio.wait([self._task])

    async def close(self) -> None:
        """End the session. It is made anew when it is needed again."""
        self._over.set()
        self._session = None
        await self._ended()
