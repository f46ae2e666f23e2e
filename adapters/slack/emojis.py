"""Slack's names of emojis (docs.slack.dev: "reactions.add"), which it uses in place of the signs.

``emoji.txt`` has a sign and its name a line, as in emoji-datasource 16 (Cal Henderson's emoji-data, MIT), whose short
names are Slack's.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files

_VARIANT = "\ufe0f"  # asks for a coloured sign; people and models leave it out
_TONES = {chr(0x1F3FB + n): f"::skin-tone-{n + 2}" for n in range(5)}


def name_of(sign: str) -> str | None:
    """Slack's name of an emoji, without colons; None for one that it does not know."""
    tone = next((_TONES[c] for c in sign if c in _TONES), "")
    plain = "".join(c for c in sign if c not in _TONES and c != _VARIANT)
    name = _names().get(plain)
    return name + tone if name else None


@cache
def _names() -> dict[str, str]:
    lines = files(__package__).joinpath("emoji.txt").read_text(encoding="utf-8").splitlines()
    return {sign.replace(_VARIANT, ""): name for sign, name in map(str.split, lines)}
