"""The console as a pipe: each line of standard input is a message."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator
from typing import IO
from uuid import uuid4

from adapters.console.console import Console, address, keys_of, with_ways
from adapters.text import plain
from bot.errors import DeliveryError
from bot.events import Reply, View, clean, printable
from bot.language import marked
from bot.ports import Inbound

_NO_JSON = marked('Line {number} is not a JSON object with a "text" (and "id", "user"); it was left out.')
_EMPTY = marked("Line {number} has an empty text; it was left out.")


class PipeConsole(Console):
    """Standard input is no terminal: each line is one message, in order; ends when all turns have ended.

    With ``as_json`` each line, in and out, is a JSON object: in ``{"id", "user", "text"}`` (a repeated id is
    admitted once), out ``{"type", "id", "in_reply_to", "text"}``. A user's next line is submitted when
    their previous turn has ended; users do not wait for each other.
    """

    def __init__(
        self,
        source: IO[bytes],
        target: IO[str],
        *,
        user: str,
        persona: str,
        as_json: bool,
        zone: str = "",
        locale: str = "",
    ) -> None:
        super().__init__(user, persona, zone, locale)
        self._source = source
        self._target = target
        self._json = as_json
        self._lines: dict[str, asyncio.Queue[tuple[str, str | None] | None]] = {}
        self.unanswered = False
        """Whether turns were left waiting for a model that is down."""

    async def run(self, inbound: Inbound) -> None:
        async with asyncio.TaskGroup() as group:
            number = 0
            async for line in lines(self._source):
                number += 1
                parsed = self._parsed(line, number)
                if parsed is None:
                    continue
                user, text, message_id = parsed
                if user not in self._lines:
                    self._lines[user] = asyncio.Queue(1_000)
                    group.create_task(self._user_lines(user, self._lines[user], inbound))
                await self._lines[user].put((text, message_id))
            for queue in self._lines.values():
                await queue.put(None)
        self.unanswered = not await inbound.settled()

    async def send(self, reply: Reply) -> str:
        if not self._json:  # whoever writes JSON speaks for everybody
            self._for_us(reply)
        prefix = keys_of(reply.address.removeprefix(address("")))
        answered = [key.removeprefix(prefix) for key in reply.in_reply_to if key.startswith(prefix)]
        self._print(reply.kind, reply.id, answered, with_ways(reply))
        return "printed"

    async def _user_lines(
        self, user: str, queue: asyncio.Queue[tuple[str, str | None] | None], inbound: Inbound
    ) -> None:
        # What a killed process left unanswered is answered before anything new.
        model_is_up = await inbound.settled(address(user))
        while (line := await queue.get()) is not None:
            text, message_id = line
            command = self._command(user, text)
            if command is not None and command.command in ("exit", "quit"):
                continue
            if command is not None:
                self._show(await self._invoked(command, inbound), message_id)
            else:
                refused = await inbound.submit(self._message(user, text, message_id))
                if refused is not None:
                    self._show(refused, message_id)
            if model_is_up:
                model_is_up = await inbound.settled(address(user))

    def _show(self, view: View, message_id: str | None) -> None:
        self._print(view.kind, uuid4().hex, [message_id] if message_id else [], plain(view, "/"))

    def _parsed(self, line: bytes, number: int) -> tuple[str, str, str | None] | None:
        """(user, text, id) of a line; None for an empty one, or a wrong one, which is answered."""
        text = line.decode("utf-8", "replace").rstrip("\r\n")
        if not self._json:
            return (self._user, text, None) if text.strip() else None
        if not text.strip():
            return None
        try:
            values = json.loads(text)
            user, said, message_id = values.get("user", self._user), values["text"], values.get("id")
            good = isinstance(user, str) and user.strip() and isinstance(said, str)
        except (ValueError, KeyError, AttributeError, RecursionError):
            good = False
        if not good:
            self._print("error", uuid4().hex, [], self._own(_NO_JSON, number=number))
            return None
        if not said.strip():
            said_id = [] if message_id is None else [str(message_id)]
            self._print("error", uuid4().hex, said_id, self._own(_EMPTY, number=number))
            return None
        return clean(user.strip()), said, None if message_id is None else clean(str(message_id))

    def _print(self, kind: str, reply_id: str, in_reply_to: list[str], text: str) -> None:
        if self._json:
            line = json.dumps({"type": kind, "id": reply_id, "in_reply_to": in_reply_to, "text": text})
        else:
            line = printable(text)
        try:
            self._target.write(line + "\n")
            self._target.flush()
        except (OSError, ValueError) as error:
            raise DeliveryError(f"standard output is closed ({error})") from None


async def lines(source: IO[bytes]) -> AsyncIterator[bytes]:
    """The lines of a blocking stream, read by a thread that never keeps the process alive."""
    loop = asyncio.get_running_loop()
    queue: asyncio.Queue[bytes | None] = asyncio.Queue(1_000)

    def read() -> None:
        try:
            for line in source:
                asyncio.run_coroutine_threadsafe(queue.put(line), loop).result()
            asyncio.run_coroutine_threadsafe(queue.put(None), loop).result()
        except (RuntimeError, ValueError, OSError):
            pass  # the loop or the stream is closed: nobody listens any more

    threading.Thread(target=read, name="stdin", daemon=True).start()
    while (line := await queue.get()) is not None:
        yield line
