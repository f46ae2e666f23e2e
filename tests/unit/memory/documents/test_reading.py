"""What text is in files."""

from __future__ import annotations

import io
import re
import subprocess
import sys
import zipfile
from contextlib import suppress
from pathlib import Path

import docx
import pytest

from memory.documents.reading import read_text
from memory.errors import DocumentError
from tests.fakes.documents import pdf


def make_pdf(path: Path, *pages: str, password: str | None = None) -> Path:
    path.write_bytes(pdf(path.parent, *pages, password=password))
    return path


def make_docx(path: Path) -> Path:
    document = docx.Document()
    document.add_heading("The lighthouse", level=1)
    document.add_paragraph("It was built in 1911 by Zoë Ångström.")
    table = document.add_table(rows=1, cols=2)
    table.rows[0].cells[0].text, table.rows[0].cells[1].text = "height", "41 m"
    document.save(str(path))
    return path


def why(path: Path, **options: int) -> str:
    with pytest.raises(DocumentError) as caught:
        read_text(path, **options)
    text = str(caught.value)
    assert text.startswith(str(path))
    assert text.endswith(".")
    assert "\n" not in text
    return text.removeprefix(str(path)).strip()


# Reading


def test_a_pdf(tmp_path: Path) -> None:
    text = read_text(make_pdf(tmp_path / "a.PDF", "The keeper is called Ada.", "Page two says Brahms."))
    assert text.index("The keeper is called Ada.") < text.index("Page two says Brahms.")


def test_a_docx(tmp_path: Path) -> None:
    text = read_text(make_docx(tmp_path / "a.docx"))
    assert text.startswith("# The lighthouse\n")
    assert "It was built in 1911 by Zoë Ångström." in text
    assert re.search(r"height\s*\|\s*41 m", text)


@pytest.mark.parametrize(
    ("declared", "encoding"),
    [
        ('<meta charset="utf-8">', "utf-8"),
        ("", "utf-8"),
        ('<meta charset="iso-8859-1">', "latin-1"),
        ('<meta http-equiv="Content-Type" content="text/html; charset=windows-1251">', "cp1251"),
        ("", "utf-16"),
    ],
)
def test_html(tmp_path: Path, declared: str, encoding: str) -> None:
    word = "Погода" if encoding == "cp1251" else "Gemüse"
    page = tmp_path / "a.html"
    page.write_bytes(
        f"<html><head>{declared}<title>x</title><style>p {{}}</style></head><body><h2>{word}</h2>"
        f"<script>steal()</script><p>A <b>bold</b> word &amp; more.</p></body></html>".encode(encoding)
    )
    assert read_text(page) == f"## {word}\n\nA **bold** word & more."


@pytest.mark.parametrize("name", ["a.html", "a.xhtml"])
def test_xhtml_and_html_that_is_none(tmp_path: Path, name: str) -> None:
    page = tmp_path / name
    page.write_text(
        '<?xml version="1.0" encoding="utf-8"?>\n<html xmlns="http://www.w3.org/1999/xhtml">'
        "<body><p>Bread</p></body></html>"
    )
    assert "Bread" in read_text(page)
    page.write_text("https://example.org/just-an-address")
    assert read_text(page) == "https://example.org/just-an-address"


def test_nuls_and_lone_surrogates_are_cleaned(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"some words" * 50 + b"\0and more")
    assert read_text(path).endswith("some wordsand more")
    path.write_bytes(b"\xff\xfe" + "ab".encode("utf-16-le") + b"\x00\xd8" + "cd".encode("utf-16-le"))
    text = read_text(path)
    assert text.startswith("ab")
    assert text.encode("utf-8")


def test_a_file_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    def written(name: str, data: bytes) -> Path:
        (tmp_path / name).write_bytes(data)
        return tmp_path / name

    noise = bytes(range(256)) * 40
    assert why(tmp_path / "none.txt") == "was not found."
    assert why(tmp_path) == "is not a file."
    assert why(written("empty.txt", b"")) == "is empty."
    assert why(written("blank.txt", b" \n\t \n")) == "holds no text."
    assert why(written("big.txt", b"x" * 1_001), max_bytes=1_000).startswith("is too large: a document has")
    assert read_text(written("fits.txt", b"x" * 1_000), max_bytes=1_000) == "x" * 1_000
    assert why(written("noise.txt", noise)) == "is binary, not text."
    assert why(written("picture", b"\x89PNG\r\n\x1a\n" + noise)) == "is binary, not text."
    assert why(written("garbage.pdf", noise)).startswith("is not a readable PDF file")
    assert why(written("garbage.docx", noise)).startswith("is not a readable DOCX file")
    assert why(written("old.docx", b"\xd0\xcf\x11\xe0" + noise)).startswith("is encrypted, or an older .doc")
    assert why(written("deep.html", b"<div>" * 20_000 + b"x")) == "is nested too deeply."
    assert why(make_pdf(tmp_path / "scan.pdf", "")).startswith("holds no text (is it a scan")


def test_an_encrypted_pdf(tmp_path: Path) -> None:
    path = make_pdf(tmp_path / "a.pdf", "secret", password="swordfish")
    assert why(path) == "is encrypted: save it without a password."


def test_damaged_documents(tmp_path: Path) -> None:
    for whole in (make_pdf(tmp_path / "a.pdf", "words"), make_docx(tmp_path / "a.docx")):
        data = whole.read_bytes()
        for end in range(0, len(data), max(1, len(data) // 20)):
            broken = tmp_path / f"broken{whole.suffix}"
            broken.write_bytes(data[:end])
            if whole.suffix == ".docx" or end < 20:
                assert why(broken)
            else:  # PDF readers mend what they can
                with suppress(DocumentError):
                    assert read_text(broken)


def test_a_zip_that_is_no_docx_or_unpacks_to_too_much(tmp_path: Path) -> None:
    path = tmp_path / "a.docx"
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as parts:
        parts.writestr("word/document.xml", b" " * 200_000)
    path.write_bytes(packed.getvalue())
    assert why(path).startswith("is not a readable DOCX file")
    assert why(path, max_bytes=10_000) == "is too large: it unpacks to 200,000 bytes."


def test_heavy_libraries_wait_for_a_file_that_needs_them(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("plain words")
    program = (
        "import sys; from pathlib import Path; from memory.documents.reading import read_text;"
        f"read_text(Path({str(tmp_path / 'a.txt')!r}));"
        "sys.exit(any(name in sys.modules for name in ('markitdown', 'chardet', 'openpyxl', 'onnxruntime')))"
    )
    root = Path(__file__).parents[4]
    assert subprocess.run([sys.executable, "-c", program], cwd=root, check=False).returncode == 0


@pytest.mark.parametrize(
    ("name", "kind"),
    [("a.odt", "an OpenDocument file"), ("a.rtf", "a Rich Text file"), ("a.doc", "before 2007")],
)
def test_documents_that_are_not_read_are_told_by_their_kind(tmp_path: Path, name: str, kind: str) -> None:
    path = tmp_path / name
    path.write_bytes(
        {".rtf": rb"{\rtf1 Hello}", ".doc": bytes.fromhex("d0cf11e0a1b11ae1") + b"\0" * 99}.get(
            path.suffix, b""
        )
    )
    if name == "a.odt":
        with zipfile.ZipFile(path, "w") as parts:
            parts.writestr("mimetype", "application/vnd.oasis.opendocument.text")
            parts.writestr("content.xml", "<text>Hello</text>")
    assert kind in why(path)
    assert "save it as DOCX, PDF or text" in why(path)
