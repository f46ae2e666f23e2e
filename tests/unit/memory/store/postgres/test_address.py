from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

import pytest
from sqlalchemy.dialects.postgresql.asyncpg import dialect

from memory.errors import StoreUnavailable
from memory.store.postgres.address import Address


def test_what_is_shown_holds_no_secret() -> None:
    address = Address.of("postgresql://ada:s3cret@db.example:5433/everbot?sslmode=require")
    assert address.shown == "postgresql://db.example:5433/everbot"
    assert address.plain == "postgresql://ada@db.example:5433/everbot?sslmode=require"
    assert address.password == "s3cret"
    assert address.url.query == {"ssl": "require"}
    assert address.url.drivername == "postgresql+asyncpg"


def test_a_socket_is_a_host() -> None:
    address = Address.of("postgres://ada@/everbot?host=/run/postgresql")
    assert address.shown == "postgresql:///run/postgresql/everbot"
    assert address.password is None


def test_several_hosts_are_tried_in_their_order() -> None:
    address = Address.of("postgresql://ada:s3cret@one:5433,two/everbot?target_session_attrs=read-write")
    assert address.shown == "postgresql://one:5433,two:5432/everbot"
    assert address.password == "s3cret"
    given: dict[str, object] = dialect().create_connect_args(address.url)[1]  # type: ignore[no-untyped-call]
    assert (given["host"], given["port"]) == (["one", "two"], [5433, 5432])
    assert given["target_session_attrs"] == "read-write"
    known = dict(parse_qsl(urlsplit(address.plain).query))
    assert known == {"host": "one,two", "port": "5433,5432", "target_session_attrs": "read-write"}
    assert address.plain.startswith("postgresql://ada@/everbot?")


@pytest.mark.parametrize(
    "text", ["", "everbot.db", "mysql://ada@db/everbot", "postgresql://db", "postgresql://db:port/x"]
)
def test_what_is_no_address_is_refused_with_the_settings_name(text: str) -> None:
    with pytest.raises(StoreUnavailable, match=r"store\.url.*EVERBOT_STORE__URL.*postgresql://"):
        Address.of(text)


def test_an_option_that_asyncpg_does_not_know() -> None:
    with pytest.raises(StoreUnavailable, match=r"not known: channel_binding"):
        Address.of("postgresql://db/everbot?channel_binding=require")
