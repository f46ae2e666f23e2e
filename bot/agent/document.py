"""A document that was sent in chat, as it is kept: in pieces, in its agent's own archive. Pure.

It is forgotten with the message that it came with, so its id is made of that event's key.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from bot.events import DocumentUploaded
from memory.documents import chunks
from memory.records import Draft
from memory.search.excerpts import one_line
from memory.search.terms import digest_words

NAME = 100  # characters of a file's name that are shown


def file_of(key: str) -> str:
    """The id of the document that came as the event of that key."""
    return hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()[:32]


def name_of(document: str) -> str:
    """A file's name as it is shown: in a line."""
    return one_line(document)[:NAME] or "file"


def pieces(event: DocumentUploaded, audience: str, count: Callable[[str], int]) -> list[Draft]:
    """The document in pieces. Slow: a second for each 300,000 characters."""
    name = name_of(event.document)
    return [
        Draft(
            text=text,
            audience=audience,
            source=name,
            position=position,
            digest=digest_words(text),
            created_at=event.at,
            file=file_of(event.key),
            origin=f"the document {name}",
        )
        for position, text in enumerate(chunks(event.text, count), 1)
    ]
