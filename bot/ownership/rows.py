"""The rows of `everbot-memory/1`, a class a kind: what each may hold. docs/export.md says what it means.

A file may come from anywhere: every field is of its type and within its bounds, or the row is none.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import Annotated, Any, ClassVar
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, FailFast, Field, model_validator

from bot.language import LANGUAGES
from bot.ownership.rendered import Part
from bot.settings import Account
from memory.records import Role, readable_from

_FIRST, _LAST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
HISTORY = 2_000
"""Edits of a block that are taken away, and put back: the newest."""


def _at(value: Any) -> datetime:
    try:
        at = datetime.fromisoformat(value)
        if at.tzinfo is not None and _FIRST <= at < _LAST:
            return at.astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        pass
    raise ValueError("a time with its zone is expected, such as 2026-11-26T09:30:00+00:00, from 1970 to 2199")


@lru_cache(maxsize=1_024)
def _audience(text: str) -> str:
    try:
        readable_from(text)
    except ValueError:
        raise ValueError("private, community:<id> or place:<community>#<id> is expected") from None
    return text


def _zone(name: str) -> str:
    try:
        return ZoneInfo(name).key
    except (KeyError, ValueError, OSError):
        raise ValueError("the name of a time zone is expected, such as Europe/Berlin") from None


def _language(code: str) -> str:
    if code and code not in LANGUAGES:
        raise ValueError(f"one of {', '.join(LANGUAGES)} is expected, or nothing")
    return code


def _text(most: int, least: int = 0) -> Any:
    return Field(min_length=least, max_length=most)


Moment = Annotated[datetime, BeforeValidator(_at)]
Count = Annotated[int, Field(ge=0, le=1_000_000_000)]
Number = Annotated[int, Field(ge=1, le=1_000_000_000)]
Words = Annotated[str, _text(10_000_000)]
Name = Annotated[str, _text(1_000)]
Key = Annotated[str, _text(1_000, 1)]
Seen = Annotated[str, _text(1_000, 1), AfterValidator(_audience)]
Zone = Annotated[str, _text(100, 1), AfterValidator(_zone)]
TurnName = Annotated[str, Field(pattern=r"^t[0-9]{1,12}$")]
Uid = Annotated[str, Field(pattern=r"^[0-9A-Za-z_-]{1,64}$")]
Program = Annotated[str, Field(pattern=r"^[\w.-]{0,40}$")]
Hour = Annotated[int, Field(ge=0, le=23)]


class Row(Part):
    """``table`` is the name of the file without its ending, ``most`` how many of its rows a file may hold."""

    table: ClassVar[str]
    most: ClassVar[int]


class BeatPart(Part):
    speak: bool | None
    every_s: Annotated[int, Field(ge=1_800, le=604_800)] | None
    first_hour: Hour | None
    last_hour: Hour | None
    next_at: Moment | None
    last_at: Moment | None
    heard_at: Moment | None

    @model_validator(mode="after")
    def _hours(self) -> BeatPart:
        if (self.first_hour is None) is not (self.last_hour is None):
            raise ValueError("first_hour and last_hour are both set, or neither")
        return self


class Person(Row):
    table, most = "agent", 1

    name: Name
    persona: Key
    timezone: Zone
    language: Annotated[str, AfterValidator(_language)] = ""  # not in the files of before
    locale: Annotated[str, _text(35)] = ""
    keeps_secrets: bool = False
    accounts: Annotated[
        list[Annotated[Account, _text(1_000, 1)]], FailFast(), Field(min_length=1, max_length=50)
    ]
    sources: Annotated[list[Name], FailFast(), Field(max_length=1_000)]
    heartbeat: BeatPart


class SummaryPart(Part):
    text: Words
    rendered: Words
    tokens: Count
    messages: Count
    since: Moment
    at: Moment


class Place(Row):
    table, most = "conversations", 100_000

    address: Annotated[str, Field(pattern=r"^\w+:\S", max_length=1_000)]
    audience: Seen
    warned: bool
    summary: SummaryPart | None


class TurnRow(Row):
    table, most = "turns", 1_000_000

    id: TurnName
    conversation: Number
    kind: Annotated[str, Field(pattern=r"^[a-z_]{1,50}$")]
    at: Moment


class EditPart(Part):
    version: Number
    before: Words
    after: Words
    turn: TurnName | None
    at: Moment


class BlockRow(Row):
    table, most = "blocks", 2_000

    label: Annotated[str, Field(pattern=r"^[^@\s]{1,100}$")]
    audience: Seen
    value: Annotated[str, _text(1_000_000)]
    limit: Annotated[int, Field(ge=1, le=1_000_000)]
    description: Annotated[str, _text(2_000)]
    read_only: bool
    version: Number
    history: Annotated[list[EditPart], FailFast(), Field(max_length=HISTORY)]

    @model_validator(mode="after")
    def _within(self) -> BlockRow:
        if len(self.value) > self.limit:
            raise ValueError(f"value: it has {len(self.value)} characters, and `limit` allows {self.limit}")
        return self


class MessageRow(Row):
    table, most = "messages", 1_000_000

    conversation: Number
    audience: Seen
    role: Role
    author: Name
    text: Words
    rendered: Words
    at: Moment
    turn: TurnName
    step: Annotated[int, Field(ge=-1, le=1_000_000)]
    event: Key | None
    origin: Program = ""  # files of before messages could be imported lack it


class PassageRow(Row):
    table, most = "passages", 1_000_000

    uid: Uid
    audience: Seen
    text: Annotated[str, _text(1_000_000, 1)]
    tags: Annotated[list[Name], FailFast(), Field(max_length=1_000)]
    source: Name
    position: Count
    at: Moment
    turn: TurnName | None
    copy_of: Uid | None
    # Files of before facts had a time lack these.
    since: Moment | None = None
    until: Moment | None = None
    replaced_by: Uid | None = None
    origin: Name = ""
    doubtful: bool = False
    file: Uid | None = None  # files of before documents were kept lack it

    @model_validator(mode="after")
    def _of_a_document(self) -> PassageRow:
        if self.file is not None and not (self.source and self.origin):
            raise ValueError("file: a piece of a document has its `source` and its `origin`")
        return self


class WishRow(Row):
    table, most = "schedules", 1_000

    conversation: Number
    about: Annotated[str, _text(10_000, 1)]
    rule: Annotated[str, _text(200)]
    turn: TurnName
    next_at: Moment
    at: Moment


KINDS: tuple[type[Row], ...] = (Person, Place, TurnRow, BlockRow, MessageRow, PassageRow, WishRow)
