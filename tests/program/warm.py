"""A warm everbot: a process that has imported everything, and forks for every start that it is asked for. Until it is
asked for the first it imports nothing.

What is started is a process of its own, with its own files, environment and end, that runs ``python -m bot``;
only the second that the imports take is spared. ``python -m tests.program.warm NUMBER`` serves on the listening
socket of that number until its standard input ends. A start is one JSON object with the three standard files
beside it; the answer is the process id, then, in a line of its own, the exit code, as `subprocess` has it.
Whoever hangs up before that has the process killed.
"""

from __future__ import annotations

import atexit
import fcntl
import gc
import importlib
import io
import json
import os
import runpy
import select
import signal
import socket
import sys
import termios
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MODULES = (
    "adapters.discord.adapter",
    "adapters.slack.adapter",
    "alembic.command",
    "apscheduler.executors.asyncio",
    "apscheduler.triggers.interval",
    "bot.cli.admin",
    "bot.cli.backup",
    "bot.cli.chat",
    "bot.cli.doctor",
    "bot.cli.load",
    "bot.cli.main",
    "bot.cli.memory",
    "bot.cli.persona",
    "bot.cli.run",
    "bot.cli.setup.wizard",
    "bot.cli.transfer",
    "bot.models.offline",
    "bot.models.openai",
    "discord",
    "openai",
    "slack_bolt.app.async_app",
)
"""Nothing that starts a thread: those do not live through a fork."""
MOST = 1 << 20  # bytes of a start


@dataclass(frozen=True)
class Start:
    arguments: list[str]
    folder: str
    environment: dict[str, str]
    terminal: bool


class Warm:
    """The serving process. ``serve`` returns in the forked ones only."""

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self._running: dict[int, socket.socket] = {}
        self._ended, wakeup = socket.socketpair()
        for end in (self._ended, wakeup):
            end.setblocking(False)
        self._wakeup = wakeup
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(wakeup.fileno())

    def serve(self) -> Start:
        while True:
            callers = {caller: pid for pid, caller in self._running.items()}
            ready, _, _ = select.select([0, self._listener, self._ended, *callers], [], [])
            for one in ready:
                if one == 0:
                    self._stop()
                elif one is self._ended:
                    self._ended.recv(4096)
                    self._reap()
                elif one is self._listener:
                    start = self._fork()
                    if start is not None:
                        return start
                elif callers[one] in self._running:
                    os.kill(callers[one], signal.SIGKILL)  # hung up
                    one.recv(1)

    def _stop(self) -> None:
        for pid in self._running:
            os.kill(pid, signal.SIGKILL)
        signal.set_wakeup_fd(-1)
        for own in (self._ended, self._wakeup, *self._running.values()):
            own.close()
        sys.exit()

    def _reap(self) -> None:
        while self._running:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                return
            with self._running.pop(pid) as caller:
                answer(caller, os.waitstatus_to_exitcode(status))

    def _fork(self) -> Start | None:
        caller, _ = self._listener.accept()
        text, files, _, _ = socket.recv_fds(caller, MOST, 3)
        start = Start(**json.loads(text))
        pid = os.fork()
        if pid:
            self._running[pid] = caller
            for file in files:
                os.close(file)
            answer(caller, pid)
            return None
        signal.set_wakeup_fd(-1)
        for own in (self._listener, self._ended, self._wakeup, caller, *self._running.values()):
            own.close()
        become(start, files)
        return start


def answer(caller: socket.socket, number: int) -> None:
    with suppress(OSError):  # hung up
        caller.sendall(b"%d\n" % number)


def become(start: Start, files: list[int]) -> None:
    """Make this process what the start asks for, as if it had begun so."""
    os.setsid()
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    if start.terminal:
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.chdir(start.folder)
    os.environ.clear()
    os.environ.update(start.environment)
    sys.argv[1:] = start.arguments
    sys.stdin = sys.__stdin__ = stream(0, "r")  # type: ignore[misc]
    sys.stdout = sys.__stdout__ = stream(1, "w")  # type: ignore[misc]
    sys.stderr = sys.__stderr__ = stream(2, "w", errors="backslashreplace", line_buffering=True)  # type: ignore[misc]


def stream(number: int, mode: str, **options: Any) -> io.TextIOWrapper:
    """A standard stream, as Python makes them at its start."""
    options = {"errors": "strict", "line_buffering": os.isatty(number)} | options
    return io.TextIOWrapper(open(number, f"{mode}b", closefd=False), encoding="utf-8", **options)


class Ending:
    """The end of a start, as Python's own but for taking apart what was imported: that takes longer than most commands.

    Made before anything registers what is to be done at the end, for this is to be done last.
    """

    def __init__(self) -> None:
        self.code: int | None = None
        atexit.register(self._leave)

    def run(self) -> None:
        try:
            runpy.run_module("bot", run_name="__main__", alter_sys=True)
            self.code = 0
        except SystemExit as end:
            self.code = end.code if isinstance(end.code, int) else None
            raise

    def _leave(self) -> None:
        if self.code is None:  # it crashed
            return
        gc.collect()  # what was not closed is told
        try:
            sys.stdout.flush()
            sys.stderr.flush()
        except (OSError, ValueError):  # which has a code of its own
            return
        os._exit(self.code)


def warm_up() -> None:
    gc.disable()  # importing leaves no garbage
    for module in MODULES:
        importlib.import_module(module)
    from bot.cli.main import command_line
    from memory.tokens import token_counter

    command_line()
    token_counter(
        "", Path(os.devnull)
    )  # tiktoken's table, where it is at hand: most of what a start then takes
    threads = len(os.listdir("/proc/self/task"))
    assert threads == 1, f"one of {MODULES} starts a thread, which a fork would lose"
    gc.collect()
    gc.freeze()
    gc.enable()


def main() -> None:
    ending = Ending()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # what a terminal sends is for pytest
    with socket.socket(fileno=int(sys.argv[1])) as listener:
        ready, _, _ = select.select([0, listener], [], [])
        if 0 in ready:  # nobody asked
            return
        warm_up()
        Warm(listener).serve()
    ending.run()


if __name__ == "__main__":
    main()
