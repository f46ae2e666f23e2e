"""A conversation knows how much of core memory's history its system text shows, so that it is the same after a restart.

Revision ID: 0005
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from memory.store.tables import Number

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.add_column("conversations", sa.Column("shown_edit", Number, nullable=True))
