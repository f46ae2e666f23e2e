"""Messages know where they were said, if not here; imports, and what was found in them.

Revision ID: 0007
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from memory.store.tables import Text

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.add_column("messages", sa.Column("origin", Text, nullable=False, server_default=""))
    op.create_table(
        "imports",
        sa.Column("agent_id", sa.Integer(), nullable=False),
        sa.Column("name", Text, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("read_to", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("spent", sa.Integer(), nullable=False, server_default="0"),
        sa.ForeignKeyConstraint(["agent_id"], ["agents.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("agent_id", "name"),
    )
    op.create_table(
        "findings",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("agent_id", sa.Integer(), nullable=False),
        sa.Column("import_name", Text, nullable=False),
        sa.Column("core", sa.Boolean(), nullable=False),
        sa.Column("text", Text, nullable=False),
        sa.Column("turn_id", Text, nullable=False),
        sa.Column("origin", Text, nullable=False),
        sa.Column("said_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["agent_id"], ["agents.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_findings_agent_id"), "findings", ["agent_id"], unique=False)
