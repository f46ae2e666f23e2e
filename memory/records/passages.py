"""Archives, and the passages in them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from memory.records.audiences import Audience


@dataclass(frozen=True, kw_only=True)
class Archive:
    id: int
    # "own": one agent's, searched exactly. In a Chroma collection each: "source", shared documents; "lore", what a
    # persona's agents and admins told of a community, for all of them there.
    kind: str
    name: str
    collection: str  # random name of the vector collection; tells nothing


@dataclass(frozen=True, kw_only=True)
class Passage:
    """One entry of archival storage. ``uid`` is random and is all that an outside index ever sees."""

    key: int
    uid: str
    audience: Audience
    text: str
    tags: tuple[str, ...]
    created_at: datetime
    source: str = ""  # file the text came from
    position: int = 0  # chunk number in it
    turn_id: str | None = None  # in which it was noted: its messages tell where it came from
    since: datetime | None = None  # from when on it holds; None: from when it was noted
    until: datetime | None = None  # it holds no more from then on; None: it still does
    replaced_by: str = ""  # uid of the passage that holds instead
    origin: str = ""  # who or what said it, where it was not the person: a document, somebody else
    doubtful: bool = False  # what it rests on has changed
    file: str | None = (
        None  # that it is a piece of: in an agent's own archive a document that was sent in chat
    )

    def held(self, at: datetime) -> bool:
        """Whether it held at that moment."""
        return (self.since or self.created_at) <= at and (self.until is None or at < self.until)


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A passage on its way into an archive; ``created_at`` None: it is of now; ``uid`` empty: a new one."""

    text: str
    audience: Audience
    tags: tuple[str, ...] = ()
    source: str = ""
    position: int = 0
    turn_id: str | None = None
    digest: str = ""
    created_at: datetime | None = None
    uid: str = ""
    file: str = ""  # the SHA-256 of the file that it is a piece of
    since: datetime | None = None
    until: datetime | None = None
    replaced_by: str = ""
    origin: str = ""
    doubtful: bool = False


@dataclass(frozen=True, kw_only=True)
class KeptDocument:
    """A document that was sent in chat: ``pieces`` of it are kept under the id ``file``, since ``at``."""

    file: str
    name: str
    audience: Audience
    pieces: int
    at: datetime


@dataclass(frozen=True, kw_only=True)
class LoadedFile:
    """A file that was loaded into an archive: ``chunks`` of it are there, all of them if it is ``whole``."""

    digest: str  # SHA-256
    path: str
    chunks: int
    whole: bool


def unique(items: Iterable[str]) -> tuple[str, ...]:
    """The items without repeats, in order of first appearance."""
    return tuple(dict.fromkeys(items))


@dataclass(frozen=True, kw_only=True)
class Notes:
    """Which passages: all, or ``originals``: notes alone, without pieces of files, and without the copies that were
    opened to other audiences, where the original is shown, too. With a ``tag``, those that carry it; older than the one
    of the key ``before``."""

    originals: bool = False
    tag: str = ""
    before: int | None = None


ALL_KEPT = Notes()
