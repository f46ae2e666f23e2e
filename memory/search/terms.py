"""Texts to terms: what full-text search indexes and looks up. Pure.

A text becomes words, folded and stemmed (Snowball's English, https://snowballstem.org, after irregular
forms were led back to their basic one: "went" is "go"); what looks like
an identifier (``ERR-1042``, ``ada@example.org``, ``2.10.3``, a UUID) is kept whole besides, joined by
underscores, so that it is found exactly; runs of a script without spaces become single signs and overlapping pairs.

Folding takes away what people write or leave out as they please: case, accents, strokes, the vowel marks of Arabic
and Hebrew. It goes piece by piece: the time grows with the text's length, and no step of it is long.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import chain

import Stemmer

from memory.search.lemmas import LEMMAS

VERSION = 3
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
_BRAHMIC = map(chr, chain(range(0x900, 0x1D00), range(0xA800, 0xAC00)))
# Vowel signs of the scripts of India and their kin, which are no letters, but parts of words; Thaana's besides.
_SIGNS = "\u07a6-\u07b0\U00011000-\U00011fff" + "".join(
    c for c in _BRAHMIC if unicodedata.category(c)[0] == "M"
)
_WORD = re.compile(rf"[\w{_SIGNS}]+")  # underscores are taken out before
_IDENTIFIER = re.compile(r"(?<![^\W_])[^\W_]++(?:[-_.@:/#+'’][^\W_]++)++")
_MARKED = re.compile(r"[\u00c0-\u052f\u1e00-\u1fff]+")
_LEFT_OUT = re.compile(
    "[\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7"  # Hebrew's points and accents
    "\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e8\u06ea-\u06ed\u0898-\u089f\u08ca-\u08ff"  # Arabic's
    "\u0640\u0711\u0730-\u074a"  # tatweel, which only makes words longer; Syriac's points
    "\u00ad\u200d-\u200f\u202a-\u202e\u2060-\u2069\ufe00-\ufe0f\ufeff]+"  # what is not seen
)
_SAME = str.maketrans(
    dict(zip("łøđðıħŧ", "loddiht", strict=True))
    | {"æ": "ae", "œ": "oe", "þ": "th"}
    | dict(zip("آأإٱىیکة", "ااااييكه", strict=True))  # forms of alef; letters of other keyboards
    | {c: str(unicodedata.decimal(c)) for c in map(chr, range(0x660, 0x1A9A)) if c.isdecimal()}
)
_JOIN = re.compile(r"[\W_]+")
_MARK = re.compile(r"[_.@:/#\d]|[-+'’].*[-+'’]")  # what tells ERR-1 and a.b from well-known and don't
_LONGEST = 64  # characters of a term
_CUT = 2_000_000  # characters of a text, folded, that are indexed
_ASKED = 4_000  # ... of a question
_PIECE = 1_024  # characters that are folded at once: what marks in disorder cost grows with its square

_stemmer = Stemmer.Stemmer("english")


@lru_cache(maxsize=50_000)
def _stem(word: str) -> str:
    return word if any(c.isdigit() for c in word) else str(_stemmer.stemWord(LEMMAS.get(word, word)))


def _normal(text: str) -> Iterator[str]:
    """The text without case and variants of its signs, in pieces that are cut between words, if there are such."""
    start = 0
    while start < len(text):
        end = start + _PIECE
        if end < len(text):
            blank = max(text.rfind(" ", start + 1, end), text.rfind("\n", start + 1, end))
            end = blank if blank > 0 else end
        yield unicodedata.normalize("NFKC", text[start:end]).casefold()
        start = end


def _fold(text: str, most: int = _CUT) -> Iterator[str]:
    """The first ``most`` characters, folded, in pieces."""
    left = most
    for piece in _normal(text[:most]):
        folded = piece[:left]
        if not folded.isascii():
            folded = _MARKED.sub(_unmarked, _LEFT_OUT.sub("", folded)).translate(_SAME)
        yield folded
        left -= len(folded)
        if left <= 0:
            break


def _unmarked(match: re.Match[str]) -> str:
    """Latin, Greek and Cyrillic letters without their accents; in other scripts marks tell words apart."""
    return "".join(c for c in unicodedata.normalize("NFD", match.group()) if not unicodedata.combining(c))


def _cut(folded: str) -> list[str]:
    found: list[str] = _WORD.findall(folded.replace("_", " "))
    return found


def _words(folded: str) -> Iterator[str]:
    for word in _cut(folded):
        if word.isascii():
            yield _stem(word[:_LONGEST])
            continue
        at = 0
        for run in _RUN.finditer(word):
            if run.start() > at:
                yield _stem(word[at : run.start()][:_LONGEST])
            yield from _pairs(run.group())
            at = run.end()
        if at < len(word):
            yield _stem(word[at:][:_LONGEST])


def _pairs(run: str) -> list[str]:
    return [*run, *(run[i : i + 2] for i in range(len(run) - 1))]


def identifiers(text: str) -> list[str]:
    """The identifiers in a text, folded and joined by underscores."""
    return list(chain.from_iterable(map(_identifiers, _fold(text))))


def _identifiers(folded: str) -> Iterator[str]:
    found = (match for match in _IDENTIFIER.findall(folded) if _MARK.search(match))
    return (_JOIN.sub("_", match)[: 2 * _LONGEST] for match in found)


def analyse(text: str) -> str:
    """The terms of a text, in order, separated by spaces; its identifiers follow."""
    terms: list[str] = []
    whole: list[str] = []
    for folded in _fold(text):
        terms += _words(folded)
        whole += _identifiers(folded)
    return " ".join(terms + whole)


def query_terms(text: str) -> list[str]:
    """The distinct terms to look up for a question: stop words left out, unless there is nothing else."""
    folded = list(_fold(text, _ASKED))
    terms = list(_words(" ".join(_telling(folded)))) or [term for piece in folded for term in _words(piece)]
    whole = chain.from_iterable(map(_identifiers, folded))
    return list(dict.fromkeys([*whole, *terms]))[:64]


def telling_words(text: str) -> list[str]:
    """The words of a text that are worth looking up, folded; none of small ones alone."""
    return _telling(_fold(text, _ASKED))


def _telling(folded: Iterable[str]) -> list[str]:
    return [word for piece in folded for word in _cut(piece) if word not in _STOP]


def is_identifier(term: str) -> bool:
    """Whether a term is an identifier kept whole, or a word with a digit in it."""
    return "_" in term or any(c.isdigit() for c in term)


def is_pair(term: str) -> bool:
    """Whether a term is two signs of a script without spaces."""
    return len(term) == 2 and _RUN.fullmatch(term) is not None


def is_unspaced(term: str) -> bool:
    """Whether a term is of a script without spaces: a sign or two of a word, not the word."""
    return _RUN.search(term) is not None


def digest_words(text: str) -> str:
    """The text, folded, without surplus blanks and final marks: equal for texts that say the same."""
    return " ".join("".join(_normal(text)).split()).rstrip(".!?… ")


def is_stop_word(word: str) -> bool:
    """Whether a word says too little to be looked up."""
    return "".join(_fold(word)) in _STOP
