"""The console: a terminal, or a pipe of lines. SDK: prompt_toolkit and Rich, loaded when a terminal is there.

Each person is an account ``console:<name>`` in a place of the same name, which is private. A reply without
a receipt is printed again after a restart under the same id: whoever reads a pipe counts distinct ids. What is for
somebody who is not here is kept until they are. Nothing that anybody wrote steers the terminal.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any
from uuid import uuid4

from adapters.text import plain
from bot.errors import DeliveryError, DeliveryWaits
from bot.events import (
    FILE,
    LOCAL,
    VOICE,
    Address,
    Command,
    Form,
    MessageReceived,
    Reply,
    View,
    clean,
    printable,
)
from bot.language import ENGLISH, gettext, marked, nearest, spoken
from bot.ports import Found, Inbound

PLATFORM = LOCAL

_NO_JSON = marked('Line {number} is not a JSON object with a "text" (and "id", "user"); it was left out.')
_EMPTY = marked("Line {number} has an empty text; it was left out.")
_TALKING = marked("Talking as {name}. /help lists commands, Ctrl-D leaves.")
_LEAVES = marked("Ctrl-D leaves.")
_THINKING = marked("thinking")


class _Console:
    """What both forms of the console share."""

    platform = PLATFORM

    def __init__(self, user: str, persona: str, zone: str, locale: str) -> None:
        self._user = user
        self._persona = persona
        self._zone = zone
        self._locale = locale
        self.language = nearest(locale) or ENGLISH

    def _own(self, text: str, /, **values: object) -> str:
        """What the console says itself."""
        with spoken(self.language):
            return gettext(text, **values)

    async def _invoked(self, command: Command, inbound: Inbound) -> View:
        """A command's answer, in whose language the console goes on."""
        view = await inbound.invoke(command)
        self.language = view.language or self.language
        return view

    def ready(self) -> str | None:
        return None

    async def find(self, reply: Reply, claimed_at: datetime, after: str | None) -> Found:
        return Found.ABSENT  # printing twice under one id does no harm

    async def sees(self, account: str, address: Address) -> bool:
        return True  # whoever sits at the machine does

    def split(self, text: str) -> list[str]:
        return [text]

    def _message(self, user: str, text: str, message_id: str | None = None) -> MessageReceived:
        return MessageReceived(
            key=f"{_keys_of(user)}{message_id or uuid4().hex}",
            **self._who(user),
            text=text,
            at=datetime.now(UTC),
        )

    def _command(self, user: str, text: str) -> Command | None:
        """The command that a line is, if it begins with a slash and a word."""
        name, _, argument = text[1:].partition(" ")
        if not text.startswith("/") or not name.isalpha():
            return None
        return Command(command=name.lower(), argument=argument, **self._who(user))

    def _for_us(self, reply: Reply) -> None:
        """Raises `DeliveryWaits` when it is another person's, who sat here before."""
        if reply.address != address(self._user):
            raise DeliveryWaits("it is for somebody who is not at this console")

    def _who(self, user: str) -> dict[str, Any]:
        place = address(user)
        return {
            "account": place,
            "name": user,
            "address": place,
            "audience": "private",
            "persona": self._persona,
            "zone": self._zone,
            "locale": self._locale,
        }


class PipeConsole(_Console):
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
        prefix = _keys_of(reply.address.removeprefix(address("")))
        answered = [key.removeprefix(prefix) for key in reply.in_reply_to if key.startswith(prefix)]
        self._print(reply.kind, reply.id, answered, _with_ways(reply))
        return "printed"

    @asynccontextmanager
    async def thinking(self, place: Address) -> AsyncIterator[None]:
        yield

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


class TerminalConsole(_Console):
    """A person at a terminal: a prompt with history, Markdown, a spinner; Ctrl-C calls off the turn."""

    def __init__(self, history: Path, *, user: str, persona: str, zone: str = "", locale: str = "") -> None:
        super().__init__(user, persona, zone, locale)
        from rich.console import Console

        self._history = history
        # Rich takes a terminal that can do nothing for one of 80 columns.
        columns, lines = shutil.get_terminal_size()
        dumb = os.environ.get("TERM", "").lower() in ("dumb", "unknown")
        self._screen = Console(width=columns, height=lines) if dumb else Console()
        self._spinner: Any = None

    async def run(self, inbound: Inbound) -> None:
        from prompt_toolkit import PromptSession
        from prompt_toolkit.history import FileHistory
        from prompt_toolkit.patch_stdout import patch_stdout

        self._history.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._history.touch(mode=0o600)

        class History(FileHistory):
            def store_string(self, string: str) -> None:
                if not string.startswith("/connect "):  # a token may stand behind it
                    super().store_string(string)

        session: PromptSession[str] = PromptSession(history=History(str(self._history)))
        name = printable(self._user)
        self._line(self._own(_TALKING, name=name), "dim")
        await self._wait(inbound)
        while True:
            try:
                with patch_stdout(raw=True):
                    text = (await session.prompt_async(f"{name}> ")).strip()
            except KeyboardInterrupt:
                self._line(self._own(_LEAVES), "dim")
                continue
            except EOFError:
                return
            if not text:
                continue
            command = self._command(self._user, text)
            if command is not None and command.command in ("exit", "quit"):
                return
            if command is not None:
                view: View | None = await self._invoked(command, inbound)
                if view is not None and view.form is not None and view.form.secret:
                    view = await self._confided(view.form, inbound)
            else:
                view = await inbound.submit(self._message(self._user, text))
            if view is not None:
                self._line(plain(view, "/"), "red" if view.kind == "error" else "dim")
            await self._wait(inbound)

    async def _confided(self, form: Form, inbound: Inbound) -> View | None:
        """What is written into a form without being shown, nor kept in the history; None where it was left."""
        from prompt_toolkit import PromptSession

        try:
            asked: PromptSession[str] = PromptSession(is_password=True)
            value = (await asked.prompt_async(f"{form.label}: ")).strip()
        except (KeyboardInterrupt, EOFError):
            return None
        if not value:
            return None
        facts = self._who(self._user)
        filled = Command(command=form.command, argument=form.argument, value=value, **facts)
        return await self._invoked(filled, inbound)

    async def send(self, reply: Reply) -> str:
        from rich.markdown import Markdown

        self._for_us(reply)
        self._stop_spinner()
        if reply.kind in ("reply", VOICE, FILE):
            self._line(reply.speaker.name if reply.speaker else self._persona, "bold magenta")
            self._screen.print(Markdown(printable(_with_ways(reply))))
        else:
            self._line(_with_ways(reply), "red" if reply.kind == "error" else "magenta")
        return "printed"

    @asynccontextmanager
    async def thinking(self, place: Address) -> AsyncIterator[None]:
        if place == address(self._user) and self._spinner is None:
            self._spinner = self._screen.status(self._own(_THINKING), spinner="dots")
            self._spinner.start()
        try:
            yield
        finally:
            self._stop_spinner()

    async def _wait(self, inbound: Inbound) -> None:
        """Until the turn has ended; Ctrl-C calls it off."""
        import signal

        place = address(self._user)
        loop = asyncio.get_running_loop()
        async with asyncio.TaskGroup() as group:
            loop.add_signal_handler(signal.SIGINT, lambda: group.create_task(inbound.interrupt(place)))
            try:
                await inbound.settled(place)
            finally:
                loop.remove_signal_handler(signal.SIGINT)

    def _line(self, text: str, style: str) -> None:
        """In colours that can be read on a light and on a dark background."""
        self._screen.print(printable(text), style=style, markup=False, highlight=False)

    def _stop_spinner(self) -> None:
        if self._spinner is not None:
            self._spinner.stop()
            self._spinner = None


def address(user: str) -> Address:
    return f"{PLATFORM}:{user}"


def _with_ways(reply: Reply) -> str:
    """A reply's text, with its buttons as the commands that they are."""
    return plain(View(text=_shown(reply), actions=reply.actions), "/")


def _shown(reply: Reply) -> str:
    """What of a reply can be shown here: of a file its text, of a picture its name."""
    if reply.kind != FILE or reply.file is None:
        return reply.text
    try:
        return f"{reply.file.name}:\n\n{reply.file.data.decode()}"
    except UnicodeDecodeError:
        return f"{reply.file.name} ({len(reply.file.data):,} bytes)"


def _keys_of(user: str) -> str:
    """How the keys of a person's messages begin: two people's never begin alike."""
    return f"{address(user.replace('%', '%25').replace('/', '%2F'))}/"


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
