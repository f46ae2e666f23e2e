"""The files in which cards come and go: PNG and JSON."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from bot.bundle import unzipped
from bot.errors import BundleError, CardError
from bot.personas.cards.book import MAX_PATTERNS, book_of, patterns_of
from bot.personas.cards.card import MAX_JSON, Card, Version, bytes_of, card_of, document_of
from bot.personas.cards.fields import Json, check_values
from bot.personas.cards.foreign import lorebook
from bot.personas.cards.macros import unknown
from bot.personas.cards.pattern import PatternError, compiled, is_pattern
from bot.personas.cards.png import SIGNATURE, bare, embedded, with_text

MAX_FILE = 10 * 1024 * 1024  # bytes
KEYWORDS: dict[Version, str] = {"2": "chara", "3": "ccv3"}

_ZIP = b"PK"
_OTHERS = {
    _ZIP: "a zip archive, but no CHARX, for there is no card.json in it",
    b"\xff\xd8\xff": "a JPEG image",
    b"RIFF": "a WebP image",
    b"GIF8": "a GIF image",
}
MAX_NOTICES = 20
_PACKED = 5_000  # files in a CHARX
_SCRIPTS = ("customScripts", "triggerscript", "virtualscript", "backgroundHTML")
_NUMBER = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?")


def check_size(size: int) -> None:
    """Refuses a file by its size alone: ask before reading it."""
    if size > MAX_FILE:
        raise CardError(f"This file has {size:,} bytes; a card may have {MAX_FILE:,}.")


def read_file(data: bytes) -> tuple[Card, bytes]:
    """The card in a file (PNG, JSON, CHARX), and its image without metadata (empty but for PNG). Raises CardError."""
    check_size(len(data))
    packed = _charx(data) if data.startswith(_ZIP) else None
    if packed:
        return card_of(packed), b""
    if data.startswith(SIGNATURE):
        return card_of(embedded(data, MAX_JSON)), bare(data)
    for start, what in _OTHERS.items():
        if data.startswith(start):
            raise CardError(
                f"This file is {what}. A card is taken as PNG, JSON or CHARX: export it as one of them."
            )
    return card_of(data), b""


def _charx(data: bytes) -> bytes | None:
    """The card in a zip as RisuAI writes it; what lies beside it is not opened."""
    try:
        files = unzipped(data, entries=_PACKED, most=MAX_JSON, only={"card.json": MAX_JSON})
    except BundleError as error:
        raise CardError(f"This file looks like CHARX (a card in a zip archive). {error}") from None
    return files.get("card.json")


def lorebook_of(data: bytes) -> dict[str, Any] | None:
    """The lorebook that a JSON file is (World Info and its kin), as a card's book; None for anything else. Raises
    CardError for one that is too large, or is not to be trusted."""
    check_size(len(data))
    if not data.lstrip().removeprefix(b"\xef\xbb\xbf").startswith(b"{"):
        return None
    document = document_of(data)
    check_values(document)
    book = lorebook(document)
    if book is not None:
        book_of(book, "lorebook")
    return book


def png_of(card: Card, image: bytes, version: Version) -> bytes:
    """The card inside ``image``, a PNG; anything else that was in it besides the picture is left out."""
    return with_text(image, KEYWORDS[version], bytes_of(card, version))


def notices(card: Card) -> tuple[str, ...]:
    """What is odd in this card, and what it asks for that everbot does not do, a sentence each, for whoever imports
    it."""
    found = list(card.told[:MAX_NOTICES])
    number = str(card.document.get("spec_version", ""))
    if card.version == "3" and _NUMBER.fullmatch(number) and float(number) > 3:
        found.append(
            f"The card is of version {number[:20]}, which is newer than 3.0: what is new there is kept, unused."
        )
    inside = [asset.name for asset in card.assets or () if asset.inside]
    if inside:
        found.append(f"{len(inside)} assets inside the card's file are not kept: {', '.join(inside)[:200]}.")
    found += of_extensions(card.extensions, has_book=bool(card.book.entries))
    found += of_book(card.character_book)
    texts = (card.description, card.personality, card.scenario, card.first_mes, card.mes_example)
    contents = (entry.content for entry in card.book.entries)
    macros = unknown("\n".join((*texts, card.system_prompt, *card.alternate_greetings, *contents)))
    if macros:
        found.append(f"Macros that stay as they stand: {_listed(macros)}.")
    return tuple(found)


def of_extensions(extensions: Json, *, has_book: bool) -> list[str]:
    """What other programs keep with a card, and everbot does not do."""
    found = []
    note = extensions.get("depth_prompt")
    if isinstance(note, Mapping) and note.get("prompt"):
        found.append("The card's note at a depth (depth_prompt) is not shown to the model.")
    world = extensions.get("world")
    if isinstance(world, str) and world and not has_book:
        found.append(
            f"The card names the World Info {world[:80]!r}, which is a file of its own: import it, too."
        )
    risu = extensions.get("risuai")
    scripts = [name for name in _SCRIPTS if isinstance(risu, Mapping) and risu.get(name)]
    if extensions.get("regex_scripts"):
        scripts.append("regex_scripts")
    if scripts:
        found.append(f"Scripts in the card are not run: {_listed(scripts)}.")
    return found


def of_book(data: Json | None) -> list[str]:
    """What a lorebook asks for that everbot does not do."""
    if not data:
        return []
    found: list[str] = []
    book, ignored, settings = book_of(data), dict[str, None](), dict[str, int]()
    patterns = patterns_of(book)
    for entry in book.entries:
        ignored |= dict.fromkeys(f"@@{name}" for name in entry.decorators.ignored)
        keys = (*entry.keys, *entry.secondary_keys) if entry.use_regex else ()
        for key in filter(is_pattern, keys):
            try:
                compiled(key, ignore_case=False)
            except PatternError as error:
                found.append(f"The lorebook entry {entry.label}: the key {key[:60]!r} is refused ({error}).")
            if key not in patterns:
                found.append(
                    f"The lorebook has more than {MAX_PATTERNS} regular expressions; from {key[:60]!r} on "
                    "none is looked for."
                )
                break
        for name in entry.unfollowed:
            settings[name] = settings.get(name, 0) + 1
    if ignored:
        found.append(f"Decorators of the lorebook that are ignored: {', '.join(ignored)[:300]}.")
    if settings:
        told = _listed([f"{name} ({count})" for name, count in settings.items()])
        found.append(f"Settings of lorebook entries that are not followed (how many have them): {told}.")
    return list(dict.fromkeys(found))[:MAX_NOTICES]


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names)[:300]
