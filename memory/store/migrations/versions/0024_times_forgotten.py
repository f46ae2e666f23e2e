"""How often people were forgotten: what another process has heard of them, and not received, is let go.

Revision ID: 0024
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    op.create_table(
        "times_forgotten",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("times", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("digest"),
    )
    if op.get_bind().dialect.name == "postgresql":  # as all that may be somebody's (0023)
        op.execute("ALTER TABLE times_forgotten ALTER COLUMN digest SET STATISTICS 0")
