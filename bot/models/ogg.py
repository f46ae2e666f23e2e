"""How long sound in an Ogg file is, and how loud about (RFC 3533; of Opus: RFC 7845)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

_HEAD = 27  # bytes of a page before its segment table
_RATE = 48_000  # samples a second of every Opus stream's positions, whatever it was made from
_BARS = 256  # of a waveform, at most


@dataclass(frozen=True)
class Sound:
    """``waveform`` has 1 to 256 values of one byte, evenly over the time. It is made of how large the packets are: a
    loud moment needs more bits than silence, though not in proportion."""

    seconds: float
    waveform: bytes


@dataclass(frozen=True)
class _Page:
    granule: int  # the position at its end, in samples; -1: no packet ends in it
    packets: Sequence[
        int
    ]  # bytes of those that end in it, and last of one that goes on in the next, if any does
    whole: bool  # the last one ends in it
    data: bytes


def opus(data: bytes) -> Sound | None:
    """None for what is no Opus in Ogg, or holds no sound."""
    pages = list(_pages(data))
    if not pages or len(pages[0].data) < 12 or not pages[0].data.startswith(b"OpusHead"):
        return None
    skipped = int.from_bytes(pages[0].data[10:12], "little")
    ends = [page.granule for page in pages[1:] if page.granule > 0]
    packets = list(_packets(pages))[2:]  # the first two are headers
    samples = (ends[-1] if ends else 0) - skipped
    if samples <= 0 or not packets:
        return None
    return Sound(samples / _RATE, _bars(packets))


def _pages(data: bytes) -> Iterator[_Page]:
    at = 0
    while data[at : at + 4] == b"OggS" and len(data) >= at + _HEAD:
        granule = int.from_bytes(data[at + 6 : at + 14], "little", signed=True)
        segments = data[at + _HEAD : at + _HEAD + data[at + 26]]
        body = at + _HEAD + len(segments)
        packets, size = list[int](), 0
        for segment in segments:
            size += segment
            if segment < 255:
                packets.append(size)
                size = 0
        whole = not segments or segments[-1] < 255
        packets += [] if whole else [size]
        end = body + sum(segments)
        yield _Page(granule, packets, whole, data[body:end])
        at = end


def _packets(pages: Sequence[_Page]) -> Iterator[int]:
    """The size of each."""
    begun = 0
    for page in pages:
        for number, size in enumerate(page.packets):
            begun += size
            if page.whole or number < len(page.packets) - 1:
                yield begun
                begun = 0


def _bars(packets: Sequence[int]) -> bytes:
    count = min(_BARS, len(packets))
    edges = [len(packets) * n // count for n in range(count + 1)]
    sizes = [max(packets[low:high]) for low, high in pairwise(edges)]
    most = max(*sizes, 1)
    return bytes(size * 255 // most for size in sizes)
