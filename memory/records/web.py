"""The page that people see their memory on: links to it, and who is signed in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class WebPass(StrEnum):
    LINK = "link"  # lets in once
    SESSION = "session"  # a browser that is signed in
    PROGRAM = "program"  # a program that talks with the person's agents


@dataclass(frozen=True, kw_only=True)
class WebKey:
    """What lets a person in until it expires. Of the secret itself only its SHA-256 is kept (``digest``).

    ``id`` is what people are shown of it, ``account`` and ``address`` are where they asked for it, ``device`` is the
    browser, or what they call the program. ``site`` is the origin (RFC 6454) on whose pages it is good, in the widget
    there; empty: on the memory page.
    """

    id: str
    kind: WebPass
    digest: str
    user_id: int
    account: str
    address: str
    device: str
    created_at: datetime
    seen_at: datetime
    expires_at: datetime
    site: str = ""


@dataclass(frozen=True, kw_only=True)
class WebWrite:
    """A program's request that was carried out, under a ``name`` that it gave: digests of both, with what only that
    program knows. ``target`` is what it wrote: an id, never a text."""

    key_id: str
    name: str
    request: str
    target: str
    at: datetime
