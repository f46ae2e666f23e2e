"""Ports of loopback for those who must be told beforehand where to listen."""

from __future__ import annotations

import os
import socket
from itertools import count

_FIRST, _LAST = 10_240, 32_768  # above them lie those that the system gives to whoever asks for any
_numbers = count(os.getpid() * 97)  # processes begin at different places


def free_port() -> int:
    """A port that nobody listens on, and that the system gives to no one by itself before it is used."""
    while True:
        port = _FIRST + next(_numbers) % (_LAST - _FIRST)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
