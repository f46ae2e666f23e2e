"""What memory holds, as frozen records.

Keys. A message's key is ``agent_id << 32 | seq``, a passage's is ``archive_id << 32 | seq``: one
integer range is one agent's recall storage or one archive, so that "only this agent's rows" is a
range condition which no query can leave out (see `scope_range`).

Audiences. Every row carries the audience it was learned in, as text:

- ``private``: a direct message or the console;
- ``community:<id>``: a place that every member of the community can see;
- ``place:<community id>#<place id>``: a place that not every member can see.

`readable_from` is the law of privacy in one function; queries take its answer as a condition.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple
from urllib.parse import quote, unquote

PRIVATE = "private"
SHARED = "shared"
"""Audience of what an operator published for everyone (document sources)."""

Audience = str
Audiences = Collection[Audience] | None
"""What may be read: rows of these audiences; None: all of the agent's own (see `readable_from`)."""
SEQ_BITS = 32


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


def scope_range(scope: int) -> tuple[int, int]:
    """First and last key (both included) of an agent's messages or an archive's passages."""
    return scope << SEQ_BITS, (scope << SEQ_BITS) | 0xFFFF_FFFF


def scope_of(key: int) -> int:
    """The agent (of a message key) or the archive (of a passage key)."""
    return key >> SEQ_BITS


@dataclass(frozen=True, kw_only=True)
class User:
    id: int
    name: str
    timezone: str  # IANA name


@dataclass(frozen=True, kw_only=True)
class Persona:
    """``version`` counts its changes; one that is retired is nobody's any more who is not its already."""

    id: int
    name: str
    description: str = ""
    version: int = 0
    retired: bool = False


@dataclass(frozen=True, kw_only=True)
class PersonaVersion:
    """All of a persona as it was from ``at`` on; ``user_id`` tells who made it so, None: the operator, or one
    who is forgotten."""

    version: int
    data: dict[str, Any]
    user_id: int | None
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Binding:
    """The persona of a place: ``<community>``, or ``<community>/<channel>`` for one channel of it."""

    place: str
    community: str
    persona_id: int
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """An edit of a persona's block that a reflection asks for: ``before`` is the value that it saw."""

    id: int
    persona_id: int
    label: str
    before: str
    value: str
    agent_id: int
    community: str
    turn_id: str
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Avatar:
    media_type: str
    data: bytes


@dataclass(frozen=True, kw_only=True)
class Agent:
    """One persistent agent: a user as one persona knows them."""

    id: int
    user_id: int
    persona_id: int
    name: str
    archive_id: int  # its own archive
    paused_until: datetime | None = None  # pause_heartbeats: no timed event is thought about before


@dataclass(frozen=True, kw_only=True)
class Conversation:
    """An agent in one place, with its own FIFO queue and running summary."""

    id: int
    agent_id: int
    address: str  # "<platform>:<place>", see bot.events.Address
    audience: Audience
    warned: bool = False  # the memory-pressure alert was given for the present fill
    shown_edit: int | None = (
        None  # the newest edit of core memory that its system text shows; None: it shows nothing
    )

    @property
    def home(self) -> str:
        """The community in which it is; empty for a direct message."""
        return community_of(self.audience)


@dataclass(frozen=True, kw_only=True)
class Block:
    """A core memory block. ``limit`` counts characters of ``value``."""

    id: int
    owner: str  # "agent:<id>" or "persona:<id>"
    label: str
    audience: Audience
    value: str
    limit: int
    description: str = ""
    read_only: bool = False
    version: int = 1


@dataclass(frozen=True, kw_only=True)
class BlockEdit:
    """One past value of a block, what replaced it, and which turn did it (None: a person)."""

    block_id: int
    label: str
    audience: Audience
    version: int  # of `after`
    before: str
    after: str
    turn_id: str | None
    at: datetime

    @property
    def changes(self) -> list[str]:
        """The lines that went (``- ...``), then those that came (``+ ...``)."""
        before, after = self.before.splitlines(), self.after.splitlines()
        gone = [line for line in before if line not in after]
        came = [line for line in after if line not in before]
        if len(gone) == len(came) == 1:
            return _within(gone[0], came[0])
        return [f"- {line}" for line in gone] + [f"+ {line}" for line in came]


def _within(gone: str, came: str) -> list[str]:
    """A line that was changed, and what of it, if more of it stayed."""
    old, new = gone.split(), came.split()
    shorter = min(len(old), len(new))
    first = next((i for i in range(shorter) if old[i] != new[i]), shorter)
    last = next((i for i in range(shorter - first) if old[-1 - i] != new[-1 - i]), shorter - first)
    told = [f"- {gone}", f"+ {came}"]
    if 2 * (first + last) < len(old):
        return told
    went, here = (" ".join(words[first : len(words) - last]) for words in (old, new))
    return [*told, f"  ({went or 'nothing'} → {here or 'nothing'})"]


class Role(StrEnum):
    """Who a message is from, in the chat-completions protocol's words."""

    USER = "user"  # every event: what people said, alerts, heartbeats
    ASSISTANT = "assistant"
    TOOL = "tool"


@dataclass(frozen=True, kw_only=True)
class Message:
    """One row of recall storage.

    ``text`` is the bare text that search, summarizer and export use: what a person wrote or what the
    agent said; empty for what nobody said (tool results, thoughts, alerts), which is never indexed.
    ``rendered`` is the chat-completions message exactly as it is sent to the model, as JSON; it is made
    once, at admission, and never changes while it is in the queue. What left the queue has none.
    """

    key: int
    conversation_id: int
    audience: Audience
    role: Role
    author: str
    text: str
    rendered: str
    tokens: int
    created_at: datetime
    turn_id: str
    step: int = -1  # -1: an admitted event
    event_key: str | None = None
    queued: bool = True  # still in the FIFO queue
    salience: float = 0.0  # the writer's gate (memory.search.salience); given when the row is stored


@dataclass(frozen=True, kw_only=True)
class Summary:
    """The running summary of what was evicted from a conversation's queue."""

    conversation_id: int
    text: str
    rendered: str
    tokens: int
    messages: int  # evicted so far
    since: datetime  # time of the oldest of them
    created_at: datetime


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

    def held(self, at: datetime) -> bool:
        """Whether it held at that moment."""
        return (self.since or self.created_at) <= at and (self.until is None or at < self.until)


@dataclass(frozen=True, kw_only=True)
class Waste:
    """What was forgotten at a person's wish, and may be brought back for a while. ``contents`` is JSON."""

    id: int
    agent_id: int
    audience: Audience
    turn_id: str  # in which it was forgotten; empty: by a command
    at: datetime
    contents: dict[str, Any]


class Outlines(NamedTuple):
    """What a ranking needs of rows besides their words, in parallel arrays and in no order. Rows of one strand follow
    each other by key: those of a conversation, or the parts of a document."""

    keys: Any
    strands: Any
    authors: Sequence[str]
    times: Any  # seconds since the epoch
    salience: Any


class Position(NamedTuple):
    """The how-manieth of how many messages of a talk."""

    number: int
    of: int


@dataclass(frozen=True, kw_only=True)
class Hit:
    """A search result: the row, and its share of attention among the candidates (0 to 1, higher is better).

    Of a message: its ``position`` in its talk, where that is known, and, where it asks something, the ``answer``.
    """

    row: Message | Passage
    score: float
    position: Position | None = None
    answer: Message | None = None
    replaced: Passage | None = None  # what held before a note that replaced it


@dataclass(frozen=True, kw_only=True)
class Page:
    """One page of a search. ``total`` counts every match, so that the last page is known.

    ``searched`` is how many rows were looked through, at most; ``certainty`` (0 to 1) that any of them is what was
    asked for, and ``fits`` whether that is enough; ``in_view`` are those of the best that the searcher has before them,
    and which are no ``hits``.
    """

    hits: tuple[Hit, ...]
    total: int
    page: int
    page_size: int
    searched: int = 0
    certainty: float = 1.0
    fits: bool = True
    in_view: tuple[Message, ...] = ()

    @property
    def pages(self) -> int:
        return -(-self.total // self.page_size)


@dataclass(frozen=True, kw_only=True)
class InboxRow:
    """A durable event. ``key`` is unique: a platform's redelivery ends at it."""

    id: int
    key: str
    agent_id: int
    conversation_id: int
    kind: str
    payload: dict[str, Any]
    received_at: datetime
    turn_id: str | None = None


class TurnState(StrEnum):
    RUNNING = "running"
    DONE = "done"


@dataclass(frozen=True, kw_only=True)
class Turn:
    """Events until yield. ``steps`` is how many steps are committed: a resumed turn goes on there."""

    id: str
    agent_id: int
    conversation_id: int
    kind: str
    state: TurnState
    steps: int
    started_at: datetime
    outbox: int = 0  # outbox rows already committed by it
    notified: bool = False  # the user was told that the model is down


class Delivery(StrEnum):
    READY = "ready"
    SENDING = "sending"  # claimed; in doubt if the process dies now
    SENT = "sent"
    DOUBTFUL = "doubtful"  # claimed, and nobody can say whether it was posted: never sent again
    REFUSED = "refused"  # the platform will never take it: the place is gone, or closed to us


@dataclass(frozen=True, kw_only=True)
class OutboxRow:
    """One part of a reply as it will be posted. ``id`` is unique and is the reply's identity."""

    id: str
    agent_id: int
    conversation_id: int
    address: str
    turn_id: str
    kind: str  # "reply", "notice" or "error"
    text: str
    in_reply_to: tuple[str, ...]
    created_at: datetime
    state: Delivery = Delivery.READY
    claimed_at: datetime | None = None
    receipt: str | None = None


@dataclass(frozen=True, kw_only=True)
class Beat:
    """When an agent's heart beats. ``next_at`` None: nothing has happened since the last beat.

    The rest is what the person set, None where they did not: whether the agent may speak first, the
    seconds between beats, and the hours (from, up to and not including) in which it may speak.
    """

    agent_id: int
    next_at: datetime | None = None
    last_at: datetime | None = None
    heard_at: datetime | None = None  # the person's last event
    speak: bool | None = None
    every_s: int | None = None
    first_hour: int | None = None
    last_hour: int | None = None


@dataclass(frozen=True, kw_only=True)
class Wish:
    """Something the person asked to hear of at a time. ``rule`` says when again (see bot.people.schedules)."""

    id: str
    agent_id: int
    conversation_id: int
    about: str
    rule: str  # empty: once
    turn_id: str  # that made it
    next_at: datetime
    created_at: datetime


@dataclass(frozen=True, kw_only=True)
class Spent:
    """What an agent's silent turns took since a moment. ``running``: one of them has not ended."""

    beats: int
    running: bool
    messages: int
    tokens: int


@dataclass(frozen=True, kw_only=True)
class Code:
    """A one-time code that ``account`` was given, to be named elsewhere before it expires.

    ``purpose`` is ``pair`` (an admin lets the account in) or ``link`` (another account, ``other``, is the
    same person's).
    """

    code: str
    purpose: str
    account: str
    name: str
    address: str
    expires_at: datetime
    other: str = ""
    other_name: str = ""


@dataclass(frozen=True, kw_only=True)
class Usage:
    """Tokens of one model request, as the model reported them."""

    prompt: int = 0
    completion: int = 0
    cached: int = 0

    @property
    def total(self) -> int:
        return self.prompt + self.completion

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            prompt=self.prompt + other.prompt,
            completion=self.completion + other.completion,
            cached=self.cached + other.cached,
        )


@dataclass(frozen=True, kw_only=True)
class VectorEntry:
    """A vector on its way into an index."""

    key: int
    uid: str
    audience: Audience
    text: str  # that the vector was made of
    vector: Any  # numpy float32, unit length


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
class LoadedFile:
    """A file that was loaded into an archive: ``chunks`` of it are there, all of them if it is ``whole``."""

    digest: str  # SHA-256
    path: str
    chunks: int
    whole: bool


def unique(items: Iterable[str]) -> tuple[str, ...]:
    """The items without repeats, in order of first appearance."""
    return tuple(dict.fromkeys(items))
