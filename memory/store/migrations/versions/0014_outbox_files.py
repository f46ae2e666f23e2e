"""Files that are to be sent.

Revision ID: 0014
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from memory.store.tables import Text

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.create_table(
        "outbox_files",
        sa.Column("outbox_id", Text, nullable=False),
        sa.Column("name", Text, nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["outbox_id"], ["outbox.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("outbox_id"),
    )
