"""SentencePiece's unigram segmentation (Kudo, "Subword regularization", 2018) over a vocabulary as it lies in a file.

The library ``tokenizers`` takes 250 MB for a vocabulary of 250,000 pieces; this takes a few. Pieces are found by a hash
table of their CRC-32, and words, which are cut one by one, are remembered.
"""

from __future__ import annotations

from array import array
from collections.abc import Collection
from functools import lru_cache
from typing import Any
from zlib import crc32

import numpy as np

_SPACE = "▁"  # how a word begins
_REMEMBERED = 20_000  # words
_LONGEST = 200  # characters of a word that are cut at once: what has no spaces is cut in such stretches
_UNLIKELY = 10.0  # how much less likely than any piece a sign is that no piece has
_IMPOSSIBLE = -1e30


class Unigram:
    """``pieces`` from ``offsets[i]`` to ``offsets[i + 1]`` with ``scores`` (log probabilities); ``special`` ids are
    no pieces of text."""

    def __init__(
        self, pieces: bytes, offsets: Any, scores: Any, *, unknown: int, special: Collection[int]
    ) -> None:
        count = len(scores)
        self._pieces, self._unknown = pieces, unknown
        # Arrays of the standard library: reading one number of numpy's takes three times as long.
        self._offsets = array("I", np.asarray(offsets, np.uint32).tobytes())
        self._scores = array("f", np.asarray(scores, np.float32).tobytes())
        self._mask = (1 << (2 * count - 1).bit_length()) - 1
        self._table = self._hashed(count, frozenset(special))
        self._least = float(min(self._scores)) - _UNLIKELY
        self._longest = max(b - a for a, b in zip(self._offsets, self._offsets[1:], strict=False))
        self._word = lru_cache(maxsize=_REMEMBERED)(self._cut)

    def _hashed(self, count: int, special: frozenset[int]) -> array[int]:
        table = array("i", bytes(4 * (self._mask + 1)))
        for piece in range(count):
            first, last = self._offsets[piece], self._offsets[piece + 1]
            if piece in special or first == last:
                continue
            slot = crc32(self._pieces[first:last]) & self._mask
            while table[slot]:
                slot = (slot + 1) & self._mask
            table[slot] = piece + 1
        return table

    def encode(self, text: str, most: int) -> list[int]:
        """Ids of the text's pieces, at most ``most``. Linear in the text's length."""
        ids: list[int] = []
        for word in text.split(" "):
            for start in range(0, len(word), _LONGEST):
                part = word[start : start + _LONGEST]
                ids += self._word(part if start else _SPACE + part)
                if len(ids) >= most:
                    return ids[:most]
        return ids

    def _find(self, key: bytes) -> int:
        """The piece, or -1."""
        slot = crc32(key) & self._mask
        while found := self._table[slot]:
            if self._pieces[self._offsets[found - 1] : self._offsets[found]] == key:
                return found - 1
            slot = (slot + 1) & self._mask
        return -1

    def _cut(self, word: str) -> list[int]:
        """The likeliest pieces of a word (Viterbi, 1967)."""
        data, ends = word.encode(), [0]
        for sign in word:
            ends.append(ends[-1] + len(sign.encode()))
        length = len(word)
        best = [0.0] + [_IMPOSSIBLE] * length
        piece, start = [0] * (length + 1), [0] * (length + 1)
        for i in range(length):
            first, alone = ends[i], False
            for j in range(i + 1, length + 1):
                if ends[j] - first > self._longest:
                    break
                found = self._find(data[first : ends[j]])
                if found < 0:
                    continue
                alone = alone or j == i + 1
                if best[i] + self._scores[found] > best[j]:
                    best[j], piece[j], start[j] = best[i] + self._scores[found], found, i
            if not alone and best[i] + self._least > best[i + 1]:
                best[i + 1], piece[i + 1], start[i + 1] = best[i] + self._least, self._unknown, i
        ids: list[int] = []
        at = length
        while at:
            if not (ids and ids[-1] == piece[at] == self._unknown):  # signs that are unknown together are one
                ids.append(piece[at])
            at = start[at]
        return ids[::-1]
