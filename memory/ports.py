"""What memory needs from outside, as Protocols. SQL is the truth; every index can be rebuilt from it.

Common to all: datetimes are aware and UTC; ``audiences`` is what `records.readable_from` gave (None
means all of the agent's own) and is a condition of the query itself, never applied to its result alone.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Any, Protocol

from memory.records import (
    Agent,
    Archive,
    Audience,
    Avatar,
    Beat,
    Binding,
    Block,
    BlockEdit,
    Code,
    Conversation,
    Delivery,
    Draft,
    InboxRow,
    Message,
    OutboxRow,
    Outlines,
    Passage,
    Persona,
    PersonaVersion,
    Proposal,
    Spent,
    Summary,
    Turn,
    Usage,
    User,
    VectorEntry,
    Wish,
)

Audiences = Collection[Audience] | None
POSTINGS = 2_000


class Agents(Protocol):
    """Users, agents and their conversations."""

    async def user_of(self, account: str) -> User | None: ...
    async def create_user(self, account: str, name: str, timezone: str, now: datetime) -> User:
        """A new user, whose the account is from now on."""
        ...

    async def user(self, user_id: int) -> User: ...
    async def agent(self, agent_id: int) -> Agent | None: ...
    async def agent_of(self, user_id: int, persona_id: int) -> Agent | None: ...
    async def agent_named(self, name: str) -> Agent | None: ...
    async def agents(self) -> list[Agent]: ...
    async def agents_of(self, user_id: int) -> list[Agent]:
        """Oldest first."""
        ...

    async def give(self, agent_id: int, user_id: int) -> None:
        """The agent is that user's from now on."""
        ...

    async def accounts_of(self, user_id: int) -> list[str]: ...
    async def move_account(self, account: str, user_id: int) -> None:
        """The account is that user's from now on. A user with neither account nor agent is deleted; what they
        contributed to lore is then that user's, too."""
        ...

    async def create_agent(self, user_id: int, persona_id: int, name: str, now: datetime) -> Agent:
        """A new agent with an empty archive of its own. ``name`` must be new."""
        ...

    async def delete_agent(self, agent_id: int) -> None:
        """Every row of the agent, in every table, and the user when this was their last agent."""
        ...

    async def pause(self, agent_id: int, until: datetime | None) -> None: ...
    async def set_timezone(self, user_id: int, timezone: str) -> None: ...
    async def conversation(self, conversation_id: int) -> Conversation: ...
    async def conversation_at(self, agent_id: int, address: str, audience: Audience) -> Conversation | None:
        """The agent's conversation in a place. A place that others can see now is another conversation:
        what was said before stays with those who could hear it."""
        ...

    async def conversations(self, agent_id: int) -> list[Conversation]: ...
    async def conversations_in(self, community: str) -> list[Conversation]:
        """Of all agents, in public and in restricted places of that community."""
        ...

    async def create_conversation(
        self, agent_id: int, address: str, audience: Audience, now: datetime
    ) -> Conversation: ...
    async def warn(self, conversation_id: int, warned: bool) -> None: ...
    async def name_community(self, community: str, name: str) -> None:
        """What people call it."""
        ...

    async def communities(self) -> dict[str, str]:
        """Names of all whose name is known."""
        ...


class Personas(Protocol):
    """Personas, where they are bound, and what is proposed to change in them. Their blocks are rows of
    `Blocks`, owned by ``persona:<id>``."""

    async def named(self, name: str) -> Persona | None: ...
    async def get(self, persona_id: int) -> Persona: ...
    async def all(self) -> list[Persona]:
        """By name; the retired ones, too."""
        ...

    async def create(self, name: str, description: str, now: datetime) -> Persona: ...
    async def definition(self, persona_id: int) -> dict[str, Any]: ...
    async def put(self, persona_id: int, description: str, definition: Mapping[str, Any]) -> None: ...
    async def note_version(
        self, persona_id: int, data: Mapping[str, Any], user_id: int | None, now: datetime
    ) -> int:
        """Keep what the persona is now as its next version, whose number is given back."""
        ...

    async def versions(self, persona_id: int) -> list[PersonaVersion]:
        """Newest first."""
        ...

    async def drop_versions(self, persona_id: int) -> None: ...
    async def avatar(self, persona_id: int) -> Avatar | None: ...
    async def put_avatar(self, persona_id: int, avatar: Avatar | None) -> None: ...
    async def retire(self, persona_id: int, now: datetime | None) -> None:
        """Whoever talks with it already goes on; nobody else begins. With None it is as before."""
        ...

    async def delete(self, persona_id: int) -> None:
        """The persona with its blocks, lore, bindings and proposals. It must have no agents."""
        ...

    async def agents_of(self, persona_id: int) -> int:
        """How many agents it has."""
        ...

    async def at(self, places: Sequence[str]) -> Persona | None:
        """The persona bound to the first of these places that has one which is not retired."""
        ...

    async def bind(self, place: str, community: str, persona_id: int, now: datetime) -> None: ...
    async def unbind(self, place: str) -> bool:
        """False when nothing was bound there."""
        ...

    async def unbind_all(self, community: str) -> None: ...
    async def bindings(
        self, *, community: str | None = None, persona_id: int | None = None
    ) -> list[Binding]: ...
    async def pick(self, user_id: int, persona_id: int | None) -> None:
        """Whom the person talks with in direct messages; None: the default."""
        ...

    async def picked(self, account: str) -> Persona | None: ...
    async def propose(
        self,
        persona_id: int,
        label: str,
        before: str,
        value: str,
        *,
        agent_id: int,
        community: str,
        turn_id: str,
        now: datetime,
    ) -> None:
        """Replaces what the same agent proposed for that block."""
        ...

    async def proposals(self, persona_id: int, community: str | None) -> list[Proposal]:
        """Those made in the community (None: anywhere), oldest first."""
        ...

    async def drop_proposal(self, proposal_id: int) -> None: ...
    async def withdraw_proposals(self, turn_id: str) -> None:
        """Those that the turn made."""
        ...

    async def note_departure(self, community: str, now: datetime) -> None:
        """The bot was removed from it. The first time counts, until `note_return`."""
        ...

    async def note_return(self, community: str) -> None: ...
    async def departed(self, until: datetime) -> list[str]:
        """Communities that the bot has been away from since ``until`` or longer."""
        ...


class Blocks(Protocol):
    """Core memory blocks and their history."""

    async def visible(self, agent: Agent, audience: Audience) -> list[Block]:
        """The persona's blocks, then the agent's of ``audience``, then (private only) its other ones."""
        ...

    async def create(
        self,
        owner: str,
        label: str,
        audience: Audience,
        value: str,
        limit: int,
        description: str,
        now: datetime,
        *,
        read_only: bool = False,
    ) -> Block: ...

    async def of(self, owner: str, audiences: Audiences) -> list[Block]:
        """The owner's own, oldest first."""
        ...

    async def restore(self, block: Block, edits: Sequence[BlockEdit], now: datetime) -> None:
        """Put a block back with its past, oldest edit first; the ids in them are given anew. One of the same
        owner, label and audience must not exist."""
        ...

    async def put(self, block_id: int, value: str, turn_id: str | None, now: datetime) -> None:
        """Replace the value, keeping the previous one and the turn that made the edit."""
        ...

    async def reshape(self, block_id: int, limit: int, description: str) -> None:
        """Change what a block says of itself."""
        ...

    async def delete(self, block_id: int) -> None:
        """The block with its history."""
        ...

    async def history(self, owner: str, audiences: Audiences, limit: int | None = 100) -> list[BlockEdit]:
        """Edits, newest first."""
        ...

    async def edits_of(self, turn_id: str) -> list[BlockEdit]:
        """Edits made by a turn, newest first."""
        ...


class Messages(Protocol):
    """Recall storage and the FIFO queues that are its newest part."""

    async def append(self, agent_id: int, messages: Sequence[Message]) -> list[Message]:
        """Store, in order; each ``key`` is given here and returned. Searchable by words at once."""
        ...

    async def rows(
        self, agent_id: int, audiences: Audiences, *, after: int = 0, limit: int = 1_000
    ) -> list[Message]:
        """Every row, also those without a text, in order of their keys; those beyond the key ``after``."""
        ...

    async def get(self, agent_id: int, keys: Collection[int], audiences: Audiences) -> list[Message]:
        """The rows of ``keys`` that this agent may see in ``audiences``, in the order of ``keys``."""
        ...

    async def queue(self, conversation_id: int) -> list[Message]:
        """The FIFO queue, oldest first."""
        ...

    async def evict(self, conversation_id: int, keys: Collection[int]) -> None:
        """Take rows out of the queue. Their texts stay; how they were rendered is forgotten."""
        ...

    async def of_turn(self, turn_id: str) -> list[Message]: ...
    async def taken(self, event_keys: Collection[str]) -> set[str]:
        """Those of the keys that some message has."""
        ...

    async def by_event(self, event_key: str) -> Message | None: ...
    async def rewrite(self, key: int, text: str, rendered: str, tokens: int) -> None: ...
    async def rerender(self, key: int, rendered: str, tokens: int) -> None:
        """Show the message differently; its text stays."""
        ...

    async def delete(self, keys: Collection[int]) -> None: ...
    async def said(
        self,
        agent_id: int,
        audiences: Audiences,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        offset: int = 0,
        limit: int = 50,
        newest_first: bool = False,
    ) -> list[Message]:
        """Messages with a text, by time; ``since`` included, ``until`` excluded."""
        ...

    async def count(
        self,
        agent_id: int,
        audiences: Audiences,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> int: ...

    async def postings(
        self, agent_id: int, terms: Sequence[str], audiences: Audiences, *, limit: int = POSTINGS
    ) -> dict[str, Any]:
        """Keys (int64) of the rows that hold each term, newest first, at most ``limit`` a term.

        Only this agent's rows in ``audiences`` are looked at, so the lengths are document frequencies
        of what the searcher may see, and of nothing else.
        """
        ...

    async def terms(self, keys: Collection[int]) -> dict[int, str]:
        """The analysed texts of rows that `postings` gave."""
        ...

    async def around(
        self, agent_id: int, keys: Collection[int], audiences: Audiences, reach: int
    ) -> Outlines:
        """The rows of ``keys``, and those with a text that stand up to ``reach`` positions beside one.

        A row that the searcher may not read is not among them.
        """
        ...

    async def within(
        self, agent_id: int, audiences: Audiences, since: datetime, until: datetime, limit: int
    ) -> list[int]:
        """Keys of the newest rows with a text from ``since`` until before ``until``."""
        ...

    async def extent(self, agent_id: int) -> int:
        """How many rows there are, at most (the newest sequence number)."""
        ...

    async def summary(self, conversation_id: int) -> Summary | None: ...
    async def put_summary(self, summary: Summary) -> None: ...
    async def drop_summary(self, conversation_id: int) -> None: ...


class Passages(Protocol):
    """Archival storage: archives and their passages."""

    async def archive(self, archive_id: int) -> Archive: ...
    async def archive_named(self, name: str) -> Archive | None: ...
    async def archives(self) -> list[Archive]: ...
    async def create_source(self, name: str, now: datetime) -> Archive: ...
    async def attach(self, agent_id: int, archive_id: int) -> None: ...
    async def attached(self, agent_id: int) -> list[Archive]:
        """The shared archives that this agent may search."""
        ...

    async def lore(self, persona_id: int, communities: Collection[str]) -> list[Archive]:
        """What the persona's agents share of each of these communities, as far as there is any."""
        ...

    async def create_lore(self, persona_id: int, community: str, now: datetime) -> Archive: ...
    async def lore_of(self, persona_id: int) -> dict[str, Archive]:
        """All lore of a persona, by community."""
        ...

    async def contribute(self, keys: Collection[int], user_id: int) -> None:
        """The user contributed to these passages. Idempotent."""
        ...

    async def contributors_of(self, keys: Collection[int]) -> dict[int, list[int]]:
        """Ids of the users that contributed to each passage, in order; for each key that has any."""
        ...

    async def contributed_by(self, user_id: int) -> list[Passage]:
        """Oldest first, from every archive."""
        ...

    async def withdraw(self, keys: Collection[int], user_id: int) -> None:
        """The user's part in these passages is forgotten; the passages stay."""
        ...

    async def drop_archive(self, archive_id: int) -> None:
        """The archive with its passages. Drop its vectors first: the row names their collection."""
        ...

    async def insert(self, archive_id: int, drafts: Sequence[Draft], now: datetime) -> list[Passage]:
        """Store, in order. Searchable by words at once, by meaning when the index has caught up."""
        ...

    async def get(
        self,
        archive_id: int,
        keys: Collection[int],
        audiences: Audiences,
        tags: Sequence[str] = (),
    ) -> list[Passage]: ...

    async def page(
        self,
        archive_id: int,
        audiences: Audiences,
        *,
        offset: int = 0,
        limit: int = 50,
        originals: bool = False,
    ) -> list[Passage]:
        """Newest first; ``originals``: without the copies that were opened to other audiences, where the original
        is shown, too."""
        ...

    async def count(self, archive_id: int, audiences: Audiences, *, originals: bool = False) -> int: ...
    async def of_turn(self, turn_id: str) -> list[Passage]: ...
    async def with_digest(
        self, archive_id: int, audience: Audience, digests: Collection[str]
    ) -> dict[str, Passage]:
        """Passages of ``audience`` whose digest (of their words) is one of these."""
        ...

    async def delete(self, keys: Collection[int]) -> None:
        """Copies that were opened to other audiences stay: see `opened`."""
        ...

    async def by_uid(self, archive_id: int, prefix: str, audiences: Audiences) -> Passage | None:
        """The passage whose uid begins so."""
        ...

    async def rewrite(self, keys: Collection[int], text: str, digest: str) -> None:
        """Another text for these passages; their vectors are made anew."""
        ...

    async def open(self, passage: Passage, audience: Audience, digest: str, now: datetime) -> None:
        """Put a copy of a passage where another audience may use it."""
        ...

    async def link(self, copy: str, original: str) -> None:
        """One passage is a copy of another, by their uids."""
        ...

    async def opened(self, uids: Collection[str]) -> dict[str, list[Passage]]:
        """The copies of passages, by the uid of the original; nothing for what was never opened."""
        ...

    async def postings(
        self,
        archive_id: int,
        terms: Sequence[str],
        audiences: Audiences,
        tags: Sequence[str] = (),
        *,
        limit: int = POSTINGS,
    ) -> dict[str, Any]:
        """As `Messages.postings`; with ``tags``, only passages that carry one of them."""
        ...

    async def terms(self, keys: Collection[int]) -> dict[int, str]: ...
    async def around(
        self, archive_id: int, keys: Collection[int], audiences: Audiences, reach: int
    ) -> Outlines:
        """As `Messages.around`, but a passage stands alone: it is a window of its document already."""
        ...

    async def extent(self, archive_id: int) -> int: ...
    async def keys_of(self, uids: Collection[str]) -> dict[str, int]:
        """Keys of the passages that still exist, by uid."""
        ...

    async def file_loaded(self, archive_id: int, digest: str) -> int | None:
        """How many chunks of the file of that SHA-256 are stored; None when it was never begun."""
        ...

    async def note_file(
        self, archive_id: int, digest: str, path: str, chunks: int, now: datetime
    ) -> None: ...


class Vectors(Protocol):
    """int8 vectors of an agent's own rows, and the list of what no index holds yet.

    ``kind`` is ``messages`` or ``passages``; vectors of two embedders never meet in one answer.
    """

    async def unindexed(
        self, kind: str, scope: int | None, limit: int
    ) -> list[tuple[int, str, Audience, str]]:
        """(key, uid, audience, text) of rows waiting for a vector, oldest first."""
        ...

    async def count_unindexed(self) -> int: ...
    async def mark_indexed(self, kind: str, texts: Mapping[int, str]) -> None:
        """The rows of these keys have their vector, or can have none, unless their text is another by now."""
        ...

    async def mark_unindexed(self, kind: str, scope: int) -> None:
        """Forget the vectors of one scope: its indexing starts from the texts."""
        ...

    async def mark_all_unindexed(self) -> None:
        """Forget every vector: the next indexing starts from the texts."""
        ...

    async def put(
        self, kind: str, embedder: str, rows: Sequence[tuple[int, Audience, str, bytes]]
    ) -> set[int]:
        """Store vectors (key, audience, text, data) and mark their rows as indexed; gives their keys.

        A row that is gone, or has another text by now, is passed over.
        """
        ...

    async def load(
        self, kind: str, embedder: str, scope: int, audiences: Audiences
    ) -> list[tuple[int, bytes]]: ...
    async def remove(self, kind: str, keys: Collection[int]) -> None: ...
    async def embedder(self) -> str | None:
        """Name of the embedder that made the present vectors."""
        ...

    async def set_embedder(self, name: str) -> None: ...


class Mailbox(Protocol):
    """Durable inbox, turns, steps and outbox."""

    async def receive(
        self,
        key: str,
        agent_id: int,
        conversation_id: int,
        kind: str,
        payload: Mapping[str, Any],
        now: datetime,
    ) -> bool:
        """Commit an event; False when its key was seen before."""
        ...

    async def waiting(self, agent_id: int, platforms: Collection[str]) -> list[InboxRow]:
        """Events on these platforms that no turn has claimed yet, in order of arrival."""
        ...

    async def events_from(self, key: str) -> list[InboxRow]:
        """The event of that key, and those that came with it (``<key>/...``: a message's attachments)."""
        ...

    async def replace_event(self, key: str, payload: Mapping[str, Any]) -> None: ...
    async def drop_event(self, key: str) -> None:
        """Let go of an event that no turn has claimed yet."""
        ...

    async def busy_agents(self, platforms: Collection[str]) -> list[int]:
        """Agents with waiting events or an unfinished turn on one of these platforms."""
        ...

    async def begin(self, turn: Turn, event_ids: Collection[int]) -> None:
        """Claim the events for a new turn."""
        ...

    async def unfinished(self, agent_id: int, platforms: Collection[str]) -> Turn | None:
        """The turn that was running when the process ended, or None."""
        ...

    async def turn(self, turn_id: str) -> Turn | None: ...
    async def turns_of(self, agent_id: int) -> list[Turn]:
        """All that have ended, oldest first."""
        ...

    async def events_of(self, turn_id: str) -> list[InboxRow]: ...
    async def commit_step(
        self, turn_id: str, step: int, model: str, usage: Usage, now: datetime, *, agent_id: int
    ) -> None:
        """Record a step; its key can never be asked again. Raises if it already is recorded."""
        ...

    async def finish(self, turn_id: str, now: datetime) -> None:
        """End the turn and acknowledge its events."""
        ...

    async def notify(self, turn_id: str) -> None:
        """Note that the user was told of the model being down in this turn."""
        ...

    async def last_turns(self, conversation_id: int, n: int) -> list[Turn]:
        """Ended turns, newest first."""
        ...

    async def forget_turn(self, turn_id: str) -> None:
        """Remove an ended turn, its steps and events (`/pop`)."""
        ...

    async def usage_since(self, agents: Collection[int] | None, since: datetime) -> Usage: ...
    async def newest_keys(self, platform: str) -> dict[str, str]:
        """Of every place where something was received: the key of the newest event, by address."""
        ...

    async def is_forgotten(self, key: str) -> bool:
        """Whether an event of that key was received by an agent that has since been deleted."""
        ...

    async def any_forgotten(self) -> bool: ...
    async def last_receipt(self, address: str) -> str | None:
        """Of the newest post there that has one."""
        ...

    async def has_events(self, conversation_id: int) -> bool:
        """Whether anything was ever received there."""
        ...

    async def posted(self, agent_id: int, receipt: str) -> OutboxRow | None:
        """The agent's post that the platform gave this receipt."""
        ...

    async def post(self, rows: Sequence[OutboxRow]) -> None: ...
    async def ready(
        self, platforms: Collection[str], limit: int = 64, *, apart_from: Collection[str] = ()
    ) -> list[OutboxRow]:
        """Rows to be sent, oldest first; ``apart_from`` are addresses to leave out."""
        ...

    async def claim(self, ids: Collection[str], now: datetime) -> None:
        """Mark rows SENDING: from here on they are in doubt until `settle`."""
        ...

    async def in_doubt(self, platforms: Collection[str]) -> list[OutboxRow]:
        """Rows claimed by a process that died before it wrote their receipt."""
        ...

    async def settle(self, receipts: Sequence[tuple[str, Delivery, str | None]], now: datetime) -> None:
        """Write (row id, state, receipt) of rows that were claimed."""
        ...

    async def unsent(self, conversation_id: int | None = None) -> int: ...


class Codes(Protocol):
    """One-time codes, and the accounts that an admin let in."""

    async def put(self, code: Code) -> None:
        """Replaces the account's former code of that purpose."""
        ...

    async def get(self, purpose: str, code: str, now: datetime) -> Code | None:
        """None when there is no such code, or it has expired."""
        ...

    async def of(self, purpose: str, account: str, now: datetime) -> Code | None: ...
    async def drop(self, code: str) -> None: ...
    async def welcome(self, account: str, now: datetime) -> None: ...
    async def is_welcome(self, account: str) -> bool: ...


class Schedule(Protocol):
    """Heartbeat times, and what people asked to hear of at a time."""

    async def beat(self, agent_id: int) -> Beat:
        """A fresh one for an agent that has none yet."""
        ...

    async def put_beat(self, beat: Beat) -> None:
        """Add or replace the agent's."""
        ...

    async def due_beats(self, now: datetime, limit: int) -> list[Beat]:
        """Longest overdue first."""
        ...

    async def clamp_beats(self, latest: datetime) -> None:
        """No beat is due later than that (the clock was set back)."""
        ...

    async def home(self, agent_id: int, platforms: Collection[str]) -> int | None:
        """The conversation where the agent last heard of the person: a private one, if there is any."""
        ...

    async def spent(self, agent_id: int, since: datetime) -> Spent: ...
    async def wish(self, wish_id: str) -> Wish | None: ...
    async def wishes(self, agent_id: int) -> list[Wish]:
        """Soonest first."""
        ...

    async def put_wish(self, wish: Wish) -> None:
        """Add or replace."""
        ...

    async def drop_wish(self, wish_id: str) -> None: ...
    async def wishes_of(self, turn_id: str) -> list[Wish]: ...
    async def due_wishes(self, now: datetime, platforms: Collection[str], limit: int) -> list[Wish]:
        """Longest overdue first, of conversations on these platforms."""
        ...


class Joining(Protocol):
    """Two agents become one: a person who had two accounts."""

    async def join(self, into: Agent, other: Agent, now: datetime) -> None:
        """All that ``other`` holds becomes ``into``'s, each row with its audience; ``other`` is deleted.

        Blocks join per audience, the newer value first; what is beyond the limit becomes a passage.
        """
        ...


class Erasing(Protocol):
    """Forgetting beyond single rows. All of it is part of the caller's unit of work.

    What is outside of the tables (files, logs of writes, indexes) is a *chore*: noted in the same unit of
    work, done after it, and done again at the next start if the process died before.
    """

    async def conversation(self, place: Conversation, archive_id: int, now: datetime) -> list[int]:
        """Forget all that was said there, the notes and reminders that came of it, and what these turns put
        into core memory. The keys of the passages that went are returned; the conversation itself stays, empty."""
        ...

    async def expire(self, before: datetime) -> tuple[int, list[int], list[int]]:
        """Forget messages, events, replies, turns, summaries and edits from before: how many messages it were,
        and which agents and conversations have changed. Core memory and passages stay."""
        ...

    async def showing(
        self, agent_id: int | None, tools: Collection[str], before: datetime | None, *, events: bool = True
    ) -> list[Message]:
        """Messages in view that may show other rows' texts: results of these tools, and ``events``."""
        ...

    async def quote(self, event_key: str, quotes: Mapping[str, str]) -> None:
        """The event shows others' words: the key of each message, with its author's account."""
        ...

    async def quoting(self, accounts: Collection[str], keys: Collection[str]) -> list[InboxRow]:
        """Events that show words of these accounts, or these messages."""
        ...

    async def unquote(self, accounts: Collection[str], keys: Collection[str]) -> None:
        """No event shows them any more."""
        ...

    async def chores(self) -> list[tuple[str, datetime]]:
        """Name and time of what is still to be done, oldest first."""
        ...

    async def add_chores(self, names: Collection[str], now: datetime) -> None:
        """One that is noted already stays as it is."""
        ...

    async def done(self, name: str) -> None: ...


class Session(Protocol):
    """One transaction's view of everything."""

    @property
    def agents(self) -> Agents: ...
    @property
    def personas(self) -> Personas: ...
    @property
    def blocks(self) -> Blocks: ...
    @property
    def messages(self) -> Messages: ...
    @property
    def passages(self) -> Passages: ...
    @property
    def vectors(self) -> Vectors: ...
    @property
    def mailbox(self) -> Mailbox: ...
    @property
    def codes(self) -> Codes: ...
    @property
    def joining(self) -> Joining: ...
    @property
    def schedule(self) -> Schedule: ...
    @property
    def erasing(self) -> Erasing: ...


class Store(Protocol):
    """The database."""

    def read(self) -> AbstractAsyncContextManager[Session]:
        """For reading: every query sees what is committed; writing fails."""
        ...

    def write(self) -> AbstractAsyncContextManager[Session]:
        """One unit of work: all of it is durable when the block ends, or none of it when it raises.

        Writers run one at a time, in the order they asked. Never hold one across a model call.
        Raises `StoreUnavailable` when the disk is full or read-only.
        """
        ...

    async def scrub(self) -> bool:
        """Leave no byte of what was deleted in the store's own files; False: not now, ask again."""
        ...

    async def close(self) -> None: ...


class Embedder(Protocol):
    """Texts to unit vectors. ``name`` names model and version; vectors of two names never mix."""

    name: str
    dimensions: int

    async def embed(self, texts: Sequence[str]) -> Any:
        """float32 array of shape (len(texts), dimensions), rows of unit length.

        Raises `EmbedderError` when vectors cannot be made now, `TextRefused` when it may be for one of the texts.
        """
        ...


class Nearness(Protocol):
    """Cosines of a scope's rows to one vector: ``keys`` (int64, ascending) of the nearest or of more, and theirs."""

    keys: Any
    cosines: Any

    def of(self, keys: Any) -> Any:
        """Cosines of these rows; where none is known, the most that it can be."""
        ...


class VectorIndex(Protocol):
    """Nearest neighbours by cosine within one scope (an agent's recall storage, or an archive)."""

    async def add(self, scope: int, entries: Sequence[VectorEntry]) -> None:
        """Add or replace, by key, and mark the rows as indexed. Idempotent. The rows must be committed."""
        ...

    async def search(
        self, scope: int, vector: Any, audiences: Audiences, limit: int
    ) -> list[tuple[int, float]]:
        """(key, cosine) of the nearest rows of ``scope`` in ``audiences``, best first."""
        ...

    async def compare(self, scope: int, vector: Any, audiences: Audiences, limit: int) -> Nearness:
        """How near the rows are that may be read, of which the ``limit`` nearest are wanted."""
        ...

    async def remove(self, scope: int, keys: Collection[int]) -> None:
        """Idempotent."""
        ...

    async def drop(self, scope: int) -> None:
        """Remove all of a scope."""
        ...


class TokenCounter(Protocol):
    """How many tokens a text is for the model; never less than the truth by more than calibration mends."""

    def count(self, text: str) -> int: ...
