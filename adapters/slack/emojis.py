"""Slack's names of emojis (docs.slack.dev: "reactions.add"), which it uses in place of the signs.

``emoji.txt`` has a sign and its names a line, as in emoji-datasource 16 (Cal Henderson's emoji-data, MIT), whose short
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


def sign_of(name: str) -> str:
    """The emoji of a name; of a workspace's own the name as people write it."""
    base, _, tone = name.partition("::")
    sign = _signs().get(base)
    colour = next((c for c, told in _TONES.items() if told == f"::{tone}"), "") if sign else ""
    return sign + colour if sign else f":{name}:"


@cache
def _signs() -> dict[str, str]:
    lines = files(__package__).joinpath("emoji.txt").read_text(encoding="utf-8").splitlines()
    return {name: sign for sign, *names in map(str.split, lines) for name in names}


@cache
def _names() -> dict[str, str]:
    return {sign.replace(_VARIANT, ""): name for name, sign in reversed(_signs().items())}
