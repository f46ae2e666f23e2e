"""What a person's sentences tell about them.

A `Line` belongs in the core memory block ("Lives in: Porto"), a `Told` in archival storage ("My dog is
called Biscuit."). Only first-person statements count, and only what is anchored at a clause's start:
"Bob said I'm Ada" tells no name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from bot.models.offline.lines import Line, lines_of
from bot.models.offline.persons import FIRST
from bot.models.offline.words import capital, sentences, tokens


@dataclass(frozen=True)
class Told:
    """A statement, as it was said; ``forced`` when it was said to be remembered."""

    text: str
    forced: bool = False


Fact = Line | Told

_OPENING = re.compile(
    r"^(?:(?:hi|hello|hey|hiya|greetings|good (?:morning|evening|afternoon|day))\b"
    r"(?: (?:there|again|everbot|bot|all|everyone))?[ ,!.:;-]*"
    r"|(?:actually|anyway|also|by the way|btw|fyi|correction|update|just so you know|sorry|oh|well|yes|yeah"
    r"|no|ok|okay|so|and|but|then|now|in fact|nice to meet you|great|please)\b[ ,!.:;-]+"
    r"|thank(?:s| you)[,!.]+ *)",
    re.IGNORECASE,
)
_CLAUSES = re.compile(
    r"(?:\s*[,;]\s*(?:(?:and|but)\s+)?|\s+(?:and|but)\s+)"
    r"(?=(?:i|i'm|i've|my|we|our|call me)\s)",
    re.IGNORECASE,
)
_REPORTED = re.compile(
    r"\b(?:said|says|say|told|tells|asked|wrote|writes|pretend|imagine|suppose|if|joke|lyrics?|sings?)\b",
    re.IGNORECASE,
)
_ASKING = re.compile(
    r"^(?:(?:hi|hello|hey|and|so|but|ok|okay|well|please|now)[ ,]+)*(?:"
    r"(?:what|where|who|whom|whose|when|why|which|how|do|does|did|can|could|would|will|should|is|are|am|was"
    r"|were|have|has)\s+(?:is|are|was|were|am|do|does|did|can|could|would|will|should|have|has|i|you|we"
    r"|my|our|the|it|he|she|they|there|old|many|much|long|colou?r|day|kind|languages?|city|country|name|about)\b"
    r"|(?:what|where|who|when|how)'s\b"
    r"|(?:tell|remind|show) me (?:what|where|who|when|which|how|why|about|again|my|the|our)\b"
    r"|i (?:wonder|forgot|forget|can't remember|cannot remember|don't remember|can't recall) "
    r"(?:what|where|who|when|which|how|my|the)\b)",
    re.IGNORECASE,
)
_TAIL_QUESTION = re.compile(
    r",\s*(?=(?:and |so |but )?(?:what|where|who|when|how|do|can|could|are|is|you)\b)", re.IGNORECASE
)
_REMEMBER = re.compile(
    r"^(?:(?:please|can you|could you) )?(?:remember|note|keep in mind|bear in mind|don't forget"
    r"|do not forget|write down|make a note|memori[sz]e|save|store)\b"
    r"(?: (?:this|down|it|for me))*(?: that)?[:, ]+(?P<what>.+)$",
    re.IGNORECASE | re.DOTALL,
)
_NOISE = re.compile(
    r"^(?:(?:i|we) (?:(?:do not|don't|didn't|did not|can't|cannot|can|really|just|also|kind of) )*"
    r"(?:think|know|see|guess|mean|wonder|understand|agree|suppose|believe|get it|hear|say|said|ask|asked"
    r"|want you|need you|told you|like (?:it|that|this|you|your)|love (?:it|that|this|you|your))\b"
    r"|(?:i'm|i am) (?:not |so |very |really |a bit |a little |just |too |all |quite |pretty |feeling )*"
    r"(?:fine|ok|okay|good|well|great|tired|sorry|sure|glad|happy|sad|bored|back|here|ready|done|kidding|joking"
    r"|just|afraid|curious|wondering|hungry|thirsty|busy|late|confused|lost|excited|serious|asking|trying|testing"
    r"|sleepy|exhausted|angry|alright|right|wrong|interested|looking|thinking|not)\b"
    r"|i(?:'d| would) (?:like|love|rather|prefer|say|be|appreciate)\b|i hope\b|i wish\b"
    r"|i(?:'ll| will) (?:be back|see|try|think|let you|do it|go now|talk)\b"
    r"|i have (?:a|an|one|another|no|some) (?:\w+ )?(?:questions?|ideas?|problem|doubts?)\b"
    r"|my (?:bad|pleasure|apologies|god|goodness|mistake)\b|me (?:too|neither)\b|let me\b)",
    re.IGNORECASE,
)
_IMPERATIVE = re.compile(
    r"^(?:please|can|could|would|tell|show|give|let|help|do|don't|stop|try|make|write|say|ask|explain|ignore"
    r"|repeat|forget|delete|translate|find|search|look|remind|cancel|wake|if|thank|thanks|you|your)\b",
    re.IGNORECASE,
)
_MOST_CLAUSES = 12  # of a sentence
_CONTINUES = re.compile(r"^(?:he|she|it|they|his|her|its|their|he's|she's|it's|they're)\s", re.IGNORECASE)


def asks(sentence: str) -> bool:
    """Whether a sentence is a question, or a request to be told something."""
    return sentence.rstrip(" \"')").endswith(("?", "？", "؟")) or _ASKING.match(sentence) is not None


def facts(text: str) -> list[Fact]:
    """The facts of a message, in order."""
    found: list[Fact] = []
    last: Told | None = None
    for sentence in sentences(text):
        new = list(_of_sentence(sentence))
        if not new and last and _CONTINUES.match(sentence) and not asks(sentence) and len(last.text) < 600:
            found[-1] = last = Told(f"{last.text} {_ended(sentence)}", last.forced)
            continue
        found += new
        last = new[-1] if new and isinstance(new[-1], Told) else None
    return list(dict.fromkeys(found))


def _of_sentence(sentence: str) -> Iterator[Fact]:
    sentence = unopened(sentence)
    if match := _REMEMBER.match(sentence):
        yield from _remembered(match["what"])
        return
    if asks(sentence):
        # "I'm Ada, what's your name?" tells a name before it asks for one.
        before = _TAIL_QUESTION.split(sentence)[:-1]
        for part in before:
            if not asks(part) and not _IMPERATIVE.match(part):
                yield from (f for f in _of_clauses(part) if isinstance(f, Line))
        return
    if not _IMPERATIVE.match(sentence) or sentence.lower().startswith("call me"):
        yield from _of_clauses(sentence)


def unopened(sentence: str) -> str:
    """The sentence without its greeting and fillers."""
    for _ in range(4):
        shorter = _OPENING.sub("", sentence, count=1)
        if shorter == sentence or not shorter:
            break
        sentence = shorter
    return sentence


def _remembered(what: str) -> Iterator[Fact]:
    what = what.strip().rstrip("?") if asks(what) else what.strip()
    if what.lower().startswith("to "):
        yield Told(_ended(f"I want to remember {what}"), True)
        return
    known = list(_of_clauses(what))
    yield from known or ([Told(_ended(what[:600]), True)] if len(what) > 3 else [])


def _of_clauses(sentence: str) -> Iterator[Fact]:
    start = 0
    bounds = [(m.start(), m.end()) for m in _CLAUSES.finditer(sentence[:2000])][:_MOST_CLAUSES]
    for end, following in [*bounds, (len(sentence), len(sentence))]:
        clause = sentence[start:end].strip(" ,;")
        reported = start > 0 and _REPORTED.search(sentence[:start]) is not None
        start = following
        bare = clause.rstrip(" .!…")
        lines = [] if reported or not bare else lines_of(bare)
        yield from lines
        if not lines and not reported and _worth_keeping(clause):
            yield Told(_ended(clause))


def _worth_keeping(clause: str) -> bool:
    return (
        8 <= len(clause) <= 600
        and len(tokens(clause)) >= 3
        and FIRST.search(clause) is not None
        and not _NOISE.match(clause)
        and not _IMPERATIVE.match(clause)
        and not asks(clause)
    )


def _ended(text: str) -> str:
    text = capital(text.strip())
    return text if text.endswith((".", "!", "…", '"')) else f"{text.rstrip(' ,;:')}."
