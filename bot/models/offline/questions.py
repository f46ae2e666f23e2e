"""Questions: which line of core memory answers one, or what to look for in storage."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from bot.models.offline.facts import unopened
from bot.models.offline.lexicon import DAYS, MONTHS, PAST, SYNONYMS, anycase, is_small, wordset
from bot.models.offline.profile import Profile, told_you
from bot.models.offline.words import WEAK_STEMS, capital, content, english, stem, stems, tokens

_DIRECT = [(anycase(rule), keys) for rule, keys in (
    (r"\bmy (?:full |first |real |own )?name\b(?! of)|\bwho (?:am i|i am)\W*$|\bwhat am i called\b"
     r"|\bdo you (?:still )?(?:know|remember) me\b", ("Name",)),
    (r"\bwhere (?:do )?(?:i|we) (?:now |currently )?live\b|\bwhere (?:am i|i am|i'm) (?:living|based)\b"
     r"|\b(?:city|town|country|place) (?:do |that |where )?i live\b|\bmy (?:home ?town|home city)\b",
     ("Lives in",)),
    (r"\bwhere (?:am i|i am|i'm|do i come|i come) (?:originally )?from\b", ("From",)),
    (r"\bwhere (?:do )?i work\b|\bwho (?:do )?i work for\b|\bmy (?:employer|workplace)\b", ("Works at",)),
    (r"\bmy (?:job|profession|occupation)\b|\bwhat (?:do )?i do (?:for (?:a living|work)|professionally)\b"
     r"|\bwhat (?:do )?i work as\b|\bwhat (?:do )?i do\W*$", ("Works as", "Works at")),
    (r"\bhow old (?:am i|i am)\b|\bmy age\b", ("Age",)),
    (r"\bmy birthday\b|\bwhen (?:was i|i was) born\b", ("Birthday",)),
    (r"\blanguages? (?:do |can )?i speak\b|\bmy languages?\b", ("Speaks",)),
    (r"\bmy diet\b|\bwhat (?:can|can't|do|don't|may) i (?:not )?eat\b", ("Diet", "Allergic to")),
    (r"\bi allergic to\W*$|\bmy allerg(?:y|ies)\b|\b(?:do i have|have i got) (?:any )?allerg",
     ("Allergic to",)),
    (r"\bmy time ?zone\b", ("Time zone",)),
    (r"\bmy pronouns\b", ("Pronouns",)),
    (r"\bwhat (?:things |stuff |else )?(?:do )?i (?:really )?(?:like|love|enjoy)\b(?! (?:least|about))"
     r"|\bmy (?:likes|hobbies|interests)\b", ("Likes", "Prefers")),
    (r"\bwhat (?:things |else )?(?:do )?i (?:really )?(?:hate|dislike|not like|detest)\b"
     r"|\bwhat don't i like\b|\bmy dislikes\b|\bwhat i don't like\b", ("Dislikes",)),
    (r"\bwhat (?:do )?i prefer\b", ("Prefers", "Likes")),
)]  # fmt: skip
_FAVOURITE = anycase(r"\bmy favou?rite (?P<what>[a-z]+(?: [a-z]+)?)")
_IF = anycase(
    r"^(?:tell me if |do you know if )?(?:do|am|can) i (?:still |really |also )?"
    r"(?P<verb>like|love|enjoy|hate|dislike|speak|allergic to|live in|an?|from)\s+(?P<what>.+?)\W*$"
)
_LIKED, _DISLIKED = ("Likes", "Dislikes"), ("Dislikes", "Likes")
_IF_KEYS = {
    "like": _LIKED, "love": _LIKED, "enjoy": _LIKED, "hate": _DISLIKED, "dislike": _DISLIKED,
    "speak": ("Speaks", ""), "allergic to": ("Allergic to", ""), "live in": ("Lives in", "Lives in"),
    "from": ("From", "From"), "a": ("Diet", ""), "an": ("Diet", ""),
}  # fmt: skip
_ABOUT_ME = anycase(
    r"\bwhat (?:do|did) you (?:know|remember|note|remembered) (?:about|of) me\b|\btell me"
    r" (?:everything )?about (?:me|myself)\b"
    r"|\bwhat (?:have|did) i (?:told|tell) you (?:about (?:me|myself))\W*$"
)
_ANOTHER_MATTER = anycase(r"\bwhy\b|\bdid (?:i|we) (?!say\b|tell\b|mention\b)")


def from_profile(question: str, profile: Profile) -> str | None:
    """The answer when core memory holds it, as a sentence."""
    question = unopened(question)
    if _ABOUT_ME.search(question):
        known = [told_you(key, profile.values(key)) for key in profile.names()]
        return f"This is what I noted about you: {'; '.join(known)}." if known else None
    if _ANOTHER_MATTER.search(question):
        return None
    if match := _IF.match(question):
        return _yes_or_no(match, profile)
    keys: tuple[str, ...] = next((k for pattern, k in _DIRECT if pattern.search(question)), ())
    if match := _FAVOURITE.search(question):
        words = match["what"].lower().replace("color", "colour").split()
        keys = (f"Favourite {' '.join(words)}", f"Favourite {words[0]}")
    told = (told_you(key, profile.values(key)) for key in keys if profile.values(key))
    return next((f"{capital(said)}." for said in told), None)


def _yes_or_no(match: re.Match[str], profile: Profile) -> str | None:
    yes, no = _IF_KEYS[match["verb"].lower()]
    asked = match["what"].casefold().removeprefix("to ").strip()
    for key, word in ((yes, "Yes"), (no, "No")):
        values = profile.values(key) if key else ()
        hit = [v for v in values if v.casefold() == asked or stems(v) == stems(asked) != frozenset()]
        if hit:
            return f"{word}, {told_you(key, hit)}."
        if values and yes == no:
            return f"No, {told_you(key, values)}."
    return None


@dataclass(frozen=True)
class Owned:
    """Something with an owner: "my sister's dog" is a dog, of a sister (of mine)."""

    owners: frozenset[str]  # stems; empty when it is the person's own
    things: tuple[str, ...]  # stems, the thing itself first


@dataclass(frozen=True)
class Query:
    """What a question is about."""

    words: str  # to search with
    stems: frozenset[str]
    keys: frozenset[str]  # stems of which a good answer has most
    owned: Owned | None
    kind: str  # "name", "when", "where" or ""
    english: bool


_PLAIN = wordset(
    """new old young younger older elder big little small first last second next best good great dear late own
    other favourite whole current"""
)
_ATTRIBUTES = stems("name age colour breed")
_CONTRACTED = wordset("it that what who he she there let where here when how")
_KIND = anycase(r"\b(?:(?P<name>name|called|named)|(?P<when>when)|(?P<where>where))\b")
_TELLS = {
    "when": anycase(
        rf"\d|\b(?:{'|'.join((*DAYS, *MONTHS))}|yesterday|today|tomorrow|week|month|year|morning|evening)\b"
    ),
    "where": re.compile(r"\b(?:in|at|to|from|near|under|behind|on|inside)\b"),
}


def query(question: str) -> Query:
    """Reads a question. "My" in it is the person who asks."""
    words, found = content(question), stems(question)
    kinds = {match.lastgroup for match in _KIND.finditer(question)}
    kind = next((kind for kind in ("name", "when", "where") if kind in kinds), "")
    owned = next((o for o in owned_in(question) if o.things), None)
    keys = found - WEAK_STEMS - _ATTRIBUTES
    if owned:
        keys -= owned.owners | set(owned.things)
    more = [SYNONYMS[word.lower()] for word in words if word.lower() in SYNONYMS]
    searched = list(dict.fromkeys([*words, *more, *(["called"] if kind == "name" else [])]))
    return Query(
        words=" ".join(searched[:12]) if words else question[:200],
        stems=found,
        keys=keys or (frozenset() if owned else found),
        owned=owned,
        kind=kind,
        english=english(question),
    )


def owned_in(text: str) -> list[Owned]:
    """Everything in a text that has an owner; "my" and "your" are both the person's own."""
    words = tokens(text)
    found = []
    for at, word in enumerate(words):
        low, following = word.lower(), words[at + 1 : at + 8]
        if low in ("my", "our", "your"):
            found.append(_owned([], following))
        elif low in ("his", "her", "their"):
            found.append(_owned([low], following))
        elif (
            low.endswith("'s")
            and word[0].isupper()
            and low[:-2] not in _CONTRACTED
            and not is_small(low[:-2])
        ):
            found.append(_owned([stem(word)], following))
    return found


def _owned(owners: list[str], following: Sequence[str]) -> Owned:
    things: list[str] = []
    for word in following:
        low, root = word.lower(), stem(word)
        if is_small(low.removesuffix("'s")) or low in PAST:
            break
        if (things and root in WEAK_STEMS) or (root in _ATTRIBUTES and (things or owners)):
            break
        if low in _PLAIN and not things:
            continue
        things.append(root)
        if low.endswith("'s"):
            owners, things = [*owners, *things], []
        if len(things) == 3:
            break
    if not things and owners:  # "my dog's name" asks about the dog
        *owners, thing = owners
        things = [thing]
    return Owned(frozenset(owners), tuple(things))


def score(asked: Query, said: str) -> float | None:
    """How well a statement answers; None when it is about something else.

    ``said`` speaks to the person: "Your dog is called Biscuit."
    """
    has = stems(said)
    known, wanted = len(asked.keys & has), len(asked.keys)
    needed = wanted if wanted <= 2 else math.ceil(wanted * 2 / 3)
    if not asked.stems & has or known < (needed if asked.english else min(wanted, 1)):
        return None
    points = float(len(asked.stems & has)) + known
    if asked.owned:
        bonus = _same_thing(asked.owned, said, has)
        if bonus is None or (asked.kind == "name" and not _names(asked.owned.things[0], said, has)):
            return None
        points += bonus + (2 if asked.kind == "name" else 0)
    pattern = _TELLS.get(asked.kind)
    return points + (0.5 if pattern and pattern.search(said) else 0.0)


def _same_thing(thing: Owned, said: str, has: frozenset[str]) -> float | None:
    """Bonus for naming the same thing of the same owner; None when it is another's, or not there."""
    head = thing.things[0]
    if head not in has or (thing.owners and not thing.owners & has):
        return None
    mentions = [o for o in owned_in(said) if head in o.things]
    if any(o.owners == thing.owners and o.things[0] == head for o in mentions):
        return 2.0
    if any(bool(o.owners) == bool(thing.owners) and o.owners >= thing.owners for o in mentions):
        return 1.0
    if mentions or head in _ATTRIBUTES:
        return None
    before = itertools.takewhile(lambda word: stem(word) != head, tokens(said))
    own = any(word.lower() in ("you", "you've", "you're") for word in before)
    return 0.0 if thing.owners or own or not owned_in(said) else None


def _names(head: str, said: str, has: frozenset[str]) -> bool:
    words = [word for word in tokens(said) if word.lower() not in ("is", "are")]
    named = (after[0].isupper() for word, after in itertools.pairwise(words) if stem(word) == head)
    return "name" in has or any(named)
