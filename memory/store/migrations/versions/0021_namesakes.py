"""The how-manieth of one name somebody is in a room that remembers: in the order in which they first spoke.

Revision ID: 0021
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from memory.store.tables import Text

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    op.create_table(
        "room_names",
        sa.Column("agent_id", sa.Integer(), nullable=False),
        sa.Column("name", Text, nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["agent_id"], ["agents.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("agent_id", "name", "user_id"),
    )
    op.create_index(op.f("ix_room_names_user_id"), "room_names", ["user_id"], unique=False)
    op.execute(
        "INSERT INTO room_names (agent_id, name, user_id, number) "
        "SELECT agent_id, name, user_id, row_number() OVER (PARTITION BY agent_id, name ORDER BY first) FROM "
        "(SELECT c.agent_id AS agent_id, m.author AS name, l.user_id AS user_id, min(l.key) AS first "
        "FROM room_lines l JOIN messages m ON m.key = l.key JOIN conversations c ON c.id = m.conversation_id "
        "GROUP BY c.agent_id, m.author, l.user_id) AS heard"
    )
