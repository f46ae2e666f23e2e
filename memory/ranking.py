"""Scoring and fusing of search candidates. Pure.

- Words: Okapi BM25 (Robertson and Zaragoza, "The Probabilistic Relevance Framework", 2009) with the
  searching agent's own document frequencies.
- Meaning: cosine of sentence vectors.
- Fusion: a weighted sum of both, each scaled to 0..1 over the candidates (found to beat reciprocal ranks
  on long conversations), then a bonus for identifiers, which must win over everything that is only alike.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence

from memory.terms import is_identifier

_K1 = 1.2
_B = 0.75
_WORDS = 0.55
_MEANING = 0.45
_FLOOR = 0.30
"""Cosine below which a row that shares no word with the query does not count as a match."""


def idf(rows: int, holding: int) -> float:
    """Inverse document frequency, always positive (Lucene's variant of BM25)."""
    return math.log(1 + (max(rows, holding) - holding + 0.5) / (holding + 0.5))


def shortlist(postings: Mapping[str, Sequence[int]], rows: int, limit: int) -> list[int]:
    """The keys worth a closer look: by the sum of their terms' weights, best and newest first."""
    weights: Counter[int] = Counter()
    for keys in postings.values():
        weight = idf(rows, len(keys))
        for key in keys:
            weights[key] += weight  # type: ignore[assignment]  # Counter is typed for whole numbers
    return sorted(weights, key=lambda key: (-weights[key], -key))[:limit]


def bm25(
    query: Sequence[str], postings: Mapping[str, Sequence[int]], rows: int, terms: Mapping[int, str]
) -> dict[int, float]:
    """Score of each row in ``terms`` (key -> analysed text)."""
    counts = {key: Counter(text.split()) for key, text in terms.items()}
    lengths = {key: max(1, sum(count.values())) for key, count in counts.items()}
    mean = sum(lengths.values()) / max(1, len(lengths))
    weights = {term: idf(rows, len(postings[term])) for term in query if term in postings}
    scores: dict[int, float] = {}
    for key, count in counts.items():
        norm = _K1 * (1 - _B + _B * lengths[key] / mean)
        scores[key] = sum(
            weight * count[term] * (_K1 + 1) / (count[term] + norm)
            for term, weight in weights.items()
            if count[term]
        )
    return scores


def fuse(
    query: Sequence[str],
    words: Mapping[int, float],
    terms: Mapping[int, str],
    cosines: Mapping[int, float],
) -> list[tuple[int, float]]:
    """(key, score) of every match, best first; among equals the newer row.

    A row matches when it shares a term with the query, or is close enough to it in meaning.
    """
    by_words = _scaled(words)
    close = {key: cosine for key, cosine in cosines.items() if cosine >= _FLOOR or key in words}
    by_meaning = _scaled(close)
    wanted = {term for term in query if is_identifier(term)}
    scores: dict[int, float] = {}
    for key in words.keys() | close.keys():
        score = _WORDS * by_words.get(key, 0.0) + _MEANING * by_meaning.get(key, 0.0)
        if wanted:
            score += len(wanted.intersection(terms.get(key, "").split()))
        scores[key] = score
    return sorted(scores.items(), key=lambda item: (-item[1], -item[0]))


def _scaled(scores: Mapping[int, float]) -> dict[int, float]:
    """Scores scaled to 0..1. The lower end is 0 itself, so that a lone candidate keeps its full weight."""
    if not scores:
        return {}
    top = max(scores.values())
    return {key: max(0.0, score / top) if top > 0 else 0.0 for key, score in scores.items()}
