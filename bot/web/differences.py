"""What changed from one text to another, word by word. Pure."""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from typing import Literal, NamedTuple

_PIECES = re.compile(r"\s+|\w+|[^\w\s]")
_MOST = 4_000  # pieces that are compared: beyond, it would take long


class Piece(NamedTuple):
    kind: Literal["same", "gone", "came"]
    text: str


def differences(before: str, after: str) -> list[Piece]:
    """The pieces in their order, what went before what came in its place. Texts that are too long for it went, and
    came, whole."""
    old, new = _PIECES.findall(before), _PIECES.findall(after)
    if len(old) + len(new) > _MOST:
        return [piece for piece in (Piece("gone", before), Piece("came", after)) if piece.text]
    found: list[Piece] = []
    for kind, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "equal":
            found.append(Piece("same", "".join(old[a:b])))
            continue
        found += [Piece("gone", "".join(old[a:b]))] if b > a else []
        found += [Piece("came", "".join(new[c:d]))] if d > c else []
    return found
