"""Passages know the file that they are pieces of, so that it can be replaced.

Revision ID: 0002
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import PurePath

import sqlalchemy as sa
from alembic import op

from memory.store.tables import Text

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("passages", sa.Column("file", Text, nullable=True))
    op.create_index(op.f("ix_passages_file"), "passages", ["file"], unique=False)
    connection = op.get_bind()
    files: dict[tuple[int, str], list[str]] = defaultdict(list)
    for archive, digest, path in connection.execute(sa.text("SELECT archive_id, digest, path FROM files")):
        files[archive, PurePath(path).name].append(digest)
    for (archive, name), digests in files.items():
        if len(digests) == 1:  # of files of one name in different folders nothing tells whose a passage was
            connection.execute(
                sa.text("UPDATE passages SET file = :digest WHERE (key >> 32) = :archive AND source = :name"),
                {"digest": digests[0], "archive": archive, "name": name},
            )
