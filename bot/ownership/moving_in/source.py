"""A file, a zip or a folder that somebody gives: a set of files with names, read as streams and within bounds.

Nothing in it is trusted: no name in it is a path to write to, and what a zip unpacks to is bounded before it is read.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import IO, Any, cast

from bot.errors import BundleError

_FILES = 200_000  # a workspace of some years has a file a channel and day
_LIST = 100_000_000  # bytes of a zip's list of them
_DENSE = 200  # times its size that a file may unpack to: texts come to ten times, and zeros to a thousand
_FREE = 64_000_000  # bytes that any may
_MOST = 20_000_000_000  # bytes of all of them, unpacked
_WHOLE = 64_000_000  # bytes of a file that is read at once
_LONGEST = 16_000_000  # bytes of a line
_HEAD = 200_000  # bytes that tell what a file is
_FIELD = re.compile(rb'"([A-Za-z_]{1,40})"\s*:')
_BOM = b"\xef\xbb\xbf"


class Source:
    """``name`` is what it is called, ``names`` are the files in it, with slashes, in their order."""

    def __init__(self, path: Path) -> None:
        """Raises `BundleError` for a zip that is damaged or out of bounds, OSError for what cannot be read."""
        self.path, self.name = path, path.name
        self._zip: zipfile.ZipFile | None = None
        self._members: dict[str, zipfile.ZipInfo] = {}
        if path.is_dir():
            self.names = _listed(path)
        elif _is_zip(path):
            self._zip = _opened(path)
            self._members = {m.filename: m for m in self._zip.infolist() if not m.is_dir()}
            self.names = tuple(sorted(self._members))
            if sum(member.file_size for member in self._members.values()) > _MOST:
                raise BundleError(f"{self.name} would unpack to more than the {_MOST:,} bytes that are read.")
        else:
            self.names = (path.name,)

    def close(self) -> None:
        if self._zip is not None:
            self._zip.close()

    def ending(self, *ends: str) -> list[str]:
        """The files whose names end so, whatever their case and folder: ``users.json``, ``.md``."""
        return [
            name
            for name in self.names
            if any(f"/{name}".casefold().endswith(end if end[0] in "./" else f"/{end}") for end in ends)
        ]

    @contextmanager
    def open(self, name: str) -> Iterator[IO[bytes]]:
        """Raises `BundleError` where it cannot be read, also while it is."""
        try:
            with self._open(name) as file:
                yield file
        except (
            OSError,
            EOFError,
            RuntimeError,
            NotImplementedError,
            zipfile.BadZipFile,
            zlib.error,
        ) as error:
            raise BundleError(f"{self.where(name)} cannot be read: {error}.") from None

    def _open(self, name: str) -> IO[bytes]:
        if self._zip is None:
            return (self.path / name if self.path.is_dir() else self.path).open("rb")
        member = self._members[name]
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise BundleError(
                f"{self.where(name)} is compressed in a way that is not read here: zip it as usual."
            )
        # A size that is a lie is no way past this: no more than it says is ever unpacked.
        if member.file_size > max(_FREE, _DENSE * member.compress_size):
            raise BundleError(
                f"{self.where(name)} would unpack to {member.file_size:,} bytes from {member.compress_size:,}: that is "
                "no export's."
            )
        return self._zip.open(member)

    def where(self, name: str) -> str:
        """What a file is called, for people."""
        return name if name == self.name else f"{name} in {self.name}"

    def head(self, name: str) -> bytes:
        """Its beginning."""
        with self.open(name) as file:
            return file.read(_HEAD).removeprefix(_BOM).lstrip()

    def fields(self, name: str) -> frozenset[str]:
        """The names of fields in the beginning of a file of JSON; none for another."""
        head = self.head(name)
        return (
            frozenset(f.decode() for f in _FIELD.findall(head)) if head[:1] in (b"{", b"[") else frozenset()
        )

    def text(self, name: str) -> str:
        """All of a small file. Raises `BundleError`."""
        with self.open(name) as file:
            data = file.read(_WHOLE + 1)
        if len(data) > _WHOLE:
            raise BundleError(
                f"{self.where(name)} is larger than the {_WHOLE:,} bytes that are read at once."
            )
        return data.removeprefix(_BOM).decode("utf-8", "replace")

    def json(self, name: str) -> Any:
        """All of a small file of JSON. Raises `BundleError`."""
        try:
            return json.loads(self.text(name))
        except (ValueError, RecursionError) as error:
            raise BundleError(f"{self.where(name)} is no JSON: {str(error)[:100]}.") from None

    def lines(self, name: str) -> Iterator[tuple[int, bytes]]:
        """Its lines that are not blank, with their numbers from 1; an overlong one is empty."""
        with self.open(name) as file, io.BufferedReader(cast("io.RawIOBase", file)) as lines:
            number = 0
            while line := lines.readline(_LONGEST):
                number += 1
                if len(line) == _LONGEST and not line.endswith(b"\n"):
                    while (rest := lines.readline(_LONGEST)) and not rest.endswith(b"\n"):
                        pass
                    line = b""
                elif not (line := line.removeprefix(_BOM) if number == 1 else line).strip():
                    continue
                yield number, line

    def modified(self, name: str) -> datetime | None:
        """When the file was written, by a clock of no known zone, as far as that is told."""
        try:
            if self._zip is not None:
                return datetime(*self._members[name].date_time)  # noqa: DTZ001 # a zip tells no zone
            path = self.path / name if self.path.is_dir() else self.path
            return datetime.fromtimestamp(path.stat().st_mtime)  # noqa: DTZ006 # as a zip tells it
        except (OSError, ValueError):
            return None

    def digest(self) -> str:
        """The same for the same contents."""
        found = hashlib.sha256()
        for name in self.names if self.path.is_dir() else ("",):
            found.update(name.encode("utf-8", "replace") + b"\0")
            with (self.path / name).open("rb") if name else self.path.open("rb") as file:
                while part := file.read(1 << 20):
                    found.update(part)
        return found.hexdigest()


def _listed(folder: Path) -> tuple[str, ...]:
    """The files in a folder; nothing hidden, and no links: they lead anywhere."""
    found = (
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if not any(part.startswith(".") for part in path.relative_to(folder).parts)
        and path.is_file()
        and not path.is_symlink()
    )
    names = tuple(sorted(islice(found, _FILES + 1)))
    if len(names) > _FILES:
        raise BundleError(f"{folder} holds more than the {_FILES:,} files that are looked at.")
    return names


def _is_zip(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) in (b"PK\3\4", b"PK\5\6")


def _opened(path: Path) -> zipfile.ZipFile:
    """A zip whose list of files is short enough to be read (APPNOTE 4.3.14 to 4.3.16)."""
    damaged = BundleError(f"{path.name} is damaged, or not whole: download it again.")
    with path.open("rb") as file:
        size = file.seek(0, io.SEEK_END)
        file.seek(max(0, size - 0x10000 - 22))
        tail = file.read()
        at = tail.rfind(b"PK\5\6")
        if at < 0:
            raise damaged
        listed = int.from_bytes(tail[at + 12 : at + 16], "little")
        if at >= 20 and tail[at - 20 : at - 16] == b"PK\6\7":  # its end is told before it, in long numbers
            file.seek(min(size, int.from_bytes(tail[at - 12 : at - 4], "little")))
            listed = int.from_bytes(file.read(56)[40:48], "little")
    if listed > _LIST:
        raise BundleError(f"{path.name} holds too many files.")
    try:
        archive = zipfile.ZipFile(path)
    except Exception:
        raise damaged from None
    if len(archive.infolist()) > _FILES:
        raise BundleError(f"{path.name} holds more than the {_FILES:,} files that are looked at.")
    return archive
