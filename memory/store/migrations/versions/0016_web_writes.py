"""What programs have written under a key of their choice.

Revision ID: 0016
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from memory.store.tables import Text

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    op.create_table(
        "web_writes",
        sa.Column("key_id", Text, nullable=False),
        sa.Column("name", Text, nullable=False),
        sa.Column("request", Text, nullable=False),
        sa.Column("target", Text, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["key_id"], ["web_keys.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("key_id", "name"),
    )
