"""A text in pieces, for storing: cut where it is natural, each with the end of the one before."""

from __future__ import annotations

import bisect
import re
from collections.abc import Callable, Iterator, Sequence
from itertools import chain

from memory.documents.tables import Table, tables_in

# Where a text may be cut, best first. The cut is at the match's end.
_HEADING = re.compile(r"\n(?=#{1,6} )")
_PARAGRAPH = re.compile(r"\n[ \t]*\n\s*")
_LINE = re.compile(r"\n")
_SENTENCE = re.compile(r"(?<=[.!?…])[\"'»”’)\]]*\s+|(?<=[。！？])")
_WORD = re.compile(r"\s+")
_BORDERS = (_HEADING, _PARAGRAPH, _SENTENCE, _LINE, _WORD)
_BORDERS_OF_ROWS = (_HEADING, _PARAGRAPH, _LINE, _SENTENCE, _WORD)
_HEAD = 3  # the part of a piece, as one in so many, that the head of a table may take


def chunks(text: str, count: Callable[[str], int], size: int = 300, overlap: int = 40) -> Iterator[str]:
    """Pieces of at most ``size`` tokens by ``count``, in order, without white space at their ends.

    Each begins with up to ``overlap`` of the last tokens of the one before. They are cut before a
    heading, else after a paragraph, sentence, line or word, else anywhere. Every character of the text
    but white space at a cut is in a piece. A single character of more than ``size`` tokens is a piece.
    A table of Markdown is cut between rows; what goes on with one begins with its head, and repeats no row.
    ``count`` sees strings of about ``size`` tokens only, and each part of the text a few times.
    """
    if size < 1 or not 0 <= overlap < size:
        raise ValueError("size must be at least 1, and overlap at least 0 and less than size")
    start = done = _skip_space(text, 0)  # the piece begins at start; everything before done is in one
    density = 4.0  # characters of a token, as it was last seen
    known = tables_in(text)
    while done < len(text):
        head = _head(text, _table_at(known, start), count, size)
        counted = _after(head, count) if head else count
        reach, tokens = _reach(text, start, counted, size, density)
        if reach <= done:
            start = done  # the overlap leaves no room for anything new
            continue
        density = max(1.0, (reach - start) / max(tokens, 1))
        borders = _BORDERS_OF_ROWS if _table_at(known, reach) else _BORDERS
        end = reach if reach == len(text) else _border(text, start, done, reach, borders)
        if end != reach and counted(text[start:end].strip()) > size:
            end = reach  # a part can have more tokens than the whole
        yield head + text[start:end].strip()
        done = _skip_space(text, end)
        share = 0 if _table_at(known, end) else overlap
        start = _overlap(text, start, end, count, share, (end - start) * share // size) or done


def _table_at(known: Sequence[Table], at: int) -> Table | None:
    """The table among whose rows that place is."""
    number = bisect.bisect_right(known, at, key=lambda table: table.body) - 1
    return known[number] if number >= 0 and at < known[number].end else None


def _head(text: str, table: Table | None, count: Callable[[str], int], size: int) -> str:
    """What a piece begins with that goes on with this table: its head, unless that is too long."""
    if table is None:
        return ""
    head = text[table.start : min(table.body, table.start + 16 * size)]
    return head if head.endswith("\n") and count(head) <= size // _HEAD else ""


def _after(head: str, count: Callable[[str], int]) -> Callable[[str], int]:
    return lambda part: count(head + part)


def _skip_space(text: str, at: int) -> int:
    match = re.compile(r"\S").search(text, at)
    return match.start() if match else len(text)


def _reach(text: str, start: int, count: Callable[[str], int], size: int, density: float) -> tuple[int, int]:
    """How far a piece from ``start`` can go, and its tokens: nearly full, at the first guess if possible."""
    fits, tokens = start + 1, 0
    over = len(text) + 1  # seen, or by definition, to be too far
    guess, tries = start + int(size * density * 0.95), 0
    while over - fits > 1:
        guess = min(max(guess, fits + 1), over - 1)
        needed = count(text[start:guess].strip())
        if needed > size:
            over = guess
        else:
            fits, tokens = guess, needed
            if needed >= size * 0.85:
                break
        tries += 1
        length = guess - start
        if tries > 3 and over <= len(text):
            guess = (fits + over) // 2  # a text too uneven to guess
        else:
            guess = start + min(4 * length, int(length * size * 0.95 / max(needed, 1)))
    return fits, tokens


def _border(text: str, start: int, done: int, reach: int, borders: Sequence[re.Pattern[str]]) -> int:
    """The best place to cut in the second half of what fits; ``reach`` if there is none."""
    first = max((start + reach) // 2, done)
    last = _skip_space(text, reach)  # what was counted, and the space behind it
    for border in borders:
        ends = [m.end() for m in border.finditer(text, first, reach + 1) if m.end() > first]
        if ends:
            return min(ends[-1], last)
    return reach


def _overlap(text: str, start: int, end: int, count: Callable[[str], int], overlap: int, near: int) -> int:
    """Where the last ``overlap`` tokens before ``end`` begin: at a sentence or else a word; 0 for nowhere."""
    first = max(start + 1, end - 2 * near - 16)
    words = [m.end() for m in _WORD.finditer(text, first, end)]
    places = [place for place in words if place < end] or list(range(first, end))
    at = bisect.bisect_left(places, True, key=lambda place: count(text[place:end].strip()) <= overlap)
    if overlap == 0 or at == len(places):
        return 0
    sentences = chain(_PARAGRAPH.finditer(text, first, end), _SENTENCE.finditer(text, first, end))
    return min((m.end() for m in sentences if places[at] <= m.end() < end), default=places[at])
