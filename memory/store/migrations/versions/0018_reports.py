"""Answers that people reported to whoever runs the bot.

Revision ID: 0018
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from memory.store.tables import Moment, Text

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    op.create_table(
        "reports",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("account", Text, nullable=False),
        sa.Column("persona", Text, nullable=False),
        sa.Column("community", Text, nullable=False),
        sa.Column("reason", Text, nullable=False),
        sa.Column("answer", Text, nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_reports_user_id", "reports", ["user_id"])
