"""Core memory as small models are shown it: under plain headings, and who they are as said to them. Pure."""

from __future__ import annotations

import re

from memory.records import Block

_TITLES = {"persona": "Who you are", "human": "What you know of them"}
_SECOND = {
    "i am": "you are", "i'm": "you are", "i was": "you were", "i've": "you have", "i'll": "you will",
    "i'd": "you would", "i": "you", "me": "you", "my": "your", "mine": "yours", "myself": "yourself",
}  # fmt: skip
_FIRST = re.compile(
    rf"(?<![\w'-])(?:{'|'.join(sorted(_SECOND, key=len, reverse=True))})(?![\w'-])", re.IGNORECASE
)
_OF_ONESELF = re.compile(r"\s*(?:I am|I'm|I’m|My name is)\b")


def framed(block: Block) -> str:
    """The block under its heading; nothing of one that says nothing."""
    label, _, place = block.label.partition("@")
    if not block.value.strip():
        return ""
    value = addressed(block.value) if label == "persona" else block.value
    title = _TITLES.get(label, label)
    return f"# {title}{f' ({place})' if place else ''}\n\n{value}"


def addressed(text: str) -> str:
    """What somebody says of themselves in English, said to them: small models recite what is written in the first
    person. Other texts are left as they are."""
    if not _OF_ONESELF.match(text):
        return text
    return re.sub(r"(^|[.!?:]\s+|\n\s*)(you)", _capital, _FIRST.sub(_second, text.replace("’", "'")))


def _second(found: re.Match[str]) -> str:
    return _SECOND[found[0].lower()]


def _capital(found: re.Match[str]) -> str:
    return f"{found[1]}{found[2].capitalize()}"
