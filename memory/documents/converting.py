"""Formats that need a parser, to Markdown: what `pypdfium2`, `openpyxl` and `markitdown` make of them."""

from __future__ import annotations

import datetime
import io
import re
import zipfile
from collections.abc import Iterator
from typing import Any

from memory.documents import tables
from memory.documents.kinds import PACKED
from memory.errors import DocumentError

MAX_UNPACKED = 10  # what is packed may unpack to this many times ``max_bytes``

_OLDER = b"\xd0\xcf\x11\xe0"  # Office's older container, in which it also wraps what it encrypts
_HYPHEN = re.compile("[\x02\ufffe\u00ad]\r?\n?")
_CELLS = 5_000_000


def converted(name: str, form: str, data: bytes, max_bytes: int) -> str:
    """``form`` is what `memory.documents.kinds.format_of` says."""
    if form in PACKED:
        _check_packed(name, form, data, max_bytes)
    try:
        if form == ".pdf":
            return _pages(data)
        return _sheets(name, data) if form == ".xlsx" else _markdown(form, data)
    except (DocumentError, MemoryError):
        raise
    except RecursionError as exc:
        raise DocumentError(f"{name} is nested too deeply.") from exc
    except Exception as exc:  # parsers of foreign files raise whatever they stumble over
        if "password" in str(exc).lower():
            raise DocumentError(f"{name} is encrypted: save it without a password.") from exc
        if any(isinstance(e, MemoryError) for e in _causes(exc)):
            raise MemoryError from exc
        raise DocumentError(
            f"{name} is not a readable {form[1:].upper()} file: it is damaged or something else."
        ) from exc


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    for _ in range(10):
        if error is None:
            return
        yield error
        error = error.__cause__ or error.__context__


def _check_packed(name: str, form: str, data: bytes, max_bytes: int) -> None:
    if data.startswith(_OLDER):
        older = {".docx": ".doc", ".xlsx": ".xls", ".pptx": ".ppt"}.get(form, "file")
        raise DocumentError(
            f"{name} is encrypted, or an older {older}: save it as {form} without a password."
        )
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as parts:
            unpacked = sum(part.file_size for part in parts.infolist())
            locked = "META-INF/rights.xml" in parts.namelist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as exc:
        raise DocumentError(
            f"{name} is not a readable {form[1:].upper()} file: it is damaged or something else."
        ) from exc
    if unpacked > MAX_UNPACKED * max_bytes:
        raise DocumentError(f"{name} is too large: it unpacks to {unpacked:,} bytes.")
    if locked:
        raise DocumentError(f"{name} is locked by its publisher (DRM).")


def _markdown(form: str, data: bytes) -> str:
    # The converters themselves: MarkItDown in front of them would load a model to guess what they are for.
    from markitdown import StreamInfo
    from markitdown.converters import DocxConverter, EpubConverter, HtmlConverter, PptxConverter

    stream, info = io.BytesIO(data), StreamInfo(extension=form)
    if form == ".docx":
        result = DocxConverter().convert(stream, info, strict=True)
    elif form == ".pptx":
        result = PptxConverter().convert(stream, info)
    elif form == ".epub":
        result = EpubConverter().convert(stream, info)
    else:
        result = HtmlConverter().convert(stream, info, strict=True)
    return str(result.markdown)


def _pages(data: bytes) -> str:
    """The text of each page, in the order in which it is drawn; a word cut at a line's end is made whole."""
    from pypdfium2 import PdfDocument, PdfiumError

    with PdfDocument(data) as book:
        texts, lost = [], 0
        for number in range(len(book)):
            try:
                texts.append(book[number].get_textpage().get_text_bounded().strip())
            except PdfiumError:
                lost += 1
        if lost:
            texts.append(f"[{lost} of {len(book)} pages could not be read.]" if any(texts) else "")
    return _HYPHEN.sub("", "\n\n".join(filter(None, texts)))


def _sheets(name: str, data: bytes) -> str:
    """Each sheet as a heading and a table, its first row that is not empty as the head."""
    from openpyxl import load_workbook

    book = load_workbook(io.BytesIO(data), read_only=True, data_only=True)
    parts, cells = [], 0
    for sheet in book.worksheets:
        sheet.reset_dimensions()  # what a file says of its own size may be anything
        rows = []
        for values in sheet.iter_rows(values_only=True):
            row = _trimmed([_shown(value) for value in values])
            cells += len(row)
            if cells > _CELLS:
                raise DocumentError(f"{name} is too large: it has more than {_CELLS:,} cells.")
            if row:
                rows.append(row)
        if rows:
            parts.append(f"## {sheet.title}\n\n{tables.markdown(rows)}")
    return "\n\n".join(parts)


def _trimmed(row: list[str]) -> list[str]:
    while row and not row[-1]:
        row.pop()
    return row


def _shown(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime.datetime) and value.time() == datetime.time():
        return value.date().isoformat()
    if isinstance(value, datetime.datetime | datetime.date | datetime.time):
        return value.isoformat(sep=" ") if isinstance(value, datetime.datetime) else value.isoformat()
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value)
