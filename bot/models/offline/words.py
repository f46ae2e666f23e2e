"""Words of a text: tokens, stems, sentences. Every function is linear in the text's length."""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import Any

from bot.models.offline.lexicon import ENGLISH, PAST, STOP, SYNONYMS, WEAK

HEAD, TAIL = 4000, 2000  # characters looked at of a long text

TOKEN = re.compile(r"[^\W_]+(?:['\-][^\W_]+)*")
_SENTENCE = re.compile(r"(?<=[.!?؟…])\s+|(?<=[。！？])|\n+")
_ABBREVIATION = re.compile(r"\b(?:mr|mrs|ms|dr|st|prof|e\.g|i\.e|approx)\.$", re.IGNORECASE)
_QUOTES = str.maketrans({"’": "'", "‘": "'", "ʼ": "'", "´": "'", "“": '"', "”": '"', "\x00": " "})


_SPACES = re.compile(r"[ \t]+")


@cache
def _stemmer() -> Any:
    import Stemmer

    return Stemmer.Stemmer("english")


@lru_cache(maxsize=8192)
def stem(word: str) -> str:
    """What two forms of a word have in common, in lower case and without a possessive."""
    word = word.lower().removesuffix("'s").removesuffix("'")
    word = SYNONYMS.get(word, PAST.get(word, word))
    return str(_stemmer().stemWord(word))


@cache
def weak() -> frozenset[str]:
    return frozenset(stem(word) for word in WEAK)


def plain(text: str) -> str:
    """The text with plain quotes; of a long one only the beginning and the end."""
    if len(text) > HEAD + TAIL:
        text = f"{text[:HEAD]}\n{text[-TAIL:]}"
    return text.translate(_QUOTES)


def tokens(text: str) -> list[str]:
    return TOKEN.findall(text)


def content(text: str) -> list[str]:
    """The words that carry meaning, as written, each once."""
    found = dict[str, None]()
    for token in tokens(text):
        bare = token.removesuffix("'s")
        if bare.lower() not in STOP and (len(bare) > 1 or bare.isdecimal()):
            found.setdefault(bare)
    return list(found)


def stems(text: str) -> frozenset[str]:
    return frozenset(stem(word) for word in content(text))


def sentences(text: str, most: int = 60) -> list[str]:
    """The sentences of a text, without quoted lines and code, at most ``most``."""
    found: list[str] = []
    fenced = False
    for line in text.splitlines():
        if line.lstrip().startswith("```"):
            fenced = not fenced
            continue
        if fenced or line.lstrip().startswith(">"):
            continue
        joined = False
        for part in _SENTENCE.split(_SPACES.sub(" ", line)):
            part = part.strip()
            if joined and part:
                found[-1] = f"{found[-1]} {part}"
            elif part:
                found.append(part)
            joined = bool(part) and _ABBREVIATION.search(part[-8:]) is not None
        if len(found) >= most:
            break
    return found[:most]


def english(text: str) -> bool:
    """Whether a text looks like English: it has an English function word."""
    return any(token.lower() in ENGLISH for token in tokens(text)[:200])


def capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def joined(items: list[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    return " and ".join([", ".join(items[:-1]), items[-1]]) if len(items) > 1 else "".join(items)
