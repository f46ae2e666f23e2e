"""Tables in Markdown: made of rows, and known again in a text. Pure."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice

_DELIMITERS = (",", ";", "\t", "|")
_GUESSED = 50  # rows by which a delimiter is guessed
_RULE = re.compile(r"^\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*$", re.MULTILINE)


def markdown(rows: Iterable[Sequence[str]]) -> str:
    """The rows, the first of them as the head, as wide as the widest."""
    held = [list(row) for row in rows]
    width = max(map(len, held), default=0)
    lines = [" | ".join(map(_cell, row + [""] * (width - len(row)))) for row in held]
    lines[1:1] = [" | ".join(["---"] * width)] if lines else []
    return "\n".join(f"| {line} |" for line in lines)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def of_csv(text: str) -> str | None:
    """The table that the text is, with commas, semicolons, tabs or bars; None when it is no table."""
    best, width = "", 1
    head = "".join(islice(io.StringIO(text), _GUESSED))
    for delimiter in _DELIMITERS:
        widths = [len(row) for row in _rows(head, delimiter) or () if row]
        if len(widths) > 1 and min(widths) > width and widths.count(widths[0]) >= len(widths) * 0.8:
            best, width = delimiter, min(widths)
    rows = _rows(text, best) if best else None
    return markdown(row for row in rows if any(row)) if rows else None


def _rows(text: str, delimiter: str) -> list[list[str]] | None:
    try:
        return list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    except csv.Error:
        return None


@dataclass(frozen=True)
class Table:
    """Where a table stands in a text: its head from ``start`` to ``body``, its rows to ``end``."""

    start: int
    body: int
    end: int


def tables_in(text: str) -> list[Table]:
    """The tables of Markdown in a text, in order."""
    found: list[Table] = []
    for rule in _RULE.finditer(text):
        if "|" not in rule.group() or rule.start() == 0:
            continue
        start = text.rfind("\n", 0, rule.start() - 1) + 1
        if "|" not in text[start : rule.start()] or (found and start < found[-1].end):
            continue
        body = end = min(rule.end() + 1, len(text))
        while end < len(text):
            line_end = text.find("\n", end)
            line_end = len(text) if line_end < 0 else line_end + 1
            if "|" not in text[end:line_end]:
                break
            end = line_end
        found.append(Table(start, body, end))
    return found
