"""Whatever bytes come in: a card or a `CardError` comes out, nothing else."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from bot.errors import CardError
from bot.personas.cards.book import matching
from bot.personas.cards.card import bytes_of, card_of
from bot.personas.cards.file import notices, png_of, read_file
from bot.personas.cards.macros import Cast, rendered
from bot.personas.cards.persona import dialogue_text, persona_text
from tests.fakes.pictures import PIXELS, SIGNATURE, book, chunk, entry, header, png, text_chunk, v1, v2, v3

STORM = book(
    entry(
        "@@depth 3\n@@@scan_depth 2\nA {{random:big,small}} storm.", "storm", "/st(o|0)rm+/i", use_regex=True
    ),
    entry("Rain.", "rain", selective=True, secondary_keys=["sea"]),
    scan_depth=4,
    token_budget=50,
    recursive_scanning=True,
)
SEEDS = [
    png(text_chunk("chara", v2(character_book=STORM)), text_chunk("ccv3", v3(character_book=STORM))),
    json.dumps(v2(character_book=STORM)).encode(),
    json.dumps(v3(character_book=STORM)).encode(),
    json.dumps(v1()).encode(),
]


def used(data: bytes) -> bool:
    """Whether it is a card; one is used as it would be, and comes out again."""
    refusal = ""
    try:
        card, image = read_file(data)
    except CardError as error:
        refusal = str(error)
    if refusal:
        assert refusal.endswith(".")
        assert len(refusal) < 400
        return False
    cast = Cast(char=card.called, user="Ann")
    persona_text(card), dialogue_text(card), notices(card)
    for found in matching(card.book, ["a storm, rain and the sea"], len, cast=cast):
        rendered(found.content, cast)
    version = "2" if card.version == "1" else card.version
    told = bytes_of(card, version)
    assert bytes_of(card_of(told), version) == told
    if image:
        assert read_file(png_of(card, image, version))[1] == image
    return True


def test_the_seeds_are_cards() -> None:
    assert all(map(used, SEEDS))


@pytest.mark.parametrize("number", range(len(SEEDS)))
def test_flipped_bits(number: int) -> None:
    chance = random.Random(number)
    for _ in range(300):
        data = bytearray(SEEDS[number])
        for _ in range(chance.choice((1, 1, 2, 8))):
            data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        used(bytes(data))


@pytest.mark.parametrize("number", range(len(SEEDS)))
def test_cut_off_anywhere(number: int) -> None:
    data = SEEDS[number]
    assert not any(used(data[:end]) for end in range(0, len(data), max(1, len(data) // 200)))


def test_random_bytes() -> None:
    chance = random.Random(11)
    for _ in range(500):
        noise = chance.randbytes(chance.randrange(200))
        assert not used(chance.choice((b"", b"{", SIGNATURE, SIGNATURE + header())) + noise)


def test_random_bytes_inside_sound_chunks() -> None:
    chance = random.Random(12)
    for _ in range(500):
        noise = chance.randbytes(chance.randrange(60))
        inside = chance.choice(
            [
                png(text_chunk(chance.choice(("chara", "ccv3")), noise)),
                png(chunk(b"tEXt", b"chara\0" + noise)),
                png(chunk(b"tEXt", noise)),
                png(ihdr=chunk(b"IHDR", (noise * 13)[:13])),
                SIGNATURE + header() + chunk(noise[:4].ljust(4, b"x"), noise) + PIXELS,
            ]
        )
        assert not used(inside)


def some_value(chance: random.Random, depth: int = 3) -> Any:
    plain = [
        None,
        True,
        False,
        0,
        -1,
        3.5,
        1e308,
        10**40,
        "",
        "storm",
        "\0",
        "\ud800",
        "{{char}}",
        "../x",
        "(a+)+$",
    ]
    kind = chance.randrange(8 if depth else 6)
    if kind < 6:
        return chance.choice(plain)
    if kind == 6:
        return [some_value(chance, depth - 1) for _ in range(chance.randrange(4))]
    return {chance.choice(["keys", "content", "uri", "x"]): some_value(chance, depth - 1) for _ in range(3)}


def replaced(value: Any, chance: random.Random) -> Any:
    """The document with some of its values replaced by others of any type."""
    if chance.random() < 0.02:
        return some_value(chance)
    if isinstance(value, dict):
        return {key: replaced(item, chance) for key, item in value.items() if chance.random() > 0.01}
    return [replaced(item, chance) for item in value] if isinstance(value, list) else value


def test_values_of_the_wrong_kind() -> None:
    chance = random.Random(13)
    cards = 0
    for _ in range(800):
        document = chance.choice((v1, v2, v3))()
        if chance.random() < 0.7 and "data" in document:
            document["data"]["character_book"] = STORM
        cards += used(json.dumps(replaced(document, chance)).encode())
    assert 50 < cards < 750, "both kinds were tried"
