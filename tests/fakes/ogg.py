"""Opus in Ogg, as much of it as containers tell (RFC 3533, RFC 7845): packets of any bytes."""

from __future__ import annotations

import struct
from collections.abc import Sequence

SKIPPED = 312  # samples before the sound begins


def page(packets: Sequence[bytes], granule: int, number: int, *, kind: int = 0) -> bytes:
    lacing = b"".join(b"\xff" * (len(p) // 255) + bytes([len(p) % 255]) for p in packets)
    head = struct.pack("<4sBBqIIIB", b"OggS", 0, kind, granule, 7, number, 0, len(lacing))
    return head + lacing + b"".join(packets)


def opus(sizes: Sequence[int], seconds: float) -> bytes:
    """Packets of these sizes, on one page, that last so long."""
    head = b"OpusHead" + struct.pack("<BBHIhB", 1, 1, SKIPPED, 24_000, 0, 0)
    tags = b"OpusTags" + struct.pack("<II", 0, 0)
    granule = round(seconds * 48_000) + SKIPPED
    return (
        page([head], 0, 0, kind=2)
        + page([tags], 0, 1)
        + page([bytes(size) for size in sizes], granule, 2, kind=4)
    )
