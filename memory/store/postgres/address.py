"""Where a PostgreSQL database is, and who asks there."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from memory.errors import StoreUnavailable

_SCHEMES = ("postgresql", "postgres")
_OPTIONS = {"host", "port", "passfile", "ssl", "target_session_attrs"}  # what asyncpg takes of them


@dataclass(frozen=True)
class Address:
    """``url`` is SQLAlchemy's; ``plain`` what PostgreSQL's own programs take, without the password."""

    url: sa.URL

    @classmethod
    def of(cls, text: str) -> Address:
        """Raises `StoreUnavailable` when it is none."""
        try:
            url = sa.make_url(text)
        except (sa.exc.ArgumentError, ValueError):
            url = None
        if url is None or url.drivername not in _SCHEMES or not url.database:
            raise StoreUnavailable(
                "store.url (EVERBOT_STORE__URL) is no address of a PostgreSQL database: it is written "
                "postgresql://user:password@host:5432/everbot."
            )
        options = {{"sslmode": "ssl"}.get(name, name): value for name, value in url.query.items()}
        if unknown := options.keys() - _OPTIONS:
            raise StoreUnavailable(
                f"store.url (EVERBOT_STORE__URL) has options that are not known: {', '.join(sorted(unknown))}. Known: "
                f"sslmode, {', '.join(sorted(_OPTIONS))}."
            )
        return cls(url.set(drivername="postgresql+asyncpg", query=options))

    @property
    def shown(self) -> str:
        """For people and logs: without user, password and options."""
        host = self.url.query.get("host", self.url.host or "localhost")
        port = f":{self.url.port}" if self.url.port else ""
        return f"postgresql://{host}{port}/{self.url.database}"

    @property
    def plain(self) -> str:
        options = {{"ssl": "sslmode"}.get(name, name): value for name, value in self.url.query.items()}
        own = self.url
        url = sa.URL.create("postgresql", own.username, None, own.host, own.port, own.database, options)
        return url.render_as_string(hide_password=False)

    @property
    def password(self) -> str | None:
        return None if self.url.password is None else str(self.url.password)
