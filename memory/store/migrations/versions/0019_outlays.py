"""What was spent beside the steps of turns.

Revision ID: 0019
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from memory.store.tables import Moment, Text

revision = "0019"
down_revision = "0018"

_COUNTS = ("prompt_tokens", "completion_tokens", "cached_tokens", "pictures", "characters", "seconds")


def upgrade() -> None:
    op.create_table(
        "outlays",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("agent_id", sa.Integer(), nullable=False),
        sa.Column("conversation_id", sa.Integer(), nullable=False),
        sa.Column("model", Text, nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in _COUNTS),
        sa.Column("at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["agent_id"], ["agents.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["conversation_id"], ["conversations.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_outlays_conversation_id"), "outlays", ["conversation_id"])
    op.create_index("outlays_usage", "outlays", ["agent_id", "at"])
    op.create_index("outlays_at", "outlays", ["at"])
