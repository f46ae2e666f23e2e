"""Which files there are at the paths that somebody names."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

from memory.documents.kinds import KNOWN_SUFFIXES
from memory.errors import DocumentError


def find_files(paths: Sequence[Path]) -> list[Path]:
    """The files at and under ``paths``, sorted, each once whatever links lead to it.

    A directory gives the files of `KNOWN_SUFFIXES` in it and below, but nothing hidden (``.name``);
    links are followed. A file that is named itself is taken as it is.
    """
    return _unique(paths, known=True)


def find_others(paths: Sequence[Path]) -> list[Path]:
    """The files under ``paths`` that `find_files` leaves out because of their kind, in the same order; nothing
    hidden."""
    return _unique(paths, known=False)


def _unique(paths: Sequence[Path], *, known: bool) -> list[Path]:
    found: set[Path] = set()
    for path in paths:
        kind = stat_of(path).st_mode
        if stat.S_ISDIR(kind):
            found |= set(_walk(path, known))
        elif not stat.S_ISREG(kind):
            raise DocumentError(f"{path} is not a file.")
        elif known:
            found.add(path)
    unique: dict[Path, Path] = {}
    for path in sorted(found, key=lambda path: (path.is_symlink(), path)):  # a real name before a link
        unique.setdefault(path.resolve(), path)
    return sorted(unique.values())


def digest(path: Path) -> str:
    """SHA-256 of the file's bytes, in hexadecimal, read piece by piece."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as exc:
        raise unreadable(path, exc) from exc


def _walk(top: Path, known: bool) -> Iterator[Path]:
    def fail(exc: OSError) -> None:
        raise unreadable(Path(exc.filename or top), exc) from exc

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
            if file.startswith(".") or (path.suffix.lower() in KNOWN_SUFFIXES) is not known:
                continue
            if path.is_file():
                yield path


def unreadable(path: Path, exc: OSError) -> DocumentError:
    if isinstance(exc, FileNotFoundError):
        return DocumentError(f"{path} was not found.")
    return DocumentError(f"{path} cannot be read: {exc.strerror or exc}.")


def stat_of(path: Path) -> os.stat_result:
    try:
        return path.stat()
    except OSError as exc:
        raise unreadable(path, exc) from exc
