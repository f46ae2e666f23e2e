from __future__ import annotations

import hashlib
import io
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import docx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.pdfgen.canvas import Canvas

from memory.documents import chunks, digest, find_files, read_text
from memory.errors import DocumentError


def make_pdf(path: Path, *pages: str, password: str | None = None) -> Path:
    canvas = Canvas(str(path), encrypt=StandardEncryption(password, canPrint=0) if password else None)
    for page in pages:
        canvas.drawString(72, 720, page)
        canvas.showPage()
    canvas.save()
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


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_unicode_text(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "a.md"
    path.write_bytes("# Käse\r\n\r\nOld\rMac 日本 🧀\n".encode(encoding))
    assert read_text(path) == "# Käse\n\nOld\nMac 日本 🧀\n"


def test_utf_16_of_either_order(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    for mark, encoding in ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")):
        path.write_bytes(mark + "Grüße".encode(encoding))
        assert read_text(path) == "Grüße"


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("latin-1", "Grüße aus München"),
        ("latin-1", "naïve café déjà vu"),
        ("latin-1", "Les élèves étaient très contents de leur journée à la plage."),
        ("cp1252", "“The price is 20 €” – they said."),
        ("cp1251", "Привет, как дела? Сегодня хорошая погода."),
        ("cp1250", "Wszystkie kraje świata mają własne zwyczaje, a każdy człowiek powinien je szanować."),
        ("shift_jis", "日本語のテキストです。今日は天気がいい。"),
    ],
)
def test_older_encodings(tmp_path: Path, encoding: str, text: str) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(text.encode(encoding))
    assert read_text(path) == text


def test_an_odd_byte_far_down_does_not_hide_the_encoding(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    text = "Plain words only. " * 20_000 + "Nur hier: Grüße aus München, schöne Straße."
    path.write_bytes(text.encode("latin-1"))
    assert read_text(path) == text


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
        "import sys; from pathlib import Path; from memory.documents import read_text;"
        f"read_text(Path({str(tmp_path / 'a.txt')!r}));"
        "sys.exit(any(name in sys.modules for name in ('markitdown', 'charset_normalizer', 'onnxruntime')))"
    )
    root = Path(__file__).parents[3]
    assert subprocess.run([sys.executable, "-c", program], cwd=root, check=False).returncode == 0


def test_digest(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(os.urandom(300_000))
    assert digest(path) == hashlib.sha256(path.read_bytes()).hexdigest()
    with pytest.raises(DocumentError, match="was not found"):
        digest(tmp_path / "none")


# Finding


def test_a_directory_walk(tmp_path: Path) -> None:
    wanted = ["a.md", "b/c.PY", "b/d/e.pdf", "z.html"]
    unwanted = [".hidden.md", ".git/config.txt", "b/picture.png", "b/noname", "b/.d/f.md"]
    for name in wanted + unwanted:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    assert find_files([tmp_path]) == [tmp_path / name for name in wanted]


def test_named_files_are_taken_as_they_are_and_once(tmp_path: Path) -> None:
    for name in ("b.odd", ".hidden.md", "sub/a.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    named = [tmp_path / "b.odd", tmp_path / ".hidden.md", tmp_path / "sub", tmp_path / "sub/a.md"]
    assert find_files(named) == [tmp_path / ".hidden.md", tmp_path / "b.odd", tmp_path / "sub/a.md"]
    assert find_files([]) == []
    with pytest.raises(DocumentError, match="was not found"):
        find_files([tmp_path / "none"])


def test_links_are_followed_and_never_for_ever(tmp_path: Path) -> None:
    inside, outside = tmp_path / "in", tmp_path / "out"
    inside.mkdir()
    outside.mkdir()
    (inside / "m.md").write_text("x")
    (outside / "o.md").write_text("x")
    (inside / "a-copy.md").symlink_to(inside / "m.md")
    (inside / "back").symlink_to(inside, target_is_directory=True)
    (inside / "there").symlink_to(outside, target_is_directory=True)
    (outside / "home").symlink_to(inside, target_is_directory=True)
    (inside / "broken.md").symlink_to(tmp_path / "none")
    (inside / "self.md").symlink_to(inside / "self.md")
    assert find_files([inside]) == [inside / "m.md", inside / "there" / "o.md"]
    with pytest.raises(DocumentError, match=r"self\.md"):
        find_files([inside / "self.md"])


# Cutting


def pieces_of(text: str) -> int:
    """Like a real tokenizer: a part of a text can have more tokens than the whole."""
    return len(re.findall(r" ?[a-z]{1,5}|[^\sa-z]| +|\n", text))


def octets(text: str) -> int:
    return len(text.encode())


def bare(text: str) -> str:
    return re.sub(r"\s", "", text)


texts = st.one_of(
    st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=400),
    st.text(alphabet="ab .\n#。日", max_size=600),
    st.lists(
        st.sampled_from(
            ["# Head\n", "\n\n", "word ", "Sentence one. ", "x" * 40, " " * 30, "日本語。", "\n"]
        ),
        max_size=80,
    ).map("".join),
)


@settings(deadline=None)
@given(
    text=texts,
    count=st.sampled_from([len, octets, pieces_of]),
    size=st.integers(4, 60),
    share=st.floats(0, 0.99),
)
def test_nothing_is_lost_and_no_chunk_is_too_large(
    text: str, count: Callable[[str], int], size: int, share: float
) -> None:
    plain = list(chunks(text, count, size, 0))
    assert "".join(map(bare, plain)) == bare(text)
    lapped = list(chunks(text, count, size, int(size * share)))
    for chunk in plain + lapped:
        assert 0 < count(chunk) <= size
        assert chunk == chunk.strip()
    done = 0  # every chunk goes on from within, or right behind, what came before it
    for chunk in lapped:
        behind = len(text) - len(text[done:].lstrip())
        start = text.rfind(chunk, 0, behind + len(chunk))
        assert start >= 0
        done = max(done, start + len(chunk))
    assert not text[done:].strip()


@settings(deadline=None)
@given(words=st.integers(0, 400), size=st.integers(20, 60), overlap=st.integers(0, 9))
def test_overlap_repeats_the_end_of_the_chunk_before(words: int, size: int, overlap: int) -> None:
    numbers = [str(n) for n in range(words)]
    cut = [chunk.split() for chunk in chunks(" ".join(numbers), lambda s: len(s.split()), size, overlap)]
    seen: list[str] = []
    for chunk in cut:
        again = [word for word in chunk if word in set(seen)]
        assert len(again) == (overlap if seen else 0)
        assert again == seen[len(seen) - len(again) :]
        seen += chunk[len(again) :]
    assert seen == numbers


def test_natural_borders_are_preferred() -> None:
    def words(text: str) -> int:
        return len(text.split())

    one, two = "One two three. Four five six seven.", "Eight nine. Ten eleven twelve."
    assert list(chunks(f"{one}\n\n# Title\n\n{two}", words, 10, 0)) == [one, f"# Title\n\n{two}"]
    assert list(chunks(f"{one}\n\n{two}", words, 9, 0)) == [one, two]
    assert list(chunks(f"{one} {two}", words, 9, 0)) == [one, two]
    assert list(chunks("a b c d\ne f g h", words, 5, 0)) == ["a b c d", "e f g h"]
    assert list(chunks("a b c d e f g", words, 3, 0)) == ["a b c", "d e f", "g"]
    assert list(chunks("abcdefg", len, 3, 0)) == ["abc", "def", "g"]
    assert list(chunks("今日は晴れ。明日は雨。", len, 8, 0)) == ["今日は晴れ。", "明日は雨。"]
    assert list(chunks(" \n\n ", len)) == []
    assert list(chunks("  short \n", len)) == ["short"]


def test_overlap_begins_at_a_sentence_where_one_does() -> None:
    text = "Alpha beta gamma delta. Epsilon zeta eta. Theta iota kappa lambda mu nu."
    cut = list(chunks(text, lambda s: len(s.split()), 8, 5))
    assert cut[0] == "Alpha beta gamma delta. Epsilon zeta eta."
    assert cut[1].startswith("Epsilon zeta eta. Theta iota")


def test_a_character_that_is_too_large_is_not_lost() -> None:
    assert list(chunks("a🧀b", octets, 2, 0)) == ["a", "🧀", "b"]


@pytest.mark.parametrize(("size", "overlap"), [(0, 0), (5, 5), (5, 6), (5, -1)])
def test_sizes_that_make_no_sense(size: int, overlap: int) -> None:
    with pytest.raises(ValueError, match="overlap"):
        list(chunks("text", len, size, overlap))


@pytest.mark.parametrize(
    "text",
    [
        "A sentence of several words, more or less. " * 25_000,
        "abcdefghij" * 100_000,
        "日本語のテキスト。" * 110_000,
        "x = 1\n" * 170_000,
        ("a" + " " * 50_000) * 20,
        ("a" * 20 + " " * 3_000 + "!" * 400) * 300,
    ],
    ids=["prose", "no-spaces", "cjk", "lines", "spaces", "uneven"],
)
def test_a_large_text_is_counted_a_few_times_only(text: str) -> None:
    counted = 0

    def count(part: str) -> int:
        nonlocal counted
        counted += len(part)
        return pieces_of(part)

    cut = list(chunks(text, count))
    assert counted < 12 * len(text)
    assert bare(cut[0])[:5] == bare(text)[:5]
    assert bare(cut[-1])[-5:] == bare(text)[-5:]
