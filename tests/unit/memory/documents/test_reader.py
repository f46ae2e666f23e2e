"""Files of strangers, read in a process of their own."""

from __future__ import annotations

import asyncio
import os
import signal
import zipfile
import zlib
from pathlib import Path
from typing import Any

import pytest

from memory.documents.reader import Bounds, Reader
from memory.errors import DocumentError
from tests.fakes.documents import pdf

_W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
_TYPES = (
    '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" '
    'ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Override PartName="/word/document.xml" '
    'ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>'
)
_RELATIONS = (
    '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r" '
    'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" '
    'Target="word/document.xml"/></Relationships>'
)


def pdf_of_stream(content: bytes) -> bytes:
    """A page whose content is packed a thousandfold."""
    packed = zlib.compress(content, 9)
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Contents 4 0 R/Resources<</Font<</F1<</Type/Font"
        b"/Subtype/Type1/BaseFont/Helvetica>>>>>>>>",
        b"<</Length %d/Filter/FlateDecode>>stream\n%s\nendstream" % (len(packed), packed),
    ]
    body = b"".join(b"%d 0 obj\n%s\nendobj\n" % (n, value) for n, value in enumerate(objects, 1))
    return b"%PDF-1.4\n" + body + b"trailer<</Size 5/Root 1 0 R>>\n%%EOF"


def docx(folder: Path, *body: str) -> bytes:
    path = folder / "made.docx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as parts:
        parts.writestr("[Content_Types].xml", _TYPES)
        parts.writestr("_rels/.rels", _RELATIONS)
        with parts.open("word/document.xml", "w") as file:
            file.write(f'<?xml version="1.0"?><w:document {_W}><w:body>'.encode())
            for part in body:
                file.write(part.encode())
            file.write(b"</w:body></w:document>")
    return path.read_bytes()


async def why(reader: Reader, name: str, data: bytes) -> str:
    with pytest.raises(DocumentError) as caught:
        await reader.read(name, data)
    text = str(caught.value)
    assert text.startswith(f"{name} ")
    assert text.endswith(".")
    assert "\n" not in text
    return text


async def test_documents_are_read_one_after_another_by_one_process(tmp_path: Path) -> None:
    async with Reader(keep=True) as reader:
        texts = await asyncio.gather(*(reader.read(f"{n}.pdf", pdf(tmp_path, f"Page {n}")) for n in range(3)))
        assert texts == ["Page 0", "Page 1", "Page 2"]
        process = reader._process
        assert "damaged" in await why(reader, "a.pdf", b"%PDF-1.4 broken")
        assert await reader.read("named.bin", pdf(tmp_path, "Told by its first bytes.")) != ""
        assert reader._process is process
        assert await reader.read("a.txt", b"no parser") == "no parser"
    assert process is not None
    assert process.returncode is not None


async def test_by_default_the_process_ends_with_the_document(tmp_path: Path) -> None:
    reader = Reader()
    assert await reader.read("a.pdf", pdf(tmp_path, "One")) == "One"
    assert reader._process is None


async def test_a_document_beyond_the_bounds_ends_in_a_sentence(tmp_path: Path) -> None:
    tight = Bounds(memory=400 << 20, seconds=2, patience=60, characters=1_000)
    nested = docx(tmp_path, "<w:tbl><w:tr><w:tc>" * 60_000, "<w:p/>", "</w:tc></w:tr></w:tbl>" * 60_000)
    bomb = pdf_of_stream(b"BT /F1 12 Tf (x) Tj ET\n" * 3_000_000)
    async with Reader(tight, keep=True) as reader:
        assert await why(reader, "bomb.pdf", bomb)
        assert await why(reader, "nested.docx", nested)
        assert "more than 1,000 characters" in await why(
            reader, "long.pdf", pdf(tmp_path, *["word " * 20] * 20)
        )
        assert (
            await reader.read("next.pdf", pdf(tmp_path, "The next one is read.")) == "The next one is read."
        )


async def test_a_process_that_dies_costs_one_document(tmp_path: Path) -> None:
    async with Reader(keep=True) as reader:
        assert await reader.read("a.pdf", pdf(tmp_path, "One")) == "One"
        assert reader._process is not None
        os.kill(reader._process.pid, signal.SIGKILL)
        assert "-9" in await why(reader, "b.pdf", pdf(tmp_path, "Two"))
        assert await reader.read("c.pdf", pdf(tmp_path, "Three")) == "Three"


async def test_who_is_called_off_leaves_no_process(tmp_path: Path) -> None:
    reader = Reader(keep=True)
    reading = asyncio.create_task(
        reader.read("a.pdf", pdf_of_stream(b"BT /F1 12 Tf (x) Tj ET\n" * 3_000_000))
    )
    while reader._process is None:
        await asyncio.sleep(0)
    process = reader._process
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert process.returncode is not None


async def test_it_has_no_part_of_our_environment(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    async with Reader(keep=True) as reader:
        await reader.read("a.pdf", pdf(tmp_path, "One"))
        assert reader._process is not None
        told = Path(f"/proc/{reader._process.pid}/environ")
        if told.exists():
            assert b"secret" not in told.read_bytes()
