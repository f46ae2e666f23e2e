"""Documents: which files there are, what text is in them, and that text in pieces.

Everything here is synchronous and may be slow (a large PDF takes minutes): call it in a thread. Nothing
touches the network. Every error is a `DocumentError` whose text is one sentence naming the file.
"""

from __future__ import annotations

import bisect
import hashlib
import io
import os
import re
import stat
import zipfile
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from pathlib import Path

from memory.errors import DocumentError

MAX_BYTES = 50 * 1024 * 1024
MAX_UNPACKED = 10  # a DOCX may unpack to this many times ``max_bytes``
SAMPLE = 64 * 1024  # bytes by which encodings are guessed

TEXT_SUFFIXES = frozenset(
    """
    .adoc .bash .bat .bib .c .cc .cfg .cpp .cs .css .csv .cxx .dart .diff .el .erl .ex .exs .go .gradle .h
    .hpp .hs .ini .java .jl .js .json .jsonl .jsx .kt .kts .less .lisp .log .lua .m .markdown .md .mdx
    .ml .mli .nim .org .patch .php .pl .pm .properties .proto .ps1 .py .pyi .r .rb .rs .rst .scala .scm .scss
    .sh .sql .srt .svelte .swift .tcl .tex .text .toml .ts .tsv .tsx .txt .vb .vtt .vue .xml .yaml .yml .zig
    """.split()
)
HTML_SUFFIXES = frozenset({".html", ".htm", ".xhtml"})
KNOWN_SUFFIXES = TEXT_SUFFIXES | HTML_SUFFIXES | {".pdf", ".docx"}

_MARKS = (  # longest first: UTF-32's begins with UTF-16's
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)


def find_files(paths: Sequence[Path]) -> list[Path]:
    """The files at and under ``paths``, sorted, each once whatever links lead to it.

    A directory gives the files of `KNOWN_SUFFIXES` in it and below, but nothing hidden (``.name``);
    links are followed. A file that is named itself is taken as it is.
    """
    found: set[Path] = set()
    for path in paths:
        kind = _stat(path).st_mode
        found |= set(_walk(path)) if stat.S_ISDIR(kind) else {path}
    unique: dict[Path, Path] = {}
    for path in sorted(found, key=lambda path: (path.is_symlink(), path)):  # a real name before a link
        unique.setdefault(path.resolve(), path)
    return sorted(unique.values())


def read_text(path: Path, max_bytes: int = MAX_BYTES) -> str:
    """The text of a file: PDF, DOCX and HTML as Markdown by their suffix, any other decoded.

    Lines end in ``\\n``; the text is not blank and holds neither NULs nor lone surrogates. Encodings:
    UTF-8, UTF-16 and UTF-32 with their marks, else the likeliest 8-bit or East Asian one.
    """
    data = _read(path, max_bytes)
    suffix = path.suffix.lower()
    if suffix in HTML_SUFFIXES | {".pdf", ".docx"}:
        text = _convert(path, data, suffix, max_bytes)
    else:
        text = _decode(path, data)
    text = re.sub(r"\r\n?", "\n", text.replace("\0", ""))
    text = re.sub("[\ud800-\udfff]", "\ufffd", text)
    if not text.strip():
        scan = " (is it a scan, pictures of pages?)" if suffix == ".pdf" else ""
        raise DocumentError(f"{path} holds no text{scan}.")
    return text


def digest(path: Path) -> str:
    """SHA-256 of the file's bytes, in hexadecimal, read piece by piece."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as exc:
        raise _unreadable(path, exc) from exc


def _walk(top: Path) -> Iterator[Path]:
    def fail(exc: OSError) -> None:
        raise _unreadable(Path(exc.filename or top), exc) from exc

    seen: set[tuple[int, int]] = set()
    for name, folders, files in os.walk(top, onerror=fail, followlinks=True):
        here = os.stat(name)
        if (here.st_dev, here.st_ino) in seen:  # a link led back here
            folders.clear()
            continue
        seen.add((here.st_dev, here.st_ino))
        folders[:] = sorted(folder for folder in folders if not folder.startswith("."))
        for file in files:
            path = Path(name, file)
            if not file.startswith(".") and path.suffix.lower() in KNOWN_SUFFIXES and path.is_file():
                yield path


def _unreadable(path: Path, exc: OSError) -> DocumentError:
    if isinstance(exc, FileNotFoundError):
        return DocumentError(f"{path} was not found.")
    return DocumentError(f"{path} cannot be read: {exc.strerror or exc}.")


def _stat(path: Path) -> os.stat_result:
    try:
        return path.stat()
    except OSError as exc:
        raise _unreadable(path, exc) from exc


def _read(path: Path, max_bytes: int) -> bytes:
    if not stat.S_ISREG(_stat(path).st_mode):
        raise DocumentError(f"{path} is not a file.")
    try:
        with path.open("rb") as file:
            data = file.read(max_bytes + 1)
    except OSError as exc:
        raise _unreadable(path, exc) from exc
    if not data:
        raise DocumentError(f"{path} is empty.")
    if len(data) > max_bytes:
        raise DocumentError(f"{path} is too large: a document has at most {max_bytes:,} bytes.")
    return data


def _decode(path: Path, data: bytes) -> str:
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return data.decode(encoding, "replace")
    if data.count(b"\0", 0, SAMPLE) > len(data[:SAMPLE]) // 100:
        raise DocumentError(f"{path} is binary, not text.")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as exc:
        sample = data[max(0, exc.start - SAMPLE // 2) :][:SAMPLE]  # round the first byte in question
    likeliest = _likeliest(sample)
    if likeliest is None:
        raise DocumentError(f"{path} is binary, not text.")
    return data.decode(likeliest, "replace")


def _likeliest(sample: bytes) -> str | None:
    """The encoding of a text that is not UTF-8; None for what looks like no text at all."""
    import charset_normalizer

    if charset_normalizer.is_binary(sample):
        return None
    matches = charset_normalizer.from_bytes(sample)
    best = matches.best()
    if best is None:
        return None
    # Where Western and Central European code pages fit alike, the library takes the one that comes first.
    for match in matches:
        western = {"cp1252", "latin_1"} & {match.encoding, *match.could_be_from_charset}
        if western and match.chaos <= best.chaos and match.coherence >= best.coherence:
            return "cp1252"
    return best.encoding


def _convert(path: Path, data: bytes, suffix: str, max_bytes: int) -> str:
    # The converters themselves: MarkItDown in front of them would load a model to guess what they are for.
    from markitdown import StreamInfo
    from markitdown.converters import DocxConverter, HtmlConverter, PdfConverter

    if suffix == ".docx":
        _check_docx(path, data, max_bytes)
    try:
        if suffix == ".pdf":
            result = PdfConverter().convert(io.BytesIO(data), StreamInfo(extension=suffix))
        elif suffix == ".docx":
            result = DocxConverter().convert(io.BytesIO(data), StreamInfo(extension=suffix), strict=True)
        else:
            result = HtmlConverter().convert(io.BytesIO(data), StreamInfo(extension=suffix), strict=True)
    except RecursionError as exc:
        raise DocumentError(f"{path} is nested too deeply.") from exc
    except Exception as exc:  # parsers of foreign files raise whatever they stumble over
        if "Password" in type(exc).__name__ or "Encrypt" in type(exc).__name__:
            raise DocumentError(f"{path} is encrypted: save it without a password.") from exc
        name = suffix[1:].upper()
        raise DocumentError(
            f"{path} is not a readable {name} file: it is damaged or something else."
        ) from exc
    return str(result.markdown)


def _check_docx(path: Path, data: bytes, max_bytes: int) -> None:
    if data.startswith(b"\xd0\xcf\x11\xe0"):  # Office wraps what it encrypts in its older container
        raise DocumentError(f"{path} is encrypted, or an older .doc: save it as .docx without a password.")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as parts:
            unpacked = sum(part.file_size for part in parts.infolist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as exc:
        raise DocumentError(f"{path} is not a readable DOCX file: it is damaged or something else.") from exc
    if unpacked > MAX_UNPACKED * max_bytes:
        raise DocumentError(f"{path} is too large: it unpacks to {unpacked:,} bytes.")


# Where a text may be cut, best first. The cut is at the match's end.
_HEADING = re.compile(r"\n(?=#{1,6} )")
_PARAGRAPH = re.compile(r"\n[ \t]*\n\s*")
_LINE = re.compile(r"\n")
_SENTENCE = re.compile(r"(?<=[.!?…])[\"'»”’)\]]*\s+|(?<=[。！？])")
_WORD = re.compile(r"\s+")
_BORDERS = (_HEADING, _PARAGRAPH, _SENTENCE, _LINE, _WORD)


def chunks(text: str, count: Callable[[str], int], size: int = 300, overlap: int = 40) -> Iterator[str]:
    """Pieces of at most ``size`` tokens by ``count``, in order, without white space at their ends.

    Each begins with up to ``overlap`` of the last tokens of the one before. They are cut before a
    heading, else after a paragraph, sentence, line or word, else anywhere. Every character of the text
    but white space at a cut is in a piece. A single character of more than ``size`` tokens is a piece.
    ``count`` sees strings of about ``size`` tokens only, and each part of the text a few times.
    """
    if size < 1 or not 0 <= overlap < size:
        raise ValueError("size must be at least 1, and overlap at least 0 and less than size")
    start = done = _skip_space(text, 0)  # the piece begins at start; everything before done is in one
    density = 4.0  # characters of a token, as it was last seen
    while done < len(text):
        reach, tokens = _reach(text, start, count, size, density)
        if reach <= done:
            start = done  # the overlap leaves no room for anything new
            continue
        density = max(1.0, (reach - start) / max(tokens, 1))
        end = reach if reach == len(text) else _border(text, start, done, reach)
        if end != reach and count(text[start:end].strip()) > size:
            end = reach  # a part can have more tokens than the whole
        yield text[start:end].strip()
        done = _skip_space(text, end)
        start = _overlap(text, start, end, count, overlap, (end - start) * overlap // size) or done


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


def _border(text: str, start: int, done: int, reach: int) -> int:
    """The best place to cut in the second half of what fits; ``reach`` if there is none."""
    first = max((start + reach) // 2, done)
    last = _skip_space(text, reach)  # what was counted, and the space behind it
    for border in _BORDERS:
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
