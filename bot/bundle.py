"""Tables of JSON lines in a zip, in parts that a platform takes; beside them Markdown for people. Pure.

``header.json`` names the format, the part and how many there are; each ``<table>.jsonl`` holds one object a
line. What is read may come from anywhere: it is bounded, and nothing in it is a path.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any, cast

from bot.errors import BundleError

Row = dict[str, Any]
Tables = dict[str, list[Row]]

PACKED = 300_000_000
"""Bytes that all parts may have together."""
_MOST = 1_000_000_000  # bytes of all parts, unpacked
_DENSE = 200  # times its size that a file may unpack to: texts come to ten times, and zeros to a thousand
_FREE = 32_000_000  # bytes that any may
_LONGEST = 16_000_000  # bytes of a line
_PARTS = 1_000
_FILES = 100  # in a part
_READ = 1 << 16
_END = 22  # bytes of a zip's last record (APPNOTE 4.3.16)
_ENTRY = 1_000  # bytes that a file takes in a zip's list of them, at most
_HEADER, _TABLE = "header.json", ".jsonl"
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the same tables give the same bytes


def pack(
    header: Row, tables: Mapping[str, Sequence[Row]], texts: Mapping[str, str], limit: int
) -> list[bytes]:
    """The parts. None holds more than ``limit`` bytes of lines, unless one line is longer; ``texts`` (file name
    and content) follow the tables."""
    parts = list(_portions(tables, texts, limit))
    return [
        zipped({_HEADER: _line({**header, "part": number, "parts": len(parts)}), **files})
        for number, files in enumerate(parts, 1)
    ]


@dataclass(frozen=True)
class Line:
    """A line of a table, and ``where`` it stands, for people: ``messages.jsonl, line 3``."""

    where: str
    data: bytes


class Bundle:
    """The parts of one file, in their order, with the ``header`` of the first. Rows are read when they are asked for,
    as often as they are: no more than one is held."""

    def __init__(self, header: Row, parts: Sequence[zipfile.ZipFile]) -> None:
        self.header = header
        self._parts = parts
        self._held = [{info.filename: info for info in part.infolist()} for part in parts]

    @property
    def tables(self) -> list[str]:
        """The names of all that are there, each once."""
        names = dict.fromkeys(name for held in self._held for name in held if name.endswith(_TABLE))
        return [name.removesuffix(_TABLE) for name in names]

    def lines(self, table: str, most: int) -> Iterator[Line]:
        """Its lines in all parts, but for blank ones. Raises `BundleError` where one cannot be read, or where there
        are more than ``most``, blank ones counted."""
        name, seen, left = f"{table}{_TABLE}", 0, _MOST
        for part, (archive, held) in enumerate(zip(self._parts, self._held, strict=True), 1):
            if name not in held:
                continue
            file = name if len(self._parts) == 1 else f"{name} in part {part}"
            for number, data in enumerate(_lines(archive, held[name], file), 1):
                seen, left = seen + 1, left - len(data)
                if seen > most or left < 0:
                    raise BundleError(
                        f"{name} in it has more than the {most:,} lines, or the {_MOST:,} bytes, that are taken."
                    )
                if not data.isspace():
                    yield Line(f"{file}, line {number}", data)


def opened(parts: Sequence[bytes], form: str) -> Bundle:
    """The file in these parts, which may come in any order. Raises `BundleError` for what is not ``form``, not whole,
    or not to be trusted. What it holds is read later, by `Bundle.lines`."""
    if sum(map(len, parts)) > PACKED:
        raise BundleError(f"It is larger than the {PACKED:,} bytes that are taken.")
    found: dict[int, tuple[Row, zipfile.ZipFile]] = {}
    left = _MOST
    for part in parts:
        archive = _zip(part, _FILES)
        header = _object(
            unzipped(part, entries=_FILES, most=_MOST, only={_HEADER: _LONGEST}).get(_HEADER, b"{}")
        )
        if header.get("format") != form:
            raise BundleError(f"This is no file of the format {form}.")
        for info in archive.infolist():
            left -= info.file_size
            # A size that is a lie is no way past this: no more than it says is ever unpacked.
            if left < 0 or info.file_size > max(_FREE, _DENSE * info.compress_size):
                raise BundleError(
                    f"{info.filename} in it would unpack to {info.file_size:,} bytes from {info.compress_size:,}: "
                    "that is no export's."
                )
        found[_number(header, "part")] = (header, archive)
    if not found:
        raise BundleError("There is no file to read.")
    if len(found) < len(parts):
        raise BundleError("A part was given twice.")
    first = found[min(found)][0]
    missing = [str(number) for number in range(1, _number(first, "parts") + 1) if number not in found]
    if missing:
        raise BundleError(f"Parts are missing: {', '.join(missing)} of {first['parts']}.")
    if any(header.get("id") != first.get("id") for header, _ in found.values()):
        raise BundleError("These are parts of different exports.")
    return Bundle(first, [found[number][1] for number in sorted(found)])


def unpack(parts: Sequence[bytes], form: str) -> tuple[Row, Tables]:
    """Header and tables at once. Raises as `opened` does."""
    whole = opened(parts, form)
    return whole.header, {
        name: [_object(line.data, line.where) for line in whole.lines(name, _MOST)] for name in whole.tables
    }


def canonical(tables: Mapping[str, Sequence[Row]]) -> str:
    """The tables as one text, the same for equal tables: keys sorted, no blanks."""
    return json.dumps(tables, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _portions(
    tables: Mapping[str, Sequence[Row]], texts: Mapping[str, str], limit: int
) -> Iterator[dict[str, bytes]]:
    files: dict[str, bytearray] = {}
    held = 0
    pieces = [(f"{name}.jsonl", _line(row)) for name, rows in tables.items() for row in rows]
    for name, text in texts.items():
        size = limit // 4  # characters that surely fit
        for number, at in enumerate(range(0, max(1, len(text)), size), 1):
            where = name if number == 1 else name.replace(".", f"-{number}.")
            pieces.append((where, text[at : at + size].encode()))
    for name, data in pieces:
        if held and held + len(data) > limit:
            yield {name: bytes(data) for name, data in files.items()}
            files, held = {}, 0
        files.setdefault(name, bytearray()).extend(data)
        held += len(data)
    yield {name: bytes(data) for name, data in files.items()}


def _line(row: Row) -> bytes:
    return json.dumps(row, ensure_ascii=False, sort_keys=True).encode() + b"\n"


def zipped(files: Mapping[str, bytes | str]) -> bytes:
    """A zip of these files: equal ones give equal bytes."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), data, zipfile.ZIP_DEFLATED)
    return target.getvalue()


def listed(data: bytes, entries: int) -> list[str]:
    """The names of the files in a zip of ``entries`` at the most; none is opened. Raises `BundleError`."""
    return _zip(data, entries).namelist()


def unzipped(
    data: bytes, *, entries: int, most: int, only: Mapping[str, int] | None = None
) -> dict[str, bytes]:
    """The files in a zip of ``entries`` files and ``most`` bytes, at the most; with ``only``, no others than these are
    looked at, each of so many bytes at the most. Raises `BundleError`."""
    archive = _zip(data, entries)
    held = {info.filename: info for info in archive.infolist()}
    files: dict[str, bytes] = {}
    for name in held if only is None else held.keys() & only.keys():
        # What it unpacks to is counted, not believed.
        limit = most if only is None else min(most, only[name])
        with _damage(), _opened(archive, held[name]) as file:
            files[name] = file.read(limit + 1)
        if len(files[name]) > limit:
            raise BundleError(f"{name} in it is larger than the {limit:,} bytes that are taken.")
        most -= len(files[name])
    return files


def _zip(data: bytes, entries: int) -> zipfile.ZipFile:
    """A zip of ``entries`` files at the most, whose list of them is no longer than that either."""
    ends = len(data) - _END if data[-_END:].startswith(b"PK\5\6") and data.endswith(b"\0\0") else -1
    at = ends if ends >= 0 else data.rfind(b"PK\5\6", max(0, len(data) - _END - 0xFFFF))
    listed = int.from_bytes(data[at + 12 : at + 16], "little") if at >= 0 else 0
    # One of more than 4 GB says so before its end (APPNOTE 4.3.15), and how long its list really is.
    if listed > entries * _ENTRY or (at >= 20 and data[at - 20 : at].startswith(b"PK\6\7")):
        raise BundleError("It holds too many files.")
    with _damage():
        archive = zipfile.ZipFile(io.BytesIO(data))
    if len(archive.infolist()) > entries:
        raise BundleError("It holds too many files.")
    return archive


def _lines(archive: zipfile.ZipFile, info: zipfile.ZipInfo, name: str) -> Iterator[bytes]:
    number = 0
    with (
        _damage(),
        _opened(archive, info) as file,
        io.BufferedReader(cast("io.RawIOBase", file), _READ) as lines,
    ):
        while line := lines.readline(_LONGEST + 1):
            number += 1
            if len(line) > _LONGEST:
                raise BundleError(
                    f"{name}, line {number}: longer than the {_LONGEST:,} bytes that a row may have."
                )
            yield line


def _opened(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> IO[bytes]:
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        # Of others no bound is kept while they unpack.
        raise BundleError("It is compressed in a way that is not read here: zip it as usual (deflate).")
    return archive.open(info)


@contextmanager
def _damage() -> Iterator[None]:
    """Whatever a broken archive makes its reader stumble over."""
    try:
        yield
    except (BundleError, MemoryError):
        raise
    except Exception:
        raise BundleError("It is no zip file, or it is damaged.") from None


def _object(data: bytes, where: str = _HEADER) -> Row:
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        raise BundleError(f"{where} in it is damaged.") from None
    if not isinstance(value, dict):
        raise BundleError(f"{where} in it is damaged.")
    return value


def _number(header: Row, name: str) -> int:
    value = header.get(name)
    if not isinstance(value, int) or not 1 <= value <= _PARTS:
        raise BundleError(f"{_HEADER} in it is damaged.")
    return value
