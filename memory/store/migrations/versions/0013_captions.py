"""What pictures show.

Revision ID: 0013
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from memory.store.tables import Text

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.create_table(
        "captions",
        sa.Column("agent_id", sa.Integer(), nullable=False),
        sa.Column("digest", Text, nullable=False),
        sa.Column("text", Text, nullable=False),
        sa.Column("conversation_id", sa.Integer(), nullable=False),
        sa.Column("event_key", Text, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["agent_id"], ["agents.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["conversation_id"], ["conversations.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("agent_id", "digest"),
    )
    op.create_index(op.f("ix_captions_conversation_id"), "captions", ["conversation_id"], unique=False)
    op.create_index(op.f("ix_captions_event_key"), "captions", ["event_key"], unique=False)
