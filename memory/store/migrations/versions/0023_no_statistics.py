"""PostgreSQL keeps no statistics of what people said: those are values, and outlive what was forgotten.

Revision ID: 0023
"""

from __future__ import annotations

from alembic import op

revision = "0023"
down_revision = "0022"

# To give a column the type that it has throws away what statistics there are of it; no row is written for it.
_NONE = """
    DO $$ DECLARE one record; BEGIN FOR one IN
        SELECT attrelid, attname, atttypid, attcollation, EXISTS (
            SELECT 1 FROM pg_stats s WHERE s.schemaname = current_schema() AND s.tablename = c.relname
            AND s.attname = a.attname
        ) AS known
        FROM pg_attribute a JOIN pg_class c ON c.oid = attrelid
        WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r' AND relname != 'alembic_version'
        AND attnum > 0 AND NOT attisdropped AND atttypid IN ('text'::regtype, 'bytea'::regtype)
        AND attname NOT IN ('kind', 'role', 'state', 'turn_id')
    LOOP
        IF one.known THEN
            EXECUTE 'ALTER TABLE ' || one.attrelid::regclass || ' ALTER COLUMN ' || quote_ident(one.attname)
                || ' TYPE ' || one.atttypid::regtype
                || CASE WHEN one.attcollation = 0 THEN '' ELSE ' COLLATE ' || one.attcollation::regcollation END;
        END IF;
        EXECUTE 'ALTER TABLE ' || one.attrelid::regclass || ' ALTER COLUMN ' || quote_ident(one.attname)
            || ' SET STATISTICS 0';
    END LOOP; END $$
"""


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(_NONE)
