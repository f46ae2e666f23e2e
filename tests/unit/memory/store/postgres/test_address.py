from __future__ import annotations

import pytest

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


@pytest.mark.parametrize(
    "text", ["", "everbot.db", "mysql://ada@db/everbot", "postgresql://db", "postgresql://db:port/x"]
)
def test_what_is_no_address_is_refused_with_the_settings_name(text: str) -> None:
    with pytest.raises(StoreUnavailable, match=r"store\.url.*EVERBOT_STORE__URL.*postgresql://"):
        Address.of(text)


def test_an_option_that_asyncpg_does_not_know() -> None:
    with pytest.raises(StoreUnavailable, match=r"not known: channel_binding"):
        Address.of("postgresql://db/everbot?channel_binding=require")
