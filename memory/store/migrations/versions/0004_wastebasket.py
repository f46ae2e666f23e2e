"""What was forgotten at a person's wish may be brought back for a while.

Revision ID: 0004
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from memory.store.tables import Text

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "wastebasket",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("agent_id", sa.Integer(), sa.ForeignKey("agents.id", ondelete="CASCADE"), nullable=False),
        sa.Column("audience", Text, nullable=False),
        sa.Column("turn_id", Text, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("contents", sa.JSON(), nullable=False),
        sqlite_autoincrement=True,
    )
    for name in ("agent_id", "turn_id"):
        op.create_index(op.f(f"ix_wastebasket_{name}"), "wastebasket", [name], unique=False)
