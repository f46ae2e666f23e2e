"""Starts of the real program: forked from a warm one where forks are safe, else as a shell would do it."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
from asyncio.subprocess import PIPE
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol, Self
from uuid import uuid4

from tests.patience import PATIENCE_S

ROOT = Path(__file__).resolve().parents[2]
COLD = sys.platform != "linux" or "COLD" in os.environ
"""Whether every start is a new interpreter: where libraries bear no fork, and in `make soak`."""

_STRICT = ["-W", "error::ResourceWarning"]
_CONTROLLING = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""
_WARM = "EVERBOT_TEST_WARM"  # the name of its address


@dataclass(frozen=True)
class Start:
    """``terminal``: standard input is a terminal, and becomes the controlling one."""

    arguments: Sequence[str]
    folder: str
    environment: Mapping[str, str]
    terminal: bool = False


@dataclass(frozen=True)
class Done:
    code: int
    out: str
    err: str

    @property
    def sentence(self) -> str:
        """What was told on standard error by a command that failed: one line, and no traceback."""
        assert self.code == 1, (self.code, self.err)
        (line,) = self.err.splitlines()
        assert line.startswith("everbot: ")
        assert line.endswith((".", ")."))
        return line


class Process(Protocol):
    """What is used of `asyncio.subprocess.Process`."""

    stdin: asyncio.StreamWriter | None
    stdout: asyncio.StreamReader | None
    stderr: asyncio.StreamReader | None

    @property
    def pid(self) -> int: ...

    @property
    def returncode(self) -> int | None: ...

    def send_signal(self, signal: int) -> None: ...

    def kill(self) -> None: ...

    async def wait(self) -> int: ...

    async def communicate(self, input: bytes | None = None) -> tuple[bytes, bytes]: ...


def run(start: Start, source: bytes = b"", *, cold: bool = COLD) -> Done:
    """Start it, feed it and wait for its end. An event loop of the caller's stands still meanwhile."""

    async def whole() -> Done:
        process = await launch(start, cold=cold)
        try:
            async with asyncio.timeout(PATIENCE_S):
                out, err = await process.communicate(source)
        finally:
            if process.returncode is None:
                process.kill()
            code = await process.wait()
        return Done(code, out.decode(), err.decode())

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, whole()).result()


async def launch(
    start: Start, *, stdin: int = PIPE, stdout: int = PIPE, stderr: int = PIPE, cold: bool = COLD
) -> Process:
    """The running program. Its standard files are pipes, or files of these numbers."""
    if not cold:
        return await _Forked.launch(start, [stdin, stdout, stderr])
    before = [sys.executable, "-c", _CONTROLLING] if start.terminal else []
    return await asyncio.create_subprocess_exec(
        *[*before, sys.executable, *_STRICT, "-m", "bot", *start.arguments],
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        cwd=start.folder,
        env=start.environment,
        start_new_session=True,
    )


class _Forked:
    """A fork of the warm program. On a connection it tells its process id and its exit code; when the
    connection ends, so does the process."""

    def __init__(self, pid: int, answers: asyncio.StreamReader, connection: asyncio.StreamWriter) -> None:
        self.pid = pid
        self.stdin: asyncio.StreamWriter | None = None
        self.stdout: asyncio.StreamReader | None = None
        self.stderr: asyncio.StreamReader | None = None
        self.returncode: int | None = None
        self._end = asyncio.create_task(self._ended(answers, connection))

    @classmethod
    async def launch(cls, start: Start, files: Sequence[int]) -> Self:
        pipes = {number: os.pipe() for number, file in enumerate(files) if file == PIPE}
        given = [pipes[n][n != 0] if n in pipes else file for n, file in enumerate(files)]
        caller = await asyncio.to_thread(_call, start, given)
        for number in pipes:
            os.close(given[number])
        answers, connection = await asyncio.open_unix_connection(sock=caller)
        process = cls(int(await answers.readline()), answers, connection)
        process.stdin = await _written(pipes[0][1]) if 0 in pipes else None
        process.stdout, process.stderr = [
            await _read(pipes[number][0]) if number in pipes else None for number in (1, 2)
        ]
        return process

    async def _ended(self, answers: asyncio.StreamReader, connection: asyncio.StreamWriter) -> int:
        try:
            self.returncode = int(await answers.readline())
        finally:
            connection.close()
            if self.stdin is not None:
                self.stdin.close()
        return self.returncode

    def send_signal(self, signal: int) -> None:
        if self.returncode is None:
            os.kill(self.pid, signal)

    def kill(self) -> None:
        self.send_signal(9)

    async def wait(self) -> int:
        return await asyncio.shield(self._end)

    async def communicate(self, input: bytes | None = None) -> tuple[bytes, bytes]:
        async def feed(file: asyncio.StreamWriter) -> None:
            with suppress(BrokenPipeError, ConnectionResetError):
                file.write(input or b"")
                await file.drain()
            file.close()

        async with asyncio.TaskGroup() as group:
            if self.stdin is not None:
                group.create_task(feed(self.stdin))
            out, err = [
                group.create_task(file.read()) if file else None for file in (self.stdout, self.stderr)
            ]
            await self.wait()
        return out.result() if out else b"", err.result() if err else b""


async def _written(number: int) -> asyncio.StreamWriter:
    loop = asyncio.get_running_loop()
    protocol = asyncio.StreamReaderProtocol(asyncio.StreamReader())
    transport, _ = await loop.connect_write_pipe(lambda: protocol, open(number, "wb", 0))  # noqa: SIM115
    return asyncio.StreamWriter(transport, protocol, None, loop)


async def _read(number: int) -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    protocol = asyncio.StreamReaderProtocol(reader)
    await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, open(number, "rb", 0))  # noqa: SIM115
    return reader


def command() -> list[str]:
    """How a shell starts the program, before its arguments: a fork of the warm one where forks are safe. The shell's
    folder, environment and standard files are its own."""
    if COLD:
        return [sys.executable, *_STRICT, "-m", "bot"]
    return [sys.executable, "-S", str(ROOT / "tests" / "program" / "ask.py"), os.environ[_WARM]]


def _call(start: Start, files: Sequence[int]) -> socket.socket:
    caller = socket.socket(socket.AF_UNIX)
    caller.connect(f"\0{os.environ[_WARM]}")
    socket.send_fds(caller, [json.dumps(asdict(start)).encode()], files)
    return caller


def prepare() -> Callable[[], None]:
    """Before any test: the warm program, one for all processes of a run of pytest. Returns what ends it."""
    os.environ[_WARM] = f"everbot-{uuid4().hex}"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"\0{os.environ[_WARM]}")
        listener.listen()
        process = subprocess.Popen(
            [sys.executable, *_STRICT, "-m", "tests.program.warm", str(listener.fileno())],
            stdin=subprocess.PIPE,
            pass_fds=[listener.fileno()],
            cwd=ROOT,
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},  # threads do not live through a fork
        )

    def end() -> None:
        process.communicate()

    return end
