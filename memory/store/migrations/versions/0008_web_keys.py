"""Links to the memory page, and who is signed in there.

Revision ID: 0008
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from memory.store.tables import Text

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.create_table(
        "web_keys",
        sa.Column("id", Text, nullable=False),
        sa.Column("kind", Text, nullable=False),
        sa.Column("digest", Text, nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("account", Text, nullable=False),
        sa.Column("address", Text, nullable=False),
        sa.Column("device", Text, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("digest"),
    )
    op.create_index(op.f("ix_web_keys_user_id"), "web_keys", ["user_id"], unique=False)
