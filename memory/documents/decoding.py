"""Bytes to text, whatever they were written with. Pure.

A mark at the beginning tells the encoding, else the bytes do: UTF-8, UTF-16 and UTF-32 of either order, then what
`chardet` takes for the likeliest of the older ones (Windows' code pages, KOI8, GBK, Big5, Shift-JIS, EUC ...).
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter

SAMPLE = 64 * 1024  # bytes by which encodings are guessed

_MARKS = (  # longest first: UTF-32's begins with UTF-16's
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
_WIDE = ("utf-32-le", "utf-32-be", "utf-16-le", "utf-16-be")
_CONTROLS = bytes(set(range(0x20)) - set(b"\t\n\f\r\x1b"))
_SOUND = 0.97  # of a text's signs that are letters, digits, marks and spaces of one or two scripts
_LOST = 0.3  # of a text's signs that may be unreadable
_ESCAPES = (b"\x1b$", b"\x1b(")  # ISO-2022: seven bits, as UTF-8 has them
_FOREIGN = r"[^\W\d_A-Za-z\u00aa-\u024f\u1e00-\u1eff]"  # a letter that is not Latin
_MIXED = re.compile(f"[A-Za-z]{_FOREIGN}|{_FOREIGN}[A-Za-z]")


def decode(data: bytes) -> str | None:
    """The text, or None for what is no text. What cannot be read of it is U+FFFD."""
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _unless_lost(data.decode(encoding, "replace"))
    sample = data[:SAMPLE]
    controls = len(sample) - len(sample.translate(None, _CONTROLS))
    if controls * 100 > len(sample):
        # No 8-bit text has so many, and every text in wider units has some.
        wide = min((e for e in _WIDE if _is_sound(sample, e)), key=lambda e: _oddity(sample, e), default="")
        if wide:
            return data.decode(wide, "replace")
        if sample.count(0) * 100 > len(sample):
            return None
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as exc:
        sample = data[max(0, exc.start - SAMPLE // 2) :][:SAMPLE]  # round the first byte in question
    else:
        if not any(escape in sample for escape in _ESCAPES):
            return text
    likeliest = _likeliest(sample)
    return None if likeliest is None else _unless_lost(data.decode(likeliest, "replace"))


def _unless_lost(text: str) -> str | None:
    return text if text.count("\ufffd") <= _LOST * len(text) else None


def _is_sound(sample: bytes, encoding: str) -> bool:
    """Whether the sample reads as a text in units of that width and order."""
    try:
        text = sample[: len(sample) // 4 * 4].decode(encoding)
    except UnicodeDecodeError:
        if len(sample) < SAMPLE:
            return False
        text = sample[: len(sample) // 4 * 4].decode(encoding, "ignore")
    kinds = Counter(unicodedata.category(sign)[0] if sign not in "\t\n\r" else "Z" for sign in text)
    if kinds["C"] or (kinds.total() - kinds["S"]) < _SOUND * len(text) or not text:
        return False
    blocks = Counter(_script(sign) for sign in text if not sign.isascii())
    return sum(count for _, count in blocks.most_common(2)) >= _SOUND * blocks.total()


def _script(sign: str) -> str:
    """East Asian signs are of one script here, the others of their block of 256."""
    code = ord(sign)
    if 0x2E80 <= code < 0xA000 or 0xF900 <= code < 0xFB00 or code >= 0xFF00 or 0x2000 <= code < 0x2070:
        return "Han"
    return "Hangul" if 0xAC00 <= code < 0xD7B0 else f"{code >> 8:x}"


def _oddity(sample: bytes, encoding: str) -> tuple[int, int]:
    """The less, the likelier of two orders that both read as text: most texts have spaces, and few blocks."""
    text = sample.decode(encoding, "ignore")
    return -sum(sign.isascii() for sign in text), len({ord(sign) >> 8 for sign in text})


def _likeliest(sample: bytes) -> str | None:
    """The encoding of a text that is not Unicode; None for what looks like no text at all."""
    import chardet

    encoding = chardet.detect(sample)["encoding"]
    if encoding is None or not _MIXED.search(sample.decode(encoding, "ignore")):
        return encoding
    return "cp1252"  # words half in Latin and half in other letters: accents that were read as those
