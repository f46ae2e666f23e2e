"""The elements of a large array of JSON, one at a time: an export of years does not fit a small machine's memory."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any

_CHUNK = 1 << 20
_LONGEST = 64_000_000  # bytes of an element
_OUTSIDE = re.compile(rb'[{}\[\]"]')
_INSIDE = re.compile(rb'["\\]')  # of a string: its end, or what is to be passed over


@dataclass(frozen=True)
class Broken:
    """An element that is none; ``why`` is for people."""

    why: str


def elements(file: IO[bytes]) -> Iterator[Any]:
    """The objects and arrays in the array that ``file`` is, or the one object that it is; a `Broken` in the place of
    each that cannot be read, and at the end of a file that is not whole. What stands between them is passed over."""
    scan = _Scan()
    while not scan.ended and (chunk := file.read(_CHUNK)):
        yield from scan.found(chunk)
    if scan.depth > 0:
        yield Broken("it ends in the middle")


class _Scan:
    """Looks for where elements begin and end: by brackets, and quotes, whose insides count for nothing."""

    def __init__(self) -> None:
        self.depth = 0
        self.ended = False
        self._base: int | None = None  # the depth at which elements begin
        self._in_string = self._escaped = False
        self._element = bytearray()
        self._size = 0

    def found(self, chunk: bytes) -> Iterator[Any]:
        """The elements that end in the next part of the file."""
        at, begun = int(self._escaped), 0
        self._escaped = False
        while not self.ended and (sign := (_INSIDE if self._in_string else _OUTSIDE).search(chunk, at)):
            at = sign.end()
            if sign[0] == b'"':
                self._in_string = not self._in_string
            elif sign[0] == b"\\":
                self._escaped = at == len(chunk)
                at += 1
            elif sign[0] in b"{[":
                if self._opens(sign[0]):
                    begun = at - 1
            elif self._closes():
                self._keep(chunk[begun:at])
                yield _read(self._element, self._size)
        if self._base is not None and self.depth > self._base:
            self._keep(chunk[begun:])

    def _opens(self, sign: bytes) -> bool:
        """Whether an element begins with this bracket."""
        self.depth += 1
        if self._base is None:
            self._base = int(sign == b"[")
        if self.depth != self._base + 1:
            return False
        self._element, self._size = bytearray(), 0
        return True

    def _closes(self) -> bool:
        """Whether an element ends with this bracket."""
        self.depth -= 1
        base = self._base or 0
        self.ended = self.depth <= 0 and (base == 1 or self.depth < 0)
        return self.depth == base and not self.ended

    def _keep(self, part: bytes) -> None:
        self._size += len(part)
        if self._size <= _LONGEST:
            self._element += part


def _read(element: bytearray, size: int) -> Any:
    if size > _LONGEST:
        return Broken(f"it has more than {_LONGEST:,} bytes")
    try:
        return json.loads(element)
    except (ValueError, RecursionError) as error:
        return Broken(f"it is no JSON ({str(error)[:60]})")
