"""What a model is told of a card: who the persona is, and how it talks."""

from __future__ import annotations

import re

from bot.personas.cards.card import Card
from bot.personas.cards.macros import Cast, rendered

SOMEBODY = "the user"
"""What ``{{user}}`` stands for where a text is shared by everyone who talks to the persona."""

_START = re.compile(r"<START>", re.IGNORECASE)


def persona_text(card: Card, user: str = SOMEBODY) -> str:
    """The persona's core block: its description, personality and scenario, as Markdown."""
    parts = [
        f"I am {card.called}." if card.called == card.name else f"I am {card.name}, called {card.called}.",
        card.description,
        *(f"## {title}\n{text.strip()}" for title, text in _sections(card) if text.strip()),
    ]
    return _shown(card, "\n\n".join(part.strip() for part in parts if part.strip()), user)


def dialogue_text(card: Card, user: str = SOMEBODY) -> str:
    """The persona's example dialogue as Markdown, each conversation under its own heading; "" for none."""
    talks = [talk.strip() for talk in _START.split(card.mes_example) if talk.strip()]
    parts = [f"## Example {number}\n{talk}" for number, talk in enumerate(talks, 1)]
    return _shown(card, "\n\n".join(parts), user)


def _sections(card: Card) -> tuple[tuple[str, str], ...]:
    return (("Personality", card.personality), ("Scenario", card.scenario))


def _shown(card: Card, text: str, user: str) -> str:
    # The seed is the card's own, so that what is left to chance is the same in every block made of it.
    return rendered(text, Cast(char=card.called, user=user, seed=card.name)).strip()
