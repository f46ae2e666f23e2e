"""Tables of JSON lines in a zip, in parts that a platform takes; beside them Markdown for people. Pure.

``header.json`` names the format, the part and how many there are; each ``<table>.jsonl`` holds one object a
line. What is read may come from anywhere: it is bounded, and nothing in it is a path.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bot.errors import BundleError

Row = dict[str, Any]
Tables = dict[str, list[Row]]

_MOST = 1_000_000_000  # bytes of all parts, unpacked
_PARTS = 1_000
_FILES = 100  # in a part
_HEADER = "header.json"
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


def unpack(parts: Sequence[bytes], form: str) -> tuple[Row, Tables]:
    """The header of the first part, and the tables of all. Raises `BundleError` for what is not ``form``, not
    whole, or not to be trusted."""
    found: dict[int, tuple[Row, dict[str, bytes]]] = {}
    left = _MOST
    for part in parts:
        files = unzipped(part, entries=_FILES, most=left)
        left -= sum(map(len, files.values()))
        header = _object(files.get(_HEADER, b""), _HEADER)
        if header.get("format") != form:
            raise BundleError(f"This is no file of the format {form}.")
        found[_number(header, "part")] = (header, files)
    if not found:
        raise BundleError("There is no file to read.")
    first = found[min(found)][0]
    missing = [str(number) for number in range(1, _number(first, "parts") + 1) if number not in found]
    if missing:
        raise BundleError(f"Parts are missing: {', '.join(missing)} of {first['parts']}.")
    if any(header.get("id") != first.get("id") for header, _ in found.values()):
        raise BundleError("These are parts of different exports.")
    tables: Tables = {}
    for number in sorted(found):
        for name, data in found[number][1].items():
            if name.endswith(".jsonl"):
                rows = tables.setdefault(name.removesuffix(".jsonl"), [])
                rows += [_object(line, name) for line in data.splitlines() if line.strip()]
    return first, tables


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


def unzipped(
    data: bytes, *, entries: int, most: int, only: Mapping[str, int] | None = None
) -> dict[str, bytes]:
    """The files in a zip of ``entries`` files and ``most`` bytes, at the most; with ``only``, no others than these are
    looked at, each of so many bytes at the most. Raises `BundleError`."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            held = {info.filename: info for info in archive.infolist()}
            if len(archive.infolist()) > entries:
                raise BundleError("It holds too many files.")
            files: dict[str, bytes] = {}
            for name in held if only is None else held.keys() & only.keys():
                with archive.open(held[name]) as file:
                    # What it unpacks to is counted, not believed.
                    limit = most if only is None else min(most, only[name])
                    files[name] = file.read(limit + 1)
                if len(files[name]) > limit:
                    raise BundleError(f"{name} in it is larger than the {limit:,} bytes that are taken.")
                most -= len(files[name])
            return files
    except BundleError:
        raise
    except Exception:  # whatever a broken archive makes its reader stumble over
        raise BundleError("It is no zip file, or it is damaged.") from None


def _object(data: bytes, where: str) -> Row:
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
