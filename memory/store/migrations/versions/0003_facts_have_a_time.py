"""Passages know from when until when they hold, what holds instead, and who said it.

Revision ID: 0003
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from memory.store.tables import Text

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    for name in ("since", "until"):
        op.add_column("passages", sa.Column(name, sa.BigInteger(), nullable=True))
    for name in ("replaced_by", "origin"):
        op.add_column("passages", sa.Column(name, Text, nullable=False, server_default=""))
    closed = sa.text("until IS NOT NULL")
    op.create_index(
        "passages_closed", "passages", ["key"], unique=False, sqlite_where=closed, postgresql_where=closed
    )
    op.add_column("passages", sa.Column("doubtful", sa.Boolean(), nullable=False, server_default=sa.false()))
