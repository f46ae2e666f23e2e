"""Texts to terms: what full-text search indexes and looks up. Pure.

A text becomes words, folded and stemmed: in the index by its language (Snowball, https://snowballstem.org;
`memory.search.language`), as English where nothing tells it, after irregular forms were led back to their basic one:
"went" is "go". What looks like
an identifier (``ERR-1042``, ``ada@example.org``, ``2.10.3``, a UUID) is kept whole besides, joined by
underscores, so that it is found exactly; runs of a script without spaces become single signs and overlapping pairs.

A question is looked up by all stems that its words may have. Texts that are compared with each other, not looked up,
are all taken for English: which language a short one is in is a guess.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import chain

import Stemmer

from memory.search import language, time_words
from memory.search.cases import SHORTEST_STEM, in_other_cases
from memory.search.folding import bare, folded, normal, visible
from memory.search.lemmas import LEMMAS

VERSION = 4
"""Changes when the same text would give other terms: stored terms are then made anew."""

_STOP = language.of(language.ENGLISH).function
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
_JOIN = re.compile(r"[\W_]+")
_MARK = re.compile(r"[_.@:/#\d]|[-+'’].*[-+'’]")  # what tells ERR-1 and a.b from well-known and don't
_CALLED = re.compile(r"[^\W\d_]\w+")
_LONGEST = 64  # characters of a term
_CUT = 2_000_000  # characters of a text, folded, that are indexed
_ASKED = 4_000  # ... of a question
_TERMS = 64  # of a question

_english = Stemmer.Stemmer("english")


@lru_cache(maxsize=50_000)
def _stem(word: str) -> str:
    return word if any(c.isdigit() for c in word) else str(_english.stemWord(LEMMAS.get(word, word)))


def _fold(text: str, most: int = _CUT) -> Iterator[str]:
    """The first ``most`` characters, folded, in pieces."""
    return map(bare, _visible(text, most))


def _visible(text: str, most: int = _CUT) -> Iterator[str]:
    """... as they are written, but for case."""
    left = most
    for piece in normal(text[:most]):
        shown = visible(piece[:left])
        yield shown
        left -= len(shown)
        if left <= 0:
            break


def _cut(folded: str) -> list[str]:
    found: list[str] = _WORD.findall(folded.replace("_", " "))
    return found


@lru_cache(maxsize=50_000)
def _stem_in(word: str, name: str | None) -> str:
    """The stem of a word as it is written, in a language; folded afterwards, for a stemmer knows accents."""
    stemmer = _stemmer(name)
    if stemmer is None or name == language.ENGLISH or any(c.isdigit() for c in word):
        return _stem(bare(word))
    return bare(str(stemmer.stemWord(word)))[:_LONGEST]


@cache
def _stemmer(name: str | None) -> Stemmer.Stemmer | None:
    known = language.of(name).stemmer if name else ""
    return Stemmer.Stemmer(known) if known else None


def _words(piece: str, name: str | None = None) -> Iterator[str]:
    for word in _cut(piece):
        if word.isascii():
            yield _stem_in(word[:_LONGEST], name)
            continue
        for part in _parts(word):
            if is_unspaced(part):
                yield from _pairs(part)
            else:
                yield _stem_in(part[:_LONGEST], name)


def _parts(word: str) -> Iterator[str]:
    """A word, cut where it goes over into a script without spaces."""
    at = 0
    for run in _RUN.finditer(word):
        if run.start() > at:
            yield word[at : run.start()]
        yield run.group()
        at = run.end()
    if at < len(word):
        yield word[at:]


def _pairs(run: str) -> list[str]:
    return [*run, *(run[i : i + 2] for i in range(len(run) - 1))]


def _identifiers(folded: str) -> Iterator[str]:
    found = (match for match in _IDENTIFIER.findall(folded) if _MARK.search(match))
    return (_JOIN.sub("_", match)[: 2 * _LONGEST] for match in found)


def analyse(text: str) -> str:
    """The terms of a text taken for English, in order, separated by spaces; its identifiers follow."""
    return _analysed(_fold(text), None)


def indexed(text: str) -> str:
    """The terms of a text as they are stored: stems of its own language."""
    pieces = list(_visible(text))
    names = language.languages_of(_beginning(pieces))
    name = names[0] if names else None
    return _analysed(pieces if _stemmer(name) else map(bare, pieces), name)


def _analysed(pieces: Iterable[str], name: str | None) -> str:
    terms: list[str] = []
    whole: list[str] = []
    for piece in pieces:
        terms += _words(piece, name)
        whole += _identifiers(bare(piece))
    return " ".join(terms + whole)


def _beginning(pieces: Iterable[str]) -> list[str]:
    """The first words of a text."""
    words: list[str] = []
    for piece in pieces:
        words += _cut(piece)
        if len(words) >= language.LOOKED_AT:
            break
    return words


@dataclass(frozen=True)
class Asked:
    """What is looked up for a question: ``terms``, each of which may be stored in any of its ``forms``."""

    terms: list[str]
    forms: dict[str, tuple[str, ...]]


def asked(text: str) -> Asked:
    """The distinct terms to look up for a question, without the function words of its language, unless there is
    nothing else. A question that tells no language is taken for one in any."""
    pieces = list(_visible(text, _ASKED))
    names = languages_of(text)
    found: dict[str, tuple[str, ...]] = {}
    called = _called(text[:_ASKED])
    for forms in chain.from_iterable(_sought(piece, names, called) for piece in pieces):
        found.setdefault(forms[0], forms)
        if len(found) == _TERMS:  # a word in every language is many stems
            break
    if not found:
        found = {term: (term,) for piece in pieces for term in _words(bare(piece))}
    whole = {term: (term,) for piece in pieces for term in _identifiers(bare(piece))}
    first = dict(list((whole | found).items())[:_TERMS])
    return Asked(list(first), {term: forms for term, forms in first.items() if len(forms) > 1})


def _called(text: str) -> frozenset[str]:
    """The words of a text that are written large, as names are, small."""
    return frozenset(word.casefold() for word in _CALLED.findall(text) if word[0].isupper())


def _sought(piece: str, names: Sequence[str], called: Collection[str]) -> Iterator[tuple[str, ...]]:
    """The forms of each word of a piece that is no function word."""
    small = _small(tuple(names))
    among = names or language.related(None)
    for word in _cut(_strings(tuple(names)).sub(" ", piece)):
        if bare(word) in small:
            continue
        for part in _parts(word):
            if is_unspaced(part):
                yield from ((term,) for term in _telling_pairs(part, small))
                continue
            stems = [_stem_in(part[:_LONGEST], name) for name in among]
            plain = _stem(bare(part)[:_LONGEST])
            other = [
                _stem_in(form, name)
                for name in names
                for form in in_other_cases(part[:_LONGEST], name, part in called)
            ]
            yield tuple(dict.fromkeys([*stems, plain, *other] if names else [plain, *stems]))


@lru_cache(maxsize=1_024)
def word_forms(text: str, names: tuple[str, ...], *, any_case: bool = False) -> tuple[frozenset[str], ...]:
    """For each word of a text itself, folded, and its stem in each of these languages; with ``any_case`` the word as a
    name in its other cases, too."""
    words = [word for piece in _visible(text, _ASKED) for word in _cut(piece)]
    return tuple(
        frozenset(
            chain(
                [bare(word)],
                (stem for name in names if len(stem := _stem_in(word, name)) > SHORTEST_STEM),
                (bare(form) for name in names if any_case for form in in_other_cases(word, name)),
            )
        )
        for word in words
    )


def _telling_pairs(run: str, small: Collection[str]) -> list[str]:
    """Of a run of signs what tells something: a sign by itself only where it is a word."""
    return [
        term
        for term in _pairs(run)
        if not all(sign in small for sign in term) and (len(term) > 1 or len(run) == 1 or is_ideograph(term))
    ]


def is_ideograph(sign: str) -> bool:
    """Whether a single sign may be a word."""
    return "\u3400" <= sign <= "\u9fff" or sign >= "\U00020000"


@cache
def _small(names: tuple[str, ...]) -> frozenset[str]:
    return _STOP.union(*(language.of(name).function for name in names))


@cache
def _strings(names: tuple[str, ...]) -> re.Pattern[str]:
    """Function words that stand in the midst of others, in the languages that are written so."""
    words = {
        word
        for name in names
        if name in language.UNSPACED
        for word in language.of(name).function
        if len(word) > 1 and is_unspaced(word)
    }
    return re.compile("|".join(sorted(map(re.escape, words), key=len, reverse=True)) or r"(?!)")


def query_terms(text: str) -> list[str]:
    """The distinct terms of a text that tell something, taken for English, for comparing it with others."""
    folded = list(_fold(text, _ASKED))
    terms = list(_words(" ".join(_telling(folded)))) or [term for piece in folded for term in _words(piece)]
    whole = chain.from_iterable(map(_identifiers, folded))
    return list(dict.fromkeys([*whole, *terms]))[:_TERMS]


def telling_words(text: str) -> list[str]:
    """The words of a text that are worth looking up, folded; none of small ones alone."""
    pieces = list(_visible(text, _ASKED))
    small = _small(languages_of(text))
    return [word for piece in pieces for word in _cut(bare(piece)) if word not in small]


def _telling(folded: Iterable[str]) -> list[str]:
    return [word for piece in folded for word in _cut(piece) if word not in _STOP]


@lru_cache(maxsize=256)  # of one message it is asked again and again
def languages_of(text: str) -> tuple[str, ...]:
    """The languages that a question may be in (`memory.search.language.languages_of`)."""
    return language.languages_of(_beginning(_visible(text, _ASKED)))


@cache
def counting(names: tuple[str, ...]) -> frozenset[str]:
    """Terms of words that count, in these languages."""
    return frozenset(_stem_in(word, name) for name in names for word in language.of(name).numbers)


@cache
def timing(names: tuple[str, ...]) -> frozenset[str]:
    """Terms of words that tell a time, in these languages."""
    return frozenset(
        term
        for name in names
        if name != language.ENGLISH
        for said, meaning in time_words.of(name).meanings()
        if len(said) == 1 and (meaning.names_a_time or "last" in meaning.marks)
        for term in (
            [said[0]] if is_pair(said[0]) else [] if is_unspaced(said[0]) else [_stem_in(said[0], name)]
        )
    )


def is_identifier(term: str) -> bool:
    """Whether a term is an identifier kept whole, or a word with a digit in it."""
    return not term.isalpha() and ("_" in term or any(c.isdigit() for c in term))


def is_pair(term: str) -> bool:
    """Whether a term is two signs of a script without spaces."""
    return len(term) == 2 and _RUN.fullmatch(term) is not None


def is_unspaced(term: str) -> bool:
    """Whether a term is of a script without spaces: a sign or two of a word, not the word."""
    return _RUN.search(term) is not None


def digest_words(text: str) -> str:
    """The text, folded, without surplus blanks and final marks: equal for texts that say the same."""
    return " ".join("".join(normal(text)).split()).rstrip(".!?… ")


def is_stop_word(word: str) -> bool:
    """Whether a word says too little to be looked up."""
    return folded(word) in _STOP
