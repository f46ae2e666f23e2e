"""The first schema.

Revision ID: 0001
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from memory.store.tables import Moment, Number, Text

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "archives",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", Text, nullable=False),
        sa.Column("name", Text, nullable=False),
        sa.Column("collection", Text, nullable=False),
        sa.Column("last_seq", sa.Integer(), server_default="0", nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("collection"),
        sa.UniqueConstraint("name"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "blocks",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("owner", Text, nullable=False),
        sa.Column("label", Text, nullable=False),
        sa.Column("audience", Text, nullable=False),
        sa.Column("value", Text, nullable=False),
        sa.Column("limit", sa.Integer(), nullable=False),
        sa.Column("description", Text, nullable=False),
        sa.Column("read_only", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("updated_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("owner", "label", "audience"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "chores",
        sa.Column("name", Text, nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "codes",
        sa.Column("code", Text, nullable=False),
        sa.Column("purpose", Text, nullable=False),
        sa.Column("account", Text, nullable=False),
        sa.Column("name", Text, nullable=False),
        sa.Column("address", Text, nullable=False),
        sa.Column("other", Text, server_default="", nullable=False),
        sa.Column("other_name", Text, server_default="", nullable=False),
        sa.Column("expires_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("code"),
        sa.UniqueConstraint("purpose", "account"),
    )
    op.create_table(
        "communities",
        sa.Column("id", Text, nullable=False),
        sa.Column("name", Text, nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "departures",
        sa.Column("community", Text, nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("community"),
    )
    op.create_table(
        "forgotten",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("digest"),
    )
    op.create_table(
        "messages_vectors",
        sa.Column("key", Number, nullable=False),
        sa.Column("audience", Text, nullable=False),
        sa.Column("embedder", Text, nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_table(
        "meta",
        sa.Column("name", Text, nullable=False),
        sa.Column("value", Text, nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "passages",
        sa.Column("key", Number, nullable=False),
        sa.Column("uid", Text, nullable=False),
        sa.Column("audience", Text, nullable=False),
        sa.Column("text", Text, nullable=False),
        sa.Column("tags", sa.JSON(), nullable=False),
        sa.Column("source", Text, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("digest", Text, nullable=False),
        sa.Column("turn_id", Text, nullable=True),
        sa.Column("indexed", sa.Boolean(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("key"),
        sa.UniqueConstraint("uid"),
    )
    op.create_index(op.f("ix_passages_turn_id"), "passages", ["turn_id"], unique=False)
    op.create_index("passages_digest", "passages", ["digest"], unique=False)
    op.create_index(
        "passages_unindexed",
        "passages",
        ["key"],
        unique=False,
        sqlite_where=sa.text("indexed = 0"),
        postgresql_where=sa.text("NOT indexed"),
    )
    op.create_table(
        "passages_vectors",
        sa.Column("key", Number, nullable=False),
        sa.Column("audience", Text, nullable=False),
        sa.Column("embedder", Text, nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_table(
        "personas",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", Text, nullable=False),
        sa.Column("description", Text, server_default="", nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("definition", sa.JSON(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("retired_at", Moment(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "users",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", Text, nullable=False),
        sa.Column("timezone", Text, server_default="UTC", nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "welcome",
        sa.Column("account", Text, nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("account"),
    )
    op.create_table(
        "accounts",
        sa.Column("account", Text, nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("account"),
    )
    op.create_index(op.f("ix_accounts_user_id"), "accounts", ["user_id"], unique=False)
    op.create_table(
        "agents",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("persona_id", sa.Integer(), nullable=False),
        sa.Column("name", Text, nullable=False),
        sa.Column("archive_id", sa.Integer(), nullable=False),
        sa.Column("paused_until", Moment(), nullable=True),
        sa.Column("created_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(
            ["archive_id"],
            ["archives.id"],
        ),
        sa.ForeignKeyConstraint(
            ["persona_id"],
            ["personas.id"],
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name"),
        sa.UniqueConstraint("user_id", "persona_id"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "avatars",
        sa.Column("persona_id", sa.Integer(), nullable=False),
        sa.Column("media_type", Text, nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["persona_id"], ["personas.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("persona_id"),
    )
    op.create_table(
        "bindings",
        sa.Column("place", Text, nullable=False),
        sa.Column("community", Text, nullable=False),
        sa.Column("persona_id", sa.Integer(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["persona_id"], ["personas.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("place"),
    )
    op.create_index(op.f("ix_bindings_community"), "bindings", ["community"], unique=False)
    op.create_index(op.f("ix_bindings_persona_id"), "bindings", ["persona_id"], unique=False)
    op.create_table(
        "block_history",
        sa.Column("id", Number, nullable=False),
        sa.Column("block_id", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("before", Text, nullable=False),
        sa.Column("after", Text, nullable=False),
        sa.Column("turn_id", Text, nullable=True),
        sa.Column("at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["block_id"], ["blocks.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_block_history_block_id"), "block_history", ["block_id"], unique=False)
    op.create_index(op.f("ix_block_history_turn_id"), "block_history", ["turn_id"], unique=False)
    op.create_table(
        "contributors",
        sa.Column("key", Number, nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["key"], ["passages.key"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("key", "user_id"),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_contributors_user_id"), "contributors", ["user_id"], unique=False)
    op.create_table(
        "files",
        sa.Column("archive_id", sa.Integer(), nullable=False),
        sa.Column("digest", Text, nullable=False),
        sa.Column("path", Text, nullable=False),
        sa.Column("chunks", sa.Integer(), nullable=False),
        sa.Column("loaded_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["archive_id"], ["archives.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("archive_id", "digest"),
    )
    op.create_table(
        "openings",
        sa.Column("copy", Text, nullable=False),
        sa.Column("original", Text, nullable=False),
        sa.ForeignKeyConstraint(["copy"], ["passages.uid"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("copy"),
    )
    op.create_index(op.f("ix_openings_original"), "openings", ["original"], unique=False)
    op.create_table(
        "passage_tags",
        sa.Column("tag", Text, nullable=False),
        sa.Column("key", Number, nullable=False),
        sa.ForeignKeyConstraint(["key"], ["passages.key"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("tag", "key"),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_passage_tags_key"), "passage_tags", ["key"], unique=False)
    op.create_table(
        "persona_versions",
        sa.Column("persona_id", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["persona_id"], ["personas.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("persona_id", "version"),
    )
    op.create_index(op.f("ix_persona_versions_user_id"), "persona_versions", ["user_id"], unique=False)
    op.create_table(
        "picks",
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("persona_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["persona_id"], ["personas.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("user_id"),
    )
    op.create_index(op.f("ix_picks_persona_id"), "picks", ["persona_id"], unique=False)
    op.create_table(
        "attachments",
        sa.Column("agent_id", sa.Integer(), nullable=False),
        sa.Column("archive_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["agent_id"], ["agents.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["archive_id"], ["archives.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("agent_id", "archive_id"),
    )
    op.create_table(
        "beats",
        sa.Column("agent_id", sa.Integer(), nullable=False),
        sa.Column("next_at", Moment(), nullable=True),
        sa.Column("last_at", Moment(), nullable=True),
        sa.Column("heard_at", Moment(), nullable=True),
        sa.Column("speak", sa.Boolean(), nullable=True),
        sa.Column("every_s", sa.Integer(), nullable=True),
        sa.Column("first_hour", sa.Integer(), nullable=True),
        sa.Column("last_hour", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["agent_id"], ["agents.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("agent_id"),
    )
    op.create_index(op.f("ix_beats_next_at"), "beats", ["next_at"], unique=False)
    op.create_table(
        "conversations",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("agent_id", sa.Integer(), nullable=False),
        sa.Column("address", Text, nullable=False),
        sa.Column("audience", Text, nullable=False),
        sa.Column("warned", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["agent_id"], ["agents.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("agent_id", "address", "audience"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "proposals",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("persona_id", sa.Integer(), nullable=False),
        sa.Column("label", Text, nullable=False),
        sa.Column("before", Text, nullable=False),
        sa.Column("value", Text, nullable=False),
        sa.Column("agent_id", sa.Integer(), nullable=False),
        sa.Column("community", Text, nullable=False),
        sa.Column("turn_id", Text, nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["agent_id"], ["agents.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["persona_id"], ["personas.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_proposals_agent_id"), "proposals", ["agent_id"], unique=False)
    op.create_index(op.f("ix_proposals_persona_id"), "proposals", ["persona_id"], unique=False)
    op.create_index(op.f("ix_proposals_turn_id"), "proposals", ["turn_id"], unique=False)
    op.create_table(
        "inbox",
        sa.Column("id", Number, nullable=False),
        sa.Column("key", Text, nullable=False),
        sa.Column("agent_id", sa.Integer(), nullable=False),
        sa.Column("conversation_id", sa.Integer(), nullable=False),
        sa.Column("kind", Text, nullable=False),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("received_at", Moment(), nullable=False),
        sa.Column("turn_id", Text, nullable=True),
        sa.Column("done", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["agent_id"], ["agents.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["conversation_id"], ["conversations.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("key"),
    )
    op.create_index("inbox_conversation", "inbox", ["conversation_id", "id"], unique=False)
    op.create_index(
        "inbox_waiting",
        "inbox",
        ["agent_id", "id"],
        unique=False,
        sqlite_where=sa.text("done = 0"),
        postgresql_where=sa.text("NOT done"),
    )
    op.create_index(op.f("ix_inbox_turn_id"), "inbox", ["turn_id"], unique=False)
    op.create_table(
        "messages",
        sa.Column("key", Number, nullable=False),
        sa.Column("conversation_id", sa.Integer(), nullable=False),
        sa.Column("audience", Text, nullable=False),
        sa.Column("role", Text, nullable=False),
        sa.Column("author", Text, nullable=False),
        sa.Column("text", Text, nullable=False),
        sa.Column("rendered", Text, nullable=False),
        sa.Column("tokens", sa.Integer(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("turn_id", Text, nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("event_key", Text, nullable=True),
        sa.Column("queued", sa.Boolean(), nullable=False),
        sa.Column("salience", sa.Float(), nullable=False),
        sa.Column("indexed", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["conversation_id"], ["conversations.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("key"),
        sa.UniqueConstraint("event_key"),
    )
    op.create_index(op.f("ix_messages_turn_id"), "messages", ["turn_id"], unique=False)
    op.create_index(
        "messages_queue",
        "messages",
        ["conversation_id", "key"],
        unique=False,
        sqlite_where=sa.text("queued = 1"),
        postgresql_where=sa.text("queued"),
    )
    op.create_index(
        "messages_unindexed",
        "messages",
        ["key"],
        unique=False,
        sqlite_where=sa.text("indexed = 0"),
        postgresql_where=sa.text("NOT indexed"),
    )
    op.create_table(
        "outbox",
        sa.Column("seq", Number, nullable=False),
        sa.Column("id", Text, nullable=False),
        sa.Column("agent_id", sa.Integer(), nullable=False),
        sa.Column("conversation_id", sa.Integer(), nullable=False),
        sa.Column("address", Text, nullable=False),
        sa.Column("turn_id", Text, nullable=False),
        sa.Column("kind", Text, nullable=False),
        sa.Column("text", Text, nullable=False),
        sa.Column("in_reply_to", sa.JSON(), nullable=False),
        sa.Column("state", Text, nullable=False),
        sa.Column("receipt", Text, nullable=True),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("claimed_at", Moment(), nullable=True),
        sa.Column("sent_at", Moment(), nullable=True),
        sa.ForeignKeyConstraint(["agent_id"], ["agents.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["conversation_id"], ["conversations.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("seq"),
        sa.UniqueConstraint("id"),
    )
    op.create_index(op.f("ix_outbox_agent_id"), "outbox", ["agent_id"], unique=False)
    op.create_index(op.f("ix_outbox_turn_id"), "outbox", ["turn_id"], unique=False)
    op.create_index(
        "outbox_open",
        "outbox",
        ["seq"],
        unique=False,
        sqlite_where=sa.text("state IN ('ready', 'sending')"),
        postgresql_where=sa.text("state IN ('ready', 'sending')"),
    )
    op.create_table(
        "summaries",
        sa.Column("conversation_id", sa.Integer(), nullable=False),
        sa.Column("text", Text, nullable=False),
        sa.Column("rendered", Text, nullable=False),
        sa.Column("tokens", sa.Integer(), nullable=False),
        sa.Column("messages", sa.Integer(), nullable=False),
        sa.Column("since", Moment(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["conversation_id"], ["conversations.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("conversation_id"),
    )
    op.create_table(
        "turns",
        sa.Column("id", Text, nullable=False),
        sa.Column("agent_id", sa.Integer(), nullable=False),
        sa.Column("conversation_id", sa.Integer(), nullable=False),
        sa.Column("kind", Text, nullable=False),
        sa.Column("state", Text, nullable=False),
        sa.Column("notified", sa.Boolean(), nullable=False),
        sa.Column("started_at", Moment(), nullable=False),
        sa.Column("ended_at", Moment(), nullable=True),
        sa.ForeignKeyConstraint(["agent_id"], ["agents.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["conversation_id"], ["conversations.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("turns_conversation", "turns", ["conversation_id", "started_at"], unique=False)
    op.create_index(
        "turns_running",
        "turns",
        ["agent_id"],
        unique=False,
        sqlite_where=sa.text("state = 'running'"),
        postgresql_where=sa.text("state = 'running'"),
    )
    op.create_table(
        "wishes",
        sa.Column("id", Text, nullable=False),
        sa.Column("agent_id", sa.Integer(), nullable=False),
        sa.Column("conversation_id", sa.Integer(), nullable=False),
        sa.Column("about", Text, nullable=False),
        sa.Column("rule", Text, nullable=False),
        sa.Column("turn_id", Text, nullable=False),
        sa.Column("next_at", Moment(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["agent_id"], ["agents.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["conversation_id"], ["conversations.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_wishes_agent_id"), "wishes", ["agent_id"], unique=False)
    op.create_index(op.f("ix_wishes_next_at"), "wishes", ["next_at"], unique=False)
    op.create_index(op.f("ix_wishes_turn_id"), "wishes", ["turn_id"], unique=False)
    op.create_table(
        "quotes",
        sa.Column("inbox_id", Number, nullable=False),
        sa.Column("key", Text, nullable=False),
        sa.Column("account", Text, nullable=False),
        sa.ForeignKeyConstraint(["inbox_id"], ["inbox.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("inbox_id", "key"),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_quotes_account"), "quotes", ["account"], unique=False)
    op.create_index(op.f("ix_quotes_key"), "quotes", ["key"], unique=False)
    op.create_table(
        "steps",
        sa.Column("turn_id", Text, nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("agent_id", sa.Integer(), nullable=False),
        sa.Column("model", Text, nullable=False),
        sa.Column("prompt_tokens", sa.Integer(), nullable=False),
        sa.Column("completion_tokens", sa.Integer(), nullable=False),
        sa.Column("cached_tokens", sa.Integer(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["agent_id"], ["agents.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["turn_id"], ["turns.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("turn_id", "step"),
    )
    op.create_index("steps_usage", "steps", ["agent_id", "at"], unique=False)
    # What SQLAlchemy has no words for, or one of the databases alone.
    sqlite = op.get_bind().dialect.name == "sqlite"
    for statement in _SQLITE if sqlite else _POSTGRES:
        op.execute(statement)


_KINDS = ("messages", "passages")
_SQLITE = [
    f"CREATE VIRTUAL TABLE {kind}_terms USING fts5(terms, tokenize=\"ascii tokenchars '_'\")"
    for kind in _KINDS
]
_POSTGRES = [
    *(
        f'CREATE TABLE {kind}_terms (rowid BIGINT PRIMARY KEY, terms TEXT COLLATE "C" NOT NULL)'
        for kind in _KINDS
    ),
    *(
        f'CREATE TABLE {kind}_postings (scope INTEGER, term TEXT COLLATE "C", seq BIGINT, '
        "PRIMARY KEY (scope, term, seq))"
        for kind in _KINDS
    ),
    *(f"ALTER TABLE {kind}_vectors ALTER COLUMN data SET STORAGE PLAIN" for kind in _KINDS),
    "ALTER TABLE turns ADD COLUMN seq BIGINT GENERATED BY DEFAULT AS IDENTITY",
    *(
        f"ALTER TABLE {table} ALTER CONSTRAINT {table}_key_fkey DEFERRABLE"
        for table in ("passage_tags", "contributors")
    ),
    *(
        f"ALTER TABLE {table} SET (fillfactor = 80)"
        for table in ("agents", "inbox", "outbox", "turns", "beats")
    ),
]
