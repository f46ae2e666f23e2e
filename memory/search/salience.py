"""The writer's gate of associative memory: how much a message is worth remembering, by its shape alone. Pure.

g = σ(w·x + b), as the write gates of memory networks (Graves et al., "Neural Turing Machines", 2014). It sees
length, marks, digits, capitals and persons, and no word's meaning, so that it holds for any subject. Trained by
`benchmarks.train_ranking` (logistic regression: was this message ever the evidence for a question?).
"""

from __future__ import annotations

import math
import re

_LOOKED_AT = 4_000  # characters
_FIRST = re.compile(r"\b(?:i|my|me|mine|myself|we|our|us)\b", re.IGNORECASE)
_SECOND = re.compile(r"\b(?:you|your|yours)\b", re.IGNORECASE)
_NUMBER = re.compile(r"\d+")
_NAME = re.compile(r"(?<=[a-z,;] )[A-Z]\w+")

SHAPE = (
    "length",
    "up to a paragraph",
    "a line at most",
    "has a question",
    "ends in a question",
    "exclaims",
    "numbers",
    "names",
    "first person",
    "first persons",
    "second person",
)
WEIGHTS = (-1.41, 5.4, -0.44, 0.02, -0.18, -0.05, -0.47, 0.18, 0.61, 0.39, -0.36)
BIAS = -3.16


def shape(text: str) -> list[float]:
    """What can be seen of a text without knowing its words; each about 0 to 1. See `SHAPE`."""
    text = text[:_LOOKED_AT]
    length = math.log1p(len(text)) / 7
    persons = len(_FIRST.findall(text))
    return [
        length,
        min(length, 0.75) ** 2,
        float(len(text) < 60),
        float("?" in text),
        float(text.rstrip().endswith("?")),
        float("!" in text),
        min(3, len(_NUMBER.findall(text))) / 3,
        min(4, len(_NAME.findall(text))) / 4,
        float(persons > 0),
        min(5, persons) / 5,
        float(bool(_SECOND.search(text))),
    ]


def salience(text: str) -> float:
    """The gate's opening for a message, 0 to 1; 0 where nobody said anything."""
    if not text:
        return 0.0
    inner = BIAS + sum(weight * value for weight, value in zip(WEIGHTS, shape(text), strict=True))
    return 1 / (1 + math.exp(-inner))
