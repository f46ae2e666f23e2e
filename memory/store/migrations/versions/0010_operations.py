"""What operators decide and did, orders to the process that runs, what went wrong; usage is found by its time.

Revision ID: 0010
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from memory.store.tables import Text

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.create_table(
        "restrictions",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("subject", Text, nullable=False),
        sa.Column("blocked", sa.Boolean(), nullable=False),
        sa.Column("tokens_per_day", sa.BigInteger()),
        sa.Column("cost_per_month", sa.Float()),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("digest"),
    )
    op.create_table(
        "orders",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("what", Text, nullable=False),
        sa.Column("about", Text, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "deeds",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("who", Text, nullable=False),
        sa.Column("did", Text, nullable=False),
        sa.Column("about", Text, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "faults",
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("kind", Text, nullable=False),
        sa.Column("platform", Text, nullable=False),
        sa.Column("model", Text, nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("last_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("day", "kind", "platform", "model"),
    )
    op.create_index("steps_at", "steps", ["at"], unique=False)
