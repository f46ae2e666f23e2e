"""How sure it is that anything in memory is what a question is about, and worth bringing to mind. Pure.

Logistic gates over the best cosine and over how much of the question's information one window holds; trained by
`benchmarks.train_gate` to tell questions about what was said from small talk.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from memory.search.evidence import FEATURES, Question, Rows, idf, telling
from memory.search.terms import is_unspaced

SURE = 0.5
"""The gate's opening from which memory is taken to know of it."""
FITTING = 0.8
"""... from which, by meaning, something found is taken to fit: 5 % of LoCoMo's questions fall below it in their own
conversation, and 75 % in another one (at `SURE`: 1 and 10 %). By words alone it is `SURE`."""
FITTING_NAMED = 0.74
"""... where the question names somebody who talks: their name is not embedded, and cosines are lower. Below it fall 5 %
of LoCoMo's questions in their own conversation; of those asked in another one 80 % fall below `FITTING`."""
GATE = (7.25, 1.16, -3.19)
GATE_OF_WORDS = (3.77, -4.3)
"""Weights of what `signs` gives, and the bias, last."""
GATE_OF_TALK = (0.23, 1.17, 3.86, 1.0)
"""... and of whether the question is about something at all (`memory.ports.Embedder.telling`): how near the nearest row
is means another thing in each language, what small talk is does not."""
_AROUND = FEATURES.index("around")
_MOST = 4.0  # words that only one row has, beyond which a question is no surer


def signs(
    question: Question,
    postings: Mapping[str, Any],
    total: int,
    rows: Rows,
    features: Any,
    best: float,
    *,
    sign: float = 1.0,
) -> list[float]:
    """``best``, the highest cosine of any row, and how much of the question's information (in units of a word that
    only one row has) is found in one window; ``sign`` is what two signs of a script without spaces are of a word."""
    if not len(features):
        return [0.0, 0.0]
    terms = telling(question, rows)
    asked = sum(
        idf(total, len(postings.get(term, ()))) * (sign if is_unspaced(term) else 1) for term in terms
    )
    matched = float(features[:, _AROUND].max()) * asked / idf(total, 1)
    return [best, min(matched, _MOST)]


def share(features: Any) -> float:
    """The most of the question's information that one window holds, 0 to 1."""
    return float(features[:, _AROUND].max(initial=0.0))


def gate(known: Sequence[float], *, vectors: bool) -> float:
    """λ = σ(w·signs + b), 0 to 1."""
    return _opened(GATE if vectors else GATE_OF_WORDS, known)


def opening(known: Sequence[float]) -> float:
    """The same, of signs and `memory.ports.Embedder.telling`."""
    return _opened(GATE_OF_TALK, known)


def _opened(weights: Sequence[float], known: Sequence[float]) -> float:
    inner = weights[-1] + sum(
        w * value for w, value in zip(reversed(weights[:-1]), reversed(known), strict=False)
    )
    return 1 / (1 + math.exp(-inner))
