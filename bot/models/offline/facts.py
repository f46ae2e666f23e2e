"""What a person's sentences tell about them.

A `Line` belongs in the core memory block ("Lives in: Porto"), a `Told` in archival storage ("My dog is
called Biscuit."). Only first-person statements count, and only what is anchored at a clause's start:
"Bob said I'm Ada" tells no name.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bot.models.offline.lexicon import anycase
from bot.models.offline.lines import DIET, Line, lines_of
from bot.models.offline.persons import FIRST
from bot.models.offline.profile import righted
from bot.models.offline.reminders import reminder
from bot.models.offline.smalltalk import not_told
from bot.models.offline.words import capital, sentences, tokens


@dataclass(frozen=True)
class Told:
    """A statement, as it was said."""

    text: str


Fact = Line | Told

_OPENING = anycase(
    r"^(?:(?:hi|hello|hey|hiya|greetings|good (?:morning|evening|afternoon|day))\b"
    r"(?: (?:there|again|everbot|bot|all|everyone))?[ ,!.:;-]*"
    r"|(?:actually|anyway|also|by the way|btw|fyi|correction|update|just so you know|sorry|oh|well|yes|yeah"
    r"|no|ok|okay|so|and|but|then|now|in fact|nice to meet you|great|please)\b[ ,!.:;-]+"
    r"|thank(?:s| you)[,!.]+ *)"
)
_CLAUSES = anycase(
    r"(?:\s*[,;]\s*(?:(?:and|but)\s+)?|\s+(?:and|but)\s+)"
    r"(?=(?:i|i'm|i've|my|we|our|call me)\s)"
)
_REPORTED = anycase(
    r"\b(?:said|says|say|told|tells|asked|wrote|writes|pretend|imagine|suppose|if|joke|lyrics?|sings?)\b"
)
_VERBS = "is|are|was|were|am|do|does|did|can|could|would|will|should|have|has"
_ASKING = anycase(
    r"^(?:(?:hi|hello|hey|and|so|but|ok|okay|well|please|now)[ ,]+)*(?:"
    rf"(?:what|where|who|whom|whose|when|why|which|how|{_VERBS})\s+(?:{_VERBS}|i|you|we|my|our|the|it|he|she"
    r"|they|there|old|many|much|long|colou?r|day|time|kind|languages?|city|country|name|about)\b"
    r"|(?:what|where|who|when|how)'?s\b|(?:do|did|can|could|would|will) u\b|any (?:idea|clue)\b"
    r"|(?:tell|remind|show) me (?:what|where|who|when|which|how|why|about|again|my|the|our)\b"
    r"|i (?:wonder|forgot|forget|can't remember|cannot remember|don't remember|can't recall) "
    r"(?:what|where|who|when|which|how|my|the)\b)"
)
_TAIL_QUESTION = anycase(r",\s*(?=(?:and |so |but )?(?:what|where|who|when|how|do|can|could|are|is|you)\b)")
REMEMBER = anycase(
    r"(?s)^(?:(?:please|can you|could you) )?(?:remember|note|keep in mind|bear in mind|don't forget"
    r"|do not forget|write down|make a note|memori[sz]e|save|store)\b"
    r"(?: (?:this|down|it|for me))*(?: that)?[:, ]+(?P<what>.+)$",
)
_NOISE = anycase(
    r"^(?:(?:i|we) (?:(?:do not|don't|didn't|did not|can't|cannot|can|really|just|also|kind of) )*"
    r"(?:think|know|see|guess|mean|wonder|understand|agree|suppose|believe|get it|hear|say|said|ask|asked"
    r"|want you|need you|told you|(?:like|love) (?:it|that|this|you|your))\b"
    r"|(?:i|we) (?:want|need|demand)(?: some| more| an?| your)? (?:help|jokes?|poems?|stor(?:y|ies)|answers?|advice"
    r"|songs?|to (?:talk|speak|chat)|my money)\b"
    r"|(?:i'm|i am) (?:not |so |very |really |a bit |a little |just |too |all |quite |pretty |feeling )*"
    r"(?:fine|ok|okay|good|well|great|tired|sorry|sure|glad|happy|sad|bored|back|here|ready|done|kidding|joking"
    r"|just|afraid|curious|wondering|hungry|thirsty|busy|late|confused|lost|excited|serious|asking|trying|testing"
    r"|sleepy|exhausted|angry|alright|right|wrong|interested|looking|thinking|not)\b"
    r"|i(?:'d| would) (?:like|love|rather|prefer|say|be|appreciate)\b|i hope\b|i wish\b"
    r"|i(?:'ll| will) (?:be back|see|try|think|let you|do it|go now|talk)\b"
    r"|i have (?:a|an|one|another|no|some) (?:\w+ )?(?:questions?|ideas?|problem|doubts?)\b"
    r"|my (?:bad|pleasure|apologies|god|goodness|mistake)\b|me (?:too|neither)\b|let me\b)"
)
_DEMANDING = (
    "please can could would tell show give let help do stop try make write say ask explain ignore repeat forget delete"
    " translate find search look remind cancel wake erase wipe remove clear list export download send link unlink undo"
    " switch change summari[sz]e play sing open close read count calculate draw recommend suggest describe check"
    " email book order buy turn set add update correct create generate shut wait answer reply continue pick guess reset"
    " restart restore import use keep act imagine pretend fuck bring fix plan analy[sz]e solve define spell convert"
).replace(" ", "|")
DEMANDS = anycase(rf"^(?:{_DEMANDING})\b")
_IMPERATIVE = anycase(rf"^(?:{_DEMANDING}|don't|if|thank|thanks|you|your)\b")
_OF_ONESELF = anycase(r"(?:i|i'm|i've|we|we're|my name)\b")
_SHARED = anycase(
    r"(?P<join>,? (?:and|but)|,) (?:(?=(?:now |also |really )?(?:live|work|like|love|hate|dislike|enjoy|speak|prefer"
    r"|moved|started|have|come|am|don't|can't stand|study|play|own|drive|collect|grew up)\b)|(?=(?:an? )?(?:allergic to"
    rf"|from [A-Z]|(?:strict )?{DIET}|living in|based in|working|\d{{1,3}} years|fond of)\b)(?P<be>))"
)
"""Where a second clause leaves out "I", or ``be``: "I'm"."""
_MOST_CLAUSES = 12  # of a sentence
_TO_YOU = anycase(r"\b(?:you|your|yourself)\b(?!.*\bmy\b)")
CONTINUES = anycase(r"^(?:he|she|it|they|his|her|its|their|he's|she's|it's|they're)\s")


def asks(sentence: str) -> bool:
    """Whether a sentence is a question, or a request to be told something."""
    return sentence.rstrip(" \"')").endswith(("?", "？", "؟")) or _ASKING.match(sentence) is not None


def facts(text: str) -> list[Fact]:
    """The facts of a message, in order."""
    found: list[Fact] = []
    last: Told | None = None
    for sentence in sentences(text):
        new = list(_of_sentence(sentence))
        if not new and last and CONTINUES.match(sentence) and not asks(sentence) and len(last.text) < 600:
            found[-1] = last = Told(f"{last.text} {_ended(sentence)}")
            continue
        found += new
        last = new[-1] if new and isinstance(new[-1], Told) else None
    return list(dict.fromkeys(found))


def _of_sentence(sentence: str) -> Iterator[Fact]:
    sentence = unopened(sentence)
    if not_told(sentence) or reminder(sentence, None):
        return
    if match := REMEMBER.match(sentence):
        what = match["what"].strip().rstrip("?") if asks(match["what"]) else match["what"].strip()
        to_do = what.lower().startswith("to ")
        told = f"I want to remember {what}" if to_do else what[:600]
        known = [] if to_do else list(_of_clauses(what))
        yield from known or ([Told(_ended(told))] if len(what) > 3 else [])
    elif asks(sentence):
        # "I'm Ada, what's your name?" tells a name before it asks for one.
        for part in _TAIL_QUESTION.split(sentence)[:-1]:
            if not asks(part) and not _IMPERATIVE.match(part):
                yield from (f for f in _of_clauses(part) if isinstance(f, Line))
    elif not _IMPERATIVE.match(sentence):
        yield from _of_clauses(sentence)


def unopened(sentence: str) -> str:
    """The sentence without its greeting and fillers."""
    for _ in range(4):
        sentence = _OPENING.sub("", sentence, count=1) or sentence
    return sentence


def _of_clauses(sentence: str) -> Iterator[Fact]:
    start = 0
    sentence = righted(sentence[:2000])
    if _OF_ONESELF.match(sentence):
        sentence = _SHARED.sub(lambda m: m["join"] + (" I " if m["be"] is None else " I'm "), sentence)
    bounds = [m.span() for m in _CLAUSES.finditer(sentence)][:_MOST_CLAUSES]
    for end, following in [*bounds, (len(sentence), len(sentence))]:
        clause = sentence[start:end].strip(" ,;")
        if start and _REPORTED.search(sentence[:start]):
            return
        start = following
        lines = lines_of(clause.rstrip(" .!…"))
        yield from lines
        if not lines and _worth_keeping(clause):
            yield Told(_ended(clause))


def _worth_keeping(clause: str) -> bool:
    no_statement = _NOISE.match(clause) or _IMPERATIVE.match(clause) or asks(clause)
    own = len(tokens(clause)) >= 3 and FIRST.search(clause) is not None and not _TO_YOU.search(clause)
    return 8 <= len(clause) <= 600 and own and not no_statement


def _ended(text: str) -> str:
    text = capital(text.strip())
    return text if text.endswith((".", "!", "…", '"')) else f"{text.rstrip(' ,;:')}."
