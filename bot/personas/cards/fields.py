"""The fields of a card's JSON, read by type; whatever is odd is told with the field's name."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from bot.errors import CardError

Json = Mapping[str, Any]

MAX_DEPTH = 32
MAX_VALUES = 200_000
MAX_TOLD = 20
_NUMBER = re.compile(r"[-+]?[0-9]{1,15}(?:\.[0-9]{1,15})?")


class Fields:
    """The fields of one JSON object. ``where`` is how a notice calls it (``data.character_book``).

    Editors write what they like. A field that is absent or null reads as its default; one of another kind is read
    for what it means (a number as a text, "100" as a number), else as its default, and ``told`` of it. Only what
    nothing can be made of without is refused.
    """

    def __init__(self, value: Any, where: str, told: list[str] | None = None) -> None:
        if not isinstance(value, Mapping):
            raise CardError(f"The card's {where} must be an object, not {named(value)}.")
        self.value: Json = value
        self.where = where
        self.told: list[str] = [] if told is None else told

    def text(self, name: str) -> str:
        return self.maybe_text(name) or ""

    def maybe_text(self, name: str) -> str | None:
        value = self.value.get(name)
        if value is None or isinstance(value, str):
            return value
        if isinstance(value, int | float) and not isinstance(value, bool):
            self._tell(name, "a text", value, "it is read as one")
            return str(value)
        self._left_out(name, "a text", value)
        return None

    def maybe_flag(self, name: str) -> bool | None:
        value = self.value.get(name)
        if value is None or isinstance(value, bool):
            return value
        if value in (0, 1) or (isinstance(value, str) and value.lower() in ("true", "false")):
            return str(value).lower() in ("1", "true")
        self._left_out(name, "true or false", value)
        return None

    def maybe_number(self, name: str) -> float | None:
        value = self.value.get(name)
        if value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
            return value
        if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
            return float(value)
        self._left_out(name, "a number", value)
        return None

    def maybe_texts(self, name: str, *, split: bool = False) -> tuple[str, ...] | None:
        """``split``: one text stands for several, with commas between them."""
        value = self.value.get(name)
        if split and isinstance(value, str):
            return tuple(part.strip() for part in value.split(","))
        items = self._list(name, "a list of texts")
        if items is None:
            return None
        odd = [n for n, item in enumerate(items) if not isinstance(item, str | None)]
        if odd:
            self._tell(f"{name}[{odd[0]}]", "a text", items[odd[0]], "it is read as one, or left out")
        return tuple(
            str(item) for item in items if isinstance(item, str | int | float) and not isinstance(item, bool)
        )

    def texts(self, name: str, *, split: bool = False) -> tuple[str, ...]:
        return self.maybe_texts(name, split=split) or ()

    def maybe_object(self, name: str) -> Json | None:
        value = self.value.get(name)
        if value is None or isinstance(value, Mapping):
            return value
        if value not in ([], ""):
            self._left_out(name, "an object", value)
        return None

    def fields(self, name: str) -> Fields:
        """The fields of an object in this one; of an empty one where there is none."""
        return Fields(self.maybe_object(name) or {}, self.of(name), self.told)

    def maybe_objects(self, name: str) -> tuple[Fields, ...] | None:
        value = self.value.get(name)
        # Lists with numbered members are what some programs make of them.
        items = list(value.values()) if isinstance(value, Mapping) else self._list(name, "a list of objects")
        if items is None:
            return None
        for n, item in enumerate(items):
            if not isinstance(item, Mapping):
                self._left_out(f"{name}[{n}]", "an object", item)
        return tuple(
            Fields(item, f"{self.of(name)}[{n}]", self.told)
            for n, item in enumerate(items)
            if isinstance(item, Mapping)
        )

    def _list(self, name: str, wanted: str) -> list[Any] | None:
        value = self.value.get(name)
        if value is None or isinstance(value, list):
            return value
        self._left_out(name, wanted, value)
        return None

    def of(self, name: str) -> str:
        return f"{self.where}.{name}"

    def _left_out(self, name: str, wanted: str, value: Any) -> None:
        self._tell(name, wanted, value, "it is left out")

    def _tell(self, name: str, wanted: str, value: Any, done: str) -> None:
        if len(self.told) < MAX_TOLD:
            self.told.append(f"The card's {self.of(name)[:120]} is {named(value)}, not {wanted}: {done}.")


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
