"""Each complaint becomes one sentence that says what is to be done."""

from __future__ import annotations

import asyncpg
import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from memory.errors import StoreUnavailable
from memory.store.postgres.address import Address
from memory.store.postgres.refusals import mapped, sentence

ADDRESS = Address.of("postgresql://ada:s3cret@db.example/everbot")


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (asyncpg.InvalidPasswordError("password authentication failed"), "does not let ada in"),
        (asyncpg.InvalidAuthorizationSpecificationError("no entry"), "does not let ada in"),
        (asyncpg.InvalidCatalogNameError("no such database"), "createdb everbot"),
        (
            asyncpg.InsufficientPrivilegeError("permission denied for schema public"),
            "Let it own the database",
        ),
        (asyncpg.ReadOnlySQLTransactionError("cannot execute INSERT"), "a replica"),
        (asyncpg.DiskFullError("could not extend file"), "disk is full"),
        (asyncpg.TooManyConnectionsError("sorry"), "max_connections"),
        (asyncpg.CannotConnectNowError("the database system is starting up"), "starting or stopping"),
        (asyncpg.AdminShutdownError("terminating connection"), "starting or stopping"),
        (asyncpg.LockNotAvailableError("canceling statement"), "keeps it waiting"),
        (asyncpg.DeadlockDetectedError("deadlock detected"), "tried again"),
        (asyncpg.UndefinedTableError('relation "x" does not exist'), 'answered: relation "x"'),
        (asyncpg.InterfaceError("connection is closed"), "cannot be reached"),
        (ConnectionRefusedError(111, "Connection refused"), "Start it, or mend store.url"),
        (TimeoutError(), "does not answer"),
    ],
)
async def test_a_sentence_for_the_operator(error: Exception, told: str) -> None:
    with pytest.raises(StoreUnavailable) as caught:
        async with mapped(ADDRESS):
            raise error
    text = str(caught.value)
    assert told in text
    assert text.startswith("postgresql://db.example/everbot: ")
    assert text.endswith(".")
    assert "s3cret" not in text


async def test_what_sqlalchemy_wraps_is_told_as_the_server_said_it() -> None:
    own = RuntimeError("adapted")
    own.__cause__ = asyncpg.DiskFullError("could not extend file")
    with pytest.raises(StoreUnavailable, match="disk is full"):
        async with mapped(ADDRESS):
            raise DBAPIError("INSERT", {"text": "private"}, own)


async def test_a_broken_rule_of_a_table_is_no_fault_of_the_database() -> None:
    with pytest.raises(sa.exc.IntegrityError):
        async with mapped(ADDRESS):
            raise asyncpg.UniqueViolationError("duplicate key")


def test_a_message_of_many_lines_is_one_sentence() -> None:
    told = sentence(asyncpg.PostgresError("first.\nsecond."), ADDRESS)
    assert told == "postgresql://db.example/everbot: the database answered: first. second."
