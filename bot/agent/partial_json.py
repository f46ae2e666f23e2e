"""The text under one key of a JSON object, read while the object is still being written. Pure, and linear."""

from __future__ import annotations

import json
import re

_UNITS = re.compile(r'(?:[^"\\]|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[0-9a-fA-F]{4}|\\u[0-9a-fA-F]{4}|\\[^u])*')
_HALF = re.compile(r"\\u[dD][89abAB][0-9a-fA-F]{2}$")  # the first half of a sign beyond 16 bits
_BLANK = re.compile(r"[\s{,:]*")
_BEFORE = 8_192  # characters of one value that may stand before the text
MOST = 65_536
"""Characters of a text that are told."""
_VALUE = json.JSONDecoder(strict=False)


class PartialText:
    """Feed it with `add`; ``text`` is what of the value can be told so far. What is no such object gives none."""

    def __init__(self, key: str) -> None:
        self.text = ""
        self._key = key
        self._rest = ""  # not read yet
        self._inside = self._over = False

    def add(self, more: str) -> None:
        if self._over:
            return
        self._rest += more
        if not self._inside:
            self._seek()
        if self._inside:
            self._take()

    def _seek(self) -> None:
        """Go over whole keys with their values, up to the text's first sign."""
        at = 0
        try:
            while True:
                name, at_value = _VALUE.raw_decode(self._rest, _next(self._rest, at))
                at_value = _next(self._rest, at_value)
                if name == self._key and self._rest[at_value : at_value + 1] == '"':
                    self._rest, self._inside = self._rest[at_value + 1 :], True
                    return
                _, end = _VALUE.raw_decode(self._rest, at_value)
                if not self._rest[end : end + 64].lstrip().startswith(","):  # it may go on, as numbers do
                    break
                at = end
        except ValueError:
            pass  # something is not whole yet
        self._rest = self._rest[at:]
        self._over = len(self._rest) > _BEFORE

    def _take(self) -> None:
        """Decode what is whole of the text."""
        found = _UNITS.match(self._rest)
        assert found is not None
        whole = found[0]
        if (half := _HALF.search(whole)) is not None and not self._rest.startswith('"', found.end()):
            whole = whole[: half.start()]
        try:
            self.text += json.loads(f'"{whole}"', strict=False)
        except ValueError:
            self._over = True
            return
        self._rest = self._rest[len(whole) :]
        self._over = self._rest.startswith('"') or len(self.text) > MOST


def _next(text: str, at: int) -> int:
    """Where the next key or value begins."""
    found = _BLANK.match(text, at)
    return found.end() if found else at
