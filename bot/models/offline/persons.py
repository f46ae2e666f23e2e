"""Who a sentence is about: from "I" to "you" or to a name, and from the name to "you"."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from bot.models.offline.lexicon import PAST, anycase, wordset
from bot.models.offline.words import capital

THE_USER = "the user"

_SECOND = {
    "i am": "you are", "i'm": "you are", "am i": "are you", "i was": "you were", "was i": "were you",
    "i wasn't": "you weren't", "i've": "you have", "i'd": "you would", "i'll": "you will", "i": "you",
    "me": "you", "my": "your", "mine": "yours", "myself": "yourself", "we're": "you are", "we": "you",
    "we've": "you have", "we'll": "you will", "we'd": "you would", "our": "your", "ours": "yours",
    "us": "you", "ourselves": "yourselves", "you": "me", "your": "my", "yours": "mine",
    "you're": "I am", "yourself": "myself",
}  # fmt: skip
_WORD = r"(?<![\w'-])(?!(?-i:US)\b)"  # "US" is the country
_SECOND_RE = anycase(
    rf"{_WORD}(" + "|".join(sorted(map(re.escape, _SECOND), key=len, reverse=True)) + r")(?![\w'-])"
)
_THIRD = {
    "am": "is", "are": "is", "were": "was", "have": "has", "do": "does", "don't": "doesn't",
    "haven't": "hasn't", "aren't": "isn't", "weren't": "wasn't", "go": "goes",
}  # fmt: skip
_SECOND_VERB = {third: other for other, third in _THIRD.items()}  # "is" is "are"
_FIXED = wordset(
    """can can't cannot cost could couldn't cut didn't had hadn't hit hurt let may might must mustn't put quit
    read set shall should shouldn't shut was wasn't will won't would wouldn't"""
)
_NOT_PAST = wordset("need feed heed breed bleed speed")
_ADVERBS = wordset(
    """already also always both currently finally just mostly never no not now often once only really recently
    sometimes still usually"""
)
_SUBJECT = anycase(
    rf"{_WORD}(?:(?P<owner>my|our|mine|ours)|(?P<object>me|us|myself|ourselves)"
    r"|(?P<joined>i'm|i've|i'll|i'd|we're|we've|we'll|we'd)|(?P<subject>i|we))(?![\w'-])"
    r"(?P<next>(?: [\w']+){0,3})"
)
_JOINED = {"'m": "is", "'re": "is", "'ve": "has", "'ll": "will", "'d": "would"}
FIRST = anycase(r"(?<![\w'-])(?:i|i'm|i've|i'll|i'd|my|me|mine|we|we're|we've|our|ours)(?![\w'-])")

Subject = tuple[str, Callable[[str], str] | None]
"""Who a sentence is about, and how that one's verb is written where it follows."""


def second(text: str) -> str:
    """What somebody said of themselves, said to them: "My dog" becomes "Your dog"."""
    return capital(_SECOND_RE.sub(lambda match: _SECOND[match[1].lower()], text))


def third(text: str, name: str) -> str:
    """What somebody said of themselves, told of them: "My dog" becomes "Ada's dog"."""
    name = name or THE_USER

    def of(match: re.Match[str]) -> Subject:
        if match["owner"]:
            return f"{name}'s", None
        if match["object"]:
            return name, None
        if match["joined"]:
            return f"{name} {_JOINED[match['joined'].lower().lstrip('iwe')]}", None
        return name, _of_one

    return _retold(text, _SUBJECT, of)


def second_of_named(text: str, names: Sequence[str]) -> str:
    """What is told of somebody, said to them: "Ada's dog" becomes "Your dog"."""
    known = sorted({n for n in (*names, THE_USER, capital(THE_USER)) if n}, key=len, reverse=True)
    pattern = re.compile(
        r"(?P<lead>^|\b(?:and|but|that|because|when|if|while|since)\s|[,;:.]\s)?"
        rf"(?<![\w'-])(?:{'|'.join(map(re.escape, known))})(?P<own>'s)?(?![\w-])(?P<next>(?: [\w']+){{0,3}})"
    )

    def of(match: re.Match[str]) -> Subject:
        said = f"{match['lead'] or ''}{'your' if match['own'] else 'you'}"
        return said, None if match["own"] or match["lead"] is None else _of_you

    return _retold(text, pattern, of)


def _retold(text: str, pattern: re.Pattern[str], subject: Callable[[re.Match[str]], Subject]) -> str:
    """The text with other subjects, each with its verb (after adverbs) in the form that goes with it."""
    out, at = [], 0
    while match := pattern.search(text, at):
        said, form = subject(match)
        out += [text[at : match.start()], said]
        at = match.start("next")
        words = match["next"].split() if form else []
        before = next((n for n, word in enumerate(words) if word.lower() not in _ADVERBS), None)
        if form and before is not None:
            out += [f" {word}" for word in (*words[:before], form(words[before]))]
            at += sum(len(word) + 1 for word in words[: before + 1])
    return capital("".join([*out, text[at:]]))


def _of_one(verb: str) -> str:
    low = verb.lower()
    if low in _THIRD:
        return _THIRD[low]
    if low in _FIXED or low in PAST or not low.isalpha() or (low.endswith("ed") and low not in _NOT_PAST):
        return verb
    if re.search(r"[^aeiou]y$", low):
        return f"{verb[:-1]}ies"
    return f"{verb}es" if re.search(r"(?:s|x|z|ch|sh|o)$", low) else f"{verb}s"


def _of_you(verb: str) -> str:
    if verb in _SECOND_VERB:
        return _SECOND_VERB[verb]
    if not verb.endswith("s") or verb.endswith("ss") or len(verb) < 4 or "'" in verb:
        return verb
    if verb.endswith("ies") and len(verb) > 4:
        return f"{verb[:-3]}y"
    return verb[:-2] if re.search(r"(?:ss|x|zz|ch|sh|o)es$", verb) else verb[:-1]
