"""Whether a person wants their secrets to be kept.

Revision ID: 0015
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    op.add_column("users", sa.Column("keeps_secrets", sa.Boolean, nullable=False, server_default=sa.false()))
