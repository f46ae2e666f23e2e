"""Calls that wait for a person's word; posts with buttons.

Revision ID: 0011
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from memory.store.tables import Text

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.add_column("outbox", sa.Column("actions", sa.JSON(), nullable=False, server_default="[]"))
    op.create_table(
        "asks",
        sa.Column("id", Text, nullable=False),
        sa.Column("agent_id", sa.Integer(), nullable=False),
        sa.Column("conversation_id", sa.Integer(), nullable=False),
        sa.Column("turn_id", Text, nullable=False),
        sa.Column("tool", Text, nullable=False),
        sa.Column("arguments", Text, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["agent_id"], ["agents.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["conversation_id"], ["conversations.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_asks_agent_id"), "asks", ["agent_id"], unique=False)
    op.create_index(op.f("ix_asks_turn_id"), "asks", ["turn_id"], unique=False)
