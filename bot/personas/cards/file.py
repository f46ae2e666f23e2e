"""The files in which cards come and go: PNG and JSON."""

from __future__ import annotations

import re

from bot.errors import CardError
from bot.personas.cards.card import MAX_JSON, Card, Version, bytes_of, card_of
from bot.personas.cards.pattern import PatternError, compiled
from bot.personas.cards.png import SIGNATURE, bare, embedded, with_text

MAX_FILE = 10 * 1024 * 1024  # bytes
KEYWORDS: dict[Version, str] = {"2": "chara", "3": "ccv3"}

_OTHERS = {
    b"PK": "a zip archive (perhaps CHARX)",
    b"\xff\xd8\xff": "a JPEG image",
    b"RIFF": "a WebP image",
    b"GIF8": "a GIF image",
}
MAX_NOTICES = 20
_NUMBER = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?")


def check_size(size: int) -> None:
    """Refuses a file by its size alone: ask before reading it."""
    if size > MAX_FILE:
        raise CardError(f"This file has {size:,} bytes; a card may have {MAX_FILE:,}.")


def read_file(data: bytes) -> tuple[Card, bytes]:
    """The card in a file, and its image without metadata (empty for JSON). Raises CardError."""
    check_size(len(data))
    if data.startswith(SIGNATURE):
        return card_of(embedded(data, MAX_JSON)), bare(data)
    for start, what in _OTHERS.items():
        if data.startswith(start):
            raise CardError(
                f"This file is {what}. A card is taken as PNG or as JSON: export it as one of them."
            )
    return card_of(data), b""


def png_of(card: Card, image: bytes, version: Version) -> bytes:
    """The card inside ``image``, a PNG; anything else that was in it besides the picture is left out."""
    return with_text(image, KEYWORDS[version], bytes_of(card, version))


def notices(card: Card) -> tuple[str, ...]:
    """What this card asks for that everbot does not do, a sentence each, for whoever imports it."""
    found: list[str] = []
    number = str(card.document.get("spec_version", ""))
    if card.version == "3" and _NUMBER.fullmatch(number) and float(number) > 3:
        found.append(
            f"The card is of version {number[:20]}, which is newer than 3.0: what is new there is kept, unused."
        )
    inside = [asset.name for asset in card.assets or () if asset.inside]
    if inside:
        found.append(f"{len(inside)} assets inside the card's file are not kept: {', '.join(inside)[:200]}.")
    ignored: dict[str, None] = {}
    for entry in card.book.entries:
        ignored |= dict.fromkeys(f"@@{name}" for name in entry.decorators.ignored)
        for key in entry.keys if entry.use_regex else ():
            try:
                compiled(key, ignore_case=False)
            except PatternError as error:
                found.append(
                    f"The lorebook entry {entry.label} never matches: {key[:60]!r} is refused ({error})."
                )
    if ignored:
        found.append(f"Decorators of the lorebook that are ignored: {', '.join(ignored)[:300]}.")
    return tuple(found[:MAX_NOTICES])
