"""Alembic's entry: runs the versions on the connection that the store hands over."""

from __future__ import annotations

from alembic import context

from memory.store.tables import metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata)
context.run_migrations()
