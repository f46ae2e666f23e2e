"""Counting tokens: exactly with tiktoken's tables where they are at hand, else by an estimate.

tiktoken downloads a missing table by itself, with no time limit. So nothing here asks it for an encoding
before its table was found, whole and unchanged, in a folder; only `fetch_tables` uses the network.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
import math
import os
import re
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from memory.errors import where
from memory.ports import TokenCounter

if TYPE_CHECKING:
    import tiktoken

log = logging.getLogger(__name__)

DEFAULT_ENCODING = "o200k_base"
TABLES_URL = "https://openaipublic.blob.core.windows.net/encodings"
TABLES = {  # encoding -> its table at TABLES_URL, and that file's SHA-256
    "o200k_base": ("o200k_base", "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d"),
    "o200k_harmony": ("o200k_base", "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d"),
    "cl100k_base": ("cl100k_base", "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7"),
}
SLICE = 4096  # characters given to tiktoken at once: its time for one long "word" grows with its square

_REMEMBERED = 512  # slices whose counts are remembered

_loading = threading.Lock()
_whole: dict[str, tuple[object, ...]] = {}
"""By its digest, the file that was last found whole, as it was then: to read it takes longer than to open the rest."""


def token_counter(model: str, cache: Path, environ: Mapping[str, str] = os.environ) -> TokenCounter:
    """Exact if tiktoken's table for ``model`` is in its own cache folder or in ``cache``, else `Estimator`.

    Its own folder is what TIKTOKEN_CACHE_DIR or DATA_GYM_CACHE_DIR in ``environ`` says. The network is
    never used.
    Reading a table takes about 0.3 s.
    """
    encoding = _encoding_name(model)
    for folder in _folders(cache, environ):
        if _has_table(encoding, folder):
            with _tiktoken_folder(folder):
                return TiktokenCounter(model)
    return Estimator()


async def fetch_tables(
    model: str,
    cache: Path,
    environ: Mapping[str, str] = os.environ,
    *,
    url: str = TABLES_URL,
    limit: float = 20.0,
) -> bool:
    """Have the table for ``model`` in ``cache`` or tiktoken's own folder; True when it is there now.

    Downloads it if it is not, for at most ``limit`` seconds; a failure is False, never an error.
    """
    encoding = _encoding_name(model)
    if encoding not in TABLES:
        return False
    if any(_has_table(encoding, folder) for folder in _folders(cache, environ)):
        return True
    table, digest = TABLES[encoding]
    done: Future[bool] = Future()
    done.set_running_or_notify_cancel()  # nobody can cancel it: the thread sets it, even too late

    def work() -> None:
        loaded = False
        try:
            loaded = _download(f"{url}/{table}.tiktoken", digest, cache / _file_name(table))
        except Exception as error:  # of whatever is between us and there: a proxy that cannot be spoken with
            log.warning("Token tables cannot be had: %s", where(error))
        finally:
            done.set_result(loaded)

    # A daemon, because nothing may keep the process from ending: the download has no limit of its own.
    threading.Thread(target=work, name="tiktoken-tables", daemon=True).start()
    try:
        return await asyncio.wait_for(asyncio.wrap_future(done), limit)
    except TimeoutError:
        return False


class TiktokenCounter:
    """Exact counts in the encoding of ``model``, ``o200k_base`` for models that tiktoken does not know.

    Names of special tokens are counted as the plain text that they are. A text beyond 4,096 characters
    is counted in slices, which may add a token per slice. Build it with `token_counter`: this
    constructor lets tiktoken download a missing table.
    """

    def __init__(self, model: str) -> None:
        self._encoding = _encoding(_encoding_name(model))

    def count(self, text: str) -> int:
        if len(text) <= SLICE:
            return len(self._encoding.encode_ordinary(text))
        # Equal slices, as endless runs of one character give them, are counted once.
        slices = Counter(_slices(text))
        return sum(self._sliced(part) * n for part, n in slices.items())

    def _sliced(self, part: str) -> int:
        known = _counted(self._encoding.name)
        digest = hashlib.blake2b(part.encode("utf-8", "surrogatepass"), digest_size=16).digest()
        count = known.get(digest)
        if count is None:
            if len(known) >= _REMEMBERED:
                known.clear()
            count = known[digest] = len(self._encoding.encode_ordinary(part))
        return count


@lru_cache
def _counted(encoding: str) -> dict[bytes, int]:
    """What slices were found to have, by their digests, so that no words are kept: the instructions, which are long,
    are counted at each opening and for each agent anew, and take a millisecond a slice."""
    return {}


@lru_cache
def _encoding(name: str) -> tiktoken.Encoding:
    """As `tiktoken.get_encoding`, without the table as Python's objects, which only reading its tokens one by one would
    want: 27 of 75 MB."""
    import tiktoken
    from tiktoken_ext.openai_public import ENCODING_CONSTRUCTORS  # type: ignore[import-untyped]

    parts = ENCODING_CONSTRUCTORS[name]()
    made = tiktoken.Encoding(**parts)
    parts["mergeable_ranks"].clear()
    return made


def _slices(text: str, size: int = SLICE) -> Iterator[str]:
    """Parts of at most ``size`` characters, cut before a space where there is one."""
    start = 0
    while len(text) - start > size:
        space = text.rfind(" ", start + 1, start + size)
        cut = space if space > 0 else start + size
        yield text[start:cut]
        start = cut
    yield text[start:]


_PIECE = re.compile(
    r"""
    [A-Za-z0-9+/=_-]{16,}               # perhaps base64 or an identifier: see _cost
    | [A-Z]?[a-z]++(?![\u00c0-\u024f])  # words in ASCII
    | [A-Z]++(?![a-z\u00c0-\u024f])
    | [A-Za-z\u00c0-\u024f\u1e00-\u1eff]+  # words with other Latin letters
    | \ ?[0-9]{1,3}
    | \ {1,64} | \n{1,16} | \t{1,16}
    | [!-/:-@\[-`{-~]+                  # marks
    | [\u0370-\u058f\u10a0-\u10ff]+     # Greek, Cyrillic, Armenian, Georgian
    | [\u0590-\u06ff]+                  # Hebrew, Arabic
    | [\u0900-\u0eff]+                  # scripts of India, Thai, Lao
    | [\u3000-\ud7af]+                  # Chinese, Japanese, Korean
    | .
    """,
    re.VERBOSE | re.DOTALL,
)
_CLASS_RUN = re.compile(r"[A-Z]+|[a-z]+|[0-9]+|[^A-Za-z0-9]+")
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|[0-9]{1,3}|[^A-Za-z0-9]+")


_AT_ONCE = 16_384  # characters that are estimated at once
_SHORT = 24  # characters of a piece whose cost is remembered


class Estimator:
    """An estimate with no tables, on the high side: mostly 1.0 to 1.5 times what o200k_base counts.

    Never less than the words of the text. Unusual names and made-up words in Latin letters are what it
    may count too low.
    """

    def count(self, text: str) -> int:
        # In slices: whoever counts in a thread lets others run between them.
        found: Counter[str] = Counter()
        for part in _slices(text, _AT_ONCE):
            found.update(_PIECE.findall(part))
        pieces = found.items()
        return math.ceil(sum((_known(x) if len(x) <= _SHORT else _cost(x)) * n for x, n in pieces))


def _cost(piece: str) -> float:
    """Tokens of one match of _PIECE. The figures were fitted to o200k_base."""
    first, size = piece[0], len(piece)
    if piece.isascii():
        if size >= 16 and not piece.isspace() and not piece.isalpha():
            return _cost_of_chain(piece)
        return _cost_of_ascii(piece)
    if first < "\u0250" or "\u1e00" <= first < "\u1f00":
        return 1 if size <= 3 else size / 2
    if first < "\u0370":
        return 1.5
    if first < "\u0f00" or "\u10a0" <= first < "\u1100":
        shouted = size > 1 and piece.isupper()
        return max(1, size / (1.5 if shouted or size > 24 else 2.2))
    if "\u3000" <= first < "\ud7b0":
        return max(1, size * 0.9)
    if first in "\u200d\ufe0f":  # joiners in emoji
        return 1
    if first >= "\U0001f000":
        return 2.3 if first < "\U00020000" else 4
    return 2 if first < "\U00010000" else 4


_known = lru_cache(maxsize=32_768)(_cost)


def _cost_of_chain(piece: str) -> float:
    """A long run of letters, digits and joining marks: random if it changes often, else names."""
    if len(set(piece)) == 1:
        return 1 + len(piece) / 16
    if len(_CLASS_RUN.findall(piece)) > len(piece) / 3.5:
        return len(piece) / 1.35
    return sum(_cost_of_ascii(word) for word in _WORD.findall(piece))


def _cost_of_ascii(piece: str) -> float:
    size = len(piece)
    if piece.isalpha():
        if piece.isupper() and size > 2:
            return size / (2.2 if size <= 12 else 1.7)
        if size > 24:
            return size / 1.9
        if size > 2 and not re.search("[aeiouyAEIOUY]", piece):
            return size / 1.7
        rare = 0.3 if size >= 5 and piece[0].isupper() else 0.0
        if size <= 7:
            return rare + (1.0 if size <= 4 else 1.2)
        return rare + (1.6 if size <= 10 else size / 5)
    if piece.strip().isdigit():
        return 2 if piece[0] == " " else 1
    if piece.isspace():
        return 0 if piece == " " else 1  # one space is part of the word after it
    if len(set(piece)) == 1:
        return 1 + size // 16
    return max(1.2, size / 1.45)


class Calibrated:
    """A counter that follows what the model's own ``usage`` reports, by one factor. Rounds up.

    ``raw`` is the wrapped counter. ``factor`` starts at 1.0 and stays within 0.8 and 2.5.
    """

    LEAST, MOST = 0.8, 2.5
    WEIGHT = 0.2  # of the newest report
    TOO_SMALL = 200  # tokens: below, the protocol's own overhead is most of it

    def __init__(self, counter: TokenCounter) -> None:
        self.raw = counter
        self.factor = 1.0

    def count(self, text: str) -> int:
        return self.scaled(self.raw.count(text))

    def scaled(self, counted: int) -> int:
        """What ``raw`` counted, corrected."""
        return math.ceil(counted * self.factor - 1e-9)

    def learn(self, counted: int, reported: int) -> None:
        """``raw`` counted a whole request as ``counted`` tokens, and the model reported ``reported``."""
        if min(counted, reported) < self.TOO_SMALL:
            return
        factor = self.factor + self.WEIGHT * (reported / counted - self.factor)
        self.factor = min(max(factor, self.LEAST), self.MOST)


def _encoding_name(model: str) -> str:
    """tiktoken's name of the model's encoding; a provider's prefix ("openai/gpt-4") does not matter."""
    from tiktoken.model import encoding_name_for_model

    try:
        return encoding_name_for_model(model.rpartition("/")[2])
    except KeyError:
        return DEFAULT_ENCODING


def _folders(cache: Path, environ: Mapping[str, str]) -> Iterator[Path]:
    for variable in ("TIKTOKEN_CACHE_DIR", "DATA_GYM_CACHE_DIR"):
        if environ.get(variable):
            yield Path(environ[variable])
    yield cache


def _file_name(table: str) -> str:
    """What tiktoken calls a cached table: the SHA-1 of its address."""
    return hashlib.sha1(f"{TABLES_URL}/{table}.tiktoken".encode(), usedforsecurity=False).hexdigest()


def _has_table(encoding: str, folder: Path) -> bool:
    """It is there and unchanged: tiktoken would delete another file and download."""
    if encoding not in TABLES:
        return False
    table, digest = TABLES[encoding]
    path = folder / _file_name(table)
    try:
        now = path.stat()
        seen = (path, now.st_ino, now.st_size, now.st_mtime_ns, now.st_ctime_ns)
        if _whole.get(digest) != seen:
            if hashlib.sha256(path.read_bytes()).hexdigest() != digest:
                return False
            _whole[digest] = seen
    except OSError:
        return False
    return True


@contextlib.contextmanager
def _tiktoken_folder(folder: Path) -> Iterator[None]:
    """Make tiktoken look in ``folder``; the environment is the only way to tell it."""
    with _loading:
        before = os.environ.get("TIKTOKEN_CACHE_DIR")
        os.environ["TIKTOKEN_CACHE_DIR"] = str(folder)
        try:
            yield
        finally:
            if before is None:
                del os.environ["TIKTOKEN_CACHE_DIR"]
            else:
                os.environ["TIKTOKEN_CACHE_DIR"] = before


def _download(url: str, digest: str, target: Path) -> bool:
    import requests
    from tiktoken.load import read_file

    try:
        data = read_file(url)
        if hashlib.sha256(data).hexdigest() != digest:
            return False
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent) as folder:
            part = Path(folder) / target.name
            part.write_bytes(data)
            part.replace(target)
    except (OSError, requests.RequestException):
        return False
    return True
