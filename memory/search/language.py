"""What is known of each language, and which one a text is in. Pure.

A file each in ``languages/``, of lines ``kind: words``, a phrase in quotation marks:

- ``stemmer``: Snowball's (https://snowballstem.org), where it has one;
- ``letters``: beyond a to z, those that it is written with;
- ``function``: words that are in every talk, whatever it is about;
- ``you``, ``when``, ``count``: how a question asks for what the other one said, for a time, for a number; ``me``: how
  one speaks of oneself;
- ``numbers``: words that count;
- ``cases``: the endings in which names stand (``-`` for none), a list for each kind of name, parted by ``|``;
  ``prefixes``: what is written together with the word behind it;
- and what `memory.search.time_words` reads.

Everything is compared folded, as `memory.search.folding` does.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

from memory.search.folding import bare, folded

_FOLDER = Path(__file__).with_name("languages")
_PHRASE = re.compile(r'"([^"]+)"|(\S+)')
LOOKED_AT = 80  # words of a text by which its language is told
_LEAST = 2  # signs of it that tell: one function word may be another language's word ("one", "die")
_LETTERS = 2  # different letters that count
ENGLISH = "en"
_ORDER = "en es pt fr de id tr vi it pl nl ro hu cs sv fi da no sr ca".split()
"""Among languages that are equally likely the first, which more people write."""

_SCRIPTS: tuple[tuple[re.Pattern[str], tuple[str, ...]], ...] = tuple(
    (re.compile(f"[{signs}]"), names)
    for signs, names in (
        ("\u3040-\u30ff", ("ja",)),
        ("\uac00-\ud7af\u1100-\u11ff", ("ko",)),
        ("\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff", ("zh",)),
        ("\u0e00-\u0e7f", ("th",)),
        ("\u0400-\u052f", ("ru", "uk", "bg")),
        ("\u0370-\u03ff\u1f00-\u1fff", ("el",)),
        ("\u0590-\u05ff", ("he",)),
        ("\u0600-\u06ff", ("ar", "fa")),
        ("\u0900-\u097f", ("hi",)),
    )
)
UNSPACED = frozenset(("ja", "zh", "th"))
"""Languages whose function words stand in the midst of others."""
RUN_ON = UNSPACED | {"ko"}
"""... and those whose words go on with endings."""


@dataclass(frozen=True)
class Language:
    name: str
    stemmer: str
    letters: frozenset[str]
    function: frozenset[str]
    numbers: frozenset[str]


def of(name: str) -> Language:
    return _all()[name]


def everything() -> Iterable[Language]:
    return _all().values()


def languages_of(words: Sequence[str]) -> tuple[str, ...]:
    """The languages that a text of these words (as they are written, but for case) may be in, likeliest first: by its
    script, else by its function words and letters. More than one where they are equally likely, English alone where it
    is one of them; none where nothing tells."""
    some = words[:LOOKED_AT]
    text = "".join(some)
    among: tuple[str, ...] = ()
    if not text.isascii():
        among = next((names for script, names in _SCRIPTS if script.search(text)), ())
        if len(among) == 1:
            return among
    votes = Counter(name for word in some for name in _speakers().get(bare(word), ()))
    written = {letter for letter in text if letter > "\x7f"}
    for name in (among or _latin()) if written else ():
        votes[name] += min(_LETTERS, len(written & of(name).letters))
    most = max((votes[name] for name in among or _latin()), default=0)
    found = tuple(name for name in among or _latin() if votes[name] == most)
    if among or most >= _LEAST:
        return (ENGLISH,) if ENGLISH in found else found
    return (ENGLISH,) if most and ENGLISH in found else ()


@lru_cache(maxsize=512)
def asks(kind: str, text: str, names: tuple[str, ...]) -> bool:
    """Whether a folded question in one of these languages asks for ``you``, ``when`` or ``count``, or says ``me``."""
    return any(_asking(kind, name).search(text) for name in names if name != ENGLISH)


@cache
def _asking(kind: str, name: str) -> re.Pattern[str]:
    """A choice of words, as long as they are: nothing in it can be repeated."""
    any_of = "|".join(map(re.escape, phrases(name, kind))) or "(?!)"
    return re.compile(any_of if name in RUN_ON else rf"(?<!\w)(?:{any_of})(?!\w)")


@cache
def related(name: str | None) -> tuple[str, ...]:
    """Languages of the same script that have a stemmer: those that a text may be in of which only its script is
    known. ``name`` is one of them, None for Latin letters."""
    for _, names in _SCRIPTS:
        if name in names:
            return names
    return _latin()


@cache
def _latin() -> tuple[str, ...]:
    others = {name for _, names in _SCRIPTS for name in names}
    return tuple(name for name in _all() if name not in others)


@cache
def _speakers() -> dict[str, tuple[str, ...]]:
    """Function words, and whose they are."""
    found: dict[str, list[str]] = {}
    for language in _all().values():
        for word in language.function:
            found.setdefault(word, []).append(language.name)
    return {word: tuple(names) for word, names in found.items()}


@cache
def _all() -> dict[str, Language]:
    known = {path.stem: _read(path.stem) for path in sorted(_FOLDER.glob("*.txt"))}
    return {name: known[name] for name in sorted(known, key=[*_ORDER, *known].index)}


@cache
def lines(name: str) -> Mapping[str, str]:
    """What a language's file says of each kind, as it is written there."""
    text = (_FOLDER / f"{name}.txt").read_text(encoding="utf-8")
    return dict(line.split(":", 1) for line in text.splitlines() if line)


@cache
def phrases(name: str, kind: str) -> tuple[str, ...]:
    """The folded words and phrases of one kind."""
    return tuple(map(folded, split(lines(name).get(kind, ""))))


@cache
def cases(name: str) -> tuple[tuple[str, ...], ...]:
    """The endings that names change for one another, by kinds of names; "" for none."""
    kinds = lines(name).get("cases", "").casefold().split("|")
    return tuple(
        tuple("" if ending == "-" else ending for ending in kind.split()) for kind in kinds if kind.strip()
    )


def split(text: str) -> list[str]:
    """Words, and phrases in quotation marks."""
    return [quoted or word for quoted, word in _PHRASE.findall(text)]


def _read(name: str) -> Language:
    return Language(
        name,
        lines(name).get("stemmer", "").strip(),
        frozenset(lines(name).get("letters", "").strip()),
        frozenset(phrases(name, "function")),
        frozenset(phrases(name, "numbers")),
    )
