from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from bot.errors import CardError
from bot.personas.cards.card import MAX_JSON, Card, bytes_of, card_of, json_of
from bot.personas.cards.persona import dialogue_text, persona_text
from tests.fakes.pictures import book, entry, v1, v2, v3


def card(document: Any) -> Card:
    return card_of(json.dumps(document).encode())


def test_v2_is_read_and_told_again_unchanged() -> None:
    document = v2(
        character_book=book(
            entry("A storm.", "storm", id=3, position="before_char", future={"x": 1}, priority=None),
            scan_depth=3,
            later="kept",
        ),
        unknown_of_tomorrow=[1, 2.5, "three"],
    )
    document["beside"] = {"the": "data"}

    read = card(document)

    assert (read.name, read.version, read.tags) == ("Mira", "2", ("sea",))
    assert read.nickname is None
    assert json.loads(bytes_of(read, "2")) == document


def test_v3_is_read_and_told_again_unchanged() -> None:
    document = v3(character_book=book(entry("@@depth 4\n@@unheard of\nA storm.", "storm")), x_new=None)
    document["spec_version"] = "3.1"

    read = card(document)

    assert (read.called, read.group_only_greetings) == ("Mi", ("All of you, mind the step.",))
    assert json.loads(bytes_of(read, "3")) == document


def test_what_a_version_demands_is_there_after_import() -> None:
    document = {"spec": "chara_card_v2", "spec_version": "2.0", "data": {"name": "Bo", "description": "d"}}

    told = json_of(card(document), "2")["data"]

    assert told["extensions"] == {}
    assert told["alternate_greetings"] == []
    assert told["mes_example"] == ""
    assert "character_book" not in told


def test_v1_becomes_v2_and_keeps_what_it_has_besides() -> None:
    told = json_of(card(v1(create_date="2023-04-01")), "2")

    assert told["spec"] == "chara_card_v2"
    assert told["data"]["create_date"] == "2023-04-01"
    assert told["data"]["first_mes"] == "Mind the step."
    assert json_of(card(told), "2") == told


def test_from_v3_to_v2_loses_the_decorators_only() -> None:
    document = v3(character_book=book(entry("@@depth 4\n\nA storm.", "storm")))

    told = json_of(card(document), "2")

    assert (told["spec"], told["spec_version"]) == ("chara_card_v2", "2.0")
    assert told["data"]["character_book"]["entries"][0]["content"] == "A storm."
    assert told["data"]["nickname"] == "Mi"
    assert document["data"]["character_book"]["entries"][0]["content"].startswith("@@"), "not in place"


def test_from_v2_to_v3_gets_what_v3_demands() -> None:
    plain = entry("A storm.", "storm")
    del plain["use_regex"]

    told = json_of(card(v2(character_book=book(plain))), "3")

    assert told["spec_version"] == "3.0"
    assert told["data"]["group_only_greetings"] == []
    assert told["data"]["character_book"]["entries"][0]["use_regex"] is False


def test_what_was_edited_is_told_and_the_rest_is_kept() -> None:
    read = card(v3(kept="yes"))

    told = json_of(replace(read, description="New.", nickname=None, tags=("a", "b")), "3")

    expected = v3(kept="yes", description="New.", tags=["a", "b"])
    del expected["data"]["nickname"]
    assert told == expected


def test_a_card_that_never_was_a_file() -> None:
    told = json_of(Card(name="Ada", description="Counts."), "3")

    assert json_of(card(told), "3") == told
    assert told["data"]["name"] == "Ada"


WRONG = [
    (v2(name=""), "no name"),
    (v2(character_book=book(*[entry("x", "a")] * 2_001)), "2,001 entries"),
    (v2(character_book=book(*[entry("x", *"abcdefghijk")] * 1_000)), "10,000 keys"),
    (v2(first_mes="a\0b"), "data.first_mes contains a NUL"),
    (v2(extensions={"a": {"b\0": 1}}), "data.extensions.a (in the name of a field) contains a NUL"),
    (v2(extensions={"a": ["\ud800"]}), "data.extensions.a[0] contains a lone surrogate"),
    ({"spec": "chara_card_v9", "data": {}}, "not a character card of V1, V2 or V3"),
    ({"spec": "chara_card_v2"}, "data must be an object, not null"),
    ({"name": "a file of something else"}, "not a character card"),
    (["no", "card"], "not a character card"),
    ({"spec": ["chara_card_v2"], "data": {}}, "not a character card"),
]


@pytest.mark.parametrize(("document", "words"), WRONG, ids=[words for _, words in WRONG])
def test_what_is_wrong_is_named(document: Any, words: str) -> None:
    with pytest.raises(CardError) as refusal:
        card(document)
    assert words in str(refusal.value)


ODD: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    (v2(description=None, tags=None, extensions=None), {"description": "", "tags": (), "extensions": {}}, ""),
    (v2(extensions=[]), {"extensions": {}}, ""),
    (v2(character_version=1.1), {"character_version": "1.1"}, "character_version is a number, not a text"),
    (v2(description=["a"]), {"description": ""}, "data.description is a list, not a text: it is left out"),
    (v2(alternate_greetings="1687194031049"), {"alternate_greetings": ()}, "alternate_greetings is a text"),
    (v2(tags=["sea", 1, None]), {"tags": ("sea", "1")}, "data.tags[1] is a number, not a text"),
    (v3(creation_date=True), {"creation_date": None}, "data.creation_date is true or false, not a number"),
    (v3(creation_date="1700000000"), {"creation_date": 1_700_000_000}, ""),
    (v3(creator_notes_multilingual={"de": 1}), {}, ""),
    (v2(character_book="storm"), {"character_book": None}, "data.character_book is a text, not an object"),
    (v2(character_book={"entries": ["storm"]}), {}, "entries[0] is a text, not an object: it is left out"),
    (
        v2(character_book=book(entry("x", "a", enabled=[]))),
        {},
        "entries[0].enabled is a list, not true or false",
    ),
    (v2(character_book=book(entry("x", "a", insertion_order="soon"))), {}, "insertion_order is a text"),
    (
        v2(character_book=book(entry("x", "a") | {"content": {}})),
        {},
        "entries[0].content is an object, not a text",
    ),
]


@pytest.mark.parametrize(
    ("document", "read", "told"), ODD, ids=[told or f"{n}" for n, (*_, told) in enumerate(ODD)]
)
def test_what_is_odd_is_taken_and_told(document: dict[str, Any], read: dict[str, Any], told: str) -> None:
    taken = card(document)
    assert {name: getattr(taken, name) for name in read} == read
    assert bool(taken.told) is bool(told)
    assert told in "\n".join(taken.told)
    assert json_of(taken, taken.version) == document, "and goes out as it came"


def test_odd_entries_of_a_book_are_read_for_what_they_mean() -> None:
    entries = {
        "0": entry("A storm.", "storm", enabled=1, insertion_order="2", selective="false"),
        "1": entry("Rain.", "rain", enabled=0),
        "2": entry("Snow.", "snow", keys="snow, ice", position=1, priority=None),
    }
    storm, rain, snow = card(v2(character_book={"entries": entries})).book.entries
    assert (storm.enabled, storm.insertion_order, storm.selective) == (True, 2, False)
    assert not rain.enabled
    assert snow.keys == ("snow", "ice")


PYGMALION = {
    "char_name": "Mira",
    "char_persona": "Keeps a lighthouse.",
    "char_greeting": "Mind the step.",
    "world_scenario": "A boat comes.",
    "example_dialogue": "You: Is it far?\nMira: Not by boat.",
}
AGNAI = {
    "kind": "character",
    "_id": "x",
    "name": "Mira",
    "description": "NOTES-FOR-PEOPLE",
    "persona": {"kind": "attributes", "attributes": {"species": ["human"], "likes": ["rain", "boats"]}},
    "greeting": "Mind the step.",
    "scenario": "A boat comes.",
    "sampleChat": "{{user}}: Is it far?",
    "alternateGreetings": ["You again."],
    "characterBook": {
        "kind": "memory",
        "name": "Island",
        "entries": [
            {"name": "Storm", "entry": "A storm.", "keywords": ["storm"], "priority": 3, "enabled": True}
        ],
    },
}


def test_pygmalions_characters_are_cards() -> None:
    taken = card(PYGMALION)
    assert (taken.name, taken.description, taken.first_mes) == (
        "Mira",
        "Keeps a lighthouse.",
        "Mind the step.",
    )
    assert (taken.scenario, taken.mes_example[:4], taken.told) == ("A boat comes.", "You:", ())


def test_agnais_characters_are_cards() -> None:
    taken = card(AGNAI)
    assert taken.description == "species: human\nlikes: rain, boats"
    assert (taken.first_mes, taken.alternate_greetings) == ("Mind the step.", ("You again.",))
    assert taken.creator_notes == "NOTES-FOR-PEOPLE"
    [storm] = taken.book.entries
    assert (storm.keys, storm.content, storm.label) == (("storm",), "A storm.", "Storm")
    plain = AGNAI | {"persona": {"kind": "text", "attributes": {"text": ["Keeps a lighthouse."]}}}
    assert card(plain).description == "Keeps a lighthouse."


TEXTS = [
    (b"", "not JSON"),
    (b"\xff\xfe{", "not JSON in UTF-8"),
    (b'{"spec": NaN}', "NaN"),
    (b'{"name": "a", "description": "b", "x": -Infinity}', "-Infinity"),
    (b'{"name": "a", "description": "b", "x": 1e999}', "x is not a finite number"),
    (b'{"name": "a", "description": "b", "x": ' + b"9" * 5_000 + b"}", "not JSON"),
    (b'{"name": "a", "description": "b", "x": ' + b"[" * 100 + b"]" * 100 + b"}", "nested"),
    (b"[" * 500_000, "nested"),
    (b'{"name": "a", "description": "b", "x": [' + b"[]," * 200_000 + b"0]}", "200,000 values"),
    (b" " * (MAX_JSON + 1), "larger than"),
]


@pytest.mark.parametrize(("text", "words"), TEXTS, ids=[words for _, words in TEXTS])
def test_what_is_no_json_of_a_card(text: bytes, words: str) -> None:
    with pytest.raises(CardError, match=words):
        card_of(text)


def test_a_byte_order_mark_is_passed_over() -> None:
    assert card_of(b"\xef\xbb\xbf" + json.dumps(v1()).encode()).name == "Mira"


def asset(**changes: str) -> dict[str, Any]:
    return v3(assets=[{"type": "icon", "uri": "ccdefault:", "name": "main", "ext": "png"} | changes])


@pytest.mark.parametrize(
    "uri",
    ["ccdefault:", "embeded://assets/icon/images/a.png", "https://x.example/a.png", "data:image/png;base64,AA==",
     "__asset:0", "x-other:anything"],
)  # fmt: skip
def test_assets_are_kept_and_never_opened(uri: str) -> None:
    document = asset(uri=uri)

    assert json_of(card(document), "3") == document


@pytest.mark.parametrize(
    "changes",
    [
        {"uri": "file:///etc/passwd"},
        {"uri": "FILE:c:/x"},
        {"uri": "/etc/passwd"},
        {"uri": "C:\\x"},
        {"uri": "a.png"},
        {"uri": ""},
        {"uri": "embeded://"},
        {"uri": "embeded://../../x"},
        {"uri": "embeded://a/..\\..\\x"},
        {"uri": "embeded://a/%2e%2e/x"},
        {"uri": "embeded://a/%252e%252e/x"},
        {"uri": "embeded:///etc/passwd"},
        {"uri": "__asset:../x"},
        {"name": "../main"},
        {"name": "/main"},
        {"name": "c:main"},
        {"name": "a\nb"},
        {"ext": "../png"},
        {"ext": "png/.."},
    ],
)
def test_paths_that_lead_elsewhere_are_refused(changes: dict[str, str]) -> None:
    with pytest.raises(CardError, match=r"assets\[0\]"):
        card(asset(**changes))


def test_what_the_model_is_told() -> None:
    text = persona_text(card(v3()))

    assert text == (
        "I am Mira, called Mi.\n\nMi keeps a lighthouse.\n\n## Personality\npatient, dry\n\n"
        "## Scenario\nthe user arrives by boat."
    )
    assert dialogue_text(card(v1()), user="Ann") == "## Example 1\nAnn: Is it far?\nMira: Not by boat."
    assert dialogue_text(card(v1(mes_example=""))) == ""


def test_what_is_for_people_is_never_told_to_the_model() -> None:
    read = card(v3(character_book=book(entry("A storm.", "storm", comment="COMMENT", name="LABEL"))))

    shown = persona_text(read) + dialogue_text(read)

    for secret in ("NOTES-FOR-PEOPLE", "NOTIZEN", "CREATOR", "1.1", "COMMENT", "LABEL", "sea"):
        assert secret not in shown
