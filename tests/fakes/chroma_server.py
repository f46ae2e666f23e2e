"""A real Chroma server on loopback, which can be killed, stopped for a while, and begun anew with nothing."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.fakes.ports import free_port
from tests.patience import PATIENCE_S

_PROGRAM = "import sys, chromadb_rust_bindings; chromadb_rust_bindings.cli(sys.argv)"


class ChromaServer:
    """``url`` stays the same through all of its lives. Its files lie in ``folder``."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._port = folder, free_port()
        self.url = f"http://127.0.0.1:{self._port}"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        self.kill()

    def start(self) -> None:
        """Returns when it listens."""
        self._folder.mkdir(exist_ok=True)
        options = ["run", "--path", str(self._folder), "--host", "127.0.0.1", "--port", str(self._port)]
        self._process = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM, *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=self._folder,
        )
        assert self._process.stdout is not None
        log: list[bytes] = []
        for line in self._process.stdout:
            log.append(line)
            if b"listening" in line:
                break
        else:
            raise AssertionError(b"".join(log).decode())
        self._drain = threading.Thread(target=self._process.stdout.read)
        self._drain.start()
        self._wait_for_its_port()

    def _wait_for_its_port(self) -> None:
        """It says that it listens before it does."""
        end = time.monotonic() + PATIENCE_S
        while True:
            try:
                socket.create_connection(("127.0.0.1", self._port)).close()
                return
            except ConnectionRefusedError:
                assert time.monotonic() < end, "the server does not listen"
                time.sleep(0.01)

    def kill(self) -> None:
        """Idempotent."""
        assert self._process.stdout is not None
        self._process.kill()
        self._process.wait()
        self._drain.join()
        self._process.stdout.close()

    def lose_everything(self) -> None:
        """Killed, and begun anew on an empty disk."""
        self.kill()
        shutil.rmtree(self._folder)
        self.start()

    def hang(self) -> None:
        """It takes connections, and answers nothing until `go_on`."""
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self._process.send_signal(signal.SIGCONT)
