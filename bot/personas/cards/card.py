"""A character card: its record, and its JSON in V1 (read only), V2 and V3.

Exported in the version that it came in, an unchanged card is equal to what was imported: every field that we do
not know, in any place, is kept as it is.
"""

from __future__ import annotations

import json
from copy import deepcopy
from dataclasses import dataclass, field, fields
from typing import Any, Literal

from bot.errors import CardError
from bot.personas.cards.assets import Asset, assets_of
from bot.personas.cards.book import Book, book_of
from bot.personas.cards.decorators import split
from bot.personas.cards.fields import Fields, Json, check_values
from bot.personas.cards.foreign import as_card

Version = Literal["1", "2", "3"]

MAX_JSON = 2 * 1024 * 1024  # bytes
SPECS: dict[Version, tuple[str, str]] = {"2": ("chara_card_v2", "2.0"), "3": ("chara_card_v3", "3.0")}

# What a version demands, with the default it names.
_V1 = ("name", "description", "personality", "scenario", "first_mes", "mes_example")
_V2: dict[str, Any] = dict.fromkeys(_V1, "") | {
    "creator_notes": "",
    "system_prompt": "",
    "post_history_instructions": "",
    "alternate_greetings": [],
    "tags": [],
    "creator": "",
    "character_version": "",
    "extensions": {},
}
_TEXTS = tuple(name for name, default in _V2.items() if default == "")
_OF_FILE = ("version", "document")
_DEMANDED: dict[Version, dict[str, Any]] = {"2": _V2, "3": _V2 | {"group_only_greetings": []}}


@dataclass(frozen=True, kw_only=True)
class Card:
    """What a card says. ``version`` is the one it came in; ``document`` is all of it, as it came.

    An optional field that the card does not have is None. Creator, its notes, tags and version are for people
    and never for a prompt.
    """

    name: str
    description: str = ""
    personality: str = ""
    scenario: str = ""
    first_mes: str = ""
    mes_example: str = ""
    creator_notes: str = ""
    system_prompt: str = ""
    post_history_instructions: str = ""
    alternate_greetings: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    creator: str = ""
    character_version: str = ""
    extensions: Json = field(default_factory=dict)
    character_book: Json | None = None
    # V3
    assets: tuple[Asset, ...] | None = None
    nickname: str | None = None
    creator_notes_multilingual: Json | None = None
    source: tuple[str, ...] | None = None
    group_only_greetings: tuple[str, ...] | None = None
    creation_date: float | None = None  # seconds since 1970, UTC
    modification_date: float | None = None
    # how it came
    version: Version = "3"
    document: Json = field(default_factory=dict)
    told: tuple[str, ...] = field(default=(), compare=False)  # what in it is odd, a sentence each

    @property
    def called(self) -> str:
        """What ``{{char}}`` stands for."""
        return self.nickname or self.name

    @property
    def book(self) -> Book:
        return book_of(self.character_book)


def card_of(text: bytes) -> Card:
    """The card in a JSON file, or the character of another program in one. Raises CardError with one sentence for
    anything that is neither."""
    document = document_of(text)
    return card_of_document(as_card(document) or document)


def card_of_document(document: Json) -> Card:
    """The card in a JSON document that was parsed already, such as one that `json_of` made."""
    check_values(document)
    version = _version(document)
    data = Fields(document, "top level") if version == "1" else Fields(document.get("data"), "data")
    return _read(data, version, document)


def json_of(card: Card, version: Version) -> dict[str, Any]:
    """The card as the JSON document of V2 or V3.

    A V3 card told as V2 keeps its fields, which readers of V2 pass over, but its lorebook loses the decorators,
    as V3 demands.
    """
    if version not in SPECS:
        raise CardError("A card is exported as V2 or V3.")
    document: dict[str, Any] = {} if card.version == "1" else deepcopy(dict(card.document))
    spec, number = SPECS[version]
    if not document or card.version != version:
        document |= {"spec": spec, "spec_version": number}
    document["data"] = _data(card, version)
    return document


def bytes_of(card: Card, version: Version) -> bytes:
    """`json_of` as a file."""
    return json.dumps(json_of(card, version), ensure_ascii=False, allow_nan=False, indent=1).encode()


def document_of(text: bytes) -> Json:
    """The JSON object in a file. Raises CardError."""
    if len(text) > MAX_JSON:
        raise CardError(f"The card's JSON is larger than the {MAX_JSON:,} bytes that are taken.")
    try:
        document = json.loads(text.decode("utf-8-sig"), parse_constant=_refused)
    except UnicodeDecodeError:
        raise CardError("The card is not JSON in UTF-8.") from None
    except RecursionError:
        raise CardError("The card is nested too deep.") from None
    except ValueError as error:  # a JSONDecodeError, or a number of more digits than Python reads
        raise CardError(f"The card is not JSON: {str(error)[:120]}.") from None
    if not isinstance(document, dict):
        raise CardError("This JSON is not a character card: it is not an object.")
    return document


def _refused(constant: str) -> float:
    raise CardError(f"The card's JSON has {constant}, which is no number of JSON.")


def _version(document: Json) -> Version:
    if "spec" in document:
        for version, (spec, _) in SPECS.items():
            if document["spec"] == spec:
                return version
        raise CardError(
            f"This is not a character card of V1, V2 or V3: its spec is {document['spec']!r:.80}."
        )
    if not isinstance(document.get("name"), str) or not any(name in document for name in _V1[1:]):
        raise CardError("This JSON is not a character card: it has neither a spec nor the fields of V1.")
    return "1"


def _read(data: Fields, version: Version, document: Json) -> Card:
    book_of(data.maybe_object("character_book"), data.of("character_book"), data.told)
    texts = {name: data.text(name) for name in _TEXTS}
    if not texts["name"].strip():
        raise CardError("The card has no name.")
    return Card(
        **texts,
        alternate_greetings=data.texts("alternate_greetings"),
        tags=data.texts("tags"),
        extensions=data.maybe_object("extensions") or {},
        character_book=data.maybe_object("character_book"),
        assets=assets_of(data),
        nickname=data.maybe_text("nickname"),
        creator_notes_multilingual=data.maybe_object("creator_notes_multilingual"),
        source=data.maybe_texts("source"),
        group_only_greetings=data.maybe_texts("group_only_greetings"),
        creation_date=data.maybe_number("creation_date"),
        modification_date=data.maybe_number("modification_date"),
        version=version,
        document=document,
        told=tuple(dict.fromkeys(data.told)),
    )


def _data(card: Card, version: Version) -> dict[str, Any]:
    """The card's ``data``: as it came, with what was changed since, and with what the version demands."""
    data: dict[str, Any] = {}
    before = _said(Card(name=""))
    if card.document:
        data = deepcopy(dict(card.document if card.version == "1" else card.document["data"]))
        before = _said(card_of_document(card.document))
    for name, value in _said(card).items():
        if value == before[name]:
            continue
        if value is None:
            data.pop(name, None)
        else:
            data[name] = deepcopy(value)
    if card.version != version and data.get("character_book"):
        data["character_book"] = _book_for(version, data["character_book"])
    return data | {name: deepcopy(value) for name, value in _DEMANDED[version].items() if name not in data}


def _said(card: Card) -> dict[str, Any]:
    """The fields of the specifications, as JSON; None for one that the card does not have."""
    values = {f.name: getattr(card, f.name) for f in fields(Card) if f.compare and f.name not in _OF_FILE}
    values["assets"] = None if card.assets is None else [vars(asset) for asset in card.assets]
    return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}


def _book_for(version: Version, book: dict[str, Any]) -> dict[str, Any]:
    entries = book.get("entries")
    for entry in (
        entries.values() if isinstance(entries, dict) else entries if isinstance(entries, list) else ()
    ):
        if not isinstance(entry, dict):
            continue
        if version == "3":
            entry.setdefault("use_regex", False)
        elif isinstance(entry.get("content"), str):
            entry["content"] = split(entry["content"])[1]
    return book
