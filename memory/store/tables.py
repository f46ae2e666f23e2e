"""The tables, as SQLAlchemy Core declares them. A test proves that the migrations build the same.

``key`` columns are ``scope << 32 | seq`` (see memory.records). The full-text tables hold analysed
terms (memory.search.terms), their rowid is the key: a term is looked up in one scope's range of rowids only.

What people or the agent said, or could be made into that again, is of the types of `memory.store.secret`.
"""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Column, ForeignKey, Index, Integer, Table
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

from memory.records import Delivery, Role, TurnState, WebPass
from memory.store import secret


def microseconds(at: datetime) -> int:
    """Since the epoch."""
    delta = at.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds


def moment(at: int | None) -> datetime | None:
    """Of microseconds since the epoch."""
    return None if at is None else datetime.fromtimestamp(at / 1_000_000, UTC)


Text = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
"""Compared and ordered by code points, wherever the database's server stands."""
Number = sa.BigInteger().with_variant(Integer, "sqlite")
"""Of 64 bits."""


class Moment(TypeDecorator[datetime]):
    """An aware UTC datetime, stored as microseconds since the epoch (sortable, compact)."""

    impl = sa.BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        return None if value is None else microseconds(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        return moment(value)


class Word(TypeDecorator[StrEnum]):
    """A member of an enumeration, stored as its value."""

    impl = sa.Text
    cache_ok = True

    def __init__(self, kind: type[StrEnum]) -> None:
        super().__init__()
        self.kind = kind

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        return sa.Text(collation="C") if dialect.name == "postgresql" else sa.Text()

    def process_bind_param(self, value: StrEnum | str | None, dialect: Dialect) -> Any:
        return None if value is None else str(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> StrEnum | None:
        return None if value is None else self.kind(value)


class Texts(TypeDecorator[tuple[str, ...]]):
    """Texts in their order, stored as a list in JSON."""

    impl = sa.JSON
    cache_ok = True

    def process_result_value(self, value: Any, dialect: Dialect) -> tuple[str, ...]:
        return tuple(value)


class Buttons(TypeDecorator[tuple[tuple[str, str, str], ...]]):
    """Label, command and argument of each, stored as lists in JSON."""

    impl = sa.JSON
    cache_ok = True

    def process_result_value(self, value: Any, dialect: Dialect) -> tuple[tuple[str, str, str], ...]:
        return tuple((label, command, argument) for label, command, argument in value)


_TAGS = Texts().with_variant(secret.SecretJson("list", Texts()), "postgresql")
_ACTIONS = Buttons().with_variant(secret.SecretJson("list", Buttons()), "postgresql")

metadata = sa.MetaData()
# Partial indexes spell their conditions as SQLAlchemy renders them ("queued = 1"): SQLite uses one only where
# the query's condition is the same, to the letter.


def _only(condition: str, of_postgres: str = "") -> dict[str, Any]:
    """Of a partial index: the rows that it is of."""
    return {
        "sqlite_where": sa.text(condition),
        "postgresql_where": sa.text(of_postgres or condition),
    }


def _id(kind: Any = Integer) -> Column[int]:
    return Column("id", kind, primary_key=True)


def _ref(name: str, target: str, **kw: Any) -> Column[int]:
    return Column(name, Integer, ForeignKey(target, ondelete="CASCADE"), nullable=False, **kw)


def _at(name: str = "created_at") -> Column[datetime]:
    return Column(name, Moment, nullable=False)


users = Table(
    "users",
    metadata,
    _id(),
    Column("name", Text, nullable=False),
    Column("timezone", Text, nullable=False, server_default="UTC"),
    _at(),
    Column("language", Text, nullable=False, server_default=""),
    Column("locale", Text, nullable=False, server_default=""),
    Column("keeps_secrets", sa.Boolean, nullable=False, server_default=sa.false()),
    Column("rooms", Text, nullable=False, server_default=""),  # memory.records.Standing
    sqlite_autoincrement=True,  # an id is never given twice
)
accounts = Table(
    "accounts", metadata, Column("account", Text, primary_key=True), _ref("user_id", "users.id", index=True)
)
personas = Table(
    "personas",
    metadata,
    _id(),
    Column("name", Text, nullable=False, unique=True),
    Column("description", Text, nullable=False, server_default=""),
    Column("version", Integer, nullable=False),
    Column("definition", sa.JSON, nullable=False),
    _at(),
    Column("retired_at", Moment),
    sqlite_autoincrement=True,  # an id is never given twice
)
avatars = Table(
    "avatars",
    metadata,
    Column("persona_id", Integer, ForeignKey("personas.id", ondelete="CASCADE"), primary_key=True),
    Column("media_type", Text, nullable=False),
    Column("data", sa.LargeBinary, nullable=False),
)
persona_versions = Table(
    "persona_versions",
    metadata,
    Column("persona_id", Integer, ForeignKey("personas.id", ondelete="CASCADE"), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("data", sa.JSON, nullable=False),
    # Who is forgotten is not named here any more.
    Column("user_id", Integer, ForeignKey("users.id", ondelete="SET NULL"), index=True),
    _at("at"),
)
bindings = Table(
    "bindings",
    metadata,
    Column("place", Text, primary_key=True),
    Column("community", Text, nullable=False, index=True),
    _ref("persona_id", "personas.id", index=True),
    _at("at"),
)
picks = Table(
    "picks",
    metadata,
    Column("user_id", Integer, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    _ref("persona_id", "personas.id", index=True),
)
departures = Table("departures", metadata, Column("community", Text, primary_key=True), _at("at"))
archives = Table(
    "archives",
    metadata,
    _id(),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False, unique=True),
    Column("collection", Text, nullable=False, unique=True),
    Column("last_seq", Integer, nullable=False, server_default="0"),
    _at(),
    sqlite_autoincrement=True,
)
agents = Table(
    "agents",
    metadata,
    _id(),
    _ref("user_id", "users.id"),
    Column("persona_id", Integer, ForeignKey("personas.id"), nullable=False),
    Column("name", Text, nullable=False, unique=True),
    Column("archive_id", Integer, ForeignKey("archives.id"), nullable=False),
    Column("paused_until", Moment),
    _at(),
    # PostgreSQL's, where several processes write (memory.store.numbers).
    Column("last_seq", Number, nullable=False, server_default="0"),  # the newest message's number
    Column("version", Number, nullable=False, server_default="0"),  # of its memory
    sa.UniqueConstraint("user_id", "persona_id"),
    sqlite_autoincrement=True,  # an id is never given twice
)
attachments = Table(
    "attachments",
    metadata,
    Column("agent_id", Integer, ForeignKey("agents.id", ondelete="CASCADE"), primary_key=True),
    Column("archive_id", Integer, ForeignKey("archives.id", ondelete="CASCADE"), primary_key=True),
)
proposals = Table(
    "proposals",
    metadata,
    _id(),
    _ref("persona_id", "personas.id", index=True),
    Column("label", Text, nullable=False),
    Column("before", secret.TEXT, nullable=False),
    Column("value", secret.TEXT, nullable=False),
    _ref("agent_id", "agents.id", index=True),
    Column("community", Text, nullable=False),
    Column("turn_id", Text, nullable=False, index=True),
    _at("at"),
    sqlite_autoincrement=True,  # an id is never given twice
)
conversations = Table(
    "conversations",
    metadata,
    _id(),
    _ref("agent_id", "agents.id"),
    Column("address", Text, nullable=False),
    Column("audience", Text, nullable=False),
    Column("warned", sa.Boolean, nullable=False, server_default=sa.false()),
    _at(),
    Column("shown_edit", Number),  # the newest edit of core memory that its system text shows
    sa.UniqueConstraint("agent_id", "address", "audience"),
    sqlite_autoincrement=True,  # an id is never given twice
)
blocks = Table(
    "blocks",
    metadata,
    _id(),
    Column("owner", Text, nullable=False),
    Column("label", Text, nullable=False),
    Column("audience", Text, nullable=False),
    Column("value", secret.TEXT, nullable=False),
    Column("limit", Integer, nullable=False),
    Column("description", Text, nullable=False),
    Column("read_only", sa.Boolean, nullable=False),
    Column("version", Integer, nullable=False),
    _at("updated_at"),
    sa.UniqueConstraint("owner", "label", "audience"),
    sqlite_autoincrement=True,  # an id is never given twice
)
block_history = Table(
    "block_history",
    metadata,
    _id(Number),
    _ref("block_id", "blocks.id", index=True),
    Column("version", Integer, nullable=False),
    Column("before", secret.TEXT, nullable=False),
    Column("after", secret.TEXT, nullable=False),
    Column("turn_id", Text, index=True),
    _at("at"),
)
messages = Table(
    "messages",
    metadata,
    Column("key", Number, primary_key=True),
    _ref("conversation_id", "conversations.id"),
    Column("audience", Text, nullable=False),
    Column("role", Word(Role), nullable=False),
    Column("author", Text, nullable=False),
    Column("text", secret.TEXT, nullable=False),
    Column("rendered", secret.TEXT, nullable=False),
    Column("tokens", Integer, nullable=False),
    _at(),
    Column("turn_id", Text, nullable=False, index=True),
    Column("step", Integer, nullable=False),
    Column("event_key", Text, unique=True),
    Column("queued", sa.Boolean, nullable=False),
    Column("salience", sa.Float, nullable=False),
    Column("indexed", sa.Boolean, nullable=False),
    Column("origin", Text, nullable=False, server_default=""),  # the program that it was imported from
    Index("messages_queue", "conversation_id", "key", **_only("queued = 1", "queued")),
    Index("messages_unindexed", "key", **_only("indexed = 0", "NOT indexed")),
)
summaries = Table(
    "summaries",
    metadata,
    Column("conversation_id", Integer, ForeignKey("conversations.id", ondelete="CASCADE"), primary_key=True),
    Column("text", secret.TEXT, nullable=False),
    Column("rendered", secret.TEXT, nullable=False),
    Column("tokens", Integer, nullable=False),
    Column("messages", Integer, nullable=False),
    _at("since"),
    _at(),
)
passages = Table(
    "passages",
    metadata,
    Column("key", Number, primary_key=True),
    Column("uid", Text, nullable=False, unique=True),
    Column("audience", Text, nullable=False),
    Column("text", secret.TEXT, nullable=False),
    Column("tags", _TAGS, nullable=False),
    Column("source", secret.WORD, nullable=False),
    Column("position", Integer, nullable=False),
    Column("digest", secret.WORD, nullable=False),
    Column("turn_id", Text, index=True),
    Column("indexed", sa.Boolean, nullable=False),
    _at(),
    Column("file", secret.WORD, index=True),  # digest of the file that it is a piece of
    Column("since", Moment),
    Column("until", Moment),
    Column("replaced_by", Text, nullable=False, server_default=""),
    Column("origin", Text, nullable=False, server_default=""),
    Column("doubtful", sa.Boolean, nullable=False, server_default=sa.false()),
    Index("passages_digest", "digest"),
    Index("passages_closed", "key", **_only("until IS NOT NULL")),
    Index("passages_unindexed", "key", **_only("indexed = 0", "NOT indexed")),
)
passage_tags = Table(
    "passage_tags",
    metadata,
    Column("tag", secret.WORD, primary_key=True),
    Column(
        "key",
        Number,
        ForeignKey("passages.key", ondelete="CASCADE"),
        primary_key=True,
        index=True,
    ),
    sqlite_with_rowid=False,
)
contributors = Table(
    "contributors",
    metadata,
    Column(
        "key",
        Number,
        ForeignKey("passages.key", ondelete="CASCADE"),
        primary_key=True,
    ),
    Column("user_id", Integer, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, index=True),
    sqlite_with_rowid=False,
)
openings = Table(
    "openings",
    metadata,
    Column("copy", Text, ForeignKey("passages.uid", ondelete="CASCADE"), primary_key=True),
    Column("original", Text, nullable=False, index=True),
)  # passages that a person let be used elsewhere: a copy there of one that stays where it was
files = Table(
    "files",
    metadata,
    Column("archive_id", Integer, ForeignKey("archives.id", ondelete="CASCADE"), primary_key=True),
    Column("digest", Text, primary_key=True),
    Column("path", Text, nullable=False),
    Column("chunks", Integer, nullable=False),
    _at("loaded_at"),
)


def _vectors(kind: str) -> Table:
    return Table(
        f"{kind}_vectors",
        metadata,
        Column("key", Number, primary_key=True),
        Column("audience", Text, nullable=False),
        Column("embedder", Text, nullable=False),
        Column("data", secret.DATA, nullable=False),  # int8, see memory.index.exact
    )


vectors = {"messages": _vectors("messages"), "passages": _vectors("passages")}

inbox = Table(
    "inbox",
    metadata,
    _id(Number),
    Column("key", Text, nullable=False, unique=True),
    _ref("agent_id", "agents.id"),
    _ref("conversation_id", "conversations.id"),
    Column("kind", Text, nullable=False),
    Column("payload", secret.JSON, nullable=False),
    _at("received_at"),
    Column("turn_id", Text, index=True),
    Column("done", sa.Boolean, nullable=False),
    Index("inbox_conversation", "conversation_id", "id"),
    Index("inbox_waiting", "agent_id", "id", **_only("done = 0", "NOT done")),
)
quotes = Table(
    "quotes",
    metadata,
    Column("inbox_id", Number, ForeignKey("inbox.id", ondelete="CASCADE"), primary_key=True),
    Column("key", Text, primary_key=True, index=True),
    Column("account", Text, nullable=False, index=True),
    sqlite_with_rowid=False,
)  # whose words are shown beside an event, so that they can be taken back
turns = Table(
    "turns",
    metadata,
    Column("id", Text, primary_key=True),
    _ref("agent_id", "agents.id"),
    _ref("conversation_id", "conversations.id"),
    Column("kind", Text, nullable=False),
    Column("state", Word(TurnState), nullable=False),
    Column("notified", sa.Boolean, nullable=False),
    _at("started_at"),
    Column("ended_at", Moment),
    Column("surfaced", secret.TEXT, nullable=False, server_default=""),  # memory.store.surfaced
    Index("turns_running", "agent_id", **_only("state = 'running'")),
    Index("turns_conversation", "conversation_id", "started_at"),
)
steps = Table(
    "steps",
    metadata,
    Column("turn_id", Text, ForeignKey("turns.id", ondelete="CASCADE"), primary_key=True),
    Column("step", Integer, primary_key=True),
    _ref("agent_id", "agents.id"),
    Column("model", Text, nullable=False),
    Column("prompt_tokens", Integer, nullable=False),
    Column("completion_tokens", Integer, nullable=False),
    Column("cached_tokens", Integer, nullable=False),
    _at("at"),
    Index("steps_usage", "agent_id", "at"),
    Index("steps_at", "at"),
)
outbox = Table(
    "outbox",
    metadata,
    Column("seq", Number, primary_key=True),
    Column("id", Text, nullable=False, unique=True),
    _ref("agent_id", "agents.id", index=True),
    _ref("conversation_id", "conversations.id"),
    Column("address", Text, nullable=False),
    Column("turn_id", Text, nullable=False, index=True),
    Column("kind", Text, nullable=False),
    Column("text", secret.TEXT, nullable=False),
    Column("in_reply_to", Texts, nullable=False),
    Column("state", Word(Delivery), nullable=False),
    Column("receipt", Text),
    _at(),
    Column("claimed_at", Moment),
    Column("sent_at", Moment),
    Column("actions", _ACTIONS, nullable=False, server_default="[]"),
    Index("outbox_open", "seq", **_only("state IN ('ready', 'sending')")),
)
outbox_files = Table(
    "outbox_files",
    metadata,
    Column("outbox_id", Text, ForeignKey("outbox.id", ondelete="CASCADE"), primary_key=True),
    Column("name", secret.TEXT, nullable=False),
    Column("data", secret.DATA, nullable=False),
)  # kept until they are sent
beats = Table(
    "beats",
    metadata,
    Column("agent_id", Integer, ForeignKey("agents.id", ondelete="CASCADE"), primary_key=True),
    Column("next_at", Moment, index=True),
    Column("last_at", Moment),
    Column("heard_at", Moment),
    Column("speak", sa.Boolean),
    Column("every_s", Integer),
    Column("first_hour", Integer),
    Column("last_hour", Integer),
)
wishes = Table(
    "wishes",
    metadata,
    Column("id", Text, primary_key=True),
    _ref("agent_id", "agents.id", index=True),
    _ref("conversation_id", "conversations.id"),
    Column("about", secret.TEXT, nullable=False),
    Column("rule", Text, nullable=False),
    Column("turn_id", Text, nullable=False, index=True),
    Column("next_at", Moment, nullable=False, index=True),
    _at(),
)
asks = Table(
    "asks",
    metadata,
    Column("id", Text, primary_key=True),
    _ref("agent_id", "agents.id", index=True),
    _ref("conversation_id", "conversations.id"),
    Column("turn_id", Text, nullable=False, index=True),
    Column("tool", Text, nullable=False),
    Column("arguments", secret.TEXT, nullable=False),
    _at(),
)  # calls that wait for a person's word
credentials = Table(
    "credentials",
    metadata,
    Column("user_id", Integer, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("service", Text, primary_key=True),
    Column("sealed", sa.LargeBinary, nullable=False),  # bot.mcp.sealing
    _at(),
)  # people's own, for servers of tools
codes = Table(
    "codes",
    metadata,
    Column("code", Text, primary_key=True),
    Column("purpose", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("other", Text, nullable=False, server_default=""),
    Column("other_name", Text, nullable=False, server_default=""),
    _at("expires_at"),
    sa.UniqueConstraint("purpose", "account"),
)
welcome = Table("welcome", metadata, Column("account", Text, primary_key=True), _at())
forgotten = Table(
    "forgotten", metadata, Column("digest", sa.LargeBinary, primary_key=True), _at()
)  # of inbox keys of people who are gone: what a platform tells again stays forgotten
typed_commands = Table(
    "typed_commands", metadata, Column("digest", sa.LargeBinary, primary_key=True), _at()
)  # of the keys of messages that were commands, and were carried out
times_forgotten = Table(
    "times_forgotten",
    metadata,
    Column("digest", sa.LargeBinary, primary_key=True),
    Column("times", sa.BigInteger, nullable=False),
    _at(),
)  # how often an account, or it in a place, was forgotten: what was heard before is not received after it
wastebasket = Table(
    "wastebasket",
    metadata,
    _id(),
    _ref("agent_id", "agents.id", index=True),
    Column("audience", Text, nullable=False),
    Column("turn_id", Text, nullable=False, index=True),
    _at("at"),
    Column("contents", secret.JSON, nullable=False),
    sqlite_autoincrement=True,  # an id is never given twice
)  # what was forgotten at a person's wish, until it can't be brought back any more
imports = Table(
    "imports",
    metadata,
    Column("agent_id", Integer, ForeignKey("agents.id", ondelete="CASCADE"), primary_key=True),
    Column("name", Text, primary_key=True),
    _at("at"),
    Column("read_to", sa.BigInteger, nullable=False, server_default="0"),  # key of a message
    Column("spent", Integer, nullable=False, server_default="0"),  # tokens
)  # what was taken over from other programs; its conversations are called after it (memory.records.import_of)
findings = Table(
    "findings",
    metadata,
    _id(),
    _ref("agent_id", "agents.id", index=True),
    Column("import_name", Text, nullable=False),
    Column("core", sa.Boolean, nullable=False),
    Column("text", secret.TEXT, nullable=False),
    Column("turn_id", Text, nullable=False),
    Column("origin", Text, nullable=False),
    _at("said_at"),
    sqlite_autoincrement=True,  # an id is never given twice
)  # what a reflection on an import proposes to keep
outlays = Table(
    "outlays",
    metadata,
    _id(),
    _ref("agent_id", "agents.id"),
    _ref("conversation_id", "conversations.id", index=True),
    Column("model", Text, nullable=False),
    Column("prompt_tokens", Integer, nullable=False),
    Column("completion_tokens", Integer, nullable=False),
    Column("cached_tokens", Integer, nullable=False),
    Column("pictures", Integer, nullable=False),
    Column("characters", Integer, nullable=False),
    Column("seconds", Integer, nullable=False),
    _at("at"),
    Index("outlays_usage", "agent_id", "at"),
    Index("outlays_at", "at"),
)  # what was spent beside the steps of turns: on pictures, speech and hearing
captions = Table(
    "captions",
    metadata,
    Column("agent_id", Integer, ForeignKey("agents.id", ondelete="CASCADE"), primary_key=True),
    Column("digest", secret.WORD, primary_key=True),
    Column("text", secret.TEXT, nullable=False),
    _ref("conversation_id", "conversations.id", index=True),
    Column("event_key", Text, nullable=False, index=True),
    _at(),
)  # what pictures show, as a model said it
room_lines = Table(
    "room_lines",
    metadata,
    Column("key", Number, ForeignKey("messages.key", ondelete="CASCADE"), primary_key=True),
    _ref("user_id", "users.id", index=True),
)  # whose each line of a room's memory is
room_names = Table(
    "room_names",
    metadata,
    Column("agent_id", Integer, ForeignKey("agents.id", ondelete="CASCADE"), primary_key=True),
    Column("name", Text, primary_key=True),
    Column("user_id", Integer, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, index=True),
    Column("number", Integer, nullable=False),
)  # the how-manieth of that name somebody is in a room
kept_out = Table(
    "kept_out", metadata, Column("digest", sa.LargeBinary, primary_key=True), _at()
)  # of accounts whose words no room is to keep
web_keys = Table(
    "web_keys",
    metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Word(WebPass), nullable=False),
    Column("digest", Text, nullable=False, unique=True),  # SHA-256 of the secret, which is kept nowhere
    _ref("user_id", "users.id", index=True),
    Column("account", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("device", Text, nullable=False),
    Column("site", Text, nullable=False, server_default=""),
    _at(),
    _at("seen_at"),
    _at("expires_at"),
)  # links to the memory page, and who is signed in there
web_writes = Table(
    "web_writes",
    metadata,
    Column("key_id", Text, ForeignKey("web_keys.id", ondelete="CASCADE"), primary_key=True),
    Column("name", Text, primary_key=True),
    Column("request", Text, nullable=False),
    Column("target", Text, nullable=False),
    _at("at"),
)  # what programs have written under an Idempotency-Key; digests alone
chores = Table(
    "chores", metadata, Column("name", Text, primary_key=True), _at()
)  # what forgetting has still to do outside of the tables
communities = Table(
    "communities", metadata, Column("id", Text, primary_key=True), Column("name", Text, nullable=False)
)
restrictions = Table(
    "restrictions",
    metadata,
    Column("digest", sa.LargeBinary, primary_key=True),
    Column("subject", Text, nullable=False),
    Column("blocked", sa.Boolean, nullable=False),
    Column("tokens_per_day", sa.BigInteger),
    Column("cost_per_month", sa.Float),
    _at("at"),
)  # what an operator set for an account or a community
orders = Table(
    "orders",
    metadata,
    _id(),
    Column("what", Text, nullable=False),
    Column("about", Text, nullable=False),
    _at("at"),
    sqlite_autoincrement=True,  # an id is never given twice
)  # what the process that runs is to do
deeds = Table(
    "deeds",
    metadata,
    _id(),
    _at("at"),
    Column("who", Text, nullable=False),
    Column("did", Text, nullable=False),
    Column("about", Text, nullable=False),
    sqlite_autoincrement=True,  # an id is never given twice
)  # what operators did
reports = Table(
    "reports",
    metadata,
    _id(),
    _ref("user_id", "users.id", index=True),
    _at("at"),
    Column("account", Text, nullable=False),
    Column("persona", Text, nullable=False),
    Column("community", Text, nullable=False),
    Column("reason", secret.TEXT, nullable=False),
    Column("answer", secret.TEXT, nullable=False),
    sqlite_autoincrement=True,  # an id is never given twice
)  # what people told whoever runs the bot; it goes with them
faults = Table(
    "faults",
    metadata,
    Column("day", Integer, primary_key=True, autoincrement=False),  # counted from the year 1
    Column("kind", Text, primary_key=True),
    Column("platform", Text, primary_key=True),
    Column("model", Text, primary_key=True),
    Column("count", Integer, nullable=False),
    _at("last_at"),
)
meta = Table("meta", metadata, Column("name", Text, primary_key=True), Column("value", Text, nullable=False))

FULL_TEXT = ("messages", "passages")


def _also(statement: str, dialect: str) -> None:
    """What no table declares."""
    ddl = sa.DDL(statement).execute_if(dialect=dialect)  # type: ignore[no-untyped-call]
    sa.event.listen(metadata, "after_create", ddl)


for _kind in FULL_TEXT:
    _also(
        f"CREATE VIRTUAL TABLE {_kind}_terms USING fts5(terms, tokenize=\"ascii tokenchars '_'\")", "sqlite"
    )
    _also(
        f'CREATE TABLE {_kind}_terms (rowid BIGINT PRIMARY KEY, terms TEXT COLLATE "C" NOT NULL)',
        "postgresql",
    )
    _also(
        f'CREATE TABLE {_kind}_postings (scope INTEGER, term TEXT COLLATE "C", seq BIGINT, '
        "PRIMARY KEY (scope, term, seq))",
        "postgresql",
    )
    _also(
        f"ALTER TABLE {_kind}_vectors ALTER COLUMN data SET STORAGE PLAIN", "postgresql"
    )  # nothing to compress
_also("CREATE INDEX inbox_lately ON inbox (agent_id, received_at)", "postgresql")  # for `received_lately`
# What SQLite has of itself: the order in which rows came.
_also("ALTER TABLE turns ADD COLUMN seq BIGINT GENERATED BY DEFAULT AS IDENTITY", "postgresql")
for _table in ("passage_tags", "contributors"):  # whose passages may be given other keys
    _also(f"ALTER TABLE {_table} ALTER CONSTRAINT {_table}_key_fkey DEFERRABLE", "postgresql")
for _table in ("agents", "inbox", "outbox", "turns", "beats"):  # changed at every turn: on the same page
    _also(f"ALTER TABLE {_table} SET (fillfactor = 80)", "postgresql")


# PostgreSQL's statistics of a column are its values, and no rewriting of a table takes them away: none of what people
# said or are called. (What is left are words of ours, and turns.)
_also(
    """
    DO $$ DECLARE one record; BEGIN FOR one IN
        SELECT attrelid, attname FROM pg_attribute JOIN pg_class c ON c.oid = attrelid
        WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r' AND relname != 'alembic_version'
        AND attnum > 0 AND NOT attisdropped AND atttypid IN ('text'::regtype, 'bytea'::regtype)
        AND attname NOT IN ('kind', 'role', 'state', 'turn_id')
    LOOP
        EXECUTE 'ALTER TABLE ' || one.attrelid::regclass || ' ALTER COLUMN ' || quote_ident(one.attname)
            || ' SET STATISTICS 0';
    END LOOP; END $$
    """,
    "postgresql",
)


@cache
def terms(kind: str) -> sa.TableClause:
    """The full-text table beside ``messages`` or ``passages``."""
    return sa.table(f"{kind}_terms", sa.column("rowid", Number), sa.column("terms", Text))
