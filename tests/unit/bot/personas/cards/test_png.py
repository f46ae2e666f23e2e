from __future__ import annotations

import json
import zlib

import pytest

from bot.errors import CardError
from bot.personas.cards.card import card_of
from bot.personas.cards.file import MAX_FILE, check_size, notices, png_of, read_file
from tests.fakes.pictures import END, PIXELS, SIGNATURE, book, chunk, entry, header, png, text_chunk, v2, v3


def test_a_card_in_a_png() -> None:
    card, image = read_file(png(text_chunk("chara", v2())))

    assert (card.name, card.version) == ("Mira", "2")
    assert image == png(), "the picture, without the card"


def test_the_newer_card_is_preferred() -> None:
    card, _ = read_file(png(text_chunk("chara", v2(name="Old")), text_chunk("ccv3", v3(name="New"))))

    assert (card.name, card.version) == ("New", "3")


def test_the_first_of_two_cards_counts() -> None:
    card, _ = read_file(png(text_chunk("chara", v2(name="One")), text_chunk("chara", v2(name="Two"))))

    assert card.name == "One"


@pytest.mark.parametrize("version", ["2", "3"])
def test_what_goes_out_comes_in_again(version: str) -> None:
    document = v2() if version == "2" else v3()
    card, image = read_file(png(text_chunk({"2": "chara", "3": "ccv3"}[version], document)))

    again, same = read_file(png_of(card, image, version))  # type: ignore[arg-type]

    assert again == card
    assert same == image


def test_no_metadata_goes_out() -> None:
    loose = [
        chunk(b"eXIf", b"GPS-POSITION"),
        chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0SECRET"),
        chunk(b"zTXt", b"Comment\0\0" + zlib.compress(b"x" * 100)),
        chunk(b"iCCP", b"MAKER\0\0" + zlib.compress(b"y" * 100)),
        chunk(b"tIME", b"\0" * 7),
        text_chunk("Author", b"SECRET"),
    ]
    looks = chunk(b"gAMA", b"\0\0\xb1\x8f")

    out = png_of(card_of(json.dumps(v2()).encode()), png(*loose, looks) + b"TRAILER", "2")

    assert out.startswith(png(looks)[: -len(END)])
    assert out.endswith(END)
    kinds = [
        name for name in (b"eXIf", b"iTXt", b"zTXt", b"iCCP", b"tIME", b"Author", b"TRAILER") if name in out
    ]
    assert kinds == []
    assert read_file(out)[0].name == "Mira"


DAMAGED = {
    "a bomb of pixels": (png(ihdr=header(65_000, 65_000)), "65,000 x 65,000"),
    "a bomb in one direction": (png(ihdr=header(2**31 - 1, 1)), "pixels"),
    "a bomb of depth": (png(ihdr=header(4_000, 4_000, 16, 6)), "MB when shown"),
    "no pixels at all": (png(ihdr=header(0, 5)), "pixels"),
    "a depth that is none": (png(ihdr=header(2, 2, 3, 6)), "header"),
    "a colour type that is none": (png(ihdr=header(2, 2, 8, 5)), "header"),
    "an unknown compression": (png(ihdr=header(2, 2, 8, 6, 1, 0, 0)), "header"),
    "a short header": (png(ihdr=chunk(b"IHDR", b"\0" * 12)), "header"),
    "no header": (SIGNATURE + PIXELS + END, "begin with its header"),
    "two headers": (png(header()), "two headers"),
    "no pixels": (SIGNATURE + header() + END, "no image"),
    "no end": (SIGNATURE + header() + PIXELS, "no end"),
    "only a signature": (SIGNATURE, "no end"),
    "a wrong checksum": (png(chunk(b"tEXt", b"chara\0AAAA", crc=7)), "checksum"),
    "a length beyond the file": (png(chunk(b"tEXt", b"chara\0", length=2**32 - 1)), "cut off|length"),
    "a length too short": (png(chunk(b"tEXt", b"chara\0AAAAAAAA", length=3)), "damaged|checksum"),
    "a name that is none": (png(chunk(b"\0\1\2\3", b"")), "no name"),
    "too many chunks": (png(*[chunk(b"tIME", b"")] * 20_001), "chunks"),
    "no card": (png(), "holds no character card"),
    "a card in a compressed chunk": (
        png(chunk(b"zTXt", b"chara\0\0" + zlib.compress(b"e30="))),
        "no character card",
    ),
    "a card that is not base64": (png(chunk(b"tEXt", b"chara\0{}!!")), "base64"),
    "base64 cut off": (png(chunk(b"tEXt", b"chara\0AAA")), "base64"),
    "a card that is too large": (png(chunk(b"tEXt", b"chara\0" + b"A" * 3_000_000)), "larger than"),
    "base64 of no JSON": (png(text_chunk("chara", b"\x80\x81")), "UTF-8"),
    "a broken newer card": (png(text_chunk("chara", v2()), text_chunk("ccv3", b"{")), "not JSON"),
    "a zip": (b"PK\3\4" + b"\0" * 40, "zip archive"),
    "a JPEG": (b"\xff\xd8\xff\xe0", "JPEG"),
    "a WebP": (b"RIFF\0\0\0\0WEBP", "WebP"),
    "an empty file": (b"", "not JSON"),
}


@pytest.mark.parametrize("what", DAMAGED)
def test_a_file_that_is_refused(what: str) -> None:
    data, words = DAMAGED[what]
    with pytest.raises(CardError, match=words):
        read_file(data)


def test_a_large_file_is_refused_by_its_size() -> None:
    with pytest.raises(CardError, match="104,857,600 bytes"):
        check_size(100 * 1024 * 1024)
    with pytest.raises(CardError, match="a card may have"):
        read_file(b"{" * (MAX_FILE + 1))


def test_whoever_imports_is_told_what_is_left_out() -> None:
    document = v3(
        assets=[{"type": "background", "uri": "embeded://assets/bg.png", "name": "night", "ext": "png"}],
        character_book=book(
            entry("@@depth 4\n@@role user\nA storm.", "storm"),
            entry("x", "/(?=a)b/", use_regex=True, name="peek", extensions={"sticky": 2, "group": "sea"}),
        ),
        extensions={
            "depth_prompt": {"prompt": "Be brief.", "depth": 4},
            "regex_scripts": [{"scriptName": "x"}],
            "risuai": {"triggerscript": [{}]},
        },
        scenario="{{getvar::mood}} {{Time}} {{random::a::b}}",
        character_version=2,
    )
    document["spec_version"] = "3.5"
    card = card_of(json.dumps(document).encode())

    told = "\n".join(notices(card))

    assert "version 3.5" in told
    assert "night" in told
    assert "@@depth, @@role" in told
    assert "peek: the key '/(?=a)b/' is refused" in told
    assert "group (1), sticky (1)" in told
    assert "depth_prompt" in told
    assert "triggerscript, regex_scripts" in told
    assert "getvar, time" in told
    assert "random" not in told
    assert "character_version is a number" in told
    assert notices(card_of(json.dumps(v3()).encode())) == ()
