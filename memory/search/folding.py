"""What people write or leave out as they please, taken away: case, accents, strokes, the vowel marks of Arabic and
Hebrew. Pure. It goes piece by piece: the time grows with the text's length, and no step of it is long."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

_MARKED = re.compile(r"[\u00c0-\u052f\u1e00-\u1fff]+")
_LEFT_OUT = re.compile(
    "[\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7"  # Hebrew's points and accents
    "\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e8\u06ea-\u06ed\u0898-\u089f\u08ca-\u08ff"  # Arabic's
    "\u0640\u0711\u0730-\u074a"  # tatweel, which only makes words longer; Syriac's points
    "\u00ad\u200d-\u200f\u202a-\u202e\u2060-\u2069\ufe00-\ufe0f\ufeff]+"  # what is not seen
)
_SAME = str.maketrans(
    dict(zip("łøđðıħŧ", "loddiht", strict=True))
    | {"æ": "ae", "œ": "oe", "þ": "th"}
    | dict(zip("آأإٱىیکة", "ااااييكه", strict=True))  # forms of alef; letters of other keyboards
    | {c: str(unicodedata.decimal(c)) for c in map(chr, range(0x660, 0x1A9A)) if c.isdecimal()}
)
_PIECE = 1_024  # characters that are folded at once: what marks in disorder cost grows with its square


def normal(text: str) -> Iterator[str]:
    """The text without case and variants of its signs, in pieces that are cut between words, if there are such."""
    start = 0
    while start < len(text):
        end = start + _PIECE
        if end < len(text):
            blank = max(text.rfind(" ", start + 1, end), text.rfind("\n", start + 1, end))
            end = blank if blank > 0 else end
        yield unicodedata.normalize("NFKC", text[start:end]).casefold()
        start = end


def visible(piece: str) -> str:
    """A normal piece without points and what is not seen; accents stay."""
    return piece if piece.isascii() else _LEFT_OUT.sub("", piece)


def bare(piece: str) -> str:
    """A visible piece without accents, with one form of each letter."""
    return piece if piece.isascii() else _MARKED.sub(_unmarked, piece).translate(_SAME)


def folded(text: str) -> str:
    """A short text, as one."""
    return "".join(bare(visible(piece)) for piece in normal(text))


def _unmarked(match: re.Match[str]) -> str:
    """Latin, Greek and Cyrillic letters without their accents; in other scripts marks tell words apart."""
    return "".join(c for c in unicodedata.normalize("NFD", match.group()) if not unicodedata.combining(c))
