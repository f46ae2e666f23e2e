"""The console as a terminal: a person at a prompt. SDK: prompt_toolkit."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from adapters.console.console import Console, address, with_ways
from adapters.text import plain
from bot.events import FILE, VOICE, Address, Command, Form, Reply, View, printable
from bot.language import marked
from bot.ports import Draft, Inbound

if TYPE_CHECKING:
    from prompt_toolkit import PromptSession

    from adapters.console.screen import Screen

_TALKING = marked("Talking as {name}. /help lists commands, Ctrl-D leaves.")
_LEAVES = marked("Ctrl-D leaves.")
_THINKING = marked("thinking")
_UNSAID = marked("(This was not said.)")


class TerminalConsole(Console):
    """A person at a terminal: a prompt with history, Markdown, replies while they are written; Ctrl-C calls off the
    turn. What is typed while it runs stands at the next prompt."""

    def __init__(self, history: Path, *, user: str, persona: str, zone: str = "", locale: str = "") -> None:
        super().__init__(user, persona, zone, locale)
        from adapters.console.screen import Screen

        self._history = history
        self._speaker = persona  # the last that was heard
        self._screen: Screen = Screen()

    async def run(self, inbound: Inbound) -> None:
        with _unechoed():
            await self._talk(inbound)

    async def _talk(self, inbound: Inbound) -> None:
        session = self._session()
        name = printable(self._user)
        self._screen.line(self._own(_TALKING, name=name), "italic")
        await self._wait(inbound)
        while True:
            try:
                text = await self._typed(session, f"{name}> ")
            except KeyboardInterrupt:
                self._screen.line(self._own(_LEAVES), "italic")
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
                self._screen.line(plain(view, "/"), "red" if view.kind == "error" else "")
            await self._wait(inbound)

    def _session(self) -> PromptSession[str]:
        """A prompt that remembers what was typed."""
        from prompt_toolkit import PromptSession

        from adapters.console.history import History

        session: PromptSession[str] = PromptSession(history=History(self._history))
        _keep_pressed(session)
        return session

    async def _typed(self, session: PromptSession[str], prompt: str, *, secret: bool = False) -> str:
        """A line. What is printed meanwhile, and logged, stands above it."""
        from prompt_toolkit.patch_stdout import patch_stdout

        log = sys.stderr
        self._screen.typing(True)
        try:
            with patch_stdout(raw=True), contextlib.ExitStack() as stack:
                if not log.isatty():  # it goes elsewhere
                    stack.enter_context(contextlib.redirect_stderr(log))
                return (await session.prompt_async(prompt, is_password=secret)).strip()
        finally:
            self._screen.typing(False)

    async def _confided(self, form: Form, inbound: Inbound) -> View | None:
        """What is written into a form without being shown, nor kept in the history; None where it was left."""
        from prompt_toolkit import PromptSession

        try:
            value = await self._typed(PromptSession(), f"{form.label}: ", secret=True)
        except (KeyboardInterrupt, EOFError):
            return None
        if not value:
            return None
        facts = self._who(self._user)
        filled = Command(command=form.command, argument=form.argument, value=value, **facts)
        return await self._invoked(filled, inbound)

    async def send(self, reply: Reply) -> str:
        self._for_us(reply)
        if reply.kind in ("reply", VOICE, FILE):
            self._speaker = reply.speaker.name if reply.speaker else self._persona
            self._screen.said(self._speaker, with_ways(reply))
        else:
            self._screen.line(with_ways(reply), "red" if reply.kind == "error" else "magenta")
        return "printed"

    @asynccontextmanager
    async def thinking(self, place: Address) -> AsyncIterator[Draft | None]:
        if place != address(self._user):
            yield None
            return
        self._screen.thinking(self._own(_THINKING))
        try:
            yield self
        finally:
            self._screen.thinking("")

    def show(self, text: str) -> None:
        self._screen.write(self._speaker, text)

    def drop(self) -> None:
        self._screen.drop(self._own(_UNSAID))

    async def _wait(self, inbound: Inbound) -> None:
        """Until the turn has ended; Ctrl-C calls it off."""
        place = address(self._user)
        loop = asyncio.get_running_loop()
        async with asyncio.TaskGroup() as group:
            loop.add_signal_handler(signal.SIGINT, lambda: group.create_task(inbound.interrupt(place)))
            try:
                await inbound.settled(place)
            finally:
                loop.remove_signal_handler(signal.SIGINT)


@contextmanager
def _unechoed() -> Iterator[None]:
    """What is typed while no prompt reads it is not written into what is drawn, but kept, key by key, for the next."""
    import termios

    keyboard = sys.stdin.fileno()
    before = termios.tcgetattr(keyboard)
    quiet = list(before)
    quiet[0] &= ~termios.ICRNL
    quiet[3] &= ~(termios.ECHO | termios.ICANON)
    termios.tcsetattr(keyboard, termios.TCSANOW, quiet)
    try:
        yield
    finally:
        termios.tcsetattr(keyboard, termios.TCSANOW, before)


def _keep_pressed(session: PromptSession[str]) -> None:
    """What was pressed before we were there, for the prompt to read. While a terminal reads by lines, it keeps a Ctrl-D
    as their end, which is a NUL to who reads key by key (Linux, n_tty)."""
    import fcntl
    import termios

    from prompt_toolkit.input.typeahead import store_typeahead
    from prompt_toolkit.input.vt100_parser import Vt100Parser
    from prompt_toolkit.key_binding import KeyPress

    keyboard = sys.stdin.fileno()
    waiting = int.from_bytes(fcntl.ioctl(keyboard, termios.FIONREAD, bytes(4)), sys.byteorder)
    if waiting:
        keys: list[KeyPress] = []
        typed = os.read(keyboard, waiting).decode("utf-8", "replace")
        Vt100Parser(keys.append).feed(typed.replace("\0", "\x04"))
        store_typeahead(session.input, keys)
