"""Texts to terms: what full-text search indexes and looks up. Pure.

A text becomes words, folded and stemmed (Snowball's English, https://snowballstem.org, after irregular
forms were led back to their basic one: "went" is "go"); what looks like
an identifier (``ERR-1042``, ``ada@example.org``, ``2.10.3``, a UUID) is kept whole besides, joined by
underscores, so that it is found exactly; runs of a script without spaces become single signs and overlapping pairs.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

import Stemmer

from memory.search.lemmas import LEMMAS

VERSION = 2
"""Changes when the same text would give other terms: stored terms are then made anew."""

_STOP = frozenset(
    """
    a about after again all also am an and any are as at be because been before being both but by
    can could did do does doing done down for from further had has have having he her here hers him
    his how i if in into is it its itself just let me more most my myself no nor not of off on once
    only or other our out over own please same she should so some such tell than that the their them
    then there these they this those through to too under until up us very was we were what when
    where which while who whom why will with would you your s t m re ve ll d
    """.split()
)
_UNSPACED = (
    "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uac00-\ud7af"  # kana, Han, Hangul
    "\u0e00-\u0e7f\u0e80-\u0eff\u1780-\u17ff\u1000-\u109f\U00020000-\U0003134f"  # Thai, Lao, Khmer, Burmese
)
_RUN = re.compile(rf"[{_UNSPACED}]+")
_SIGNS = "\u0900-\u0dff\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"  # scripts whose vowel signs are no letters
_WORD = re.compile(rf"(?:[^\W_]|[{_SIGNS}])+")
_IDENTIFIER = re.compile(r"(?<![^\W_])[^\W_]++(?:[-_.@:/#+'’][^\W_]++)++")
_MARKED = re.compile(r"[\u00c0-\u052f\u1e00-\u1fff]+")
_JOIN = re.compile(r"[\W_]+")
_MARK = re.compile(r"[_.@:/#\d]|[-+'’].*[-+'’]")  # what tells ERR-1 and a.b from well-known and don't
_LONGEST = 64  # characters of a term
_CUT = 2_000_000  # characters of a text that are indexed

_stemmer = Stemmer.Stemmer("english")


@lru_cache(maxsize=50_000)
def _stem(word: str) -> str:
    return word if any(c.isdigit() for c in word) else str(_stemmer.stemWord(LEMMAS.get(word, word)))


def _fold(text: str) -> str:
    text = unicodedata.normalize("NFKC", text[:_CUT]).casefold()
    return text if text.isascii() else _MARKED.sub(_unmarked, text)


def _unmarked(match: re.Match[str]) -> str:
    """Latin, Greek and Cyrillic letters without their accents; in other scripts marks tell words apart."""
    return "".join(c for c in unicodedata.normalize("NFD", match.group()) if not unicodedata.combining(c))


def _words(folded: str) -> list[str]:
    found: list[str] = []
    for word in _WORD.findall(folded):
        at = 0
        for run in _RUN.finditer(word):
            if run.start() > at:
                found.append(_stem(word[at : run.start()])[:_LONGEST])
            found.extend(_pairs(run.group()))
            at = run.end()
        if at < len(word):
            found.append(_stem(word[at:])[:_LONGEST])
    return found


def _pairs(run: str) -> list[str]:
    return [*run, *(run[i : i + 2] for i in range(len(run) - 1))]


def identifiers(text: str) -> list[str]:
    """The identifiers in a text, folded and joined by underscores."""
    found = (match for match in _IDENTIFIER.findall(_fold(text)) if _MARK.search(match))
    return [_JOIN.sub("_", match)[: 2 * _LONGEST] for match in found]


def analyse(text: str) -> str:
    """The terms of a text, in order, separated by spaces; its identifiers follow."""
    folded = _fold(text)
    return " ".join([*_words(folded), *identifiers(text)])


def query_terms(text: str) -> list[str]:
    """The distinct terms to look up for a question: stop words left out, unless there is nothing else."""
    terms = _words(" ".join(telling_words(text))) or _words(_fold(text[:4_000]))
    return list(dict.fromkeys([*identifiers(text[:4_000]), *terms]))[:64]


def telling_words(text: str) -> list[str]:
    """The words of a text that are worth looking up, folded; none of small ones alone."""
    return [word for word in _WORD.findall(_fold(text[:4_000])) if word not in _STOP]


def is_identifier(term: str) -> bool:
    """Whether a term is an identifier kept whole, or a word with a digit in it."""
    return "_" in term or any(c.isdigit() for c in term)


def is_pair(term: str) -> bool:
    """Whether a term is two signs of a script without spaces."""
    return len(term) == 2 and _RUN.fullmatch(term) is not None


def digest_words(text: str) -> str:
    """The text, folded, without surplus blanks and final marks: equal for texts that say the same."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(folded.split()).rstrip(".!?… ")


def is_stop_word(word: str) -> bool:
    """Whether a word says too little to be looked up."""
    return _fold(word) in _STOP
