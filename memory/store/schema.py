"""The schema's versions: one history (Alembic's) for both databases."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

from memory.errors import StoreTooNew

HEAD = "0026"
"""The newest migration. A test proves that it is Alembic's head too."""


def refuse_newer(version: str | None, where: str, remedy: str) -> None:
    """Raises `StoreTooNew` when a newer everbot wrote the database ``where``."""
    if version is not None and version > HEAD:
        raise StoreTooNew(
            f"{where} was written by a newer everbot (schema {version}, this one knows {HEAD}). Upgrade everbot, or "
            f"{remedy}."
        )


def migrate(connection: sa.Connection, version: str = HEAD) -> None:
    """Bring the database to this version, in the transaction that is open on the connection."""
    # Imported here: Alembic costs 0.1 s at every start, and is needed at few.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, version)
