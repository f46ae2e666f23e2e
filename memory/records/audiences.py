"""Who may read what.

Every row carries the audience it was learned in, as text:

- ``private``: a direct message or the console;
- ``community:<id>``: a place that every member of the community can see;
- ``place:<community id>#<place id>``: a place that not every member can see.

`readable_from` is the law of privacy in one function; queries take its answer as a condition.
"""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import quote, unquote

PRIVATE = "private"
SHARED = "shared"
"""Audience of what an operator published for everyone (document sources)."""

Audience = str
Audiences = Collection[Audience] | None
"""What may be read: rows of these audiences; None: all of the agent's own (see `readable_from`)."""


def community_audience(community: str) -> Audience:
    """Audience of a place that every member of ``community`` can see."""
    return f"community:{community}"


def place_audience(community: str, place: str) -> Audience:
    """Audience of a restricted ``place`` inside ``community``."""
    return f"place:{quote(community, safe=':/')}#{place}"


def public_in(audience: Audience) -> str | None:
    """The community whose every member hears what is said there; None where not all do."""
    return audience.removeprefix("community:") if audience.startswith("community:") else None


def readable_from(audience: Audience) -> frozenset[Audience] | None:
    """The audiences whose rows a turn held in ``audience`` may read; None means all of the agent's.

    A private turn may use all of this agent's memory; a turn in a community only what was learned in
    that community; a turn in a place what was learned in that place and in its community.
    """
    if audience == PRIVATE:
        return None
    if audience.startswith("community:"):
        return frozenset({audience, SHARED})
    if audience.startswith("place:") and "#" in audience:
        return frozenset({audience, community_audience(community_of(audience)), SHARED})
    raise ValueError(f"not an audience: {audience!r}")


def community_of(audience: Audience) -> str:
    """The community that a place is in; empty for a private one."""
    kind, _, rest = audience.partition(":")
    if kind == "community":
        return rest
    return unquote(rest.partition("#")[0]) if kind == "place" else ""
