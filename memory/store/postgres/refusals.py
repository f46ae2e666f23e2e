"""What PostgreSQL and the way to it complain of, as sentences for the operator."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from memory.errors import StaleAgent, StoreUnavailable
from memory.store.postgres.address import Address

# The last is what asyncpg says of a connection that was cut at the wrong moment.
_LOST = (OSError, TimeoutError, asyncpg.InterfaceError, asyncpg.InternalClientError)
_GONE = "what it hangs on was deleted by another process."
_SETTING = "store.url (EVERBOT_STORE__URL)"


@asynccontextmanager
async def mapped(address: Address) -> AsyncIterator[None]:
    """Raises `StoreUnavailable`; `StaleAgent` for what hangs on what another process has deleted;
    `sqlalchemy.exc.IntegrityError` for what else breaks a rule of a table."""
    try:
        yield
    except DBAPIError as error:
        if isinstance(_origin(error), asyncpg.ForeignKeyViolationError):
            raise StaleAgent(_GONE) from error
        if isinstance(error, sa.exc.IntegrityError):
            raise
        raise StoreUnavailable(sentence(_origin(error), address)) from error
    except asyncpg.ForeignKeyViolationError as error:
        raise StaleAgent(_GONE) from error
    except asyncpg.IntegrityConstraintViolationError as error:
        raise sa.exc.IntegrityError("", None, error) from error
    except (*_LOST, asyncpg.PostgresError) as error:
        raise StoreUnavailable(sentence(error, address)) from error


def _origin(error: DBAPIError) -> BaseException:
    """What asyncpg said."""
    own = error.orig or error
    return own.__cause__ or own


def sentence(error: BaseException, address: Address) -> str:
    return f"{address.shown}: {_why(error, address)}."


def _why(error: BaseException, address: Address) -> str:
    user, database = address.url.username, address.url.database
    match error:
        case asyncpg.InvalidPasswordError() | asyncpg.InvalidAuthorizationSpecificationError():
            return f"it does not let {user or 'this user'} in. Mend user and password in {_SETTING}"
        case asyncpg.InvalidCatalogNameError():
            return f"there is no database {database}. Make it (createdb {database}), or mend {_SETTING}"
        case asyncpg.InsufficientPrivilegeError():
            return f"{user or 'this user'} may not do what is needed there ({_said(error)}). Let it own the database"
        case asyncpg.ReadOnlySQLTransactionError():
            return f"it is for reading only: a replica? Name the primary in {_SETTING}"
        case asyncpg.DiskFullError():
            return "its disk is full. Free some space there"
        case asyncpg.TooManyConnectionsError():
            return "it has no connection free. Raise its max_connections, or let fewer processes use it"
        case asyncpg.CannotConnectNowError() | asyncpg.AdminShutdownError() | asyncpg.CrashShutdownError():
            return f"it is starting or stopping ({_said(error)}). Nothing is lost; it is asked again"
        case asyncpg.LockNotAvailableError() | asyncpg.QueryCanceledError():
            return f"another program keeps it waiting ({_said(error)}). Find out which holds its locks"
        case asyncpg.DeadlockDetectedError() | asyncpg.SerializationError():
            return f"two processes wanted the same rows ({_said(error)}). It is tried again"
        case TimeoutError():
            return f"it does not answer. See whether it runs and can be reached, or mend {_SETTING}"
        case (
            OSError()
            | asyncpg.InterfaceError()
            | asyncpg.InternalClientError()
            | asyncpg.PostgresConnectionError()
        ):
            return f"it cannot be reached ({_said(error)}). Start it, or mend {_SETTING}"
    return f"the database answered: {_said(error)}"


def _said(error: BaseException) -> str:
    text = " ".join(str(error).split()).rstrip(".")
    return text or type(error).__name__
