"""The fastest chat-completions server there can be: every answer is ready-made bytes.

It speaks just enough HTTP/1.1 for a benchmark on loopback. A request with tools is answered by a call of
``send_message``, one without (a summary) by a text; both are streamed, in one write. Who says `SLOWLY` waits.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

REPLY = (
    "That sounds like a long day, and I am glad that you told me. You said once that the river calms you "
    "down; would a short walk there after dinner help, or shall we look at the plans for the spring first?"
)
SLOWLY = "as slowly as you can"
SLOW_S = 5.0
_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n"
_ID = "call_0000000000"


def _stream(deltas: list[dict[str, Any]], finish: str) -> bytes:
    """The events of one answer. It reports no usage, which would teach a false calibration."""
    choices: list[dict[str, Any]] = [{"index": 0, "delta": delta, "finish_reason": None} for delta in deltas]
    choices.append({"index": 0, "delta": {}, "finish_reason": finish})
    common = {"id": "bench", "object": "chat.completion.chunk", "created": 1, "model": "bench"}
    events = [json.dumps(common | {"choices": [choice]}) for choice in choices]
    return "".join(f"data: {event}\n\n" for event in [*events, "[DONE]"]).encode()


def _call(pieces: int) -> bytes:
    arguments = json.dumps({"message": REPLY})
    size = -(-len(arguments) // pieces)
    function = {"name": "send_message", "arguments": ""}
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": "They need some rest; I offer a walk."}]
    deltas.append({"tool_calls": [{"index": 0, "id": _ID, "type": "function", "function": function}]})
    for at in range(0, len(arguments), size):
        function = {"arguments": arguments[at : at + size]}
        deltas.append({"tool_calls": [{"index": 0, "function": function}]})
    return _stream(deltas, "tool_calls")


class _Connection(asyncio.Protocol):
    """One client; requests on it come one after another."""

    def __init__(self, call: bytes, text: bytes, numbers: Iterator[int]) -> None:
        self._call, self._text, self._numbers = call, text, numbers
        self._received = bytearray()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        end = self._received.find(b"\r\n\r\n")
        if end < 0:
            return
        head = bytes(self._received[:end]).lower()
        at = head.find(b"content-length:")
        length = int(head[at + 15 :].partition(b"\r\n")[0]) if at >= 0 else 0
        if len(self._received) < end + 4 + length:
            return
        tools = self._received.rfind(b'"tools":[', end) >= 0
        slowly = self._received.find(SLOWLY.encode(), end) >= 0
        self._received.clear()
        body = self._call.replace(_ID.encode(), b"call_%010d" % next(self._numbers)) if tools else self._text
        if slowly:
            asyncio.get_running_loop().call_later(SLOW_S, self._write, body)
        else:
            self._write(body)

    def _write(self, body: bytes) -> None:
        assert self._transport is not None
        self._transport.write(_HEAD % (len(body), body))


async def serve(pieces: int) -> None:
    """Serve on a free port, which is printed, until the standard input closes."""
    loop = asyncio.get_running_loop()
    call, text, numbers = _call(pieces), _stream([{"content": REPLY}], "stop"), count()
    server = await loop.create_server(lambda: _Connection(call, text, numbers), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


class Running:
    """The server in its own process, for the benchmarks."""

    def __init__(self, process: subprocess.Popen[str], port: int) -> None:
        self._process = process
        self.url = f"http://127.0.0.1:{port}/v1"

    def cpu_s(self) -> float:
        """Processor seconds it has used; NaN where the system does not tell."""
        try:
            fields = (
                Path(f"/proc/{self._process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
            )
        except OSError:
            return float("nan")
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def running(pieces: int = 16) -> Iterator[Running]:
    """Start it; its arguments come in ``pieces``, as tokens do."""
    command = [sys.executable, "-m", "benchmarks.model_server", "--pieces", str(pieces)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield Running(process, int(process.stdout.readline()))
    finally:
        process.stdin.close()
        process.wait(10)
        process.stdout.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pieces", type=int, default=16, help="chunks that the reply is streamed in")
    asyncio.run(serve(parser.parse_args().pieces))


if __name__ == "__main__":
    main()
