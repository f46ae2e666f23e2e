"""What came to mind at each turn, and why.

Revision ID: 0022
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from memory.store.tables import Text

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    op.add_column("turns", sa.Column("surfaced", Text, nullable=False, server_default=""))
