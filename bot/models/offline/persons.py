"""Who a sentence is about: from "I" to "you" or to a name, and from the name to "you"."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bot.models.offline.lexicon import PAST, wordset
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
_SECOND_RE = re.compile(
    r"(?<![\w'-])(" + "|".join(sorted(map(re.escape, _SECOND), key=len, reverse=True)) + r")(?![\w'-])",
    re.IGNORECASE,
)
_THIRD = {
    "am": "is", "are": "is", "were": "was", "have": "has", "do": "does", "don't": "doesn't",
    "haven't": "hasn't", "aren't": "isn't", "weren't": "wasn't", "go": "goes",
}  # fmt: skip
_SECOND_VERB = {
    "is": "are", "was": "were", "has": "have", "does": "do", "doesn't": "don't", "hasn't": "haven't",
    "isn't": "aren't", "wasn't": "weren't", "goes": "go",
}  # fmt: skip
_FIXED = wordset(
    """can can't cannot cost could couldn't cut didn't had hadn't hit hurt let may might must mustn't put quit
    read set shall should shouldn't shut was wasn't will won't would wouldn't"""
)
_ADVERBS = wordset(
    """already also always both currently finally just mostly never no not now often once only really recently
    sometimes still usually"""
)
_SUBJECT = re.compile(
    r"(?<![\w'-])(?:(?P<owner>my|our|mine|ours)|(?P<object>me|us|myself|ourselves)"
    r"|(?P<joined>i'm|i've|i'll|i'd|we're|we've|we'll|we'd)|(?P<subject>i|we))(?![\w'-])"
    r"(?P<next>(?: [\w']+){0,3})",
    re.IGNORECASE,
)
_JOINED = {"'m": "is", "'re": "is", "'ve": "has", "'ll": "will", "'d": "would"}
FIRST = re.compile(
    r"(?<![\w'-])(?:i|i'm|i've|i'll|i'd|my|me|mine|we|we're|we've|our|ours)(?![\w'-])", re.IGNORECASE
)


def second(text: str) -> str:
    """What somebody said of themselves, said to them: "My dog" becomes "Your dog"."""

    def swap(match: re.Match[str]) -> str:
        word = match[1]
        if word == "US":  # the country
            return word
        return _SECOND[word.lower()]

    return capital(_SECOND_RE.sub(swap, text))


def third(text: str, name: str) -> str:
    """What somebody said of themselves, told of them: "My dog" becomes "Ada's dog"."""
    name = name or THE_USER
    out, at = [], 0
    while match := _SUBJECT.search(text, at):
        out.append(text[at : match.start()])
        at = match.start("next")
        if match["owner"]:
            out.append(f"{name}'s")
        elif match["object"]:
            out.append(match[0][: at - match.start()] if match[0].startswith("US") else name)
        elif match["joined"]:
            head = match["joined"].lower()
            out.append(f"{name} {_JOINED[head[head.index(chr(39)) :]]}")
        else:
            verb, taken = _conjugated(match["next"])
            out.append(f"{name}{verb}")
            at += taken
    out.append(text[at:])
    return capital("".join(out))


def _conjugated(following: str) -> tuple[str, int]:
    """The words up to the verb, with the verb in the third person, and how many characters they were."""
    words = following.split()
    before = 0
    while before < len(words) and words[before].lower() in _ADVERBS:
        before += 1
    if before >= len(words):
        return "", 0
    taken = sum(len(w) + 1 for w in words[: before + 1])
    return "".join(f" {w}" for w in [*words[:before], _third_person(words[before])]), taken


def _third_person(verb: str) -> str:
    low = verb.lower()
    if low in _THIRD:
        return _THIRD[low]
    if low in _FIXED or low in PAST or not low.isalpha() or (low.endswith("ed") and low not in _NOT_PAST):
        return verb
    if re.search(r"[^aeiou]y$", low):
        return f"{verb[:-1]}ies"
    return f"{verb}es" if re.search(r"(?:s|x|z|ch|sh|o)$", low) else f"{verb}s"


_NOT_PAST = frozenset({"need", "feed", "heed", "breed", "bleed", "speed"})


def second_of_named(text: str, names: Sequence[str]) -> str:
    """What is told of somebody, said to them: "Ada's dog" becomes "Your dog"."""
    known = sorted({n for n in (*names, THE_USER, capital(THE_USER)) if n}, key=len, reverse=True)
    pattern = re.compile(
        r"(?P<lead>^|\b(?:and|but|that|because|when|if|while|since)\s|[,;:.]\s)?"
        r"(?<![\w'-])(?:"
        + "|".join(map(re.escape, known))
        + r")(?P<own>'s)?(?![\w-])(?P<next>(?: [\w']+){0,3})"
    )
    out, at = [], 0
    while match := pattern.search(text, at):
        out.append(text[at : match.start()])
        lead = match["lead"]
        out.append(lead or "")
        at = match.start("next")
        if match["own"]:
            out.append("your")
        elif lead is None:
            out.append("you")
        else:
            verb, taken = _of_you(match["next"])
            out.append(f"you{verb}")
            at += taken
    out.append(text[at:])
    return capital("".join(out))


def _of_you(following: str) -> tuple[str, int]:
    words = following.split()
    before = 0
    while before < len(words) and words[before].lower() in _ADVERBS:
        before += 1
    if before >= len(words):
        return "", 0
    taken = sum(len(w) + 1 for w in words[: before + 1])
    return "".join(f" {w}" for w in [*words[:before], _bare(words[before])]), taken


def _bare(verb: str) -> str:
    if verb in _SECOND_VERB:
        return _SECOND_VERB[verb]
    if not verb.endswith("s") or verb.endswith("ss") or len(verb) < 4 or "'" in verb:
        return verb
    if verb.endswith("ies") and len(verb) > 4:
        return f"{verb[:-3]}y"
    return verb[:-2] if re.search(r"(?:ss|x|zz|ch|sh|o)es$", verb) else verb[:-1]
