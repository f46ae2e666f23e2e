"""Which of many tools a wish is about: ranked as the memory's own searches are, by words. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np

from bot.agent.tools.registry import OUTSIDE, Tool
from memory.search import ranking
from memory.search.evidence import Rows, evidence
from memory.search.search import question_of
from memory.search.terms import indexed

_PARTS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[_-]+")
_NEVER = datetime(2000, 1, 1, tzinfo=UTC)


def ranked(query: str, tools: Sequence[Tool]) -> list[Tool]:
    """The tools that hold a word of the query, best first."""
    question = question_of(query, None, _NEVER)
    texts = [indexed(_about(tool)) for tool in tools]
    words = [set(text.split()) for text in texts]
    written = question.written()
    postings = {
        term: np.array([key for key, held in enumerate(words) if not held.isdisjoint(forms)], np.int64)
        for term, forms in written.items()
    }
    postings = {term: keys for term, keys in postings.items() if len(keys)}
    candidates = sorted({int(key) for keys in postings.values() for key in keys})
    own = {form: term for term, forms in written.items() for form in forms}
    count = len(tools)
    rows = Rows(
        keys=np.arange(count, dtype=np.int64),
        strands=np.arange(count, dtype=np.int64),  # each stands for itself
        times=np.zeros(count),
        authors=[""] * count,
        salience=np.full(count, 0.5),
        cosines=np.zeros(count),
        terms={key: " ".join(own.get(word, word) for word in text.split()) for key, text in enumerate(texts)},
    )
    features = evidence(question, postings, count, rows)
    found = ranking.rank(question, postings, count, rows, features, candidates, vectors=False)
    return [tools[key] for key, _ in found]


def _about(tool: Tool) -> str:
    """A tool in words: its name, what it does, and what it takes."""
    function = tool.schema["function"]
    server, _, name = tool.name.partition(OUTSIDE)
    arguments = [
        f"{argument} {about.get('description', '') if isinstance(about, dict) else ''}"
        for argument, about in tool.parameters["properties"].items()
    ]
    return " ".join([_PARTS.sub(" ", f"{server} {name}"), function["description"], *arguments])
