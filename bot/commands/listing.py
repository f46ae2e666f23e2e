"""How notes and places are shown in lists. Pure."""

from __future__ import annotations

from memory.records import PRIVATE, Audience, community_audience, community_of

_SHOWN = 400  # characters of a note in a list; a form shows all of it


def cut(text: str) -> str:
    """The beginning of a text."""
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]} …"


def named(audience: Audience, names: dict[str, str]) -> str:
    """Where something may be used, for people."""
    if audience == PRIVATE:
        return "private"
    community = community_of(audience)
    name = names.get(community, community)
    return name if audience == community_audience(community) else f"a closed place in {name}"
