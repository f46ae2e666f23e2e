"""Agents count their messages, and the versions of their memory, for a database that several processes write.

Revision ID: 0009
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from memory.store.tables import Number

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    for name in ("last_seq", "version"):
        op.add_column("agents", sa.Column(name, Number, nullable=False, server_default="0"))
