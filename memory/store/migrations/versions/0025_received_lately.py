"""On PostgreSQL, where several processes hear people: what was received of somebody of late is found at once.

Revision ID: 0025
"""

from __future__ import annotations

from alembic import op

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("CREATE INDEX inbox_lately ON inbox (agent_id, received_at)")
