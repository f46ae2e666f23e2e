"""Ranks what a search has found. Pure.

A row's score is a weighted sum of what speaks for it (`memory.search.evidence`). The weights are learned listwise: the
softmax over a question's candidates is to give the evidence the most (ListNet, Cao et al., "Learning to rank: from
pairwise to listwise approach", 2007), so that the same softmax serves as attention over memories. They were trained
by `benchmarks.train_ranking`; that, and what else was tried, is in docs/retrieval.md. There are two sets: with
vectors, and by words alone. Identifiers stand above all: who asks for ERR-1042 wants nothing that is only alike; and
words of scripts without spaces nearly so, for vectors made for English tell little of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np

from memory.search.evidence import FEATURES, Question, Rows, idf
from memory.search.likeness import Likeness, revised
from memory.search.terms import is_identifier, is_pair

WITH_VECTORS = {
    "words": 0.62,
    "around": 1.91,
    "around_best": 2.11,
    "before": 0.46,
    "after": 0.03,
    "named": 3.12,
    "subject": 1.23,
    "mine": 2.07,
    "theirs": 1.07,
    "dated": 4.69,
    "when": 1.60,
    "many": 0.69,
    "opening": 0.35,
    "late": -1.41,
    "salience": 0.40,
    "length_asked": -0.50,
    "words_asked": 1.42,
    "around_asked": -1.39,
    "meaning": 4.23,
    "meaning_around": 2.11,
    "meaning_near": 1.35,
    "both_around": -0.59,
    "session": 3.40,
    "meaning_asked": -2.34,
    "session_asked": -1.45,
}
WORDS_ALONE = {
    "words": 1.76,
    "around": 3.37,
    "around_best": 2.20,
    "before": 1.03,
    "after": 0.85,
    "named": 2.59,
    "subject": 1.50,
    "mine": 2.00,
    "theirs": 1.27,
    "dated": 4.26,
    "when": 1.58,
    "many": 0.90,
    "opening": 0.55,
    "late": -1.32,
    "salience": 0.36,
    "length_asked": -1.22,
    "words_asked": 1.76,
    "around_asked": -2.28,
}

_AROUND_IN_ROOM = 0.5  # of what stands around a row: many talk there at once
_AROUND = (
    *("around", "around_best", "before", "after", "around_asked", "both_around"),
    *("meaning_around", "meaning_near", "meaning_asked", "session", "session_asked", "length_asked"),
)
_PAIR = 8.0
"""Two signs of a script without spaces that are in one row only, where they are all that is asked for. With vectors it
counts for a bare word alone, of which they tell little: of a whole question they tell more than its many pairs do."""
_BARE = 2  # pairs of a bare word, at most
_EXACT = 100.0  # an identifier that a row shares with the question: beyond the reach of all else
_SHORTEST_NUMBER = 4  # digits of a bare number that is taken for an identifier


REASONS = {
    "words": ("words", "many", "words_asked"),
    "meaning": ("meaning", "meaning_asked"),
    "around": (
        *("around", "around_best", "before", "after", "around_asked", "both_around"),
        *("meaning_around", "meaning_near", "session", "session_asked"),
    ),
    "who": ("named", "subject", "mine", "theirs"),
    "when": ("dated", "when", "late"),
}
"""What may speak for a row, and the evidence that it is made of."""
_TELLING = 0.25  # of what speaks for a row: from this share on it is a reason


def shortlist(postings: Mapping[str, Any], rows: int) -> Any:
    """The keys that hold any of the terms: by the sum of their terms' weights, best and newest first."""
    if not postings:
        return np.empty(0, np.int64)
    found = np.concatenate([np.asarray(keys, np.int64) for keys in postings.values()])
    sizes = [len(keys) for keys in postings.values()]
    weights = np.repeat([idf(rows, size) for size in sizes], sizes)
    keys, at = np.unique(found, return_inverse=True)
    # Rounded, so that the order in which terms were added up does not decide.
    sums = np.round(np.bincount(at, weights=weights, minlength=len(keys)), 9)
    return keys[::-1][np.argsort(-sums[::-1], kind="stable")]


def scores(
    question: Question,
    postings: Mapping[str, Any],
    total: int,
    rows: Rows,
    features: Any,
    *,
    vectors: bool,
) -> Any:
    """How strongly each row answers; softmax makes attention weights of it."""
    weights = WITH_VECTORS if vectors else WORDS_ALONE
    if question.of_room:
        weights = _in_room(weights, vectors)
    found = np.vecdot(features, np.array([weights.get(name, 0.0) for name in FEATURES]))
    wanted = dict.fromkeys(_identifiers(question), _EXACT)
    pairs = list(filter(is_pair, question.terms))
    for term in pairs if not vectors or len(pairs) <= _BARE else ():
        wanted[term] = _PAIR / len(pairs) * idf(total, len(postings.get(term, ()))) / idf(total, 1)
    if wanted:
        texts = [set(rows.terms.get(key, "").split()) for key in rows.keys.tolist()]
        found = found + [sum(w for term, w in wanted.items() if term in text) for text in texts]
    return found


def _in_room(weights: Mapping[str, float], vectors: bool) -> dict[str, float]:
    """The talks that taught the weights are of two, who go straight on and seldom change their mind: unlike a group.
    By words alone there is little but what stands around."""
    around = {name: _AROUND_IN_ROOM * weights[name] for name in _AROUND} if vectors else {}
    return {**weights, **around, "late": -weights["late"]}


def reasons(features: Any, places: Sequence[int], *, vectors: bool) -> list[tuple[str, ...]]:
    """What spoke most for the row of each place, rather than for the others: names of `REASONS`, strongest first."""
    if not places:
        return []
    own = features[np.asarray(places, np.int64)] - features.mean(axis=0)
    shares = np.einsum("rf,fn->rn", own, _speaking(vectors))
    told = []
    for row in shares.tolist():
        least = _TELLING * sum(value for value in row if value > 0)
        spoke = [
            (value, name) for name, value in zip(REASONS, row, strict=True) if value > 0 and value >= least
        ]
        told.append(tuple(name for _, name in sorted(spoke, key=lambda one: -one[0])))
    return told


@cache
def _speaking(vectors: bool) -> Any:
    """A matrix: what each of `FEATURES` weighs in each of `REASONS`."""
    weights = WITH_VECTORS if vectors else WORDS_ALONE
    return np.array(
        [
            [weights.get(name, 0.0) if name in parts else 0.0 for parts in REASONS.values()]
            for name in FEATURES
        ]
    )


def attention(found: Any, temperature: float = 1.0) -> Any:
    """β = softmax(score/τ) over the candidates."""
    if not len(found):
        return found
    raised = np.exp((found - found.max()) / temperature)
    return raised / raised.sum()


def rank(
    question: Question,
    postings: Mapping[str, Any],
    total: int,
    rows: Rows,
    features: Any,
    candidates: Sequence[int],
    *,
    vectors: bool,
    likeness: Likeness | None = None,
) -> list[tuple[int, float]]:
    """(key, attention) of the candidates, best first; among equals the newer row. ``features``: the rows'
    `evidence`. By their ``likeness`` it is told which of them say what holds now (`memory.search.likeness`)."""
    if not candidates:
        return []
    found = scores(question, postings, total, rows, features, vectors=vectors)
    chosen = np.isin(rows.keys, np.asarray(candidates, np.int64))
    keys, found = rows.keys[chosen], found[chosen]
    if likeness is not None:
        found = revised(found, keys, rows.times[chosen], likeness)
    weights, order = attention(found), np.lexsort((-keys, -found))
    return [(int(keys[i]), float(weights[i])) for i in order]


def _identifiers(question: Question) -> set[str]:
    """The question's identifiers: not the days and years of a date, nor small numbers that stand alone."""
    dates = question.span.words if question.span is not None else frozenset()
    found = {term for term in question.terms if is_identifier(term) and not dates.issuperset(term.split("_"))}
    small = {term for term in found if term.isdigit() and len(term) < _SHORTEST_NUMBER}
    return found if found - small else set()
