"""Where a PostgreSQL database is, and who asks there."""

from __future__ import annotations

import re
from dataclasses import dataclass

import sqlalchemy as sa

from memory.errors import StoreUnavailable

_SCHEMES = ("postgresql", "postgres")
_HOSTS = re.compile(r"^(\w+://(?:[^@/?]*@)?)([^@/?]*,[^@/?]*)([^?]*)\??(.*)$")  # more than one
_OPTIONS = {"host", "port", "passfile", "ssl", "target_session_attrs"}  # what asyncpg takes of them


@dataclass(frozen=True)
class Address:
    """``url`` is SQLAlchemy's; ``plain`` what PostgreSQL's own programs take, without the password. There may be
    several hosts, which are tried in their order."""

    url: sa.URL

    @classmethod
    def of(cls, text: str) -> Address:
        """Raises `StoreUnavailable` when it is none."""
        try:
            url = sa.make_url(_HOSTS.sub(_as_options, text))
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
        hosts = _listed(self.url.query.get("host", self.url.host or "localhost"))
        port = f":{self.url.port}" if self.url.port else ""
        return f"postgresql://{','.join(hosts)}{port}/{self.url.database}"

    @property
    def plain(self) -> str:
        options = {{"ssl": "sslmode"}.get(name, name): value for name, value in self.url.query.items()}
        own, hosts = self.url, _listed(options.get("host", ()))
        if len(hosts) > 1:
            parts = [host.rpartition(":") for host in hosts]
            options |= {"host": ",".join(p[0] for p in parts), "port": ",".join(p[2] for p in parts)}
        url = sa.URL.create("postgresql", own.username, None, own.host, own.port, own.database, options)
        return url.render_as_string(hide_password=False)

    @property
    def password(self) -> str | None:
        return None if self.url.password is None else str(self.url.password)


def _as_options(found: re.Match[str]) -> str:
    """Several hosts, as libpq has them, are several options of SQLAlchemy's."""
    before, hosts, path, options = found.groups()
    each = [host if re.search(r":\d+$", host) else f"{host}:5432" for host in hosts.split(",")]
    return f"{before}{path}?{'&'.join([*(f'host={host}' for host in each), *filter(None, [options])])}"


def _listed(value: str | tuple[str, ...]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)
