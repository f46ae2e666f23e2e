"""Commands that were typed as messages: they are carried out once, however often a platform tells the message.

Revision ID: 0026
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    op.create_table(
        "typed_commands",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("digest"),
    )
    if op.get_bind().dialect.name == "postgresql":  # as all that may be somebody's (0023)
        op.execute("ALTER TABLE typed_commands ALTER COLUMN digest SET STATISTICS 0")
