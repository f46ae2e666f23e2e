"""Lists of words that the rules know, beside those that searches know."""

from __future__ import annotations

import re
from functools import lru_cache

from memory.search.lemmas import LEMMAS
from memory.search.terms import is_stop_word


def wordset(text: str) -> frozenset[str]:
    return frozenset(text.split())


def anycase(rule: str) -> re.Pattern[str]:
    """A rule about words, however they are written."""
    return re.compile(rule, re.IGNORECASE)


_STOP = wordset(
    """above actually ago anyone anything appelle aren't can't cannot che chi chiama comment como cuando currently
    cuándo cómo das de dein dem den der des didn't die doesn't don't donde du dónde each ein eine einen el else es
    est et ever few gli habe hasn't hast haven't heisse heisst heiße heißt i'd i'll i'm i've ich il isn't ist it'd
    it's je kind know la las le les llama lo los lot ma many may mein meine meinen meiner mes meu mi mia might mine
    minha mio mis mit mon much must nicht now o oder ok okay old onde one os ou ours où pas pourquoi qual quand
    quando que quel quelle quem qui quien quién qué really recall remember remind s'appelle said say se shall si
    sind someone something sont sort still são that's theirs thing things think told tu type um uma un und une von
    wann want war warum wasn't welche welcher wer what's whose wie wir wo won't y yes yet you're yours yourself é"""
)
ENGLISH = wordset("bye good hello help hey hi i'd i'll i'm i've mine ok okay please thank thanks yes")
"""Words by which English is told from other languages, beside those that searches leave out."""

WEAK = wordset(
    """age apartment be born breed buy city colour come cost country day dislike drink drive eat enjoy favourite find
    get give go happen hate have hold keep language last leave like live living look lose love make meet month move
    name need new number own place play prefer put read run see sell send speak start stay study take talk time
    today tomorrow travel use visit wear week work year yesterday"""
)
"""Words that say what is asked about a thing, not which thing."""

DAYS = "monday tuesday wednesday thursday friday saturday sunday".split()
MONTHS = "january february march april may june july august september october november december".split()
NUMBERS = dict(
    zip("one two three four five six seven eight nine ten eleven twelve".split(), range(1, 13), strict=True)
)
POLITE = (
    r"(?:(?:hi|hello|hey|please|and|then|also|ok|okay|so|just|now)\b[ ,]+|(?:can|could|would|will) you "
    r"|(?:i|we)(?:'d| would)? (?:want|need|like|ask|order|command) you to |you (?:should|must|can|have to|need to) )*"
)
"""How a request may begin."""
_NOUNS = wordset("child man woman person mouse foot tooth goose wife knife shelf half wolf thief")
PAST = {form: verb for form, verb in LEMMAS.items() if verb not in _NOUNS} | {"left": "leave"}
"""Irregular forms of verbs."""

SYNONYMS = dict(
    pair.split("=")
    for pair in """called=name named=name names=name bike=bicycle bikes=bicycle color=colour
    favorite=favourite mom=mother mum=mother mummy=mother dad=father daddy=father password=code
    passcode=code flat=apartment puppy=dog kitten=cat wi-fi=wifi job=work kids=child kid=child""".split()
)
"""Words that are taken for another."""


@lru_cache(maxsize=4096)
def is_small(word: str) -> bool:
    """Whether a word carries no meaning, in English or in a few other languages."""
    return word in _STOP or is_stop_word(word)
