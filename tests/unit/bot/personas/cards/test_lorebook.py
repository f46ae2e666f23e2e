"""Lorebooks that are files of their own, and cards in zips."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import pytest

from bot.errors import CardError
from bot.personas.cards.book import book_of, matching
from bot.personas.cards.file import lorebook_of, of_book, read_file
from bot.personas.cards.macros import Cast
from tests.fakes.pictures import book, entry, v2, v3

CAST = Cast(char="Mira", user="Ann")
WORLD_INFO = {
    "entries": {
        "0": {
            "uid": 0,
            "key": ["elder", "/wo+d/i"],
            "keysecondary": ["dark"],
            "comment": "The wood",
            "content": "The wood is old.",
            "constant": False,
            "selective": True,
            "selectiveLogic": 2,
            "order": 100,
            "position": 0,
            "disable": False,
            "probability": 100,
            "useProbability": True,
            "group": "trees",
            "sticky": None,
            "excludeRecursion": True,
            "matchWholeWords": None,
        },
        "1": {
            "uid": 1,
            "key": [],
            "content": "The king is dead.",
            "constant": True,
            "disable": False,
            "order": 5,
        },
        "2": {"uid": 2, "key": ["storm"], "content": "Never.", "disable": True},
    },
    "name": "Eldoria",
}
RISU = {
    "type": "risu",
    "ver": 1,
    "data": [{"key": "storm, rain", "content": "It rains.", "alwaysActive": False}],
}
AGNAI = {
    "kind": "memory",
    "name": "Sea",
    "entries": [{"keywords": ["storm"], "entry": "It rains.", "enabled": True}],
}
NOVELAI = {"lorebookVersion": 4, "entries": [{"keys": ["storm"], "text": "It rains.", "displayName": "Rain"}]}
V3 = {"spec": "lorebook_v3", "data": book(entry("It rains.", "storm"))}


def taken(document: Any) -> dict[str, Any]:
    found = lorebook_of(json.dumps(document).encode())
    assert found is not None
    return found


def said(data: dict[str, Any], text: str) -> list[str]:
    return [e.content for e in matching(book_of(data), [text], len, cast=CAST)]


def test_world_info_is_a_cards_book() -> None:
    data = taken(WORLD_INFO)
    assert data["name"] == "Eldoria"
    assert said(data, "the WOOOD is near") == ["The king is dead.", "The wood is old."]
    assert said(data, "the wood is dark") == ["The king is dead."]
    assert said(data, "a storm") == ["The king is dead."]
    assert of_book(data) == [
        "Settings of lorebook entries that are not followed (how many have them): group (1), excludeRecursion (1)."
    ]


@pytest.mark.parametrize("document", [RISU, AGNAI, NOVELAI, V3, V3["data"]])
def test_other_programs_lorebooks_are_too(document: Any) -> None:
    assert said(taken(document), "a storm") == ["It rains."]


@pytest.mark.parametrize(
    "document", [v2(), v3(), {"entries": {}}, {"entries": [1]}, {"entries": [{"title": "x"}]}, {"data": [{}]}]
)
def test_what_is_no_lorebook_is_none(document: Any) -> None:
    assert lorebook_of(json.dumps(document).encode()) is None
    assert lorebook_of(b"\x89PNG") is None


def test_a_lorebook_is_bounded_as_a_cards_is() -> None:
    with pytest.raises(CardError, match="2,001 entries"):
        taken({"entries": [{"key": ["a"], "content": "b"}] * 2_001})
    with pytest.raises(CardError, match="NUL"):
        taken({"entries": [{"key": ["a\0"], "content": "b"}]})


def charx(**files: bytes) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as parts:
        for name, data in files.items():
            parts.writestr(name.replace("__", "."), data)
    return made.getvalue()


def test_a_card_in_a_zip_is_read_and_nothing_beside_it() -> None:
    data = charx(card__json=json.dumps(v3()).encode(), asset=b"x" * 3_000_000)
    card, image = read_file(data)
    assert (card.name, image) == ("Mira", b"")


def test_what_is_no_charx_says_so() -> None:
    with pytest.raises(CardError, match=r"zip archive, but no CHARX.*PNG, JSON or CHARX"):
        read_file(charx(notes=b"x"))
    with pytest.raises(CardError, match=r"looks like CHARX.*damaged"):
        read_file(b"PK\3\4 broken")
    with pytest.raises(CardError, match=r"looks like CHARX.*larger than the 2,097,152 bytes"):
        read_file(charx(card__json=b" " * 3_000_000))
