"""Questions: which line of core memory answers one, or what to look for in storage."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from bot.models.offline.facts import unopened
from bot.models.offline.lexicon import PAST, STOP, SYNONYMS
from bot.models.offline.profile import Profile, told_you
from bot.models.offline.words import capital, content, english, stem, stems, tokens, weak

_DIRECT: list[tuple[str, tuple[str, ...]]] = [
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
]  # fmt: skip
_DIRECT_RE = [(re.compile(pattern, re.IGNORECASE), keys) for pattern, keys in _DIRECT]
_FAVOURITE = re.compile(r"\bmy favou?rite (?P<what>[a-z]+(?: [a-z]+)?)", re.IGNORECASE)
_IF = re.compile(
    r"^(?:tell me if |do you know if )?(?:do|am|can) i (?:still |really |also )?"
    r"(?P<verb>like|love|enjoy|hate|dislike|speak|allergic to|live in|an?|from)\s+(?P<what>.+?)\W*$",
    re.IGNORECASE,
)
_IF_KEYS = {
    "like": ("Likes", "Dislikes"), "love": ("Likes", "Dislikes"), "enjoy": ("Likes", "Dislikes"),
    "hate": ("Dislikes", "Likes"), "dislike": ("Dislikes", "Likes"), "speak": ("Speaks", ""),
    "allergic to": ("Allergic to", ""), "live in": ("Lives in", "Lives in"), "from": ("From", "From"),
    "a": ("Diet", ""), "an": ("Diet", ""),
}  # fmt: skip
_ABOUT_ME = re.compile(
    r"\bwhat (?:do|did) you (?:know|remember|note|remembered) (?:about|of) me\b|\btell me"
    r" (?:everything )?about (?:me|myself)\b"
    r"|\bwhat (?:have|did) i (?:told|tell) you (?:about (?:me|myself))\W*$",
    re.IGNORECASE,
)

_ANOTHER_MATTER = re.compile(r"\bwhy\b|\bdid (?:i|we) (?!say\b|tell\b|mention\b)", re.IGNORECASE)


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
    keys: tuple[str, ...] = next((k for pattern, k in _DIRECT_RE if pattern.search(question)), ())
    if match := _FAVOURITE.search(question):
        words = match["what"].lower().replace("color", "colour").split()
        keys = (f"Favourite {' '.join(words)}", f"Favourite {words[0]}")
    for key in keys:
        if values := profile.values(key):
            return f"{capital(told_you(key, values))}."
    return None


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

    text: str
    words: str  # to search with
    stems: frozenset[str]
    keys: frozenset[str]  # stems of which a good answer has most
    owned: Owned | None
    kind: str  # "name", "when", "where" or ""
    english: bool


_PLAIN = frozenset(
    """new old young younger older elder big little small first last second next best good great dear late own
    other favourite whole current""".split()
)
_ATTRIBUTES = frozenset(stem(word) for word in ("name", "age", "colour", "breed"))
_CONTRACTED = frozenset("it that what who he she there let where here when how".split())


def query(question: str) -> Query:
    """Reads a question. "My" in it is the person who asks."""
    words = content(question)
    found = frozenset(stem(word) for word in words)
    low = question.lower()
    kind = "name" if re.search(r"\b(?:name|called|named)\b", low) else ""
    kind = kind or next((w for w in ("when", "where") if re.search(rf"\b{w}\b", low)), "")
    owned = next((o for o in owned_in(question) if o.things), None)
    keys = found - weak() - _ATTRIBUTES
    if owned:
        keys -= owned.owners | set(owned.things)
    more = [SYNONYMS[word.lower()] for word in words if word.lower() in SYNONYMS]
    searched = list(dict.fromkeys([*words, *more, *(["called"] if kind == "name" else [])]))
    return Query(
        text=question,
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
        low = word.lower()
        if low in ("my", "our", "your"):
            found.append(_owned([], words[at + 1 : at + 8]))
        elif low in ("his", "her", "their"):
            found.append(_owned([low], words[at + 1 : at + 8]))
        elif (
            low.endswith("'s") and word[0].isupper() and low[:-2] not in _CONTRACTED and low[:-2] not in STOP
        ):
            found.append(_owned([stem(word)], words[at + 1 : at + 8]))
    return found


def _owned(owners: list[str], following: Sequence[str]) -> Owned:
    things: list[str] = []
    for word in following:
        low = word.lower()
        if low.removesuffix("'s") in STOP or low in PAST or (SYNONYMS.get(low) == "name" and things):
            break
        root = stem(word)
        if root in _ATTRIBUTES and (things or owners):
            break
        if low in _PLAIN and not things:
            continue
        if root in weak() and things:
            break
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
    shared = asked.stems & has
    if not shared:
        return None
    points = float(len(shared)) + len(asked.keys & has)
    if asked.owned:
        bonus = _same_thing(asked.owned, said, has)
        if bonus is None:
            return None
        points += bonus
    wanted = len(asked.keys)
    if wanted:
        needed = 1 if not asked.english else wanted if wanted <= 2 else math.ceil(wanted * 2 / 3)
        if len(asked.keys & has) < needed:
            return None
    if asked.kind == "name" and asked.owned:
        if not _names(asked.owned.things[0], said, has):
            return None
        points += 2
    return points + (0.5 if _fits(asked.kind, said) else 0.0)


def _same_thing(thing: Owned, said: str, has: frozenset[str]) -> float | None:
    """Bonus for naming the same thing of the same owner; None when it is another's, or not there."""
    head = thing.things[0]
    if head not in has or (thing.owners and not thing.owners & has):
        return None
    mentions = [o for o in owned_in(said) if head in o.things]
    if any(o.owners == thing.owners and o.things[0] == head for o in mentions):
        return 2.0
    if any(
        bool(o.owners) == bool(thing.owners) and o.owners & thing.owners == thing.owners for o in mentions
    ):
        return 1.0
    if mentions or head in _ATTRIBUTES:
        return None
    words = [stem(w) if w.lower() not in STOP else w.lower() for w in tokens(said)]
    before = words[: words.index(head)] if head in words else words
    own = any(w in ("you", "you've", "you're") for w in before)
    return 0.0 if thing.owners or own or not owned_in(said) else None


def _names(head: str, said: str, has: frozenset[str]) -> bool:
    if "name" in has:
        return True
    words = tokens(said)
    for at, word in enumerate(words[:-1]):
        if stem(word) == head:
            after = (
                words[at + 2]
                if words[at + 1].lower() in ("is", "are") and at + 2 < len(words)
                else words[at + 1]
            )
            if after[0].isupper():
                return True
    return False


_WHEN = re.compile(
    r"\d|\b(?:monday|tuesday|wednesday|thursday|friday|saturday|sunday|january|february|march|april|may|june|july"
    r"|august|september|october|november|december|yesterday|today|tomorrow|week|month|year|morning|evening)\b",
    re.IGNORECASE,
)


def _fits(kind: str, said: str) -> bool:
    if kind == "when":
        return _WHEN.search(said) is not None
    return (
        kind == "where" and re.search(r"\b(?:in|at|to|from|near|under|behind|on|inside)\b", said) is not None
    )
