"""What text is in a file. For files of strangers: `memory.documents.reader` does it in a process of its own."""

from __future__ import annotations

import re
import stat
from pathlib import Path

from memory.documents import tables
from memory.documents.decoding import decode
from memory.documents.finding import stat_of, unreadable
from memory.documents.kinds import format_of, suffix_of, unread_kind
from memory.errors import DocumentError, ReaderMissing
from memory.extras import how_to_have, lacks

MAX_BYTES = 50 * 1024 * 1024


def read_text(path: Path, max_bytes: int = MAX_BYTES) -> str:
    """The text of a file. See `text_of`."""
    return text_of(str(path), read_bytes(path, max_bytes), max_bytes)


def read_bytes(path: Path, max_bytes: int = MAX_BYTES) -> bytes:
    """The content of a file that is not empty and has at most so many bytes."""
    if not stat.S_ISREG(stat_of(path).st_mode):
        raise DocumentError(f"{path} is not a file.")
    try:
        with path.open("rb") as file:
            data = file.read(max_bytes + 1)
    except OSError as exc:
        raise unreadable(path, exc) from exc
    if len(data) > max_bytes:
        raise DocumentError(f"{path} is too large: a document has at most {max_bytes:,} bytes.")
    return data


def text_of(name: str, data: bytes, max_bytes: int = MAX_BYTES) -> str:
    """The text in a file of that name: PDF, DOCX, PPTX, XLSX, EPUB and HTML as Markdown, tables of CSV as Markdown's,
    any other decoded.

    Lines end in ``\\n``; the text is not blank and holds neither NULs nor lone surrogates.
    """
    if not data:
        raise DocumentError(f"{name} is empty.")
    form = format_of(name, data)
    if form:
        check_reader(name, form)
        from memory.documents.converting import converted  # what it stands on takes a second to load

        text = converted(name, form, data, max_bytes)
    else:
        text = _plain(name, data)
    text = re.sub(r"\r\n?", "\n", text.replace("\0", ""))
    text = re.sub("[\ud800-\udfff]", "\ufffd", text)
    if not text.strip():
        scan = " (is it a scan, pictures of pages?)" if form == ".pdf" else ""
        raise DocumentError(f"{name} holds no text{scan}.")
    return text


def check_reader(name: str, form: str) -> None:
    """Raises `ReaderMissing` where what reads that format (`format_of`) is not installed."""
    if lacks("documents"):
        raise ReaderMissing(name, form[1:].upper(), how_to_have("documents"))


def _plain(name: str, data: bytes) -> str:
    kind = unread_kind(data)
    if kind:
        raise DocumentError(f"{name} is {kind}, which is not read: save it as DOCX, PDF or text.")
    text = decode(data)
    if text is None:
        raise DocumentError(f"{name} is binary, not text.")
    if suffix_of(name) in (".csv", ".tsv"):
        return tables.of_csv(text) or text
    return text
