"""Words of a text: tokens, stems, sentences, days. Every function is linear in the text's length."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from functools import lru_cache

import Stemmer

from bot.models.offline.lexicon import ENGLISH, SYNONYMS, WEAK, anycase, is_small
from memory.search.lemmas import LEMMAS
from memory.search.terms import is_stop_word

TOKEN = re.compile(r"[^\W_]+(?:['\-][^\W_]+)*")
_SENTENCE = re.compile(r"(?<=[.!?؟…])\s+|(?<=[。！？])|\n+")
_ABBREVIATION = anycase(r"\b(?:mr|mrs|ms|dr|st|prof|e\.g|i\.e|approx)\.$")
_SPACES = re.compile(r"[ \t]+")
_NEARBY = anycase(r"\b(yesterday|today|tomorrow)(?!['\w-])")
_SHIFT = {"yesterday": -1, "today": 0, "tomorrow": 1}
_stemmer = Stemmer.Stemmer("english")


@lru_cache(maxsize=8192)
def stem(word: str) -> str:
    """What two forms of a word have in common, in lower case and without a possessive."""
    word = word.lower().removesuffix("'s").removesuffix("'")
    word = SYNONYMS.get(word, "leave" if word == "left" else LEMMAS.get(word, word))
    return str(_stemmer.stemWord(word))


WEAK_STEMS = frozenset(map(stem, WEAK))


def tokens(text: str) -> list[str]:
    return TOKEN.findall(text)


def content(text: str) -> list[str]:
    """The words that carry meaning, as written, each once."""
    bare = dict.fromkeys(token.removesuffix("'s") for token in tokens(text))
    return [word for word in bare if not is_small(word.lower()) and (len(word) > 1 or word.isdecimal())]


def stems(text: str) -> frozenset[str]:
    return frozenset(map(stem, content(text)))


def sentences(text: str, most: int = 60) -> list[str]:
    """The sentences of a text, without quoted lines and code, at most ``most``."""
    found: list[str] = []
    fenced = False
    for line in text.splitlines():
        if line.lstrip().startswith("```"):
            fenced = not fenced
        elif not fenced and not line.lstrip().startswith(">"):
            unended = False
            for part in filter(None, map(str.strip, _SENTENCE.split(_SPACES.sub(" ", line)))):
                if unended:
                    found[-1] += f" {part}"
                else:
                    found.append(part)
                unended = _ABBREVIATION.search(part[-8:]) is not None
        if len(found) >= most:
            break
    return found[:most]


def english(text: str) -> bool:
    """Whether a text looks like English: it has an English function word."""
    return any(token in ENGLISH or is_stop_word(token) for token in tokens(text.lower())[:200])


def capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def joined(items: list[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    return " and ".join([", ".join(items[:-1]), items[-1]]) if len(items) > 1 else "".join(items)


def day(at: datetime) -> str:
    """``21 November 2026``, in the time's own zone."""
    return f"{at.day} {at:%B %Y}"


def dated(text: str, at: datetime | None) -> str:
    """What was said at ``at``, with the day itself in place of "yesterday"."""
    if at is None:
        return text
    return _NEARBY.sub(lambda match: f"on {day(at + timedelta(days=_SHIFT[match[1].lower()]))}", text)
