"""Whom of those who talk a question names, in whatever case their name stands. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from memory.search import language
from memory.search.terms import is_stop_word, is_unspaced, telling_words, word_forms

_WORD = re.compile(r"[\w\u0900-\u0963\u0970-\u0dff]+(?:['’]s\b)?")
_POSSESSIVE = re.compile(r"['’]s$")
_LONGEST = 1_000  # characters of a question in which names are looked for


def named(authors: Sequence[str], text: str, languages: Sequence[str] = ()) -> list[str]:
    """Which of these people the text names, by any word of their name, in the order of their mention."""
    names, text = _declining(languages), text[:_LONGEST]
    places = {
        author: min((start for start, _ in _mentions(author, text, names)), default=-1)
        for author in dict.fromkeys(authors)
    }
    return sorted((author for author, place in places.items() if place >= 0), key=places.__getitem__)


def without_names(authors: Sequence[str], text: str, languages: Sequence[str] = ()) -> str:
    """The text without the names of these people, if anything else in it tells something. Who said it is known of every
    row, but hardly in a row's words: "what has Ada read" is nearer to what she read without her name."""
    names, head = _declining(languages), text[:_LONGEST]
    found = sorted({place for author in dict.fromkeys(authors) for place in _mentions(author, head, names)})
    kept, at = "", 0
    for start, end in found:
        kept, at = kept + head[at:start], max(at, end)
    rest = " ".join((kept + text[at:]).split())
    return rest if found and telling_words(rest) else text


def _declining(languages: Sequence[str]) -> tuple[str, ...]:
    return tuple(name for name in languages if name != language.ENGLISH)


def _mentions(author: str, text: str, names: tuple[str, ...]) -> Iterator[tuple[int, int]]:
    """Where a word of the author's name stands: from, until before."""
    forms, run_on = _called(author, names)
    for part in run_on:  # other words may go on from it
        yield from ((match.start(), match.end()) for match in re.finditer(part, text, re.IGNORECASE))
    for start, end, said in _said(text, names) if forms else ():
        if not forms.isdisjoint(said):
            yield start, end


@lru_cache(maxsize=1_024)
def _called(author: str, names: tuple[str, ...]) -> tuple[frozenset[str], tuple[str, ...]]:
    """The words of a name, in any case; and those that may stand in the midst of others, as patterns."""
    parts = [part for part in _WORD.findall(author) if len(part) > 1 and not is_stop_word(part)]
    forms = [
        form for part in parts if not is_unspaced(part) for form in word_forms(part, names, any_case=True)
    ]
    return frozenset().union(*forms), tuple(re.escape(part) for part in parts if is_unspaced(part))


@lru_cache(maxsize=64)
def _said(text: str, names: tuple[str, ...]) -> Sequence[tuple[int, int, frozenset[str]]]:
    """The words of a text, from where to where, and what each may be: with "'s" the word before it."""
    found = []
    for match in _WORD.finditer(text):
        forms = word_forms(_POSSESSIVE.sub("", match.group()), names)
        found.append((match.start(), match.end(), frozenset().union(*forms)))
    return found
