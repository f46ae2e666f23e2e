"""Sessions of the widget on a site of somebody's: which site.

Revision ID: 0020
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from memory.store.tables import Text

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    op.add_column("web_keys", sa.Column("site", Text, nullable=False, server_default=""))
