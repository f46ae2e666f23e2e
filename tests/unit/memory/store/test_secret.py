"""Of each column it is decided whether what it holds is sealed, where anything is (docs/scale.md)."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql.asyncpg import dialect as asyncpg_dialect

from memory.store import tables as t
from memory.store.postgres.sealing import OWNERS
from memory.store.secret import marks

PLAIN = {
    "accounts.account", "agents.name", "archives.collection", "archives.kind", "archives.name", "asks.id", "asks.tool",
    "asks.turn_id", "block_history.turn_id", "blocks.audience", "blocks.description", "blocks.label", "blocks.owner",
    "captions.event_key", "codes.account", "codes.address", "codes.code", "codes.name", "codes.other",
    "codes.other_name", "codes.purpose", "communities.id", "communities.name", "conversations.address",
    "conversations.audience", "credentials.sealed", "credentials.service", "findings.import_name", "findings.origin",
    "findings.turn_id", "forgotten.digest", "imports.name", "inbox.key", "inbox.kind", "inbox.turn_id",
    "kept_out.digest", "messages.audience", "messages.author", "messages.event_key", "messages.origin",
    "messages.role", "messages.turn_id", "messages_vectors.audience", "messages_vectors.embedder",
    "openings.copy", "openings.original", "outbox.address", "outbox.id", "outbox.in_reply_to", "outbox.kind",
    "outbox.receipt", "outbox.state", "outbox.turn_id", "outbox_files.outbox_id", "outlays.model",
    "passages.audience", "passages.origin", "passages.replaced_by", "passages.turn_id", "passages.uid",
    "passages_vectors.audience", "passages_vectors.embedder", "proposals.community", "proposals.label",
    "proposals.turn_id", "quotes.account", "quotes.key", "reports.account", "reports.community", "reports.persona",
    "room_names.name", "steps.model", "steps.turn_id", "turns.id", "turns.kind", "turns.state", "users.language",
    "users.locale", "users.name", "users.rooms", "users.timezone", "wastebasket.audience", "wastebasket.turn_id",
    "web_keys.account", "web_keys.address", "web_keys.device", "web_keys.digest", "web_keys.id", "web_keys.kind",
    "times_forgotten.digest", "typed_commands.digest",
    "web_keys.site", "web_writes.key_id", "web_writes.name", "web_writes.request", "web_writes.target",
    "welcome.account", "wishes.id", "wishes.rule", "wishes.turn_id",
}  # fmt: skip
"""Columns that say who and when, and never what (docs/scale.md): what somebody said does not belong there."""
OPERATORS = {
    "avatars", "bindings", "chores", "deeds", "departures", "faults", "files", "meta", "orders", "persona_versions",
    "personas", "restrictions",
}  # fmt: skip


def test_of_each_column_it_is_decided_whether_it_is_sealed() -> None:
    dialect = asyncpg_dialect()  # type: ignore[no-untyped-call]
    undecided = [
        f"{table.name}.{column.name}"
        for table in t.metadata.sorted_tables
        if table.name not in OPERATORS
        for column in table.columns
        if isinstance(
            column.type.dialect_impl(dialect).dialect_impl(dialect), sa.String | sa.JSON | sa.LargeBinary
        )
        or isinstance(getattr(column.type, "impl", None), sa.String | sa.JSON | sa.LargeBinary)
        if marks(column.type, dialect) is None and f"{table.name}.{column.name}" not in PLAIN
    ]
    assert undecided == [], "seal it (memory.store.secret), or say that nothing which was said lies there"
    sealed = {
        table.name for table in t.metadata.sorted_tables if any(marks(c.type, dialect) for c in table.columns)
    }
    assert sealed == set(OWNERS)
