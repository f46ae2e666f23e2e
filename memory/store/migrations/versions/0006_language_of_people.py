"""A person has the language that they chose, and the locale that their platform last told.

Revision ID: 0006
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from memory.store.tables import Text

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    for name in ("language", "locale"):
        op.add_column("users", sa.Column(name, Text, nullable=False, server_default=""))
