"""What a persona is beside its blocks: how it greets and speaks, and what it may do. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bot.errors import CardError
from bot.personas.cards.book import Book, always, book_of, constant, matching
from bot.personas.cards.macros import Cast, rendered
from bot.settings import BeatRules

_TEXT = 20_000  # characters of a text that goes into every request
_MANY = {"greetings": 500, "group_greetings": 500, "policies.tools": 500, "policies.languages": 20}
_LONG = {"greetings": _TEXT, "group_greetings": _TEXT, "policies.tools": 200, "policies.languages": 50}
_ORIGINAL = re.compile(r"\{\{\s*original\s*\}\}", re.IGNORECASE)
_NAME = 64  # of a person's name that stands in a persona's text


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Policies(_Part):
    """``model`` is a name at the configured endpoint; ``tools`` are the ones allowed beside those that every
    turn needs, None: all; ``accept``: whether what reflections propose waits for an admin; one that is
    ``unfit_for_minors`` speaks where only adults are (`bot.people.adults`)."""

    model: str | None = None
    tools: tuple[str, ...] | None = None
    languages: tuple[str, ...] = ()
    heartbeat: BeatRules = BeatRules()
    accept: Literal["ask", "always"] = "ask"
    unfit_for_minors: bool = False


class Definition(_Part):
    """The names are those of character cards. ``card`` is the card that the persona came from, whole."""

    nickname: str = Field("", max_length=200)
    greetings: tuple[str, ...] = ()
    group_greetings: tuple[str, ...] = ()  # beside those, where others read, too
    example: str = Field("", max_length=_TEXT)
    system_prompt: str = Field("", max_length=_TEXT)
    post_history_instructions: str = Field("", max_length=_TEXT)
    book: Mapping[str, Any] = Field(default_factory=dict)
    avatar_url: str = Field("", pattern=r"^(https://\S+)?$", max_length=2_000)
    policies: Policies = Policies()
    card: Mapping[str, Any] = Field(default_factory=dict)

    def greeting(self, number: int, *, private: bool) -> str:
        """One of the greetings for a place like this; the same for the same number."""
        fit = self.greetings if private else (*self.greetings, *self.group_greetings)
        return fit[number % len(fit)] if fit else ""


def parsed(data: Mapping[str, Any]) -> Definition:
    """The definition of `to_json`, or of a file. Raises ValueError with one sentence that names the field."""
    try:
        definition = Definition.model_validate(data)
        _book(definition)
        return definition
    except CardError as error:
        raise ValueError(str(error)) from None
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        key = ".".join(str(part) for part in first["loc"])
        raise ValueError(f"{key}: {first['msg']}.") from None


def checked(data: Mapping[str, Any]) -> Definition:
    """As `parsed`, of a file: that there is not too much of anything, too."""
    definition = parsed(data)
    for name, most in _MANY.items():
        values = attrgetter(name)(definition) or ()
        if len(values) > most:
            raise ValueError(f"{name}: there are {len(values):,}; {most} are taken.")
        for number, value in enumerate(values):
            if len(value) > _LONG[name]:
                raise ValueError(
                    f"{name}.{number}: it has {len(value):,} characters; it may have {_LONG[name]:,}."
                )
    return definition


def to_json(definition: Definition) -> dict[str, Any]:
    """The definition as JSON values, without what is not set."""
    values: dict[str, Any] = definition.model_dump(mode="json", exclude_defaults=True)
    return values


def cast(definition: Definition, persona: str, person: str) -> Cast:
    """Who is who in the persona's texts. What is left to chance in them is the same in every request."""
    name = " ".join(person.split())[:_NAME]
    return Cast(char=definition.nickname or persona, user=name, seed=f"{persona} {name}")


def instructions(
    definition: Definition, ours: str, who: Cast, fit: Callable[[str], str], count: Callable[[str], int]
) -> str:
    """The system instructions as this persona follows them. Ours always stay: the persona's own stand around
    them where they say ``{{original}}``, and after them otherwise.

    All of it is the same in every request, the instructions that cards want after the history included:
    there they would end the cached prefix before the conversation. ``fit`` cuts each of the persona's texts to
    its share of the window; ``count`` tells tokens.
    """
    around = _ORIGINAL.split(definition.system_prompt, maxsplit=1)
    before, after = around if len(around) == 2 else ("", *around)

    def of(text: str) -> str:
        return fit(rendered(text, who).strip()) if text else ""

    parts = [of(before), ours, of(after)]
    for title, text in (
        (f"How {who.char} speaks, by example", definition.example),
        ("Above all", definition.post_history_instructions),
    ):
        parts += [f"# {title}\n\n{of(text)}"] if text.strip() else []
        if text.strip() and text is definition.example:
            parts.append("(These lines are invented: none of it was said.)")
    known = constant(_book(definition), count, cast=who)
    if known:
        lines = (rendered(entry.content, who).strip() for entry in known)
        parts.append("# What you know\n\n" + fit("\n\n".join(lines)))
    if definition.policies.languages:
        languages = fit(" or ".join(definition.policies.languages))
        parts.append(f"Speak {languages}, whatever language you are addressed in.")
    return "\n\n".join(part for part in parts if part)


def from_book(
    definition: Definition, who: Cast, texts: Sequence[str], count: Callable[[str], int], budget: int
) -> list[str]:
    """What the book says of what is being talked of, by its keys in the newest texts, within both budgets.

    What it says whatever is talked of stands in the instructions.
    """
    found = matching(_book(definition), texts, count, cast=who, budget=budget)
    return [rendered(entry.content, who).strip() for entry in found if not always(entry)]


def _book(definition: Definition) -> Book:
    return book_of(definition.book, "book") if definition.book else Book()
