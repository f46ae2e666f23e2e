"""What the stand-in says that is not about anyone's memory."""

from __future__ import annotations

from datetime import datetime

from bot.models.offline.lexicon import anycase
from bot.models.offline.words import english

HELP = (
    "I am everbot's built-in stand-in: fixed rules, not a language model and not intelligent. I note what "
    "you tell me about yourself, correct it when you tell me otherwise, and search my memory when you ask. "
    "To configure a real model, fill in [model] in config.toml, or set OPENAI_API_KEY (and OPENAI_BASE_URL "
    "for another server), and restart everbot. What I noted stays."
)
INTRODUCTION = "I am software: a rule-based stand-in, since no language model is configured."
CANNOT = "I cannot do that: all I do is note what you tell me, and find it again when you ask."
UNKNOWN = "I don't know that yet: I found nothing about it in my memory. If you tell me, I will remember it."

ASKS_WHAT_IT_IS = anycase(
    r"^\W*(?:/?help|/start)\W*$|\bwho are you\b|\bwhat(?: exactly)? are you\b|\bwhat(?:'s| is) your name\b"
    r"|\bwhat can you do\b|\bhow do you work\b|\bcan you help me\W*$|\bwhat (?:model|llm|ai) are you\b"
    r"|\bare you (?:an? |really |actually |just )*(?:ai|a\.i\.|bot|chatbot|robot|human|person|real|machine"
    r"|program|software|intelligent|alive|conscious|llm|language model|gpt|chatgpt|claude|smart)\b"
)
GREETS = anycase(r"^\W*(?:hi|hello|hey|hiya|greetings|good (?:morning|evening|afternoon|day)|yo|howdy)\b")
_CLOCK = anycase(
    r"\bwhat (?:time is it|is the time)\b|\bwhat's the time\b|\bwhat day is (?:it|today)\b"
    r"|\bwhat(?:'s| is) (?:the date|today's date)\b"
)
_ANSWERS = [
    (anycase(r"^\W*(?:please )?(?:(?:can|could|would|will) you|help me) (?!please\b)(?!(?:still |also )?"
             r"(?:tell|remember|remind|recall|say|show|find|search|look|give me (?:my|the)|help)\b)"), CANNOT),
    (anycase(r"^\W*(?:thanks|thank you|thx|cheers|great, thanks)\b"), "You are welcome{named}."),
    (anycase(r"^\W*(?:bye|goodbye|good night|see you|see ya|cu)\b"),
     "Goodbye{named}. I keep what you told me."),
    (anycase(r"\bhow (?:are you|is it going|do you do)\b|\bhow's it going\b|\bwhat's up\b"),
     "All is running here, thank you{named}. What is new with you?"),
]  # fmt: skip
OWN_NAMES = frozenset({"assistant", "agent", "bot", "everbot", "ever", "me", "i", "you", "system", "tool"})
_OWN_PHRASE = anycase(
    r"\(you told me|\bi have noted that\b|\bstand-in\b|\bi don't know that yet\b|^you wrote"
    r"|^i will remind you|^(?:yes, |no, )?your? |^i have read that|^thank you\. i have read|^nice to meet you"
    r"|^all is running|^goodbye|^this is what i noted|^i cannot (?:do that|set)|^in \"|^it is \d"
    r"|^i have received|^when shall i remind"
)


def is_own_phrase(text: str) -> bool:
    """Whether a text reads like something that the stand-in says."""
    return _OWN_PHRASE.search(text[:2000]) is not None


def clock(text: str, now: datetime | None) -> str | None:
    """The answer to a question for the time."""
    return f"It is {now:%H:%M} on {now:%A}, {now.day} {now:%B %Y}." if now and _CLOCK.search(text) else None


def smalltalk(text: str, name: str) -> str | None:
    """The answer to thanks, goodbyes and the like; None for anything else."""
    answer = next((answer for pattern, answer in _ANSWERS if pattern.search(text)), None)
    return answer and answer.replace("{named}", f", {name}" if name else "")


def greeting(name: str) -> str:
    hello = f"Hello, {name}." if name else "Hello."
    return f"{hello} {INTRODUCTION} Tell me about yourself, or ask what I remember."


def anything(text: str) -> str:
    """The answer when no rule knows better."""
    if english(text):
        return "I have read that, and it stays in our conversation. Tell me facts, or ask me about them."
    return (
        "Thank you. I have read that, and it stays in our conversation; my rules only know English, so I "
        "cannot say more to it."
    )
