"""The fields of a card's JSON, read by type; whatever is wrong is told with the field's name."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from bot.errors import CardError

Json = Mapping[str, Any]

MAX_DEPTH = 32
MAX_VALUES = 200_000


class Fields:
    """The fields of one JSON object. ``where`` is how an error calls it (``data.character_book``).

    A field that is absent, or null where the specification makes it optional, reads as its default.
    """

    def __init__(self, value: Any, where: str) -> None:
        if not isinstance(value, Mapping):
            raise CardError(f"The card's {where} must be an object, not {named(value)}.")
        self.value: Json = value
        self.where = where

    def text(self, name: str) -> str:
        """A text that the specification demands; null is refused, as it says."""
        value = self.value.get(name, "")
        if not isinstance(value, str):
            raise self.wrong(name, "a text", value)
        return value

    def maybe_text(self, name: str) -> str | None:
        return None if self.value.get(name) is None else self.text(name)

    def maybe_flag(self, name: str) -> bool | None:
        value = self.value.get(name)
        if value is not None and not isinstance(value, bool):
            raise self.wrong(name, "true or false", value)
        return value

    def maybe_number(self, name: str) -> float | None:
        value = self.value.get(name)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
            raise self.wrong(name, "a number", value)
        return value

    def maybe_texts(self, name: str) -> tuple[str, ...] | None:
        items = self._list(name, "a list of texts")
        for n, item in enumerate(items or ()):
            if not isinstance(item, str):
                raise self.wrong(f"{name}[{n}]", "a text", item)
        return None if items is None else tuple(items)

    def texts(self, name: str) -> tuple[str, ...]:
        return self.maybe_texts(name) or ()

    def maybe_object(self, name: str) -> Json | None:
        value = self.value.get(name)
        return None if value is None else Fields(value, self.of(name)).value

    def maybe_objects(self, name: str) -> tuple[Fields, ...] | None:
        items = self._list(name, "a list of objects")
        if items is None:
            return None
        return tuple(Fields(item, f"{self.of(name)}[{n}]") for n, item in enumerate(items))

    def _list(self, name: str, wanted: str) -> list[Any] | None:
        value = self.value.get(name)
        if value is not None and not isinstance(value, list):
            raise self.wrong(name, wanted, value)
        return value

    def of(self, name: str) -> str:
        return f"{self.where}.{name}"

    def wrong(self, name: str, wanted: str, value: Any) -> CardError:
        return CardError(f"The card's {self.of(name)} must be {wanted}, not {named(value)}.")


def named(value: Any) -> str:
    """What kind of JSON value it is, in plain words."""
    kinds: tuple[tuple[type | tuple[type, ...], str], ...] = (
        (bool, "true or false"),
        (str, "a text"),
        ((int, float), "a number"),
        (list, "a list"),
        (Mapping, "an object"),
    )
    return next((words for kind, words in kinds if isinstance(value, kind)), "null")


def check_values(document: Any) -> None:
    """Refuses, at any depth, what databases, terminals and models do not take."""
    waiting: list[tuple[Any, str, int]] = [(document, "", 0)]
    count = 0
    while waiting:
        value, where, depth = waiting.pop()
        if isinstance(value, str):
            _check_text(value, where)
        elif isinstance(value, float) and not math.isfinite(value):
            raise CardError(f"The card's {where} is not a finite number.")
        elif isinstance(value, list | dict):
            count += len(value)
            if count > MAX_VALUES:
                raise CardError(f"The card has more than the {MAX_VALUES:,} values that are taken.")
            if depth >= MAX_DEPTH:
                raise CardError(f"The card is nested more than {MAX_DEPTH} levels deep, at {where[:80]}.")
            waiting += _members(value, where, depth + 1)


def _members(value: list[Any] | dict[str, Any], where: str, depth: int) -> list[tuple[Any, str, int]]:
    if isinstance(value, list):
        return [(item, f"{where}[{n}]", depth) for n, item in enumerate(value)]
    for key in value:
        _check_text(key, f"{where or 'top level'} (in the name of a field)")
    return [(item, f"{where}.{key[:80]}" if where else key[:80], depth) for key, item in value.items()]


def _check_text(text: str, where: str) -> None:
    if "\0" in text:
        raise CardError(f"The card's {where} contains a NUL character.")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise CardError(f"The card's {where} contains a lone surrogate, which is no character.") from None
