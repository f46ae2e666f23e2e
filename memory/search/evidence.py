"""What speaks for a row as the answer to a question: a few numbers for each candidate. Pure.

- Words: Okapi BM25 (Robertson and Zaragoza, "The Probabilistic Relevance Framework", 2009) over the head of a text,
  with the searching agent's own document frequencies.
- Around: the share of the question's terms (by their weight) found in a row and its neighbours, decaying with
  distance: passages scored by their window (Callan, "Passage-level evidence in document retrieval", 1994), of
  which the centre is returned. What answers a question often stands beside what repeats its words.
- Meaning: cosine of sentence vectors, and the same mean over the window.
- Session: the best rows of a stretch of talk speak for all of it (cluster-based retrieval, Liu and Croft, 2004).
- Persons: a name in the question means what that person said; "I" what the asker said, "you said" what others did.
- Time: rows inside the span that the question names (`dates`); a "when" wants rows that tell a time, a "how
  many" rows that tell a number (answer typing, Li and Roth, "Learning question classifiers", 2002).
- Salience: the writer's gate, stored with the row.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np

from memory.search import language
from memory.search.dates import Span
from memory.search.folding import folded
from memory.search.people import named
from memory.search.talk import Talk
from memory.search.terms import analyse, counting, is_unspaced, languages_of, timing

_K1 = 1.2
_B = 0.75
_HEAD = 80  # words of a message that are weighed: long answers would else match everything
_BEFORE_S, _AFTER_S = 3 * 86_400.0, 14 * 86_400.0  # things are told a little before and some time after
_LEAST_COSINE = 0.2  # below which the best meaning is no meaning

_FIRST = re.compile(r"\bI\b|\b[Mm](?:y|e|ine|yself)\b")  # "i" is another word in some languages
_YOU = re.compile(
    r"\b(?:did|have|had|were|could|would) you\b|\byou(?:'ve|r)? (?:recommend|suggest|advi[cs]|propos|mention|"
    r"sa(?:id|y)|t(?:old|ell)|expla|provid|g[ia]ve|list|descri|respon|answer|offer|show|help|outlin)",
    re.IGNORECASE,
)
_WHEN = re.compile(r"\b(?:when|how long|(?:what|which) (?:day|date|month|year|time))\b", re.IGNORECASE)
_COUNT = re.compile(r"\bhow (?:many|much|often|old|long|far)\b", re.IGNORECASE)
_DIGIT = re.compile(r"\b\d")
_TIMES = frozenset(
    analyse(
        "yesterday today tonight tomorrow last next ago week weekend month year recently just soon since monday "
        "tuesday wednesday thursday friday saturday sunday january february march april june july august "
        "september october november december"
    ).split()
)
_NUMBERS = frozenset(
    analyse("one two three four five six seven eight nine ten once twice couple several few").split()
)

SIGN = 0.25
"""What a term of a script without spaces is of a word: two signs of it are looked up by three terms."""
FEATURES = (
    "words",
    "around",
    "around_best",
    "before",
    "after",
    "named",
    "subject",
    "mine",
    "theirs",
    "dated",
    "when",
    "many",
    "opening",
    "late",
    "salience",
    "length_asked",
    "words_asked",
    "around_asked",
    "meaning",
    "meaning_around",
    "meaning_near",
    "both_around",
    "session",
    "meaning_asked",
    "session_asked",
)
MEANING = FEATURES.index("meaning")
"""The first of those that need vectors."""


@dataclass(frozen=True, kw_only=True)
class Question:
    """``terms`` are what is looked up, ``forms`` in which else each may be stored (`memory.search.terms.asked`);
    ``asker`` is who says "I", or None; ``languages`` are those that it may be in; ``of_room``: it is
    asked of what a room of many people heard."""

    text: str
    terms: Sequence[str]
    forms: Mapping[str, Sequence[str]] = field(default_factory=dict)
    asker: str | None = None
    span: Span | None = None
    languages: tuple[str, ...] = ()
    of_room: bool = False

    def asks(self, kind: str) -> bool:
        """For ``you``, ``when`` or ``count``, in another language than English."""
        return bool(self.languages) and language.asks(kind, folded(self.text), self.languages)

    def written(self) -> dict[str, Sequence[str]]:
        """Each term with all of its forms."""
        return {term: self.forms.get(term, (term,)) for term in self.terms}


@dataclass(frozen=True, kw_only=True)
class Rows:
    """Candidates and their neighbours, as parallel arrays, by strand and then by key.

    Rows of one strand follow each other: a conversation, or a document. ``times`` are seconds since the epoch;
    ``cosines`` are 0 where there is no vector. ``terms`` (key -> analysed text) may leave neighbours out.
    """

    keys: Any
    strands: Any
    times: Any
    authors: Sequence[str]
    salience: Any
    cosines: Any
    terms: Mapping[int, str]


def idf(rows: int, holding: int) -> float:
    """Inverse document frequency, always positive (Lucene's variant of BM25)."""
    return math.log(1 + (max(rows, holding) - holding + 0.5) / (holding + 0.5))


def evidence(question: Question, postings: Mapping[str, Any], total: int, rows: Rows) -> Any:
    """A matrix: for each of ``rows`` its `FEATURES`. ``total`` is how many rows the searcher has in all."""
    talk = Talk(rows.keys, rows.strands, rows.times)
    terms = telling(question, rows)
    asked = min(sum(SIGN if is_unspaced(term) else 1 for term in terms), 12) / 12
    weights = np.array([idf(total, len(postings.get(term, ()))) for term in terms])
    texts = [rows.terms.get(key, "") for key in rows.keys.tolist()]
    heads = [
        (text.split(None, _HEAD)[:_HEAD] if author else text.split()) if text else ()
        for text, author in zip(texts, rows.authors, strict=True)
    ]
    has = _holding(rows.keys, [postings.get(term, ()) for term in terms])
    words = _scaled(bm25(terms, weights, heads, has))
    own = _weighed(weights, has)
    window = _weighed(weights, talk.widest(has))
    around = _scaled(window)
    cosines = np.clip(np.asarray(rows.cosines, float), 0, None)
    meaning = _scaled(cosines, _LEAST_COSINE)
    meaning_around = _scaled(talk.mean(cosines), _LEAST_COSINE)
    whole = max(float(weights.sum()), 1e-9)
    session = _scaled(talk.best_of_session(own / whole + meaning))
    said = np.array([bool(author) for author in rows.authors], float)  # documents have no course of talk
    lengths = np.log1p(list(map(len, texts))) / 7
    columns = {
        "words": words,
        "around": window / whole,
        "around_best": around,
        "before": talk.shifted(words, -1),
        "after": talk.shifted(words, 1),
        **_persons(question, rows),
        **_times(question, rows, heads),
        "opening": talk.openings * said,
        "late": np.argsort(np.argsort(rows.times, kind="stable")) / max(1, len(rows.keys)) * said,
        "salience": _logits(rows.salience),
        "length_asked": asked * lengths,
        "words_asked": asked * words,
        "around_asked": asked * around,
        "meaning": cosines,
        "meaning_around": meaning_around,
        "meaning_near": np.maximum(meaning, np.maximum(talk.shifted(meaning, -1), talk.shifted(meaning, 1))),
        "both_around": window / whole * meaning_around,
        "session": session,
        "meaning_asked": asked * meaning_around,
        "session_asked": asked * session,
    }
    return np.array([columns[name] for name in FEATURES]).T


def bm25(terms: Sequence[str], weights: Any, texts: Sequence[Sequence[str]], has: Any) -> Any:
    """The score of each text, given as its words; 0 for an empty one. ``has`` tells (term, text) which to look at."""
    lengths = np.array(list(map(len, texts)), float)
    known = lengths[lengths > 0]
    norms = _K1 * (1 - _B + _B * lengths / (known.mean() if len(known) else 1.0))
    found = np.zeros((len(terms), len(texts)))
    for term, text in zip(*(at.tolist() for at in np.nonzero(has * (lengths > 0))), strict=True):
        found[term, text] = texts[text].count(terms[term])
    return _weighed(weights, found * (_K1 + 1) / (found + norms + 1e-9))


def _holding(keys: Any, postings: Sequence[Sequence[int]]) -> Any:
    """A matrix of 0 and 1: which of the terms (by their postings) are in which of the rows."""
    holding = np.zeros((len(postings), len(keys)))
    if len(keys) and postings:
        order = np.argsort(keys)
        held = np.concatenate([np.asarray(each, np.int64) for each in postings])
        at = order[np.minimum(np.searchsorted(keys[order], held), len(keys) - 1)]
        known = keys[at] == held
        holding[np.repeat(np.arange(len(postings)), [len(each) for each in postings])[known], at[known]] = 1
    return holding


def _weighed(weights: Any, matrix: Any) -> Any:
    """``weights @ matrix``, in this thread: BLAS would share it out over others, and wait for them."""
    return np.einsum("t,tn->n", weights, matrix)


def telling(question: Question, rows: Rows) -> list[str]:
    """The terms that tell rows apart: not the people's names, nor the date that is understood."""
    known = set().union(*map(_names, set(rows.authors)))
    if question.span is not None and question.span.named:
        known.update(analyse(" ".join(question.span.words)).split())
    told = [term for term, forms in question.written().items() if known.isdisjoint(forms)]
    return told or list(question.terms) or [""]


@lru_cache(maxsize=1_024)
def _names(author: str) -> frozenset[str]:
    return frozenset(analyse(author).split())


def speaks_of_itself(text: str) -> bool:
    """Whether whoever wrote it says "I" or "my", in a language that it tells."""
    return _FIRST.search(text) is not None or language.asks("me", folded(text), languages_of(text))


def _persons(question: Question, rows: Rows) -> dict[str, Any]:
    authors = np.array(rows.authors, dtype=object)
    none = np.zeros(len(authors))
    meant, everyone = named(rows.authors, question.text, question.languages), set(rows.authors)
    mine = none if question.asker is None else (authors == question.asker).astype(float)
    others = none if question.asker is None else 1 - mine
    return {
        "named": np.isin(authors, meant).astype(float) if 0 < len(meant) < len(everyone) else none,
        "subject": (authors == meant[0]).astype(float) if len(meant) > 1 else none,
        "mine": mine,
        "theirs": others * (bool(_YOU.search(question.text)) or question.asks("you")),
    }


def _times(question: Question, rows: Rows, heads: Sequence[Sequence[str]]) -> dict[str, Any]:
    none = dated = np.zeros(len(heads))
    if question.span is not None:
        since, until = question.span.since.timestamp(), question.span.until.timestamp()
        near = (rows.times >= since - _BEFORE_S) & (rows.times < until + _AFTER_S)
        dated = np.where((rows.times >= since) & (rows.times < until), 1.0, 0.5 * near)
        if not question.span.named:
            dated = dated / 2  # people say "last week" of the week before the telling, too
    when = _WHEN.search(question.text) or question.asks("when")
    many = _COUNT.search(question.text) or question.asks("count")
    times, numbers = _TIMES | timing(question.languages), _NUMBERS | counting(question.languages)
    return {
        "dated": dated,
        "when": np.array([not times.isdisjoint(head) for head in heads], float) if when else none,
        "many": np.array([_counting(head, numbers) for head in heads], float) if many else none,
    }


def _counting(head: Sequence[str], numbers: Set[str]) -> bool:
    return not numbers.isdisjoint(head) or bool(head and _DIGIT.search(" ".join(head)))


def _logits(gates: Any) -> Any:
    opened = np.clip(np.asarray(gates, float), 0.01, 0.99)
    return np.log(opened / (1 - opened))


def _scaled(values: Any, least: float = 1e-9) -> Any:
    """0 to 1 by the highest; ``least`` is what counts as high at all."""
    return values / max(float(values.max(initial=0.0)), least)
