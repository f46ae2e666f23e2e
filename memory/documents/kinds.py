"""The kinds of files that are read, by their names and by what they begin with."""

from __future__ import annotations

import io
import zipfile
from pathlib import PurePath

TEXT_SUFFIXES = frozenset(
    """
    .adoc .bash .bat .bib .c .cc .cfg .cpp .cs .css .csv .cxx .dart .diff .el .erl .ex .exs .go .gradle .h
    .hpp .hs .ini .java .jl .js .json .jsonl .jsx .kt .kts .less .lisp .log .lua .m .markdown .md .mdx
    .ml .mli .nim .org .patch .php .pl .pm .properties .proto .ps1 .py .pyi .r .rb .rs .rst .scala .scm .scss
    .sh .sql .srt .svelte .swift .tcl .tex .text .toml .ts .tsv .tsx .txt .vb .vtt .vue .xml .yaml .yml .zig
    """.split()
)
HTML_SUFFIXES = frozenset({".html", ".htm", ".xhtml"})
PACKED = {".docx": "word/", ".pptx": "ppt/", ".xlsx": "xl/", ".epub": "META-INF/container.xml"}
"""Kinds that are zip files, and what is in each of them."""
KNOWN_SUFFIXES = TEXT_SUFFIXES | HTML_SUFFIXES | set(PACKED) | {".pdf"}

_ZIP = b"PK\x03\x04"
_ODF = b"mimetypeapplication/vnd.oasis.opendocument"  # from byte 30: its first part (OpenDocument 1.3, part 2, 3.3)
_UNREAD = {b"{\\rtf": "a Rich Text file", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": "a file of Office before 2007"}


def suffix_of(name: str) -> str:
    return PurePath(name).suffix.lower()


def format_of(name: str, data: bytes) -> str:
    """The suffix of the format that needs a parser: ``.pdf``, ``.html`` or one of `PACKED`; empty for plain text.

    What a file begins with goes before its name: people and platforms rename.
    """
    suffix = suffix_of(name)
    if data.startswith(b"%PDF-"):
        return ".pdf"
    if data.startswith(_ZIP) and suffix not in PACKED:
        return _packed(data)
    if suffix in HTML_SUFFIXES:
        return ".html"
    return suffix if suffix in PACKED or suffix == ".pdf" else ""


def unread_kind(data: bytes) -> str:
    """What a document is of which we know that it is not read; empty for any other."""
    if data[:4] == _ZIP and data[30 : 30 + len(_ODF)] == _ODF:
        return "an OpenDocument file"
    return next((kind for mark, kind in _UNREAD.items() if data.startswith(mark)), "")


def _packed(data: bytes) -> str:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as parts:
            names = parts.namelist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return ""
    return next((s for s, part in PACKED.items() if any(name.startswith(part) for name in names)), "")
