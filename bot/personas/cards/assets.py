"""The assets that a V3 card names: pictures, sounds and other files. None is ever opened or fetched.

They are kept with the card and exported again, so that what they say must be harmless to the next program, too.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote

from bot.errors import CardError
from bot.personas.cards.fields import Fields

MAX_ASSETS = 1_000

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_EXTENSION = re.compile(r"[A-Za-z0-9_-]{0,16}")
_LOCAL = ("embeded://", "embedded://", "__asset:")  # the first is how the specification spells it


@dataclass(frozen=True, kw_only=True)
class Asset:
    type: str
    uri: str
    name: str
    ext: str

    @property
    def inside(self) -> bool:
        """Whether it lies in the card's own file (a CHARX archive, a chunk of the PNG): that is not kept."""
        return self.uri.startswith(_LOCAL)


def assets_of(fields: Fields) -> tuple[Asset, ...] | None:
    """The assets in a card's data, None where it has no such field. Raises CardError for tricks with paths."""
    found = fields.maybe_objects("assets")
    if found is not None and len(found) > MAX_ASSETS:
        raise CardError(f"The card names {len(found):,} assets; up to {MAX_ASSETS:,} are taken.")
    return None if found is None else tuple(map(_asset, found))


def _asset(fields: Fields) -> Asset:
    asset = Asset(**{name: fields.text(name) for name in ("type", "uri", "name", "ext")})
    if _leads_away(asset.name):
        raise CardError(f"The card's {fields.of('name')} is a path that leads elsewhere.")
    if not _EXTENSION.fullmatch(asset.ext):
        raise CardError(f"The card's {fields.of('ext')} is not a file extension.")
    local = next((prefix for prefix in _LOCAL if asset.uri.startswith(prefix)), None)
    if local is not None:
        if not asset.uri.removeprefix(local) or _leads_away(asset.uri.removeprefix(local)):
            raise CardError(f"The card's {fields.of('uri')} is a path that leads elsewhere.")
        return asset
    scheme = _SCHEME.match(asset.uri)
    if not scheme or len(scheme[1]) == 1:  # a bare path, or a drive of Windows
        raise CardError(f"The card's {fields.of('uri')} is not a URI.")
    if scheme[1].lower() == "file":
        raise CardError(f"The card's {fields.of('uri')} points to a file of whoever opens it.")
    return asset


def _leads_away(path: str) -> bool:
    plain = unquote(unquote(path)).replace("\\", "/")
    if plain.startswith("/") or re.match(r"[A-Za-z]:", plain) or plain.lower().startswith("file:"):
        return True
    return ".." in plain.split("/") or any(character < " " or character == "\x7f" for character in plain)
