"""What is asked and what is answered, as JSON: the OpenAPI document is made of these."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from bot.ownership.corrections import LONGEST
from bot.web.api.cursors import PATTERN
from memory.records import SEQ_BITS, Block, Hit, Message, Passage
from memory.sources import Source as KnownFrom

_WRITTEN = "^[^\\u0000]*[^\\s\\u0000][^\\u0000]*$"  # something that is not blank, and no NUL
_NUMBER = re.compile(r"[0-9]{1,9}")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


class Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, regex_engine="python-re")


def _number(given: Any) -> Any:
    return int(given) if isinstance(given, str) and _NUMBER.fullmatch(given) else given


def _integer(given: Any) -> Any:
    """JSON knows numbers alone: 3.0 is an integer (JSON Schema, 6.1.1)."""
    return int(given) if isinstance(given, float) and given.is_integer() else given


def _day(given: Any) -> Any:
    if not isinstance(given, str) or not _DAY.fullmatch(given):
        raise ValueError("must be a day, as YYYY-MM-DD")
    return date.fromisoformat(given)


def _fits(given: str) -> str:
    given.encode()  # raises ValueError for what is no text
    return given


Written = Annotated[str, Field(min_length=1, pattern=_WRITTEN), AfterValidator(_fits)]
Name = Annotated[Written, Field(max_length=80)]
Words = Annotated[Written, Field(max_length=1_000)]
Text = Annotated[Written, Field(max_length=LONGEST)]
Tag = Annotated[Written, Field(max_length=64)]
Day = Annotated[date, BeforeValidator(_day)]


# What is asked


class Question(Shape):
    """In the query of every request."""

    persona: Name | None = Field(
        None, description="Whose memory of you; the default persona's where none is named."
    )


class Listed(Question):
    limit: Annotated[int, BeforeValidator(_number)] = Field(25, ge=1, le=100)
    cursor: str | None = Field(None, pattern=PATTERN, description="As `next` of the page before.")


class NotesQuestion(Listed):
    tag: Tag | None = Field(None, description="Only notes that carry it.")


class MessagesQuestion(Listed):
    since: Day | None = Field(None, description="The first day, in your time zone.")
    until: Day | None = Field(None, description="The last day, included.")


class SearchQuestion(Listed):
    q: Words = Field(description="What to look for, by words and meaning; names and dates (last week) work.")
    of: Literal["all", "notes", "messages"] = "all"
    tags: list[Tag] = Field([], max_length=16, description="Only notes that carry one of these.")
    as_of: Day | None = Field(
        None, description="What held that day; then no messages are searched, nor with tags."
    )


class BlockChange(Shape):
    label: Name = Field(description="Of a block that is yours to edit, such as human.")
    value: str = Field(pattern="^[^\\u0000]*$", max_length=100_000)
    version: Annotated[int | None, BeforeValidator(_integer)] = Field(
        None, ge=0, le=2**53, description="Of the block as you saw it: 409 where it has changed since."
    )


class NewNote(Shape):
    text: Text
    tags: list[Tag] = Field([], max_length=16)


class NoteChange(Shape):
    text: Text = Field(description="What the note says from now on; what it said before is gone.")


# What is answered


class CoreBlock(Shape):
    label: str
    value: str
    limit: int = Field(description="Characters that it holds.")
    version: int
    editable: bool
    about: str


class CoreMemory(Shape):
    blocks: list[CoreBlock]


class Note(Shape):
    id: str
    text: str
    tags: list[str]
    audience: str = Field(description="Where it may be used: private, or a community's id.")
    noted_at: datetime
    since: datetime = Field(description="From when on it holds.")
    until: datetime | None = Field(description="From when on it holds no more; null while it does.")
    replaced_by: str | None = Field(description="The id of the note that holds instead.")
    doubtful: bool = Field(description="What it rests on has changed.")
    origin: str | None = Field(description="Who or what said it, where it was not you.")


class FoundNote(Note):
    kind: Literal["note", "document", "shared"] = Field(
        description="A note of yours, a piece of a document that you sent, or of what is shared: lore, sources."
    )
    file: str | None = Field(description="The document that it is of.")
    score: float
    held_before: str | None = Field(description="What it replaced.")


class Said(Shape):
    id: int
    role: Literal["user", "assistant", "tool"]
    author: str
    text: str
    at: datetime
    audience: str
    imported_from: str | None = Field(description="The program that it was taken over from.")


class FoundMessage(Said):
    score: float
    answer: str | None = Field(description="What was answered, where it asks something.")


class Notes(Shape):
    notes: list[Note]
    next: str | None = Field(description="The cursor of the next page; null on the last.")


class Messages(Shape):
    messages: list[Said]
    next: str | None = Field(description="The cursor of the next page; null on the last.")


class Found(Shape):
    notes: list[FoundNote]
    messages: list[FoundMessage]
    next: str | None = Field(description="The cursor of the next page; null on the last.")


class Source(Shape):
    what: str
    kind: Literal["core memory", "note", "reply", "memory"]
    sure: bool = Field(description="Whether it came from these messages; else they are the nearest to it.")
    origin: str | None
    messages: list[Said]


class Why(Shape):
    sources: list[Source]


class Forgotten(Shape):
    undo_until: datetime = Field(description="Until then POST /v1/memory/undo brings it back.")


class BroughtBack(Shape):
    brought_back: Literal[True]


def core_block(block: Block, *, editable: bool) -> CoreBlock:
    return CoreBlock(
        label=block.label,
        value=block.value,
        limit=block.limit,
        version=block.version,
        editable=editable,
        about=block.description,
    )


def note(passage: Passage) -> Note:
    return Note(**_noted(passage))


def found_note(hit: Hit, passage: Passage, own: int) -> FoundNote:
    """``own`` is the agent's own archive."""
    kind: Any = "shared" if passage.key >> SEQ_BITS != own else "document" if passage.file else "note"
    before = hit.replaced.text if hit.replaced else None
    return FoundNote(
        **_noted(passage), kind=kind, file=passage.source or None, score=hit.score, held_before=before
    )


def _noted(passage: Passage) -> dict[str, Any]:
    return {
        "id": passage.uid,
        "text": passage.text,
        "tags": list(passage.tags),
        "audience": passage.audience,
        "noted_at": passage.created_at,
        "since": passage.since or passage.created_at,
        "until": passage.until,
        "replaced_by": passage.replaced_by or None,
        "doubtful": passage.doubtful,
        "origin": passage.origin or None,
    }


def said(message: Message) -> Said:
    return Said(**_said(message))


def found_message(hit: Hit, message: Message) -> FoundMessage:
    answer = hit.answer.text if hit.answer else None
    return FoundMessage(**_said(message), score=hit.score, answer=answer)


def _said(message: Message) -> dict[str, Any]:
    return {
        "id": message.key & ((1 << SEQ_BITS) - 1),
        "role": message.role.value,
        "author": message.author,
        "text": message.text,
        "at": message.created_at,
        "audience": message.audience,
        "imported_from": message.origin or None,
    }


def source(known: KnownFrom) -> Source:
    kind: Any = known.kind
    return Source(
        what=known.what,
        kind=kind,
        sure=known.sure,
        origin=known.origin or None,
        messages=[said(message) for message in known.messages],
    )
