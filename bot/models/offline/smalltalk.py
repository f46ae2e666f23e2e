"""What the stand-in says that is not about anyone's memory."""

from __future__ import annotations

import re
from datetime import datetime

from bot.models.offline.lexicon import POLITE, anycase, wordset
from bot.models.offline.words import english

HELP = (
    "I am everbot's built-in stand-in: fixed rules, not a language model and not intelligent. I note what "
    "you tell me about yourself, correct it when you tell me otherwise, and search my memory when you ask. "
    "To configure a real model, fill in [model] in config.toml, or set OPENAI_API_KEY (and OPENAI_BASE_URL "
    "for another server), and restart everbot. What I noted stays."
)
INTRODUCTION = "I am software: a rule-based stand-in, since no language model is configured."
CANNOT = (
    "I cannot do that: all I do is note what you tell me, and find it again when you ask. /help lists what else I "
    "can be told."
)
RUDE = "I am only fixed rules, and take no offence. /help lists what I can be told; a real model can be configured."
UNKNOWN = "I don't know that yet: I found nothing about it in my memory. If you tell me, I will remember it."

ASKS_WHAT_IT_IS = anycase(
    r"^\W*(?:/?help|/start|i need help)\W*$|\bwho are you\b|\bwhat(?: exactly)? are you\b|\bwhat(?:'s| is) your name\b"
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
_FORGET = "I delete nothing by myself: /memory shows and deletes single notes, /forget deletes everything."
_REMIND = "/scheduled lists what I shall remind you of; /scheduled cancel ID calls one off."
_PRIVACY = "/privacy says what is kept of you, where, and who can read it."
_BY_VERB = {verb: answer for verbs, answer in (
    ("forget delete erase wipe remove clear unlearn", _FORGET),
    ("export download backup copy", "/export gives you a copy of what I remember of you; /memory shows it."),
    ("link unlink connect merge", "/link makes two accounts one person to me; /unlink takes one out again."),
    ("undo revert", "I undo nothing by myself: /memory history shows what changed, /memory edits it."),
    ("stop quit quiet hush silence", "/stop calls off an answer; /heartbeat off keeps me from speaking first."),
    ("switch change choose pick", "/persona shows who I am here, and who else there is."),
) for verb in verbs.split()}  # fmt: skip
_REMINDERS, _PERSONAS = wordset("reminder reminders reminding alarms"), wordset("persona personas")
_LISTS = wordset("my list show cancel edit move turn tell reminder reminders that")
_REMINDED = anycase(r"\bremind me (?:of|about)\W*$")
_OPEN = anycase(
    r"\b(?:private|confidential|secure)\b(?=.*\b(?:here|you|chat)\b)|\bprivacy\b"
    r"|\bwho (?:can |could |else )*(?:sees?|reads?)\b|\b(?:this|it|that|here|chat) (?:private|secret"
    r"|confidential|safe|secure)\b"
    r"|\byou (?:store|collect|save|keep|share|record)\b"
)
_ORDER = anycase(
    rf"^{POLITE}(?:be )?(?:(?P<wish>how (?:do|can|could) (?:i|you|we)|(?:can|could|may) (?:i|we)|(?:i|we)(?:'d| would)?"
    r" (?:want|need|like|don't need|don't want)(?: to)?)(?: get| have| an?| the)* )?(?P<verb>\w+)"
)
_OURS = anycase(
    r"\b(?:my|our|the|all|that|this)\b.*\b(?:data|memor(?:y|ies)|account|notes?|history|messages?|chats?)\b"
)
_BAD = (
    r"(?:idiot|stupid|dumb|useless|moron|fool|worthless|annoying|liar|ugly|trash|garbage|crap|shit|pathetic)"
)
_RUDE = anycase(
    rf"\b(?:you|you're|u|ur|this bot)\b(?: (?!my\b)\w+){{0,3}}? (?:{_BAD}|suck|worst|bastard|asshole|bitch)\b"
    rf"|\b(?:hate|fuck|screw|damn|despise) (?:you|u|off|this bot)\b|\b(?:{_BAD}|damn|fucking) (?:bot|program)\b"
    rf"|^\W*(?:shut up|get lost|go away|fuck|piss off|damn it|asshole|bullshit|{_BAD}\W*$)"
)
OWN_NAMES = frozenset({"assistant", "agent", "bot", "everbot", "ever", "me", "i", "you", "system", "tool"})
_OWN_PHRASE = anycase(
    r"\(you told me|\bi have noted that\b|\bstand-in\b|\bi don't know that yet\b|^you wrote|^i will remind you"
    r"|^(?:yes, |no, )?your? |^i have read that|^thank you\. i have read|^nice to meet you|^all is running|^goodbye"
    r"|^this is what i noted|^i cannot (?:do that|set)|^in \"|^it is \d|^i have received|^when shall i remind|^i "
    r"am only fixed|^i (?:delete|undo) nothing|/(?:help|scheduled|export|link|persona|privacy|stop) [a-z]+s\b"
)


def is_own_phrase(text: str) -> bool:
    """Whether a text reads like something that the stand-in says."""
    return _OWN_PHRASE.search(text[:2000]) is not None


def not_told(sentence: str) -> str | None:
    """The answer to what is said to the stand-in rather than of oneself: commands that it cannot carry out, each with
    the one that can, and insults; None for anything else."""
    sentence = sentence[:300]
    words = frozenset(re.findall(r"[a-z]+", sentence.lower()))
    order, asking = _ORDER.match(sentence), "?" in sentence or bool(words & {"what", "which", "who", "how"})
    verb, wish = (order["verb"].lower(), order["wish"]) if order else ("", None)
    answer = _BY_VERB.get(verb) if not wish or _OURS.search(sentence) else None
    if (words & _REMINDERS and (asking or answer or verb in _LISTS)) or _REMINDED.search(sentence):
        return _REMIND
    if words & _PERSONAS and (asking or answer):
        return _BY_VERB["switch"]
    if asking and _OPEN.search(sentence):
        return _PRIVACY
    if answer and answer != _BY_VERB["switch"]:
        return answer
    if re.match(r"\W*[/!][a-z]", sentence):
        return "If that was meant as a command, I do not know it: /help lists them."
    return RUDE if _RUDE.search(sentence) else None


def clock(text: str, now: datetime | None) -> str | None:
    """The answer to a question for the time."""
    return (
        f"It is {now:%H:%M}{'' if now.utcoffset() else ' UTC'} on {now:%A}, {now.day} {now:%B %Y}."
        if now and _CLOCK.search(text)
        else None
    )


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
