"""Words that occur nowhere, led to the nearest that do: ``favourite`` to ``favorite``, a slip of the pen, an
ending that a stemmer does not know. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping

from memory.search.terms import is_identifier, is_unspaced

SHORTEST = 4
"""Letters of a word, and of the beginning by which others are found."""
_SHARE = 0.6  # of a word that another's beginning must repeat
_NEAR = 1  # slips by which a word is surely taken for the other
_MOST = 3  # words that one is led to
_VOWELS = "aeiouy"
_ALPHABETS = tuple(map(tuple, ("az", "αω", "ая", "աֆ", "את", "اي", "აჰ", "अह")))  # first and last letters


def is_spelt(term: str) -> bool:
    """Whether the term is a word that may be spelt in another way: no number, no identifier, no single signs."""
    return len(term) >= SHORTEST and not is_identifier(term) and not is_unspaced(term)


def beginnings(term: str) -> list[str]:
    """What words near to it may begin with, longest first."""
    shortest = max(SHORTEST, math.ceil(len(term) * _SHARE))
    return [term[:length] for length in range(len(term), shortest - 1, -1)]


def slips(term: str) -> set[str]:
    """All words that differ by one letter left out, added, changed, or in another's place; of a short word those
    with another vowel alone (``grey``, ``gray``), because there are too many others."""
    if len(term) == SHORTEST:
        return {term[:i] + v + term[i + 1 :] for i, c in enumerate(term) if c in _VOWELS for v in _VOWELS} - {
            term
        }
    letters = _alphabet(term)
    cuts = [(term[:i], term[i:]) for i in range(len(term) + 1)]
    found = {a + b[1:] for a, b in cuts if b} | {a + b[1] + b[0] + b[2:] for a, b in cuts if len(b) > 1}
    found |= {a + c + b[1:] for a, b in cuts if b for c in letters} | {
        a + c + b for a, b in cuts for c in letters
    }
    return found - {term}


def nearest(term: str, words: Mapping[str, int]) -> list[str]:
    """Of ``words``, with how often each was seen, those most like the term, best first."""
    return sorted(words, key=lambda word: (_distance(term, word), -words[word], word))[:_MOST]


def is_near(term: str, word: str) -> bool:
    return _distance(term, word) <= _NEAR


def _alphabet(term: str) -> str:
    for first, last in _ALPHABETS:
        if first <= term[0] <= last:
            return "".join(map(chr, range(ord(first), ord(last) + 1)))
    return term


def _distance(one: str, other: str) -> int:
    """Slips from one to the other: letters left out, added, changed, or two in each other's place
    (optimal string alignment)."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, a in enumerate(one):
        earlier, before, row = before, row, [i + 1]
        for j, b in enumerate(other):
            cost = min(before[j] + (a != b), before[j + 1] + 1, row[j] + 1)
            if i and j and a == other[j - 1] and b == one[i - 1]:
                cost = min(cost, earlier[j - 1] + 1)
            row.append(cost)
    return row[-1]
